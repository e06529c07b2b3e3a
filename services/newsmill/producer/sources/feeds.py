"""Saved feed files: their entries as the feed gave them then, for pages that are to be fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from newsmill.errors import BadRecord
from newsmill.producer.core import parse
from newsmill.producer.sources.base import At, FileSource, Item
from newsmill.records import Entry, Page, decode, encode

_ROOT = re.compile(rb"<((?:rss|feed|rdf:RDF|urlset|sitemapindex|channel))\b", re.I)
MAX_FEED = 20_000_000  # bytes
_SELF = re.compile(rb"<(?:atom:|a10:)?link\b[^<>]*\brel=[\"']self[\"'][^<>]*>", re.I)
_HREF = re.compile(rb"\bhref=[\"']([^\"'<>]{1,2000})[\"']", re.I)


def is_cut(body: bytes) -> bool:
    """Whether an XML document opens an element at its root that nothing closes."""
    opened = _ROOT.search(body, 0, 65536)
    return opened is not None and re.search(rb"</%s\s*>" % re.escape(opened[1]), body) is None


class FeedSource(FileSource):
    """One saved feed document; ``name`` stands for its address where it states none."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path)
        self._name = name

    def items(self, at: At) -> Iterator[Item]:
        """Its entries in the order of the document; a damaged item where it is cut, or no feed."""
        with self.path.open("rb") as file:
            body = file.read(MAX_FEED + 1)
        try:
            if len(body) > MAX_FEED:
                raise BadRecord("too_large", f"{self._name}: more than {MAX_FEED} bytes")
            entries = parse(body, self._address(body)).entries
        except BadRecord as error:
            if at.number == 0:
                at = replace(at, number=1)
                yield Item(1, 0, at, body[:65536], error)
            return
        for number, entry in enumerate(entries, 1):
            if number > at.number:
                at = replace(at, number=number)
                yield Item(number, 0, at, encode(entry))
        if is_cut(body) and at.number == len(entries):
            at = replace(at, number=at.number + 1)
            cut = BadRecord("source_cut", f"byte {len(body)}: the document is not closed")
            yield Item(at.number, len(body), at, b"", cut)

    def page(self, item: Item) -> tuple[Page, bytes] | Entry:
        """The entry."""
        return decode(Entry, item.raw)

    def _address(self, body: bytes) -> str:
        link = _SELF.search(body, 0, 65536)
        href = _HREF.search(link[0]) if link else None
        return href[1].decode("ascii", "ignore") if href else f"http://feed.invalid/{self._name}"
