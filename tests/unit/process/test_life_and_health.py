"""How a worker's process shows that it lives, counts, and stops when too much dies."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import orjson
import pytest

from newsmill.errors import Misconfigured
from newsmill.process.health import DEADLINE_S, Health
from newsmill.process.life import (
    FUSE_TRIAL,
    FUSE_WINDOW,
    MORE_FDS,
    OUR_FAULTS,
    Fuse,
    FuseBlown,
    Life,
)
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Telemetry]:
    log = Telemetry("extractor", directory=tmp_path, fd=1 << 20, human=False)
    yield log
    log.close()


def ask(port: int | None, path: str) -> int:
    client = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        client.request("GET", path)
        return client.getresponse().status
    finally:
        client.close()


def test_healthz_is_fine_while_the_loop_turns_and_not_when_it_stalls(log: Telemetry) -> None:
    life = Life(log)
    with Health(life, 0) as health:
        assert ask(health.port, "/healthz") == 200
        life.last_turn = time.monotonic() - DEADLINE_S - 1
        assert ask(health.port, "/healthz") == 503
        life.turned(dict)
        assert ask(health.port, "/healthz") == 200


def test_readyz_is_fine_from_the_first_turn_until_the_stop(log: Telemetry) -> None:
    life = Life(log)
    with Health(life, 0) as health:
        assert ask(health.port, "/readyz") == 503
        life.turned(dict)
        assert ask(health.port, "/readyz") == 200
        life.stop()
        assert ask(health.port, "/readyz") == 503
        assert ask(health.port, "/other") == 404


def test_without_a_port_nothing_is_served(log: Telemetry) -> None:
    with Health(Life(log), None) as health:
        assert health.port is None


def test_a_port_that_is_taken_is_said_in_one_line(log: Telemetry) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"health: port {port}: "):
            Health(Life(log), port)


def test_a_heartbeat_comes_when_it_is_due_and_no_sooner(log: Telemetry, tmp_path: Path) -> None:
    life = Life(log, heartbeat_s=0.05)
    life.turned(lambda: {"idle": True})
    time.sleep(0.06)
    for _ in range(100):
        life.turned(lambda: {"idle": True})
    lines = [orjson.loads(raw) for raw in (tmp_path / "extractor-0.jsonl").read_bytes().split()]
    assert [line["event"] for line in lines] == ["worker.heartbeat"]
    assert lines[0]["rss_mb"] > 1
    assert lines[0]["fds"] > 1


def test_the_fuse_blows_past_its_share_of_a_full_window_only(log: Telemetry) -> None:
    dead, fine = Result(outcome="dead", reason="not_html"), Result(outcome="published")
    fuse = Fuse(log, 0.5)
    for number in range(3 * FUSE_WINDOW):
        fuse.watch([dead if number % 2 else fine])
    early = Fuse(log, 0.5)
    early.watch([dead] * (FUSE_WINDOW - 1))
    with pytest.raises(FuseBlown, match="200 of the last 200 records died"):
        early.watch([dead])


def test_a_fuse_on_trial_blows_after_a_few_and_is_as_any_other_once_it_held(
    log: Telemetry,
) -> None:
    dead, fine = Result(outcome="dead", reason="bug"), Result(outcome="published")
    tried = Fuse(log, 0.5, on_trial=True)
    tried.watch([dead] * (FUSE_TRIAL - 1))
    with pytest.raises(FuseBlown, match="20 of the last 20 records died"):
        tried.watch([dead])
    held = Fuse(log, 0.5, on_trial=True)
    held.watch([fine] * FUSE_WINDOW)
    held.watch([dead] * (FUSE_WINDOW // 2))
    with pytest.raises(FuseBlown, match="101 of the last 200 records died"):
        held.watch([dead])


def test_a_fuse_may_count_our_own_faults_alone(log: Telemetry) -> None:
    fuse = Fuse(log, 0.5, blame=OUR_FAULTS)
    fuse.watch([Result(outcome="dead", reason="http_status")] * 3 * FUSE_WINDOW)
    with pytest.raises(FuseBlown):
        fuse.watch([Result(outcome="dead", reason="bug")] * FUSE_WINDOW)


def test_sockets_that_hang_in_cycles_are_let_go_while_a_worker_idles(log: Telemetry) -> None:
    class Attempt:
        def __init__(self) -> None:
            self.me = self
            self.line = socket.socket()

        def __del__(self) -> None:
            self.line.close()

    life = Life(log, heartbeat_s=0.001)
    time.sleep(0.002)
    life.turned(dict)
    before = life.vitals()["fds"]
    gc.disable()
    try:
        for _ in range(MORE_FDS + 10):
            Attempt()
        assert life.vitals()["fds"] > before + MORE_FDS
        time.sleep(0.002)
        life.turned(dict)
        assert life.vitals()["fds"] <= before
    finally:
        gc.enable()
