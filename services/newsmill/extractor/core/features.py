"""What is known of each block, as numbers: the inputs of the model that scores it.

Only blocks in or near the container get a row: the article is there on 98 pages of 100, and a page
has twice as many blocks elsewhere.
"""

from __future__ import annotations

import functools
import re
from collections import Counter

from newsmill.extractor.core.boxkinds import BITS
from newsmill.extractor.core.container import Layout
from newsmill.extractor.core.sheet import Box, Sheet, Text

AROUND = 4  # boxes above the container whose blocks are looked at
MAX_CUE = 160  # characters; a longer block is no "read also"

_TAGS = {
    name: float(number)
    for number, name in enumerate(
        ("p", "div", "li", "td", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "figcaption",
         "pre", "section", "article", "dd", "dt", "th", "header", "body", "html", "address",
         "aside", "footer", "form", "center", "ul", "figure", "main", "nav"), 1)
}  # fmt: skip
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_ENDS = frozenset(".!?…。！？؟।")
_CLOSING = "\"'”’»)]"
_CUE = re.compile(
    r"\s*(?:read\s+(?:more|also|next)|see\s+also|also\s+read|related|more\s+(?:on|from|about)|"
    r"follow\s+us|subscribe|sign\s+up|click\s+here|watch|listen|share\b|advert|don'?t\s+miss|"
    r"lesen\s+sie|mehr\s+zum|auch\s+interessant|lire\s+aussi|à\s+lire|voir\s+aussi|lea\s+también|"
    r"te\s+puede|leggi\s+anche|leia\s+(?:também|mais)|lees\s+ook|czytaj|zobacz|читайте|смотрите|"
    r"copyright|©|all\s+rights|photo\b|foto\b|image\b|source\s*:|quelle\s*:)",
    re.I,
)
_DIGITS = re.compile(r"\d+")
_WIDE = "\u2e80"  # from here on a character is a word or most of one
_MOST = 300.0  # blocks, and a tenth of the characters: past it a page is long, not other
_MOST_CHARS = 40_000.0
_OWN = (0, 1, 2, 8, 10, 11, 12, 15)  # bits of the nearest boxes that any model made use of

OF_BLOCK = (
    "size", "words", "link_share", "strong_share", "ends", "sentences", "commas", "cue", "tag",
    "br", "seen", "is_title", "in_description", "picture", "wide", "mention",
)  # fmt: skip
OF_PLACE = (
    "inside", "wider", "levels", "depth", "place", "from_start", "from_end", "page_place",
    "above", "below_near", "below", "after_in_container", "since_heading", "parent_blocks",
    "parent_chars", "parent_links", "parent_share", "grand_blocks", "grand_chars", "grand_links",
    "great_links", "headings", "alike", "alike_rank", "alike_share", "own_article",
    "signature_share", "signature_count",
)  # fmt: skip
OF_NEIGHBOURS = (
    "before_size", "before_links", "before_tag", "before2_size", "after_size", "after_links",
    "after_tag", "after2_size",
)  # fmt: skip
OF_PAGE = ("page_chars", "container_share", "container_links", "container_blocks")
NAMES: tuple[str, ...] = (
    *OF_BLOCK, *OF_PLACE, *OF_NEIGHBOURS, *OF_PAGE,
    *(f"bit{n}" for n in range(BITS)), *(f"own{n}" for n in _OWN),
)  # fmt: skip


def span(sheet: Sheet, layout: Layout) -> Box:
    """The box whose blocks are scored: some levels above the container."""
    return _above(sheet, sheet.boxes[layout.container], AROUND)


def rows(sheet: Sheet, layout: Layout, title: str, description: str) -> list[list[float]]:
    """A row of numbers, in the order of NAMES, of each block of ``span``."""
    return _Rows(sheet, layout, title, description).all()


