"""Why an article is what it is: the box that holds it, and what became of each block around it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import orjson
import trafilatura

from newsmill.extractor.core import about, extract, scoring
from newsmill.extractor.core.container import Layout
from newsmill.extractor.core.roles import NAMES
from newsmill.extractor.core.sheet import Box, Sheet
from newsmill.extractor.core.trace import Seen, Trace
from newsmill.records import Article, Page, decode, decompress, encode

MAX_NAME = 60  # characters of a box's classes that are told
_BECAUSE = {
    "sheet": "the scored blocks hold enough of a text",
    "trafilatura": "the scored blocks held next to nothing, and trafilatura found much more",
    "json-ld": "the page shows next to nothing, and states its text in JSON-LD",
    "plain": "the page is a text without markup",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A box on the way to the one that was chosen, and its share of the page's text."""

    box: str
    share: float


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a block: ``why`` it was cut (empty where it was kept)."""

    why: str  # "unlikely", the name of its role, or "cleaned"
    likely: float  # how likely it is of the article by its score; 0 where nobody scored it
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that was decided about a page; no steps and blocks for a plain text."""

    tier: str
    because: str
    steps: tuple[Step, ...] = ()  # from the page to the container
    text_share: float = 0.0  # of the page's text, in the container
    link_share: float = 0.0  # of the container's text, in links
    blocks: tuple[Fate, ...] = ()  # those near the container, and those with a role
    elsewhere: int = 0  # blocks that nobody looked at
    elsewhere_chars: int = 0


def handle(frames: list[bytes]) -> list[bytes]:
    """``[page header, zstd frame]`` to ``[article, explanation, trafilatura's text]``.

    Runs in an extraction child; raises BadRecord as ``extract`` does.
    """
    header, frame = frames
    body, trace = decompress(frame), Trace()
    article = extract(body, decode(Page, header), trace=trace)
    other = trafilatura.extract(body, include_comments=False) or ""
    return [encode(article), orjson.dumps(explain(article, trace)), other.encode()]


def read(told: bytes) -> Explanation:
    """The explanation that ``handle`` gave."""
    return msgspec.json.decode(told, type=Explanation)


def explain(article: Article, trace: Trace) -> Explanation:
    """What was decided, from the trace of the extraction that made the article."""
    tier = article.quality.tier if article.quality else "none"
    seen, because = trace.seen, _BECAUSE.get(tier, "")
    if seen is None:
        return Explanation(tier, because)
    sheet, layout = seen.sheet, seen.layout
    home = sheet.boxes[layout.container]
    within = layout.chars[home.last] - layout.chars[home.first]
    linked = layout.linked[home.last] - layout.linked[home.first]
    fates = dict(_fates(seen, article))
    others = [b for number, b in enumerate(sheet.blocks) if number not in fates]
    return Explanation(
        tier=tier,
        because=because,
        steps=tuple(_steps(sheet, layout)),
        text_share=round(within / max(1, layout.chars[-1]), 3),
        link_share=round(linked / max(1, within), 3),
        blocks=tuple(fates[number] for number in sorted(fates)),
        elsewhere=len(others),
        elsewhere_chars=sum(len(block.text) for block in others),
    )


def _steps(sheet: Sheet, layout: Layout) -> Iterator[Step]:
    whole = max(1, layout.chars[-1])
    for index in reversed(sheet.path(layout.container)):
        box = sheet.boxes[index]
        share = (layout.chars[box.last] - layout.chars[box.first]) / whole
        yield Step(_named(box), round(share, 3))


def _named(box: Box) -> str:
    """``div.story-body.main``: a box as a style sheet would name it."""
    return ".".join([box.tag, *box.name.split()])[:MAX_NAME]


def _fates(seen: Seen, article: Article) -> Iterator[tuple[int, Fate]]:
    """What became of each block that was scored or has a role."""
    sheet, roles = seen.sheet, seen.marked.roles
    description = about.meta(sheet, "og:description", "description") or ""
    scored = scoring.score(sheet, seen.layout, roles, seen.marked.area.headline, description)
    odds = dict(enumerate(scored.odds, scored.first))
    kept = set(scoring.kept(sheet, scored, roles))
    shown = {" ".join(line.split()) for line in article.text.split("\n")}
    for number, block in enumerate(sheet.blocks):
        role, score = roles[number], odds.get(number)
        if score is None and not role:
            continue
        likely = 0.0 if score is None else 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))
        if number in kept:
            why = "" if block.text in shown else "cleaned"
        else:
            why = NAMES[role] if role else "unlikely" if likely < 0.5 else "repeated"
        yield number, Fate(why, round(likely, 3), block.tag, block.text)
