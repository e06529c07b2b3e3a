"""Lines of an article with what each is: between a body extractor's tree and the record."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml.etree import _Element

from newsmill.records import Block, BlockKind

LAYOUT_CELL = 240  # characters; a table with such a cell lays out prose

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and its kind; a table has a line a row, its cells parted by ``|``."""

    kind: BlockKind
    text: str
    level: int | None = None


def lines_of(body: _Element) -> list[Line]:
    """The lines of a body as trafilatura builds it (p, head, list, item, quote, table, lb)."""
    found: list[Line] = []
    _Reader(found).read(body)
    return found


class _Reader:
    """Reads a body iteratively: a hostile page nests deeper than Python may recurse."""

    def __init__(self, found: list[Line]) -> None:
        self._found = found
        self._text: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._level: int | None = None

    def read(self, body: _Element) -> None:
        """Append the lines of ``body``, whose own text is a paragraph."""
        waiting: list[tuple[_Element, bool]] = [(body, True)]
        kinds: list[tuple[BlockKind, int | None]] = []
        while waiting:
            element, entering = waiting.pop()
            if not entering:
                self._leave(element, kinds)
                continue
            if element.tag == "table" and self._table(element):
                self._text.append(element.tail or "")
                continue
            self._enter(element, kinds)
            waiting.append((element, False))
            waiting.extend((child, True) for child in reversed(element))
        self._flush()

    def _enter(self, element: _Element, kinds: list[tuple[BlockKind, int | None]]) -> None:
        tag = str(element.tag)
        if tag == "lb" or tag == "br":
            self._flush()
        elif tag in _KINDS:
            self._flush()
            kinds.append((self._kind, self._level))
            kind = _KINDS[tag]
            if tag == "head":
                self._kind, self._level = "heading", _level(element)
            elif kind is not None and not (kind == "paragraph" and self._kind in ("quote", "list")):
                self._kind, self._level = kind, None
        self._text.append(element.text or "")

    def _leave(self, element: _Element, kinds: list[tuple[BlockKind, int | None]]) -> None:
        if element.tag in _KINDS:
            self._flush()
            self._kind, self._level = kinds.pop()
        if element.tag not in ("body",):
            self._text.append(element.tail or "")

    def _flush(self) -> None:
        text = _SPACE.sub(" ", "".join(self._text)).strip()
        self._text.clear()
        if text:
            self._found.append(Line(self._kind, text, self._level))

    def _table(self, table: _Element) -> bool:
        """Add a table of data as one block; False where it lays out prose."""
        rows = []
        for row in table.iter("row"):
            cells = [
                _SPACE.sub(" ", "".join(map(str, cell.itertext()))).strip()
                for cell in row.iter("cell")
            ]
            if any(len(cell) > LAYOUT_CELL for cell in cells):
                return False
            rows.append(cells)
        if not rows or max(map(len, rows)) < 2:
            return False
        self._flush()
        text = "\n".join(" | ".join(cells) for cells in rows if any(cells))
        if text:
            self._found.append(Line("table", text))
        return True


_KINDS: dict[str, BlockKind | None] = {
    "p": "paragraph",
    "div": None,
    "section": None,
    "body": None,
    "head": "heading",
    "list": "list",
    "item": "list",
    "quote": "quote",
    "code": "paragraph",
    "table": None,
    "row": None,
    "cell": "paragraph",
    "ab": "paragraph",
}


def _level(element: _Element) -> int:
    stated = (element.get("rend") or "h2")[-1:]
    return min(6, max(2, int(stated))) if stated.isdigit() else 2


def record(lines: list[Line]) -> tuple[str, list[Block]]:
    """The article's text, one line each, and the blocks that say which lines are what."""
    texts: list[str] = []
    found: list[Block] = []
    for line in lines:
        number = len(texts)
        if line.kind == "table":
            texts += line.text.split("\n")
            found.append(Block(kind="table", lines=(number, len(texts))))
            continue
        texts.append(line.text)
        last = found[-1] if found else None
        joins = line.kind in ("list", "quote") and last is not None and last.kind == line.kind
        if joins and last is not None and last.lines is not None and last.lines[1] == number:
            found[-1] = Block(kind=line.kind, lines=(last.lines[0], number + 1))
        else:
            found.append(Block(kind=line.kind, lines=(number, number + 1), level=line.level))
    return "\n".join(texts), found
