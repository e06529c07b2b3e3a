"""Scores of article extraction against gold: text, segments, title, authors, date.

Text is compared as multisets of shingles of four words (``\\w+``, case kept). Precision and recall
are means over pages, precision over those with a prediction; F1 is the harmonic mean of the two
means, ``page_f1`` the mean of each page's own, ``exact`` the share of pages whose words are the
gold's. Segments are pieces of text that the article must hold or must not, counted over all pages.
Titles and names are compared folded, names as sets; a date is its day.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

SHINGLE = 4

_WORD = re.compile(r"\w+")
_FOLD: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    **dict.fromkeys(map(ord, "“”„«»"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―"), "-"),
    **dict.fromkeys((0xAD, 0x200B, 0xFEFF), None),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What an extractor found on a page."""

    text: str = ""
    title: str | None = None
    authors: tuple[str, ...] = ()
    date: str | None = None  # ISO; the day counts
    tier: str = ""  # of ours: who answered


class Match(NamedTuple):
    """How a text compares with its gold; precision is None where nothing was predicted."""

    precision: float | None
    recall: float | None
    f1: float
    exact: bool


def shingles(words: list[str]) -> Counter[tuple[str, ...]]:
    """The runs of four words; of a shorter text, the one run that there is."""
    ends = range(max(1, len(words) - SHINGLE + 1)) if words else ()
    return Counter(tuple(words[i : i + SHINGLE]) for i in ends)


def match(gold: str, predicted: str) -> Match:
    """Compare two texts; two empty ones are alike."""
    wanted, got = _WORD.findall(gold), _WORD.findall(predicted)
    there, here = shingles(wanted), shingles(got)
    common = (there & here).total()
    all_there, all_here = there.total(), here.total()
    both = all_there + all_here
    return Match(
        common / all_here if all_here else None,
        common / all_there if all_there else None,
        2 * common / both if both else 1.0,
        wanted == got,
    )


def fold(value: str | None) -> str:
    """A title or a name as two of the same are known: quotes, dashes, case, white space folded."""
    folded = unicodedata.normalize("NFKC", value or "").translate(_FOLD).casefold()
    return " ".join(folded.split())


def names(values: Iterable[str]) -> set[str]:
    """The names of authors, folded, without empty ones."""
    return {name for value in values if (name := fold(value))}


@dataclass(slots=True)
class Tally:
    """The scores of one extractor on one corpus, page by page."""

    matches: list[Match] = field(default_factory=list)
    segments: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)  # of title, authors, date
    right: Counter[str] = field(default_factory=Counter)

    def add(self, gold: Mapping[str, Any], found: Found) -> None:
        """Score a page on all that its gold states."""
        if gold.get("text"):
            self.matches.append(match(gold["text"], found.text))
        self._segments(gold.get("with") or (), gold.get("without") or (), found.text)
        if gold.get("title"):
            self._field("title", fold(gold["title"]) == fold(found.title))
        if gold.get("authors"):
            self._field("authors", names(gold["authors"]) == names(found.authors))
        if gold.get("date"):
            self._field("date", str(gold["date"])[:10] == (found.date or "")[:10])

    def _segments(self, wanted: Iterable[str], unwanted: Iterable[str], text: str) -> None:
        flat = " ".join(text.split())
        for name, segments in (("wanted", wanted), ("unwanted", unwanted)):
            for segment in segments:
                self.segments[f"{name} {' '.join(segment.split()) in flat}"] += 1

    def _field(self, name: str, is_right: bool) -> None:
        self.asked[name] += 1
        self.right[name] += is_right

    def scores(self) -> dict[str, float]:
        """What the corpus can say, by name: only the scores that its gold asks for."""
        shown: dict[str, float] = {}
        if self.matches:
            precision = _mean(m.precision for m in self.matches)
            recall = _mean(m.recall for m in self.matches)
            both = precision + recall
            shown["F1"] = 2 * precision * recall / both if both else 0.0
            shown |= {"precision": precision, "recall": recall}
            shown["exact"] = _mean(float(m.exact) for m in self.matches)
            shown["page F1"] = _mean(m.f1 for m in self.matches)
        if self.segments:
            hit, miss = self.segments["wanted True"], self.segments["wanted False"]
            false = self.segments["unwanted True"]
            shown["segments"] = 2 * hit / max(1, 2 * hit + miss + false)
        for name, asked in self.asked.items():
            shown[name] = self.right[name] / asked
        return shown


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if known else 0.0
