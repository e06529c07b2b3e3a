"""Blocks of a sheet to lines of an article: paragraphs, headings, lists, quotes, and its tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from newsmill.extractor.core.blocks import Line

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Sheet
    from newsmill.extractor.core.tables import Table

MAX_LEVELS = 6  # boxes around a block that may say that it is of a list or a quote
_LISTED = frozenset(("li", "dt", "dd"))
_TOPS = frozenset(("article", "main", "body", "section", "html", "td"))


def of(sheet: Sheet, kept: Iterable[int], tables: Iterable[Table]) -> list[Line]:
    """The lines of the blocks that are kept, each table where it stands among them."""
    numbers = list(kept)
    waiting = sorted(tables, key=lambda table: table.first) if numbers else []
    end = numbers[-1] if numbers else 0
    start = numbers[0] if numbers else 0
    found: list[Line] = []
    for index in numbers:
        while waiting and waiting[0].first <= index:
            _put(found, waiting.pop(0), start, end)
        found.append(line_of(sheet, index))
    for table in waiting:
        _put(found, table, start, end + 1)
    return found


def _put(found: list[Line], table: Table, start: int, end: int) -> None:
    if start <= table.first <= end:
        found.append(Line("table", table.text))


def line_of(sheet: Sheet, index: int) -> Line:
    """One block as a line, its kind by the boxes around it."""
    block = sheet.blocks[index]
    tag = block.tag
    if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        return Line("heading", block.text, max(2, int(tag[1])))
    box = block.box
    for _ in range(MAX_LEVELS):
        tag = sheet.boxes[box].tag
        if tag in _LISTED:
            return Line("list", block.text)
        if tag == "blockquote":
            return Line("quote", block.text)
        box = sheet.boxes[box].parent
        if tag in _TOPS or box < 0:
            break
    return Line("paragraph", block.text)
