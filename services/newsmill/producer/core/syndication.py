"""Reads RSS (0.9 to 2.0, RDF) and Atom (0.3 and 1.0), and the two mixed, as news sites do.

Links of an item, first that is a web address: FeedBurner's original link; the alternate link (HTML
before other types); an Atom link inside RSS; a guid or id that is an address and does not say
otherwise; the item's ``rdf:about``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from newsmill.producer.core.items import MAX_TAGS, Item, Kind, ParsedFeed, address, feed_of
from newsmill.producer.core.mending import enclose_markup, ends_within
from newsmill.producer.core.plain import (
    MAX_MARKUP,
    MAX_NAME,
    MAX_SUMMARY,
    MAX_TITLE,
    decode_references,
    from_html,
    one_line,
)
from newsmill.producer.core.xmltree import XML, Names, attribute, inner_text, tree_of

MAX_FIELDS = 2_000  # of one item that are looked at
Fields = dict[str, list[etree._Element]]

_TITLES = ("title", "atom:title", "media:title", "dc:title")
_SUMMARIES = (
    "description", "summary", "abstract", "atom:summary", "dc:description", "dcterms:abstract",
    "itunes:summary", "media:description", "content:encoded", "content", "xhtml:body", "body",
)  # fmt: skip
_PUBLISHED = (
    "pubdate", "published", "issued", "atom:published", "dc:date", "dcterms:issued", "created",
    "dcterms:created",
)  # fmt: skip
_UPDATED = ("updated", "modified", "atom:updated", "dcterms:modified", "lastbuilddate")
_DATES = _PUBLISHED + _UPDATED
_AUTHORS = ("author", "dc:creator", "atom:author", "dc:author", "itunes:author")
_TAGS = ("category", "dc:subject", "media:category", "itunes:category", "atom:category")
_KEYWORDS = ("itunes:keywords", "media:keywords", "keywords")
_PERIODS = {
    "hourly": 3600,
    "daily": 86_400,
    "weekly": 604_800,
    "monthly": 2_592_000,
    "yearly": 31_536_000,
}
_HTML_TYPES = frozenset(("", "text/html", "application/xhtml+xml"))
_BLOCKS = frozenset(("p", "br", "div", "li", "ul", "ol", "tr", "td", "th", "h1", "h2", "h3", "h4"))
_MAILBOX = re.compile(r"([^\s@()<>\"]{1,64}@[^\s@()<>\"]{1,253})\s*\(([^()]*)\)\Z")
_MAILED = re.compile(r"([^@()<>]+)\s*\([^\s@()]+@[^\s@()]+\)\Z")
_ADDRESSED = re.compile(r"\"?([^<>\"]*)\"?\s*<[^<>]*@[^<>]*>\Z")


def read(text: str, url: str, root_name: str) -> ParsedFeed:
    """The feed in a repaired document; raises BadRecord (``unparsable``).

    The last item of a document that was cut within it is left out, and counted as skipped.
    """
    root, broken = tree_of(text, url)
    if broken:
        root, _ = tree_of(enclose_markup(text), url)
    names = Names(root)
    kind: Kind = "atom" if root_name in ("feed", "entry") else "rss"
    channel = next((child for name, child in names.children(root) if name == "channel"), root)
    elements = list(_items(root, channel, names, broken))
    cut = broken and len(elements) > 0 and ends_within(text, root_name, "item|entry")
    head = _fields(channel, names, None)
    language = channel.get(f"{XML}lang") or root.get(f"{XML}lang")
    links = _links(head)
    stated = "xml:base" in text
    above = (_base(head, channel) if stated else None) or url
    site = address(next(iter(links), None), address(above, url) or url)
    base = site if kind == "rss" else None
    return feed_of(
        kind,
        url,
        elements[:-1] if cut else elements,
        lambda element: _item(element, names, kind, base, stated),
        lambda element: _age(element, names),
        title=_first(head, _TITLES, names, kind, MAX_TITLE),
        language=_plain(head, ("language", "dc:language")) or language,
        ttl_s=_ttl(head),
        site=site,
        authors=_authors(head, names) if kind == "atom" else [],
        skipped=int(cut),
        broken=broken,
    )


def _items(
    root: etree._Element, channel: etree._Element, names: Names, broken: bool
) -> Iterator[etree._Element]:
    """The items where they belong; or anywhere, if the document is broken or has none there."""
    if names.of(root) == "entry":  # an Atom document may be a single entry
        yield root
        return
    parents = (channel,) if channel is root else (channel, root)
    placed = (
        []
        if broken
        else [child for parent in parents for child in parent if _is_item(child, names)]
    )
    yield from placed or (
        element for element in root.iter(etree.Element) if _is_item(element, names)
    )


def _is_item(element: etree._Element, names: Names) -> bool:
    return names.of(element) in ("item", "entry", "atom:entry")


def _fields(element: etree._Element, names: Names, limit: int | None = MAX_FIELDS) -> Fields:
    fields: Fields = defaultdict(list)
    for name, child in islice(names.children(element), limit):
        fields[name].append(child)
        if name == "media:group":
            for inner, part in names.children(child):
                fields[inner].append(part)
    return fields


def _age(element: etree._Element, names: Names) -> str | None:
    """The raw date that an item is as old as."""
    fields = {name: child for name, child in names.children(element) if name in _DATES}
    return next((fields[name].text for name in _DATES if name in fields), None)


def _item(
    element: etree._Element, names: Names, kind: Kind, base: str | None, stated: bool
) -> Item:
    fields = _fields(element, names)
    titles = [child for name in _TITLES for child in fields.get(name, ())]
    authors = _authors(fields, names)
    if not authors and "source" in fields:
        authors = _authors(_fields(fields["source"][0], names), names)
    guids = (*fields.get("guid", ()), *fields.get("id", ()), *fields.get("atom:id", ()))
    guid = inner_text(guids[0], MAX_MARKUP).strip() if guids else None
    languages = [element.get(f"{XML}lang"), *(title.get(f"{XML}lang") for title in titles[:1])]
    return Item(
        links=[*_links(fields), *_permalinks(guids, guid, element)],
        base=_base(fields, element) if stated else base,
        title=_first(fields, _TITLES, names, kind, MAX_TITLE),
        summary=_first(fields, _SUMMARIES, names, kind, MAX_SUMMARY),
        published=_plain(fields, _PUBLISHED),
        updated=_plain(fields, _UPDATED),
        authors=authors,
        guid=guid or attribute(element, "about"),
        enclosures=list(_enclosures(fields)),
        tags=list(_tags(fields)),
        language=_plain(fields, ("dc:language",)) or next(filter(None, languages), None),
    )


def _base(fields: Fields, element: etree._Element) -> str | None:
    """The xml:base that the item's link stands under."""
    links = fields.get("link")
    return (links[0] if links else element).base


