"""What extraction costs: CPU time and allocations of each step, by the tier that answered."""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import NamedTuple

from newsmill.errors import BadRecord
from newsmill.extractor.core import extract
from newsmill.records import Article, Page

TAIL = "record"  # the step from the last probe to the end


class Step(NamedTuple):
    """What a step of a page took."""

    name: str
    value: float  # milliseconds, or blocks
    peak: int = 0  # bytes above what was there when the step began


@dataclass(slots=True)
class Cost:
    """What one page took; ``tier`` is ``refused: REASON`` where it has no article."""

    name: str
    tier: str
    steps: list[Step] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Over all steps."""
        return sum(step.value for step in self.steps)

    @property
    def peak(self) -> int:
        """The most that a step held beyond what was there at its start, bytes."""
        return max((step.peak for step in self.steps), default=0)


def timed(name: str, page: Page, body: bytes) -> Cost:
    """CPU milliseconds, step by step."""
    gc.collect()
    steps: list[Step] = []
    last = time.process_time_ns()

    def probe(step: str) -> None:
        nonlocal last
        now = time.process_time_ns()
        steps.append(Step(step, (now - last) / 1e6))
        last = time.process_time_ns()

    return Cost(name, _tier(page, body, probe), steps)


def counted(name: str, page: Page, body: bytes) -> Cost:
    """Python blocks that each step leaves behind, and the bytes at its peak.

    Blocks are exact and the same on every run; what C libraries hold outside Python is not in
    either. Needs tracemalloc to run (``tracing``); that slows the page some four times.
    """
    gc.collect()
    steps: list[Step] = []
    tracemalloc.reset_peak()
    held, blocks = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()

    def probe(step: str) -> None:
        nonlocal held, blocks
        after = sys.getallocatedblocks()
        now, peak = tracemalloc.get_traced_memory()
        steps.append(Step(step, after - blocks, peak - held))
        tracemalloc.reset_peak()
        held, blocks = now, sys.getallocatedblocks()

    return Cost(name, _tier(page, body, probe), steps)


def _tier(page: Page, body: bytes, probe: Callable[[str], None]) -> str:
    try:
        article: Article = extract(body, page, probe=probe)
    except BadRecord as error:
        probe(TAIL)
        return f"refused: {error.reason}"
    probe(TAIL)
    return article.quality.tier if article.quality else "none"


class Row(NamedTuple):
    """A line of the table: a tier, or a step of it."""

    name: str
    pages: int
    mean: float
    middle: float
    high: float  # the 95th of a hundred
    most: float
    peak_kib: float  # median


def rows_of(costs: Iterable[Cost]) -> list[tuple[str, list[Row]]]:
    """Each tier with its own row first and its steps after; the tiers that answer most, first."""
    by_tier: dict[str, list[Cost]] = defaultdict(list)
    for cost in costs:
        by_tier[cost.tier].append(cost)
    made = []
    for tier, group in sorted(by_tier.items(), key=lambda item: (-len(item[1]), item[0])):
        steps: dict[str, list[Step]] = defaultdict(list)
        for cost in group:
            for step in cost.steps:
                steps[step.name].append(step)
        rows = [_row("all", [Step("", cost.total, cost.peak) for cost in group])]
        rows += [_row(name, taken) for name, taken in steps.items()]
        made.append((tier, rows))
    return made


def _row(name: str, taken: list[Step]) -> Row:
    values = sorted(step.value for step in taken)
    high = values[min(len(values) - 1, len(values) * 95 // 100)]
    peak = median(step.peak for step in taken) / 1024
    return Row(name, len(values), fmean(values), median(values), high, values[-1], peak)
