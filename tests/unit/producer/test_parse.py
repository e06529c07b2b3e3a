"""Feeds of every format, as sites write them, come out as the same entries."""

from __future__ import annotations

import gzip
import json

import pytest

from newsmill.errors import BadRecord
from newsmill.producer.core import ParsedFeed, parse
from newsmill.records import Entry
from newsmill.urls import identity

URL = "https://paper.example/feeds/all"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


def rss(items: str, channel: str = "", declaration: str = "", attributes: str = "") -> bytes:
    return (
        f'{declaration}<rss version="2.0" {attributes}><channel><title>The Paper</title>'
        f"<link>https://paper.example/</link>{channel}{items}</channel></rss>"
    ).encode()


def item(inner: str, link: str = "https://paper.example/a") -> str:
    return f"<item><link>{link}</link>{inner}</item>"


def only(feed: ParsedFeed) -> Entry:
    assert len(feed.entries) == 1
    return feed.entries[0]


def title_of(markup: str) -> str | None:
    return only(parse(rss(item(f"<title>{markup}</title>")), URL)).title


def test_an_rss_item_becomes_an_entry_with_all_that_the_feed_says_of_it() -> None:
    body = rss(
        item(
            """<title>Harbour &amp; bridge: &lt;b&gt;open&lt;/b&gt; again</title>
            <description><![CDATA[<p>The bridge</p><p>is open.</p>]]></description>
            <pubDate>Tue, 03 Jun 2025 09:39:21 +0200</pubDate>
            <dc:creator>Ida Moor</dc:creator><dc:creator>Jon Vale</dc:creator>
            <author>desk@paper.example</author><guid isPermaLink="false">tag:17</guid>
            <category>City</category><category>city</category><category>City</category>
            <enclosure url="/a.mp3" type="audio/mpeg" length="1200"/>""",
            link=" https://Paper.example/a?utm_source=rss#top\n",
        ),
        channel="<language>en-GB</language><ttl>15</ttl>",
        attributes='xmlns:dc="http://purl.org/dc/elements/1.1/"',
    )
    feed = parse(body, URL)
    entry = only(feed)
    assert (feed.kind, feed.title, feed.language, feed.ttl_s) == ("rss", "The Paper", "en-gb", 900)
    assert feed.site_url == "https://paper.example/"
    assert entry.url == "https://paper.example/a"
    assert entry.page_id == identity("https://paper.example/a")
    assert entry.feed == URL
    assert entry.title == "Harbour & bridge: open again"
    assert entry.summary == "The bridge is open."
    assert entry.published == "2025-06-03T09:39:21+02:00"
    assert entry.updated is None
    assert entry.authors == ("Ida Moor", "Jon Vale")
    assert entry.guid == "tag:17"
    assert entry.tags == ("City", "city")
    assert entry.language == "en-gb"
    assert entry.enclosures[0].url == "https://paper.example/a.mp3"
    assert entry.enclosures[0].length == 1200


def test_an_atom_entry_inherits_authors_and_language_and_resolves_by_xml_base() -> None:
    body = f"""<?xml version="1.0"?><feed {ATOM} xml:lang="de" xml:base="https://paper.example/de/">
      <title type="text">Blatt</title><author><name>Redaktion</name></author>
      <link rel="self" href="feed"/><link href="./"/>
      <entry><id>urn:1</id><title type="html">Br&amp;uuml;cke &amp;lt;offen&amp;gt;</title>
        <link rel="enclosure" href="x.mp3" length="none"/><link href="eins"/>
        <updated>2025-06-03T07:00:00Z</updated></entry>
      <entry xml:lang="fr"><id>https://paper.example/deux</id><author><name>Zoé</name></author>
        <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Le <em>pont</em></div></title>
        <published>2025-06-03</published></entry></feed>""".encode()
    feed = parse(body, URL)
    first, second = feed.entries
    assert (feed.kind, feed.title, feed.site_url) == ("atom", "Blatt", "https://paper.example/de/")
    assert first.url == "https://paper.example/de/eins"
    assert first.title == "Brücke <offen>"
    assert (first.authors, first.language) == (("Redaktion",), "de")
    assert (first.published, first.updated) == (None, "2025-06-03T07:00:00+00:00")
    assert first.enclosures[0].length is None
    assert second.url == "https://paper.example/deux"
    assert (second.title, second.authors, second.language) == ("Le pont", ("Zoé",), "fr")
    assert second.published == "2025-06-03"


