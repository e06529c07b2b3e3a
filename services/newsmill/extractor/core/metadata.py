"""Metadata chosen from what a page says of itself: title, site, address, section, tags, flags.

Each choice is an order of sources, most deliberate first, and says which source won.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from newsmill import urls
from newsmill.extractor.core import structured
from newsmill.extractor.core.facts import Facts, words
from newsmill.records import Flag, Page

MAX_TITLE = 400
MAX_TAGS = 40

_SEPARATOR = re.compile(
    r"\s+[|\-–—·•:»«›/~]+\s+|\s*[|｜ㅣ]\s*|\s+::\s+|\s-\s|_(?=[^_]+\Z)|"
    r"(?<=[^\x00-\x7f])\s*[-–—]\s*(?=[^\x00-\x7f])"
)
_ALNUM = re.compile(r"[\W_]+")
_CUT = re.compile(r"(?:\.\.\.|…)\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*\Z", re.I)
_HOME = re.compile(r"/(?:index\.\w{2,5}|home|default\.aspx?)?/?\Z", re.I)


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
    titles: tuple[str, ...] = ()  # every form of the title; none of them belongs in the text
    provenance: dict[str, str] = field(default_factory=dict)


def choose(facts: Facts, page: Page) -> Choice:
    """Title, site, canonical URL and the rest; raises ValueError where the page's URL is none."""
    base = urls.normalise(page.final_url or page.url)
    headings = [words(h, MAX_TITLE) for h in facts.headings[:8]]
    og_title = facts.meta("og:title", "twitter:title", "dc.title", "parsely-title")
    titles = tuple(t for t in (og_title, facts.head_title, *headings) if t)
    choice = Choice(canonical_url=base)
    choice.article = structured.article(facts.nodes, titles)
    _choose_canonical(choice, facts, page, base)
    _choose_site(choice, facts, (og_title, *headings))
    _choose_title(choice, facts, page, headings, og_title, base)
    _choose_language(choice, facts)
    _choose_topics(choice, facts)
    return choice


def _choose_canonical(choice: Choice, facts: Facts, page: Page, base: str) -> None:
    choice.provenance["canonical_url"] = "final_url" if page.final_url else "url"
    node = choice.article or {}
    stated = (
        ("rel=canonical", facts.links.get("canonical")),
        ("og:url", facts.meta("og:url")),
        ("json-ld", next(iter(structured.urls(node.get("url"))), None)),
    )
    for source, href in stated:
        if not href:
            continue
        try:
            found = urls.normalise(href, base)
        except ValueError:
            continue
        if urls.domain_of(found) != urls.domain_of(base) and not is_nowhere(base):
            continue
        if is_home(found) and not is_home(base):
            continue
        choice.canonical_url = found
        choice.provenance["canonical_url"] = source
        return


def is_nowhere(url: str) -> bool:
    """Whether a URL only stands in for one, as a file's does: then the page's own word holds."""
    return urls.host_of(url).endswith(".invalid")


def is_home(url: str) -> bool:
    """Whether a normal URL is a site's front page."""
    parts = urlsplit(url)
    return bool(_HOME.fullmatch(parts.path)) and not parts.query


def _choose_site(choice: Choice, facts: Facts, titles: tuple[str | None, ...]) -> None:
    node = choice.article or {}
    host = urls.host_of(choice.canonical_url).removeprefix("www.")
    for source, name in (
        ("og:site_name", facts.meta("og:site_name")),
        ("json-ld", structured.publisher(node, facts.nodes)),
        ("meta", facts.meta("application-name", "apple-mobile-web-app-title", "dc.publisher")),
        ("title", _suffix_of_host(facts.head_title or "", host)),
        ("title", _suffix_of_title(facts.head_title or "", titles)),
        ("home link", facts.home),
    ):
        plain = _plain(name)
        if plain and len(plain) <= 80 and "://" not in plain:
            choice.site, choice.provenance["site"] = plain, source
            return
    choice.site, choice.provenance["site"] = host, "host"


def _suffix_of_host(title: str, host: str) -> str | None:
    """The last or first part of a title that the host's own name contains: the site's name."""
    parts = [part.strip() for part in _SEPARATOR.split(title) if part and part.strip()]
    if len(parts) < 2:
        return None
    return next((part for part in (parts[-1], parts[0]) if _names_host(part, host)), None)


def _suffix_of_title(title: str, others: tuple[str | None, ...]) -> str | None:
    """What follows the headline in a page's title: the site's name."""
    for other in others:
        if other and len(other) > 8 and title.casefold().startswith(other.casefold()):
            parts = [p.strip() for p in _SEPARATOR.split(title[len(other) :]) if p and p.strip()]
            if parts and _SEPARATOR.match(title[len(other) :]):
                return parts[-1]
    return None


def _names_host(part: str, host: str) -> bool:
    name = _ALNUM.sub("", part.casefold())
    label = _ALNUM.sub("", urls.registrable(host).partition(".")[0])
    whole = _ALNUM.sub("", host)
    return len(name) >= 3 and (
        name in whole or (len(label) >= 4 and label in name and len(name) <= 3 * len(label))
    )


