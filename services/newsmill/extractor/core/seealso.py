"""The "see also" links of a body, as data; the blocks that hold them are marked as no prose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from newsmill.extractor.core import addresses
from newsmill.extractor.core.credit import fold
from newsmill.extractor.core.labels import SEE_ALSO, lowered
from newsmill.extractor.core.roles import NONE, RELATED, Area
from newsmill.records import Related

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Link, Sheet, Text

MAX_RELATED = 60
MAX_LABEL = 80  # characters that a label takes, and what is before it
MAX_LINE = 600  # of a block that is one "see also" line
MAX_BOX_BLOCKS = 20  # under a label
MAX_BOX_CHARS = 4_000
MIN_LINKED = 0.6  # of a line, for its links to be what it is about
MIN_TITLE = 12  # characters of a title in ASCII; less is a button or a name
MAX_TITLE = 300


def take(sheet: Sheet, area: Area, roles: bytearray, base: str) -> list[Related]:
    """The links after each label between the headline and the end of the container."""
    found: list[Related] = []
    for index in range(area.first, area.last):
        block = sheet.blocks[index]
        if roles[index] != NONE or len(block.text) > MAX_LINE or index == area.headline:
            continue
        label = SEE_ALSO.match(lowered(block.text[:MAX_LABEL]))
        if label is None or len(found) >= MAX_RELATED:
            continue
        rest = block.text[label.end() :].strip()
        if rest.strip(" :."):
            links = _line(block, rest, label["mark"] or "", base)
            taken = [index] if links is not None else []
        else:
            links, taken = _box(sheet, area, roles, index, base)
        for each in taken:
            roles[each] = RELATED
        found.extend(links or ())
    return unique(found)


def _line(block: Text, rest: str, mark: str, base: str) -> list[Related] | None:
    """A label and what it points to in one block; None for a sentence that begins alike."""
    links = _links(block.links, base)
    if links and block.linked >= MIN_LINKED * len(rest):
        return links
    if mark and mark in ":：|>»›→" and len(rest) <= MAX_TITLE and not links:
        return [Related(title=rest)]
    return None


def _box(
    sheet: Sheet, area: Area, roles: bytearray, label: int, base: str
) -> tuple[list[Related], list[int]]:
    """A label alone, and the links under it."""
    links: list[Related] = []
    taken = [label]
    size = 0
    for index in range(label + 1, min(label + MAX_BOX_BLOCKS, area.last)):
        block = sheet.blocks[index]
        size += len(block.text)
        is_linked = block.linked >= MIN_LINKED * len(block.text)
        if roles[index] == NONE and (not is_linked or size > MAX_BOX_CHARS):
            break
        if roles[index] == NONE:
            links.extend(_links(block.links, base))
            taken.append(index)
    return (links, taken) if links else ([], [])


def _links(links: Iterable[Link], base: str) -> list[Related]:
    return [link for each in links if (link := _related(each, base)) is not None]


def _related(link: Link, base: str) -> Related | None:
    title = link.text[:MAX_TITLE]
    label = SEE_ALSO.match(lowered(title))
    if label is not None:
        rest = title[label.end() :].strip()
        if not rest:
            return None
        title = rest if label["mark"] else title
    if len(title) < MIN_TITLE and title.isascii():
        return None
    return Related(url=address(link.href, base), title=title)


def address(href: str | None, base: str) -> str | None:
    """The normal form of a link's target, or None where it is no page."""
    if not href or href.startswith("#"):
        return None
    try:
        return addresses.normal(href, base)
    except ValueError:
        return None


def unique(links: Iterable[Related]) -> list[Related]:
    """Links in order, each once by its address or title."""
    seen: set[str] = set()
    kept = []
    for link in links:
        key = fold(link.title) if link.title else link.url or ""
        if key and key not in seen:
            seen.add(key)
            kept.append(link)
    return kept[:MAX_RELATED]
