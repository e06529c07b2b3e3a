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
    bits_of,
)
from newsmill.extractor.core.sheet import Sheet

SHARE_KEPT = 0.8
LIGHT = (
    COMMENT | NAV | FOOTER | RELATED | PROMO | SHARE | AD | CAPTION | AUTHOR | SIDE | NOTE | HIDDEN
)
_OF_TAG = {"p": 1.5, "li": 0.5, "td": 0.8, "h1": 0.3, "h2": 0.5, "h3": 0.5, "h4": 0.5, "pre": 0.8}
_MAX = 600
_CJK = 0x2E80


@dataclass(slots=True)
class Layout:
    """Where the article is, and what every later step asks of boxes."""

    container: int
    bits: list[int]  # of each box by itself
    inherited: list[int]  # with those of the boxes around it
    chars: list[int]  # prefix sums over blocks
    linked: list[int]
    weights: list[float]


def lay_out(sheet: Sheet) -> Layout:
    """Choose the container; linear in boxes and blocks."""
    boxes, blocks = sheet.boxes, sheet.blocks
    bits = [bits_of(box.tag, box.name, box.prop) for box in boxes]
    lengths = [len(block.text) for block in blocks]
    chars = list(accumulate(lengths, initial=0))
    linked = list(accumulate((block.linked for block in blocks), initial=0))
    raw = [
        min(size if block.text[0] < "\u2e80" else size * 2.5, _MAX)
        * max(0.0, 1.0 - block.linked / size) ** 2
        * _OF_TAG.get(block.tag, 0.9)
        if size > 20
        else 0.0
        for block, size in zip(blocks, lengths, strict=True)
    ]
    plain = list(accumulate(raw, initial=0.0))
    half = plain[-1] / 2
    inherited = [0] * len(boxes)
    for index, box in enumerate(boxes):
        own = bits[index]
        if own & LIGHT and plain[box.last] - plain[box.first] > half:
            own &= ~LIGHT | COMMENT  # what holds half of all prose is no box beside it
        if box.hidden:
            own |= HIDDEN
        inherited[index] = (inherited[box.parent] if index else 0) | own
    weighed = [
        weight * (0.2 if inherited[block.box] & LIGHT else 1.0)
        for weight, block in zip(raw, blocks, strict=True)
    ]
    weights = list(accumulate(weighed, initial=0.0))
    return Layout(_descend(sheet, weights), bits, inherited, chars, linked, weights)


def _descend(sheet: Sheet, weights: list[float]) -> int:
    boxes = sheet.boxes
    best = [-1] * len(boxes)
    most = [0.0] * len(boxes)
    for index in range(1, len(boxes)):
        box = boxes[index]
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
