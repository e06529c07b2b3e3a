"""A lane's records taken over into live's store, on each of them: whole, again, and by the fold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from newsmill.archiver import database
from newsmill.archiver.core.fold import Row, row_of
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import CHUNK, Adopted, Store
from newsmill.bus.base import Place
from newsmill.errors import TryLater
from newsmill.records import Denial
from stores.conftest import Open
from unit.archiver.rows import row

ZERO = Place("enriched", 0)
EARLY, LATE, LATER = "2026-11-01", "2026-11-02", "2026-11-03"


def records(store: Store) -> set[bytes]:
    return set(store.articles())


def adopted(store: Store, *rows: Row) -> Adopted:
    return store.adopt(iter(sorted(rows, key=lambda each: each.page_id)))


def test_a_record_of_the_same_fetch_is_replaced_whatever_the_fold_says(open_store: Open) -> None:
    store = open_store()
    was, now = row("a", revision="r1"), row("a", revision="r2", title="better")
    store.write([was], "log", {}, {ZERO: 1})
    store.write([now], "log", {ZERO: 1}, {ZERO: 2})
    assert records(store) == {was.record}  # by the fold the smaller revision stays
    assert adopted(store, now) == Adopted(taken=1)
    assert records(open_store()) == {now.record}
    assert store.positions("log") == {ZERO: 2}


def test_what_live_fetched_later_stays_and_what_it_fetches_next_wins(open_store: Open) -> None:
    store = open_store()
    live = row("a", fetched=LATE)
    store.write([live], "log", {}, {ZERO: 1})
    assert adopted(store, row("a", fetched=EARLY, title="old")) == Adopted(newer=1)
    lane = row("b", fetched=LATE, revision="r0")
    assert adopted(store, lane) == Adopted(taken=1)
    again = row("b", fetched=LATER, revision="r9")
    store.write([again], "log", {ZERO: 1}, {ZERO: 2})
    assert records(store) == {live.record, again.record}


def test_the_same_again_changes_nothing(open_store: Open) -> None:
    rows = [row(f"story-{n}") for n in range(CHUNK + 5)]
    store = open_store()
    assert adopted(store, *rows) == Adopted(taken=CHUNK + 5)
    assert adopted(store, *rows) == Adopted(same=CHUNK + 5)
    assert store.count() == store.pages() == CHUNK + 5


def test_an_article_that_its_pages_left_is_gone(open_store: Open) -> None:
    store = open_store()
    store.write([row("a", canonical="old"), row("b", canonical="old")], "log", {}, {ZERO: 2})
    here = row("a", canonical="new")
    there = row("b", canonical="new", title="B")
    assert adopted(store, here, there) == Adopted(taken=2)
    assert records(store) == {there.record if there.page_id < here.page_id else here.record}


def test_what_was_taken_down_stays_away(open_store: Open) -> None:
    store = open_store()
    gone, stays = row("a"), row("b")
    store.write([gone], "log", {}, {ZERO: 1})
    store.forget([Denial(key=gone.page_id, at="2026-11-05", reason="court")])
    assert adopted(store, gone, stays) == Adopted(taken=1, denied=1)
    assert records(store) == {stays.record}


def test_one_that_breaks_off_leaves_nothing(open_store: Open) -> None:
    store = open_store()
    store.write([row("a")], "log", {}, {ZERO: 1})

    def rows() -> Iterator[Row]:
        for number in range(2 * CHUNK):
            yield row(f"story-{number}")
        raise RuntimeError("the lane's store cannot be read any more")

    with pytest.raises(RuntimeError):
        store.adopt(rows())
    assert open_store().pages() == 1


def test_pages_come_by_id_with_their_newest_record(open_store: Open) -> None:
    rows = [row(f"story-{n}") for n in range(CHUNK + 1)]
    store = open_store()
    store.write(rows, "log", {}, {ZERO: 1})
    came = list(store.newest())
    assert [page for page, _ in came] == sorted(r.page_id for r in rows)
    assert all(row_of(record).page_id == page for page, record in came)


def test_another_writer_waits_its_turn_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 20)
    live = SqliteStore(tmp_path / "live.db")
    refused = []

    def rows() -> Iterator[Row]:
        yield from (row(f"story-{n}") for n in range(CHUNK))
        try:
            live.write([row("fresh")], "log", {}, {ZERO: 1})
        except TryLater as later:
            refused.append(later.why)
        yield row("last")

    with SqliteStore(tmp_path / "live.db") as promoting:
        assert promoting.adopt(rows()).taken == CHUNK + 1
    assert refused == [f"store {tmp_path / 'live.db'}: locked by another process"]
    live.write([row("fresh")], "log", {}, {ZERO: 1})
    assert live.pages() == CHUNK + 2
    live.close()
