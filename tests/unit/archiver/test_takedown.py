"""Captures taken down in place: the file as long as before, readable by others, the page gone."""

from __future__ import annotations

import gzip
import io
import zlib

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from newsmill.archiver.capture import tombstone
from newsmill.archiver.index import Index
from newsmill.archiver.takedown import MOST_STORED, forget_captures, stone
from newsmill.archiver.warc import RawPage, WarcArchive
from newsmill.bus.base import Place
from newsmill.producer.sources import At, expand, source_of
from newsmill.records import Denial, Page, page_header
from newsmill.urls import identity

PLACE = Place("pages", 0)
URN = "uuid:01234567-89ab-cdef-0123-456789abcdef"
AT = "2026-11-24T12:00:00Z"


def denial(key: str, reason: str = "a court's order") -> Denial:
    return Denial(key=key, at=AT, reason=reason)


def raw(url, body=b"<p>a story</p>", fetched="2026-01-02T03:04:05Z", **fields):
    page = Page(page_id=identity(url), url=url, fetched=fetched, status=200, **fields)
    return RawPage(page, page_header(page), body)


def archived(folder, *rows):
    archive = WarcArchive(folder, "live")
    archive.write(rows, "log", {}, {PLACE: len(rows)})
    archive.close()


def replayed(folder):
    found = []
    for path, name in expand([folder]):
        source = source_of(path, name)
        for item in source.items(At("")):
            assert item.damage is None
            found.append(source.page(item)[0].url)
    return found


@given(st.integers(350, 4 * MOST_STORED), st.text(max_size=300))
def test_a_tombstone_is_a_member_of_just_that_length(length, reason):
    made = stone(URN, denial("x", reason), length)
    assert len(made) == length
    decoder = zlib.decompressobj(31)
    record = decoder.decompress(made)
    assert decoder.eof
    assert not decoder.unused_data
    read = [(one.rec_type, one.content_stream().read()) for one in WarcioIterator(io.BytesIO(made))]
    assert [kind for kind, _ in read] == ["metadata"]
    assert read[0][1].startswith(b"removed: 2026-11-24T12:00:00Z"[: len(read[0][1])])
    assert record.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("around", [-6, -5, -1, 0, 1, 5, 6])
def test_a_tombstone_fits_where_its_blocks_meet(around):
    for blocks in (1, 2, 3):
        length = 18 + blocks * (MOST_STORED + 5) + around
        made = stone(URN, denial("x"), length)
        assert len(made) == length
        assert gzip.decompress(made).startswith(b"WARC/1.1\r\n")


def test_there_is_room_in_the_smallest_capture(tmp_path):
    archived(tmp_path, raw("http://a.example/"), raw("http://a.example/", fetched="2026-01-03"))
    index = Index(tmp_path)
    lengths = [one.length for one in index.captures()]
    index.close()
    assert len(lengths) == 2
    for length in lengths:
        assert b"court" in stone(URN, denial("x"), length)
    with pytest.raises(ValueError, match="a tombstone of"):
        tombstone(URN, AT, "", 100)


def test_a_page_is_taken_down_with_its_revisits_and_all_others_stay_where_they_were(tmp_path):
    one, other = "https://news.example/1", "https://news.example/2"
    archived(
        tmp_path,
        raw(one, b"secret " * 9000),
        raw(other),
        raw(one, b"secret " * 9000, fetched="2026-01-03T00:00:00Z"),
        raw(one, b"other words", fetched="2026-01-04T00:00:00Z"),
        raw(other, fetched="2026-01-04T00:00:00Z"),
    )
    (path,) = tmp_path.glob("*.warc.gz")
    before = path.read_bytes()
    assert forget_captures(tmp_path, [denial(identity(one))]) == 3
    assert forget_captures(tmp_path, [denial(identity(one))]) == 0
    after = path.read_bytes()
    assert len(after) == len(before)
    assert replayed(tmp_path) == [other, other]
    index = Index(tmp_path)
    places = [(one.offset, one.length) for one in index.captures(identity(other))]
    assert list(index.captures(identity(one))) == []
    index.close()
    assert all(after[at : at + size] == before[at : at + size] for at, size in places)
    with path.open("rb") as file:
        kinds = [r.headers["WARC-Type"] for r in ArchiveIterator(
            file, record_types=WarcRecordType.any_type, max_header_len=1 << 21
        )]  # fmt: skip
    assert kinds == [
        "warcinfo", "metadata", "response", "request", "metadata", "metadata", "revisit",
    ]  # fmt: skip
    with path.open("rb") as file:
        read = [r.content_stream().read() for r in WarcioIterator(file, check_digests=True)]
    assert b"secret" not in b"".join(read)
    assert b"secret" not in gzip.decompress(after)


def test_a_site_is_taken_down_with_all_below_it_and_what_leads_to_it(tmp_path):
    kept = ["https://example.org/a", "https://otherpaper.example/"]
    archived(
        tmp_path,
        raw("https://paper.example/1"),
        raw("https://m.paper.example/1"),
        raw("https://short.example/x", final_url="https://www.paper.example/2"),
        *map(raw, kept),
    )
    assert forget_captures(tmp_path, [denial("paper.example")]) == 3
    assert replayed(tmp_path) == kept


def test_what_was_taken_down_is_not_archived_again(tmp_path):
    archive = WarcArchive(tmp_path, "live")
    archive.write([raw("https://paper.example/1")], "log", {}, {PLACE: 1})
    archive.forget([denial("paper.example")])
    again = [raw("https://paper.example/1", b"new"), raw("https://news.example/1")]
    archive.write(again, "log", {PLACE: 1}, {PLACE: 3})
    archive.close()
    assert replayed(tmp_path) == ["https://news.example/1"]


def test_an_index_of_cdx_knows_what_is_left_alone(tmp_path):
    from cdxj_indexer import main as indexer

    kept, gone = "https://news.example/2", "https://news.example/1"
    again = "2026-01-04T00:00:00Z"
    archived(tmp_path, raw(gone, b"secret"), raw(kept), raw(kept, fetched=again))
    forget_captures(tmp_path, [denial(identity(gone))])
    out = io.StringIO()
    indexer.CDXJIndexer(out, [str(path) for path in tmp_path.glob("*.warc.gz")]).process_all()
    lines = out.getvalue().splitlines()
    assert sum(kept in line for line in lines) == 2
    assert "warc/revisit" in lines[-1]
    assert not any(gone in line for line in lines)
