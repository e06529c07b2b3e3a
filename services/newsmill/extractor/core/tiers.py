"""The body of an article by the cheapest tier that is sure enough.

The scored sheet first; where that finds next to nothing, trafilatura over the same tree; and where
the page shows next to nothing, the body that it states in JSON-LD.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import trafilatura
from lxml import etree
from lxml.etree import _Element
from trafilatura.settings import Document

from newsmill.extractor.core import about, lines, scoring
from newsmill.extractor.core.about import Choice
from newsmill.extractor.core.blocks import Line, lines_of
from newsmill.extractor.core.container import Layout
from newsmill.extractor.core.furniture import Furniture
from newsmill.extractor.core.sheet import Sheet
from newsmill.extractor.core.tables import Table

MAX_TAGS = 6_000  # past it trafilatura takes a tenth of a second (59 s at 200,000 paragraphs)
LITTLE = 200.0  # weight; a body of less may be no more than a teaser
BASELINE_CHARS = 250  # below, trafilatura may join all that the page shows into one line
CELL_ODDS = -2.0  # log-odds
RESCUE_SCORE = 0.5  # of what trafilatura or JSON-LD found where the page itself was in doubt

_TAG = re.compile(r"<[^<>]{0,1000}>")
_BREAK = re.compile(r"<(?:br|/p|/div|/h\d|/li)\b[^<>]*>|\r?\n", re.I)
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0eff]")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Body:
    """The lines that a tier found, its name, and how sure it is (0 to 1)."""

    lines: list[Line]
    tier: str
    score: float


@functools.lru_cache(maxsize=2_048)
def weight(text: str) -> float:
    """How much a text says, in characters of a Latin script: a CJK character says more."""
    if text.isascii():
        return float(len(text))
    return len(text) + 1.5 * len(_CJK.findall(text))


def body_of(
    tree: _Element, sheet: Sheet, choice: Choice, layout: Layout, marked: Furniture
) -> Body:
    """The body by the first tier that is sure enough; its lines may be none."""
    description = about.meta(sheet, "og:description", "description") or ""
    scored = scoring.score(sheet, layout, marked.roles, marked.area.headline, description)
    kept = scoring.kept(sheet, scored, marked.roles)
    tables = [table for table in marked.tables if is_likely(scored, table)]
    found = lines.of(sheet, kept, tables)
    score = scoring.quality(scoring.facts(sheet, layout, scored, kept))
    size = sum(weight(line.text) for line in found)
    body = Body(found, "sheet", score)
    return body if size >= LITTLE else _rescued(tree, sheet, choice, body, size)


def _trafilatura(tree: _Element) -> list[Line]:
    page = etree.tostring(tree, encoding="unicode", method="html")
    document = trafilatura.bare_extraction(
        page,
        include_comments=False,
        with_metadata=False,
        fast=True,  # its own rescuers, readability and justext, take as long again for worse text
    )
    return lines_of(document.body) if isinstance(document, Document) else []


def is_likely(scored: scoring.Scored, table: Table) -> bool:
    """Whether half of a table's blocks may be the article's: short cells are seldom sure to be."""
    odds = scored.odds[max(0, table.first - scored.first) : max(0, table.last - scored.first)]
    return bool(odds) and 2 * sum(each >= CELL_ODDS for each in odds) >= len(odds)


def _rescued(tree: _Element, sheet: Sheet, choice: Choice, body: Body, size: float) -> Body:
    """What another tier finds, where that is much more."""
    shown = sum(len(block.text) - block.linked for block in sheet.blocks)
    if sheet.tags <= MAX_TAGS and shown >= max(BASELINE_CHARS, 2.0 * size):
        second = _trafilatura(tree)
        chars = sum(len(line.text) for line in second)
        if chars >= BASELINE_CHARS and chars > 2.0 * size:
            body, size = Body(second, "trafilatura", RESCUE_SCORE), float(chars)
    stated = (choice.article or {}).get("articleBody")
    if isinstance(stated, str) and size < LITTLE and weight(stated) > 2 * size + 100:
        parts = (_SPACE.sub(" ", _TAG.sub("", part)).strip() for part in _BREAK.split(stated))
        told = [Line("paragraph", part) for part in parts if part]
        return Body(told, "json-ld", RESCUE_SCORE)
    return body
