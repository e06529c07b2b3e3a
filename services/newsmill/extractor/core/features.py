"""What is known of each block, as numbers: the inputs of the model that scores it.

Only blocks in or near the container are looked at: the article is there on 98 pages of 100. Those
of them that are plainly none (two in five), or have a role already, get no row. What boxes say is
made once a box.
"""

from __future__ import annotations

import functools
import re

from newsmill.extractor.core.boxkinds import (
    AUTHOR,
    BODY,
    CAPTION,
    COMMENT,
    FOOTER,
    HIDDEN,
    META,
    NAV,
    NOTE,
    PROMO,
    RELATED,
    SIDE,
)
from newsmill.extractor.core.container import LIGHT, Layout
from newsmill.extractor.core.roles import NONE, TABLE
from newsmill.extractor.core.sheet import Box, Sheet, Text

AROUND = 4  # boxes above the container whose blocks are looked at
MAX_CUE = 120  # characters; a longer block is no "read also"
MAX_FAR = 40  # characters of a block outside the container that is none of the article
MAX_LINK = 100  # characters of a link in a box aside that is none of it
MIN_DOUBLE = 20  # characters of a block that may be a double of another
HEAD = 40  # characters by which doubles are known

_TAGS = {
    name: float(number)
    for number, name in enumerate(
        ("p", "div", "li", "td", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "figcaption",
         "pre", "section", "article", "dd", "dt", "th", "header", "body", "html", "address",
         "aside", "footer", "form", "center", "ul", "figure", "main", "nav"), 1)
}  # fmt: skip
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_ENDS = frozenset(".!?…。！？؟।")
_CLOSING = frozenset("\"'”’»)]")
_CUE = re.compile(
    r"\W*(?:about\s+(?:us|the|author)|author\b|related|see\s+also|(?:also\s+)?read\s+(?:more|also|"
    r"next)|more\s+(?:from|on|news|stories|about|in)|comments?\b|leave\s+a|post\s+a|join\s+the|"
    r"reply|share\b|tags?\b|topics?\b|filed\s+under|categor|newsletter|subscribe|sign\s+up|follow|"
    r"contact|copyright|©|all\s+rights|disclaimer|sponsored|advert|click\s+here|watch\b|listen\b|"
    r"photo\b|image\b|most\s+(?:read|popular)|trending|popular|latest|recommended|"
    r"you\s+(?:may|might)|don['’]?t\s+miss|up\s+next|previous|next\b|sources?\b|references|notes?\b|"
    r"footnotes|download|print\b|anzeige|werbung|kommentar|comentari|commentaire|"
    r"lesen\s+sie|mehr\s+(?:zum|von|aus|zu)|auch\s+interessant|weiter|quelle|über\s+(?:den|die|uns)|"
    r"autore?\b|auteur|zur\s+person|themen|schlagw|teilen|foto\b|"
    r"lire\s+aussi|à\s+lire|voir\s+aussi|sur\s+le\s+même|partager|"
    r"lea\s+también|te\s+puede|relacionad|compartir|leggi\s+anche|condividi|"
    r"leia\s+(?:também|mais)|lees\s+ook|les\s+også|läs\s+(?:också|mer)|czytaj|zobacz|"
    r"читайте|смотрите|комментар|по\s+теме|関連|相关|관련)"
)  # in lower case: to fold it within takes three times as long
_WIDE = "\u2e80"  # from here on a character is a word or most of one
_LANGUAGES = {"en": 1.0, "de": 2.0, "fr": 3.0, "es": 4.0}
OPEN_ROLES = (NONE, TABLE)  # what a table is, its cells' scores say
_ASIDE = COMMENT | RELATED | FOOTER | NAV | PROMO | SIDE
_AROUND = (BODY, COMMENT, FOOTER, RELATED, PROMO, CAPTION, AUTHOR, SIDE, NOTE, HIDDEN)
_NEAR = (BODY, COMMENT, CAPTION, META)

Row = tuple[float, ...]

OF_BLOCK = (
    "size", "words", "link_share", "links", "strong_share", "ends", "commas", "cue", "tag",
    "doubles", "in_description", "picture", "wide", "inside", "wider", "place",
    "from_start", "from_end", "above", "after_in_container", "since_heading", "since_cue",
    "headline",
    "headline_chars", "parent_share", "around_chars", "around_links", "before_links",
    "before_tag", "after_links",
)  # fmt: skip
OF_BOX = (
    "signature_share", "signature_count", "levels", "section_blocks", "section_share",
    "section_links", "section_place", "section_aside", "parent_blocks", "parent_chars",
    "parent_links", "parent_p", "grand_blocks", "grand_chars", "grand_links", "great_links",
    *(f"in_{kind}" for kind in ("body", "comment", "footer", "related", "promo", "caption",
                                "author", "side", "note", "hidden")),
    *(f"own_{kind}" for kind in ("body", "comment", "caption", "meta")),
)  # fmt: skip
OF_PAGE = ("page_chars", "container_share", "container_links", "container_blocks", "language")
NAMES: tuple[str, ...] = (*OF_BLOCK, *OF_BOX, *OF_PAGE)
PARENT_CHARS = OF_BOX.index("parent_chars")


