"""How fast a replay goes: as fast as it can, at most so many a second, or in the rhythm of then."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Pace:
    """Says how long the next page must wait. One replay has one, across its sources."""

    def __init__(self, rate: float | None, speed: float | None) -> None:
        self._gap_s = 1.0 / rate if rate else 0.0
        self._speed = speed
        self._next = time.monotonic()
        self._begun: tuple[float, float] | None = None  # our clock, and that of the past

    def wait_s(self, fetched: str | None) -> float:
        """Seconds until a page that was fetched then is due; it counts as sent with 0.

        A page of no date, or of one before those already sent, is due at once.
        """
        now = time.monotonic()
        wait = self._next - now
        if self._speed and (then := _seconds(fetched)) is not None:
            if self._begun is None:
                self._begun = (now, then)
            wait = max(wait, self._begun[0] + (then - self._begun[1]) / self._speed - now)
        if wait > 0:
            return wait
        self._next = max(self._next, now - self._gap_s) + self._gap_s
        return 0.0


def _seconds(fetched: str | None) -> float | None:
    if not fetched:
        return None
    try:
        moment = datetime.fromisoformat(fetched)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