def test_an_rdf_feed_is_read_with_its_dublin_core() -> None:
    body = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns="http://purl.org/rss/1.0/" xmlns:d="http://purl.org/dc/elements/1.1/"
      xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
      <channel rdf:about="x"><title>Old</title><sy:updatePeriod>daily</sy:updatePeriod>
      <sy:updateFrequency>4</sy:updateFrequency></channel>
      <item rdf:about="https://paper.example/1"><title>One</title><d:date>2025-01-02T03:04+01:00</d:date>
      <d:creator>Ann</d:creator></item></rdf:RDF>"""
    feed = parse(body, URL)
    entry = only(feed)
    assert feed.ttl_s == 21_600
    assert (entry.url, entry.title) == ("https://paper.example/1", "One")
    assert (entry.published, entry.authors) == ("2025-01-02T03:04:00+01:00", ("Ann",))


def test_a_json_feed_is_read_in_both_versions() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "J",
        "language": "en",
        "authors": [{"name": "House"}],
        "items": [
            {"id": 7, "url": "/a", "title": "A", "content_html": "<p>x</p>", "tags": ["t", 3]},
            {"id": "b", "url": "https://paper.example/b", "author": {"name": "Old"},
             "date_published": "2025-06-03T07:00:00-05:00",
             "attachments": [{"url": "b.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 9}, 1]},
            {"id": "c"},
            "none",
        ],
    }  # fmt: skip
    parsed = parse(json.dumps(feed).encode(), URL)
    first, second = parsed.entries
    assert (parsed.kind, parsed.skipped) == ("json", 2)
    assert (first.url, first.guid, first.summary) == ("https://paper.example/a", "7", "x")
    assert (first.authors, first.tags, first.language) == (("House",), ("t",), "en")
    assert (second.authors, second.published) == (("Old",), "2025-06-03T07:00:00-05:00")
    assert second.enclosures[0].url == "https://paper.example/feeds/b.mp3"


def test_a_lone_surrogate_in_json_costs_no_more_than_itself() -> None:
    body = rb'{"items": [{"url": "/a", "title": "x\ud800y"}, {"url": "/b"}]}'
    assert [entry.title for entry in parse(body, URL).entries] == ["x y", None]


def test_a_news_sitemap_an_index_and_a_text_list_are_feeds() -> None:
    news = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
      xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"
      xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url>
      <image:image><image:loc>https://cdn.example/i.jpg</image:loc></image:image>
      <loc> https://paper.example/a?x=1&y=2 </loc><lastmod>2025-06-04</lastmod><n:news>
      <n:publication><n:name>P</n:name><n:language>en</n:language></n:publication>
      <n:publication_date>2025-06-03T07:00:00Z</n:publication_date><n:title>Q &amp; A</n:title>
      <n:keywords>city, ,bridge</n:keywords></n:news></url></urlset>"""
    entry = only(parse(news, URL))
    assert (entry.url, entry.title) == ("https://paper.example/a?x=1&y=2", "Q & A")
    assert (entry.published, entry.updated) == ("2025-06-03T07:00:00+00:00", "2025-06-04")
    assert (entry.tags, entry.language) == (("city", "bridge"), "en")
    assert parse(gzip.compress(news), URL).entries == (entry,)

    index = b"""<sitemapindex><sitemap><loc>/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>
      <sitemap><loc>/new.xml</loc><lastmod>2025-01-01</lastmod></sitemap></sitemapindex>"""
    parsed = parse(index, URL)
    assert parsed.kind == "index"
    assert parsed.children == ("https://paper.example/new.xml", "https://paper.example/old.xml")

    listed = parse(b"https://paper.example/a\n\nhttps://paper.example/b\n", URL)
    assert [entry.url for entry in listed.entries] == [
        "https://paper.example/a",
        "https://paper.example/b",
    ]


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("5 &lt; 8 &amp; 9", "5 < 8 & 9"),
        ("&amp;lt;b&amp;gt; is a tag", "<b> is a tag"),
        ("<![CDATA[AT&amp;T <i>buys</i>]]>", "AT&T buys"),
        ("Caf&eacute; &hellip; &amp;#8217;s", "Café … ’s"),
        ("Rock & Roll &copyright", "Rock & Roll &copyright"),
        ("sa&lt;!-- x --&gt;fe &lt;script&gt;alert(1)&lt;/script&gt;", "safe"),
        ("shares of &lt;BIGCO&gt;", "shares of <BIGCO>"),
        ("a <b>bold</b> word", "a bold word"),
        ("\x1b[31mred\x07 \t\n line", "[31mred line"),
        ("&#xD800;a&#x110000;b&#99999999999999;c&#0;&#x1;", "abc"),
        ("&#65;&#x42;&#x0000043;&#0000068;", "ABCD"),
        ("x" * 3000, "x" * 1023 + "…"),
        ("  ", None),
    ],
)  # fmt: skip
def test_a_title_is_what_a_reader_would_see(markup: str, title: str | None) -> None:
    assert title_of(markup) == title


