"""The extractor by language: text, title, authors and date of corpora with gold, a row a language.

    python benchmarks/by_language.py CORPORA... [--least 5] [--write docs/benchmarks.md]

The pages of all corpora together. The language is the one that most of the gold text is detected to
be, else the one that the page declares. Text is scored as the harmonic mean of the means of
precision and recall over shingles of four words (of characters where a script parts no words).
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import pycld2
from corpora import NOWHERE, folders, samples
from tables import between_marks, table

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import extract
from newsmill.records import Article, Page

SHINGLE = 4
_UNPARTED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_UNPARTED}]|[^\W{_UNPARTED}]+")
_FOLD = str.maketrans("‘’“”„«»–—−", '\'\'"""""---')


@dataclass(slots=True)
class Row:
    """What was measured of one language."""

    pages: int = 0
    refused: int = 0
    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    segments: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)  # of each field
    asked: Counter[str] = field(default_factory=Counter)

    def cells(self) -> list[str]:
        """The row as text; a dash for what no gold asks."""
        p, r = (mean(values) if values else 0.0 for values in (self.precision, self.recall))
        hit, miss, false = (self.segments[name] for name in ("hit", "miss", "false"))
        shown = [
            f"{2 * p * r / (p + r):.3f}" if p + r else "–",
            f"{2 * hit / (2 * hit + miss + false):.3f}" if hit else "–",
        ]
        for name in ("title", "authors", "date"):
            asked = self.asked[name]
            shown.append(f"{self.right[name] / asked:.3f} ({asked})" if asked else "–")
        return [str(self.pages), str(self.refused), *shown]


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The runs of four tokens of a text; of a shorter text, the one that there is."""
    tokens = _TOKEN.findall(text)
    ends = range(max(1, len(tokens) - SHINGLE + 1)) if tokens else ()
    return Counter(tuple(tokens[i : i + SHINGLE]) for i in ends)


def fold(value: str | None) -> str:
    """A title or name as two of the same are known."""
    folded = unicodedata.normalize("NFKC", value or "").translate(_FOLD).casefold()
    return " ".join(folded.split())


def language_of(gold: dict[str, Any], article: Article | None) -> str:
    """Two letters: detected in the gold text, else declared by the page, else "?"."""
    text = gold.get("text") or " ".join(gold.get("with") or ()) or gold.get("title") or ""
    plain = "".join(char for char in text if char.isprintable() or char == "\n")
    try:
        reliable, _, details = pycld2.detect(plain.encode())
    except pycld2.error:
        reliable, details = False, ()
    if reliable and details[0][1] != "un":
        return str(details[0][1])[:2]
    declared = article.declared_language if article else None
    return declared[:2].lower() if declared else "?"


def score(row: Row, gold: dict[str, Any], article: Article | None) -> None:
    """Add a page to its language's row; ``article`` is None where it was refused."""
    row.pages += 1
    row.refused += article is None
    text = article.text if article else ""
    if gold.get("text"):
        wanted, found = shingles(gold["text"]), shingles(text)
        both = sum((wanted & found).values())
        row.recall.append(both / sum(wanted.values()))
        if found:
            row.precision.append(both / sum(found.values()))
    plain = " ".join(text.split())
    for name, segments in (("with", gold.get("with")), ("without", gold.get("without"))):
        for segment in segments or ():
            is_in = " ".join(segment.split()) in plain
            row.segments[("hit" if is_in else "miss") if name == "with" else "false"] += (
                is_in or name == "with"
            )
    _score_field(row, "title", gold.get("title"), article.title if article else None)
    if gold.get("authors"):
        _score_field(row, "authors", gold["authors"], article.authors if article else ())
    if gold.get("date"):
        _score_field(
            row, "date", gold["date"][:10], ((article.published if article else None) or "")[:10]
        )


def _score_field(
    row: Row, name: str, wanted: str | Iterable[str] | None, found: str | Iterable[str] | None
) -> None:
    if not wanted:
        return
    row.asked[name] += 1
    if isinstance(wanted, str):
        row.right[name] += fold(wanted) == fold(str(found or ""))
    else:
        row.right[name] += set(map(fold, wanted)) == set(map(fold, found or ()))


def measure(folder: Path, rows: defaultdict[str, Row]) -> None:
    """Add the pages of a corpus to the rows of their languages."""
    for sample in samples(folder):
        url = sample.url
        try:
            page_id = urls.identity(urls.normalise(url))
        except ValueError:
            url, page_id = NOWHERE, urls.identity(NOWHERE)
        try:
            article = extract(sample.body(), Page(page_id=page_id, url=url))
        except BadRecord as error:
            print(f"refused: {sample.corpus} {sample.gold['id']}: {error}", file=sys.stderr)
            article = None
        score(rows[language_of(sample.gold, article)], sample.gold, article)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--least", type=int, default=5, help="pages of a row that is shown")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into a document")
    options = parser.parse_args()
    rows: defaultdict[str, Row] = defaultdict(Row)
    for folder in folders(options.corpora):
        measure(folder, rows)
    head = ("language", "pages", "refused", "F1", "segments", "title", "authors", "date")
    ranked = sorted(rows.items(), key=lambda item: (-item[1].pages, item[0]))
    shown = [(code, *row.cells()) for code, row in ranked if row.pages >= options.least]
    text = table(head, shown)
    print(text)
    if options.write:
        between_marks(options.write, "languages", text)


if __name__ == "__main__":
    main()
