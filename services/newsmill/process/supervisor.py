"""Runs workers as processes on this machine, starts again those that die, and reads their logs.

The supervisor knows its workers by their log lines alone, as any operator would: heartbeats tell it
what is idle, the bus tells it what is through.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from newsmill.bus import environment as of_kafka
from newsmill.errors import Misconfigured
from newsmill.process.host import EXIT_FUSE, EXIT_MISCONFIGURED
from newsmill.process.life import PARENT, TRIAL
from newsmill.process.settings import Settings, as_environment
from newsmill.process.telemetry import Telemetry

FIRST_BACKOFF_S = 0.3
LONGEST_BACKOFF_S = 30.0
HEALTHY_S = 60.0  # a worker that lived so long is started again at once
FIRST_FUSE_S = 60.0  # after a blown fuse, doubled each time: somebody has to look first
LONGEST_FUSE_S = 3600.0
FUSE_HEALTHY_S = 900.0
SILENT_S = 300.0  # and ten heartbeats: a worker that says nothing for so long hangs
STOP_S = 30.0
MAX_LINE = 1 << 20  # bytes; a longer one is cut in pieces
MAX_LINES = 20_000  # not yet taken: past them a worker's standard error waits, and loses lines

Line = dict[str, Any]


@dataclass(slots=True)
class Worker:
    """A worker process, and what its log last said."""

    role: str
    slot: int
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    heard: float = 0.0  # when it last wrote anything
    backoff_s: float = FIRST_BACKOFF_S
    heartbeat: Line = field(default_factory=dict)
    beats: int = 0
    failures: int = 0  # ends in a row, none of which came after a healthy life
    fuses: int = 0  # ends by a blown fuse in a row
    exit_code: int | None = None  # of the last end
    last_words: str = ""  # the last line that was no log line: why it could not start

    @property
    def name(self) -> tuple[str, int]:
        """Role and slot."""
        return self.role, self.slot


class Supervisor:
    """Keeps the workers of one run alive; ``turn`` is called until the run is over."""

    def __init__(
        self,
        settings: Settings,
        roles: Sequence[tuple[str, int]],
        log: Telemetry,
        on_line: Callable[[bytes, Line], None],
        *,
        commands: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._log = log
        self._on_line = on_line
        self._silent_s = max(SILENT_S, 10 * settings.heartbeat_s)
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("NEWSMILL_")},
            **of_kafka.told_on(os.environ),
            **as_environment(settings),
            PARENT: str(os.getpid()),
        }
        if crash := os.environ.get("NEWSMILL_CRASH_AT"):
            self._environment["NEWSMILL_CRASH_AT"] = crash
        self._lines: queue.Queue[tuple[Worker, bytes]] = queue.Queue(MAX_LINES)
        commands = commands or {}
        self.workers = [
            Worker(role, slot, tuple(commands.get(role, ("work", role)))) for role, slot in roles
        ]

    def start(self) -> None:
        """Start every worker."""
        for worker in self.workers:
            self._start(worker)

    def _start(self, worker: Worker) -> None:
        command = [sys.executable, "-m", "newsmill", *worker.command, "--slot", str(worker.slot)]
        worker.process = subprocess.Popen(
            command,
            env=self._environment | ({TRIAL: "1"} if worker.fuses else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to hand on
        )
        worker.started = worker.heard = time.monotonic()
        worker.heartbeat = {}
        if worker.process.stderr is not None:
            reader = (worker, worker.process.stderr)
            threading.Thread(target=self._read, args=reader, daemon=True).start()

    def _read(self, worker: Worker, pipe: BinaryIO) -> None:
        with pipe:
            while line := pipe.readline(MAX_LINE):
                worker.heard = time.monotonic()  # not when it is taken: we may be the slow ones
                self._lines.put((worker, line))

    def turn(self, timeout_s: float) -> None:
        """Take what the workers wrote, and start again those that died.

        Raises Misconfigured with the words of a worker that says it was started wrongly.
        """
        self._listen(timeout_s)
        for worker in self.workers:
            self._look_after(worker)

    def _listen(self, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                worker, line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            self._take(worker, line)

    def _take(self, worker: Worker, line: bytes) -> None:
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError:
            worker.last_words = line.decode("utf-8", "replace").strip() or worker.last_words
            fields = None
        if not isinstance(fields, dict):
            self._on_line(line, {})
            return
        if fields.get("event") == "worker.heartbeat":
            worker.heartbeat = fields
            worker.beats += 1
        elif fields.get("event") == "fuse.blown":
            worker.last_words = f"its fuse blew: {fields.get('why')}"
        self._on_line(line, fields)

    def _look_after(self, worker: Worker) -> None:
        now = time.monotonic()
        if worker.process is None:
            if now >= worker.start_at:
                self._start(worker)
            return
        code = worker.process.poll()
        if code is None:
            if now - worker.heard > self._silent_s:
                worker.heard = now
                worker.last_words = f"it hung: no word for {self._silent_s:.0f} s"
                worker.process.kill()
            return
        worker.process = None
        worker.heartbeat = {}
        worker.exit_code = code
        if code == EXIT_MISCONFIGURED:
            self._drain_lines()
            raise Misconfigured(worker.last_words.removeprefix("newsmill: "))
        after_s = _back_off(worker, now - worker.started)
        worker.start_at = now + after_s
        self._log.event(
            "worker.exit",
            role=worker.role,
            exit_code=code,
            after_s=after_s,
            detail=worker.last_words or None,
        )
        worker.last_words = ""

    def _drain_lines(self) -> None:
        self._listen(0.2)  # the reader threads are at the end of their pipes by then
        while not self._lines.empty():
            self._take(*self._lines.get())

    def stop(self) -> None:
        """Ask every worker to drain and end; kill those that do not. Their lines are taken on."""
        for worker in self.workers:
            if worker.process is not None:
                worker.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_S
        while any(w.process is not None and w.process.poll() is None for w in self.workers):
            if time.monotonic() > end:
                self.kill()
            self._listen(0.05)
        for worker in self.workers:
            worker.process = None
        self._drain_lines()

    def kill(self) -> None:
        """End every worker at once."""
        for worker in self.workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.process.kill()


def _back_off(worker: Worker, lived_s: float) -> float:
    """Seconds until a worker that ended may be started again."""
    if lived_s > HEALTHY_S:
        worker.backoff_s = FIRST_BACKOFF_S
        worker.failures = 0
    if lived_s > FUSE_HEALTHY_S:
        worker.fuses = 0
    worker.failures += 1
    if worker.exit_code == EXIT_FUSE:
        worker.fuses += 1
        return min(LONGEST_FUSE_S, FIRST_FUSE_S * 2.0 ** (worker.fuses - 1))
    after_s, worker.backoff_s = worker.backoff_s, min(LONGEST_BACKOFF_S, worker.backoff_s * 2)
    return after_s
