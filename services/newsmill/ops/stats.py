"""Whether two sets of figures differ by more than chance: small, textbook, on histograms.

Durations are compared by rank (Mann and Whitney, with ties, normal approximation), shares by the
N-1 chi-square test (Campbell 2007), and many comparisons at once by Benjamini and Hochberg.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, erfc, sqrt

from newsmill.ops.figures import Histogram, middle_of


def ranks(before: Histogram, after: Histogram) -> tuple[float, float]:
    """The chance that a later duration is the longer one (ties half), and the p-value of that.

    Without durations on a side: 0.5 and 1.
    """
    ours, theirs = before.buckets, after.buckets
    n, m = before.count, after.count
    if not n or not m:
        return 0.5, 1.0
    below = 0
    wins = ties = 0.0
    for bucket in sorted({*ours, *theirs}):
        a, b = ours.get(bucket, 0), theirs.get(bucket, 0)
        wins += b * (below + a / 2)
        below += a
        both = a + b
        ties += both**3 - both
    chance = wins / (n * m)
    total = n + m
    variance = n * m / 12 * ((total + 1) - ties / max(1, total * (total - 1)))
    if variance <= 0:
        return chance, 1.0
    return chance, _two_sided(max(0.0, abs(wins - n * m / 2) - 0.5) / sqrt(variance))


def shares(hits: int, tries: int, later_hits: int, later: int) -> float:
    """The p-value of two shares being one; 1 where a side was never tried."""
    total = tries + later
    every = hits + later_hits
    if not tries or not later or every in (0, total):
        return 1.0
    apart = hits * (later - later_hits) - later_hits * (tries - hits)
    chi2 = (total - 1) * apart**2 / (every * (total - every) * tries * later)
    return erfc(sqrt(chi2 / 2))


def _two_sided(z: float) -> float:
    return erfc(z / sqrt(2))


def discoveries(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which of many comparisons are no chance, when this share of those found may be."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    last = 0
    for rank, at in enumerate(order, 1):
        if p_values[at] <= rate * rank / len(p_values):
            last = rank
    found = set(order[:last])
    return [at in found for at in range(len(p_values))]


def quantile_range(histogram: Histogram, share: float) -> tuple[float, float] | None:
    """Between which durations the quantile lies with 95 % sureness, by order statistics.

    None where too few were counted to say.
    """
    count = histogram.count
    width = 1.96 * sqrt(count * share * (1 - share))
    low, high = ceil(count * share - width), ceil(count * share + width)
    if low < 1 or high > count:
        return None
    return _ranked(histogram, low), _ranked(histogram, high)


def _ranked(histogram: Histogram, rank: int) -> float:
    seen = 0
    for bucket in sorted(histogram.buckets):
        seen += histogram.buckets[bucket]
        if seen >= rank:
            return min(histogram.longest, middle_of(bucket))
    return histogram.longest
