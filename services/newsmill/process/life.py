"""The life of a worker process: when it stops, what it counts, how it shows that it turns."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

from newsmill.bus.base import Fenced, Place
from newsmill.errors import Reason
from newsmill.process.events import Outcome
from newsmill.process.profile import Profiler
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry

DRAIN_S = 20.0  # from SIGTERM on for what is in flight; 5 s more are left to commit and leave
FUSE_WINDOW = 200
FUSE_TRIAL = 20
OUR_FAULTS: frozenset[Reason] = frozenset({"bug", "decode"})  # deaths that no site is the cause of
TRIAL = "NEWSMILL_TRIAL"  # set for a worker whose fuse blew when it last ran
MORE_FDS = 16  # than at rest, before what hangs in cycles is let go
_FDS = Path("/proc/self/fd")


class FuseBlown(Exception):
    """Too large a share of the last records died: something is wrong with us, not with them."""


class PolledTooLate(Exception):
    """The bus delivered a record of a partition that it had not assigned: a bug of its own."""


class Fuse:
    """Stops a worker that dead-letters too large a share: a bad deploy must not empty a topic.

    ``blame`` None counts every death; else those of its reasons alone. A worker that is started
    again after its fuse blew is on trial: its first FUSE_WINDOW records are judged by the last
    FUSE_TRIAL of them, so that every new start costs a few records, and not a window.
    """

    def __init__(
        self,
        log: Telemetry,
        share: float,
        *,
        blame: frozenset[Reason] | None = None,
        on_trial: bool = False,
    ) -> None:
        self._log = log
        self._share = share
        self._blame = blame
        self._trial = FUSE_WINDOW if on_trial else 0  # records left of it
        self._deaths: deque[bool] = deque(maxlen=FUSE_WINDOW)

    def watch(self, results: Iterable[Result]) -> None:
        """Count results that were committed; raises FuseBlown."""
        for result in results:
            blamed = self._blame is None or result.reason in self._blame
            self._deaths.append(result.outcome == "dead" and blamed)
            self._trial = max(0, self._trial - 1)
            window = FUSE_TRIAL if self._trial else FUSE_WINDOW
            last = list(islice(reversed(self._deaths), window))
            if len(last) == window and sum(last) > self._share * window:
                why = f"{sum(last)} of the last {window} records died, the last of {result.reason}"
                self._log.event("fuse.blown", why=why)
                raise FuseBlown(why)


class Fences:
    """Refused steps in a row: one may come of a move of partitions, a second one ends the worker.

    After a refusal a loop drops what membership tells that it lost, and nothing else: a record is
    delivered once an epoch, so what is dropped of a partition that stayed ours would be passed over
    by its next step.
    """

    def __init__(self, log: Telemetry) -> None:
        self._log = log
        self._in_a_row = 0

    def passed(self) -> None:
        """A step was committed."""
        self._in_a_row = 0

    def refused(self, places: Iterable[Place], fenced: Fenced) -> None:
        """Log a refused step; raises ``fenced`` itself when it is the second in a row."""
        self._in_a_row += 1
        self._log.event("step.fenced", places=[str(place) for place in places], detail=str(fenced))
        if self._in_a_row >= 2:
            raise fenced


class Life:
    """Shared by the process and its loop: stop requests one way, signs of life the other."""

    def __init__(
        self, log: Telemetry, *, heartbeat_s: float = 30.0, fuse_share: float = 0.5
    ) -> None:
        self._log = log
        self._heartbeat_s = heartbeat_s
        self.fuse_share = fuse_share
        self.on_trial = TRIAL in os.environ
        self._stop = threading.Event()
        self._stop_at = 0.0
        self._started = time.monotonic()
        self._next_beat = self._started + heartbeat_s
        self._counts: Counter[str] = Counter()
        self._fds_at_rest = 0
        self.last_turn = self._started
        self.ready = False
        self.on_turn: Callable[[], None] | None = None  # what is to be looked at, work or none
        self.profiler = Profiler()

    # -- stopping

    def stop(self) -> None:
        """Ask the loop to end; it drains within DRAIN_S."""
        self._stop_at = time.monotonic()
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether the loop was asked to end."""
        return self._stop.is_set()

    @property
    def must_go(self) -> bool:
        """Whether the time to drain is over."""
        return self.stopping and time.monotonic() - self._stop_at > DRAIN_S

    def wait(self, seconds: float) -> bool:
        """Wait; True as soon as the loop is to end."""
        self.last_turn = time.monotonic()
        return self._stop.wait(seconds)

    def listen(self) -> None:
        """Take the signals: SIGTERM and SIGINT drain, a second one exits at once.

        SIGUSR1 toggles debug lines, SIGUSR2 starts and writes a profile.
        """

        def on_stop(number: int, frame: FrameType | None) -> None:
            if self.stopping:
                os._exit(128 + number)
            self.stop()

        signal.signal(signal.SIGTERM, on_stop)
        signal.signal(signal.SIGINT, on_stop)
        signal.signal(signal.SIGUSR1, lambda *_: self._log.toggle_debug())
        signal.signal(signal.SIGUSR2, lambda *_: self.profiler.toggle())
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a size limit is an error, not a death
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    # -- signs of life

    def count(self, outcome: Outcome, number: int = 1) -> None:
        """Count an outcome that was committed."""
        self._counts[outcome] += number

    @property
    def counts(self) -> dict[str, int]:
        """Outcomes since the start."""
        return dict(sorted(self._counts.items()))

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def turned(self, facts: Callable[[], dict[str, Any]]) -> None:
        """The loop turned once; when a heartbeat is due it is written, with the loop's facts."""
        now = self.last_turn = time.monotonic()
        self.ready = True
        if self.on_turn is not None:
            self.on_turn()
        if now >= self._next_beat:
            self._next_beat = now + self._heartbeat_s
            self._let_go()
            self._log.event("worker.heartbeat", **self.vitals(), **facts())

    def _let_go(self) -> None:
        """Collect cycles when descriptors have become many.

        A client whose brokers are away leaves the sockets of its attempts in cycles, and a worker
        that idles meanwhile gives the collector no reason to look at them for hours.
        """
        fds = _fds()
        if fds > self._fds_at_rest + MORE_FDS and self._fds_at_rest:
            gc.collect()
            fds = self._fds_at_rest = _fds()
        self._fds_at_rest = min(fds, self._fds_at_rest or fds)

    def vitals(self) -> dict[str, Any]:
        """Memory, descriptors, CPU and counts of this process."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
        return {
            "rss_mb": _rss_mb(),
            "fds": _fds() or None,
            "cpu_s": cpu,
            "counts": self.counts,
            "lost": self._log.lost or None,
            "uptime_s": self.uptime_s,
        }


def _fds() -> int:
    """Open descriptors; 0 where the system does not tell."""
    return sum(1 for _ in _FDS.iterdir()) if _FDS.exists() else 0


def _rss_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 1e6


PARENT = "NEWSMILL_PARENT"  # the process whose death a worker of ``newsmill run`` must not survive
_PR_SET_PDEATHSIG = 1


def follow_parent() -> None:
    """End with SIGTERM when the supervisor that started us dies; nothing to do without one."""
    parent = os.environ.get(PARENT)
    if parent is None:
        return
    with contextlib.suppress(OSError, AttributeError):  # no such call but on Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        os._exit(1)
