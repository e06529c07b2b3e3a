"""A page's tree to its sheet: what shows no text goes, and the rest is written out and read once.

The tree is written out by libxml2 and read as a stream of tags and text: half the time of asking
each element through lxml, no object an element, and no recursion, however deep a page nests.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from newsmill.errors import BadRecord
from newsmill.extractor.core import menus
from newsmill.extractor.core.sheet import Sheet
from newsmill.extractor.core.walk import Reader

Element = Any  # of lxml, whose stubs let every text be bytes, which it never is in HTML

MAX_BLOCKS = 50_000  # scoring so many takes 2 s; an article may have 30,000 lines
MIN_PROSE = 40  # characters of a paragraph
MIN_PARAGRAPHS = 3  # in an element that should hold none

_GONE = ("style", "svg", "canvas", "template", "select", "datalist", "math", "option")
_TAG = re.compile("<[^>]*>")


def read(tree: Element) -> Sheet:
    """The sheet of a parsed page; elements that show no text are taken out of the tree.

    Raises BadRecord (``too_large``) past MAX_BLOCKS.
    """
    language = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    stated = [
        script.text
        for script in tree.iter("script")
        if script.text and "ld+json" in (script.get("type") or "").lower()
    ]
    etree.strip_elements(tree, "script", *_GONE, with_tail=False)
    _open_what_holds_prose(tree)
    home, asks_password = menus.take(tree)
    written = etree.tostring(tree, encoding="unicode", with_tail=False)
    sheet = _sheet_of(written)
    if sheet is None:  # HTML allows "<" in the name of an element or an attribute
        sheet = _sheet_of(_TAG.sub(lambda found: "<" + found[0].replace("<", ""), written))
    if sheet is None:
        raise BadRecord("unparsable", "a tree that cannot be written out")
    sheet.language, sheet.json_ld = language, stated
    sheet.home = sheet.home or home
    sheet.asks_password = sheet.asks_password or asks_password
    if len(sheet.blocks) > MAX_BLOCKS:
        raise BadRecord("too_large", f"{len(sheet.blocks)} blocks; at most {MAX_BLOCKS}")
    return sheet


def _sheet_of(written: str) -> Sheet | None:
    """The sheet of a tree written as XML; None where its tags do not pair."""
    parts = written.split("<")
    sheet = Sheet(tags=len(parts))
    return sheet if Reader(sheet).walk(parts) else None


def _open_what_holds_prose(tree: Element) -> None:
    """Make links, ``noscript`` and buttons that were not closed, and hold the page, mere spans.

    A button that was closed says nothing, and goes.
    """
    for button in list(tree.iter("button")):
        if next(button.iter("p"), None) is not None:
            _be_span(button)
        else:
            button.clear(keep_tail=True)
    for element in tree.iter("a", "noscript"):
        if len(element) and _holds_prose(element):
            _be_span(element)


def _holds_prose(element: Element) -> bool:
    """Whether an element that holds a few words at most holds several paragraphs."""
    paragraphs = 0
    for paragraph in element.iter("p"):
        paragraphs += len(paragraph.text or "") > MIN_PROSE
        if paragraphs >= MIN_PARAGRAPHS:
            return True
    return False


def _be_span(element: Element) -> None:
    element.tag = "span"
    element.attrib.clear()