def test_atom_text_is_literal_where_html_is_not() -> None:
    body = f"""<feed {ATOM}><entry><link href="/a"/><title>The &lt;b&gt; tag</title></entry>
      <entry><link href="/b"/><title type="html">The &lt;b&gt;b&lt;/b&gt; tag</title></entry>
      </feed>"""
    titles = [entry.title for entry in parse(body.encode(), URL).entries]
    assert titles == ["The <b> tag", "The b tag"]


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ("<link>a</link><fb:origLink>https://o.example/1</fb:origLink>", "https://o.example/1"),
        ("<guid>https://paper.example/g</guid>", "https://paper.example/g"),
        ("<link></link><guid>https://paper.example/g</guid>", "https://paper.example/g"),
        ('<guid isPermaLink="false">https://paper.example/g</guid>', None),
        ('<atom:link href="/h"/>', "https://paper.example/h"),
        ('<atom:link rel="replies" href="/h"/>', None),
        ("<link>javascript:alert(1)</link>", None),
        ("<link>http://paper.example:99999999/x</link>", None),
        ("<link>/rel?a=1&b=2</link>", "https://paper.example/rel?a=1&b=2"),
        ("<title>no link</title>", None),
    ],
)  # fmt: skip
def test_the_link_is_the_first_that_is_a_web_address(fields: str, url: str | None) -> None:
    spaces = (
        'xmlns:fb="http://rssnamespace.org/feedburner/ext/1.0" '
        'xmlns:atom="http://www.w3.org/2005/Atom"'
    )
    feed = parse(rss(f"<item>{fields}</item>", attributes=spaces), URL)
    assert [entry.url for entry in feed.entries] == ([url] if url else [])
    assert feed.skipped == (0 if url else 1)


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("ida@paper.example (Ida Moor)", "Ida Moor"),
        ("Ida Moor (ida@paper.example)", "Ida Moor"),
        ("Ida Moor &lt;ida@paper.example&gt;", "Ida Moor"),
        ("ida@paper.example", "ida@paper.example"),
        ("Ida Moor", "Ida Moor"),
    ],
)
def test_an_author_is_named_without_the_mailbox(author: str, name: str) -> None:
    entry = only(parse(rss(item(f"<author>{author}</author>")), URL))
    assert entry.authors == (name,)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("content_type", [None, "text/xml; charset=iso-8859-1", "text/xml"])
def test_unicode_is_read_whatever_the_label_says(codec: str, content_type: str | None) -> None:
    feed = rss(item("<title>Ünï — ж</title>")).decode().encode(codec)
    assert only(parse(feed, URL, content_type=content_type)).title == "Ünï — ж"


