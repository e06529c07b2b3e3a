"""Menus, mastheads and feet: half of a page's tags and none of its article, passed over at once.

What is one by its tag is taken out of the tree; what may be one by its class, as it is read. Either
is looked into first: it holds no headline, nothing that tells who or when, and hardly a sentence.
"""

from __future__ import annotations

import re
from typing import Any

from newsmill.extractor.core.boxkinds import BODY, COMMENT, FOOTER, NAV
from newsmill.extractor.core.names import POST
from newsmill.extractor.core.openings import plain

MAX_PROSE = 600  # characters of sentences
SENTENCE = 60  # characters of a text that may be one
MIN_LINKS = 6  # of a menu by its tag: less is the head or the foot of an article
MAX_LOOKS = 32  # elements looked at in vain: they may be within each other
MAX_HOME = 60  # characters of the name of a site
MIN_PARTS = 12  # start and end tags of a box by its class that is worth a look

_TAGS = ("nav", "header", "footer", "menu")
_TELLING = ("h1", "h2", "time", "article", "main", "address")
_TELLING_TEXT = ("<h1", "<h2", "<time", "author", 'date"', "posted")
_CALLED = NAV | FOOTER | COMMENT
_BOXES = frozenset(("div", "section", "ul", "ol", "aside"))
_HOME = re.compile('<a [^>]*(?:href="/"|rel="home")[^>]*>(.*?)</a>', re.S)
_TAG = re.compile("<[^>]*>")
_HOME_WORDS = frozenset(("home page", "front page", "go home", "back home", "zur startseite"))

Element = Any  # of lxml, whose stubs let every text be bytes, which it never is in HTML


def take(tree: Element) -> tuple[str | None, bool]:
    """Empty the elements of a tree that are menus by their tag.

    Gives the text of a link to the front page in one of them, and whether one asks for a password.
    """
    home, asks, looks = None, False, 0
    for element in list(tree.iter(*_TAGS)):
        links = list(element.iter("a"))
        if len(links) < MIN_LINKS or not _is_menu(element):
            looks += 1
            if looks == MAX_LOOKS:
                break
            continue
        if home is None:
            home = next((text for link in links if is_home(text := _of_home(link))), None)
        asks = asks or any(field.get("type") == "password" for field in element.iter("input"))
        element.clear(keep_tail=True)
    return home, asks


def _is_menu(element: Element) -> bool:
    if next(element.iter(*_TELLING), None) is not None:
        return False
    sizes = (len(paragraph.text or "") for paragraph in element.iter("p"))
    return sum(size for size in sizes if size > SENTENCE) < MAX_PROSE


def is_home(text: str) -> bool:
    """Whether the text of a link to the front page is the name of the site."""
    return 1 < len(text) <= MAX_HOME and " " in text and text.casefold() not in _HOME_WORDS


def _of_home(link: Element) -> str:
    if link.get("href") != "/" and link.get("rel") != "home":
        return ""
    return " ".join("".join(link.itertext()).split())


def may_be(tag: str, bits: int) -> bool:
    """Whether a box of this tag, called so, may be one."""
    return bool(bits & _CALLED) and not bits & (BODY | POST) and tag in _BOXES


def end_of(parts: list[str], start: int, limit: int) -> int:
    """The part that ends the element which opens in ``start``; 0 for none before ``limit``."""
    depth = 1
    for index in range(start + 1, limit):
        part = parts[index]
        if part[:1] == "/":
            depth -= 1
            if not depth:
                return index
        elif "/>" not in part:
            depth += 1
    return 0


def is_one(inside: str) -> bool:
    """Whether what is written in a box is none of an article."""
    if inside.count("<a ") < MIN_LINKS:
        return False
    for word in _TELLING_TEXT:
        if word in inside:
            return False
    prose = 0
    for piece in inside.split(">"):  # text, and the head of the next tag
        if len(piece) > SENTENCE:
            size = piece.find("<")
            if size > SENTENCE:
                prose += size
    return prose < MAX_PROSE


def home_of(inside: str) -> str:
    """The text of a link to the front page."""
    if 'href="/"' not in inside and 'rel="home"' not in inside:
        return ""
    found = _HOME.search(inside)
    return " ".join(plain(_TAG.sub("", found[1])).split()) if found else ""
