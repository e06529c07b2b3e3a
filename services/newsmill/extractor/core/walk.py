"""The one walk over a page: its tags and text, in order, to boxes, blocks and what stands there.

Text is folded only at the end of a block, so no words are joined or split at the tags within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from newsmill.extractor.core.openings import (
    OfBox,
    OfMention,
    as_written,
    attributes,
    of_box,
    of_inline,
    of_link,
    of_time,
    plain,
)
from newsmill.extractor.core.sheet import (
    Box,
    Embed,
    Link,
    Mention,
    MentionKind,
    Picture,
    Sheet,
    Text,
)

MAX_KEPT = 400  # of mentions and pictures each
MAX_MENTION = 600  # characters
MAX_METAS = 40  # values of one name
MAX_HOME = 60
MAX_KNOWN = 20_000  # start tags that are remembered from page to page: those of a site are alike

_INLINE = (
    "span", "em", "i", "u", "font", "small", "big", "abbr", "acronym", "cite", "code", "q",
    "sub", "sup", "mark", "label", "ins", "del", "s", "strike", "tt", "var", "kbd", "samp",
    "bdi", "bdo", "data", "dfn", "ruby", "rb", "rt", "rp", "nobr", "output", "wbr", "picture",
    "textarea", "blink", "map", "button",
)  # fmt: skip
_SOURCES = ("data-src", "data-original", "data-lazy-src", "data-url", "src")  # late ones first
_SETS = ("srcset", "data-srcset")
_HOME_WORDS = frozenset(("home page", "front page", "go home", "back home", "zur startseite"))

Close = tuple[Callable[..., None], Any]  # what to do at an element's end
Act = Callable[..., Close | None]
Opening = tuple[Act | None, Any, bool, bool]
"""What a start tag does and says, whether it is its end as well, and whether what is in it is no
text; of an end tag, nothing."""


class Reader:
    """Reads a written tree into a sheet, part by part."""

    __slots__ = (
        "_blocks",
        "_box",
        "_boxes",
        "_buffer",
        "_from",
        "_href",
        "_inside",
        "_linked",
        "_links",
        "_sheet",
        "_strong",
    )

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._boxes = sheet.boxes
        self._blocks = sheet.blocks
        self._boxes.append(Box("html", -1))
        self._box = 0
        self._buffer: list[str] = []
        self._links: list[Link] = []  # of the block that is being gathered
        self._linked = 0  # characters of them
        self._href: str | None = None  # of the link that is open
        self._from = 0  # where in the buffer its text begins
        self._strong = 0
        self._inside: list[str] = []  # of a silent element: its tags and text

    def walk(self, written: list[str]) -> bool:
        """Read every tag below the root once; False where they do not pair."""
        buffer, known = self._buffer, _KNOWN
        if len(known) > MAX_KNOWN:
            known.clear()
            known.update(_COMMON)
        parts = iter(written)
        next(parts)  # nothing stands before the root
        root = next(parts)
        stack: list[Close | None] = [] if root.endswith("/>") else [None]
        for part in parts:
            head, _, text = part.partition(">")
            opening = known.get(head)
            if opening is None:
                opening = _opening(head)
            act, said, is_empty, is_silent = opening
            if act is None:
                close = stack.pop()
                if close is not None:
                    close[0](self, close[1])
            elif is_silent:
                text = self._pass_over(parts, text)
                act(self, said)
                self._inside.clear()
            else:
                close = act(self, said)
                if not is_empty:
                    stack.append(close)
                elif close is not None:
                    close[0](self, close[1])
            if text and (buffer or not text.isspace()):
                buffer.append(plain(text) if "&" in text else text)
        self.flush()
        self._boxes[0].last = len(self._blocks)
        return not stack

    def _pass_over(self, parts: Iterator[str], text: str) -> str:
        """Take what is in an element as its inside, not as text; what follows on its end."""
        self._inside = [f">{text}"]
        depth = 1
        for part in parts:
            if part.startswith("/"):
                depth -= 1
            elif "/>" not in part:
                depth += 1
            if not depth:
                return part.partition(">")[2]
            self._inside.append(part)
        return ""

    def flush(self, *, br: bool = False) -> None:
        """End the block that is being gathered."""
        buffer = self._buffer
        if not buffer:
            return
        if self._href is not None:
            self._end_link()
            self._from = 0
        text = " ".join("".join(buffer).split())
        if text:
            box = self._box
            tag = self._boxes[box].tag
            block = Text(text, tag, box, br=br)
            if self._links:
                block.links, block.linked = tuple(self._links), self._linked
            if self._strong:
                block.strong = min(self._strong, len(text))
            if tag == "pre":
                self._lines("".join(buffer), block)
            else:
                self._blocks.append(block)
        buffer.clear()
        if self._links:
            self._links.clear()
            self._linked = 0
        self._strong = 0

    def _lines(self, raw: str, block: Text) -> None:
        """Preformatted text breaks where it is written to."""
        for line in raw.splitlines():
            if text := " ".join(line.split()):
                self._blocks.append(Text(text, block.tag, block.box, br=True))

    def _end_link(self) -> None:
        text = " ".join("".join(self._buffer[self._from :]).split())
        if text and self._href is not None:
            self._links.append(Link(text, self._href))
            self._linked += len(text)

    # -- what opens and closes an element

    def block(self, said: OfBox) -> Close:
        """A box of its own."""
        if self._buffer:
            self.flush()
        tag, name, prop, hidden, aside, kinds = said
        boxes, parent, first = self._boxes, self._box, len(self._blocks)
        self._box = len(boxes)
        hidden = hidden or boxes[parent].hidden
        boxes.append(Box(tag, parent, name, first, first, prop, hidden, aside))
        return _END_BLOCK, kinds

    def end_block(self, kinds: tuple[MentionKind, ...]) -> None:
        """The box is complete."""
        if self._buffer:
            self.flush()
        index = self._box
        box = self._boxes[index]
        last = box.last = len(self._blocks)
        self._box = box.parent
        if kinds and box.first < last:
            text = " ".join([block.text for block in self._blocks[box.first : last][:8]])
            if len(text) <= MAX_MENTION:
                name = f"{box.name} {box.prop}".strip()
                for kind in kinds:
                    self.mention(
                        Mention(kind, text, "", name, box.tag, "", box.first, last, index, True)
                    )

    def inline(self, said: OfMention | None) -> Close | None:
        """Part of the block around it, which may say who or when."""
        if said is None:
            return None
        return _END_INLINE, (said, len(self._blocks), len(self._buffer))

    def end_inline(self, opened: tuple[OfMention, int, int]) -> None:
        """Note who or when it says."""
        (kinds, value, name, tag, href), block, start = opened
        now = len(self._blocks)
        parts = [each.text for each in self._blocks[block:now][:8]]
        parts.append("".join(self._buffer[start if block == now else 0 :]))
        text = " ".join(" ".join(parts).split())
        if (text or value) and len(text) <= MAX_MENTION:
            for kind in kinds:
                self.mention(
                    Mention(kind, text, value, name, tag, href, block, now + 1, self._box, False)
                )

    def mention(self, mention: Mention) -> None:
        """Keep it, as far as there is room."""
        if len(self._sheet.mentions) < MAX_KEPT:
            self._sheet.mentions.append(mention)

    def link(self, head: str) -> Close:
        """A link, which may also say who."""
        href, prop, mention = of_link(head)
        before = self._href
        noted = None
        if mention is not None:
            noted = mention, len(self._blocks), len(self._buffer)
        if href and before is None:
            self._href, self._from = href, len(self._buffer)
        return _END_LINK, (noted, before, href == "/" or prop == "home")

    def end_link(self, opened: tuple[Any, str | None, bool]) -> None:
        """Note what is linked, and the name of the front page."""
        noted, before, is_home = opened
        if before is None and self._href is not None:
            self._end_link()
            if is_home and self._sheet.home is None:
                self._note_home()
            self._href = None
        if noted is not None:
            self.end_inline(noted)

    def _note_home(self) -> None:
        text = self._links[-1].text if self._links else ""
        if 1 < len(text) <= MAX_HOME and text.casefold() not in _HOME_WORDS and " " in text:
            self._sheet.home = text

    def strong(self, head: str) -> Close:
        """Emphasised text, counted."""
        return _END_STRONG, (len(self._blocks), len(self._buffer))

    def end_strong(self, opened: tuple[int, int]) -> None:
        """Count what was emphasised in this block."""
        block, start = opened
        begin = start if block == len(self._blocks) else 0
        self._strong += sum(map(len, self._buffer[begin:]))

    def line_break(self, head: str) -> None:
        """The end of a line is that of a block."""
        self.flush(br=True)

    def image(self, head: str) -> None:
        """A picture, with every address that it gives."""
        sheet = self._sheet
        if len(sheet.pictures) >= MAX_KEPT:
            return
        given = attributes(head)
        sources = [given[name] for name in _SOURCES if given.get(name)]
        sources += [given[name].split()[0] for name in _SETS if given.get(name, "").strip()]
        width = given.get("width", "").removesuffix("px")
        sheet.pictures.append(
            Picture(
                tuple(dict.fromkeys(sources)),
                given.get("alt", "")[:MAX_MENTION],
                int(width) if width.isascii() and width.isdigit() and len(width) < 6 else 0,
                len(self._blocks),
                self._box,
            )
        )

    def embed(self, head: str) -> None:
        """A frame, video or audio."""
        if len(self._sheet.embeds) < MAX_KEPT:
            given = attributes(head)
            url = given.get("src") or given.get("data-src") or given.get("data") or ""
            for inner in self._inside:
                if not url and inner.startswith("source "):
                    url = attributes(inner).get("src") or ""
            tag = head.partition(" ")[0].rstrip("/")
            self._sheet.embeds.append(Embed(tag, url, len(self._blocks), self._box))

    def noscript(self, head: str) -> None:
        """What stands in for a lazy picture."""
        for inner in self._inside:
            if inner.startswith("img "):
                self.image(inner.partition(">")[0])

    def field(self, head: str) -> None:
        """A form field shows no text."""
        if attributes(head).get("type", "").lower() == "password":
            self._sheet.asks_password = True

    def meta(self, head: str) -> None:
        """A meta element, by every name that it has."""
        given = attributes(head)
        content = given.get("content")
        if content:
            for key in ("property", "name", "itemprop"):
                if name := given.get(key):
                    values = self._sheet.metas.setdefault(name.strip().lower()[:80], [])
                    if len(values) < MAX_METAS:
                        values.append(content.strip())

    def head_link(self, head: str) -> None:
        """A link element: the address that the page says is its own."""
        if "canonical" not in head.lower():
            return
        given = attributes(head)
        rel, href = given.get("rel"), given.get("href")
        if rel and href:
            for word in rel.lower().split():
                self._sheet.links.setdefault(word, href.strip())

    def base(self, head: str) -> None:
        """The address that others are relative to."""
        href = attributes(head).get("href")
        if self._sheet.base is None and href:
            self._sheet.base = href

    def title(self, head: str) -> None:
        """The page's title, the first one."""
        if self._sheet.head_title is None:
            text = "".join([part.partition(">")[2] for part in self._inside])
            self._sheet.head_title = " ".join(plain(text).split()) or None


