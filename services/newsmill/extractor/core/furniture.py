"""What of a page is no prose, decided on its sheet: a role for each block, and what those say.

Nothing is taken away here. A block with a role is no line of the article, whatever its score;
what it holds (captions, links, a standfirst) is kept as data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsmill.extractor.core import embeds, pictures, seealso, standfirst, tables
from newsmill.extractor.core.names import ASIDE
from newsmill.extractor.core.roles import BOX, NONE, Area
from newsmill.records import Image, Related

if TYPE_CHECKING:
    from newsmill.extractor.core.about import Choice
    from newsmill.extractor.core.container import Layout
    from newsmill.extractor.core.sheet import Sheet

MAX_BOX_SHARE = 0.3  # of the page's paragraph text; a box with more holds the article


@dataclass(slots=True)
class Furniture:
    """The role of each block, and what the blocks with one hold."""

    roles: bytearray
    area: Area
    images: list[Image] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    embeds: list[embeds.Embedded] = field(default_factory=list)
    tables: list[tables.Table] = field(default_factory=list)
    subtitle: str | None = None
    subtitle_source: str | None = None
    signatures: list[str] = field(default_factory=list)  # lines that say who and when


def mark(sheet: Sheet, choice: Choice, layout: Layout, base: str) -> Furniture:
    """Roles of all blocks; ``base`` is what links are relative to. Linear in boxes and blocks."""
    area = Area.of(sheet, layout, choice.headline)
    found = Furniture(bytearray(len(sheet.blocks)), area)
    found.images = pictures.take(sheet, area, found.roles, choice, base)
    _mark_boxes(sheet, area, layout.paragraphs, found.roles)
    told = standfirst.take(sheet, area, found.roles, choice)
    found.subtitle, found.subtitle_source, found.signatures = told
    found.embeds = embeds.take(sheet, area, found.roles, base)
    found.tables = tables.take(sheet, area, found.roles)
    found.related = seealso.take(sheet, area, found.roles, base)
    return found


def _mark_boxes(sheet: Sheet, area: Area, prose: list[int], roles: bytearray) -> None:
    """Boxes that are no article by class or tag, unless they hold it."""
    limit = MAX_BOX_SHARE * max(prose[-1], 1)
    done = -1
    for index, box in enumerate(sheet.boxes):
        if box.last <= done or box.first == box.last:
            continue
        if box.tag == "form" or (box.bits & ASIDE and box.tag in _BOXES):
            if prose[box.last] - prose[box.first] > limit or area.is_around(index):
                continue
            for block in range(box.first, box.last):
                if roles[block] == NONE:
                    roles[block] = BOX
            done = box.last


_BOXES = frozenset(("div", "section", "aside", "ul", "ol", "p", "nav", "dl", "header", "footer"))
