"""A worker that an orchestrator runs: it says that it lives and is ready, and leaves when asked."""

from __future__ import annotations

import socket
import time
from http.client import HTTPConnection
from pathlib import Path

from running import start, stop, wait_for


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(port: int, path: str) -> int:
    """The status of an answer, 0 where nobody answers."""
    client = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        client.request("GET", path)
        return client.getresponse().status
    except OSError:
        return 0
    finally:
        client.close()


def test_a_worker_is_alive_then_ready_and_gone_within_the_grace(tmp_path: Path) -> None:
    port = _free_port()
    worker = start(
        "work", "enricher", "--data", tmp_path, "--health", port, log=tmp_path / "stderr"
    )
    try:
        wait_for(lambda: asked(port, "/healthz") == 200)
        wait_for(lambda: asked(port, "/readyz") == 200)
        assert asked(port, "/") == 404
        asked_at = time.monotonic()
        assert stop(worker) == 0
        assert time.monotonic() - asked_at < 25
        assert asked(port, "/healthz") == 0
    finally:
        worker.kill()
        worker.wait()
