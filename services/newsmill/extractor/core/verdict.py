"""Whether a page is an article: front pages, listings, errors, walls and empty pages are none."""

from __future__ import annotations

from newsmill.errors import BadRecord
from newsmill.extractor.core import about, listing
from newsmill.extractor.core.about import Choice
from newsmill.extractor.core.blocks import Line
from newsmill.extractor.core.labels import ERROR_TITLE, WALL
from newsmill.extractor.core.sheet import Sheet
from newsmill.extractor.core.tiers import weight
from newsmill.records import Page

MIN_WEIGHT = 25.0  # of prose, on a page that says it is an article: one short sentence
MIN_UNSAID_WEIGHT = 50.0  # of prose, on a page that says nothing of itself: two short ones
LONG = 220.0  # weight of a paragraph that is no teaser
SHORT_PAGE = 900.0  # weight; an error page or a wall says no more


def judge(sheet: Sheet, choice: Choice, lines: list[Line], page: Page) -> bool:
    """Raise BadRecord (``no_article``) for what is none; True for an article that lists others."""
    weights = [weight(line.text) for line in lines]
    prose = [
        size
        for line, size in zip(lines, weights, strict=True)
        if line.kind in ("paragraph", "quote", "list")
    ]
    total = sum(prose)
    og_type = about.meta(sheet, "og:type") or ""
    said = choice.article is not None or og_type.lower() == "article"
    if page.status is not None and page.status >= 400:
        raise BadRecord("no_article", f"an error page (status {page.status})")
    _refuse_error(sheet, choice, lines, total, said)
    if total < (MIN_WEIGHT if said or _signed(sheet) else MIN_UNSAID_WEIGHT):
        raise BadRecord("no_article", f"next to no text ({total:.0f} characters)")
    why = listing.why(sheet, choice, lines, weights, said)
    if why and not (said and sum(size >= LONG for size in prose) >= 3):
        raise BadRecord("no_article", why)
    return bool(why)


def _refuse_error(
    sheet: Sheet, choice: Choice, lines: list[Line], total: float, said: bool
) -> None:
    if total > SHORT_PAGE or (said and _signed(sheet)):
        return
    for title in (choice.title, sheet.head_title):
        if title and ERROR_TITLE.search(title):
            raise BadRecord("no_article", f"an error page or a wall: {title[:80]}")
    if sheet.asks_password and not said and not _signed(sheet):
        raise BadRecord("no_article", "a login form")
    if WALL.search("\n".join(line.text for line in lines)[:2000]) and not said:
        raise BadRecord("no_article", "a wall: consent, a check or an error")


def _signed(sheet: Sheet) -> bool:
    """Whether the page shows a time or a byline of its own."""
    return any(mention.kind not in ("subtitle", "caption") for mention in sheet.mentions)
