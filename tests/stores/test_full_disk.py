"""Stores whose disk is full: each waits alone, writes nothing in half, and goes on by itself."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from contract.loops.driving import Loop, connect, waiting
from databases import Database
from disks import SmallDisk, small_disk
from newsmill.archiver import database, postgres, warc
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store
from newsmill.archiver.warc import WarcArchive
from newsmill.archiver.worker import Archiving, Keeping
from newsmill.bus.base import Bus, Output
from newsmill.errors import TryLater
from newsmill.process.pages import page_output
from newsmill.records import Article, Page, encode
from newsmill.topics import ENRICHED, PAGES, Topic
from newsmill.urls import identity
from running import wait_for
from unit.archiver.test_warc import PLACE, raw, replayed

N = 120  # records of some 60 KB that no compression makes smaller: the disks hold half of them
DISK_MB = 5


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "FULL_AFTER_S", 0.3)
    monkeypatch.setattr(warc, "RETRY_S", 0.3)
    monkeypatch.setattr(postgres, "LONGEST_BACKOFF_S", 0.5)


@pytest.fixture(name="disk")
def _disk() -> Iterator[SmallDisk]:
    with small_disk(DISK_MB) as disk:
        yield disk


def noise(number: int) -> str:
    return base64.b64encode(random.Random(number).randbytes(45_000)).decode()


def url_of_page(number: int) -> str:
    return f"http://a.example/{number}"


def article(number: int) -> bytes:
    url = url_of_page(number)
    page_id = identity(url)
    text = noise(number)
    return encode(
        Article(
            id=page_id, page_id=page_id, revision=page_id, url=url, canonical_url=url,
            title="A title", text=text, fetched="2026-01-01T00:00:00Z",
        )
    )  # fmt: skip


def page(number: int) -> Output:
    url = url_of_page(number)
    page = Page(page_id=identity(url), url=url, status=200, fetched="2026-01-01T00:00:00Z")
    return page_output(page, noise(number).encode())


@contextmanager
def tablespace(server: Database, url: str, folder: Path) -> Iterator[None]:
    """The database's tables on the small disk; the rest of the server stays where it is."""
    folder.mkdir()
    server.own(folder)
    name = url.rpartition("/")[2]
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        admin.execute(f"ALTER DATABASE {name} SET default_tablespace = '{name}'")
        try:
            yield
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            admin.execute(f"DROP TABLESPACE {name}")


def publish_all(opened: Bus, outputs: list[Output]) -> None:
    member = opened.join("publisher", [])
    for first in range(0, len(outputs), 20):
        member.commit(outputs[first : first + 20], [], {})
    member.leave()


@contextmanager
def surviving(
    folder: Path, disk: SmallDisk, topic: Topic, outputs: list[Output], make: Callable[[Loop], Any]
) -> Iterator[str]:
    """An archiver that ran into the full disk, and out of it when there was room; its identity."""
    loop = Loop(folder, "archiver")
    with connect(folder) as opened:
        publish_all(opened, outputs)
        with loop.drain(make(loop), group="archiver", topic=topic):
            wait_for(lambda: len(loop.lines("partition.held")) > 2)
            assert 0 < waiting(opened, "archiver") < N
            assert loop.is_running
            disk.grow(64)
            wait_for(lambda: not waiting(opened, "archiver"))
        assert loop.error is None
        assert not loop.lines("partition.lost")
        for held in loop.lines("partition.held"):
            assert re.search("disk full|No space left", held["why"])
        yield opened.identity


def check(store: Store, identity: str) -> None:
    """Every record is there once, byte for byte, and the positions say so."""
    with closing(store):
        assert sorted(store.articles()) == sorted(article(number) for number in range(N))
        assert (store.pages(), sum(store.positions(identity).values())) == (N, N)


def articles() -> list[Output]:
    outputs = []
    for number in range(N):
        value, key = article(number), identity(url_of_page(number))
        outputs.append(Output(topic=ENRICHED, key=key.encode(), value=value, routing=key))
    return outputs


def test_sqlite_waits_for_room_and_then_holds_every_article_once(
    tmp_path: Path, disk: SmallDisk
) -> None:
    path = disk.folder / "articles.db"

    def make(loop: Loop) -> Archiving:
        return Archiving(SqliteStore(path), loop.bus.identity, loop.log)

    with surviving(tmp_path, disk, ENRICHED, articles(), make) as log:
        check(SqliteStore(path), log)
    with closing(apsw.Connection(str(path))) as db:
        assert db.pragma("integrity_check") == "ok"


def test_postgresql_waits_for_room_and_then_holds_every_article_once(
    own_postgres: Database, url: str, tmp_path: Path, disk: SmallDisk
) -> None:
    def make(loop: Loop) -> Archiving:
        return Archiving(PostgresStore(url, "live"), loop.bus.identity, loop.log, name="postgresql")

    with (
        tablespace(own_postgres, url, disk.folder / "space"),
        surviving(tmp_path, disk, ENRICHED, articles(), make) as log,
    ):
        check(PostgresStore(url, "live"), log)


def test_the_raw_archive_waits_for_room_and_then_holds_every_page_once(
    tmp_path: Path, disk: SmallDisk
) -> None:
    folder = disk.folder / "archive"

    def make(loop: Loop) -> Archiving:
        return Keeping(WarcArchive(folder, "live"), loop.bus.identity, loop.log, name="warc")

    pages = [page(number) for number in range(N)]
    with surviving(tmp_path, disk, PAGES, pages, make):
        kept = replayed(folder)
    assert sorted(body for _, body in kept) == sorted(noise(n).encode() for n in range(N))


def test_a_raw_archive_that_finds_no_room_leaves_no_half_of_a_page_and_goes_on() -> None:
    with small_disk(1) as disk:
        archive = WarcArchive(disk.folder / "archive", "live")
        done = 0

        def write() -> None:
            nonlocal done
            body = noise(done)[:4000].encode()  # small: it is still buffered when there is no room
            expected = {PLACE: done} if done else {}
            archive.write([raw(done, body)], "log", expected, {PLACE: done + 1})
            done += 1

        with suppress(TryLater):
            while done < 1000:
                write()
        assert done < 1000
        for _ in range(3):
            with pytest.raises(TryLater, match=r"disk full|No space left"):
                write()
        disk.grow(8)
        write()
        assert len(replayed(disk.folder / "archive")) == done
        archive.close()