@pytest.mark.parametrize(
    "label", ["iso-8859-1", "windows-1252", "utf-8", "no-such", "zip", "punycode"]
)
def test_western_bytes_are_read_whatever_the_label_says(label: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{label}"?>'
    body = rss(item("<title>Café “x”</title>"), declaration=declaration).decode().encode("cp1252")
    assert only(parse(body, URL)).title == "Café “x”"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("koi8-r", "Мост открыт"), ("gb2312", "大桥开通"), ("shift_jis", "橋が開通"),
        ("euc-kr", "다리 개통"), ("iso-2022-jp", "橋が開通"), ("iso-8859-2", "Most otwarty żółty"),
    ],
)  # fmt: skip
def test_a_declared_charset_is_taken(label: str, text: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{label}"?>'
    body = rss(item(f"<title>{text}</title>"), declaration=declaration).decode().encode(label)
    assert only(parse(body, URL)).title == text


def test_one_stray_byte_does_not_spoil_the_rest() -> None:
    body = rss(item("<title>Ж ITEM</title>")).replace(b"ITEM", b"caf\xe9")
    assert only(parse(body, URL)).title == "Ж café"


def test_broken_markup_is_read_as_far_as_it_can_be_and_marked() -> None:
    body = b"Warning: x() in y.php\n<?xml version='1.0'?>" + rss(
        "<item><title>Un<b>closed</title><link>/a</link></item>"
        "<item><media:title>pre</media:title><link>/b</link></item>"
    )
    feed = parse(body, URL)
    assert feed.broken
    assert [entry.url for entry in feed.entries] == [
        "https://paper.example/a",
        "https://paper.example/b",
    ]
    assert feed.entries[1].title == "pre"


def test_items_that_are_never_closed_are_found() -> None:
    body = b"<rss><channel><item><link>/a</link><item><link>/b</link></channel></rss>"
    assert [entry.url for entry in parse(body, URL).entries] == [
        "https://paper.example/a",
        "https://paper.example/b",
    ]


def test_the_last_item_of_a_cut_document_is_left_out_and_counted() -> None:
    whole = rss(item("", "https://paper.example/one") + item("", "https://paper.example/twelve"))
    cut = parse(whole[: whole.index(b"elve")], URL)
    assert [entry.url for entry in cut.entries] == ["https://paper.example/one"]
    assert (cut.skipped, cut.broken) == (1, True)


def test_the_last_item_of_a_document_that_lacks_only_its_end_is_kept() -> None:
    body = rss(item("", "/one") + item("", "/two")).removesuffix(b"</channel></rss>")
    assert len(parse(body, URL).entries) == 2


def test_an_unreadable_date_is_none_and_counted() -> None:
    body = rss(item("<pubDate>yesterday</pubDate>", "/a") + item("<pubDate></pubDate>", "/b"))
    feed = parse(body, URL)
    assert [entry.published for entry in feed.entries] == [None, None]
    assert feed.dates_unparsed == 1


def test_the_newest_of_too_many_entries_are_kept_and_the_rest_counted() -> None:
    items = "".join(
        item(
            f"<pubDate>2025-01-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z</pubDate>", f"/{n}"
        )
        for n in range(6000)
    )
    feed = parse(rss(items), URL)
    assert (len(feed.entries), feed.truncated) == (5000, 1000)
    assert feed.entries[0].url == "https://paper.example/1000"


def test_items_that_share_an_address_are_the_newest_of_them() -> None:
    body = rss(
        item("<title>old</title><pubDate>2025-01-01</pubDate>", "/live#1")
        + item("<title>new</title><pubDate>2025-01-02</pubDate>", "/live#2")
        + item("<title>older</title><pubDate>2024-01-02</pubDate>", "/live#3")
    )
    assert only(parse(body, URL)).title == "new"


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b"", "not_feed", "empty"),
        (b" \n ", "not_feed", "empty"),
        (b"<!doctype html><html><p>404</p></html>", "not_feed", "an HTML page"),
        (b"<html><body>&lt;rss> <rss></body></html>", "not_feed", "an HTML page"),
        (b"hello", "not_feed", "text that is neither XML nor JSON"),
        (b"<svg/>", "not_feed", "XML of another kind (<svg>)"),
        (b"<?xml version='1.0'?><!-- x --><opml/>", "not_feed", "an OPML list of feeds: import it"),
        (b'{"a": 1}', "not_feed", "JSON that is no JSON Feed"),
        (b"[1, 2", "unparsable", "JSON: "),
        (b"\x1f\x8b\x08junk", "encoding", "gzip: "),
        (gzip.compress(b"<rss/>" * 99, mtime=0)[:-9], "truncated", "gzip: "),
        (gzip.compress(b" " * 20_000_001, mtime=0), "too_large", "more than"),
        (b" " * 20_000_001, "too_large", "20000001 bytes"),
        (b"<rss>" + b"<a>" * 2_000_001, "too_deep", "2000002 tags"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else None,
)
def test_what_is_no_feed_is_refused_by_name(body: bytes, reason: str, detail: str) -> None:
    with pytest.raises(BadRecord) as caught:
        parse(body, URL)
    assert (caught.value.reason, caught.value.detail[: len(detail)]) == (reason, detail)
