"""What a page says of itself, chosen by evidence: title, site, address, section, tags.

Each choice says which source won. Authors are chosen in ``authors``, times in ``moments``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsmill import urls
from newsmill.extractor.core import addresses, sites, structured, titles, zones
from newsmill.records import Page

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Sheet

MAX_TAG = 60
MAX_TAGS = 40
MAX_SECTION = 80
MAX_HEADINGS = 8
MAX_SHOWN = 4  # headings that are candidates for the title

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*\Z", re.I)
_HOME = re.compile(r"/(?:index\.\w{2,5}|home|default\.aspx?)?/?\Z", re.I)
_COMMAS = re.compile(r"[,;、，،]")
_OTHER_TITLES = ("title", "dc.title", "dcterms.title", "parsely-title", "sailthru.title",
                 "citation_title", "headline", "cxenseparse:contenttitle")  # fmt: skip


@dataclass(slots=True)
class Choice:
    """The metadata of an article as chosen, with the source of each field."""

    canonical_url: str
    title: str | None = None
    site: str | None = None
    subtitle: str | None = None
    declared_language: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    article: structured.Node | None = None
    nodes: list[structured.Node] = field(default_factory=list)
    titles: tuple[str, ...] = ()  # every form of the title; none of them belongs in the text
    headings: tuple[str, ...] = ()  # the page's h1, in order
    headline: int | None = None  # the block that shows the title, or the first h1
    provenance: dict[str, str] = field(default_factory=dict)


def choose(sheet: Sheet, page: Page) -> Choice:
    """Title, site, canonical URL and the rest; raises ValueError where the page's URL is none."""
    base = addresses.normal(page.final_url or page.url)
    shown = shown_headings(sheet)
    headings = tuple(heading for heading, _ in shown)
    og_title = meta(sheet, "og:title", "twitter:title", "dc.title", "parsely-title")
    known = tuple(t for t in (og_title, sheet.head_title, *headings) if t)
    choice = Choice(canonical_url=base, nodes=structured.nodes(sheet.json_ld), headings=headings)
    choice.article = structured.article(choice.nodes, known)
    choice.provenance["canonical_url"] = "final_url" if page.final_url else "url"
    _choose_canonical(choice, sheet, base)
    _choose_site(choice, sheet, (og_title, *headings))
    found = titles.choose(said_titles(choice, sheet, page, shown), setting(choice, sheet, base))
    if found is not None:
        choice.title, choice.titles = found.text, found.forms
        choice.provenance["title"] = found.source
    choice.headline = zones.headline(sheet, choice.title)
    _choose_language(choice, sheet)
    _choose_section(choice, sheet)
    _choose_tags(choice, sheet)
    return choice


def meta(sheet: Sheet, *names: str) -> str | None:
    """The first non-empty content of the metas of these names, in the order of the names."""
    for name in names:
        for value in sheet.metas.get(name, ()):
            if value:
                return value
    return None


def shown_headings(sheet: Sheet) -> list[tuple[str, str]]:
    """The text and class of each h1, its lines joined; the class of the box around where none."""
    found: list[tuple[str, str]] = []
    for box in sheet.boxes:
        if box.tag != "h1" or box.first == box.last:
            continue
        text = " ".join(block.text for block in sheet.blocks[box.first : box.last])
        found.append((text[: titles.MAX_TITLE], box.name or sheet.boxes[box.parent].name))
        if len(found) == MAX_HEADINGS:
            break
    return found


def _choose_canonical(choice: Choice, sheet: Sheet, base: str) -> None:
    node = choice.article or {}
    stated = (
        ("rel=canonical", sheet.links.get("canonical")),
        ("og:url", meta(sheet, "og:url")),
        ("json-ld", next(iter(structured.urls(node.get("url"))), None)),
    )
    for source, href in stated:
        if not href:
            continue
        try:
            found = addresses.normal(href, base)
        except ValueError:
            continue
        if urls.domain_of(found) != urls.domain_of(base) and not is_nowhere(base):
            continue
        if is_home(found) and not is_home(base):
            continue
        choice.canonical_url, choice.provenance["canonical_url"] = found, source
        return


def is_nowhere(url: str) -> bool:
    """Whether a URL only stands in for one, as a file's does: then the page's own word holds."""
    return urls.host_of(url).endswith(".invalid")


def is_home(url: str) -> bool:
    """Whether a normal URL is a site's front page."""
    parts = urlsplit(url)
    return bool(_HOME.fullmatch(parts.path)) and not parts.query


