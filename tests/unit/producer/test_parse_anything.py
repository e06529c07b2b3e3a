"""Whatever the bytes, they are read as a feed or refused by name."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.producer.core import parse
from newsmill.urls import identity

URL = "https://paper.example/feeds/all"

PIECES = [
    "<rss>", "<channel>", "<item>", "</item>", "<feed>", "<entry>", "<link>", "</link>", "<title>",
    "</title>", "https://paper.example/a", "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&#xD800;",
    "&", "<", ">", '"', "<!DOCTYPE x [", "<!ENTITY ab 'c'>", "]>", "&ab;", "<urlset>", "<url>",
    "<loc>", "{", '"items":', "[", "]", "}", ",", "\\ud800", "\x00", "é", "<a:b>", " xmlns:a='u'",
    "<?xml version='1.0'?>", "<pubDate>", "2025-01-01", "</pubDate>", "<guid isPermaLink='x'>",
    "<sitemapindex>", "<sitemap>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_heap_of_markup_is_read_or_refused(text: str) -> None:
    for body in (text.encode(), b"<rss><channel>" + text.encode(), text.encode("utf-16")):
        try:
            feed = parse(body, URL)
        except BadRecord:
            continue
        assert all(entry.page_id == identity(entry.url) for entry in feed.entries)


@given(st.binary(max_size=300), st.sampled_from([None, "text/xml; charset=utf-16", "charset=\x00"]))
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str | None) -> None:
    for prefix in (b"", b"<rss><item>", b'{"items":[', b"<urlset><url><loc>", b"\x1f\x8b"):
        try:
            parse(prefix + body, URL, content_type=content_type)
        except BadRecord:
            continue


MEMBERS = [
    "url", "id", "title", "author", "authors", "name", "attachments", "tags", "summary",
    "size_in_bytes", "content_html", "date_published",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["title", "language", "authors", "items"]), JSON), JSON)
def test_any_json_is_read_or_refused(feed: dict[str, object], one: object) -> None:
    for value in (feed, {**feed, "items": [one, {"url": "/a", "title": one, "authors": one}]}):
        try:
            parse(json.dumps(value).encode(), URL)
        except BadRecord:
            continue
