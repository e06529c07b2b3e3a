"""A lane's stores from outside: found, read whatever newsmill wrote them, and dropped."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from databases import Database
from newsmill.archiver.lanes import article_stores, drop_schema, has_lane, open_lane
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.stores import wanted_stores
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from running import newsmill
from unit.archiver.rows import row

ZERO = Place("enriched", 0)


def settings(tmp_path: Path, lane: str, *stores: str) -> Settings:
    return Settings(data=tmp_path, lane=lane, store=stores)


def test_a_lane_is_read_from_the_first_store_that_has_it(tmp_path: Path, url: str) -> None:
    told = settings(tmp_path, "past", "warc", url)
    (wanted,) = article_stores(told)
    assert not has_lane(wanted, told)
    with pytest.raises(Misconfigured, match="lane past: no articles of it in postgresql"):
        open_lane(told)
    assert not has_lane(wanted, told), "to look for it does not make it"
    here, there = row("a"), row("b")
    with SqliteStore(told.store_path) as store:
        store.write([here], "log", {}, {ZERO: 1})
    with closing(open_lane(told)) as store:
        assert list(store.articles()) == [here.record]
    with PostgresStore(url, "past") as written:
        written.write([there], "log", {}, {ZERO: 1})
    with closing(open_lane(told)) as store:
        assert list(store.articles()) == [there.record]


def test_a_schema_is_dropped_with_all_in_it_and_no_other(tmp_path: Path, url: str) -> None:
    told = settings(tmp_path, "past", url)
    (wanted,) = wanted_stores(told)
    for lane in ("past", "live"):
        with PostgresStore(url, lane) as store:
            store.write([row("a")], "log", {}, {ZERO: 1})
    assert drop_schema(wanted, "past")
    assert not drop_schema(wanted, "past")
    with PostgresStore(url, "live") as store:
        assert store.count() == 1


def test_a_store_of_the_first_format_can_be_compared(tmp_path: Path) -> None:
    told = settings(tmp_path, "past")
    with SqliteStore(told.store_path) as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    db = apsw.Connection(str(told.store_path))
    db.execute("DROP TABLE forgotten; DROP TABLE removed")
    db.pragma("user_version", 1)
    db.close()
    with pytest.raises(Misconfigured, match="an older format"):
        SqliteStore(told.store_path, readonly=True)
    with closing(open_lane(told)) as store:
        assert [page for page, _ in store.newest()] == [row("a").page_id]


def test_lanes_in_postgresql_are_promoted_compared_and_dropped_by_command(
    tmp_path: Path, postgres: Database
) -> None:
    url = postgres.fresh()
    with PostgresStore(url, "past") as store:
        store.write([row("a"), row("b")], "log", {}, {ZERO: 2})
    where = ("--data", tmp_path / "data", "--store", url)
    promoted = newsmill("lane", "promote", "past", "--json", *where)
    assert json.loads(promoted.stdout)["taken"] == 2, promoted.stderr.decode()
    diff = newsmill("lane", "diff", "live", "past", "--json", *where)
    assert json.loads(diff.stdout)["same"] == 2
    dropped = newsmill("lane", "drop", "past", "--yes", *where)
    assert "dropped the schema of store postgresql" in dropped.stdout.decode()
    assert newsmill("lane", "diff", "live", "past", *where).returncode == 2
