"""Reads sitemaps: news sitemaps, plain ones, indexes of them, and lists of addresses in text.

A plain sitemap is a feed too: ``lastmod`` is when its page was updated, and a first poll takes the
newest. (A page without one has no age: the caps of a first poll hold for it, its age limit cannot.)
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from newsmill.producer.core.dates import DateReader, instant
from newsmill.producer.core.items import MAX_CHILDREN, Item, ParsedFeed, address, feed_of
from newsmill.producer.core.mending import ends_within
from newsmill.producer.core.plain import MAX_MARKUP, MAX_TITLE, from_html
from newsmill.producer.core.xmltree import Names, inner_text, tree_of


def read(text: str, url: str) -> ParsedFeed:
    """The sitemap in a repaired document; raises BadRecord (``unparsable``)."""
    root, broken = tree_of(text, url)
    names = Names(root)
    rows = list(_rows(root, names, "url"))
    cut = broken and len(rows) > 0 and ends_within(text, "urlset", "url")
    if cut:
        rows.pop()  # its address may be half an address
    return feed_of("sitemap", url, rows, _item, _age, skipped=int(cut), broken=broken)


def read_index(text: str, url: str) -> ParsedFeed:
    """The children of a sitemap index, the newest first, an address once."""
    root, broken = tree_of(text, url)
    dates = DateReader()
    children: dict[str, float] = {}
    skipped = 0
    for fields in _rows(root, Names(root), "sitemap"):
        child = address(fields.get("loc"), url)
        skipped += child is None
        if child:
            children.setdefault(child, instant(dates.read(fields.get("lastmod"))) or 0.0)
    newest = sorted(children, key=lambda child: -children[child])
    return ParsedFeed(
        kind="index",
        children=tuple(newest[:MAX_CHILDREN]),
        skipped=skipped,
        truncated=max(0, len(newest) - MAX_CHILDREN),
        broken=broken,
    )


def read_text(text: str, url: str) -> ParsedFeed:
    """A text sitemap: one address a line."""
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    return feed_of("sitemap", url, lines, lambda line: Item(links=[line]), lambda line: None)


def is_text(text: str) -> bool:
    """Whether every line is a web address, or empty."""
    start = text[:200].lstrip().lower()
    if not start.startswith(("http://", "https://")):
        return False
    lines = filter(None, map(str.strip, text.splitlines()))
    return all(
        line.lower().startswith(("http://", "https://")) and " " not in line for line in lines
    )


def _rows(root: etree._Element, names: Names, row: str) -> Iterator[dict[str, str]]:
    """The fields of each row, those of its ``news:news`` among them; the first of a name counts."""
    for name, element in names.children(root):
        if name == row:
            fields: dict[str, str] = {}
            for child_name, child in names.children(element):
                if child_name == "news:news":
                    for part_name, part in names.children(child):
                        _flat(fields, part_name, part, names)
                else:
                    fields.setdefault(child_name, inner_text(child, MAX_MARKUP).strip())
            yield fields


def _flat(fields: dict[str, str], name: str, part: etree._Element, names: Names) -> None:
    if name == "news:publication":
        for inner_name, inner in names.children(part):
            fields.setdefault(inner_name, inner_text(inner, MAX_TITLE).strip())
    fields.setdefault(name, inner_text(part, MAX_MARKUP).strip())


def _age(fields: dict[str, str]) -> str | None:
    return fields.get("news:publication_date") or fields.get("lastmod")


def _item(fields: dict[str, str]) -> Item:
    return Item(
        links=[fields.get("loc", "")],
        title=from_html(fields.get("news:title", ""), MAX_TITLE),
        published=fields.get("news:publication_date"),
        updated=fields.get("lastmod"),
        tags=fields.get("news:keywords", "").split(","),
        language=fields.get("news:language"),
    )
