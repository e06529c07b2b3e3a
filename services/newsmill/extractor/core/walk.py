"""The one walk over a page: its tags and text, in order, to boxes, blocks and what stands there.

Text is folded only at the end of a block, so no words are joined or split at the tags within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from newsmill.extractor.core import menus
from newsmill.extractor.core.openings import (
    OfBox,
    OfMention,
    as_written,
    make_out,
    of_box,
    of_inline,
    of_link,
    of_time,
    plain,
)
from newsmill.extractor.core.sheet import (
    MAX_KEPT,
    MAX_MENTION,
    Box,
    Link,
    Mention,
    MentionKind,
    Sheet,
    Text,
)
from newsmill.extractor.core.silent import TOLD

MAX_LOOKS = 4  # times the page's tags, of looks whether a box is a menu
MAX_KNOWN = 20_000  # start tags that are remembered from page to page: those of a site are alike

_INLINE = (
    "span", "em", "i", "u", "font", "small", "big", "abbr", "acronym", "cite", "code", "q",
    "sub", "sup", "mark", "label", "ins", "del", "s", "strike", "tt", "var", "kbd", "samp",
    "bdi", "bdo", "data", "dfn", "ruby", "rb", "rt", "rp", "nobr", "output", "wbr", "picture",
    "textarea", "blink", "map", "button",
)  # fmt: skip

Close = tuple[Callable[..., None], Any]  # what to do at an element's end
Act = Callable[..., Close | None]
Opening = tuple[Act | None, Any, bool, int]
"""What a start tag does and says, whether it is its end as well, and whether what is in it is read:
always, never (then what it does is of ``silent``), or only if it is no menu; of an end tag,
nothing."""
READ, SILENT, DOUBTFUL = range(3)


class Reader:
    """Reads a written tree into a sheet, part by part."""

    __slots__ = (
        "_blocks",
        "_box",
        "_boxes",
        "_buffer",
        "_from",
        "_href",
        "_linked",
        "_links",
        "_looks",
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
        self._looks = 0  # parts that may yet be looked at for whether they are a menu's

    def walk(self, written: list[str]) -> bool:
        """Read every tag below the root once; False where they do not pair."""
        buffer, known = self._buffer, _known()
        self._looks = MAX_LOOKS * len(written)
        parts = enumerate(written)
        next(parts)  # nothing stands before the root
        _, root = next(parts)
        stack: list[Close | None] = [] if root.endswith("/>") else [None]
        for at, part in parts:
            head, _, text = part.partition(">")
            opening = known.get(head)
            if opening is None:
                opening = _opening(head)
            act, said, is_empty, how = opening
            if how == DOUBTFUL and not is_empty and (end := self._passed(written, at)):
                text = next(islice(parts, end - at - 1, None))[1].partition(">")[2]
            elif act is None:
                close = stack.pop()
                if close is not None:
                    close[0](self, close[1])
            elif how == SILENT:
                inside, text = ([], text) if is_empty else _pass_over(parts, text)
                act(self._sheet, said, self._box, inside)
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

    def _passed(self, written: list[str], start: int) -> int:
        """Where the menu ends that opens in a part, of which all is told; 0 where it is none."""
        limit = min(start + self._looks, len(written))
        end = menus.end_of(written, start, limit)
        self._looks -= (end or limit) - start
        if end - start < menus.MIN_PARTS:
            return 0
        inside = "<".join(written[start:end])
        if not menus.is_one(inside):
            return 0
        self.flush()
        sheet = self._sheet
        if sheet.home is None:
            text = menus.home_of(inside)
            if menus.is_home(text):
                sheet.home = text
        if 'type="password"' in inside:
            sheet.asks_password = True
        return end

    def flush(self, *, br: bool = False) -> None:
        """End the block that is being gathered."""
        buffer = self._buffer
        if not buffer:
            return
        if self._href is not None:
            self._end_link()
            self._from = 0
        raw = buffer[0] if len(buffer) == 1 else "".join(buffer)
        text = _folded(raw)
        if text:
            box = self._box
            tag = self._boxes[box].tag
            strong = min(self._strong, len(text)) if self._strong else 0
            block = Text(text, tag, box, self._linked, tuple(self._links), strong, br)
            if tag == "pre":
                self._lines(raw, block)
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
        text = _folded("".join(self._buffer[self._from :]))
        if text and self._href is not None:
            self._links.append(Link(text, self._href))
            self._linked += len(text)

    # -- what opens and closes an element

    def block(self, said: OfBox) -> Close:
        """A box of its own."""
        if self._buffer:
            self.flush()
        boxes, parent, first = self._boxes, self._box, len(self._blocks)
        self._box = len(boxes)
        hidden = said.hidden or boxes[parent].hidden
        boxes.append(Box(said.tag, parent, said.name, first, first, said.prop, hidden))
        return _END_BLOCK, said

    def end_block(self, said: OfBox) -> None:
        """The box is complete; of what it is called, only one that holds text is asked."""
        if self._buffer:
            self.flush()
        index = self._box
        box = self._boxes[index]
        last = box.last = len(self._blocks)
        self._box = box.parent
        if box.first < last:
            if said.bits < 0:
                make_out(said)
            box.bits = said.bits
            if said.kinds:
                self._note_box(box, index, said.kinds)

    def _note_box(self, box: Box, index: int, kinds: tuple[MentionKind, ...]) -> None:
        text = " ".join([block.text for block in self._blocks[box.first : box.last][:8]])
        if len(text) <= MAX_MENTION:
            name = f"{box.name} {box.prop}".strip()
            for kind in kinds:
                self.mention(
                    Mention(kind, text, "", name, box.tag, "", box.first, box.last, index, True)
                )

    def inline(self, said: OfMention | None) -> Close | None:
        """Part of the block around it, which may say who or when."""
        if said is None:
            return None
        return _END_INLINE, (said, len(self._blocks), len(self._buffer))

    def end_inline(self, opened: tuple[OfMention, int, int]) -> None:
        """Note who or when it says."""
        said, block, start = opened
        now = len(self._blocks)
        parts = [each.text for each in self._blocks[block:now][:8]]
        parts.append("".join(self._buffer[start if block == now else 0 :]))
        text = " ".join(" ".join(parts).split())
        if (text or said.value) and len(text) <= MAX_MENTION:
            mention = (text, said.value, said.name, said.tag, said.href, block, now + 1, self._box)
            for kind in said.kinds:
                self.mention(Mention(kind, *mention))

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
        if menus.is_home(text):
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


def _folded(raw: str) -> str:
    """The text with its white space folded; within nearly all there is none but single spaces."""
    text = raw.strip()
    if text.isprintable() and "  " not in text:
        return text
    return " ".join(text.split())


def _pass_over(parts: Iterator[tuple[int, str]], text: str) -> tuple[list[str], str]:
    """What is in an element that shows none of it, and the text that follows on its end."""
    inside = [f">{text}"]
    depth = 1
    for _, part in parts:
        if part.startswith("/"):
            depth -= 1
        elif "/>" not in part:
            depth += 1
        if not depth:
            return inside, part.partition(">")[2]
        inside.append(part)
    return inside, ""


_END_BLOCK = Reader.end_block
_END_INLINE = Reader.end_inline
_END_LINK = Reader.end_link
_END_STRONG = Reader.end_strong

_READ: dict[str, tuple[Callable[[str, str], Any], Act]] = {
    **dict.fromkeys(_INLINE, (of_inline, Reader.inline)),
    **dict.fromkeys(("b", "strong"), (as_written, Reader.strong)),
    "time": (of_time, Reader.inline),
    "br": (as_written, Reader.line_break),
    "a": (as_written, Reader.link),
}
_AS_BLOCK: tuple[Callable[[str, str], Any], Act] = of_box, Reader.block
_KNOWN: dict[str, Opening] = {}
_CLOSING: Opening = (None, None, False, READ)


def _opening(head: str) -> Opening:
    """What is between "<" and ">", made out, and noted where it may come again."""
    if head.startswith("/"):
        _KNOWN[head] = _CLOSING
        return _CLOSING
    is_empty = head.endswith("/")
    if head.startswith("a "):
        return Reader.link, head, is_empty, READ  # nearly every one differs, as the silent do
    tag = head.partition(" ")[0]
    if is_empty and len(tag) == len(head):
        tag = tag[:-1]
    told = TOLD.get(tag)
    if told is not None:
        return told, head, is_empty, SILENT
    makes_out, act = _READ.get(tag, _AS_BLOCK)
    said = makes_out(tag, head)
    how = READ
    if act is Reader.block:
        make_out(said)
        if menus.may_be(tag, said.bits):
            how = DOUBTFUL
    _KNOWN[head] = opening = act, said, is_empty, how
    return opening


for _tag in (*_INLINE, *_READ, "a", "p", "div", "li", "ul", "h1", "h2", "h3", "td", "tr"):
    for _head in (_tag, f"/{_tag}", f"{_tag}/"):
        _opening(_head)
_COMMON = dict(_KNOWN)


def _known() -> dict[str, Opening]:
    """The start tags made out so far; the common ones where they have become too many."""
    if len(_KNOWN) > MAX_KNOWN:
        _KNOWN.clear()
        _KNOWN.update(_COMMON)
    return _KNOWN
