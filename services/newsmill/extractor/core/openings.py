"""What a start tag says, as a tree writes it out: what it is called, whom it may tell of, its link.

A page has some 800 start tags, and half as many that differ: each is made out once a page.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from newsmill.extractor.core.boxkinds import is_aside
from newsmill.extractor.core.kinds import kinds_of, parts_of
from newsmill.extractor.core.sheet import MentionKind

MAX_NAME = 300

_ATTRIBUTE = re.compile(r'\s([^\s=]+)="([^"]*)"')
_NAMING = re.compile(r' (class|id|itemprop|property|rel|role|style|hidden|aria-hidden)="([^"]*)"')
_LINKING = re.compile(r' (href|class|rel|itemprop)="([^"]*)"')
_PROPS = frozenset(("itemprop", "property", "rel", "role"))
_NO_MENTION = frozenset(("body", "html", "main", "article", "form"))


class OfBox(NamedTuple):
    """What the tag of a box says."""

    tag: str
    name: str  # class and id
    prop: str  # what it states to be
    hidden: bool
    aside: bool  # called what is no article
    kinds: tuple[MentionKind, ...]


class OfMention(NamedTuple):
    """What the tag of an element says that may tell who or when."""

    kinds: tuple[MentionKind, ...]
    value: str
    name: str
    tag: str
    href: str


def plain(written: str) -> str:
    """Text without the references that it was written with (of XML: no others occur)."""
    if "&" not in written:
        return written
    if "&#" in written:
        written = written.replace("&#13;", "\r").replace("&#10;", "\n").replace("&#9;", "\t")
    written = written.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return written.replace("&amp;", "&")  # the last, so that no reference is made by another


def attributes(head: str) -> dict[str, str]:
    """All attributes of a start tag."""
    found = dict(_ATTRIBUTE.findall(head))
    return {key: plain(value) for key, value in found.items()} if "&" in head else found


def of_box(tag: str, head: str) -> OfBox:
    """A box by its start tag."""
    name, prop, hidden = _naming(head)
    if not name and not prop:
        return OfBox(tag, name, prop, hidden, False, ())
    parts = parts_of(name)
    kinds = kinds_of(name, prop, parts) if tag not in _NO_MENTION else ()
    return OfBox(tag, name, prop, hidden, is_aside(name, parts), kinds)


def of_inline(tag: str, head: str) -> OfMention | None:
    """An element within a block; None where it tells nothing."""
    name, prop, _ = _naming(head)
    kinds = kinds_of(name, prop, parts_of(name)) if name or prop else ()
    if not kinds:
        return None
    given = attributes(head)
    value = given.get("content") or given.get("datetime") or given.get("title") or ""
    return OfMention(kinds, value, f"{name} {prop}".strip(), tag, "")


def of_time(tag: str, head: str) -> OfMention:
    """A time element: when."""
    name, prop, _ = _naming(head)
    kinds = dict.fromkeys((*kinds_of(name, prop, parts_of(name)), "time"))
    given = attributes(head)
    value = given.get("datetime") or given.get("content") or ""
    return OfMention(tuple(kinds), value, f"{name} {prop}".strip(), tag, "")


def of_link(head: str) -> tuple[str, str, OfMention | None]:
    """The address and the properties of a link, and whom it may tell of."""
    href = name = prop = ""
    for key, value in _LINKING.findall(head):
        if key == "href":
            href = plain(value)
        elif key == "class":
            name = plain(value)[:MAX_NAME]
        else:
            prop = f"{prop} {plain(value)}" if prop else plain(value)
    kinds = kinds_of(name, prop, parts_of(name)) if name or prop else ()
    mention = OfMention(kinds, "", f"{name} {prop}".strip(), "a", href) if kinds else None
    return href, prop, mention


def as_written(tag: str, head: str) -> str:
    """A tag of which every one differs: nothing is made out before it is asked."""
    return head


def _naming(head: str) -> tuple[str, str, bool]:
    """Class and id; what it says it is; whether it is hidden."""
    name = prop = ""
    hidden = False
    for key, value in _NAMING.findall(head):
        if key == "class":
            name = f"{value} {name}" if name else value
        elif key == "id":
            name = f"{name} {value}" if name else value
        elif key in _PROPS:
            prop = f"{prop} {value}" if prop else value
        elif key == "style":
            hidden = hidden or _hides(value[:MAX_NAME])
        elif key == "hidden" or value == "true":
            hidden = True
    return plain(name)[:MAX_NAME], plain(prop)[:MAX_NAME], hidden


@functools.lru_cache(maxsize=4096)
def _hides(style: str) -> bool:
    """Whether a style hides its element."""
    folded = style.replace(" ", "").lower()
    return "display:none" in folded or "visibility:hidden" in folded