_END_BLOCK = Reader.end_block
_END_INLINE = Reader.end_inline
_END_LINK = Reader.end_link
_END_STRONG = Reader.end_strong

_READ: dict[str, tuple[Callable[[str, str], Any], Act]] = {
    **dict.fromkeys(_INLINE, (of_inline, Reader.inline)),
    **dict.fromkeys(("b", "strong"), (as_written, Reader.strong)),
    "time": (of_time, Reader.inline),
}
_SILENT: dict[str, Callable[[Reader, str], None]] = {
    **dict.fromkeys(("img", "amp-img"), Reader.image),
    **dict.fromkeys(("iframe", "amp-iframe", "video", "audio", "object", "embed"), Reader.embed),
    "input": Reader.field,
    "br": Reader.line_break,
    "noscript": Reader.noscript,
    "meta": Reader.meta,
    "link": Reader.head_link,
    "base": Reader.base,
    "title": Reader.title,
}
_AS_BLOCK: tuple[Callable[[str, str], Any], Act] = of_box, Reader.block
_KNOWN: dict[str, Opening] = {}
_CLOSING: Opening = (None, None, False, False)


def _opening(head: str) -> Opening:
    """What is between "<" and ">", made out, and noted where it may come again."""
    if head.startswith("/"):
        _KNOWN[head] = _CLOSING
        return _CLOSING
    is_empty = head.endswith("/")
    tag = head.partition(" ")[0]
    if is_empty and len(tag) == len(head):
        tag = tag[:-1]
    if tag == "a":
        return Reader.link, head, is_empty, False  # nearly every one differs, as the silent do
    found = _SILENT.get(tag)
    if found is not None:
        return found, head, is_empty, not is_empty
    said, act = _READ.get(tag, _AS_BLOCK)
    _KNOWN[head] = opening = act, said(tag, head), is_empty, False
    return opening


for _tag in (*_INLINE, *_READ, "a", "p", "div", "li", "ul", "h1", "h2", "h3", "td", "tr"):
    for _head in (_tag, f"/{_tag}", f"{_tag}/"):
        _opening(_head)
_COMMON = dict(_KNOWN)
