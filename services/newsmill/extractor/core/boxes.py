"""Boxes in or around an article that are none of it: newsletters, sharing, comments, cookies."""

from __future__ import annotations

import functools

from lxml.html import HtmlElement

from newsmill.extractor.core.facts import remove, words
from newsmill.extractor.core.labels import BOX_CLASS

MAX_BOX_SHARE = 0.3  # of the page's paragraph text; a box with more holds the article
MIN_LAYOUT_CHARS = 240  # of a table's cell that holds prose

_BOXES = ("div", "section", "aside", "ul", "form", "p", "span", "nav")


def drop_boxes(tree: HtmlElement, paragraph_chars: int) -> None:
    """Take boxes that are no article by class or tag out of the tree, unless they hold it."""
    limit = MAX_BOX_SHARE * max(paragraph_chars, 1)
    boxes: list[HtmlElement] = []
    for element in tree.iter(*_BOXES):
        if element.tag == "form":
            boxes.append(element)
            continue
        name = element.get("class") or element.get("id")
        if name and len(name) <= 300 and _names_box(f"{name} {element.get('id') or ''}"):
            boxes.append(element)
    gone: set[HtmlElement] = set()
    for element in boxes:
        parent = element.getparent()
        if parent is None or parent in gone:
            gone.add(element)
            continue
        if next(element.iter("h1"), None) is not None or _paragraphs(element, limit) > limit:
            continue
        gone.add(element)
        remove(element)


@functools.lru_cache(maxsize=16_384)
def _names_box(name: str) -> bool:
    return BOX_CLASS.search(name) is not None


def _paragraphs(element: HtmlElement, limit: float) -> int:
    size = 0
    for paragraph in element.iter("p"):
        size += len(paragraph.text or "")
        if size > limit:
            break
    return size


def unfold_tables(tree: HtmlElement) -> None:
    """Make blocks of the cells of tables that only lay out prose: a body extractor reads rows."""
    for table in list(tree.iter("table")):
        if any(_lays_out(cell) for cell in table.iter("td")):
            for element in table.iter("table", "tbody", "tr", "td", "th"):
                element.tag = "div"


def _lays_out(cell: HtmlElement) -> bool:
    paragraphs = sum(1 for _ in cell.iter("p", "br", "h1", "blockquote"))
    return paragraphs >= 2 and len(words(cell, MIN_LAYOUT_CHARS)) >= MIN_LAYOUT_CHARS