def _choose_site(choice: Choice, sheet: Sheet, known: tuple[str | None, ...]) -> None:
    node = choice.article or {}
    host = urls.host_of(choice.canonical_url).removeprefix("www.")
    head = sheet.head_title or ""
    for source, name in (
        ("og:site_name", meta(sheet, "og:site_name")),
        ("json-ld", structured.publisher(node, choice.nodes)),
        ("meta", meta(sheet, "application-name", "apple-mobile-web-app-title", "dc.publisher")),
        ("title", sites.of_host(head, host)),
        ("title", sites.after(head, known)),
        ("home link", sheet.home),
    ):
        plain = titles.plain(name)
        if plain and len(plain) <= sites.MAX_SITE and "://" not in plain:
            choice.site, choice.provenance["site"] = plain, source
            return
    choice.site, choice.provenance["site"] = host, "host"


def said_titles(
    choice: Choice, sheet: Sheet, page: Page, shown: list[tuple[str, str]]
) -> list[titles.Said]:
    """What each source says the title is: fields first, then what the page shows."""
    node = choice.article or {}
    twitter = meta(sheet, "twitter:title")
    said = titles.spoken(
        [
            *(("og:title", value) for value in sheet.metas.get("og:title", ())[:2]),
            ("twitter", twitter),
            ("json-ld", structured.text(node.get("headline"))),
            ("json-ld name", structured.text(node.get("name"))),
            ("alternative", structured.text(node.get("alternativeHeadline"))),
        ]
    )
    for index, (heading, name) in enumerate(shown[:MAX_SHOWN]):
        plain = titles.plain(heading)
        if plain:
            said.append(titles.Said("h1 other" if index else "h1", plain, name))
    other = next((v for name in _OTHER_TITLES for v in sheet.metas.get(name, ()) if v), None)
    entry = page.entry.title if page.entry else None
    said += titles.spoken((("title", sheet.head_title), ("meta", other), ("entry", entry)))
    return said


def setting(choice: Choice, sheet: Sheet, base: str) -> titles.Setting:
    """What the choice of a title knows of the page."""
    kinds = structured.types(choice.article) if choice.article else ()
    news = any("News" in kind or "Live" in kind or "Report" in kind for kind in kinds)
    return titles.Setting(
        site=choice.site,
        host=urls.host_of(base).removeprefix("www."),
        url=choice.canonical_url,
        kind=2.0 if news else float(bool(kinds)),
        is_dated="article:published_time" in sheet.metas,
        is_english=(sheet.language or "").lower().startswith("en"),
    )


def _choose_language(choice: Choice, sheet: Sheet) -> None:
    node = choice.article or {}
    for source, raw in (
        ("html lang", sheet.language),
        ("json-ld", structured.text(node.get("inLanguage"))),
        ("meta", meta(sheet, "og:locale", "content-language", "dc.language", "language")),
    ):
        stated = (raw or "").strip().replace("_", "-")
        if stated and _LANGUAGE.match(stated):
            choice.declared_language, choice.provenance["declared_language"] = stated, source
            return


def _choose_section(choice: Choice, sheet: Sheet) -> None:
    node = choice.article or {}
    names = ("article:section", "parsely-section", "section", "cxenseparse:section")
    for source, raw in (
        ("json-ld", structured.text(node.get("articleSection"))),
        ("meta", meta(sheet, *names)),
    ):
        section = titles.plain(raw)
        if section and len(section) <= MAX_SECTION and "://" not in section:
            choice.section, choice.provenance["section"] = section, source
            return


def _choose_tags(choice: Choice, sheet: Sheet) -> None:
    keywords = (choice.article or {}).get("keywords")
    stated = [k for k in keywords if isinstance(k, str)] if isinstance(keywords, list) else []
    if isinstance(keywords, str):
        stated = _COMMAS.split(keywords)
    source = "json-ld"
    if not stated:
        source = "meta"
        stated = list(sheet.metas.get("article:tag", ()))
        if len(stated) < 2:
            joined = stated or [meta(sheet, "news_keywords", "keywords", "parsely-tags") or ""]
            stated = _COMMAS.split(joined[0])
    tags = [tag for raw in stated if (tag := titles.plain(raw)) and len(tag) <= MAX_TAG]
    choice.tags = tuple(dict.fromkeys(tags))[:MAX_TAGS]
    if choice.tags:
        choice.provenance["tags"] = source
