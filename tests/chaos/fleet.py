"""The workers of a run as processes: started, killed, stopped, started again with back-off."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos.ears import Ears
from chaos.load import Load
from running import environment

TESTS = Path(__file__).parents[1]
BACKOFF_S = 0.3
LONGEST_S = 4.0
STORM_SLOT = 10  # slots from here on are of members that come and go


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
    version: int = 1
    ear: int = -1  # the pipe of its process's lines
    leaves_at: float = math.inf  # it is told to go then, and not started again
    codes: deque[int] = field(default_factory=lambda: deque(maxlen=20))


class Fleet:
    """Keeps every place filled; a zombie is a former process that was stopped, not killed."""

    def __init__(self, url: str, folder: Path, load: Load) -> None:
        self._url, self._folder, self._load = url, folder, load
        self._ears = Ears(folder / "stderr")
        self.refused = folder / "refused"
        self.refused.mkdir()
        roles = load.roles
        self.places = [Place(role, roles[:at].count(role)) for at, role in enumerate(roles)]
        self.stopped: list[tuple[subprocess.Popen[bytes], float]] = []  # and when they wake
        self.zombies: list[subprocess.Popen[bytes]] = []  # replaced, not dead
        self._rolls: list[tuple[float, Place, int]] = []  # when a place becomes which version
        self.starts = 0
        self._visitors = 0
        self.version = 1
        self.roles = sorted(set(roles))

    def turn(self) -> None:
        """Start what is due, wake whose time has come, and roll on to a later version."""
        now = time.monotonic()
        for asleep in [each for each in self.stopped if now >= each[1]]:
            asleep[0].send_signal(signal.SIGCONT)
            self.stopped.remove(asleep)
        self.zombies = [each for each in self.zombies if each.poll() is None]
        for roll in [each for each in self._rolls if now >= each[0]]:
            self._rolls.remove(roll)
            _, place, place.version = roll
            self.ask_to_go(place)
        for place in list(self.places):
            self._turn(place, now)

    def _turn(self, place: Place, now: float) -> None:
        if place.process is not None and (code := place.process.poll()) is not None:
            place.codes.append(code)
            place.process = None
            place.start_at = now + place.backoff_s
            place.backoff_s = min(LONGEST_S, place.backoff_s * 2)
        if now >= place.leaves_at:
            self.ask_to_go(place)
            if place.process is None:
                self.places.remove(place)
        elif place.process is None and now >= place.start_at:
            self._start(place)
        elif place.process is not None and now - place.start_at > 20:
            place.backoff_s = BACKOFF_S

    def _start(self, place: Place) -> None:
        values = environment(
            bus=self._url, data=str(self._folder), slot=str(place.slot), heartbeat_s="1",
            fuse="1", log_level="info", **self._load.settings,
        )  # fmt: skip
        self.starts += 1
        place.starts += 1
        place.start_at = time.monotonic()
        name = f"{place.role}-{place.slot}-{place.starts:03}"
        values |= {
            "NEWSMILL_KAFKA_WAIT_MS": "30000",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "CHAOS_REFUSED": str(self.refused / name),
            "CHAOS_VERSION": str(place.version),
        }
        if place.crash_at:
            values["NEWSMILL_CRASH_AT"], place.crash_at = place.crash_at, ""
        theirs, place.ear = self._ears.pipe(f"{name}.jsonl")
        place.process = subprocess.Popen(
            [sys.executable, "-m", self._load.module, place.role],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=values,
            cwd=TESTS,
        )
        os.close(theirs)

    def storm(self, roles: Sequence[str], stay_s: float) -> None:
        """Members that join one after the other, stay a little, and leave."""
        now = time.monotonic()
        for at, role in enumerate(roles):
            visitor = Place(role, STORM_SLOT + self._visitors, version=self.version)
            self._visitors += 2  # the slot of an archiver says which store it serves
            visitor.start_at, visitor.leaves_at = now + at * 0.4, now + stay_s + at * 0.4
            self.places.append(visitor)

    def roll(self, version: int, every_s: float) -> None:
        """Deploy a version, one place after the other: for a while both are at work."""
        now, self.version = time.monotonic(), version
        for at, place in enumerate(self.places):
            self._rolls.append((now + at * every_s, place, version))

    def ask_to_go(self, place: Place) -> None:
        """SIGTERM, if it runs."""
        if place.process is not None:
            place.process.send_signal(signal.SIGTERM)
            place.backoff_s = BACKOFF_S

    def stop_listening(self, place: Place, seconds: float) -> None:
        """Leave what a worker says in its pipe for so long."""
        self._ears.be_deaf(place.ear, seconds)

    def kill_busy_grandchild(self, place: Place) -> bool:
        """Kill a process that extracts a page for a worker right now; False where none does."""
        if place.process is None:
            return False
        servers = [pid for pid in _children(place.process.pid) if _is_fork_server(pid)]
        for child in (child for server in servers for child in _children(server)):
            if is_running(child):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                return True
        return False

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
        self._ears.close()

    def last_words(self, lines: int = 50) -> str:
        """The last events of each worker."""
        told = []
        for place in self.places:
            logs = sorted((self._folder / "stderr").glob(f"{place.role}-{place.slot}-*.jsonl"))
            said = b"".join(log.read_bytes() for log in logs[-2:]).splitlines()[-lines:]
            text = b"\n".join(said).decode("utf-8", "replace")
            told.append(f"== {place.role} {place.slot}, exit codes {list(place.codes)}\n{text}")
        return "\n".join(told)


def is_running(pid: int) -> bool:
    """Whether it computes, or would: one without a page sleeps."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").glob("*/children")
            for child in task.read_text().split()
        ]
    except OSError:
        return []


def _is_fork_server(pid: int) -> bool:
    try:
        return b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
