"""Hostile feeds cost no more time than honest ones of their size, and no good item beside them."""

from __future__ import annotations

import time

import pytest

from newsmill.producer.core import parse

HEAD = b'<rss version="2.0"><channel><title>F</title>'
GOOD = b"<item><title>fine</title><link>http://e.example/fine</link></item></channel></rss>"
LIMIT_S = 5.0  # each takes well under one second on an idle machine
ITUNES = b'<item xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><itunes:keywords>'


def wrapped(name: bytes, inner: bytes) -> bytes:
    return b"<item><%s>%s</%s></item>" % (name, inner, name)


def many(form: bytes, count: int) -> bytes:
    return b"".join(form.replace(b"%", b"%d" % number) for number in range(count))


HAZARDS = {
    "keywords": ITUNES + many(b"k%,", 200_000) + b"</itunes:keywords></item>",
    "categories": b"<item>" + many(b"<category>%</category>", 100_000) + b"</item>",
    "author": wrapped(b"author", b"a" * 500_000 + b"@"),
    "style": wrapped(b"description", b'&lt;p style="' + b" " * 300_000 + b'!"'),
    "attributes": b"<item" + many(b" a%='1'", 50_000) + b"></item>",
    "one long attribute": b"<item a='" + b"x" * 5_000_000 + b"'></item>",
    "a node of 12 MB": wrapped(b"description", b"<![CDATA[" + b"<p>text</p>" * 1_100_000 + b"]]>"),
    "comments": wrapped(b"description", b"&lt;!--" * 200_000),
    "scripts": wrapped(b"description", b"&lt;script&gt;" * 100_000),
    "tags": wrapped(b"description", b"&lt;a" * 300_000),
    "ampersands": wrapped(b"description", b"&" * 500_000),
    "namespaces": many(b"<n%:a xmlns:n%='u%'/>", 50_000),
    "raw tags in a title": wrapped(b"title", b"<b>" * 200_000),
    "bad dates": many(b"<item><link>/%</link><pubDate>% foo bar 20xx</pubDate></item>", 2000),
    "spaces in a date": wrapped(b"pubDate", b"1" + b" " * 500_000 + b"x"),
}


@pytest.mark.parametrize("name", HAZARDS)
def test_a_hazard_costs_neither_time_nor_its_neighbour(name: str) -> None:
    started = time.monotonic()
    feed = parse(HEAD + HAZARDS[name] + GOOD, "http://e.example/feed")
    assert time.monotonic() - started < LIMIT_S
    assert "http://e.example/fine" in [entry.url for entry in feed.entries]


def test_a_hopeless_document_costs_no_time_and_is_marked() -> None:
    started = time.monotonic()
    for tag in (b"<title>", b"<item>", b"<a>", b"<![CDATA[", b"</item>"):
        assert parse(HEAD + tag * 200_000 + b"</title>" * 200_000, "http://e.example/feed").broken
    assert time.monotonic() - started < LIMIT_S


def test_entities_neither_grow_nor_read_files() -> None:
    laughs = b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n + 1, n, n) for n in range(40))
    subset = (
        b'<!ENTITY a0 "ha">'
        + laughs
        + b'<!ENTITY xx SYSTEM "file:///etc/hostname"><!ENTITY ok "yes">'
    )
    body = b"<!DOCTYPE rss [" + subset + b"]>" + HEAD + b"<item><title>&a40;|&xx;|&ok;</title>"
    feed = parse(body + b"<link>/x</link></item>" + GOOD, "http://e.example/feed")
    assert feed.entries[0].title == "&a40;|&xx;|yes"


def test_uses_of_an_entity_are_bounded_as_a_whole() -> None:
    body = b'<!DOCTYPE rss [<!ENTITY ab "' + b"x" * 200 + b'">]>' + HEAD
    feed = parse(body + wrapped(b"description", b"&ab;" * 300_000) + GOOD, "http://e.example/feed")
    assert len(feed.entries) == 1
