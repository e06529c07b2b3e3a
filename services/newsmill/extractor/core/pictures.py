"""Pictures of the article with their captions and credits, whose blocks are marked as no prose."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from newsmill.extractor.core import addresses, credit, structured, zones
from newsmill.extractor.core.roles import CAPTION, NONE, Area
from newsmill.records import Image

if TYPE_CHECKING:
    from newsmill.extractor.core.about import Choice
    from newsmill.extractor.core.sheet import Mention, Picture, Sheet, Text

MAX_CAPTION = 1_200  # characters; more is text that a theme calls a caption
MAX_CAPTION_BLOCKS = 6
MAX_BESIDE = 300  # characters that may stand beside a caption in what holds it and its picture
MAX_LEVELS = 4  # boxes from a caption up to one that also holds its picture
MAX_IMAGES = 60
MAX_OF_FIGURE = 12  # pictures of one figure that are each one of the article
MIN_WIDTH = 120  # pixels; smaller pictures are icons and trackers

_CREDIT_CLASS = re.compile(
    r"credit|copyright|(?:^|[\s_-])(?:source|photographer|byline|agency)(?:$|[\s_-])", re.I
)
_SIZE = re.compile(r"[-_]\d{2,4}x\d{2,4}(?=\.)")
_TOPS = frozenset(("article", "main", "body", "section", "html"))


def take(sheet: Sheet, area: Area, roles: bytearray, choice: Choice, base: str) -> list[Image]:
    """The article's pictures in their order, the one stated for previews first."""
    taker = _Taker(sheet, area, roles, base)
    taker.figures()
    taker.named()
    taker.plain()
    found: list[Image] = []
    for _, image in sorted(taker.found, key=lambda item: item[0]):
        add(found, image)
    return _with_lead(found, sheet, choice, base)[:MAX_IMAGES]


