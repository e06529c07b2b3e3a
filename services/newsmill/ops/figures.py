"""Durations in some hundreds of numbers: a histogram on a log scale, exact to one percent."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

_GROWTH = 1.02  # of a bucket over the one below: a quantile is off by at most 1 %
_LOG = log(_GROWTH)
_FLOOR_MS = 0.001
_PER_FLOOR = 1 / _FLOOR_MS
_AT_ONCE = 512  # durations kept as they came before they are sorted into buckets


class Histogram:
    """Milliseconds, from 1 µs up."""

    __slots__ = ("_buckets", "_count", "_fresh", "_longest")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._count = 0
        self._longest = 0.0
        self._fresh: list[float] = []

    def add(self, ms: float) -> None:
        """Count one duration; what is no duration (NaN, below 0) is left out."""
        self._fresh.append(ms)
        if len(self._fresh) >= _AT_ONCE:
            self._sort_in()

    def extend(self, durations: Iterable[float]) -> None:
        """Count several."""
        self._fresh.extend(durations)
        if len(self._fresh) >= _AT_ONCE:
            self._sort_in()

    def add_all(self, other: Histogram) -> None:
        """Count all that another one counted."""
        for bucket, count in other.buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self._count += other.count
        self._longest = max(self._longest, other.longest)

    def _sort_in(self) -> None:
        fresh, self._fresh = self._fresh, []
        good = [ms for ms in fresh if 0.0 <= ms < 1e12]
        if not good:
            return
        self._count += len(good)
        self._longest = max(self._longest, max(good))
        buckets = self._buckets
        for ms in good:
            bucket = int(log(ms * _PER_FLOOR) / _LOG) if ms > _FLOOR_MS else 0
            buckets[bucket] = buckets.get(bucket, 0) + 1

    @property
    def buckets(self) -> dict[int, int]:
        """How many fell into each bucket; the same numbers of any two histograms compare."""
        self._sort_in()
        return self._buckets

    @property
    def count(self) -> int:
        """How many were counted."""
        self._sort_in()
        return self._count

    @property
    def longest(self) -> float:
        """The longest of them, exactly."""
        self._sort_in()
        return self._longest

    def quantile(self, share: float) -> float | None:
        """The duration that this share of all does not pass; None where nothing was counted."""
        wanted = share * self.count
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(self._longest, middle_of(bucket))
        return None


def middle_of(bucket: int) -> float:
    """The duration, ms, that stands for all in a bucket."""
    return _FLOOR_MS * float(_GROWTH ** (bucket + 0.5))
