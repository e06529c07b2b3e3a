"""When a feed is polled next: often where news comes often, ever later where polls fail.

All times are epoch seconds and seconds; nothing here reads a clock or is random.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from newsmill.records import digest

MIN_INTERVAL = 300.0  # of a feed that does not ask for less
MAX_INTERVAL = 86_400.0
FIRST_INTERVAL = 3_600.0  # of a feed whose entries say nothing of their rate
LOOK_AT = 20  # newest entries that a first guess is made from
PATIENCE = 5
SHORT = 60.0  # seconds under which an interval is kept exactly, without jitter


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator allows: how much a first poll takes, and how often a feed is polled.

    ``first_poll_days`` None sets no age limit. ``interval_s`` is asked for one feed, and taken
    instead of everything that is guessed; ``min_interval_s`` still holds.
    """

    first_poll_entries: int = 50
    first_poll_days: float | None = 7.0
    max_entries: int = 5_000  # published of one later poll; the rest comes with the next
    min_interval_s: float = MIN_INTERVAL
    max_interval_s: float = MAX_INTERVAL
    interval_s: float | None = None


def first_guess(moments: Iterable[float | None], now: float) -> float:
    """The interval that the dates of entries suggest: half the mean gap between the newest.

    The time since the newest counts as a gap too, so that a feed that fell silent is polled less.
    """
    known = sorted(
        (moment for moment in moments if moment is not None and moment <= now), reverse=True
    )
    known = known[:LOOK_AT]
    return (now - known[-1]) / len(known) / 2 if known else FIRST_INTERVAL


def adapted(interval_s: float, fresh: int) -> float:
    """The interval after a poll with so many fresh entries; aims at about one a poll."""
    if fresh == 0:
        return interval_s * 1.5
    return interval_s if fresh == 1 else interval_s * 0.5


def wait(interval_s: float, hint_s: float | None, limits: Limits) -> float:
    """How long to wait: the adaptive interval within the limits, and what the feed asks for.

    ``hint_s`` (ttl, max-age) makes it longer, up to the longest allowed. It makes it shorter only
    where it is shorter than the usual least interval and the operator allows that: caches in front
    of most sites say "60 s" of everything, and mean no invitation by it.
    """
    if limits.interval_s is not None:
        return max(limits.interval_s, limits.min_interval_s)
    if hint_s is not None and limits.min_interval_s <= hint_s < MIN_INTERVAL:
        return hint_s
    least = max(limits.min_interval_s, hint_s or 0.0)
    return min(max(interval_s, least), max(limits.max_interval_s, limits.min_interval_s))


def backoff(failures: int, limits: Limits, after_s: float | None) -> float:
    """How long to wait after so many failures in a row.

    What the server asks for (``after_s``) is kept to; where it has asked for little PATIENCE times
    in vain, our own doubling delay holds.
    """
    delay = max(limits.min_interval_s, 1.0) * 2.0 ** min(max(failures, 1) - 1, 30)
    if after_s is not None:
        delay = max(after_s, delay if failures > PATIENCE else 1.0)
    return min(delay, MAX_INTERVAL)


def spread(delay_s: float, url: str, polls: int) -> float:
    """The delay and up to a tenth more, by feed and poll, so that feeds do not march in step."""
    if delay_s < SHORT:
        return delay_s
    return delay_s * (1.0 + int(digest(url, str(polls))[:4], 16) / 0xFFFF / 10)
