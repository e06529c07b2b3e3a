"""The SQLite store: what goes in comes out, folded, in any order; and positions are fences."""

from __future__ import annotations

import random
from itertools import groupby
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsmill.archiver import database
from newsmill.archiver.core.fold import Row, newest_per_page, row_of, speaks_for
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import CHUNK, Store, StoreFenced
from newsmill.bus.base import Place
from newsmill.errors import BadRecord, Misconfigured
from newsmill.records import splice
from newsmill.urls import identity
from unit.archiver.rows import SITE, content, record, row

ZERO, ONE = Place("enriched", 0), Place("enriched", 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "articles.db"


def test_it_is_a_store(path: Path) -> None:
    with SqliteStore(path) as store:
        kept: Store = store
        kept.write([row("a")], "log", {}, {ZERO: 7})
        assert kept.positions("log") == {ZERO: 7}


def test_a_record_comes_out_byte_for_byte(path: Path) -> None:
    value = splice(record("a", text="ragged \u2028 “text” \U0001f5de"), b'{"new": {"x": 1.50} }')
    with SqliteStore(path) as store:
        store.write([row_of(value)], "log", {}, {ZERO: 1})
        assert list(store.articles()) == [value]
    with SqliteStore(path, readonly=True) as store:
        assert list(store.articles()) == [value]


def test_articles_come_by_id_over_several_chunks(path: Path) -> None:
    rows = [row(f"story-{n}") for n in range(CHUNK * 2 + 1)]
    with SqliteStore(path) as store:
        store.write(rows, "log", {}, {ZERO: 1})
        came = [row_of(value).article_id for value in store.articles()]
        assert came == sorted(r.article_id for r in rows)
        assert store.count() == store.pages() == len(rows)


def test_two_pages_of_one_article_are_folded(path: Path) -> None:
    desktop = row("a")
    amp = row("amp/a", canonical="a", fetched="2026-11-03T00:00:00Z", revision="r2")
    with SqliteStore(path) as store:
        store.write([desktop, amp], "log", {}, {ZERO: 2})
        assert list(store.articles()) == [amp.record]
        assert (store.count(), store.pages()) == (1, 2)


def test_an_article_whose_only_page_changed_its_canonical_url_is_gone(path: Path) -> None:
    before = row("a", canonical="old")
    after = row("a", canonical="new", fetched="2026-11-03T00:00:00Z")
    with SqliteStore(path) as store:
        store.write([before], "log", {}, {ZERO: 1})
        store.write([after], "log", {ZERO: 1}, {ZERO: 2})
        assert list(store.articles()) == [after.record]
        assert store.find(before.article_id) is None


def test_an_article_that_one_of_its_pages_left_is_told_by_the_other(path: Path) -> None:
    stays = row("a", canonical="old", fetched="2026-11-01")
    leaves = row("b", canonical="old", fetched="2026-11-02")
    left = row("b", canonical="new", fetched="2026-11-03")
    with SqliteStore(path) as store:
        store.write([stays, leaves], "log", {}, {ZERO: 2})
        assert list(store.articles()) == [leaves.record]
        store.write([left], "log", {ZERO: 2}, {ZERO: 3})
        assert set(store.articles()) == {stays.record, left.record}


def test_an_article_is_found_by_its_id_a_page_id_or_any_spelling_of_a_url(path: Path) -> None:
    desktop, amp = row("a", fetched="2026-11-03"), row("amp/a", canonical="a")
    with SqliteStore(path) as store:
        store.write([desktop, amp], "log", {}, {ZERO: 2})
        for key in (desktop.article_id, desktop.article_id.upper(), f"{SITE}/a?utm_source=x#top"):
            found = store.find(key)
            assert found is not None
            assert found.record == desktop.record
            assert found.pages == (desktop.page_id, amp.page_id)
        for key in (amp.page_id, "HTTPS://Gazette.example:443/amp/a"):
            found = store.find(key)
            assert found is not None
            assert (found.page_id, found.record) == (amp.page_id, amp.record)
            assert found.article_id == desktop.article_id


def test_what_is_not_there_is_not_found_and_what_is_no_name_is_said(path: Path) -> None:
    with SqliteStore(path) as store:
        assert store.find(f"{SITE}/nowhere") is None
        assert store.find("0" * 32) is None
        with pytest.raises(Misconfigured, match="neither an id nor a web address"):
            store.find("the bridge")


def test_a_cursor_gives_what_changed_after_it(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write([row("a"), row("b")], "log", {}, {ZERO: 2})
        cursor = store.cursor()
        assert list(store.articles(cursor)) == []
        store.write([row("a"), row("b", fetched="2026-11-01")], "log", {ZERO: 2}, {ZERO: 4})
        assert list(store.articles(cursor)) == []
        newer = row("b", fetched="2026-11-04")
        store.write([newer], "log", {ZERO: 4}, {ZERO: 5})
        assert list(store.articles(cursor)) == [newer.record]


def test_a_cursor_gives_an_article_that_a_page_left(path: Path) -> None:
    stays = row("a", canonical="old", fetched="2026-11-01")
    left = row("b", canonical="new", fetched="2026-11-03")
    with SqliteStore(path) as store:
        store.write([stays, row("b", canonical="old", fetched="2026-11-02")], "log", {}, {ZERO: 2})
        cursor = store.cursor()
        store.write([left], "log", {ZERO: 2}, {ZERO: 3})
        assert set(store.articles(cursor)) == {stays.record, left.record}


def test_since_takes_a_time_of_fetching_too(path: Path) -> None:
    rows = [row("a", fetched="2026-11-01T23:00:00-02:00"), row("b", fetched="2026-11-01")]
    with SqliteStore(path) as store:
        store.write([*rows, row("c", fetched=None)], "log", {}, {ZERO: 3})
        assert list(store.articles("2026-11-02")) == [rows[0].record]
        assert len(list(store.articles())) == 3


def test_a_cursor_of_another_store_or_of_nothing_is_refused(path: Path, tmp_path: Path) -> None:
    with SqliteStore(path) as store, SqliteStore(tmp_path / "other.db") as other:
        with pytest.raises(Misconfigured, match="another store"):
            list(store.articles(other.cursor()))
        with pytest.raises(Misconfigured, match="neither a cursor nor a date"):
            list(store.articles("last week"))


def test_positions_belong_to_the_log_that_they_were_read_from(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write([], "one log", {}, {ZERO: 5, ONE: 9})
        assert store.positions("another log") == {}
        store.write([], "another log", {}, {ZERO: 1})
        assert store.positions("one log") == {ZERO: 5, ONE: 9}


@pytest.mark.parametrize(
    "expected", [{}, {ZERO: 4}, {ZERO: 6}, {ZERO: 5, ONE: 0}], ids=["none", "less", "more", "extra"]
)
def test_a_writer_that_expects_another_position_writes_nothing(
    path: Path, expected: dict[Place, int]
) -> None:
    with SqliteStore(path) as store:
        store.write([row("a")], "log", {}, {ZERO: 5})
        before = content(path)
        with pytest.raises(StoreFenced, match="enriched/"):
            store.write([row("b")], "log", expected, {ZERO: 8})
        assert content(path) == before
        store.write([row("b")], "log", {ZERO: 5}, {ZERO: 8})
        assert store.count() == 2


def test_of_two_stores_that_race_one_is_fenced(path: Path) -> None:
    with SqliteStore(path) as one, SqliteStore(path) as other:
        start = one.positions("log")
        assert other.positions("log") == start
        other.write([row("b")], "log", start, {ZERO: 3})
        with pytest.raises(StoreFenced):
            one.write([row("a")], "log", start, {ZERO: 3})
        assert one.count() == 1


def test_two_writers_of_different_partitions_share_a_store(path: Path) -> None:
    with SqliteStore(path) as one, SqliteStore(path) as other:
        for n in range(3):
            one.write([row(f"a{n}")], "log", {ZERO: n} if n else {}, {ZERO: n + 1})
            other.write([row(f"b{n}")], "log", {ONE: n} if n else {}, {ONE: n + 1})
        assert one.positions("log") == {ZERO: 3, ONE: 3}
        assert one.count() == 6


def test_a_step_back_is_a_mistake_of_the_caller(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write([], "log", {}, {ZERO: 5})
        with pytest.raises(ValueError, match="a step back"):
            store.write([], "log", {ZERO: 5}, {ZERO: 4})


def test_a_reader_sees_what_was_committed_while_the_writer_works(path: Path) -> None:
    with SqliteStore(path) as writer, SqliteStore(path, readonly=True) as reader:
        writer.write([row(f"s{n}") for n in range(CHUNK + 5)], "log", {}, {ZERO: 1})
        reading = reader.articles()
        first = next(reading)
        writer.write([row("late")], "log", {ZERO: 1}, {ZERO: 2})
        assert CHUNK + 5 <= len([first, *reading]) <= CHUNK + 6
        assert reader.find(f"{SITE}/late") is not None


def test_a_reader_that_pauses_keeps_nothing_from_the_writer(path: Path) -> None:
    with SqliteStore(path) as writer, SqliteStore(path, readonly=True) as reader:
        writer.write([row(f"s{n}") for n in range(CHUNK + 5)], "log", {}, {ZERO: 1})
        reading = reader.articles()
        next(reading)
        writer.write([row("late")], "log", {ZERO: 1}, {ZERO: 2})
        db = apsw.Connection(str(path))
        busy, left, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        db.close()
        assert (busy, left) == (0, 0)
        assert path.with_name("articles.db-wal").stat().st_size == 0


def test_a_reader_cannot_write(path: Path) -> None:
    SqliteStore(path).close()
    with (
        SqliteStore(path, readonly=True) as store,
        pytest.raises(Misconfigured, match="cannot be written"),
    ):
        store.write([row("a")], "log", {}, {ZERO: 1})


def test_a_reader_of_no_store_is_told_so_and_makes_none(path: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nothing was archived there yet"):
        SqliteStore(path, readonly=True)
    assert not path.exists()
    (tmp_path / "empty.db").touch()
    with pytest.raises(Misconfigured, match="nothing was archived there yet"):
        SqliteStore(tmp_path / "empty.db", readonly=True)


@pytest.mark.parametrize("readonly", [False, True])
def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, readonly: bool) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a database at all, but long enough to look at\n" * 40)
    before = other.read_bytes()
    with pytest.raises(Misconfigured, match=r"\A[^\n]*notes.txt is no newsmill store[^\n]*\Z"):
        SqliteStore(other, readonly=readonly)
    assert other.read_bytes() == before


@pytest.mark.parametrize("readonly", [False, True])
def test_a_database_of_something_else_is_left_alone(tmp_path: Path, readonly: bool) -> None:
    other = tmp_path / "books.db"
    db = apsw.Connection(str(other))
    db.execute("CREATE TABLE books(title)")
    db.close()
    before = other.read_bytes()
    with pytest.raises(Misconfigured, match="a database of something else"):
        SqliteStore(other, readonly=readonly)
    assert other.read_bytes() == before


@pytest.mark.parametrize("readonly", [False, True])
def test_a_newer_format_is_refused(path: Path, readonly: bool) -> None:
    SqliteStore(path).close()
    db = apsw.Connection(str(path))
    db.pragma("user_version", 3)
    db.close()
    with pytest.raises(Misconfigured, match="format 3; this newsmill reads 2: install a newer one"):
        SqliteStore(path, readonly=readonly)


def test_an_older_format_is_brought_to_the_present_one_by_the_writer_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(path) as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    steps = (*database.MIGRATIONS, "ALTER TABLE pages ADD words INTEGER")
    with monkeypatch.context() as newer:
        newer.setattr(database, "MIGRATIONS", steps)
        with pytest.raises(Misconfigured, match="an older format: the archiver brings it to 3"):
            SqliteStore(path, readonly=True)
        with SqliteStore(path) as store:
            assert (store.count(), store.positions("log")) == (1, {ZERO: 1})
        with SqliteStore(path, readonly=True) as store:
            assert store.count() == 1
    with pytest.raises(Misconfigured, match="format 3; this newsmill reads 2"):
        SqliteStore(path)


def test_a_migration_that_fails_leaves_the_format_that_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteStore(path) as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    with monkeypatch.context() as broken:
        steps = (*database.MIGRATIONS, "ALTER TABLE pages ADD words INTEGER; SELECT nothing")
        broken.setattr(database, "MIGRATIONS", steps)
        with pytest.raises(apsw.SQLError):
            SqliteStore(path)
    with SqliteStore(path) as store:
        assert store.count() == 1


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be opened"):
        SqliteStore(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "articles.db")


def test_a_record_that_was_damaged_on_disk_is_never_given_out(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    db = apsw.Connection(str(path))
    frame = bytearray(db.execute("SELECT record FROM pages").get)
    frame[len(frame) // 2] ^= 4
    db.execute("UPDATE pages SET record = ?", [bytes(frame)])
    db.close()
    with SqliteStore(path) as store, pytest.raises(BadRecord, match=identity(f"{SITE}/a")):
        list(store.articles())


PAGES = ("a", "b", "amp/a")
VERSIONS = st.builds(
    row,
    st.sampled_from(PAGES),
    canonical=st.sampled_from(PAGES),
    fetched=st.sampled_from([None, "2026-11-02", "2026-11-02T01:00:00+02:00", "never"]),
    revision=st.sampled_from(["r1", "r2"]),
    title=st.sampled_from(["one", "two"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(VERSIONS, min_size=1, max_size=12), seed=st.integers(0, 1 << 16))
def test_order_repeats_and_batches_leave_no_trace(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], seed: int
) -> None:
    chance = random.Random(seed)
    shuffled = [*rows, *chance.choices(rows, k=len(rows) // 2)]
    chance.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("stores")
    with SqliteStore(folder / "whole.db") as whole, SqliteStore(folder / "parts.db") as parts:
        whole.write(rows, "log", {}, {ZERO: 9})
        while shuffled:
            cut = chance.randint(1, len(shuffled))
            parts.write(shuffled[:cut], "log", parts.positions("log"), {ZERO: 9})
            shuffled = shuffled[cut:]
        assert list(whole.articles()) == list(parts.articles()) == folded(rows)
    assert content(folder / "whole.db") == content(folder / "parts.db")


def folded(rows: list[Row]) -> list[bytes]:
    """What the pure rules make of the rows."""
    newest = sorted(newest_per_page(rows), key=lambda r: r.article_id)
    return [speaks_for(pages).record for _, pages in groupby(newest, lambda r: r.article_id)]
