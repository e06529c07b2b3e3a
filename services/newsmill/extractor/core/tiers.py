"""Body extraction in tiers over one parsed tree.

trafilatura first; our own linear walk where a page is too large for it or it found too little; and
the body that the page states in JSON-LD as a rescue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import trafilatura
from lxml.html import HtmlElement
from trafilatura.settings import Document

from newsmill.extractor.core.blocks import Line, lines_of
from newsmill.extractor.core.facts import Facts
from newsmill.extractor.core.metadata import Choice
from newsmill.extractor.core.walk import walk

MAX_BLOCKS = (
    20_000  # p, li, br, tr: past it trafilatura takes seconds (2.0 s at 20,000 p, 59 s at 200,000)
)
MAX_ELEMENTS = 60_000
SURE_CHARS = 600  # weight; a body of so much is not second-guessed
BASELINE_CHARS = 300  # below 250 trafilatura may join all that the page shows into one line

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


def weight(text: str) -> float:
    """How much a text says, in characters of a Latin script: a CJK character says more."""
    if text.isascii():
        return float(len(text))
    return len(text) + 1.5 * len(_CJK.findall(text))


def is_too_large(facts: Facts) -> bool:
    """Whether a page has more parts than a library that is not linear in them should be given."""
    return facts.blocks > MAX_BLOCKS or facts.elements > MAX_ELEMENTS


def body_of(tree: HtmlElement, facts: Facts, choice: Choice) -> Body:
    """The body by the first tier that is sure enough; its lines may be none."""
    if is_too_large(facts):
        return _scored(walk(tree), "walk", facts, 0.6)
    document = trafilatura.bare_extraction(tree, include_comments=False, with_metadata=False)
    lines = lines_of(document.body) if isinstance(document, Document) else []
    size = sum(weight(line.text) for line in lines)
    chars = sum(len(line.text) for line in lines)
    if size < SURE_CHARS or chars < BASELINE_CHARS:
        second = walk(tree)
        second_size = sum(weight(line.text) for line in second)
        joined = len(lines) == 1 and second_size > 0.5 * size
        if joined or second_size > max(2.0 * size, 60):
            return _rescued(second, second_size, facts, choice, "walk")
    return _rescued(lines, size, facts, choice, "trafilatura")


def _rescued(lines: list[Line], size: float, facts: Facts, choice: Choice, tier: str) -> Body:
    """The lines, or those of the JSON-LD body where the page shows next to nothing."""
    stated = (choice.article or {}).get("articleBody")
    if isinstance(stated, str) and size < 200 and weight(stated) > 2 * size + 100:
        parts = (_SPACE.sub(" ", _TAG.sub("", part)).strip() for part in _BREAK.split(stated))
        return Body([Line("paragraph", part) for part in parts if part], "json-ld", 0.5)
    return _scored(lines, tier, facts, 0.9 if tier == "trafilatura" else 0.6)


def _scored(lines: list[Line], tier: str, facts: Facts, best: float) -> Body:
    """Less sure of a short body, and of one that is a small part of the page's paragraphs."""
    size = sum(weight(line.text) for line in lines)
    share = min(1.0, size / max(facts.paragraph_chars, 1))
    return Body(lines, tier, round(best * min(1.0, 0.4 + size / 1500) * (0.6 + 0.4 * share), 2))
