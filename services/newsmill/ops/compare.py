"""Before and after: what got slower, what fails more, what is found less, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from newsmill.ops.figures import Histogram
from newsmill.ops.flow import STAGES, name_of
from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line
from newsmill.ops.stats import discoveries, quantile_range, ranks, shares

FALSE_ALARMS = 0.01  # of the differences found, the share that may be chance
LEAST_FACTOR = 1.1  # by which the median or p95 must move to be worth a word
LEAST_SHARE = 0.002  # by which a share must move
BAD = ("dead", "refused", "filtered", "retried")

Kind = Literal["duration", "share"]


@dataclass(slots=True)
class Side:
    """The figures of one side, by stage."""

    took: dict[str, Histogram] = field(default_factory=dict)
    age: dict[str, Histogram] = field(default_factory=dict)
    records: Counter[str] = field(default_factory=Counter)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)  # (stage, outcome or reason)
    articles: int = 0
    found: Counter[str] = field(default_factory=Counter)  # tiers, and missing fields, of articles
    end_to_end: Histogram | None = None

    def heard(self, ledger: Ledger, lines: list[Line]) -> None:
        """Lines of one stage that have come to count."""
        stage = name_of(ledger)
        self.records[stage] += len(lines)
        for name, of in (("took_ms", self.took), ("age_ms", self.age)):
            values = [value for line in lines if (value := getattr(line, name)) is not None]
            if values:
                of.setdefault(stage, Histogram()).extend(values)
        for line in lines:
            if line.outcome in BAD:
                self.bad[stage, line.outcome] += 1
                if line.reason is not None:
                    self.bad[stage, f"{line.outcome} {line.reason}"] += 1
            elif line.tier is not None:
                self.articles += 1
                self.found[f"tier {line.tier}"] += 1
                self.found.update(f"missing {name}" for name in line.missing or ())


class Sides:
    """Listens, and gives each line to its side."""

    def __init__(self, side_of: Callable[[Line], str]) -> None:
        self.by_name: dict[str, Side] = {}
        self._side_of = side_of

    def heard(self, ledger: Ledger, lines: list[Line]) -> None:
        """Lines of one stage that have come to count."""
        parts: dict[str, list[Line]] = {}
        for line in lines:
            parts.setdefault(self._side_of(line), []).append(line)
        for name, part in parts.items():
            side = self.by_name.get(name)
            if side is None:
                side = self.by_name[name] = Side()
            side.heard(ledger, part)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing on both sides."""

    kind: Kind
    stage: str
    what: str
    before: float | None  # the median in ms, or the share
    after: float | None
    before_p95: float | None = None
    after_p95: float | None = None
    p95_range: tuple[float, float] | None = None  # of the later p95, with 95 % sureness
    counts: tuple[int, int] = (0, 0)  # durations, or records of which it is the share
    p: float = 1.0
    is_sure: bool = False

    @property
    def is_worse(self) -> bool:
        """More than chance, worth a word, and in the wrong direction."""
        return self.is_sure and self._moved > 0

    @property
    def is_better(self) -> bool:
        """More than chance, worth a word, and in the right direction."""
        return self.is_sure and self._moved < 0

    @property
    def _moved(self) -> int:
        """Which way it moved; 0 for less than is worth a word. A tier is neither good nor bad."""
        if self.what.startswith("tier ") or self.before is None or self.after is None:
            return 0
        if self.kind == "share":
            by = self.after - self.before
            return (by > 0) - (by < 0) if abs(by) >= LEAST_SHARE else 0
        factors = [self.after / max(self.before, 1e-3)]
        if self.before_p95 and self.after_p95:
            factors.append(self.after_p95 / self.before_p95)
        if max(factors) >= LEAST_FACTOR and min(factors) > 1 / LEAST_FACTOR:
            return 1
        return -(min(factors) <= 1 / LEAST_FACTOR and max(factors) < LEAST_FACTOR)


def compare(before: Side, after: Side) -> list[Row]:
    """Every difference that can be told, in the order of the pipeline."""
    rows = [*_durations(before, after), *_shares(before, after)]
    sure = discoveries([row.p for row in rows], FALSE_ALARMS)
    return [replace(row, is_sure=is_sure) for row, is_sure in zip(rows, sure, strict=True)]


def _durations(before: Side, after: Side) -> Iterator[Row]:
    if before.end_to_end is not None and after.end_to_end is not None:
        yield _duration("all", "end to end", before.end_to_end, after.end_to_end)
    for what, ours, theirs in (
        ("work", before.took, after.took),
        ("age of the input", before.age, after.age),
    ):
        for stage in _stages(ours, theirs):
            yield _duration(
                stage, what, ours.get(stage, Histogram()), theirs.get(stage, Histogram())
            )


def _duration(stage: str, what: str, ours: Histogram, theirs: Histogram) -> Row:
    return Row(
        kind="duration",
        stage=stage,
        what=what,
        before=ours.quantile(0.5),
        after=theirs.quantile(0.5),
        before_p95=ours.quantile(0.95),
        after_p95=theirs.quantile(0.95),
        p95_range=quantile_range(theirs, 0.95),
        counts=(ours.count, theirs.count),
        p=ranks(ours, theirs)[1],
    )


def _shares(before: Side, after: Side) -> Iterator[Row]:
    for stage in _stages(before.records, after.records):
        names = sorted({name for at, name in (*before.bad, *after.bad) if at == stage})
        tries, later = before.records[stage], after.records[stage]
        for name in names:
            yield _share(stage, name, before.bad[stage, name], tries, after.bad[stage, name], later)
    for name in sorted({*before.found, *after.found}):
        yield _share(
            "extractor", name,
            before.found[name], before.articles, after.found[name], after.articles,
        )  # fmt: skip


def _share(stage: str, what: str, hits: int, tries: int, later_hits: int, later: int) -> Row:
    return Row(
        kind="share",
        stage=stage,
        what=what,
        before=hits / tries if tries else None,
        after=later_hits / later if later else None,
        counts=(tries, later),
        p=shares(hits, tries, later_hits, later),
    )


def _stages(*of: dict[str, Histogram] | Counter[str]) -> list[str]:
    names = {name for each in of for name in each}
    return sorted(
        names,
        key=lambda name: (
            STAGES.index(name.partition(":")[0]) if name.partition(":")[0] in STAGES else 99,
            name,
        ),
    )
