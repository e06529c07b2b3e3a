"""The pages of the corpora as rows with labels, and their texts scored: what a training needs.

A block is the article's where at least half of its 4-grams are the gold text's; blocks of less than
five words where the blocks around them are.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scoring import Found, Tally, shingles

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import (
    about,
    authors,
    charset,
    clean,
    container,
    features,
    furniture,
    lines,
    markup,
    reading,
    scoring,
    tiers,
)
from newsmill.extractor.core.sheet import Sheet
from newsmill.records import Page

# Past these a page is long, not other. The trees do not split there, so that nothing at run time
# has to look.
LIMITS = {
    "from_start": 300, "from_end": 300, "since_heading": 50, "since_cue": 60, "headline": 300,
    "headline_chars": 20_000, "signature_count": 300, "section_blocks": 300, "parent_blocks": 300,
    "parent_chars": 40_000, "grand_blocks": 300, "page_chars": 40_000, "container_blocks": 300,
}  # fmt: skip

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Labelled:
    """A page with its blocks' rows, and which of them are the article's (-1: nobody says)."""

    corpus: str
    site: str
    gold: dict[str, Any]
    sheet: Sheet
    layout: container.Layout
    marked: furniture.Furniture
    heads: tuple[str, ...]
    first: int
    count: int  # of blocks that are looked at
    places: np.ndarray  # of those among them that have a row
    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    odds: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def scored(self) -> scoring.Scored:
        """The log-odds of all blocks that are looked at, as the recipe has them."""
        odds = np.full(self.count, scoring.NEVER)
        odds[self.places] = self.odds
        marked = np.frombuffer(self.marked.roles, dtype=np.uint8)[self.first :][: self.count]
        odds[~np.isin(marked, features.OPEN_ROLES)] = scoring.NEVER
        return scoring.Scored(self.first, odds.tolist())


def squeeze(text: str) -> str:
    return " ".join(text.split())


def matrix_of(rows: Sequence[features.Row]) -> np.ndarray:
    """Rows with what is past a limit at it."""
    matrix = np.array(rows, dtype=np.float32).reshape(len(rows), len(features.NAMES))
    for name, limit in LIMITS.items():
        column = matrix[:, features.NAMES.index(name)]
        lowest = -limit if name in ("from_start", "from_end") else -np.inf
        np.clip(column, lowest, limit, out=column)
    return matrix


def labels_of(sheet: Sheet, gold: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Of each block whether it is the article's, and how much that is worth."""
    if gold.get("text"):
        return _by_text(sheet, gold["text"])
    labels, weights = np.full(len(sheet.blocks), -1.0), np.zeros(len(sheet.blocks))
    wanted = [squeeze(part) for part in gold.get("with", ())]
    unwanted = [squeeze(part) for part in gold.get("without", ())]
    for index, block in enumerate(sheet.blocks):
        text = block.text
        good = any(part in text or (len(text) > 20 and text in part) for part in wanted)
        if good != any(part in text for part in unwanted):
            labels[index], weights[index] = float(good), 12.0
    return labels, weights


def _by_text(sheet: Sheet, gold: str) -> tuple[np.ndarray, np.ndarray]:
    labels, weights = np.full(len(sheet.blocks), -1.0), np.zeros(len(sheet.blocks))
    flat, lines, left = (
        squeeze(gold),
        {squeeze(line) for line in gold.split("\n")},
        shingles(_WORD.findall(gold)),
    )
    short = []
    for index, block in enumerate(sheet.blocks):
        own = shingles(_WORD.findall(block.text))
        total = sum(own.values())
        if total < 2:  # less than five words
            short.append(index)
            continue
        hits = sum(min(count, left.get(part, 0)) for part, count in own.items())
        labels[index] = float(hits >= 0.5 * total)
        certain = 1.0 if hits in (0, total) else abs(2 * hits / total - 1) + 0.1
        weights[index] = min(80, total + 3) * certain
        if labels[index]:
            left.subtract(own)  # a second copy of a paragraph is none
    told = {}
    for index in short:
        text = sheet.blocks[index].text
        before = _nearest(labels, weights, range(index - 1, max(-1, index - 40), -1))
        after = _nearest(labels, weights, range(index + 1, min(len(labels), index + 40)))
        is_line = text in lines and (before or after)
        told[index] = float(bool(is_line or (before and after and text in flat)))
    for index, label in told.items():
        labels[index] = label
        weights[index] = float(max(1, len(_WORD.findall(sheet.blocks[index].text))))
    return labels, weights


def _nearest(labels: np.ndarray, weights: np.ndarray, places: Iterable[int]) -> float:
    """The label of the first block of five words or more."""
    return next((float(labels[i]) for i in places if weights[i] > 0 and labels[i] >= 0), 0.0)


def pages_of(corpora: Path, corpus: str) -> Iterable[Labelled]:
    for line in (corpora / corpus / "gold.jsonl").read_bytes().splitlines():
        gold = json.loads(line)
        body = gzip.decompress((corpora / corpus / "html" / gold["file"]).read_bytes())
        try:
            tree = markup.parse(markup.tame(charset.decode(body, "text/html")[0]))
        except BadRecord:
            continue
        sheet = reading.read(tree)
        if not sheet.blocks:
            continue
        url = gold.get("url") or ""
        try:
            site = urls.domain_of(urls.normalise(url))
        except ValueError:
            site, url = str(gold.get("source_file") or gold["id"]), "http://page.invalid/"
        choice = about.choose(sheet, Page(page_id="", url=url))
        layout = container.lay_out(sheet)
        marked = furniture.mark(sheet, choice, layout, url)
        description = about.meta(sheet, "og:description", "description") or ""
        rows = features.rows(sheet, layout, None, marked.area.headline, description)
        first = features.span(sheet, layout).first
        labels, weights = labels_of(sheet, gold)
        places = np.array([at for at, row in enumerate(rows) if row is not None], dtype=int)
        names = authors.choose(choice, sheet, Page(page_id="", url=url))[0]
        heads = (*choice.titles, choice.title or "", marked.subtitle or "", *names)
        matrix = matrix_of([row for row in rows if row is not None])
        yield Labelled(
            corpus, site, gold, sheet, layout, marked, heads, first, len(rows), places,
            matrix, labels[first + places], weights[first + places],
        )  # fmt: skip


def text_of(page: Labelled) -> tuple[str, list[int]]:
    """The text as the recipe makes it of the scores, and the blocks that it is of."""
    scored = page.scored()
    blocks = scoring.kept(page.sheet, scored, page.marked.roles)
    tables = [table for table in page.marked.tables if tiers.is_likely(scored, table)]
    found = lines.of(page.sheet, blocks, tables)
    cleaned = clean.clean(found, page.heads, page.marked.images, page.marked.related)
    return "\n".join(line.text for line in cleaned.lines), blocks


def scores(pages: Sequence[Labelled]) -> dict[str, float]:
    """F1 by corpus, of texts or of segments, and the share of exact texts."""
    found = {}
    for corpus in dict.fromkeys(page.corpus for page in pages):
        tally = Tally()
        for page in (page for page in pages if page.corpus == corpus):
            asked = {name: page.gold.get(name) for name in ("text", "with", "without")}
            tally.add(asked, Found(text_of(page)[0]))
        told = tally.scores()
        found[corpus] = round(told["F1"] if "F1" in told else told["segments"], 4)
        if "exact" in told:
            found[f"{corpus} exact"] = round(told["exact"], 3)
    return found
