"""Two runs on one folder: the second is refused while the first lives, dying too, and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from running import log_lines, newsmill, start, stop, wait_for

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Callable[[], subprocess.Popen[bytes]]:
    """Starts runs of one folder."""
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("http://127.0.0.1:9/feed\n")
    runs: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        words = ("run", "--data", tmp_path / "data", "--feeds", feeds)
        settings = {"allow_private": "true", "contact": "me@site.example", "heartbeat_s": "0.3"}
        runs.append(start(*words, log=tmp_path / f"err{len(runs)}", **settings))
        return runs[-1]

    return run


def started(data: Path, event: str) -> dict[int, str]:
    """The processes that ever said so there: what each is, by its pid."""
    lines = [line for line in log_lines(data / "logs") if line["event"] == event]
    return {line["pid"]: line["service"] for line in lines}


def is_refused(data: Path) -> bool:
    """Whether another run is, in one line."""
    done = newsmill("run", "--data", data)
    said = done.stderr.decode()
    return (
        done.returncode == 2
        and said.count("\n") == 1
        and "another newsmill run works in it" in said
    )


def test_a_second_run_is_refused_while_the_first_lives_or_is_dying_and_starts_after_its_death(
    run: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    first = run()
    wait_for(lambda: "enricher" in started(data, "worker.start").values())
    assert is_refused(data)

    of_first = started(data, "worker.start")
    straggler = next(pid for pid, role in of_first.items() if role == "enricher")
    os.kill(straggler, signal.SIGSTOP)  # so that the first has somebody to wait for
    first.send_signal(signal.SIGTERM)
    wait_for(lambda: started(data, "worker.stop"))
    assert is_refused(data)
    assert first.poll() is None

    first.kill()  # in the middle of it all, and its straggler lives on
    first.wait()
    second = run()
    wait_for(lambda: second.pid in started(data, "run.start"))
    os.kill(straggler, signal.SIGCONT)
    wait_for(lambda: not Path(f"/proc/{straggler}/cmdline").exists())
    assert second.poll() is None
    assert stop(second, 40) == 0
