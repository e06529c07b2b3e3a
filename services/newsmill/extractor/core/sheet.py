"""A page laid flat: what one walk over its tree found, in document order, for every later step.

References are numbers, never objects: a sheet holds no cycle, so dropping one frees it at once. Its
parts are structs that the cyclic collector does not know of (``gc=False``), made in a third of the
time of a dataclass: a page has a thousand. No step after the walk touches the tree, bar the rescue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

MAX_KEPT = 400  # of mentions, pictures and embeds each
MAX_MENTION = 600  # characters

MentionKind = Literal["byline", "date", "stated_date", "time", "subtitle", "caption"]


class Link(msgspec.Struct, gc=False):
    """A link within a block."""

    text: str
    href: str


class Box(msgspec.Struct, gc=False):
    """An element that makes a block of its own: ``div``, ``p``, ``h1``, ``td`` and so on."""

    tag: str
    parent: int  # the box around it; -1 of the outermost
    name: str = ""  # class and id as written, at most 300 characters
    first: int = 0  # the blocks under it: a half-open range
    last: int = 0
    prop: str = ""  # itemprop, property or rel, and role, as written
    hidden: bool = False  # by its own attributes, or those of a box around it
    bits: int = 0  # of one with text, what it is called: see ``names`` and ``boxkinds``


class Text(msgspec.Struct, gc=False):
    """A run of text between two breaks, white space folded."""

    text: str
    tag: str  # of its box
    box: int
    linked: int = 0  # characters inside links
    links: tuple[Link, ...] = ()
    strong: int = 0  # characters inside b and strong
    br: bool = False  # ended by a line break, not by its box


class Mention(msgspec.Struct, gc=False):
    """An element that says, by its tag, class or property, that it tells who, when or what."""

    kind: MentionKind
    text: str
    value: str = ""  # of datetime, content or title
    name: str = ""  # class and id, itemprop, property or rel, as written
    tag: str = ""
    href: str = ""  # of a link
    block: int = 0  # where it begins
    end: int = 0  # the first block after it
    box: int = 0  # its own, where it is one; else the one it stands in
    is_box: bool = False


class Picture(msgspec.Struct, gc=False):
    """An image, and where it stands among the blocks."""

    sources: tuple[str, ...]  # addresses as written, the most trusted first
    alt: str
    width: int  # as stated, pixels; 0 where it is not
    block: int
    box: int


class Embed(msgspec.Struct, gc=False):
    """A frame, video or audio of somebody's, and where it stands among the blocks."""

    tag: str
    url: str
    block: int
    box: int


@dataclass(slots=True)
class Sheet:
    """All that a page holds, as later steps need it."""

    metas: dict[str, list[str]] = field(default_factory=dict)  # lower-cased name → contents
    links: dict[str, str] = field(default_factory=dict)  # rel → href of link elements, the first
    base: str | None = None
    language: str | None = None
    head_title: str | None = None
    home: str | None = None  # the text of a link to the front page
    json_ld: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    blocks: list[Text] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    embeds: list[Embed] = field(default_factory=list)
    tags: int = 0  # of start and end
    asks_password: bool = False

    def path(self, box: int) -> list[int]:
        """The boxes around a box, itself first."""
        found = []
        while box >= 0:
            found.append(box)
            box = self.boxes[box].parent
        return found
