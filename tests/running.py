"""Runs newsmill as a user does, in processes of its own, and reads what came of it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from newsmill import bus
from newsmill.topics import ENRICHED

NEWSMILL = (sys.executable, "-m", "newsmill")


def environment(**settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NEWSMILL_")}
    return kept | {f"NEWSMILL_{name.upper()}": value for name, value in settings.items()}


def newsmill(
    *words: object, stdin: bytes = b"", timeout: float = 90, **settings: str
) -> subprocess.CompletedProcess[bytes]:
    """One command, to its end."""
    return subprocess.run(
        [*NEWSMILL, *map(str, words)],
        input=stdin,
        capture_output=True,
        timeout=timeout,
        env=environment(**settings),
        check=False,
    )


def into_head(*words: object, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """One command whose reader takes a line and goes; the exit code is its own."""
    pipe = f"set -o pipefail; {shlex.join([*NEWSMILL, *map(str, words)])} | head -n 1"
    return subprocess.run(
        ["bash", "-c", pipe], env=environment(**settings), capture_output=True, check=False
    )


_started: list[subprocess.Popen[bytes]] = []


def start(*words: object, log: Path, **settings: str) -> subprocess.Popen[bytes]:
    """A command that goes on, its standard error in ``log``; at most until the test ends."""
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*NEWSMILL, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment(**settings),
        )
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what was started and still runs: a test that failed may have left it."""
    while _started:
        process = _started.pop()
        process.kill()
        process.wait(10)


def stop(process: subprocess.Popen[bytes], timeout: float = 30) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout)


def log_lines(directory: Path) -> list[dict[str, Any]]:
    """All lines of the logs of a lane, in the order of time."""
    lines = []
    for path in sorted(directory.glob("*.jsonl*")):
        for raw in path.read_bytes().splitlines():
            try:
                lines.append(json.loads(raw))
            except json.JSONDecodeError:
                continue
    return sorted(lines, key=lambda line: str(line["ts"]))


def export(data: Path, lane: str = "live") -> list[dict[str, Any]]:
    done = newsmill("export", "--data", data, "--lane", lane)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def wait_for(condition: Any, timeout: float = 30, every: float = 0.05) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(every)


def enriched(data: Path) -> Counter[tuple[str, str, str | None]]:
    """Every (page id, revision, fetched) on the enriched topic, with how often it stands there."""
    opened = bus.connect(f"file:{data / 'bus'}", "live")
    try:
        values = [
            json.loads(record.value or b"{}")
            for partition in range(ENRICHED.partitions)
            for record in opened.scan(ENRICHED, partition)
        ]
    finally:
        opened.close()
    return Counter((v["page_id"], v["revision"], v["fetched"]) for v in values)
