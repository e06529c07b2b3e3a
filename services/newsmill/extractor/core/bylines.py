"""Who wrote it and when: the sources of a page in order of trust, each read by its grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator

import htmldate
from lxml.html import HtmlElement

from newsmill.extractor.core import byline, dates, structured
from newsmill.extractor.core.facts import Facts, words
from newsmill.extractor.core.metadata import Choice
from newsmill.records import Page

_UPDATED = re.compile(
    r"updated|modified|aktualisiert|stand:|mis à jour|actualizado|aggiornato|atualizado|bijgewerkt|"
    r"oppdatert|uppdaterad|opdateret|обновлено|更新|수정",
    re.I,
)
_META_AUTHORS = (
    "author", "article:author", "parsely-author", "dc.creator", "dcterms.creator",
    "sailthru.author", "byl", "article:author_name", "og:article:author", "cxenseparse:author",
    "citation_author",
)  # fmt: skip
_META_PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time", "article:published",
    "datepublished", "parsely-pub-date", "dc.date.issued", "dcterms.created", "dc.date",
    "dcterms.date", "dc.date.created", "sailthru.date", "publishdate", "publish-date",
    "publish_date", "pubdate", "date", "publication_date", "cxenseparse:recs:publishtime",
    "article.published", "originalpublicationdate", "displaydate", "ptime",
    "citation_publication_date", "apub:time",
    "rnews:datepublished", "weibo:article:create_at",
)  # fmt: skip
_META_MODIFIED = (
    "article:modified_time", "og:updated_time", "og:article:modified_time", "datemodified",
    "dcterms.modified", "dc.date.modified", "last-modified", "lastmod", "article:modified",
    "revised",
)  # fmt: skip
_FOREIGN = frozenset(("aside", "nav", "footer", "form"))
_FOREIGN_CLASS = re.compile(
    r"related|comment|sidebar|recommend|promo|teaser|widget|footer|popular|trending|more-from|"
    r"latest",
    re.I,
)
MAX_CANDIDATES = 60
_PARTS = re.compile(r"\s*[|/·•]\s*")
_STATED = frozenset(("json-ld", "meta", "itemprop"))
NEAR = 4  # elements after a headline that are looked at for a date


def authors(
    facts: Facts, choice: Choice, page: Page
) -> tuple[tuple[str, ...], str | None, str | None]:
    """Names, their source, and the raw form of a byline that names nobody."""
    raw: str | None = None
    organisations: tuple[str, ...] = ()
    site = (choice.site or "").casefold()
    stated = structured.people(choice.article or {}, facts.nodes)
    if stated:
        people = byline.merged(byline.names(n, structured=True) for n, person in stated if person)
        firms = byline.merged([n] for n, person in stated if not person)
        if any(name.casefold() != site for name in people):
            return byline.merged((people, firms)), "json-ld", None
        organisations = byline.merged((people, firms))
        raw = stated[0][0]
    for source, names, text in _other_authors(facts):
        raw = raw or text
        if source == "meta" and [name.casefold() for name in names] == [site]:
            organisations = organisations or names
        elif names and not (organisations and _same(names, organisations)):
            return names, source, None
    if organisations:
        return organisations, "json-ld" if stated else "meta", None
    if page.entry and page.entry.authors:
        names = byline.merged(byline.names(a) for a in page.entry.authors)
        if names:
            return names, "entry", None
    return (), None, raw


def _other_authors(facts: Facts) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for name in _META_AUTHORS:
        values = [
            v for v in facts.metas.get(name, ()) if "://" not in v and len(v) <= byline.MAX_BYLINE
        ]
        if values:
            yield "meta", byline.merged(byline.names(v, structured=True) for v in values), values[0]
    stated, shown = _visible(facts)
    for text in stated:
        yield "byline", byline.merged(byline.names(t) for t in stated), text
        break
    for text in (*shown, *_by_lines(facts)):
        yield "byline", byline.names(text), text


def _by_lines(facts: Facts) -> Iterator[str]:
    """The parts of signature lines that begin like a byline: "10 March / By Ann Lee"."""
    for line in facts.signatures:
        yield from (part for part in _PARTS.split(line) if byline.is_byline(part))


def _visible(facts: Facts) -> tuple[list[str], list[str]]:
    """Texts of elements that state an author (rel, itemprop), and of those whose class says so."""
    stated: list[str] = []
    shown: list[str] = []
    first: HtmlElement | None = None
    for element in facts.bylines[:MAX_CANDIDATES]:
        if is_foreign(element):
            continue
        text = words(element, byline.MAX_BYLINE, " ")
        if not text or len(text) > byline.MAX_BYLINE:
            continue
        said = f"{element.get('rel') or ''} {element.get('itemprop') or ''}".lower()
        if "author" in said.split():
            inner = element.find('.//*[@itemprop="name"]')
            if first is None:
                first = element
            elif not _stands_by(first, element):
                continue  # the author of another story, or of a picture
            stated.append(words(inner, byline.MAX_BYLINE, " ") if inner is not None else text)
        else:
            linked = [words(a, byline.MAX_NAME, " ") for a in element.iter("a")]
            parted = len(linked) > 1 and sum(map(len, linked)) > 0.7 * len(text)
            shown.append("; ".join(linked) if parted else text)
    return stated[: byline.MAX_NAMES], shown


def _stands_by(first: HtmlElement, other: HtmlElement) -> bool:
    """Whether two elements are in one byline: three levels up at most they meet."""
    near = {ancestor for _, ancestor in zip(range(3), first.iterancestors(), strict=False)}
    return any(a in near for _, a in zip(range(3), other.iterancestors(), strict=False))


def is_foreign(element: HtmlElement) -> bool:
    """Whether an element stands in a box around the article rather than in it."""
    for count, ancestor in enumerate(element.iterancestors()):
        if count > 12 or ancestor.tag in ("article", "main", "body"):
            return False
        if ancestor.tag in _FOREIGN:
            return True
        name = ancestor.get("class")
        if name and _FOREIGN_CLASS.search(name):
            return True
    return False


def _same(names: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return {n.casefold() for n in names} == {n.casefold() for n in others}


Dated = tuple[str | None, str | None, str | None]
"""A time, its source, and the raw form where it could not be read."""


def published(facts: Facts, choice: Choice, page: Page) -> Dated:
    """When it was first published, by the page's most deliberate statement that can be read."""
    language = choice.declared_language
    best: str | None = None
    best_source: str | None = None
    unread: str | None = None
    for source, raw in _published_raws(facts, choice):
        found = dates.read(raw, language, newest=page.fetched)
        if found is None:
            unread = unread or (raw[: dates.MAX_RAW] if source in _STATED else None)
        elif best is None:
            best, best_source = found, source
            if len(best) > 10 and not best.endswith("+00:00"):
                break
        else:
            best = dates.finer(best, found)
            if source == "shown":
                break
    if best is not None:
        return best, best_source, None
    hinted = _hinted(facts, choice, page)
    return hinted if hinted is not None else (None, None, unread)


