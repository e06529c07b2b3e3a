"""Which blocks are the article's: every block near the container scored by the learned model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from newsmill.extractor.core import body_model, features
from newsmill.extractor.core.container import Layout
from newsmill.extractor.core.sheet import Sheet

MIN_DOUBLE = 40  # characters of a block that is taken once
NO_WAY = -3.0  # log-odds of a block that is none of the article, whatever stands beside it


@dataclass(frozen=True, slots=True)
class Scored:
    """The log-odds of each block from ``first`` on that it is of the article."""

    first: int
    odds: list[float]


def score(sheet: Sheet, layout: Layout, title: str, description: str) -> Scored:
    """Score the blocks near the container."""
    rows = features.rows(sheet, layout, title, description)
    return Scored(features.span(sheet, layout).first, [body_model.score(row) for row in rows])


def kept(sheet: Sheet, scored: Scored, roles: bytearray | None) -> list[int]:
    """The blocks of the article, in order: likely ones without another role, each text once."""
    seen: set[str] = set()
    found: list[int] = []
    for index, odds in enumerate(scored.odds, scored.first):
        if roles is not None and roles[index]:
            continue
        if odds < 0.0 and not (
            odds > NO_WAY and found[-1:] == [index - 1] and _goes_on(sheet, index)
        ):
            continue
        text = sheet.blocks[index].text
        if len(text) > MIN_DOUBLE:
            if text in seen:
                continue
            seen.add(text)
        found.append(index)
    return found


def _goes_on(sheet: Sheet, index: int) -> bool:
    """Whether a paragraph is of one row with that before it, but that a stray end tag parted them.

    Then it stands in a box around that one's, under the same class.
    """
    block, before = sheet.blocks[index], sheet.blocks[index - 1]
    box, other = sheet.boxes[block.box], sheet.boxes[before.box]
    if block.tag != "p" or before.tag != "p" or not box.name or box.name != other.name:
        return False
    if block.links or len(block.text) < MIN_DOUBLE or box.parent == other.parent:
        return False
    return box.parent in sheet.path(other.parent)


def facts(sheet: Sheet, layout: Layout, scored: Scored, blocks: list[int]) -> list[float]:
    """What the certainty of a page is made of, in the order of ``body_model.QUALITY``."""
    sizes = [len(sheet.blocks[index].text) for index in blocks]
    total = sum(sizes) or 1
    sure = sum(
        abs(math.tanh(odds / 2)) * len(sheet.blocks[index].text)
        for index, odds in enumerate(scored.odds, scored.first)
        if odds > -4.0
    )
    near = sum(
        len(sheet.blocks[index].text)
        for index, odds in enumerate(scored.odds, scored.first)
        if odds > -4.0
    )
    doubtful = sum(
        len(sheet.blocks[index].text)
        for index, odds in enumerate(scored.odds, scored.first)
        if -1.5 < odds < 1.5
    )
    home = sheet.boxes[layout.container]
    within = max(1, layout.chars[home.last] - layout.chars[home.first])
    return [
        math.log(total),
        sure / max(1, near),
        doubtful / total,
        total / within,
        math.log(1 + len(blocks)),
        max(sizes, default=0) / total,
    ]


def quality(row: list[float]) -> float:
    """The share of pages like this one whose text is right: F1 of 0.9 or more against gold."""
    bias, *weights = body_model.QUALITY
    total = bias + sum(weight * value for weight, value in zip(weights, row, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))
