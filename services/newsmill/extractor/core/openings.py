"""What a start tag says, as a tree writes it out: what it is called, whom it may tell of, its link.

A page has some 800 start tags, and half as many that differ: each is made out once a page.
"""

from __future__ import annotations

import functools
import re

import msgspec

from newsmill.extractor.core.boxkinds import bits_of_tag
from newsmill.extractor.core.kinds import kinds_of
from newsmill.extractor.core.names import TELLS, said_by
from newsmill.extractor.core.sheet import MentionKind

MAX_NAME = 300

_ATTRIBUTE = re.compile(r'\s([^\s=]+)="([^"]*)"')
_NAMING = re.compile(r' (class|id|itemprop|property|rel|role|style|hidden|aria-hidden)="([^"]*)"')
_STATING = re.compile(r' (?:rel|itemprop)="([^"]*)"')
_PROPS = frozenset(("itemprop", "property", "rel", "role"))
_NO_MENTION = frozenset(("body", "html", "main", "article", "form"))


class OfBox(msgspec.Struct, gc=False):
    """What the tag of a box says; the last two are made out where one of these holds text."""

    tag: str
    name: str  # class and id
    prop: str  # what it states to be
    hidden: bool
    kinds: tuple[MentionKind, ...] = ()
    bits: int = -1  # of ``names`` and ``boxkinds``


class OfMention(msgspec.Struct, gc=False):
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
    return OfBox(tag, name, prop, hidden)


def make_out(box: OfBox) -> None:
    """Fill in what the name and the properties of a box mean."""
    said = said_by(box.name) if box.name else 0
    if box.tag not in _NO_MENTION:
        box.kinds = _kinds(box.name, box.prop, said)
    box.bits = said | bits_of_tag(box.tag, box.prop)


def _kinds(name: str, prop: str, said: int) -> tuple[MentionKind, ...]:
    """What an element mentions; nothing, as a look at what its name says shows of nearly all."""
    return kinds_of(name, prop, said & TELLS > 0) if said & TELLS or prop else ()


def of_inline(tag: str, head: str) -> OfMention | None:
    """An element within a block; None where it tells nothing."""
    name, prop, _ = _naming(head)
    kinds = _kinds(name, prop, said_by(name) if name else 0)
    if not kinds:
        return None
    given = attributes(head)
    value = given.get("content") or given.get("datetime") or given.get("title") or ""
    return OfMention(kinds, value, f"{name} {prop}".strip(), tag, "")


def of_time(tag: str, head: str) -> OfMention:
    """A time element: when."""
    name, prop, _ = _naming(head)
    kinds = dict.fromkeys((*_kinds(name, prop, said_by(name) if name else 0), "time"))
    given = attributes(head)
    value = given.get("datetime") or given.get("content") or ""
    return OfMention(tuple(kinds), value, f"{name} {prop}".strip(), tag, "")


def of_link(head: str) -> tuple[str, str, OfMention | None]:
    """The address and the properties of a link, and whom it may tell of."""
    href = _value(head, ' href="')
    name = prop = ""
    if ' class="' in head:
        name = plain(_value(head, ' class="'))[:MAX_NAME]
    if ' rel="' in head or ' itemprop="' in head:
        prop = plain(" ".join(_STATING.findall(head)))
    if "&" in href:
        href = plain(href)
    if not name and not prop:
        return href, prop, None
    kinds = _kinds(name, prop, said_by(name) if name else 0)
    mention = OfMention(kinds, "", f"{name} {prop}".strip(), "a", href) if kinds else None
    return href, prop, mention


def _value(head: str, opening: str) -> str:
    """The value of the attribute that opens so, as written; empty where there is none."""
    return head.partition(opening)[2].partition('"')[0]


def as_written(tag: str, head: str) -> str:
    """A tag of which every one differs: nothing is made out before it is asked."""
    return head


def _naming(head: str) -> tuple[str, str, bool]:
    """Class and id; what it says it is; whether it is hidden."""
    name = prop = ""
    hidden = False
    start = head.find(' class="') + 8
    if start > 7 and head.find('"', start) == len(head) - 1 and head.find("=") == start - 2:
        name = head[start:-1]  # of every other tag a class is all that it has
        return (plain(name) if "&" in name else name)[:MAX_NAME], "", False
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
    if "&" in head:
        name, prop = plain(name), plain(prop)
    return name[:MAX_NAME], prop[:MAX_NAME], hidden


@functools.lru_cache(maxsize=4096)
def _hides(style: str) -> bool:
    """Whether a style hides its element."""
    folded = style.replace(" ", "").lower()
    return "display:none" in folded or "visibility:hidden" in folded
