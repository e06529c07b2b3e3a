"""Between headline and text: the standfirst, and the line that says who and when.

Both are known by where they stand, in any markup: what follows the headline up to a byline or a
date is no part of the text. A class or a field may say "standfirst" too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsmill.extractor.core import byline, dates, structured, zones
from newsmill.extractor.core.credit import fold
from newsmill.extractor.core.roles import NONE, SIGNATURE, STANDFIRST, Area

if TYPE_CHECKING:
    from newsmill.extractor.core.about import Choice
    from newsmill.extractor.core.sheet import Sheet, Text

MIN_CHARS = 15
MAX_CHARS = 600  # of a standfirst that says that it is one
MAX_UNIT = 320  # characters of one block between headline and text
MAX_UNITS = 8  # blocks that are looked at
MAX_STANDFIRSTS = 2
MAX_NAMED = 120  # characters of a block that its class calls a byline or a date

_PARTS = re.compile(r"\s*[|/·•]\s*|\s+[–—-]\s+")
_HEADINGS = frozenset(("h2", "h3", "h4"))
_SAYS = frozenset(("byline", "time", "stated_date"))

Told = tuple[str | None, str | None, list[str]]
"""The standfirst, its source, and the signature lines."""


def take(sheet: Sheet, area: Area, roles: bytearray, choice: Choice) -> Told:
    """Mark standfirst and signature lines. A description is none: it often repeats the text."""
    subtitle, signatures = _between(sheet, area, roles, choice)
    if subtitle:
        return subtitle, "shown", signatures
    named = _named(sheet, area, roles, choice)
    if named is not None:
        return *named, signatures
    stated = structured.text((choice.article or {}).get("alternativeHeadline"))
    if stated and _fits(stated, choice):
        return stated, "json-ld", signatures
    return None, None, signatures


def _between(
    sheet: Sheet, area: Area, roles: bytearray, choice: Choice
) -> tuple[str | None, list[str]]:
    """What stands between the headline and the last line of a signature."""
    if area.headline is None or not _is_title(sheet, area.headline, choice):
        return None, []
    said = _said(sheet, area.headline)
    between: list[int] = []
    signed: list[int] = []
    for index in _units(sheet, area, roles):
        block = sheet.blocks[index]
        if is_signature(block, choice.declared_language) or _is_said(block, said.get(index)):
            signed.append(index)
        elif signed:
            break
        else:
            between.append(index)
    if not signed or len(between) > MAX_STANDFIRSTS:
        return None, []
    fitting = [
        index
        for index in between
        if _fits(sheet.blocks[index].text, choice) and not _is_link(sheet.blocks[index])
    ]
    for index in signed:
        roles[index] = SIGNATURE
    for index in fitting:
        roles[index] = STANDFIRST
    subtitle = max((sheet.blocks[index].text for index in fitting), key=len, default=None)
    return subtitle, [sheet.blocks[index].text for index in signed]


def _is_title(sheet: Sheet, headline: int, choice: Choice) -> bool:
    title = fold(choice.title or "")
    box = sheet.boxes[sheet.blocks[headline].box]
    whole = "".join(block.text for block in sheet.blocks[box.first : box.last][:8])
    return bool(title) and title in (fold(sheet.blocks[headline].text), fold(whole))


def _units(sheet: Sheet, area: Area, roles: bytearray) -> list[int]:
    """The blocks after the headline, captions and boxes aside, until prose begins."""
    start = sheet.boxes[sheet.blocks[area.headline or 0].box].last
    found: list[int] = []
    for index in range(start, min(len(sheet.blocks), start + 4 * MAX_UNITS)):
        if roles[index] != NONE:
            continue
        if len(sheet.blocks[index].text) > MAX_UNIT or len(found) >= MAX_UNITS:
            break
        found.append(index)
    return found


def _said(sheet: Sheet, headline: int) -> dict[int, int]:
    """Of blocks near the headline, how many characters are who or when by their markup."""
    found: dict[int, int] = {}
    for mention in sheet.mentions:
        if mention.block > headline + 4 * MAX_UNITS:
            break
        if mention.kind in _SAYS and mention.block > headline and mention.end - mention.block <= 4:
            for index in range(mention.block, mention.end):
                found[index] = max(found.get(index, 0), len(mention.text))
    return found


def _is_said(block: Text, said: int | None) -> bool:
    """Whether most of a short block is who or when by its markup."""
    size = len(block.text)
    return (
        said is not None and size <= MAX_NAMED and said >= 0.7 * size and block.text[-1] not in "!?"
    )


def is_signature(block: Text, language: str | None) -> bool:
    """Whether a block says nothing but who or when."""
    text = block.text
    if len(text) > MAX_UNIT:
        return False
    if byline.is_byline(text) or dates.is_dateline(text, language):
        return True
    if len(text) > byline.MAX_VISIBLE or text[-1] in ".!?":
        return False
    parts = [part for part in _PARTS.split(text) if part]
    return len(parts) > 1 and any(
        byline.is_byline(part) or dates.is_dateline(part, language) for part in parts
    )


def _fits(text: str, choice: Choice) -> bool:
    return MIN_CHARS <= len(text) <= MAX_CHARS and fold(text) != fold(choice.title or "")


def _is_link(block: Text) -> bool:
    return block.linked > 0.5 * len(block.text)


def _named(sheet: Sheet, area: Area, roles: bytearray, choice: Choice) -> tuple[str, str] | None:
    """A standfirst by its class or property, or an h2 right under the headline."""
    for mention in sheet.mentions:
        if mention.kind != "subtitle" or mention.tag in ("h1", "a", "img"):
            continue
        blocks = range(mention.block, min(mention.end, len(sheet.blocks)))
        if not 0 < len(blocks) <= 2 or not mention.is_box or any(roles[b] != NONE for b in blocks):
            continue
        if _fits(mention.text, choice) and not zones.is_foreign(sheet, mention.box):
            for index in blocks:
                roles[index] = STANDFIRST
            return mention.text, "shown"
    if area.headline is None or not _is_title(sheet, area.headline, choice):
        return None
    heading = sheet.boxes[sheet.blocks[area.headline].box]
    if heading.tag != "h1" or heading.last >= len(sheet.blocks):
        return None
    below = sheet.blocks[heading.last]
    beside = sheet.boxes[below.box].parent == heading.parent
    if below.tag == "h2" and beside and roles[heading.last] == NONE and _fits(below.text, choice):
        roles[heading.last] = STANDFIRST
        return below.text, "h2"
    return None