def _choose_title(
    choice: Choice,
    facts: Facts,
    page: Page,
    headings: list[str],
    og_title: str | None,
    base: str,
) -> None:
    """JSON-LD, then h1, og:title and title: no order wins everywhere, this one loses least."""
    host = urls.host_of(base).removeprefix("www.")
    node = choice.article or {}
    stated = structured.text(node.get("headline")) or structured.text(node.get("name"))
    spoken = [_plain(t) or "" for t in (og_title, facts.head_title)]
    heading = _headline(headings, [t for t in (stated, *spoken) if t], choice.site)
    entry = page.entry.title if page.entry else None
    candidates = [
        (source, _without_site(plain, choice.site, host))
        for source, raw in (
            ("json-ld", stated),
            ("h1", heading),
            ("og:title", og_title),
            ("title", facts.head_title),
            ("entry", entry),
        )
        if (plain := _plain(raw))
    ]
    candidates = [(s, t) for s, t in candidates if t and not _is_site(t, choice.site, host)]
    choice.titles = tuple(dict.fromkeys(t for _, t in candidates))
    for source, title in candidates:
        if _CUT.search(title):  # a headline cut to fit a field; another source may have it whole
            stem = _CUT.sub("", title).rstrip().casefold()
            whole = next(
                (
                    c
                    for c in candidates
                    if c[1].casefold().startswith(stem) and len(c[1]) > len(title)
                ),
                None,
            )
            source, title = whole or (source, title)
        choice.title, choice.provenance["title"] = title[:MAX_TITLE], source
        return


def _headline(headings: list[str], others: list[str], site: str | None) -> str | None:
    """The h1 that shares most words with the other titles; None where none shares half."""
    known = {word for other in others for word in _ALNUM.split(other.casefold())}
    best, best_share = None, 0.0
    for heading in headings:
        mine = [word for word in _ALNUM.split(heading.casefold()) if word]
        if not mine or (site and heading.casefold() == site.casefold()):
            continue
        share = sum(word in known for word in mine) / len(mine) if known else 0.5
        if share > best_share:
            best, best_share = heading, share
    if best_share >= 0.5:
        return best
    return None


def _without_site(title: str, site: str | None, host: str) -> str:
    """The title without the site's name (and a section between them) at its end or start."""
    for _ in range(2):
        breaks = list(_SEPARATOR.finditer(title))
        if not breaks:
            return title
        head, tail = title[: breaks[-1].start()].strip(), title[breaks[-1].end() :].strip()
        first, rest = title[: breaks[0].start()].strip(), title[breaks[0].end() :].strip()
        if head and _is_site(tail, site, host):
            title = head
        elif rest and _is_site(first, site, host) and len(rest) > len(first) // 2:
            title = rest
        else:
            return title
    return title


def _is_site(part: str, site: str | None, host: str) -> bool:
    if not part or len(part) > 60:
        return False
    name = _ALNUM.sub("", part.casefold())
    known = _ALNUM.sub("", (site or "").casefold())
    if (
        name
        and known
        and (
            name == known
            or (len(name) > 3 and len(part.split()) <= 5 and (name in known or known in name))
        )
    ):
        return True
    return len(part.split()) <= 4 and _names_host(part, host)


def _choose_language(choice: Choice, facts: Facts) -> None:
    node = choice.article or {}
    for source, raw in (
        ("html lang", facts.language),
        ("json-ld", structured.text(node.get("inLanguage"))),
        ("og:locale", facts.meta("og:locale", "content-language", "dc.language", "language")),
    ):
        stated = (raw or "").strip().replace("_", "-")
        if stated and _LANGUAGE.match(stated):
            choice.declared_language, choice.provenance["declared_language"] = stated, source
            return


def _choose_topics(choice: Choice, facts: Facts) -> None:
    node = choice.article or {}
    for source, raw in (
        ("json-ld", structured.text(node.get("articleSection"))),
        (
            "meta",
            facts.meta("article:section", "parsely-section", "section", "cxenseparse:section"),
        ),
    ):
        section = _plain(raw)
        if section and len(section) <= 80 and "://" not in section:
            choice.section, choice.provenance["section"] = section, source
            break
    keywords = node.get("keywords")
    stated = [k for k in keywords if isinstance(k, str)] if isinstance(keywords, list) else []
    if isinstance(keywords, str):
        stated = re.split(r"[,;、，]", keywords)
    source = "json-ld"
    if not stated:
        source = "meta"
        stated = list(facts.metas.get("article:tag", ()))
        if len(stated) < 2:
            joined = stated or [facts.meta("news_keywords", "keywords", "parsely-tags") or ""]
            stated = re.split(r"[,;、，]", joined[0])
    tags = [tag for raw in stated if (tag := _plain(raw)) and len(tag) <= 60]
    choice.tags = tuple(dict.fromkeys(tags))[:MAX_TAGS]
    if choice.tags:
        choice.provenance["tags"] = source


def flags(facts: Facts, choice: Choice, is_listing: bool) -> tuple[Flag, ...]:
    """What kind of article it is, beyond text."""
    node = choice.article or {}
    found: list[Flag] = ["listing"] if is_listing else []
    kinds = structured.types(node)
    if "LiveBlogPosting" in kinds or any(
        "LiveBlogPosting" in structured.types(n) for n in facts.nodes
    ):
        found.append("live_blog")
    free = node.get("isAccessibleForFree")
    if (
        free is False
        or (isinstance(free, str) and free.strip().lower() in ("false", "no"))
        or (facts.meta("article:content_tier") or "").lower() in ("locked", "metered")
    ):
        found.append("paywalled")
    types = facts.meta("og:type") or ""
    if types.startswith("video") or any("VideoObject" in structured.types(n) for n in facts.nodes):
        found.append("video")
    return tuple(found)


def _plain(raw: str | None) -> str | None:
    """Text of a field on one line, without entities that were escaped twice or stray tags."""
    if not raw:
        return None
    text = html.unescape(raw) if "&" in raw else raw
    if "<" in text:
        text = re.sub(r"</?[a-zA-Z][^<>]{0,200}>", "", text)
    return " ".join(text.split()) or None
