"""What is gone from the SQLite store: tombstones, bytes written over, and days to read by."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsmill.archiver.core.fold import row_of
from newsmill.archiver.days import by_day
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Removed
from newsmill.bus.base import Place
from newsmill.records import Denial
from unit.archiver.rows import row

PLACE = Place("enriched", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "articles.db"


def test_tombstones_tell_those_who_pull_what_is_gone(path: Path) -> None:
    store = SqliteStore(path)
    a, b, moves = row("a"), row("b"), row("c", canonical="old", fetched="2026-11-01")
    store.write([a, b, moves], "log", {}, {PLACE: 3})
    assert all(isinstance(one, bytes) for one in store.changes(None))
    cursor = store.cursor()
    store.forget([Denial(key=a.article_id, at="2026-11-24T12:00:00Z", reason="asked for")])
    moved = row("c", canonical="new", fetched="2026-11-02")
    store.write([moved], "log", {PLACE: 3}, {PLACE: 4})
    gone = Removed(id=a.article_id, removed="2026-11-24T12:00:00Z", reason="asked for")
    left = Removed(id=moves.article_id)
    told = list(store.changes(cursor))
    assert sorted(map(str, told)) == sorted(map(str, [gone, left, moved.record]))
    ids = [one.id if isinstance(one, Removed) else row_of(one).article_id for one in told]
    assert ids == sorted(ids)
    assert list(store.changes("2026-11-20")) == [gone]
    back = row("c", canonical="old", fetched="2026-11-03")
    store.write([back], "log", {PLACE: 4}, {PLACE: 5})
    assert left not in list(store.changes(cursor))
    assert back.record in list(store.changes(cursor))


def test_what_is_forgotten_is_in_no_byte_of_the_files(path: Path) -> None:
    store = SqliteStore(path)
    secret = row("a", title="Zweihundertfünfzig-Silbermünzen")
    store.write([secret, row("b")], "log", {}, {PLACE: 2})
    held = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert "Silbermünzen".encode() in held
    store.forget([Denial(key=secret.article_id, at="2026-11-24T12:00:00Z")])
    held = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert "Silbermünzen".encode() not in held
    assert secret.digest not in held
    denial = store.denial(secret.url or "")
    assert denial is not None
    assert denial.at == "2026-11-24T12:00:00Z"
    assert store.denial("https://gazette.example/b") is None


def test_a_day_is_that_of_the_page_and_its_articles_come_by_id(path: Path) -> None:
    store = SqliteStore(path)
    rows = [
        row("a", published="2026-11-02T23:30:00-05:00"),
        row("b", published="2026-11-02"),
        row("c", published=None),
        row("d", published="2026-10-31T00:00:00Z"),
    ]
    store.write(rows, "log", {}, {PLACE: 4})
    days = [(day, list(records)) for day, records in by_day(path)]
    assert [day for day, _ in days] == ["2026-10-31", "2026-11-02", "unknown"]
    both = sorted(rows[:2], key=lambda one: one.article_id)
    assert [records for _, records in days] == [
        [rows[3].record], [one.record for one in both], [rows[2].record],
    ]  # fmt: skip
