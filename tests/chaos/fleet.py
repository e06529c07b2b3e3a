"""The workers of a run as processes: started, killed, stopped, started again with back-off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from running import environment

TESTS = Path(__file__).parents[1]
ROLES = ("extractor", "extractor", "enricher", "enricher")  # slots by order within a role
BACKOFF_S = 0.3
LONGEST_S = 4.0


@dataclass(slots=True)
class Place:
    """One slot of one role, and the process that has it now."""

    role: str
    slot: int
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    backoff_s: float = BACKOFF_S
    starts: int = 0
    crash_at: str = ""  # of the next start
    codes: deque[int] = field(default_factory=lambda: deque(maxlen=20))


class Fleet:
    """Keeps every place filled; a zombie is a former process that was stopped, not killed."""

    def __init__(self, url: str, folder: Path, **settings: str) -> None:
        self._url, self._folder, self._settings = url, folder, settings
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.places = [Place(role, ROLES[:at].count(role)) for at, role in enumerate(ROLES)]
        self.stopped: list[tuple[subprocess.Popen[bytes], float]] = []  # and when they wake
        self.zombies: list[subprocess.Popen[bytes]] = []  # replaced, not dead

    def turn(self) -> None:
        """Start what is due, and wake the zombies whose time has come."""
        now = time.monotonic()
        for asleep in [each for each in self.stopped if now >= each[1]]:
            asleep[0].send_signal(signal.SIGCONT)
            self.stopped.remove(asleep)
        self.zombies = [each for each in self.zombies if each.poll() is None]
        for place in self.places:
            if place.process is not None and (code := place.process.poll()) is not None:
                place.codes.append(code)
                place.process = None
                place.start_at = now + place.backoff_s
                place.backoff_s = min(LONGEST_S, place.backoff_s * 2)
            if place.process is None and now >= place.start_at:
                self._start(place)
            elif place.process is not None and now - place.start_at > 20:
                place.backoff_s = BACKOFF_S

    def _start(self, place: Place) -> None:
        values = environment(
            bus=self._url, data=str(self._folder), slot=str(place.slot), heartbeat_s="1",
            fuse="1", log_level="info", **self._settings,
        )  # fmt: skip
        values |= {"NEWSMILL_KAFKA_WAIT_MS": "30000", "PYTHONPATH": os.pathsep.join(sys.path)}
        if place.crash_at:
            values["NEWSMILL_CRASH_AT"], place.crash_at = place.crash_at, ""
        place.starts += 1
        place.start_at = time.monotonic()
        name = f"{place.role}-{place.slot}-{place.starts:03}.jsonl"
        with (self.logs / name).open("ab") as log:
            place.process = subprocess.Popen(
                [sys.executable, "-m", "chaos.stage", place.role],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=values,
                cwd=TESTS,
            )

    def kill(self, place: Place) -> None:
        """End it at this instant; it is started again soon."""
        if place.process is not None:
            place.process.kill()
            place.backoff_s = BACKOFF_S

    def stop_and_replace(self, place: Place, wake_s: float) -> None:
        """Stop a worker, give its slot to another, and wake it when it is long replaced."""
        if place.process is not None:
            self.pause(place, wake_s)
            self.zombies.append(place.process)
            place.process = None
            place.start_at = 0.0

    def pause(self, place: Place, wake_s: float) -> None:
        """Stop a worker and let it go on later, its place kept for it."""
        if place.process is not None:
            place.process.send_signal(signal.SIGSTOP)
            self.stopped.append((place.process, time.monotonic() + wake_s))

    def longest_log(self) -> int:
        """Bytes of the longest file of lines."""
        return max((file.stat().st_size for file in self.logs.iterdir()), default=0)

    def end(self) -> None:
        """SIGTERM to all; by force those that do not listen."""
        running = [p.process for p in self.places if p.process is not None]
        everyone = [*running, *self.zombies]
        for process in everyone:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for process in everyone:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def last_words(self, lines: int = 50) -> str:
        """The last events of each worker."""
        told = []
        for place in self.places:
            logs = sorted(self.logs.glob(f"{place.role}-{place.slot}-*.jsonl"))
            said = b"".join(log.read_bytes() for log in logs[-2:]).splitlines()[-lines:]
            text = b"\n".join(said).decode("utf-8", "replace")
            told.append(f"== {place.role} {place.slot}, exit codes {list(place.codes)}\n{text}")
        return "\n".join(told)
