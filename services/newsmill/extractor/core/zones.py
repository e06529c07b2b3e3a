"""Where on a page something stands: in a box around the article, or by its headline."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from newsmill.extractor.core.credit import fold

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Box, Sheet

MAX_SHARE = 0.4  # of the page's blocks in a box that its class can call foreign
LONG, MAX_LONG = 200, 3  # characters of a paragraph that is no teaser, and such ones in a sidebar
MAX_LEVELS = 12  # boxes above one that are asked what they are
MAX_COUNTED = 400  # blocks of such a box that are looked at
OPEN = frozenset(("article", "main", "body"))
FOREIGN = frozenset(("aside", "nav", "footer", "form"))
_OTHERS = re.compile(r"related|comment|recommend|popular|trending|more-from|latest")
_LAYOUT = re.compile(r"sidebar|promo|teaser|appetizer|widget|footer")


@functools.lru_cache(maxsize=16_384)
def _foreignness(name: str) -> int:
    """2 where a class says that other stories are here, 1 where it says a place aside, else 0."""
    lower = name.lower()
    if _OTHERS.search(lower):
        return 2
    return 1 if _LAYOUT.search(lower) else 0


def is_foreign(sheet: Sheet, box: int, *, is_near: bool = False) -> bool:
    """Whether a box is, or stands in, one around the article rather than in it.

    ``is_near`` the headline only a class that speaks of other stories tells: an ``aside`` or a
    "widget" there may hold the byline.
    """
    least = 2 if is_near else 1
    for _ in range(MAX_LEVELS):
        if box < 0:
            return False
        here = sheet.boxes[box]
        if here.tag in OPEN:
            return False
        if here.tag in FOREIGN and not is_near:
            return True
        if here.name and _foreignness(here.name) >= least:
            return not _holds_article(sheet, here)
        box = here.parent
    return False


def _holds_article(sheet: Sheet, box: Box) -> bool:
    """Whether a box called a sidebar or the like holds the article: themes misname."""
    if box.last - box.first > MAX_SHARE * len(sheet.blocks):
        return True
    if _foreignness(box.name) > 1:
        return False
    blocks = sheet.blocks[box.first : min(box.last, box.first + MAX_COUNTED)]
    return sum(len(block.text) > LONG for block in blocks) > MAX_LONG


def headline(sheet: Sheet, title: str | None) -> int | None:
    """The index of the block that shows the title, or of the first h1; None where there is none."""
    if title:
        wanted = fold(title)
        for index, block in enumerate(sheet.blocks[:4000]):
            if block.tag in ("h1", "h2", "h3") and fold(block.text) == wanted:
                return index
    return next((i for i, block in enumerate(sheet.blocks[:4000]) if block.tag == "h1"), None)
