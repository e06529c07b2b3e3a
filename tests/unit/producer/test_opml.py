"""Lists of feeds are read as people have them, and written so that they can be compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.producer.core import read_opml, write_opml
from newsmill.records import Feed

LIST = b"""<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
<outline text="News &nbsp; &amp; more"><outline title="City"><outline type="rss" text="Paper"
 XMLURL=" https://paper.example/feed " htmlUrl="https://paper.example/"/></outline>
 <outline text="https://two.example/rss" xmlUrl="feed://two.example/rss" category="a,/b/c"/>
 </outline>
<outline text="Again" xmlUrl="https://paper.example/feed" category="a"/>
<outline type="link" url="https://three.example/list.opml" text="no feed"/></body></opml>"""


def test_nested_outlines_and_categories_are_tags_and_a_feed_is_one_feed() -> None:
    assert read_opml(LIST) == (
        Feed(url="https://paper.example/feed", title="Paper", tags=("News & more", "City", "a")),
        Feed(url="http://two.example/rss", title="https://two.example/rss",
             tags=("News & more", "a", "b", "c")),
    )  # fmt: skip


def test_a_plain_list_is_read_with_its_comments() -> None:
    text = b"# mine\nhttps://paper.example/feed\n\n  two.example/rss # second\n"
    assert [feed.url for feed in read_opml(text)] == [
        "https://paper.example/feed",
        "http://two.example/rss",
    ]


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b"", "not_feed", "the list of feeds is empty"),
        (b"<opml><body>\n<outline></body></opml>", "unparsable", "OPML: line 2: "),
        (b"<html></html>", "not_feed", "no OPML: its root is <html>"),
        (b"<opml>\n<outline xmlUrl='ftp://x.example/'/></opml>", "unparsable", "OPML: line 2: "),
        (b"https://a.example/\nThis is prose.", "unparsable", "line 2: "),
        (b"https://a.example/ b", "unparsable", "line 1: more than an address"),
        (b'{"feeds": []}', "unparsable", "line 1: "),
    ],
)  # fmt: skip
def test_what_is_no_list_is_named_with_its_line(data: bytes, reason: str, detail: str) -> None:
    with pytest.raises(BadRecord) as caught:
        read_opml(data)
    assert (caught.value.reason, caught.value.detail[: len(detail)]) == (reason, detail)
    assert "\n" not in caught.value.detail


def test_no_file_is_read_through_an_entity() -> None:
    body = LIST.replace(
        b"<opml", b'<!DOCTYPE opml [<!ENTITY xx SYSTEM "file:///etc/hostname">]><opml', 1
    ).replace(b"Paper", b"[&xx;]")
    assert read_opml(body)[0].title == "[&xx;]"


NAMES = st.text("abc é&<>\"'", min_size=1, max_size=12).map(str.strip).filter(bool)
FEEDS = st.builds(
    Feed,
    url=st.from_regex(r"https://[a-z]{1,8}\.example/[a-z]{0,8}", fullmatch=True),
    title=st.none() | NAMES.map(lambda name: " ".join(name.split())),
    tags=st.lists(NAMES.map(lambda name: " ".join(name.split())), max_size=4, unique=True).map(
        tuple
    ),
)


@given(st.lists(FEEDS, max_size=6, unique_by=lambda feed: feed.url))
def test_what_is_written_is_read_back_and_does_not_depend_on_order(feeds: list[Feed]) -> None:
    data = write_opml(feeds)
    assert list(read_opml(data)) == sorted(feeds, key=lambda feed: feed.url)
    assert write_opml(reversed(feeds)) == data


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_refused(data: bytes) -> None:
    for prefix in (b"", b"<opml><outline "):
        try:
            read_opml(prefix + data)
        except BadRecord:
            continue
