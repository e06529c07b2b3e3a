"""When it was published and changed: what fields state, then what the page shows, then its address.

A time of change never stands for one of publication where the page has any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from newsmill.extractor.core import dates, structured, zones
from newsmill.extractor.core.about import Choice
from newsmill.records import Page

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Mention, Sheet

META_PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time", "article:published",
    "datepublished", "parsely-pub-date", "dc.date.issued", "dcterms.created", "dc.date",
    "dcterms.date", "dc.date.created", "sailthru.date", "publishdate", "publish-date",
    "publish_date", "pubdate", "date", "publication_date", "cxenseparse:recs:publishtime",
    "article.published", "originalpublicationdate", "displaydate", "ptime",
    "citation_publication_date", "apub:time", "rnews:datepublished", "weibo:article:create_at",
)  # fmt: skip
META_MODIFIED = (
    "article:modified_time", "og:updated_time", "og:article:modified_time", "datemodified",
    "dcterms.modified", "dc.date.modified", "last-modified", "lastmod", "article:modified",
    "revised",
)  # fmt: skip
MAX_MENTIONS = 60
MAX_SHOWN = 300  # characters of a text that is searched for a date
MAX_BLOCKS = 1_500  # of a page without a date that are searched for one
MAX_LINE = 200  # characters of a line that says when
# Worth of a date anywhere in the text: to be taken; to beat one of change. Swept: the first from -3
# to -1.5 is flat and loses from -.5 on; the second is flat from .5 to 2.5.
MIN_WORTH, SAID = -1.5, 1.5
MAX_SECONDS = 6  # dates on the page that may state a time in UTC by a local clock
FIRST_SHOWN = 1990  # a date on a page that no field states is not older than the web
# Blocks around the headline that a line saying when stands in. Swept behind it over five corpora:
# 6 loses .004 to .006 on two, 20 loses .002 to .003.
BEFORE, BEHIND = 4, 10

_UPDATED = re.compile(
    r"updated|modified|aktualisiert|geändert|stand:|mis à jour|actualizado|actualización|"
    r"aggiornato|atualizado|bijgewerkt|oppdatert|uppdaterad|opdateret|aktualizace|aktualizacja|"
    r"обновлено|güncelle|更新|수정",
    re.I,
)
_UPDATED_CUES = (
    *("updated", "modified", "aktualis", "geändert", "stand:", "mis à jour", "actualiza"),
    *("aggiornato", "atualizado", "bijgewerkt", "oppdatert", "uppdaterad", "opdateret"),
    *("aktualiza", "обновлено", "güncelle", "更新", "수정"),
)
_PUBLISHED = re.compile(
    r"publish|posted|publié|veröffentlicht|erstellt|geschrieben|erschienen|written|publicado|pubblicat|publikováno|opublikowano|"
    r"julkaistu|publicerad|publisert|udgivet|gepubliceerd|опубликовано|yayın|発表|公開|发布|發布|등록|입력",
    re.I,
)
_EARLY = re.compile(r"[^\d]{0,24}\d")  # "Berlin, 29 November 2022. The …", "(18.01.2018) The …"
_COPYRIGHT = re.compile(r"©|\(c\)|copyright", re.I)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)|\d[./-]\d\d(?!\d)|[٠-٩۰-۹०-९]|令和|平成")
_STATED = frozenset(("json-ld", "meta", "itemprop"))

Dated = tuple[str | None, str | None, str | None]
"""A time, its source, and the raw form where it could not be read."""


def published(choice: Choice, sheet: Sheet, page: Page) -> Dated:
    """When it was first published, by the page's most deliberate statement that can be read."""
    language = choice.declared_language
    best: str | None = None
    best_source: str | None = None
    unread: str | None = None
    seconds = 0
    for source, raw in _published_raws(choice, sheet):
        found = dates.read(raw, language, newest=page.fetched)
        if found is None or (source not in _STATED and int(found[:4]) < FIRST_SHOWN):
            unread = unread or (raw[: dates.MAX_RAW] if source in _STATED else None)
        elif best is None:
            best, best_source = found, source
        else:
            best = dates.finer(best, found)
            seconds += source not in _STATED
        if best is not None and (len(best) > 10 and not best.endswith("+00:00")):
            break
        if seconds >= MAX_SECONDS:
            break
    if best is not None:
        return best, best_source, None
    hinted = _hinted(choice, sheet, page)
    return hinted if hinted is not None else (None, None, unread)


