"""Whether a page is a list of other pages; one with a clear body of its own never is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsmill import urls
from newsmill.extractor.core import structured
from newsmill.extractor.core.about import is_home, is_nowhere
from newsmill.extractor.core.credit import fold

if TYPE_CHECKING:
    from newsmill.extractor.core.about import Choice
    from newsmill.extractor.core.blocks import Line
    from newsmill.extractor.core.sheet import Sheet

LONG = 220.0  # weight of a paragraph that is no teaser
BODY = 900.0  # weight of prose under one heading that is a body of its own, not a teaser
LEAD = 300.0  # the same before the first such heading: a list begins with one
SAID_LEAD = 120.0  # the same on a page that says that it is an article
BODY_OF_HOME = 2_500.0  # the same on a front page, which may greet its readers
MIN_SHARE = 0.5  # of all prose, in a body of its own
MIN_LINKED = 0.6  # of a heading, for it to be that of another page
MIN_HEADINGS = 3  # that are links, in a list

_PATH = re.compile(
    r"/(?:tags?|categor(?:y|ies|ie|ia)|topics?|thema|themen|sections?|authors?|autor(?:en)?|"
    r"search|suche|buscar|recherche|archives?|page/\d+|latest|all-news)(?:/|\Z)",
    re.I,
)
_QUERY = re.compile(r"(?:^|&)(?:s|q|query|search|keyword)=", re.I)
_PROSE = frozenset(("paragraph", "quote", "list"))


def why(
    sheet: Sheet, choice: Choice, lines: Sequence[Line], weights: Sequence[float], said: bool
) -> str:
    """Why the page is a list of others, or an empty string.

    ``weights`` are those of ``lines``; ``said`` is whether the page says that it is an article.
    """
    linked = linked_headings(sheet, urls.host_of(choice.canonical_url))
    prose = [
        weight
        for line, weight in zip(lines, weights, strict=True)
        if line.kind in _PROSE and not _names_others(line.text, linked)
    ]
    runs = _runs(lines, weights, linked)
    url = choice.canonical_url
    home = choice.article is None and is_home(url) and not is_nowhere(url)
    long = sum(size >= LONG for size in prose)
    if _has_body(runs, sum(prose), long, home, said):
        return ""
    if home and (len(linked) >= MIN_HEADINGS or long == 0):
        return "a front page"
    return _stated(choice, linked, long, said) or _shown(sheet, lines, linked, prose, said)


def _has_body(runs: list[float], total: float, long: int, home: bool, said: bool) -> bool:
    """Whether prose stands together as no teasers do, or before the first of them."""
    body = max(runs)
    if body >= (BODY_OF_HOME if home else BODY) and body >= MIN_SHARE * total and long >= 2:
        return True
    if home:
        return False
    return runs[0] >= SAID_LEAD if said else runs[0] >= LEAD and long >= 1


def linked_headings(sheet: Sheet, host: str) -> set[str]:
    """The headings, folded, that are links to other pages of the site: those of these pages."""
    site = urls.registrable(host)
    found = {
        fold(block.text)
        for block in sheet.blocks
        if block.links
        and block.tag in ("h2", "h3", "h4")
        and block.linked >= MIN_LINKED * len(block.text)
        and _is_of(block.links[0].href, site)
    }
    found.discard("")
    return found


def _is_of(href: str, site: str) -> bool:
    """Whether a link leads to the site, and elsewhere than to a part of the same page."""
    if href.startswith("#"):
        return False
    if href.startswith("/") and not href.startswith("//"):
        return True
    try:
        other = urlsplit(href).hostname
    except ValueError:
        return False
    return other is None or urls.registrable(other) == site


def _names_others(text: str, linked: set[str]) -> bool:
    """Whether a line is such a heading, or holds several where a tier has joined what it found."""
    if not linked:
        return False
    folded = fold(text)
    if folded in linked:
        return True
    return len(folded) >= LONG and sum(heading in folded for heading in linked) >= MIN_HEADINGS


def _runs(lines: Sequence[Line], weights: Sequence[float], linked: set[str]) -> list[float]:
    """How much prose stands before the first heading that is a link, and after each."""
    runs = [0.0]
    for line, weight in zip(lines, weights, strict=True):
        if _names_others(line.text, linked):
            runs.append(0.0)
        elif line.kind in _PROSE:
            runs[-1] += weight
    return runs


def _stated(choice: Choice, linked: set[str], long: int, said: bool) -> str:
    """A listing by its own word or its address."""
    if len(linked) < MIN_HEADINGS or long >= 4:
        return ""
    kinds = {kind for node in choice.nodes for kind in structured.types(node)}
    lists = not kinds.isdisjoint(structured.LISTING_TYPES - {"ItemList"})
    if choice.article is None and lists:
        return "a listing, by its own word"
    parts = urlsplit(choice.canonical_url)
    if not said and (_PATH.search(parts.path) or _QUERY.search(parts.query)):
        return "a listing, by its address and headings"
    return ""


def _shown(
    sheet: Sheet, lines: Sequence[Line], linked: set[str], prose: list[float], said: bool
) -> str:
    """A listing by what its text is made of."""
    long = sum(size >= LONG for size in prose)
    shown = sum(fold(line.text) in linked for line in lines) if linked else 0
    if shown >= 4 and shown >= 0.25 * len(lines) and long < shown:
        return "a listing: headings that are links"
    headed = any(box.tag == "h1" and box.first < box.last for box in sheet.boxes)
    if not said and not headed and len(linked) >= 6 and long == 0 and len(prose) >= 3:
        return "a listing: teasers under linked headings"
    return ""
