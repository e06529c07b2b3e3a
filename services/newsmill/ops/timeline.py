"""What happened when: slices of time with the counts of each, for plots and for a live screen.

Slices are as narrow as ``MOST`` of them allow: where time outgrows them, two become one, so that
an hour and a year take the same memory; a timeline that slides drops the oldest ones instead.
Counts here are of lines as they were written; those that a kill undid are in them too (the exact
account is the summary's).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from newsmill.ops.figures import Histogram
from newsmill.ops.lines import Line, parse

NARROWEST_S = 1
MOST = 600
LATE_S = 3600  # a clock that went back further than this is not followed


@dataclass(slots=True)
class Slice:
    """What was written in one slice of time."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # (stage, outcome)
    took: dict[str, Histogram] = field(default_factory=dict)  # by stage
    age: dict[str, Histogram] = field(default_factory=dict)  # by stage, how old its input was
    waiting: dict[str, int] = field(default_factory=dict)  # by worker, as last told
    rss_mb: dict[str, float] = field(default_factory=dict)  # by worker, the most
    cpu_s: dict[str, float] = field(default_factory=dict)  # by process start, since its start
    starts: Counter[str] = field(default_factory=Counter)  # by version

    def swallow(self, later: Slice) -> None:
        """Take in the slice that follows this one."""
        self.outcomes += later.outcomes
        self.starts += later.starts
        for mine, its in ((self.took, later.took), (self.age, later.age)):
            for stage, histogram in its.items():
                mine.setdefault(stage, Histogram()).add_all(histogram)
        self.waiting |= later.waiting
        self.cpu_s |= later.cpu_s
        for worker, most in later.rss_mb.items():
            self.rss_mb[worker] = max(most, self.rss_mb.get(worker, 0.0))


class Timeline:
    """Slices by the second at which each begins; ``width_s`` is how long they are."""

    def __init__(
        self, width_s: int = NARROWEST_S, most: int = MOST, *, slides: bool = False
    ) -> None:
        self.width_s = width_s
        self.slices: dict[int, Slice] = {}
        self._most = most
        self._slides = slides
        self._first = self._last = 0
        self._minute = ""
        self._minute_s = 0

    def take(self, line: Line) -> None:
        """One line, in about the order of time."""
        found = self._slice(line.ts)
        if found is None:
            return
        if line.event == "record":
            self._record(line, found)
        elif line.event == "worker.heartbeat":
            self._heartbeat(line, found)
        elif line.event == "worker.start":
            found.starts[line.ver] += 1

    def _slice(self, ts: str) -> Slice | None:
        second = self._second(ts)
        if second is None:
            return None
        start = second - second % self.width_s
        found = self.slices.get(start)
        if found is None:
            if start < self._last - LATE_S:
                return None
            self._first = min(self._first, start) if self.slices else start
            self._last = max(self._last, start)
            while self._last - self._first >= self._most * self.width_s:
                self._narrow()
            start = second - second % self.width_s
            if start < self._first:  # it slid away meanwhile
                return None
            found = self.slices.setdefault(start, Slice())
        return found

    def _heartbeat(self, line: Line, found: Slice) -> None:
        worker = f"{line.service}-{line.slot}"
        if line.waiting is not None:
            found.waiting[worker] = line.waiting
        if line.rss_mb is not None:
            found.rss_mb[worker] = max(line.rss_mb, found.rss_mb.get(worker, 0.0))
        if line.cpu_s is not None:
            found.cpu_s[line.run] = line.cpu_s

    def _record(self, line: Line, found: Slice) -> None:
        stage = line.stage or line.service
        found.outcomes[stage, line.outcome or "?"] += 1
        if line.took_ms is not None:
            _histogram(found.took, stage).add(line.took_ms)
        if line.age_ms is not None:
            _histogram(found.age, stage).add(line.age_ms)

    def _second(self, ts: str) -> int | None:
        """Seconds since the epoch; most lines are of the minute of the line before."""
        try:
            if ts[:16] != self._minute:
                minute = datetime.fromisoformat(f"{ts[:16]}:00").replace(tzinfo=UTC)
                self._minute, self._minute_s = ts[:16], int(minute.timestamp())
            return self._minute_s + int(ts[17:19])
        except ValueError:
            return None

    def _narrow(self) -> None:
        if not self._slides:
            self._widen()
            return
        self._first = self._last - (self._most - 1) * self.width_s
        self.slices = {at: found for at, found in self.slices.items() if at >= self._first}

    def _widen(self) -> None:
        """Twice as long, half as many."""
        self.width_s *= 2
        old, self.slices = self.slices, {}
        for start in sorted(old):
            into = self.slices.get(start - start % self.width_s)
            if into is None:
                self.slices[start - start % self.width_s] = old[start]
            else:
                into.swallow(old[start])
        self._first -= self._first % self.width_s
        self._last -= self._last % self.width_s

    # -- what plots ask

    @property
    def starts(self) -> Sequence[int]:
        """When the slices begin, in order, those between in which nothing was written included."""
        if not self.slices:
            return ()
        return range(self._first, self._last + 1, self.width_s)

    def rates(self, stage: str, *outcomes: str) -> list[float]:
        """Records a second with one of these outcomes, slice by slice."""
        return [
            sum(found.outcomes[stage, outcome] for outcome in outcomes) / self.width_s
            for found in self._all()
        ]

    def quantiles(self, stage: str, share: float, *, of_age: bool = False) -> list[float | None]:
        """What a share of the durations (or of the ages of inputs) does not pass, in ms."""
        found = ((each.age if of_age else each.took).get(stage) for each in self._all())
        return [histogram.quantile(share) if histogram else None for histogram in found]

    def told(self, what: str, worker: str) -> list[float | None]:
        """``waiting`` or ``rss_mb`` as a worker told it; None where it said nothing."""
        return [getattr(found, what).get(worker) for found in self._all()]

    def _all(self) -> Iterable[Slice]:
        nothing = Slice()
        return (self.slices.get(start, nothing) for start in self.starts)

    @property
    def stages(self) -> set[str]:
        """Stages that finished a record."""
        return {stage for found in self.slices.values() for stage, _ in found.outcomes}

    @property
    def workers(self) -> list[str]:
        """Workers that had a heartbeat, by name."""
        return sorted({name for found in self.slices.values() for name in found.rss_mb})


def _histogram(of: dict[str, Histogram], stage: str) -> Histogram:
    found = of.get(stage)
    if found is None:
        found = of[stage] = Histogram()
    return found


def draw(lines: Iterable[bytes]) -> Timeline:
    """The timeline of the lines."""
    timeline = Timeline()
    for raw in lines:
        line = parse(raw)
        if line is not None:
            timeline.take(line)
    return timeline
