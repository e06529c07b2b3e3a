"""A service manager is told that a worker is ready, that it turns, and when it has hung."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsmill.process.health import DEADLINE_S
from newsmill.process.life import Life
from newsmill.process.notify import Notify
from newsmill.process.telemetry import Telemetry


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Telemetry]:
    log = Telemetry("extractor", directory=tmp_path, fd=1 << 20, human=False)
    yield log
    log.close()


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with (
        tempfile.TemporaryDirectory() as folder,  # short: the path of a socket has 108 bytes
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
    ):
        listening.bind(f"{folder}/notify")
        listening.settimeout(5)
        yield listening


def told(manager: socket.socket, within_s: float) -> set[bytes]:
    """What comes in a time, empty where nothing does."""
    found = set()
    end = time.monotonic() + within_s
    manager.settimeout(within_s)
    while time.monotonic() < end:
        try:
            found.add(manager.recv(100))
        except TimeoutError:
            break
    return found


def test_a_worker_is_ready_when_it_has_turned_and_silent_when_it_hangs(
    log: Telemetry, manager: socket.socket
) -> None:
    life = Life(log)
    watched = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "150000"}
    with Notify(life, watched):
        assert told(manager, 0.3) == set()
        life.turned(dict)
        assert told(manager, 0.5) == {b"READY=1", b"WATCHDOG=1"}
        life.last_turn = time.monotonic() - DEADLINE_S - 1
        told(manager, 0.2)  # what was on its way
        assert told(manager, 0.3) == set()
        life.stop()
        assert told(manager, 0.3) == {b"STOPPING=1"}


def test_a_manager_that_is_gone_costs_a_worker_nothing(log: Telemetry, tmp_path: Path) -> None:
    life = Life(log)
    with Notify(life, {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "30000"}):
        life.turned(dict)
        time.sleep(0.1)


def test_without_a_manager_nothing_is_started(log: Telemetry) -> None:
    import threading

    before = threading.active_count()
    with Notify(Life(log), {}):
        assert threading.active_count() == before
