"""What one element says of itself: class and id, what it states, whether it is hidden."""

from __future__ import annotations

import functools
from typing import Any

Element = Any  # of lxml, whose stubs let every text be bytes, which it never is in HTML

MAX_NAME = 300
MIN_PROSE = 40  # characters of a paragraph
MIN_PARAGRAPHS = 3  # in an element that should hold none
_PROPS = frozenset(("itemprop", "property", "rel", "role"))


def holds_prose(element: Element) -> bool:
    """Whether an element that holds a few words at most holds several paragraphs."""
    paragraphs = 0
    for paragraph in element.iter("p"):
        paragraphs += len(paragraph.text or "") > MIN_PROSE
        if paragraphs >= MIN_PARAGRAPHS:
            return True
    return False


@functools.lru_cache(maxsize=4096)
def _hides(style: str) -> bool:
    """Whether a style hides its element."""
    folded = style.replace(" ", "").lower()
    return "display:none" in folded or "visibility:hidden" in folded


def attributes(given: list[tuple[str, str]]) -> tuple[str, str, bool]:
    """Class and id; what it says it is; whether it is hidden."""
    name = prop = ""
    hidden = False
    for key, value in given:
        if key == "class":
            name = f"{value} {name}" if name else value
        elif key == "id":
            name = f"{name} {value}" if name else value
        elif key in _PROPS:
            prop = f"{prop} {value}" if prop else value
        elif key == "style":
            hidden = hidden or _hides(value[:MAX_NAME])
        elif key == "hidden" or (key == "aria-hidden" and value == "true"):
            hidden = True
    return name[:MAX_NAME], prop[:MAX_NAME], hidden
