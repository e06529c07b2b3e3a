"""The supervisor and real worker processes: back-off, misconfiguration, stops, and exit codes."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsmill import bus
from newsmill.bus.base import Output
from newsmill.cli.watch import Watch
from newsmill.errors import Misconfigured
from newsmill.process.host import EXIT_FUSE
from newsmill.process.pages import page_output
from newsmill.process.settings import Settings
from newsmill.process.supervisor import Supervisor
from newsmill.process.telemetry import Telemetry
from newsmill.records import Article, Page, encode
from newsmill.topics import ARTICLES, DEAD, ENRICHED
from running import start, wait_for


class Run:
    """A supervisor over a folder, with the lines of its workers."""

    def __init__(self, data: Path, *roles: str, **settings: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        self.log = Telemetry("run", directory=data / "run-log", fd=1 << 20, human=False)
        self.settings = Settings(data=data, heartbeat_s=0.2, **settings)
        self.supervisor = Supervisor(
            self.settings,
            [(role, 0) for role in roles],
            self.log,
            lambda raw, line: self.lines.append(line),
        )

    def turn_until(self, condition: Any, within_s: float = 15) -> None:
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            self.supervisor.turn(0.05)

    def count(self, event: str) -> int:
        return sum(line.get("event") == event for line in self.lines)

    def stop(self) -> float:
        started = time.monotonic()
        self.supervisor.stop()
        self.log.close()
        return time.monotonic() - started


def test_a_worker_that_dies_is_started_again_ever_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSMILL_CRASH_AT", "after_poll")
    run = Run(tmp_path, "enricher")
    run.supervisor.start()
    (worker,) = run.supervisor.workers
    run.turn_until(lambda: worker.failures == 2)
    assert worker.exit_code == -signal.SIGKILL
    assert worker.backoff_s == pytest.approx(0.3 * 2**2)
    run.stop()


def test_a_blown_fuse_burns_no_more_letters_at_every_start_and_waits_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsmill.process.supervisor.FIRST_FUSE_S", 0.4)
    run = Run(tmp_path, "enricher")
    with closing(bus.connect(run.settings.bus_url, "live")) as opened:
        opened.create()
        member = opened.join("publisher", [])
        outputs = [Output(topic=ARTICLES, key=b"%d" % n, value=b"none", routing=f"{n}")
                   for n in range(1200)]  # fmt: skip
        member.commit(outputs, [], {})
        member.leave()

        def dead() -> int:
            return sum(1 for p in range(DEAD.partitions) for _ in opened.scan(DEAD, p))

        run.supervisor.start()
        (worker,) = run.supervisor.workers
        run.turn_until(lambda: worker.fuses == 1)
        first = dead()
        assert worker.exit_code == EXIT_FUSE
        run.turn_until(lambda: worker.fuses == 3)
        assert dead() - first <= 2 * 50  # a step each
        ends = [orjson.loads(line) for path in (tmp_path / "run-log").glob("*.jsonl")
                for line in path.read_bytes().splitlines()]  # fmt: skip
        assert [end["after_s"] for end in ends] == pytest.approx([0.4, 0.8, 1.6])
        assert "its fuse blew: 200 of the last 200 records died" in ends[0]["detail"]
        assert "20 of the last 20 records died, the last of decode" in ends[1]["detail"]
    run.stop()


def test_a_worker_that_hangs_is_killed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsmill.process.supervisor.SILENT_S", 4.0)
    run = Run(tmp_path, "enricher")
    run.supervisor.start()
    (worker,) = run.supervisor.workers
    run.turn_until(lambda: worker.beats > 2)
    stopped = worker.process
    assert stopped is not None
    time.sleep(5)  # of ours: what it wrote meanwhile counts
    run.turn_until(lambda: worker.beats > 8)
    assert worker.process is stopped
    stopped.send_signal(signal.SIGSTOP)
    run.turn_until(lambda: worker.exit_code == -signal.SIGKILL)
    before = worker.beats
    run.turn_until(lambda: worker.beats > before)
    assert worker.process is not stopped
    run.stop()
    told = b"".join(path.read_bytes() for path in (tmp_path / "run-log").glob("*.jsonl"))
    assert b"it hung: no word for 4 s" in told


def test_a_worker_of_few_words_still_tells_that_it_lives(tmp_path: Path) -> None:
    run = Run(tmp_path, "enricher", log_level="error")
    run.supervisor.start()
    (worker,) = run.supervisor.workers
    run.turn_until(lambda: worker.beats > 1)
    run.stop()
    assert {line["event"] for line in run.lines} == {"worker.heartbeat"}


def test_a_misconfigured_worker_ends_the_run_with_its_own_words(tmp_path: Path) -> None:
    run = Run(tmp_path, "enricher", bus="nats://nowhere")
    run.supervisor.start()
    with pytest.raises(Misconfigured, match="nats://nowhere") as caught:
        run.turn_until(lambda: False)
    assert "\n" not in str(caught.value)
    run.stop()


def test_a_stop_drains_and_a_straggler_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsmill.process.supervisor.STOP_S", 1.0)
    run = Run(tmp_path, "enricher", "archiver")
    run.supervisor.start()
    run.turn_until(lambda: all(worker.beats for worker in run.supervisor.workers))
    stopped = run.supervisor.workers[0].process
    assert stopped is not None
    stopped.send_signal(signal.SIGSTOP)
    assert run.stop() < 4
    assert run.count("worker.stop") == 1
    assert stopped.returncode == -signal.SIGKILL


def test_a_second_sigterm_ends_a_worker_at_once_and_its_busy_child_too(tmp_path: Path) -> None:
    log = tmp_path / "err"
    data = tmp_path / "data"
    worker = start("work", "extractor", "--data", data, log=log, heartbeat_s="0.2", children="1")
    try:
        wait_for(lambda: events(log, "worker.heartbeat"))
        children = _descendants(worker.pid)
        assert len(children) >= 2  # the fork server and a child of it
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        with closing(bus.connect(f"file:{data / 'bus'}", "live")) as opened:
            publish_page(opened)
        wait_for(lambda: b'"in_flight":1' in events(log, "worker.heartbeat")[-1])
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert worker.poll() is None, "it drains"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(2) == 128 + signal.SIGTERM
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        wait_for(lambda: not any(map(_lives, children)), 5)
    finally:
        worker.kill()
        worker.wait()


def publish_page(opened: Any) -> None:
    page = Page(page_id="0" * 32, url="http://a.example/")
    member = opened.join("publisher", [])
    member.commit([page_output(page, b"<p>text</p>")], [], {})
    member.leave()


def _descendants(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                child = int(path.parent.name)
                found += [child, *_descendants(child)]
    return found


def events(log: Path, event: str) -> list[bytes]:
    mark = f'"event":"{event}"'.encode()
    return [line for line in log.read_bytes().splitlines() if mark in line]


def test_a_worker_leaves_soon_on_sigterm_with_its_children(tmp_path: Path) -> None:
    log = tmp_path / "err"
    worker = start(
        "work", "extractor", "--data", tmp_path / "data", log=log, heartbeat_s="0.2", children="1"
    )
    wait_for(lambda: events(log, "worker.heartbeat"))
    for _ in range(2):  # start a profile, and write it
        worker.send_signal(signal.SIGUSR2)
        time.sleep(0.2)
    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    made = {path.stem for path in (tmp_path / "data" / "logs").glob("profile-*.svg")}
    assert f"profile-{worker.pid}" in made
    assert len(made) == 2  # of its child, too
    assert time.monotonic() - started < 3
    assert b'"exit_code":0' in events(log, "worker.stop")[0]


def test_workers_die_with_the_run_that_started_them(tmp_path: Path) -> None:
    log = tmp_path / "err"
    data = tmp_path / "data"
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("http://127.0.0.1:9/feed\n")
    run = start("run", "--data", data, "--feeds", feeds, log=log, heartbeat_s="0.2",
                allow_private="true", contact="me@site.example")  # fmt: skip
    wait_for(lambda: len(events(log, "worker.start")) == 5)
    pids = [int(line.split(b'"pid":')[1].split(b",")[0]) for line in events(log, "worker.start")]
    run.kill()
    run.wait()
    wait_for(lambda: not any(map(_lives, pids)), 15)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def article(number: int, version: int = 1) -> bytes:
    page_id = f"{number:032x}"
    url = f"http://a.example/{number}"
    record = Article(
        v=version, id=page_id, page_id=page_id, revision=f"{number:032x}", url=url,
        canonical_url=url, title="A title", text="Some words of a text that is in English.",
        fetched="2026-01-01T00:00:00Z",
    )  # fmt: skip
    return encode(record)


def test_a_record_of_the_future_holds_its_partition_and_a_run_that_is_to_end_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("newsmill.cli.watch.STUCK_S", 1.5)
    settings = Settings(data=tmp_path, once=True)
    opened = bus.connect(settings.bus_url, settings.lane)
    opened.create()
    publisher = opened.join("publisher", [])
    values = [article(0, version=2), *(article(number) for number in range(1, 40))]
    publisher.commit(
        [
            Output(topic=ARTICLES, key=f"{n:032x}".encode(), value=v, routing=f"{n:032x}")
            for n, v in enumerate(values)
        ],
        [],
        {},
    )
    publisher.leave()
    watch = Watch(settings, opened, [("enricher", 0), ("archiver", 0)])
    assert watch.run() == 1
    written = capfd.readouterr().err
    assert "is held at offset 0: article of version 2" in written
    held = next(
        record.partition
        for number in range(ARTICLES.partitions)
        for record in opened.scan(ARTICLES, number)
        if record.key == b"0" * 32
    )
    lags = {lag.place.partition: lag.waiting for lag in opened.lag(["enricher"])}
    assert all(not waiting for number, waiting in lags.items() if number != held)
    assert lags[held] > 0
    passed = sum(1 for n in range(ENRICHED.partitions) for _ in opened.scan(ENRICHED, n))
    assert passed == 40 - lags[held]
    opened.close()


def test_a_run_that_is_to_end_and_crashes_for_ever_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEWSMILL_CRASH_AT", "after_poll")
    monkeypatch.setattr("newsmill.cli.watch.STUCK_S", 1.0)
    monkeypatch.setattr("newsmill.cli.watch.CRASHES", 2)
    settings = Settings(data=tmp_path, once=True)
    opened = bus.connect(settings.bus_url, settings.lane)
    opened.create()
    assert Watch(settings, opened, [("enricher", 0)]).run() == 1
    assert "enricher ends again and again, exit code -9" in capfd.readouterr().err
    opened.close()