def _permalinks(
    guids: tuple[etree._Element, ...], guid: str | None, element: etree._Element
) -> Iterator[str]:
    if guid and (attribute(guids[0], "ispermalink") or "true").lower() != "false":
        local = str(guids[0].tag).endswith("guid")
        if "://" in guid[:12] or (local and guid.startswith("/")):
            yield guid
    if about := attribute(element, "about"):
        yield about


def _links(fields: Fields) -> list[str]:
    """The links of an item or feed to a page for people, the best first."""
    original = fields.get("feedburner:origlink", ())
    found = [(0, inner_text(child, MAX_MARKUP)) for child in original]
    for name in ("link", "atom:link"):
        for child in fields.get(name, ()):
            href = attribute(child, "href")
            if href is None:
                found.append((1, inner_text(child, MAX_MARKUP)))
            elif (attribute(child, "rel") or "alternate").lower() in ("alternate", ""):
                kind = (attribute(child, "type") or "").lower()
                found.append((1 if kind in _HTML_TYPES else 2, href))
    found.sort(key=lambda link: link[0])
    return [link for _, link in found if link.strip()]


def _plain(fields: Fields, names: tuple[str, ...]) -> str | None:
    """The text of the first of these fields that has one."""
    for name in names:
        for child in fields.get(name, ()):
            if text := inner_text(child, MAX_TITLE).strip():
                return text
    return None


def _first(
    fields: Fields, names: tuple[str, ...], tree: Names, kind: Kind, limit: int
) -> str | None:
    """The plain text of the first of these constructs that says something."""
    for name in names:
        for child in fields.get(name, ()):
            if text := _construct(child, tree, kind, limit):
                return text
    return None