class _Rows:
    """The page's own figures, made once; then a row a block."""

    def __init__(self, sheet: Sheet, layout: Layout, title: str, description: str) -> None:
        self.sheet, self.layout = sheet, layout
        self.home = sheet.boxes[layout.container]
        self.span = span(sheet, layout)
        self.wider = _above(sheet, self.home, 1)
        self.title = title.casefold()
        self.told = description.casefold()[:200]
        chars, linked = layout.chars, layout.linked
        self.total = max(1, chars[-1])
        self.within = max(1, chars[self.home.last] - chars[self.home.first])
        self.count = max(1, self.home.last - self.home.first)
        self.prose = max(1.0, layout.weights[self.home.last] - layout.weights[self.home.first])
        links = (linked[self.home.last] - linked[self.home.first]) / self.within
        self.page = (
            min(_MOST_CHARS, float(self.total)), self.within / self.total, links,
            min(_MOST, float(self.count)),
        )  # fmt: skip
        self.depths, self.levels, self.articles = self._depths()
        self.headings = self._headings()
        self.alike = _alike(sheet, layout)
        self.seen = Counter([block.text for block in sheet.blocks])
        self.pictures = {picture.block for picture in sheet.pictures}
        self.mentioned = _mentioned(sheet)
        self.of_box: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {}
        self.signatures: dict[int, tuple[str, str, str]] = {}
        self.share: dict[tuple[str, str, str], float] = {}
        self.number: dict[tuple[str, str, str], int] = {}
        self._count_signatures()

    def _depths(self) -> tuple[list[int], list[int], list[int]]:
        """Of each box: its depth, how far below the container, how many articles between."""
        boxes, container = self.sheet.boxes, self.layout.container
        depths, levels, articles = [0] * len(boxes), [-1] * len(boxes), [0] * len(boxes)
        levels[container] = 0
        for index in range(1, len(boxes)):
            box = boxes[index]
            parent = box.parent
            depths[index] = depths[parent] + 1
            if levels[parent] >= 0:
                levels[index] = levels[parent] + 1
                articles[index] = articles[parent] + (box.tag == "article")
        return depths, levels, articles

    def _headings(self) -> list[int]:
        """Of each box: the headings right in it, or beside it where it holds text alone."""
        boxes = self.sheet.boxes
        found = [0] * len(boxes)
        for box in boxes:
            if box.tag in _HEADINGS and box.parent > 0:
                found[box.parent] += 1
        for index, box in enumerate(boxes):
            if box.tag in ("p", "li"):
                found[index] = found[max(0, box.parent)]
        return found

    def _count_signatures(self) -> None:
        """Which kind of block (tag, and tag and class of what holds it) has most of the prose."""
        weights, blocks = self.layout.weights, self.sheet.blocks
        for index in range(self.home.first, self.home.last):
            signature = self._signature(blocks[index])
            weight = weights[index + 1] - weights[index]
            self.share[signature] = self.share.get(signature, 0.0) + weight / self.prose
            self.number[signature] = self.number.get(signature, 0) + 1

    def _signature(self, block: Text) -> tuple[str, str, str]:
        found = self.signatures.get(block.box)
        if found is None:
            parent = self.sheet.boxes[max(0, self.sheet.boxes[block.box].parent)]
            found = self.signatures[block.box] = (block.tag, parent.tag, parent.name)
        return found

    def all(self) -> list[list[float]]:
        blocks = self.sheet.blocks
        first, last = self.span.first, self.span.last
        near = [_near(block) for block in blocks[max(0, first - 2) : last + 2]]
        edge = (-1.0, -1.0, -1.0)
        near = [edge] * max(0, 2 - first) + near + [edge] * max(0, last + 2 - len(blocks))
        heading = -99
        found = []
        for number, index in enumerate(range(first, last)):
            block = blocks[index]
            if block.tag in _HEADINGS:
                heading = index
            before2, before, _, after, after2 = near[number : number + 5]
            found.append(
                [
                    *self._block(block, index),
                    *self._place(block, index, heading),
                    *before, before2[0], *after, after2[0],
                    *self.page,
                    *self._box(block.box)[1],
                ]
            )  # fmt: skip
        return found

    def _block(self, block: Text, index: int) -> tuple[float, ...]:
        text = block.text
        size = len(text)
        end = text[-1]
        if end in _CLOSING and size > 1:
            end = text[-2]
        lower = text[:400].casefold()
        return (
            float(size), text.count(" ") + 1.0, block.linked / size, block.strong / size,
            float(end in _ENDS), float(text.count(". ") + text.count("。") + text.count("? ")),
            text.count(",") / size, float(size < MAX_CUE and _CUE.match(text) is not None),
            _TAGS.get(block.tag, 0.0), float(block.br), float(self.seen[text]),
            float(lower == self.title), float(bool(self.told) and lower[:60] in self.told),
            float(index in self.pictures), float(text[0] >= _WIDE), float(index in self.mentioned),
        )  # fmt: skip

    def _place(self, block: Text, index: int, heading: int) -> tuple[float, ...]:
        home, chars, weights = self.home, self.layout.chars, self.layout.weights
        place, _ = self._box(block.box)
        signature = self._signature(block)
        count = len(self.sheet.blocks)
        return (
            float(home.first <= index < home.last),
            float(self.wider.first <= index < self.wider.last), place[0], place[1],
            (index - home.first) / self.count, max(-_MOST, min(_MOST, float(index - home.first))),
            max(-_MOST, min(_MOST, float(home.last - index))),
            index / count, (chars[index] - chars[home.first]) / self.within,
            min(3000.0, float(chars[min(count, index + 4)] - chars[index + 1])),
            (chars[-1] - chars[index]) / self.total,
            (weights[home.last] - weights[min(index, home.last)]) / self.prose,
            float(min(50, index - heading)), *place[2:5],
            (chars[index + 1] - chars[index]) / place[3], *place[5:],
            self.share.get(signature, 0.0), min(_MOST, float(self.number.get(signature, 0))),
        )  # fmt: skip

    def _box(self, index: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What the boxes around a block are: figures, and bits. Made once a box."""
        found = self.of_box.get(index)
        if found is not None:
            return found
        boxes, layout = self.sheet.boxes, self.layout
        box = boxes[index]
        up = max(0, box.parent)
        up2 = max(0, boxes[up].parent)
        up3 = max(0, boxes[up2].parent)
        figures = (
            float(self.levels[index]), float(self.depths[index]), *self._stats(up),
            *self._stats(up2), self._stats(up3)[2], float(self.headings[index]),
            *self.alike[index], float(self.articles[index]),
        )  # fmt: skip
        bits = _expanded(layout.inherited[index], layout.bits[index] | layout.bits[up])
        found = self.of_box[index] = (figures, bits)
        return found

    def _stats(self, index: int) -> tuple[float, float, float]:
        """Blocks, characters, and the share of them in links, of a box."""
        box = self.sheet.boxes[index]
        chars = max(1, self.layout.chars[box.last] - self.layout.chars[box.first])
        linked = self.layout.linked[box.last] - self.layout.linked[box.first]
        return (
            min(_MOST, float(box.last - box.first)), min(_MOST_CHARS, float(chars)), linked / chars
        )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _expanded(inherited: int, own: int) -> tuple[float, ...]:
    return (
        *(float(inherited >> n & 1) for n in range(BITS)),
        *(float(own >> n & 1) for n in _OWN),
    )


def _near(block: Text) -> tuple[float, float, float]:
    size = len(block.text)
    return float(size), block.linked / size, _TAGS.get(block.tag, 0.0)


def _above(sheet: Sheet, box: Box, levels: int) -> Box:
    for _ in range(levels):
        if box.parent >= 0:
            box = sheet.boxes[box.parent]
    return box


def _mentioned(sheet: Sheet) -> set[int]:
    """The blocks that say who or when."""
    return {
        index
        for mention in sheet.mentions
        if mention.kind not in ("subtitle", "caption") and mention.end - mention.block <= 2
        for index in range(mention.block, mention.end)
    }


def _alike(sheet: Sheet, layout: Layout) -> list[tuple[float, float, float]]:
    """Of each box: how many boxes beside it, or beside one around it, are of its tag and class.

    Beside that: which of them it is, and its share of their text. Only boxes that hold as much as
    prose does count. Posts of a list, comments and cards come so; an article's own parts seldom.
    """
    boxes, chars = sheet.boxes, layout.chars
    groups: dict[tuple[int, str, str], list[int]] = {}
    for index, box in enumerate(boxes):
        if box.last - box.first >= 2 and chars[box.last] - chars[box.first] >= 120:
            name = _DIGITS.sub("", box.name) if box.name else ""
            groups.setdefault((box.parent, box.tag, name), []).append(index)
    own: dict[int, tuple[float, float, float]] = {}
    for members in groups.values():
        if len(members) > 1:
            sizes = [chars[boxes[i].last] - chars[boxes[i].first] for i in members]
            total = sum(sizes)
            for rank, (index, size) in enumerate(zip(members, sizes, strict=True)):
                own[index] = (float(len(members)), float(rank), size / total)
    found: list[tuple[float, float, float]] = []
    for index, box in enumerate(boxes):
        before = found[box.parent] if index else (1.0, 0.0, 1.0)
        mine = own.get(index)
        found.append(mine if mine is not None and mine[0] > before[0] else before)
    return found