def modified(choice: Choice, sheet: Sheet, page: Page) -> Dated:
    """When it was last changed, as stated to machines or beside the byline."""
    language = choice.declared_language
    unread: str | None = None
    for source, raw in _modified_raws(choice, sheet):
        found = dates.read(raw, language, newest=page.fetched)
        if found is not None:
            return found, source, None
        unread = unread or raw[: dates.MAX_RAW]
    return None, None, unread


def _published_raws(choice: Choice, sheet: Sheet) -> Iterator[tuple[str, str]]:
    node = choice.article or {}
    for name in ("datePublished", "dateCreated", "uploadDate"):
        stated = structured.text(node.get(name))
        if stated:
            yield "json-ld", stated
    for name in META_PUBLISHED:
        for value in sheet.metas.get(name, ())[:2]:
            yield "meta", value
    if not node:
        for other in choice.nodes:
            stated = structured.text(other.get("datePublished"))
            if stated:
                yield "json-ld", stated
    at = choice.headline
    for mention in _mentions(sheet, at, "stated_date"):
        if "modified" not in mention.name.lower():
            yield "itemprop", _stamp(mention)
    yield from _shown(choice, sheet)


def _mentions(sheet: Sheet, at: int | None, *kinds: str) -> list[Mention]:
    """Mentions of the article's own, in document order."""
    found = []
    for mention in [m for m in sheet.mentions if m.kind in kinds][:MAX_MENTIONS]:
        is_near = at is not None and at - BEFORE <= mention.block <= at + BEFORE
        if not zones.is_foreign(sheet, mention.box, is_near=is_near):
            found.append(mention)
    found.sort(key=lambda m: m.block)
    return found