def _construct(element: etree._Element, names: Names, kind: Kind, limit: int) -> str | None:
    """A text construct as a reader sees it.

    Markup may be inline (XHTML), escaped (HTML), encoded (base64) or absent. RSS does not
    say which: tags of HTML in it are markup. Atom's ``text`` is literal, save for references, which
    nobody escapes twice on purpose.
    """
    if len(element):
        return one_line(_inline(element, names), limit)
    text = (element.text or "")[:MAX_MARKUP]
    stated = (attribute(element, "type") or "").lower()
    binary = "/" in stated and not stated.startswith("text/") and not stated.endswith("xml")
    if binary or attribute(element, "mode") == "base64":
        return from_html(_base64(text), limit)
    if (
        kind == "atom"
        and stated in ("", "text", "text/plain", "plain")
        and not attribute(element, "mode")
    ):
        return one_line(decode_references(text), limit)
    return from_html(text, limit)


def _inline(element: etree._Element, names: Names) -> str:
    """The text of inline markup: blocks apart, scripts and styles left out."""
    pieces = [element.text or ""]
    for child in element.iter(etree.Element):
        if child is element:
            continue
        name = names.of(child).rpartition(":")[2]
        gap = " " if name in _BLOCKS else ""
        text = "" if name in ("script", "style") else child.text or ""
        pieces += (gap, text, gap, child.tail or "")
        if len(pieces) > MAX_MARKUP:
            break
    return "".join(pieces)


def _base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text


def _authors(fields: Fields, names: Names) -> list[str]:
    """The names of the first kind of author field that has some; RSS prefers names to mailboxes."""
    mailboxes: list[str] = []
    for kind in _AUTHORS:
        found: list[str] = []
        for element in fields.get(kind, ())[:MAX_TAGS]:
            parts = _fields(element, names)
            name = _plain(parts, ("name", "atom:name")) or _plain(parts, ("email", "atom:email"))
            text = name or ("" if len(element) else inner_text(element, MAX_NAME))
            person = _person(decode_references(text))
            (mailboxes if "@" in person else found).append(person)
        if any(found):
            return found
    return mailboxes


def _person(text: str) -> str:
    """The name in ``mail@host (Name)`` and ``Name <mail@host>``, as RSS writes authors."""
    text = text[:MAX_NAME].strip()
    if "@" in text:
        for form, group in ((_MAILBOX, 2), (_MAILED, 1), (_ADDRESSED, 1)):
            if (found := form.match(text)) and found[group].strip():
                return found[group].strip()
    return text


def _enclosures(fields: Fields) -> Iterator[tuple[str, str | None, str | None]]:
    for name in ("enclosure", "media:content"):
        for child in fields.get(name, ()):
            if url := attribute(child, "url"):
                size = attribute(child, "length") or attribute(child, "filesize")
                yield url, attribute(child, "type"), size
    for name in ("link", "atom:link"):
        for child in fields.get(name, ()):
            if (attribute(child, "rel") or "").lower() == "enclosure" and (
                url := attribute(child, "href")
            ):
                yield url, attribute(child, "type"), attribute(child, "length")


def _tags(fields: Fields) -> Iterator[str]:
    for name in _TAGS:
        for child in fields.get(name, ())[: 4 * MAX_TAGS]:
            label = attribute(child, "label") or attribute(child, "term")
            text = label or attribute(child, "text") or inner_text(child, MAX_TITLE)
            yield decode_references(text)
    for name in _KEYWORDS:
        for child in fields.get(name, ()):
            yield from inner_text(child, 16 * MAX_TITLE).split(",")[: 4 * MAX_TAGS]


def _ttl(fields: Fields) -> float | None:
    """How long the feed may be cached, in seconds: its ``ttl``, else its ``sy:updatePeriod``."""
    minutes = _plain(fields, ("ttl",))
    if minutes and minutes.isascii() and minutes.isdigit() and len(minutes) < 9:
        return int(minutes) * 60.0
    period = _PERIODS.get((_plain(fields, ("sy:updateperiod",)) or "").lower())
    times = _plain(fields, ("sy:updatefrequency",)) or "1"
    if period and times.isascii() and times.isdigit() and 0 < int(times[:6]) < 100_000:
        return period / int(times[:6])
    return None