def span(sheet: Sheet, layout: Layout) -> Box:
    """The box whose blocks are scored: some levels above the container."""
    return _above(sheet, sheet.boxes[layout.container], AROUND)


def rows(
    sheet: Sheet,
    layout: Layout,
    roles: bytearray | None,
    headline: int | None,
    description: str,
) -> list[Row | None]:
    """The numbers of NAMES for each block of ``span``; None for one that is plainly no article."""
    return _Rows(sheet, layout, headline, description).all(roles)


class _Rows:
    """The page's own figures, made once; then a row a block."""

    def __init__(
        self, sheet: Sheet, layout: Layout, headline: int | None, description: str
    ) -> None:
        self.sheet, self.layout = sheet, layout
        self.home = home = sheet.boxes[layout.container]
        self.span = span(sheet, layout)
        self.wider = _above(sheet, home, 1)
        self.headline = headline
        self.told = description.casefold()[:200]
        chars, linked = layout.chars, layout.linked
        self.within = max(1, chars[home.last] - chars[home.first])
        self.count = max(1, home.last - home.first)
        self.prose = max(1.0, layout.weights[home.last] - layout.weights[home.first])
        total = max(1, chars[-1])
        self.page = (
            float(total), self.within / total,
            (linked[home.last] - linked[home.first]) / self.within, float(self.count),
            _language(sheet.language),
        )  # fmt: skip
        self.pictures = {picture.block for picture in sheet.pictures}
        places = [i for i, box in enumerate(sheet.boxes) if box.parent == layout.container]
        self.sections = {box: place / len(places) for place, box in enumerate(places)}
        self.of_box: dict[int, Row] = {}
        self.of_parent: dict[int, Row] = {}
        self.of_section: dict[int, Row] = {}
        self.share: dict[tuple[str, str, str], float] = {}
        self.number: dict[tuple[str, str, str], int] = {}
        self._count_signatures()

    def _count_signatures(self) -> None:
        """Which kind of block (tag, and tag and class of what holds it) has most of the prose."""
        weights, blocks = self.layout.weights, self.sheet.blocks
        share, number = self.share, self.number
        signatures: dict[int, tuple[str, str, str]] = {}
        for index in range(self.home.first, self.home.last):
            box = blocks[index].box
            signature = signatures.get(box)
            if signature is None:
                signature = signatures[box] = self._signature(box)
            weight = weights[index + 1] - weights[index]
            share[signature] = share.get(signature, 0.0) + weight
            number[signature] = number.get(signature, 0) + 1

    def _signature(self, index: int) -> tuple[str, str, str]:
        box = self.sheet.boxes[index]
        parent = self.sheet.boxes[max(0, box.parent)]
        return box.tag, parent.tag, parent.name

    def all(self, roles: bytearray | None) -> list[Row | None]:
        """A row, or None, a block of the span."""
        blocks = self.sheet.blocks
        found: list[Row | None] = []
        heading = cue = -99
        doubles: dict[str, int] = {}
        for index in range(self.span.first, self.span.last):
            block = blocks[index]
            if block.tag in _HEADINGS:
                heading = index
            text = block.text
            if self._is_none(index, block, len(text)):
                found.append(None)
                continue
            head = text[:HEAD].casefold()
            before = doubles.get(head, 0)
            doubles[head] = before + 1
            is_cue = len(text) < MAX_CUE and _CUE.match(text.lower()) is not None
            if roles is not None and roles[index] not in OPEN_ROLES:
                found.append(None)
            else:
                since = index - heading, index - cue
                repeats = before if len(text) >= MIN_DOUBLE else 0
                found.append(self._row(index, head, is_cue, repeats, since))
            if is_cue:
                cue = index
        return found

    def _is_none(self, index: int, block: Text, size: int) -> bool:
        """Whether a block is a link in a box aside, or short or linked outside the container.

        On the training pages two blocks in five are, and a thousandth of what is wanted.
        """
        if self.home.first <= index < self.home.last:
            is_link = size < MAX_LINK and block.linked > 0.9 * size
            return is_link and self.layout.inherited[block.box] & LIGHT > 0
        return size < MAX_FAR or block.linked > 0.5 * size

    def _row(
        self, index: int, head: str, is_cue: bool, repeats: int, since: tuple[int, int]
    ) -> Row:
        """What a block says, where it stands and among what; in one go, since a page has many.

        All are floats, as the model compares those fastest; to add 0.0 makes one in half a call.
        """
        layout, blocks, home, wider = self.layout, self.sheet.blocks, self.home, self.wider
        chars, linked, weights = layout.chars, layout.linked, layout.weights
        block = blocks[index]
        text = block.text
        size = len(text)
        end = text[-2] if text[-1] in _CLOSING and size > 1 else text[-1]
        of_box = self.of_box.get(block.box) or self._box(block.box)
        low, high = index - 3 if index > 3 else 0, index + 4
        if high > len(blocks):
            high = len(blocks)
        around = chars[high] - chars[low] - size or 1
        before = blocks[index - 1] if index else None
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        first, last = home.first, home.last
        return (
            size + 0.0, text.count(" ") + 1.0, block.linked / size, len(block.links) + 0.0,
            block.strong / size, 1.0 if end in _ENDS else 0.0, text.count(",") / size,
            1.0 if is_cue else 0.0, _TAGS.get(block.tag, 0.0), repeats + 0.0,
            1.0 if self.told and head in self.told else 0.0,
            1.0 if index in self.pictures else 0.0, 1.0 if text[0] >= _WIDE else 0.0,
            1.0 if first <= index < last else 0.0,
            1.0 if wider.first <= index < wider.last else 0.0,
            (index - first) / self.count, index - first + 0.0, last - index + 0.0,
            (chars[index] - chars[first]) / self.within,
            (weights[last] - weights[index]) / self.prose if index < last else 0.0,
            since[0] + 0.0, since[1] + 0.0, *self._from_headline(index),
            size / of_box[PARENT_CHARS], around + 0.0,
            (linked[high] - linked[low] - block.linked) / around,
            before.linked / len(before.text) if before is not None else -1.0,
            _TAGS.get(before.tag, 0.0) if before is not None else -1.0,
            after.linked / len(after.text) if after is not None else -1.0,
            *of_box, *self.page,
        )  # fmt: skip

    def _from_headline(self, index: int) -> tuple[float, float]:
        """How many blocks and characters after the headline; far before it counts as no further."""
        headline = self.headline
        if headline is None:
            return -400.0, -40_000.0
        chars = self.layout.chars[index] - self.layout.chars[headline]
        if index >= headline:
            return index - headline + 0.0, chars + 0.0
        return float(max(-300, index - headline)), float(max(-20_000, chars))

    def _box(self, index: int) -> Row:
        """What the boxes around a block are. Made once a box."""
        boxes, layout = self.sheet.boxes, self.layout
        up = max(0, boxes[index].parent)
        signature = self._signature(index)
        self.of_box[index] = row = (
            self.share.get(signature, 0.0) / self.prose,
            self.number.get(signature, 0) + 0.0, *self._section(index),
            *(self.of_parent.get(up) or self._parent(up)),
            *_bits(layout.inherited[index], layout.bits[index] | layout.bits[up]),
        )  # fmt: skip
        return row

    def _parent(self, up: int) -> Row:
        """What the box around that of a block is, and those around it. Made once a box."""
        boxes = self.sheet.boxes
        parent = boxes[up]
        up2 = max(0, parent.parent)
        up3 = max(0, boxes[up2].parent)
        blocks, chars, links = self._stats(up)
        sums = self.layout.paragraphs
        paragraphs = sums[parent.last] - sums[parent.first]
        self.of_parent[up] = row = (
            blocks, chars, links, paragraphs / chars, *self._stats(up2), self._stats(up3)[2],
        )  # fmt: skip
        return row

    def _section(self, index: int) -> Row:
        """How far below the container a box is, and what part of it it stands in."""
        boxes, container = self.sheet.boxes, self.layout.container
        levels, box = 0, index
        while box > container and boxes[box].parent != container:
            box = boxes[box].parent
            levels += 1
        if box <= container:
            return (0.0 if index == container else -1.0, -1.0, -1.0, -1.0, -1.0, -1.0)
        known = self.of_section.get(box)
        if known is None:
            blocks, chars, links = self._stats(box)
            self.of_section[box] = known = (
                blocks, chars / self.within, links, self.sections[box],
                float(self.layout.bits[box] & _ASIDE > 0),
            )  # fmt: skip
        return (levels + 1.0, *known)

    def _stats(self, index: int) -> tuple[float, float, float]:
        """Blocks, characters, and the share of them in links, of a box."""
        box = self.sheet.boxes[index]
        chars = max(1, self.layout.chars[box.last] - self.layout.chars[box.first])
        linked = self.layout.linked[box.last] - self.layout.linked[box.first]
        return float(box.last - box.first), float(chars), linked / chars


@functools.lru_cache(maxsize=4096)
def _bits(inherited: int, own: int) -> Row:
    return (
        *(float(inherited & bit > 0) for bit in _AROUND),
        *(float(own & bit > 0) for bit in _NEAR),
    )


def _language(declared: str | None) -> float:
    code = (declared or "")[:2].lower()
    return _LANGUAGES.get(code, 5.0) if code else 0.0


def _above(sheet: Sheet, box: Box, levels: int) -> Box:
    for _ in range(levels):
        if box.parent >= 0:
            box = sheet.boxes[box.parent]
    return box