def _shown(choice: Choice, sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Dates that people see, those by the headline first.

    There, ``time`` elements come before lines that say when, and those before elements that are
    called a date.
    """
    at = choice.headline
    times = [m for m in _mentions(sheet, at, "time") if not _is_update(sheet, m)]
    called = [
        m
        for m in _mentions(sheet, at, "date", "byline")
        if len(m.text) <= MAX_SHOWN
        and (_DIGIT.search(m.text) or _DIGIT.search(m.value))
        and not _update_in(m.name)
    ]
    near: list[Mention] = []
    if at is not None:
        near = [m for m in times if at - BEFORE <= m.block <= at + BEHIND]
        yield from _times(near)
        for line in _datelines(sheet, at, choice.declared_language):
            yield "shown", line
        yield from _called([m for m in called if at - BEFORE <= m.block <= at + BEHIND])
    yield from _times([m for m in times if m not in near])
    yield from _called(called)


def _times(mentions: list[Mention]) -> Iterator[tuple[str, str]]:
    for mention in mentions:
        if stamp := _stamp(mention):
            yield "time", stamp
        if mention.value and mention.text:
            yield "shown", mention.text


def _called(mentions: list[Mention]) -> Iterator[tuple[str, str]]:
    for mention in mentions:
        if _DIGIT.search(mention.value):
            yield "shown", mention.value
        if line := _before_update(mention.text):
            yield "shown", line


def _datelines(sheet: Sheet, at: int, language: str | None) -> Iterator[str]:
    """Lines around the headline that say nothing but when, those behind it first."""
    lines = sheet.blocks[at + 1 : at + 1 + BEHIND] + sheet.blocks[max(0, at - BEFORE) : at]
    for block in lines:
        text = block.text
        if (
            len(text) <= MAX_LINE
            and block.linked < len(text)
            and (line := _before_update(text))
            and dates.is_dateline(text, language)
            and not _COPYRIGHT.search(text)
            and not zones.is_foreign(sheet, block.box, is_near=True)
        ):
            yield line


def _hinted(choice: Choice, sheet: Sheet, page: Page) -> Dated | None:
    """The time by less than a statement: the address, the feed, a date anywhere on the page."""
    day = dates.in_url(choice.canonical_url)
    if day is not None and dates.read(day, newest=page.fetched):
        return day, "url", None
    if page.entry and page.entry.published:
        found = dates.read(page.entry.published, page.entry.language)
        if found:
            return found, "entry", None
    found, is_said = _anywhere(choice, sheet, page)
    if found is None or not is_said:
        changed = modified(choice, sheet, page)[0]
        if changed is not None:
            return changed, "modified", None
    return (found, "text", None) if found is not None else None


def _anywhere(choice: Choice, sheet: Sheet, page: Page) -> tuple[str | None, bool]:
    """The likeliest date in the text of a page that states none, and whether it is said to be.

    What says so, stands alone on its line and is near the headline is likely; what stands in a
    box around the article or in a long text is not.
    """
    language = choice.declared_language
    at = choice.headline or 0
    called = {m.block for m in sheet.mentions if m.kind in ("date", "time")}
    best: tuple[float, str] | None = None
    for index, block in enumerate(sheet.blocks[:MAX_BLOCKS]):
        text = block.text[:MAX_SHOWN]
        if not _YEAR.search(text) or _COPYRIGHT.search(text):
            continue
        text = _before_update(text)
        found = dates.read(text, language, newest=page.fetched)
        if found is None or int(found[:4]) < FIRST_SHOWN:
            continue
        worth = _worth(sheet, index, at, language, index in called)
        if best is None or worth > best[0]:
            best = worth, found
    if best is None or best[0] < MIN_WORTH:
        return None, False
    return best[1], best[0] >= SAID


def _worth(sheet: Sheet, index: int, at: int, language: str | None, is_called: bool) -> float:
    """How likely the date in a block is that of the page; ``is_called``: its class says a date."""
    block = sheet.blocks[index]
    value = 2.0 if _PUBLISHED.search(block.text) else 0.0
    value += 1.5 if dates.is_dateline(block.text, language) else 0.0
    value += 1.0 if at < index <= at + BEHIND and _EARLY.match(block.text) else 0.0
    if zones.is_foreign(sheet, block.box):
        value -= 2.0
    elif is_called:
        value += 1.0
    value -= 0.5 if len(block.text) > 120 else 0.0
    return value - min(2.0, abs(index - at) / 60)


def _modified_raws(choice: Choice, sheet: Sheet) -> Iterator[tuple[str, str]]:
    stated = structured.text((choice.article or {}).get("dateModified"))
    if stated:
        yield "json-ld", stated
    for name in META_MODIFIED:
        for value in sheet.metas.get(name, ())[:1]:
            yield "meta", value
    for mention in _mentions(sheet, choice.headline, "stated_date"):
        if "modified" in mention.name.lower():
            yield "itemprop", _stamp(mention)
    for mention in _mentions(sheet, choice.headline, "time"):
        if _is_update(sheet, mention):
            yield "time", _stamp(mention)
    for line in _updates(choice, sheet):
        yield "shown", line


def _updates(choice: Choice, sheet: Sheet) -> Iterator[str]:
    """What follows "updated" in elements called a date and in lines by the headline."""
    at = choice.headline
    lines = [mention.text for mention in _mentions(sheet, at, "date", "byline")]
    if at is not None:
        near = sheet.blocks[max(0, at - BEFORE) : at + BEHIND]
        lines += [block.text for block in near if len(block.text) <= MAX_LINE]
    for line in lines:
        found = _update_in(line) if _DIGIT.search(line) else None
        if found is not None:
            yield line[found.end() :]


def _update_in(text: str) -> re.Match[str] | None:
    """What says "updated"; a look at the whole is a tenth of a search that folds case."""
    lower = text.lower()
    return _UPDATED.search(text) if any(cue in lower for cue in _UPDATED_CUES) else None


def _stamp(mention: Mention) -> str:
    return mention.value if _DIGIT.search(mention.value) else mention.text[: dates.MAX_RAW]


def _is_update(sheet: Sheet, mention: Mention) -> bool:
    """Whether a time is said to be one of change: by its class or the words before it."""
    if _update_in(mention.name) or _update_in(mention.text[:40]):
        return True
    box = sheet.boxes[mention.box]
    if box.name and box.last - box.first <= 3 and _update_in(box.name):
        return True
    if mention.block >= len(sheet.blocks):
        return False
    text = sheet.blocks[mention.block].text
    before = text[: max(0, text.find(mention.text))] if mention.text else ""
    if not before and mention.block > 0:
        before = sheet.blocks[mention.block - 1].text
        before = before if len(before) <= 40 else ""
    return _update_in(before[-40:]) is not None


def _before_update(text: str) -> str:
    """The part of "Aug 7, 2020, updated Aug 8" that speaks of the publication, if any does."""
    if _DIGIT.search(text) is None:
        return ""
    found = _update_in(text)
    if found is None:
        return text
    text = text[: found.start()]
    return text if _DIGIT.search(text) else ""
