"""A wall clock that a real-time signal sets wrong, in place of a process's own."""

from __future__ import annotations

import signal
import time
from types import FrameType

HOUR_NS = 3600 * 10**9
CLOCKS = ("right", "forwards", "back", "frozen")  # by the number of the signal after SIGRTMIN


class Clock:
    """The wall clock, as wrong as it was told to be."""

    def __init__(self) -> None:
        self._real = time.time_ns
        self._off_ns = 0
        self._stands_at: int | None = None

    def now_ns(self) -> int:
        """In place of ``time.time_ns``."""
        return self._real() + self._off_ns if self._stands_at is None else self._stands_at

    def now(self) -> float:
        """In place of ``time.time``."""
        return self.now_ns() / 1e9

    def set(self, number: int, _: FrameType | None) -> None:
        """As a signal says."""
        how = CLOCKS[number - signal.SIGRTMIN]
        self._stands_at = self.now_ns() if how == "frozen" else None
        self._off_ns = {"forwards": HOUR_NS, "back": -HOUR_NS}.get(how, 0)

    def wear(self) -> None:
        """Be the clock of this process from now on."""
        time.time, time.time_ns = self.now, self.now_ns
        for number in range(len(CLOCKS)):
            signal.signal(signal.SIGRTMIN + number, self.set)
