"""Tables of data, as text beside the article's; a table that lays out prose is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsmill.extractor.core.roles import NONE, TABLE, Area

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Sheet

LAYOUT_CELL = 240  # characters; a table with such a cell lays out prose
MAX_CELL_BLOCKS = 4  # likewise
MIN_COLUMNS = 2
MIN_ROWS = 2
MAX_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Table:
    """The blocks of a table, a half-open range, and its text: rows by lines, cells by ``|``."""

    first: int
    last: int
    text: str


def take(sheet: Sheet, area: Area, roles: bytearray) -> list[Table]:
    """The tables within the container; their blocks are marked."""
    found: list[Table] = []
    done = -1
    boxes = sheet.boxes
    for index in range(area.container + 1, area.ends[area.container] + 1):
        if boxes[index].tag != "table" or index <= done:
            continue
        rows = _rows(sheet, area, index)
        if rows is None:
            continue
        done = area.ends[index]
        first, last = boxes[index].first, boxes[index].last
        text = "\n".join(" | ".join(row) for row in rows if any(row))
        found.append(Table(first, last, text))
        for block in range(first, last):
            if roles[block] == NONE:
                roles[block] = TABLE
    return found


def _rows(sheet: Sheet, area: Area, table: int) -> list[list[str]] | None:
    """The cells by rows; None where the table lays out a page."""
    boxes = sheet.boxes
    if "presentation" in boxes[table].prop:
        return None
    rows: dict[int, list[str]] = {}
    count = 0
    for index in range(table + 1, area.ends[table] + 1):
        box = boxes[index]
        if box.tag == "table":
            return None
        if box.tag not in ("td", "th"):
            continue
        count += 1
        if count > MAX_CELLS or box.last - box.first > MAX_CELL_BLOCKS:
            return None
        if area.chars[box.last] - area.chars[box.first] > LAYOUT_CELL:
            return None
        text = " ".join(block.text for block in sheet.blocks[box.first : box.last])
        rows.setdefault(box.parent, []).append(text)
    filled = [row for row in rows.values() if any(row)]
    if len(filled) < MIN_ROWS or max(map(len, filled)) < MIN_COLUMNS:
        return None
    return filled