class _Taker:
    def __init__(self, sheet: Sheet, area: Area, roles: bytearray, base: str) -> None:
        self._sheet, self._area, self._roles, self._base = sheet, area, roles, base
        self._starts = [picture.block for picture in sheet.pictures]
        self._spent = bytearray(len(sheet.pictures))
        self.found: list[tuple[int, Image]] = []  # with the block that it stands before

    def figures(self) -> None:
        """One picture from each figure, with what in it is a caption."""
        for index, box in enumerate(self._sheet.boxes):
            if box.tag != "figure" or not self._is_near(box.first):
                continue
            if not zones.is_foreign(self._sheet, box.parent):
                self._figure(index)

    def _figure(self, index: int) -> None:
        box = self._sheet.boxes[index]
        inside = self._pictures(index)
        blocks = [b for b in range(box.first, box.last) if self._roles[b] == NONE]
        captions = [b for b in blocks if self._is_caption(self._sheet.blocks[b], index)]
        plain = [b for b in blocks if b not in captions and self._is_plain(b)]
        if inside and len(plain) <= 2 and not captions:
            captions = plain
        if any(self._sheet.blocks[b].tag in ("td", "th", "pre") for b in blocks) and not captions:
            return
        self._add(box.first, inside, captions, is_media=self._is_media(index))

    def named(self) -> None:
        """Captions by their class that no figure holds, with the picture that is beside them."""
        for mention in self._sheet.mentions:
            if mention.kind != "caption" or not self._is_near(mention.block):
                continue
            blocks = self._blocks_of(mention)
            if not blocks or len(mention.text) > MAX_CAPTION:
                continue
            holder = self._holder(mention)
            if holder is not None and not zones.is_foreign(self._sheet, mention.box):
                self._add(blocks[0], self._pictures(holder), self._named_within(holder))

    def _named_within(self, holder: int) -> list[int]:
        """The blocks in a box that captions are, and credits beside them."""
        box = self._sheet.boxes[holder]
        found: set[int] = set()
        for mention in self._sheet.mentions:
            if mention.block >= box.last:
                break
            if mention.kind == "caption" and mention.block >= box.first:
                found.update(self._blocks_of(mention))
        return sorted(found)

    def _blocks_of(self, mention: Mention) -> list[int]:
        """The blocks that are the caption and nothing else."""
        blocks = range(mention.block, min(mention.end, len(self._sheet.blocks)))
        if len(blocks) > MAX_CAPTION_BLOCKS or any(self._roles[b] != NONE for b in blocks):
            return []
        if not mention.is_box and (
            len(blocks) != 1 or self._sheet.blocks[blocks[0]].text != mention.text
        ):
            return []
        return list(blocks)

    def _holder(self, mention: Mention) -> int | None:
        """The nearest box around a caption that also holds a picture and little else."""
        boxes, chars = self._sheet.boxes, self._area.chars
        box = boxes[mention.box].parent if mention.is_box else mention.box
        room = len(mention.text) + MAX_BESIDE
        for _ in range(MAX_LEVELS):
            if box < 0 or boxes[box].tag in _TOPS:
                return None
            if chars[boxes[box].last] - chars[boxes[box].first] > room:
                return None
            if self._pictures(box):
                return box
            box = boxes[box].parent
        return None

    def plain(self) -> None:
        """Pictures that no markup names: a short text beside one with a credit is its caption."""
        for number, picture in enumerate(self._sheet.pictures):
            if self._spent[number] or not self._is_near(picture.block):
                continue
            if zones.is_foreign(self._sheet, picture.box):
                continue
            self._add(picture.block, [number], self._beside(picture), keep=True)

    def _beside(self, picture: Picture) -> list[int]:
        boxes, blocks = self._sheet.boxes, self._sheet.blocks
        around = picture.box
        for _ in range(2):
            if boxes[around].parent >= 0 and boxes[around].tag not in _TOPS:
                around = boxes[around].parent
        found: list[int] = []
        for index in range(picture.block, min(picture.block + 2, len(blocks))):
            block = blocks[index]
            if (
                self._roles[index] != NONE
                or not self._area.holds(around, block.box)
                or len(block.text) > MAX_BESIDE
                or (block.tag[0] == "h" and block.tag[1:].isdigit())
            ):
                break
            found.append(index)
            if credit.is_credit(block.text) or credit.split_credit(block.text)[1]:
                return found
        return []

    def _add(
        self,
        at: int,
        numbers: list[int],
        blocks: list[int],
        *,
        is_media: bool = False,
        keep: bool = False,
    ) -> None:
        """Note a picture and mark the blocks of its caption."""
        captions: list[str] = []
        credits_: list[str] = []
        texts = [self._sheet.blocks[b] for b in blocks]
        if sum(len(block.text) for block in texts) > MAX_CAPTION:
            return
        if len(blocks) > MAX_CAPTION_BLOCKS:
            return
        for index, block in zip(blocks, texts, strict=True):
            self._roles[index] = CAPTION
            self._sort(index, block, captions, credits_)
        if keep and len(captions) > 1:
            captions = [" ".join(captions)]
        for number in numbers:
            self._spent[number] = 1
        caption, credited = credit.parted(captions, credits_)
        sources = [url for n in numbers if (url := self._source(self._sheet.pictures[n]))]
        first = sources[0] if sources else None
        if caption or credited or (first and not is_media):
            self.found.append((at, Image(url=first, caption=caption, credit=credited)))
        if len(numbers) <= MAX_OF_FIGURE and not keep:
            self.found.extend((at, Image(url=url)) for url in sources[1:])

    def _sort(self, index: int, block: Text, captions: list[str], credits_: list[str]) -> None:
        """A block's words to the captions or the credits."""
        name = self._sheet.boxes[block.box].name
        if block.tag != "figcaption" and _CREDIT_CLASS.search(name) and "caption" not in name:
            credits_.append(block.text)
            return
        if credit.is_credit(block.text):
            credits_.append(block.text)
            return
        text = block.text
        for mention in self._sheet.mentions:
            if mention.block > index:
                break
            if (
                mention.block == index
                and not mention.is_box
                and len(mention.text) <= 200
                and mention.text in text
                and "caption" not in mention.name.lower()
                and _CREDIT_CLASS.search(mention.name)
            ):
                credits_.append(mention.text)
                before, _, after = text.rpartition(mention.text)
                text = f"{before.strip()} {after.strip()}".strip()
        captions.append(text)

    def _pictures(self, box: int) -> list[int]:
        """The pictures within a box, by number, those that are spent aside."""
        here, end = self._sheet.boxes[box], self._area.ends[box]
        low = bisect_left(self._starts, here.first)
        high = bisect_right(self._starts, here.last)
        pictures = self._sheet.pictures
        return [n for n in range(low, high) if box <= pictures[n].box <= end and not self._spent[n]]

    def _is_caption(self, block: Text, figure: int) -> bool:
        box = block.box
        for _ in range(MAX_LEVELS + 2):
            if box <= figure:
                return False
            here = self._sheet.boxes[box]
            lower = here.name.lower()
            if here.tag == "figcaption" or "caption" in lower or "credit" in lower:
                return True
            box = here.parent
        return False

    def _is_plain(self, index: int) -> bool:
        return self._sheet.blocks[index].tag in ("p", "dd", "figure", "div")

    def _is_media(self, box: int) -> bool:
        end = self._area.ends[box]
        return any(box <= embed.box <= end for embed in self._sheet.embeds)

    def _is_near(self, block: int) -> bool:
        return self._area.first <= block <= self._area.last

    def _source(self, picture: Picture) -> str | None:
        """The picture's address, also where it is loaded late; None for icons."""
        if 0 < picture.width < MIN_WIDTH:
            return None
        for value in picture.sources:
            if value.lstrip().startswith("data:"):
                continue
            try:
                return addresses.normal(value.strip().rstrip(","), self._base)
            except ValueError:
                continue
        return None


def add(found: list[Image], image: Image) -> None:
    """Add a picture once to those found; the same again only fills in what is missing of it."""
    for index, other in enumerate(found):
        same_url = image.url is not None and other.url == image.url
        same_caption = (
            image.caption
            and other.caption
            and credit.fold(image.caption) == credit.fold(other.caption)
        )
        if same_url or same_caption:
            found[index] = Image(
                url=other.url or image.url,
                caption=other.caption or image.caption,
                credit=other.credit or image.credit,
            )
            return
    if len(found) < MAX_IMAGES:
        found.append(image)


def _with_lead(found: list[Image], sheet: Sheet, choice: Choice, base: str) -> list[Image]:
    """The pictures; the one that the page states for previews in front, if not among them."""
    stated: list[str] = []
    for name in ("og:image", "og:image:url", "twitter:image", "twitter:image:src"):
        stated += sheet.metas.get(name, ())[:1]
    stated = stated[:1] + structured.urls((choice.article or {}).get("image"))
    for href in stated[:3]:
        try:
            lead = addresses.normal(href, base) if href else None
        except ValueError:
            continue
        if lead and not any(_stem(image.url) == _stem(lead) for image in found):
            return [Image(url=lead), *found]
        if lead:
            break
    return found


def _stem(url: str | None) -> str:
    """The file name of a picture without its size, by which two renditions of one are known."""
    name = (url or "").partition("?")[0].rpartition("/")[2].lower()
    return _SIZE.sub("", name) or (url or "")
