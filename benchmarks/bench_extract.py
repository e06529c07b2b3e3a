"""Our extractor beside others on corpora with gold: quality, and pages per CPU second in one run.

    python benchmarks/bench_extract.py CORPORA... [--quick N] [--only WORDS] [--write DOCUMENT]

Extractors take turns page by page, in an order that moves on with each page, on one processor; each
call begins right after a garbage collection, and its CPU time (user and system, ended children
included) counts. The first pages are run once before, uncounted, so that nobody pays for imports.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from corpora import Sample, folders, samples
from extractors import OURS, YARDSTICK, Extractor, present, version
from scoring import Found, Tally
from tables import between_marks, table

WARM = 8  # pages
TEXT_SCORES = ("F1", "precision", "recall", "exact", "page F1")
FIELDS = ("title", "authors", "date")


@dataclass(slots=True)
class Timing:
    """CPU seconds of one extractor, page by page."""

    seconds: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Pages per CPU second, over all pages."""
        return len(self.seconds) / max(sum(self.seconds), 1e-9)


@dataclass(slots=True)
class Run:
    """All that one run measured, by extractor and corpus."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    timings: dict[tuple[str, str], Timing] = field(default_factory=dict)
    crashes: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)

    def take(self, row: Extractor, sample: Sample, body: bytes) -> None:
        """Run an extractor on a page, and note what it found and took."""
        found, seconds = self._timed(row, body, sample.url)
        key = (row.name, sample.corpus)
        self.timings.setdefault(key, Timing()).seconds.append(seconds)
        if row.finds:
            self.tallies.setdefault(key, Tally()).add(sample.gold, found)
        if row.name == OURS:
            self.tiers[found.tier or "raised"] += 1

    def _timed(self, row: Extractor, body: bytes, url: str) -> tuple[Found, float]:
        gc.collect()
        started = _cpu_s()
        try:
            found = row.run(body, url)
        except Exception as error:  # noqa: BLE001  # a stranger's code on a stranger's page
            found = Found()
            self.crashes[f"{row.name} ({type(error).__name__})"] += 1
        return found, _cpu_s() - started

    def rate(self, name: str, corpus: str | None = None) -> float:
        """Pages per CPU second of an extractor, over one corpus or all."""
        all_of = [
            timing
            for (row, where), timing in self.timings.items()
            if row == name and corpus in (None, where)
        ]
        return Timing([second for timing in all_of for second in timing.seconds]).rate()

    def slowest_ms(self, name: str) -> float:
        """The most CPU that an extractor took for a page."""
        own = [timing for (row, _), timing in self.timings.items() if row == name]
        return max(max(timing.seconds) for timing in own) * 1e3

    def median_ms(self, name: str) -> float:
        """The CPU that an extractor took for a page in the middle."""
        own = [timing for (row, _), timing in self.timings.items() if row == name]
        return median(second for timing in own for second in timing.seconds) * 1e3


def _cpu_s() -> float:
    own, ended = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def measure(rows: Sequence[Extractor], pages: Sequence[Sample]) -> Run:
    """Run every extractor on every page, in turns."""
    warm = Run()
    for sample in pages[:: max(1, len(pages) // WARM)][:WARM]:
        for row in rows:
            warm.take(row, sample, sample.body())
    gc.collect()
    gc.freeze()
    run = Run()
    for number, sample in enumerate(pages):
        body = sample.body()
        for turn in range(len(rows)):
            run.take(rows[(number + turn) % len(rows)], sample, body)
        if sys.stderr.isatty():
            print(f"\r{number + 1}/{len(pages)}", end="", file=sys.stderr)
    return run


def summary(run: Run, rows: Sequence[Extractor], names: Sequence[str]) -> str:
    """The table of everybody: F1 a corpus, segments, and speed."""
    texts = [name for name in names if _has(run, name, "F1")]
    segments = [name for name in names if _has(run, name, "segments")]
    head = [
        "extractor",
        *(f"F1 {name}" for name in texts),
        *(f"segments {name}" for name in segments),
        "pages/CPU s",
        "ratio",
        "median ms",
        "slowest ms",
    ]
    lines = []
    yardstick = _yardstick(run, rows)
    for row in rows:
        scores = {name: _scores(run, row.name, name) for name in names}
        lines.append(
            [
                row.name,
                *(_cell(scores[name].get("F1")) for name in texts),
                *(_cell(scores[name].get("segments")) for name in segments),
                f"{run.rate(row.name):.0f}",
                _ratio(run.rate(row.name), yardstick),
                f"{run.median_ms(row.name):.1f}",
                f"{run.slowest_ms(row.name):.0f}",
            ]
        )
    return table(head, lines)


def details(run: Run, rows: Sequence[Extractor], names: Sequence[str]) -> str:
    """A table a corpus: all scores that its gold asks for, and speed on it."""
    parts = []
    for name in names:
        asked = [s for s in (*TEXT_SCORES, "segments", *FIELDS) if _has(run, name, s)]
        tally = run.tallies[OURS, name]
        numbers = ", ".join(f"{n} {tally.asked[n]}" for n in FIELDS if tally.asked[n])
        lines = []
        for row in rows:
            if not row.finds:
                continue
            scores = _scores(run, row.name, name)
            cells = [_cell(scores[s] if _knows(row, s) else None) for s in asked]
            rate = run.rate(row.name, name)
            ratio = _ratio(rate, _yardstick(run, rows, name))
            lines.append([row.name, *cells, f"{rate:.0f}", ratio])
        pages = len(run.timings[OURS, name].seconds)
        gold = f"; gold states {numbers}" if numbers else ""
        title = f"**{name}**, {pages} pages{gold}"
        parts.append(f"{title}\n\n{table(['extractor', *asked, 'pages/CPU s', 'ratio'], lines)}")
    return "\n\n".join(parts)


def _yardstick(run: Run, rows: Iterable[Extractor], corpus: str | None = None) -> float | None:
    """The rate of trafilatura with metadata; None where it did not run."""
    ran = any(row.name == YARDSTICK for row in rows)
    return run.rate(YARDSTICK, corpus) if ran else None


def _ratio(rate: float, yardstick: float | None) -> str:
    return "–" if yardstick is None else f"{rate / yardstick:.1f}"


def _knows(row: Extractor, score: str) -> bool:
    return (score if score in FIELDS else "text") in row.finds


def _has(run: Run, corpus: str, score: str) -> bool:
    return score in _scores(run, OURS, corpus)


def _scores(run: Run, name: str, corpus: str) -> dict[str, float]:
    tally = run.tallies.get((name, corpus))
    return tally.scores() if tally else {}


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def report(
    run: Run, rows: Sequence[Extractor], missing: Sequence[str], names: Sequence[str]
) -> str:
    """The whole section: what ran, the tables, the shares of our tiers."""
    packages = sorted({"lxml", *(row.package for row in rows)} - {"newsmill"})
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    pages = run.tiers.total()
    tiers = ", ".join(f"{tier} {count / pages:.1%}" for tier, count in run.tiers.most_common())
    said = [
        f"Taken on {time.strftime('%Y-%m-%d')}: {pages} pages,"
        f" Python {platform.python_version()}, {versions}.",
        f"Not installed here: {', '.join(missing)}." if missing else "",
        f"Our tiers: {tiers}.",
        f"Raised on a page: {', '.join(f'{n} {c}' for n, c in sorted(run.crashes.items()))}."
        if run.crashes
        else "",
    ]
    lines = "\n".join(line for line in said if line)
    return f"{lines}\n\n{summary(run, rows, names)}\n\n{details(run, rows, names)}"


def as_json(run: Run) -> dict[str, Any]:
    """The scores and rates, for a machine."""
    found: dict[str, Any] = {"tiers": dict(run.tiers), "crashes": dict(run.crashes)}
    for (name, corpus), timing in sorted(run.timings.items()):
        scores = _scores(run, name, corpus)
        found.setdefault(name, {})[corpus] = {**scores, "pages_per_cpu_s": timing.rate()}
    return found


def pins(run: Run, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Our scores by corpus, as ``tests/quality`` keeps them from falling."""
    kept = {name: _scores(run, OURS, name) for name in names}
    return {
        name: {score: round(value, 4) for score, value in scores.items()}
        for name, scores in kept.items()
    }


def _stay() -> None:
    """Stay on one processor, the last that we may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--quick", type=int, metavar="N", help="at most N pages of each corpus")
    parser.add_argument("--only", metavar="WORDS", help="ours, and those whose name holds one")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--pin", type=Path, metavar="OUT", help="pin our scores: pins.json")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into a document")
    options = parser.parse_args()
    found = folders(options.corpora)
    if not found:
        parser.error("no corpus there: a folder with gold.jsonl and html/")
    pages = [sample for folder in found for sample in samples(folder, options.quick)]
    rows, missing = present()
    if options.only is not None:
        words = options.only.split(",")
        rows = [row for row in rows if row.name == OURS or any(w and w in row.name for w in words)]
    _stay()
    run = measure(rows, pages)
    text = report(run, rows, missing, [folder.name for folder in found])
    print(text)
    if options.json:
        options.json.write_text(json.dumps(as_json(run), indent=1))
    if options.pin:
        found_pins = pins(run, [folder.name for folder in found])
        options.pin.write_text(json.dumps(found_pins, indent=2) + "\n")
    if options.write:
        between_marks(options.write, "bench-extract", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
