"""Reads and writes lists of feeds: OPML, as feed readers export it, and plain lists of URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from newsmill.errors import BadRecord
from newsmill.producer.core.decoding import decode
from newsmill.producer.core.mending import mend, prologue_end
from newsmill.producer.core.plain import MAX_TAG, MAX_TITLE, one_line
from newsmill.producer.core.xmltree import attribute
from newsmill.records import Feed
from newsmill.urls import normalise

MAX_TAGS = 20
_SUBSCRIBE = re.compile(r"\Afeed:(?://)?", re.I)  # the scheme of old "subscribe" links


def read_opml(data: bytes) -> tuple[Feed, ...]:
    """The feeds of an OPML document, or of a list with one address a line (``#`` begins a comment).

    The outlines that a feed stands in, and its ``category``, become its tags. A feed that is named
    twice is one feed with the tags of both. Raises BadRecord (``unparsable``, ``not_feed``,
    ``too_large``) with one line that says where.
    """
    text = decode(data)
    start = text.lstrip()
    if not start:
        raise BadRecord("not_feed", "the list of feeds is empty")
    return _merged(_outlines(text) if start.startswith("<") else _lines(text))


def write_opml(feeds: Iterable[Feed], title: str = "newsmill") -> bytes:
    """OPML 2.0, sorted by address: the same bytes for the same feeds."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for feed in sorted(feeds, key=lambda feed: feed.url):
        outline = etree.SubElement(body, "outline", type="rss", text=feed.title or feed.url)
        outline.set("xmlUrl", feed.url)
        if feed.tags:
            outline.set(
                "category", ",".join(tag.replace(",", " ").lstrip("/ ") for tag in feed.tags)
            )
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _lines(text: str) -> list[Feed]:
    feeds = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            url = _feed_url(words[0])
        except ValueError as error:
            raise BadRecord("unparsable", f"line {number}: {error}") from None
        if len(words) > 1 and not words[1].startswith("#"):
            raise BadRecord(
                "unparsable", f"line {number}: more than an address in {line.strip()[:80]!r}"
            )
        feeds.append(Feed(url=url))
    return feeds


def _outlines(text: str) -> list[Feed]:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(mend(text, prologue_end(text)).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise BadRecord("unparsable", f"OPML: line {error.lineno or 1}: {error.msg}") from None
    if not str(root.tag).lower().endswith("opml"):
        raise BadRecord("not_feed", f"no OPML: its root is <{str(root.tag)[:80]}>")
    feeds: list[Feed] = []
    todo: list[tuple[etree._Element, tuple[str, ...]]] = [(root, ())]
    while todo:  # in the order of the document, however deep it is nested
        element, within = todo.pop()
        name = _name(element)
        feed = _feed(element, within)
        if feed is not None:
            feeds.append(feed)
        elif name == "outline" and (label := one_line(_label(element) or "", MAX_TAG)):
            within = (*within, label)[:MAX_TAGS]
        todo.extend((child, within) for child in reversed(element) if _name(child) != "head")
    return feeds


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _label(element: etree._Element) -> str | None:
    return attribute(element, "title") or attribute(element, "text")


def _feed(element: etree._Element, within: tuple[str, ...]) -> Feed | None:
    """The feed of an outline with an ``xmlUrl``; None for any other element."""
    address = (attribute(element, "xmlurl") or "").strip()
    if not address or _name(element) != "outline":
        return None
    try:
        url = _feed_url(address)
    except ValueError as error:
        raise BadRecord("unparsable", f"OPML: line {element.sourceline}: {error}") from None
    tags = [
        one_line(part.strip(" /"), MAX_TAG)
        for category in (attribute(element, "category") or "").split(",")[: 10 * MAX_TAGS]
        for part in (category.split("/") if category.strip().startswith("/") else [category])
    ]
    title = one_line(_label(element) or "", MAX_TITLE)
    return Feed(
        url=url,
        title=None if title == url else title,
        tags=(*within, *(tag for tag in tags if tag)),
    )


def _feed_url(address: str) -> str:
    address = _SUBSCRIBE.sub("", address)
    if "://" not in address:
        if "." not in address:
            raise ValueError(f"{address[:80]!r} is no web address")
        address = f"http://{address}"
    return normalise(address)


def _merged(feeds: list[Feed]) -> tuple[Feed, ...]:
    merged: dict[str, Feed] = {}
    for feed in feeds:
        known = merged.get(feed.url, feed)
        tags = tuple(dict.fromkeys((*known.tags, *feed.tags)))[:MAX_TAGS]
        merged[feed.url] = Feed(url=feed.url, title=known.title or feed.title, tags=tags)
    return tuple(merged.values())
