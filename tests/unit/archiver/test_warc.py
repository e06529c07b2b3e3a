"""The raw archive: WARC files that others read, nothing in half, replayed byte for byte."""

from __future__ import annotations

import os

import orjson
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from newsmill.archiver import warc
from newsmill.archiver.index import Index
from newsmill.archiver.store import StoreFenced
from newsmill.archiver.warc import RawPage, WarcArchive
from newsmill.bus.base import Place
from newsmill.producer.sources import At, expand, source_of
from newsmill.records import Entry, Page, page_header
from newsmill.urls import identity

PLACE = Place("pages", 0)


def raw(number, body=b"<p>a story</p>", fetched="2026-01-02T03:04:05Z"):
    url = f"https://news.example/{number}"
    entry = Entry(url=url, page_id=identity(url), title="Ein Titel – ü", summary="s" * 40_000)
    page = Page(
        page_id=identity(url),
        url=url,
        status=200,
        content_type="text/html; charset=utf-8",
        fetched=fetched,
        entry=entry,
    )
    return RawPage(page, page_header(page, None), body)


@pytest.fixture(name="folder")
def _folder(tmp_path):
    return tmp_path / "archive"


def write(archive, rows, to, before=None):
    archive.write(rows, "log", {} if before is None else {PLACE: before}, {PLACE: to})


def replayed(folder):
    found = []
    for path, name in expand([folder]):
        source = source_of(path, name)
        for item in source.items(At("")):
            assert item.damage is None
            found.append(source.page(item))
    return found


def test_what_is_archived_comes_back_byte_for_byte(folder):
    rows = [raw(1), raw(2, b"\xff\x00 bytes"), raw(1, fetched="2026-01-03T00:00:00Z")]
    archive = WarcArchive(folder, "live")
    write(archive, rows, 3)
    assert archive.positions("log") == {PLACE: 3}
    archive.close()
    assert replayed(folder) == [(row.page, row.body) for row in rows]
    assert [page_header(page, None) for page, _ in replayed(folder)] == [row.held for row in rows]


def test_an_unchanged_page_is_a_revisit_and_others_read_the_files(folder):
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1), raw(1, fetched="2026-01-03T00:00:00Z"), raw(1, b"new")], 3)
    archive.close()
    (path,) = folder.glob("*.warc.gz")
    kinds = ["warcinfo", "response", "request", "revisit", "response", "request"]
    with path.open("rb") as file:
        records = list(WarcioIterator(file, check_digests=True))
        assert [record.rec_type for record in records] == kinds
    with path.open("rb") as file:
        for record in ArchiveIterator(
            file, record_types=WarcRecordType.any_type, parse_http=False, max_header_len=1 << 21
        ):
            if "WARC-Block-Digest" in record.headers:
                record.freeze()
                assert record.verify_block_digest()


def test_a_page_that_comes_again_is_written_once(folder):
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1)], 1)
    write(archive, [raw(1), raw(2)], 3, before=1)
    archive.close()
    assert len(replayed(folder)) == 2


def test_a_writer_that_was_replaced_writes_nothing_and_leaves_no_tail(folder):
    zombie = WarcArchive(folder, "live")
    write(zombie, [raw(1)], 1)
    successor = WarcArchive(folder, "live")
    write(successor, [raw(2)], 2, before=1)
    with pytest.raises(StoreFenced):
        write(zombie, [raw(3)], 2, before=1)
    for archive in (zombie, successor):
        archive.close()
    assert [page.url[-1] for page, _ in replayed(folder)] == ["1", "2"]


def test_what_no_step_committed_is_cut_off_at_the_next_start(folder):
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1)], 1)
    (path,) = folder.glob("*.warc.gz")
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(os.urandom(100))
    (folder / "newsmill-live-20200101000000-00000.warc.gz").write_bytes(b"never committed")
    WarcArchive(folder, "live").close()
    assert [(each.name, each.stat().st_size) for each in folder.glob("*.gz")] == [(path.name, size)]
    archive.close()


def test_an_unchanged_page_is_found_in_the_file_that_holds_its_body(folder):
    archive = WarcArchive(folder, "live", max_file=1)
    write(archive, [raw(1), raw(2)], 2)
    write(archive, [raw(3), raw(4, b"four")], 4, before=2)
    write(archive, [raw(4, b"four", fetched="2026-01-09T00:00:00Z")], 5, before=4)
    archive.close()
    assert [(page.url[-1], body) for page, body in replayed(folder)][-2:] == [
        ("4", b"four"),
        ("4", b"four"),
    ]


def test_files_rotate_by_size(folder):
    archive = WarcArchive(folder, "live", max_file=1)
    for number in range(3):
        write(archive, [raw(number)], number + 1, before=number or None)
    archive.close()
    assert len(list(folder.glob("*.warc.gz"))) == 3
    assert [page.url[-1] for page, _ in replayed(folder)] == ["0", "1", "2"]


def test_files_rotate_by_age(folder, monkeypatch):
    monkeypatch.setattr(warc, "MAX_AGE_S", 0.0)
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1)], 1)
    write(archive, [raw(2)], 2, before=1)
    archive.close()
    assert len(list(folder.glob("*.warc.gz"))) == 2


def test_the_index_tells_all_captures_of_a_page_by_its_time(folder):
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1, fetched="2026-01-03T00:00:00Z"), raw(2), raw(1)], 3)
    archive.close()
    index = Index(folder)
    one = list(index.captures(raw(1).page.page_id))
    index.close()
    assert [capture.fetched for capture in one] == ["2026-01-02T03:04:05Z", "2026-01-03T00:00:00Z"]
    (path,) = folder.glob("*.warc.gz")
    for capture in one:
        with path.open("rb") as file:
            file.seek(capture.offset)
            record = next(ArchiveIterator(file, max_header_len=1 << 21))
            assert record.headers["WARC-Record-ID"] == f"<urn:{capture.urn}>"


def test_the_held_metadata_is_the_page_records_own(folder):
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1)], 1)
    archive.close()
    ((page, _),) = replayed(folder)
    assert orjson.loads(page_header(page, None))["entry"]["title"] == "Ein Titel – ü"


def test_what_an_archiver_is_writing_is_read_when_it_is_whole(folder):
    archive = WarcArchive(folder, "live")
    write(archive, [raw(1), raw(2), raw(3)], 3)
    archive.close()
    (path,) = folder.glob("*.warc.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: -len(whole) // 5])
    ((_, name),) = expand([path])
    first = list(source_of(path, name).items(At("")))
    assert len(first) == 2
    assert not any(item.damage for item in first)
    path.write_bytes(whole)
    rest = list(source_of(path, name).items(first[-1].at))
    assert [item.damage for item in rest] == [None]
    path.write_bytes(whole[: -len(whole) // 5])
    os.utime(path, (0, 0))  # nobody writes to it any more: it is cut
    last = list(source_of(path, name).items(first[-1].at))
    assert [item.damage.reason for item in last] == ["source_cut"]
