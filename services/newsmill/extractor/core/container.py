"""The box that holds the article: descend from the top while one box holds most of the prose.

Keeping the parent where no child does keeps the halves of a split body. Weights are sums over the
ranges of blocks that boxes are, so that the whole is one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from newsmill.extractor.core.boxkinds import (
    AD,
    AUTHOR,
    CAPTION,
    COMMENT,
    FOOTER,
    HIDDEN,
    NAV,
    NOTE,
    PROMO,
    RELATED,
    SHARE,
    SIDE,
)
from newsmill.extractor.core.sheet import Box, Sheet, Text

SHARE_KEPT = 0.8
LIGHT = (
    COMMENT | NAV | FOOTER | RELATED | PROMO | SHARE | AD | CAPTION | AUTHOR | SIDE | NOTE | HIDDEN
)
_OF_TAG = {"p": 1.5, "li": 0.5, "td": 0.8, "h1": 0.3, "h2": 0.5, "h3": 0.5, "h4": 0.5, "pre": 0.8}
_MAX = 600
_CJK = "\u2e80"  # from here on a character is a word or most of one


@dataclass(slots=True)
class Layout:
    """Where the article is, and what every later step asks of boxes."""

    container: int
    bits: list[int]  # of each box by itself
    inherited: list[int]  # with those of the boxes around it, where it holds text
    chars: list[int]  # prefix sums over blocks
    paragraphs: list[int]  # of those that are a p
    linked: list[int]
    weights: list[float]


def lay_out(sheet: Sheet) -> Layout:
    """Choose the container; linear in boxes and blocks."""
    boxes, blocks = sheet.boxes, sheet.blocks
    bits = [box.bits for box in boxes]
    lengths = [len(block.text) for block in blocks]
    chars = list(accumulate(lengths, initial=0))
    linked = list(accumulate([block.linked for block in blocks], initial=0))
    prose = [size if b.tag == "p" else 0 for b, size in zip(blocks, lengths, strict=True)]
    raw = [
        _weight(block, size) if size > 20 else 0.0
        for block, size in zip(blocks, lengths, strict=True)
    ]
    inherited = _inherited(boxes, list(accumulate(raw, initial=0.0)))
    weighed = [
        weight * 0.2 if weight and inherited[block.box] & LIGHT else weight
        for weight, block in zip(raw, blocks, strict=True)
    ]
    weights = list(accumulate(weighed, initial=0.0))
    paragraphs = list(accumulate(prose, initial=0))
    container = _descend(boxes, weights)
    return Layout(container, bits, inherited, chars, paragraphs, linked, weights)


def _weight(block: Text, size: int) -> float:
    """How much prose a block is."""
    weight: float = size if block.text[0] < _CJK else size * 2.5
    if weight > _MAX:
        weight = _MAX
    if block.linked:
        weight *= max(0.0, 1.0 - block.linked / size) ** 2
    return weight * _OF_TAG.get(block.tag, 0.9)


def _inherited(boxes: list[Box], plain: list[float]) -> list[int]:
    """What each box with text is, or is within."""
    half = plain[-1] / 2
    inherited = [0] * len(boxes)
    for index, box in enumerate(boxes):
        if box.first == box.last:
            continue
        own = box.bits
        if own & LIGHT and plain[box.last] - plain[box.first] > half:
            own &= ~LIGHT | COMMENT  # what holds half of all prose is no box beside it
        if box.hidden:
            own |= HIDDEN
        inherited[index] = (inherited[box.parent] if index else 0) | own
    return inherited


def _descend(boxes: list[Box], weights: list[float]) -> int:
    best = [-1] * len(boxes)
    most = [0.0] * len(boxes)
    for index in range(1, len(boxes)):
        box = boxes[index]
        if box.first == box.last:
            continue
        weight = weights[box.last] - weights[box.first]
        if weight > most[box.parent]:
            most[box.parent], best[box.parent] = weight, index
    chosen = 0
    while best[chosen] >= 0:
        box = boxes[chosen]
        if most[chosen] < SHARE_KEPT * (weights[box.last] - weights[box.first]):
            break
        if boxes[best[chosen]].tag in ("p", "li", "td", "blockquote", "h1", "h2", "h3", "pre"):
            break
        chosen = best[chosen]
    return chosen
