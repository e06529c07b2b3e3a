"""Sources of a replay: every record once, from wherever reading goes on; damage by its place."""

from __future__ import annotations

import gzip
import io
from itertools import pairwise

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from newsmill.errors import BadRecord, Misconfigured
from newsmill.producer.sources import At, Unpaged, expand, source_of
from newsmill.producer.sources.texts import front_matter
from newsmill.records import Entry

BEGIN = At("head")
COUNT = 6


class Writer(WARCWriter):
    """Buffers in memory: the library leaves its temporary files open."""

    _create_temp_file = staticmethod(io.BytesIO)


def warc(*, compressed=True, kinds=("response",) * COUNT, status="200 OK", body=b"<p>story %d</p>"):
    """A WARC file of pages, written by a library that is not ours."""
    out = io.BytesIO()
    writer = Writer(out, gzip=compressed)
    writer.write_record(writer.create_warcinfo_record("sample.warc", {"software": "test"}))
    for number, kind in enumerate(kinds):
        http = StatusAndHeaders(
            status, [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
        )
        payload = io.BytesIO(body % number if b"%d" in body else body)
        record = writer.create_warc_record(
            f"http://news.example/{number}",
            kind,
            payload=payload,
            http_headers=None if kind == "metadata" else http,
            warc_headers_dict={"WARC-Date": f"2021-03-0{number + 1}T10:00:00.250Z"},
        )
        writer.write_record(record)
    return out.getvalue()


def read(path, at=BEGIN):
    return list(source_of(path, path.name).items(at))


def pages(path):
    source = source_of(path, path.name)
    return [source.page(item) for item in source.items(BEGIN)]


@pytest.fixture(name="put")
def _put(tmp_path):
    def put(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return put


WHOLE = {
    "warc.gz": warc(),
    "warc": warc(compressed=False),
    "warc.zst": b"".join(zstandard.compress(gzip.decompress(member)) for member in [warc()]),
    "one.warc.gz": gzip.compress(warc(compressed=False)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_response_is_a_page_as_it_was_fetched_then(put, name):
    found = pages(put(f"a.{name}", WHOLE[name]))
    assert [body for _, body in found] == [b"<p>story %d</p>" % n for n in range(COUNT)]
    page = found[2][0]
    assert (page.url, page.status, page.fetched) == (
        "http://news.example/2",
        200,
        "2021-03-03T10:00:00Z",
    )


@pytest.mark.parametrize("name", WHOLE)
def test_reading_goes_on_after_any_record(put, name):
    path = put(f"a.{name}", WHOLE[name])
    items = read(path)
    for number, item in enumerate(items):
        assert read(path, item.at) == items[number + 1 :]


@pytest.mark.parametrize("name", ["warc.gz", "warc"])
@given(data=st.data())
def test_a_file_cut_anywhere_is_a_prefix_and_never_looks_whole(tmp_path_factory, name, data):
    whole = WHOLE[name]
    cut = data.draw(st.integers(1, len(whole) - 1))
    path = tmp_path_factory.mktemp("cut") / f"a.{name}"
    path.write_bytes(whole[:cut])
    items = read(path)
    good = [item for item in items if item.damage is None]
    full = tmp_path_factory.mktemp("full") / f"a.{name}"
    full.write_bytes(whole)
    assert [item.raw for item in good] == [item.raw for item in read(full)][: len(good)]
    damaged = [item.damage.reason for item in items if item.damage]
    ends = {item.at.byte for item in read(full)} | {item.start for item in read(full)}
    assert damaged == ["source_cut"] or (damaged == [] and _at_a_border(whole, cut, ends))


def _at_a_border(whole, cut, ends):
    return (
        cut in ends
        or whole[cut : cut + 3] == b"\x1f\x8b\x08"
        or not whole[cut:].strip()
        or (whole[:cut].endswith((b"\r", b"\n")) and whole[cut:].lstrip(b"\r\n")[:5] == b"WARC/")
    )


@given(st.integers(0, len(WHOLE["warc.gz"]) - 1), st.integers(1, 255))
@example(1584, 28)  # hides the end of a member: all that follows reads on as more of it
def test_a_flipped_byte_costs_at_most_its_own_record(tmp_path_factory, at, flip):
    whole = bytearray(WHOLE["warc.gz"])
    whole[at] ^= flip
    path = tmp_path_factory.mktemp("flip") / "a.warc.gz"
    path.write_bytes(whole)
    items = read(path)
    good = {item.raw for item in items if item.damage is None}
    full = tmp_path_factory.mktemp("full") / "a.warc.gz"
    full.write_bytes(WHOLE["warc.gz"])
    assert len({item.raw for item in read(full)} - good) <= 1
    for before, after in pairwise(items):
        assert before.number < after.number


def test_rubbish_between_records_is_named_with_its_place_and_costs_nothing(put):
    whole = WHOLE["warc"]
    third = whole.index(b"WARC/1.0", whole.index(b"news.example/1"))
    path = put("a.warc", whole[:third] + b"rubbish\n" * 40 + whole[third:])
    items = read(path)
    assert [item.damage.reason for item in items if item.damage] == ["source_damaged"]
    assert f"byte {third} to {third + 320}" in str(next(i.damage for i in items if i.damage))
    assert sum(item.damage is None for item in items) == COUNT


def test_metadata_and_headers_are_passed_over_and_a_revisit_is_a_duplicate(put):
    path = put("a.warc.gz", warc(kinds=("metadata", "response", "revisit")))
    items = read(path)
    assert [item.number for item in items] == [3, 4]
    with pytest.raises(Unpaged) as told:
        source_of(path, "a").page(items[1])
    assert told.value.outcome == "duplicate"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (warc(kinds=("response",), status="404 Not Found"), "http_status"),
        (warc(kinds=("response",), body=b"x" * 5_000_001), "too_large"),
    ],
    ids=["status", "size"],
)
def test_a_response_that_is_no_page_says_why(put, made, reason):
    path = put("a.warc.gz", made)
    with pytest.raises(BadRecord) as told:
        pages(path)
    assert told.value.reason == reason


LINES = (
    b'{"url": "http://a.example/1", "text": "One\\n\\nText."}\n\n{"url": "http://a.example/2"}\n'
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", LINES),
        ("a.jsonl.gz", gzip.compress(LINES)),
        ("a.jsonl.zst", zstandard.compress(LINES)),
        ("b.jsonl.gz", gzip.compress(LINES[:30]) + gzip.compress(LINES[30:])),
    ],
    ids=["plain", "gzip", "zstd", "two members"],
)
def test_lines_are_pages_or_addresses_compressed_or_not(put, name, data):
    path = put(name, data)
    items = read(path)
    assert [item.number for item in items] == [1, 3]
    assert read(path, items[0].at) == items[1:]
    (page, body), entry = pages(path)
    assert (page.url, body) == ("http://a.example/1", b"One\n\nText.")
    assert isinstance(entry, Entry)
    assert entry.url == "http://a.example/2"


def test_compressed_lines_that_are_cut_say_so(put):
    items = read(put("a.jsonl.gz", gzip.compress(LINES * 50)[:-30]))
    assert [item.damage.reason for item in items if item.damage] == ["source_cut"]


def test_a_csv_row_is_a_page_or_an_address(put):
    path = put(
        "a.csv",
        b"URL,Title,Authors,html,fetched\r\n"
        b'http://a.example/1,"A, title",Ann; Bo,"<p>two\nlines</p>",2020-01-01T00:00:00Z\r\n'
        b"http://a.example/2,Other,,,\r\n",
    )
    (page, body), entry = pages(path)
    assert body == b"<p>two\nlines</p>"
    assert page.entry.authors == ("Ann", "Bo")
    assert page.fetched == "2020-01-01T00:00:00Z"
    assert (entry.url, entry.title) == ("http://a.example/2", "Other")
    assert read(path, read(path)[0].at) == read(path)[1:]


def test_a_table_without_a_column_to_read_is_refused_in_one_line(put):
    with pytest.raises(Misconfigured, match="needs a column url or text"):
        read(put("a.csv", b"name,age\nx,1\n"))


def test_a_parquet_row_is_a_page_and_reading_goes_on_within_a_file(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    table = arrow.table(
        {
            "url": [f"http://a.example/{n}" for n in range(10)],
            "text": [f"Title {n}\n\nText." for n in range(10)],
        }
    )
    parquet.write_table(table, path, row_group_size=4)
    items = read(path)
    assert len(items) == 10
    for number, item in enumerate(items):
        assert read(path, item.at) == items[number + 1 :]
    path.write_bytes(path.read_bytes()[:-10])
    assert [str(item.damage)[:14] for item in read(path)] == ["source_damaged"]


def test_a_text_is_an_article_with_what_its_front_matter_says(put):
    path = put(
        "a.txt",
        b"---\ntitle: 'A headline'\nurl: http://a.example/x\ndate: 2020-05-01\n"
        b"authors: [Ann Lee, Bo Li]\n---\nThe text.\n",
    )
    ((page, body),) = pages(path)
    assert body == b"A headline\n\nThe text.\n"
    assert (page.url, page.entry.published) == ("http://a.example/x", "2020-05-01")
    assert page.entry.authors == ("Ann Lee", "Bo Li")


def test_front_matter_may_hold_lists_and_stand_before_a_page_of_html(put):
    path = put(
        "a.html",
        b'---\ntitle: A headline\nlang: en\nauthor:\n  - "Ann Lee"\n  - Bo Li\n\n'
        b"keywords: rain, 'snow'\npublished: 2020-05-01T08:00:00+02:00\nfetched: 2020-05-02\n"
        b"permalink: http://a.example/x\n---\n<p>The text.\n",
    )
    ((page, body),) = pages(path)
    assert body == b"<p>The text.\n"
    assert (page.url, page.fetched) == ("http://a.example/x", "2020-05-02")
    assert page.entry.authors == ("Ann Lee", "Bo Li")
    assert page.entry.tags == ("rain", "snow")
    assert (page.entry.title, page.entry.language) == ("A headline", "en")


@given(st.text(max_size=200))
def test_text_without_front_matter_is_untouched(text):
    body = text.encode("utf-8", "replace")
    fields, rest = front_matter(body)
    if not fields:
        assert body.endswith(rest)
    assert front_matter(b"x" + body) == ({}, b"x" + body)


def test_a_saved_feed_gives_its_entries(put):
    path = put(
        "a.xml",
        b'<rss version="2.0"><channel><title>T</title>'
        b'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="http://f.example/r"/>'
        b"<item><title>One</title><link>http://f.example/1</link></item>"
        b"<item><title>Two</title><link>http://f.example/2</link></item></channel></rss>",
    )
    entries = pages(path)
    assert [(e.url, e.title, e.feed) for e in entries] == [
        ("http://f.example/1", "One", "http://f.example/r"),
        ("http://f.example/2", "Two", "http://f.example/r"),
    ]
    assert len(read(path, read(path)[0].at)) == 1
    assert [i.damage.reason for i in read(put("b.xml", b"<html>no feed</html>"))] == ["not_feed"]


def test_a_folder_is_read_in_order_of_path_without_what_it_does_not_know(tmp_path):
    for name in ("b/2.txt", "a/1.html", ".hidden/x.txt", "notes.doc", "c.warc.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [name for _, name in expand([tmp_path])] == ["a/1.html", "b/2.txt", "c.warc.gz"]
    assert [name for _, name in expand([f"{tmp_path}/*/*.txt"])] == ["x.txt", "2.txt"]
    with pytest.raises(Misconfigured, match="what kind of file"):
        expand([tmp_path / "notes.doc"])
    with pytest.raises(Misconfigured, match="no such file"):
        expand([tmp_path / "none.txt"])
