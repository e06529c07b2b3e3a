"""A disk that runs short, and then out: sources stop, what drains goes on, all of it by itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from contract.loops.driving import Loop, connect, copied, everything, publish, waiting
from contract.loops.test_tend import Desk, is_through
from disks import SmallDisk, small_disk
from newsmill.bus.base import Bus, Record
from newsmill.bus.file.retention import BALLAST
from newsmill.process.steps import Result
from newsmill.process.work import Inline
from newsmill.topics import ARTICLES, ENTRIES, PAGES, Topic
from running import wait_for

MB = 1 << 20
BALLAST_MB, MIN_FREE_MB = 4, 8
OPTIONS = (
    f"lease_s=1&detector=off&ballast_bytes={BALLAST_MB * MB}&min_free_bytes={MIN_FREE_MB * MB}"
)


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk that holds the bus of the test's folder, and not its logs."""
    with small_disk(48) as disk:
        (disk.folder / "bus").mkdir()
        (tmp_path / "bus").symlink_to(disk.folder / "bus")
        yield disk


def values(what: str, count: int) -> list[bytes]:
    return [b"%s %05d " % (what.encode(), number) + b"x" * 8000 for number in range(count)]


def held(opened: Bus, topic: Topic) -> Counter[bytes]:
    return Counter(record.value or b"" for record in everything(opened, topic))


def put(opened: Bus, topic: Topic, given: list[bytes]) -> None:
    for first in range(0, len(given), 25):
        publish(opened, topic, given[first : first + 25])


def test_a_disk_that_is_short_stops_the_fetcher_though_entries_wait_and_nothing_further_down(
    tmp_path: Path, disk: SmallDisk
) -> None:
    with connect(tmp_path, OPTIONS) as opened:
        put(opened, ENTRIES, values("entry", 400))
        put(opened, PAGES, values("page", 100))
        disk.fill(leave=(MIN_FREE_MB - 1) * MB)
        # Few at a time, so that every step of it takes entries in as well.
        fetcher, extractor = Loop(tmp_path, "fetcher", OPTIONS), Loop(tmp_path, "x", OPTIONS)
        with (
            fetcher.tend(Desk(room=10), ENTRIES),
            extractor.drain(Inline("extractor", copied)),
        ):
            wait_for(lambda: len(fetcher.lines("disk.low")) > 1)
            wait_for(lambda: not waiting(opened, "extractor"))
            assert held(opened, ARTICLES) == Counter(values("page", 100))
            assert held(opened, PAGES) == Counter(values("page", 100))
            assert waiting(opened, "fetcher") > 300
            disk.empty()
            wait_for(lambda: is_through(opened))
        assert (fetcher.error, extractor.error) == (None, None)
        assert held(opened, PAGES) == Counter(values("page", 100) + values("entry", 400))
        (low, *_) = fetcher.lines("disk.low")
        assert low["free_bytes"] < low["limit"] == MIN_FREE_MB * MB
        assert not extractor.lines("bus.full")
        assert not extractor.lines("disk.low")


def test_a_disk_that_is_full_gives_its_ballast_to_what_drains_and_gets_it_back(
    tmp_path: Path, disk: SmallDisk
) -> None:
    ballast = disk.folder / "bus" / BALLAST
    with connect(tmp_path, OPTIONS) as opened:
        put(opened, PAGES, values("page", 150))
        assert ballast.exists()
        loop = Loop(tmp_path, "extractor", OPTIONS)
        fetcher = Loop(tmp_path, "fetcher", OPTIONS)
        full = threading.Event()

        def step(record: Record) -> Result:
            full.wait(10)  # it is a member already when the disk fills up
            return copied(record)

        with fetcher.tend(Desk(room=10), ENTRIES):
            with loop.drain(Inline("extractor", step)):
                wait_for(lambda: loop.lines("partition.assigned"))
                disk.fill()
                assert ballast.exists()
                full.set()
                wait_for(lambda: not waiting(opened, "extractor"))
            assert loop.error is None
            assert held(opened, ARTICLES) == Counter(values("page", 150))
            assert not ballast.exists()
            disk.empty()
            put(opened, ENTRIES, values("entry", 20))
            wait_for(lambda: is_through(opened) and held(opened, PAGES).total() == 170)
            wait_for(ballast.exists)
        assert fetcher.error is None
    with closing(apsw.Connection(str(tmp_path / "bus" / "bus.db"))) as db:
        assert db.pragma("integrity_check") == "ok"


def test_who_drains_gets_in_on_a_full_disk_though_nobody_has_the_log_open(
    tmp_path: Path, disk: SmallDisk
) -> None:
    with connect(tmp_path, OPTIONS) as opened:
        put(opened, PAGES, values("page", 50))
    disk.fill()
    with connect(tmp_path, OPTIONS) as opened:
        loop = Loop(tmp_path, "extractor", OPTIONS)
        with loop.drain(Inline("extractor", copied)):
            wait_for(lambda: not waiting(opened, "extractor"))
        assert loop.error is None
        assert held(opened, ARTICLES) == Counter(values("page", 50))
