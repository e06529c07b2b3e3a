"""Who wrote it: what fields state and what the page shows, weighed against each other.

A person beats an organisation, wherever either stands; a list that the page shows beats a field
that holds only part of it; the site itself is an author only where nobody else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsmill.extractor.core import byline, sites, structured, zones
from newsmill.extractor.core.about import Choice
from newsmill.records import Page

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Mention, Sheet, Text

METAS = (
    "author", "article:author", "parsely-author", "dc.creator", "dcterms.creator",
    "sailthru.author", "byl", "article:author_name", "og:article:author", "cxenseparse:author",
    "citation_author",
)  # fmt: skip
MAX_MENTIONS = 60
# Blocks around the headline that a signature stands in. Swept behind it: 10, 15, 25, 40, 80 differ
# by at most .003 on three corpora; the fourth loses .02 at 80.
BEFORE, BEHIND = 12, 25
BEFORE_LINES, NEAR = 3, 10  # blocks around the headline that are read for a line "By Ann Lee"
MAX_LINKS = 8  # of one such block
NEIGHBOURS = 1  # blocks from the first stated author to others of the same byline

_AUTHOR_PATH = re.compile(
    r"/(?:authors?|autor(?:en|es)?|auteurs?|autore|redaktion|redaktor|redactie|people|profiles?|by|"
    r"staff|contributors?|journalists?|reporters?|writers?)/",
    re.I,
)
_PARTS = re.compile(r"\s*[|/·•]\s*")


@dataclass(frozen=True, slots=True)
class Voice:
    """The names that one source gives, and how much they are worth."""

    source: str
    names: tuple[str, ...]
    raw: str
    rank: int  # 0 persons, 1 organisations, 2 who knows, 3 the site
    is_list: bool = False  # of elements that each hold one name


Authored = tuple[tuple[str, ...], str | None, str | None]
"""Names, their source, and the raw form of a byline that names nobody."""


def choose(choice: Choice, sheet: Sheet, page: Page) -> Authored:
    """The names of the best voice; of several of one rank, that of the first source."""
    voices: list[Voice] = []
    raw: str | None = None
    for voice in _spoken(choice, sheet, page):
        raw = raw or voice.raw or None
        if voice.names:
            voices.append(voice)
        if voice.source == "byline" and voice.names and voice.rank == 0:
            break  # nothing that follows is trusted more
    if not voices:
        return (), None, raw
    best = min(voices, key=lambda voice: voice.rank)  # min keeps the first of equals
    whole = _whole(best, voices)
    return whole.names, whole.source, None


def _rank(names: tuple[str, ...], choice: Choice, *, is_stated: bool = False) -> int:
    """``is_stated``: a field says that these are persons, or organisations."""
    own = [name for name in names if not _is_site(name, choice)]
    if any(map(byline.is_person, own)):
        return 0
    if is_stated:
        return 1
    return 2 if own else 3


def _is_site(name: str, choice: Choice) -> bool:
    return sites.letters(name) == sites.letters(choice.site or "")


def _is_somebody(name: str) -> bool:
    """Whether a name is no mere handle: "ann.lee"."""
    return " " in name or not name.islower()


def _whole(best: Voice, voices: list[Voice]) -> Voice:
    """A list on the page that holds the same names and more persons besides, else the best."""
    if best.source not in ("json-ld", "meta"):
        return best
    mine = {name.casefold() for name in best.names}
    for voice in voices:
        other = {name.casefold() for name in voice.names}
        if voice.is_list and mine < other and all(map(byline.is_person, voice.names)):
            return voice
    return best


def _spoken(choice: Choice, sheet: Sheet, page: Page) -> Iterator[Voice]:
    """What each source says, most deliberate first."""
    stated = structured.people(choice.article or {}, choice.nodes)
    people = [byline.field_names(name) for name, person in stated if person]
    firms = [(name,) for name, person in stated if not person]
    if people:
        names = byline.merged((*people, *firms))
        own = byline.merged(people)
        rank = 0 if any(map(_is_somebody, own)) else 1
        if all(_is_site(name, choice) for name in own):
            rank = 3
        yield Voice("json-ld", names, stated[0][0], rank)
    for name in METAS:
        values = [
            v for v in sheet.metas.get(name, ()) if "://" not in v and len(v) <= byline.MAX_BYLINE
        ]
        if values:
            names = byline.merged(map(byline.field_names, values))
            yield Voice("meta", names, values[0], _rank(names, choice))
    for group in _shown(choice, sheet):
        names = byline.of_group(group)
        yield Voice("byline", names, group[0], _rank(names, choice), len(group) > 1)
    if firms and not people:
        names = byline.merged(firms)
        yield Voice("json-ld", names, stated[0][0], _rank(names, choice, is_stated=True))
    if page.entry and page.entry.authors:
        names = byline.of_group(page.entry.authors)
        yield Voice("entry", names, page.entry.authors[0], _rank(names, choice))


def _shown(choice: Choice, sheet: Sheet) -> Iterator[list[str]]:
    """What the page shows: stated authors, elements called a byline, lines "By …", author links."""
    at = choice.headline
    called = [
        m for m in sheet.mentions if m.kind == "byline" and 0 < len(m.text) <= byline.MAX_BYLINE
    ][:MAX_MENTIONS]
    mentions = [m for m in called if not zones.is_foreign(sheet, m.box)]
    mentions.sort(key=lambda m: (m.block, -len(m.text)))
    near = [m for m in mentions if at is None or at - BEFORE <= m.block <= at + BEHIND]
    stated = [m for m in near if "author" in m.name.lower().split()]
    if stated:
        yield list(dict.fromkeys(m.text for m in stated if m.block - stated[0].block <= NEIGHBOURS))
    yield from _groups(near)
    yield from ([line] for line in _lines(sheet, at))
    linked = _linked(sheet, at)
    if linked:
        yield linked
    yield from ([mention.text] for mention in mentions if mention not in near)
    if not mentions:  # some themes sign an article in its foot
        yield from ([m.text] for m in called if "author" in m.name.lower().split())


def _groups(mentions: list[Mention]) -> Iterator[list[str]]:
    """The texts of bylines: of one that holds others, theirs come first where they name persons."""
    for index, mention in enumerate(mentions):
        inner = [
            m
            for m in mentions[index + 1 : index + 12]
            if len(m.text) < len(mention.text) and m.text in mention.text
        ]
        persons = [m for m in inner if any(map(byline.is_person, byline.names(m.text)))]
        leaves = [
            m for m in persons if not any(o.text != m.text and o.text in m.text for o in persons)
        ]
        alike = [m.text for m in leaves if m.name == leaves[0].name]
        if alike:
            yield list(dict.fromkeys(alike))
        yield [mention.text]


def _by_headline(sheet: Sheet, at: int | None) -> list[Text]:
    """The blocks by the headline that are in no box of other stories."""
    if at is None:
        return []
    blocks = sheet.blocks[max(0, at - BEFORE_LINES) : at + NEAR]
    return [block for block in blocks if not zones.is_foreign(sheet, block.box, is_near=True)]


def _lines(sheet: Sheet, at: int | None) -> Iterator[str]:
    """Lines by the headline, or parts of them, that say "By Ann Lee"."""
    for block in _by_headline(sheet, at):
        if len(block.text) <= byline.MAX_BYLINE:
            yield from (part for part in _PARTS.split(block.text) if byline.is_byline(part))


def _linked(sheet: Sheet, at: int | None) -> list[str]:
    """Persons that links by the headline lead to: "/author/ann-lee"."""
    return [
        link.text
        for block in _by_headline(sheet, at)
        for link in block.links[:MAX_LINKS]
        if _AUTHOR_PATH.search(link.href[:200]) and byline.is_person(link.text)
    ]
