"""Whether a page is an article: front pages, listings, errors, walls and empty pages are none."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from newsmill.errors import BadRecord
from newsmill.extractor.core import structured
from newsmill.extractor.core.blocks import Line
from newsmill.extractor.core.facts import Facts, words
from newsmill.extractor.core.labels import ERROR_TITLE, WALL
from newsmill.extractor.core.media import fold
from newsmill.extractor.core.metadata import Choice, is_home
from newsmill.extractor.core.tiers import weight
from newsmill.records import Page

MIN_WEIGHT = 25.0  # of prose, on a page that says it is an article: one short sentence
MIN_UNSAID_WEIGHT = 50.0  # of prose, on a page that says nothing of itself: two short ones
LONG = 220.0  # weight of a paragraph that is no teaser
SHORT_PAGE = 900.0  # weight; an error page or a wall says no more

_LISTING_PATH = re.compile(
    r"/(?:tags?|categor(?:y|ies|ie|ia)|topics?|thema|themen|sections?|authors?|autor(?:en)?|"
    r"search|suche|buscar|recherche|archives?|page/\d+|latest|all-news)(?:/|\Z)",
    re.I,
)
_SEARCH_QUERY = re.compile(r"(?:^|&)(?:s|q|query|search|keyword)=", re.I)


def judge(facts: Facts, choice: Choice, lines: list[Line], page: Page) -> bool:
    """Raise BadRecord (``no_article``) for what is none; True for an article that lists others."""
    prose = [weight(line.text) for line in lines if line.kind in ("paragraph", "quote", "list")]
    total = sum(prose)
    said = choice.article is not None or (facts.meta("og:type") or "").lower() == "article"
    if page.status is not None and page.status >= 400:
        raise BadRecord("no_article", f"an error page (status {page.status})")
    _refuse_error(facts, choice, lines, total, said)
    if total < (MIN_WEIGHT if said or _signed(facts) else MIN_UNSAID_WEIGHT):
        raise BadRecord("no_article", f"next to no text ({total:.0f} characters)")
    listing = _is_listing(facts, choice, lines, prose, said)
    if listing and not (said and sum(size >= LONG for size in prose) >= 3):
        raise BadRecord("no_article", listing)
    return bool(listing)


def _refuse_error(
    facts: Facts, choice: Choice, lines: list[Line], total: float, said: bool
) -> None:
    if total > SHORT_PAGE or (said and _signed(facts)):
        return
    for title in (choice.title, facts.head_title):
        if title and ERROR_TITLE.search(title):
            raise BadRecord("no_article", f"an error page or a wall: {title[:80]}")
    if facts.asks_password and not said and not _signed(facts):
        raise BadRecord("no_article", "a login form")
    if WALL.search("\n".join(line.text for line in lines)[:2000]) and not said:
        raise BadRecord("no_article", "a wall: consent, a check or an error")


def _signed(facts: Facts) -> bool:
    """Whether the page shows a time or a byline of its own."""
    return bool(facts.times or facts.dates_stated or facts.bylines or facts.dates)


def _is_listing(
    facts: Facts, choice: Choice, lines: list[Line], prose: list[float], said: bool
) -> str:
    """Why the page is a list of other pages, or an empty string."""
    linked = {fold(words(heading, 300)) for heading in facts.linked_headings}
    linked.discard("")
    shown = sum(fold(line.text) in linked for line in lines)
    long = sum(size >= LONG for size in prose)
    if choice.article is None and is_home(choice.canonical_url) and (len(linked) >= 3 or long < 3):
        return "a front page"
    kinds = {kind for node in facts.nodes for kind in structured.types(node)}
    lists = not kinds.isdisjoint(structured.LISTING_TYPES - {"ItemList"})
    if choice.article is None and lists and len(linked) >= 3 and long < 4:
        return "a listing, by its own word"
    parts = urlsplit(choice.canonical_url)
    routed = _LISTING_PATH.search(parts.path) or _SEARCH_QUERY.search(parts.query)
    if not said and routed and len(linked) >= 3 and long < 4:
        return "a listing, by its address and headings"
    if shown >= 4 and shown >= 0.25 * len(lines) and long < shown:
        return "a listing: headings that are links"
    if not said and not facts.headings and len(linked) >= 6 and long == 0 and len(prose) >= 3:
        return "a listing: teasers under linked headings"
    return ""
