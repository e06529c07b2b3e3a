"""What kind of article a page holds, beyond text: by what it states and by what it shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from newsmill.extractor.core import structured
from newsmill.records import Flag

if TYPE_CHECKING:
    from newsmill.extractor.core.about import Choice
    from newsmill.extractor.core.blocks import Line
    from newsmill.extractor.core.roles import Area
    from newsmill.extractor.core.sheet import Sheet

MIN_TIMES = 5  # stamped posts of a live blog
STUB_CHARS = 2_500  # of text; a prompt to subscribe under more is an offer, not a wall
VIDEO_CHARS = 900  # of text; more is an article with a video in it
MAX_PROMPT = 240  # characters of a prompt to subscribe
BEFORE, AFTER = 8, 12  # blocks around the container's end that a wall's prompt may stand in
MIN_WALL = 40  # characters that a wall says

_LIVE = re.compile(
    r"live-?(?:blog|ticker|feed|stream-?post|updates)|news-?ticker|minuto-a-minuto", re.I
)
_WALL = re.compile(r"(?:pay|reg|subscriber|premium|piano|meter)-?(?:wall|gate|barrier)", re.I)
_PROMPT = re.compile(
    r"(?:subscribe|sign\s+in|log\s+in|register|become\s+a\s+(?:member|subscriber))\b.{0,60}\b"
    r"(?:continue|keep|read\s+(?:the|this)|full\s+(?:story|article)|unlock|access)|"
    r"(?:continue|keep)\s+reading\b.{0,60}\b(?:subscri|free\s+trial|account|sign\s+in)|"
    r"(?:this\s+(?:article|story|content)\s+is\s+)?(?:only\s+(?:available\s+)?(?:to|for)|exclusive\s+to|reserved\s+for)\s+"
    r"(?:\w+\s+)?(?:subscribers|members)|"
    r"(?:jetzt\s+)?weiterlesen\b.{0,40}\b(?:abo|plus|testen)|mit\s+\S+\s+(?:abo|plus)\b.{0,30}\blesen|"
    r"réservée?\s+aux\s+abonnés|il\s+vous\s+reste\b.{0,40}\bà\s+lire|"
    r"(?:contenido|artículo)\s+(?:exclusivo|reservado)\s+para\s+suscriptores|"
    r"(?:contenuto|articolo)\s+riservato\s+agli\s+abbonati|"
    r"(?:exclusivo|conteúdo)\s+para\s+assinantes|alleen\s+voor\s+abonnees|"
    r"(?:endast|bare|kun)\s+för?\s+(?:prenumeranter|abonnenter)|"
    r"(?:tylko\s+)?dla\s+(?:prenumeratorów|subskrybentów)|только\s+(?:для\s+)?подписчик|"
    r"会員限定|有料会員|この記事は有料|付费(?:阅读|内容)|訂閱(?:會員|後)|구독(?:자|회원)\s*전용|للمشتركين\s+فقط",
    re.I,
)

_PROMPT_CUES = (
    *("subscri", "sign", "log", "regist", "becom", "reading", "only", "exclusi", "reserv", "lesen"),
    *("abonn", "reste", "suscri", "abbonat", "assinant", "prenumer", "subskryb", "подписчик"),
    *("会員", "有料", "付费", "訂閱", "구독", "مشتركين"),
)  # one is in every prompt


def of(
    sheet: Sheet, choice: Choice, area: Area, lines: Sequence[Line], is_listing: bool
) -> tuple[Flag, ...]:
    """The flags of an article whose text is ``lines``."""
    chars = sum(len(line.text) for line in lines)
    kinds = {kind for node in choice.nodes for kind in structured.types(node)}
    found: list[Flag] = ["listing"] if is_listing else []
    if _is_live(sheet, choice, area, kinds):
        found.append("live_blog")
    if _is_closed(sheet, choice) or (chars < STUB_CHARS and _is_walled(sheet, area)):
        found.append("paywalled")
    if _is_video(sheet, choice, kinds, chars):
        found.append("video")
    return tuple(found)


def _is_live(sheet: Sheet, choice: Choice, area: Area, kinds: set[str]) -> bool:
    """By its own word, or by a class of the body and many stamped posts in it."""
    main = structured.types(choice.article) if choice.article else ()
    if "LiveBlogPosting" in main or ("LiveBlogPosting" in kinds and not main):
        return True
    stamps = sum(
        mention.kind == "time" and area.first <= mention.block < area.last
        for mention in sheet.mentions
    )
    if stamps < MIN_TIMES:
        return False
    around = sheet.path(area.container)
    inside = range(area.container + 1, min(area.ends[area.container], area.container + 200) + 1)
    half = (area.chars[area.last] - area.chars[area.first]) / 2
    return any(_LIVE.search(sheet.boxes[box].name) for box in around) or any(
        _LIVE.search(box.name) and area.chars[box.last] - area.chars[box.first] >= half
        for box in (sheet.boxes[index] for index in inside)
        if box.name
    )


def _is_closed(sheet: Sheet, choice: Choice) -> bool:
    """Whether the page says that it is not free."""
    free = (choice.article or {}).get("isAccessibleForFree")
    if free is False or (isinstance(free, str) and free.strip().lower() in ("false", "no")):
        return True
    tiers = sheet.metas.get("article:content_tier", ())
    return any(tier.lower() in ("locked", "metered") for tier in tiers)


def _is_walled(sheet: Sheet, area: Area) -> bool:
    """Whether a text ends in a prompt to subscribe, in words or in a box that its class says."""
    first, last = max(area.first, area.last - BEFORE), min(len(sheet.blocks), area.last + AFTER)
    for index in range(first, last):
        block = sheet.blocks[index]
        if len(block.text) <= MAX_PROMPT and _is_prompt(block.text):
            return True
    for box in sheet.boxes:
        if first <= box.first < last and box.name and not box.hidden and _WALL.search(box.name):
            return area.chars[box.last] - area.chars[box.first] >= MIN_WALL
    return False


def _is_video(sheet: Sheet, choice: Choice, kinds: set[str], chars: int) -> bool:
    """A page about a video or a gallery: by its type, or one that shows little text beside it."""
    if any(value.startswith("video") for value in sheet.metas.get("og:type", ())):
        return True
    shows = not kinds.isdisjoint(("VideoObject", "ImageGallery", "MediaGallery"))
    return shows and (choice.article is None or chars < VIDEO_CHARS)


def _is_prompt(text: str) -> bool:
    lower = text.lower()
    return any(cue in lower for cue in _PROMPT_CUES) and _PROMPT.search(text) is not None