def _hinted(facts: Facts, choice: Choice, page: Page) -> Dated | None:
    """The time by less than a statement: a line under the headline, the address, the feed."""
    near = near_headline(facts, choice.declared_language, page.fetched)
    if near is not None:
        return near, "shown", None
    day = dates.in_url(choice.canonical_url)
    if day is not None and dates.read(day, newest=page.fetched):
        return day, "url", None
    if page.entry and page.entry.published:
        found = dates.read(page.entry.published, page.entry.language)
        if found:
            return found, "entry", None
    return None


def modified(facts: Facts, choice: Choice, page: Page) -> Dated:
    """When it was last changed, as stated to machines or beside the byline."""
    language = choice.declared_language
    unread: str | None = None
    for source, raw in _modified_raws(facts, choice):
        found = dates.read(raw, language, newest=page.fetched)
        if found is not None:
            return found, source, None
        unread = unread or raw[: dates.MAX_RAW]
    return None, None, unread


def rescued(tree: HtmlElement, so_far: Dated, page: Page) -> Dated:
    """The day that htmldate finds anywhere on the page, for one that states none; the last resort.

    Its bounds are fixed or the page's own, since its default is today.
    """
    newest = (page.fetched or "")[:10]
    day = htmldate.find_date(
        tree,
        extensive_search=True,
        original_date=True,
        min_date="1995-01-01",
        max_date=newest if dates.read(newest) else "2100-01-01",
    )
    if day is None or day.endswith("-01-01"):  # what it makes of a bare year
        return so_far
    return (day, "htmldate", None) if dates.read(day, newest=page.fetched) else so_far


