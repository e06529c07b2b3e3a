"""Durations in a few hundred numbers: a histogram on a log scale, exact to a few percent."""

from __future__ import annotations

from math import log

_GROWTH = 1.08  # of a bucket over the one below: a quantile is off by at most 4 %
_LOG = log(_GROWTH)
_FLOOR_MS = 0.001


class Histogram:
    """Milliseconds, from 1 µs up."""

    __slots__ = ("_buckets", "count", "longest")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.longest = 0.0

    def add(self, ms: float) -> None:
        """Count one duration; what is no duration (NaN, below 0) is left out."""
        if not 0.0 <= ms < 1e12:
            return
        bucket = int(log(ms / _FLOOR_MS) / _LOG) if ms > _FLOOR_MS else 0
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.longest = max(self.longest, ms)

    def add_all(self, other: Histogram) -> None:
        """Count all that another one counted."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self.longest = max(self.longest, other.longest)

    def quantile(self, share: float) -> float | None:
        """The duration that this share of all does not pass; None where nothing was counted."""
        wanted = share * self.count
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(self.longest, _FLOOR_MS * float(_GROWTH ** (bucket + 0.5)))
        return None
