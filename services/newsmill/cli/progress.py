"""How far a replay is: where its reader stands, how fast articles come out, and how long it takes.

The slow part is the extractor, not the reader, which is ahead of it by what the log holds. So the
time that is left is told from the records that are not through the extractor yet: those that were
read, and those that the rest of the sources may be expected to hold.
"""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path

from newsmill.process.supervisor import Line

WINDOW_S = 60.0  # over which the rate is told
SAMPLE_S = 1.0
LOG_S = 10.0  # between two lines of the log
Counts = Counter[tuple[str, str]]


class Progress:
    """Fed with the lines that the workers write; ``waiting`` is what the log held at the start."""

    def __init__(self, sizes: dict[str, int], waiting: int = 0) -> None:
        self._sizes = sizes
        self._bytes = dict.fromkeys(sizes, 0)
        self._waiting = waiting
        self._first: float | None = None  # share that was read when this run began
        self._source = ""
        self._at = 0
        self._samples: deque[tuple[float, int]] = deque()  # (time, records through)
        self._logged = 0.0

    def saw(self, line: Line) -> None:
        """A line of the reader: how far it is in a source."""
        source, at = str(line.get("source")), line.get("bytes")
        if source not in self._bytes or not isinstance(at, int):
            return
        self._bytes[source] = at
        self._source, self._at = source, at
        if self._first is None:
            self._first = self.share

    @property
    def share(self) -> float:
        """The share of the sources that is read, by bytes."""
        total = sum(self._sizes.values())
        return min(1.0, sum(self._bytes.values()) / total) if total else 1.0

    def turn(self, now: float, counts: Counts) -> None:
        """Time goes on; ``counts`` are the outcomes of this run, by stage."""
        self._logged = self._logged or now
        if self._samples and now - self._samples[-1][0] < SAMPLE_S:
            return
        through = _through(counts)
        if not through:  # the workers are still starting
            self._samples.clear()
        self._samples.append((now, through))
        while now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Records a second through the extractor, of late; None before it can be told."""
        if len(self._samples) < 2:
            return None
        (start, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - start)

    def left(self, counts: Counts) -> int | None:
        """Records that are not through yet; None before it can be told."""
        read = counts["producer", "published"]
        inside = max(0, read + self._waiting - _through(counts))
        share = self.share
        if share >= 1.0:
            return inside
        grown = share - (self._first or 0.0)
        return inside + round(read / grown * (1.0 - share)) if grown > 0 and read else None

    def eta_s(self, counts: Counts) -> float | None:
        """Seconds that are left; None before it can be told."""
        rate, left = self.rate, self.left(counts)
        return left / rate if rate and left is not None else None

    def facts(self, now: float, counts: Counts) -> Line | None:
        """The fields of a line of the log, where one is due."""
        if now - self._logged < LOG_S:
            return None
        self._logged = now
        return {
            "counts": {f"{stage} {outcome}": n for (stage, outcome), n in sorted(counts.items())},
            "waiting": self.left(counts),
            "source": self._source or None,
            "bytes": sum(self._bytes.values()),
            "total": sum(self._sizes.values()),
            "rate": self.rate,
            "eta_s": self.eta_s(counts),
        }

    def text(self, counts: Counts) -> str:
        """The same for a terminal, the most wanted first: a narrow one cuts the rest off."""
        rate, eta_s = self.rate, self.eta_s(counts)
        turned = Counter(dict.fromkeys(("refused", "dead", "duplicate"), 0))
        for (_, outcome), number in counts.items():
            turned[outcome] += number
        parts = [
            f"{self.share:.0%} read",
            "" if rate is None else f"{rate:,.0f}/s",
            "" if eta_s is None else f"{_span(eta_s)} left",
            f"{counts['enricher', 'published']:,} made",
            *(f"{turned[name]:,} {name}" for name in ("refused", "dead", "duplicate")),
            f"{Path(self._source).name} at byte {self._at:,}" if self._source else "",
        ]
        return " · ".join(part for part in parts if part)


def _through(counts: Counts) -> int:
    return sum(number for (stage, _), number in counts.items() if stage == "extractor")


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
