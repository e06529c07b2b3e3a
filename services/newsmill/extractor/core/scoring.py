"""Which blocks are the article's: every block near the container scored by the learned model."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from newsmill.extractor.core import body_model, features
from newsmill.extractor.core.container import Layout
from newsmill.extractor.core.sheet import Sheet

MIN_DOUBLE = 40  # characters of a block that is taken once
NEVER = -6.0  # log-odds of a block that needs no model to be none of the article
NO_WAY = -3.0  # log-odds of a block that is none of the article, whatever stands beside it


@dataclass(frozen=True, slots=True)
class Scored:
    """The log-odds of each block from ``first`` on that it is of the article."""

    first: int
    odds: list[float]


def score(
    sheet: Sheet,
    layout: Layout,
    roles: bytearray | None,
    headline: int | None,
    description: str,
) -> Scored:
    """Score the blocks near the container that have no role; ``headline`` is a block's index."""
    rows = features.rows(sheet, layout, roles, headline, description)
    model = body_model.score
    odds = [NEVER if row is None else model(*row) for row in rows]
    return Scored(features.span(sheet, layout).first, odds)


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
    sure, near, doubtful = 0.0, 0, 0
    for index, odds in enumerate(scored.odds, scored.first):
        if odds > -4.0:
            size = len(sheet.blocks[index].text)
            near += size
            sure += abs(math.tanh(odds / 2)) * size
            doubtful += size if -1.5 < odds < 1.5 else 0
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
    return calibrated(signal(row, body_model.QUALITY), body_model.CALIBRATION)


def signal(row: list[float], weights: tuple[float, ...]) -> float:
    """The facts of a page as one number; the first weight stands alone."""
    return weights[0] + sum(w * value for w, value in zip(weights[1:], row, strict=True))


def calibrated(x: float, curve: tuple[tuple[float, float], ...]) -> float:
    """The height of a rising curve at ``x``, straight between its points, level past its ends."""
    at = bisect_right(curve, (x, math.inf))
    if at in (0, len(curve)):
        return curve[min(at, len(curve) - 1)][1]
    (x0, y0), (x1, y1) = curve[at - 1], curve[at]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