def _published_raws(facts: Facts, choice: Choice) -> Iterator[tuple[str, str]]:
    node = choice.article or {}
    for name in ("datePublished", "dateCreated", "uploadDate"):
        stated = structured.text(node.get(name))
        if stated:
            yield "json-ld", stated
    for name in _META_PUBLISHED:
        for value in facts.metas.get(name, ())[:2]:
            yield "meta", value
    if not node:
        for other in facts.nodes:
            stated = structured.text(other.get("datePublished"))
            if stated:
                yield "json-ld", stated
    for element in facts.dates_stated[:MAX_CANDIDATES]:
        said = f"{element.get('itemprop') or ''} {element.get('property') or ''}".lower()
        if "modified" not in said and not is_foreign(element):
            yield "itemprop", _stamp(element)
    yield from _shown(facts)


def _shown(facts: Facts) -> Iterator[tuple[str, str]]:
    """Dates that people see: ``time`` elements, then elements whose class says so, then bylines."""
    for element in facts.times[:MAX_CANDIDATES]:
        if not is_foreign(element) and not _is_update(element):
            stamp = _stamp(element)
            if stamp:
                yield "time", stamp
    for line in facts.signatures:
        if any(char.isdigit() for char in line):
            yield "shown", _before_update(line)
    for element in (*facts.dates[:MAX_CANDIDATES], *facts.bylines[:MAX_CANDIDATES]):
        if is_foreign(element) or _UPDATED.search(element.get("class") or ""):
            continue
        text = words(element, 300, " ")
        if text and len(text) <= 300 and any(c.isdigit() for c in text):
            if element.get("datetime"):
                yield "shown", element.get("datetime") or ""
            yield "shown", _before_update(text)


def near_headline(facts: Facts, language: str | None, newest: str | None) -> str | None:
    """A short text under the headline that says when, whatever its markup calls it."""
    for heading in facts.headings[:3]:
        for count, element in enumerate(heading.itersiblings()):
            if count >= NEAR:
                break
            for text in element.itertext():
                line = text.strip()
                if 6 <= len(line) <= dates.MAX_DATELINE and dates.is_dateline(line, language):
                    return dates.read(line, language, newest=newest)
                if len(line) > 200:
                    break
    return None


def _modified_raws(facts: Facts, choice: Choice) -> Iterator[tuple[str, str]]:
    stated = structured.text((choice.article or {}).get("dateModified"))
    if stated:
        yield "json-ld", stated
    for name in _META_MODIFIED:
        for value in facts.metas.get(name, ())[:1]:
            yield "meta", value
    for element in facts.dates_stated[:MAX_CANDIDATES]:
        said = f"{element.get('itemprop') or ''} {element.get('property') or ''}".lower()
        if "modified" in said and not is_foreign(element):
            yield "itemprop", _stamp(element)
    for element in facts.times[:MAX_CANDIDATES]:
        if _is_update(element) and not is_foreign(element):
            yield "time", _stamp(element)


def _stamp(element: HtmlElement) -> str:
    stamp = element.get("content") or element.get("datetime") or ""
    return stamp if any(c.isdigit() for c in stamp) else words(element, dates.MAX_RAW)


def _is_update(element: HtmlElement) -> bool:
    parent = element.getparent()
    near = f"{element.get('class') or ''} {element.text or ''}"
    if parent is not None:
        near += f" {(parent.get('class') or '')} {(parent.text or '')[-40:]}"
    previous = element.getprevious()
    if previous is not None:
        before = previous.text if len(previous) == 0 else ""
        near += f" {(before or '')[-40:]}{(previous.tail or '')[-40:]}"
    return _UPDATED.search(near) is not None


def _before_update(text: str) -> str:
    """The part of "Aug 7, 2020, updated Aug 8" that speaks of the publication."""
    found = _UPDATED.search(text)
    if found is None or not any(c.isdigit() for c in text[: found.start()]):
        return text
    return text[: found.start()]
