"""The one walk over a page's tree, which makes its sheet.

Iterative, since a page may nest deeper than Python recurses. Text is folded only at the end of a
block, so no words are joined or split at the tags within it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from newsmill.errors import BadRecord
from newsmill.extractor.core.elements import MAX_NAME, Element, attributes, holds_prose
from newsmill.extractor.core.kinds import kinds_of
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
MAX_BLOCKS = 50_000  # scoring so many takes 2 s; an article may have 30,000 lines

_GONE = ("style", "svg", "canvas", "template", "select", "datalist", "math", "option")
_INLINE = frozenset(
    (
        "span", "em", "i", "u", "font", "small", "big", "abbr", "acronym", "cite", "code", "q",
        "sub", "sup", "mark", "label", "ins", "del", "s", "strike", "tt", "var", "kbd", "samp",
        "bdi", "bdo", "data", "dfn", "ruby", "rb", "rt", "rp", "nobr", "output", "wbr", "picture",
        "textarea", "blink", "map",
    )
)  # fmt: skip
_SOURCES = ("data-src", "data-original", "data-lazy-src", "data-url", "src")  # late ones first
_SETS = ("srcset", "data-srcset")
_HOME_WORDS = frozenset(("home page", "front page", "go home", "back home", "zur startseite"))

Close = tuple[Callable[..., None], Any]
_PASS: Close = (lambda *_: None, None)  # nothing to do at an element's end


def read(tree: Element) -> Sheet:
    """The sheet of a parsed page; elements that show no text are taken out of the tree.

    Raises BadRecord (``too_large``) past MAX_BLOCKS.
    """
    sheet = Sheet()
    sheet.language = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    for script in tree.iter("script"):
        if script.text and "ld+json" in (script.get("type") or "").lower():
            sheet.json_ld.append(script.text)
    etree.strip_elements(tree, "script", *_GONE, with_tail=False)
    _Reader(sheet).walk(tree)
    if len(sheet.blocks) > MAX_BLOCKS:
        raise BadRecord("too_large", f"{len(sheet.blocks)} blocks; at most {MAX_BLOCKS}")
    return sheet


class _Reader:
    __slots__ = (
        "_blocks",
        "_box",
        "_boxes",
        "_buffer",
        "_from",
        "_href",
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
        self._links: list[Link] = []
        self._href: str | None = None  # of the link that is open
        self._from = 0  # where in the buffer its text begins
        self._strong = 0

    def walk(self, root: Element) -> None:
        """Visit every element below ``root`` once."""
        buffer, openers = self._buffer, _OPENERS
        stack: list[tuple[Any, Any, Close]] = []
        element, children, close = root, iter(root), _PASS
        count = 0
        while True:
            for child in children:
                count += 1
                opened = openers.get(child.tag, _block)(self, child)
                if opened is not None:
                    stack.append((element, children, close))
                    element, children, close = child, iter(child), opened
                    if (text := child.text) and (buffer or not text.isspace()):
                        buffer.append(text)
                    break
                if (tail := child.tail) and (buffer or not tail.isspace()):
                    buffer.append(tail)
            else:
                if not stack:
                    break
                if close is not _PASS:
                    close[0](self, close[1])
                if (tail := element.tail) and (buffer or not tail.isspace()):
                    buffer.append(tail)
                element, children, close = stack.pop()
        self.flush()
        self._boxes[0].last = len(self._blocks)
        self._sheet.elements = count

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
                block.links = tuple(self._links)
                block.linked = sum(len(link.text) for link in block.links)
            block.strong = min(self._strong, len(text))
            if tag == "pre":
                self._lines("".join(buffer), block)
            else:
                self._blocks.append(block)
        buffer.clear()
        self._links.clear()
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

    # -- what opens and closes an element

    def block(self, element: Element) -> Close:
        """A box of its own."""
        if self._buffer:
            self.flush()
        parent, first = self._box, len(self._blocks)
        boxes = self._boxes
        box = Box(element.tag, parent, "", first, first, "", boxes[parent].hidden)
        index = self._box = len(boxes)
        boxes.append(box)
        kinds: tuple[MentionKind, ...] = ()
        if given := element.items():
            box.name, box.prop, hidden = attributes(given)
            box.hidden = box.hidden or hidden
            if box.name or box.prop:
                kinds = kinds_of(box.name, box.prop)
        return _END_BLOCK, (index, kinds)

    def end_block(self, opened: tuple[int, tuple[MentionKind, ...]]) -> None:
        """The box is complete."""
        if self._buffer:
            self.flush()
        index, kinds = opened
        box = self._boxes[index]
        box.last = len(self._blocks)
        self._box = box.parent
        if kinds and box.first < box.last and box.tag not in _NO_MENTION:
            text = " ".join(block.text for block in self._blocks[box.first : box.last][:8])
            name = f"{box.name} {box.prop}".strip()
            for kind in kinds:
                if len(text) <= MAX_MENTION:
                    self.mention(
                        Mention(kind, text, "", name, box.tag, "", box.first, box.last, index, True)
                    )

    def inline(self, element: Element) -> Close:
        """Part of the block around it."""
        given = element.items()
        if not given:
            return _PASS
        name, prop, _ = attributes(given)
        kinds = kinds_of(name, prop) if name or prop else ()
        if not kinds:
            return _PASS
        value = element.get("content") or element.get("datetime") or element.get("title") or ""
        return _END_INLINE, (kinds, value, f"{name} {prop}".strip(), element.tag, "", *self._mark())

    def _mark(self) -> tuple[int, int]:
        return len(self._blocks), len(self._buffer)

    def end_inline(self, opened: Any) -> None:
        """Note who or when it says."""
        kinds, value, name, tag, href, block, start = opened
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

    def link(self, element: Element) -> Close:
        """A link, which may also say who; one that is not closed holds the page, and is none."""
        if len(element) and holds_prose(element):
            return _PASS
        href = name = prop = ""
        for key, value in element.items():
            if key == "href":
                href = value
            elif key == "class":
                name = value[:MAX_NAME]
            elif key in ("rel", "itemprop"):
                prop = f"{prop} {value}" if prop else value
        kinds = kinds_of(name, prop) if name or prop else ()
        noted = None
        if kinds:
            noted = (kinds, "", f"{name} {prop}".strip(), "a", href, *self._mark())
        before = self._href
        if href and before is None:
            self._href, self._from = href, len(self._buffer)
        return _END_LINK, (noted, before, prop)

    def end_link(self, opened: Any) -> None:
        """Note what is linked, and the name of the front page."""
        noted, before, prop = opened
        if before is None and self._href is not None:
            self._end_link()
            if self._sheet.home is None and (prop == "home" or self._href == "/"):
                self._note_home()
            self._href = None
        if noted is not None:
            self.end_inline(noted)

    def _note_home(self) -> None:
        text = self._links[-1].text if self._links else ""
        if 1 < len(text) <= MAX_HOME and text.casefold() not in _HOME_WORDS and " " in text:
            self._sheet.home = text

    def strong(self, element: Element) -> Close:
        """Emphasised text, counted."""
        return _END_STRONG, self._mark()

    def end_strong(self, opened: tuple[int, int]) -> None:
        """Count what was emphasised in this block."""
        block, start = opened
        begin = start if block == len(self._blocks) else 0
        self._strong += sum(map(len, self._buffer[begin:]))

    def time(self, element: Element) -> Close:
        """A time element: when."""
        name, prop, _ = attributes(element.items())
        value = element.get("datetime") or element.get("content") or ""
        kinds = (*kinds_of(name, prop), "time") if name or prop else ("time",)
        kinds = tuple(dict.fromkeys(kinds))
        told = f"{name} {prop}".strip()
        return _END_INLINE, (kinds, value, told, "time", "", *self._mark())

    def line_break(self, element: Element) -> None:
        """The end of a line is that of a block."""
        self.flush(br=True)

    def image(self, element: Element) -> None:
        """A picture, with every address that it gives."""
        sheet = self._sheet
        if len(sheet.pictures) >= MAX_KEPT:
            return
        given = dict(element.items())
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

    def embed(self, element: Element) -> None:
        """A frame, video or audio."""
        if len(self._sheet.embeds) < MAX_KEPT:
            url = element.get("src") or element.get("data-src") or element.get("data") or ""
            source = element.find("source") if not url else None
            if source is not None:
                url = source.get("src") or ""
            self._sheet.embeds.append(Embed(element.tag, url, len(self._blocks), self._box))

    def noscript(self, element: Element) -> Close | None:
        """Read where it holds more than a lazy picture: one that is not closed holds the page."""
        if holds_prose(element):
            return _PASS
        for image in element.iter("img"):
            self.image(image)
        return None

    def button(self, element: Element) -> Close | None:
        """A button says nothing; one that is not closed holds the rest of the page."""
        return _PASS if next(element.iter("p"), None) is not None else None

    def field(self, element: Element) -> None:
        """A form field shows no text."""
        if (element.get("type") or "").lower() == "password":
            self._sheet.asks_password = True

    def meta(self, element: Element) -> None:
        """A meta element, by every name that it has."""
        given = dict(element.items())
        content = given.get("content")
        if content:
            for key in ("property", "name", "itemprop"):
                if name := given.get(key):
                    values = self._sheet.metas.setdefault(name.strip().lower()[:80], [])
                    if len(values) < MAX_METAS:
                        values.append(content.strip())

    def head_link(self, element: Element) -> None:
        """A link element: an address by its relation."""
        rel, href = element.get("rel"), element.get("href")
        if rel and href:
            for word in rel.lower().split():
                self._sheet.links.setdefault(word, href.strip())

    def base(self, element: Element) -> None:
        """The address that others are relative to."""
        if self._sheet.base is None and element.get("href"):
            self._sheet.base = element.get("href")

    def title(self, element: Element) -> None:
        """The page's title, the first one."""
        if self._sheet.head_title is None:
            text = " ".join("".join(map(str, element.itertext())).split())
            self._sheet.head_title = text or None


_NO_MENTION = frozenset(("body", "html", "main", "article", "form"))
_block = _Reader.block
_END_BLOCK = _Reader.end_block
_END_INLINE = _Reader.end_inline
_END_LINK = _Reader.end_link
_END_STRONG = _Reader.end_strong
_OPENERS: dict[Any, Callable[[_Reader, Any], Close | None]] = {
    **dict.fromkeys(_INLINE, _Reader.inline),
    **dict.fromkeys(("b", "strong"), _Reader.strong),
    **dict.fromkeys(("img", "amp-img"), _Reader.image),
    **dict.fromkeys(("iframe", "amp-iframe", "video", "audio", "object", "embed"), _Reader.embed),
    **dict.fromkeys(("input",), _Reader.field),
    "a": _Reader.link,
    "time": _Reader.time,
    "br": _Reader.line_break,
    "noscript": _Reader.noscript,
    "button": _Reader.button,
    "meta": _Reader.meta,
    "link": _Reader.head_link,
    "base": _Reader.base,
    "title": _Reader.title,
}
