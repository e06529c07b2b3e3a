"""What every store promises the archiver, on each of them: folds, fences, and kills."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

import pytest

from newsmill.archiver.core.fold import Row, newest_per_page, row_of, speaks_for
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import CHUNK, Store, StoreFenced
from newsmill.bus.base import Place
from newsmill.records import Denial, splice
from stores.conftest import Open
from unit.archiver.rows import record, row

ZERO, ONE = Place("enriched", 0), Place("enriched", 1)
PAGES = ("a", "b", "amp/a", "amp/b", "c")
MOMENTS = (None, "2026-11-01", "2026-11-02", "2026-11-02T02:00:00+02:00", "2026-11-03T09:00:00Z")


def folded(rows: list[Row]) -> list[bytes]:
    """What the pure rules make of the rows."""
    newest = sorted(newest_per_page(rows), key=lambda r: r.article_id)
    return [speaks_for(pages).record for _, pages in groupby(newest, lambda r: r.article_id)]


def test_a_record_comes_out_byte_for_byte(open_store: Open) -> None:
    text = "ragged \u2028 “text” \U0001f5de \0 end"
    value = splice(record("a", title=text, text=text), b'{"new": {"x": 1.50} }')
    open_store().write([row_of(value)], "log", {}, {ZERO: 1})
    assert list(open_store().articles()) == [value]


def test_articles_come_by_id_over_several_chunks(open_store: Open) -> None:
    rows = [row(f"story-{n}") for n in range(CHUNK + 1)]
    store = open_store()
    store.write(rows, "log", {}, {ZERO: 1})
    came = [row_of(value).article_id for value in store.articles()]
    assert came == sorted(r.article_id for r in rows)
    assert store.count() == store.pages() == len(rows)


def test_an_article_that_its_pages_left_is_told_by_the_others_or_gone(open_store: Open) -> None:
    store = open_store()
    stays = row("a", canonical="old", fetched="2026-11-01")
    leaves = row("b", canonical="old", fetched="2026-11-02")
    store.write([stays, leaves], "log", {}, {ZERO: 2})
    assert list(store.articles()) == [leaves.record]
    left = row("b", canonical="new", fetched="2026-11-03")
    store.write([left], "log", {ZERO: 2}, {ZERO: 3})
    assert set(store.articles()) == {stays.record, left.record}
    last = row("a", canonical="new", fetched="2026-11-04")
    store.write([last], "log", {ZERO: 3}, {ZERO: 4})
    assert list(store.articles()) == [last.record]


@pytest.mark.parametrize("seed", range(6))
def test_order_repeats_and_batches_leave_no_trace(open_store: Open, seed: int) -> None:
    chance = random.Random(seed)
    rows = [
        row(
            chance.choice(PAGES), canonical=chance.choice(PAGES), fetched=chance.choice(MOMENTS),
            revision=chance.choice("rs"), title=chance.choice(["one", "two"]),
        )
        for _ in range(25)
    ]  # fmt: skip
    left = [*rows, *chance.choices(rows, k=10)]
    chance.shuffle(left)
    store, position = open_store(), 0
    while left:
        cut = chance.randint(1, len(left))
        expected = {ZERO: position} if position else {}
        store.write(left[:cut], "log", expected, {ZERO: position + cut})
        left, position = left[cut:], position + cut
    assert list(store.articles()) == folded(rows)
    assert store.pages() == len(newest_per_page(rows))


# -- positions


def test_positions_belong_to_the_log_that_they_were_read_from(open_store: Open) -> None:
    store = open_store()
    assert store.positions("one log") == {}
    store.write([], "one log", {}, {ZERO: 5, ONE: 9})
    store.write([], "another log", {}, {ZERO: 1})
    assert store.positions("one log") == {ZERO: 5, ONE: 9}
    assert store.positions("another log") == {ZERO: 1}


@pytest.mark.parametrize(
    "expected", [{}, {ZERO: 4}, {ZERO: 6}, {ZERO: 5, ONE: 0}], ids=["none", "less", "more", "extra"]
)
def test_a_writer_that_expects_another_position_writes_nothing(
    open_store: Open, expected: dict[Place, int]
) -> None:
    store = open_store()
    store.write([row("a")], "log", {}, {ZERO: 5})
    with pytest.raises(StoreFenced, match="enriched/"):
        store.write([row("b")], "log", expected, {ZERO: 8})
    assert (store.count(), store.positions("log")) == (1, {ZERO: 5})
    store.write([row("b")], "log", {ZERO: 5}, {ZERO: 8})
    assert (store.count(), store.positions("log")) == (2, {ZERO: 8})


def test_of_two_writers_that_race_one_is_fenced_until_it_reads_again(open_store: Open) -> None:
    one, other = open_store(), open_store()
    start = one.positions("log")
    other.write([row("b")], "log", start, {ZERO: 3})
    for _ in range(2):
        with pytest.raises(StoreFenced):
            one.write([row("a")], "log", start, {ZERO: 3})
    assert one.count() == 1
    one.write([row("a")], "log", one.positions("log"), {ZERO: 4})
    assert other.count() == 2


def test_two_writers_of_different_partitions_share_a_store(open_store: Open) -> None:
    one, other = open_store(), open_store()
    for n in range(3):
        one.write([row(f"a{n}", canonical="a")], "log", {ZERO: n} if n else {}, {ZERO: n + 1})
        other.write([row(f"b{n}", canonical="a")], "log", {ONE: n} if n else {}, {ONE: n + 1})
    assert one.positions("log") == {ZERO: 3, ONE: 3}
    assert (one.count(), one.pages()) == (1, 6)


def test_a_step_back_is_a_mistake_of_the_caller(open_store: Open) -> None:
    store = open_store()
    store.write([], "log", {}, {ZERO: 5})
    with pytest.raises(ValueError, match="a step back"):
        store.write([], "log", {ZERO: 5}, {ZERO: 4})


# -- kills

WRITER = """
import sys
from pathlib import Path
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.bus.base import Place
from unit.archiver.rows import row

where, place = sys.argv[1], Place("enriched", 0)
store = PostgresStore(where, "live") if "://" in where else SqliteStore(Path(where))
while True:
    expected = store.positions("log")
    done = expected.get(place, 0)
    rows = [row(f"{done}-{n}") for n in range(20)] + [row("same", title=str(done),
            fetched=f"2026-11-02T08:00:00.{done:06d}Z")]
    store.write(rows, "log", expected, {place: done + 1})
"""


class Killed:
    """A store whose writers are killed, one after the other."""

    def __init__(self, where: str) -> None:
        self.where = where

    def open(self) -> Store:
        if "://" in self.where:
            return PostgresStore(self.where, "live")
        return SqliteStore(Path(self.where))

    def writer(self, crash_at: str = "") -> subprocess.Popen[bytes]:
        paths = "import sys; sys.path[:0] = " + repr([p for p in sys.path if p]) + "\n"
        return subprocess.Popen(
            [sys.executable, "-c", paths + WRITER, self.where],
            env={"NEWSMILL_CRASH_AT": crash_at},
        )

    def position(self) -> int:
        """How far the store is; while a writer is at work, nothing else can be asked at once."""
        store = self.open()
        try:
            return store.positions("log").get(ZERO, 0)
        finally:
            store.close()

    def check_whole(self) -> int:
        """The position, after making sure that the store holds exactly the steps up to it."""
        store = self.open()
        try:
            position = store.positions("log").get(ZERO, 0)
            assert store.pages() == store.count() == position * 20 + (position > 0)
            same = [
                one for one in store.articles() if b'"url":"https://gazette.example/same"' in one
            ]
            assert len(same) == (position > 0)
            assert not same or f'"title":"{position - 1}"'.encode() in same[0]
        finally:
            store.close()
        return position


@pytest.fixture(params=["sqlite", "postgresql"])
def killed(request: pytest.FixtureRequest, tmp_path: Path) -> Killed:
    if request.param == "sqlite":
        return Killed(str(tmp_path / "articles.db"))
    return Killed(request.getfixturevalue("url"))


@pytest.mark.parametrize(("point", "there"), [("store.written", 2), ("store.done", 3)])
def test_a_writer_killed_at_a_point_of_its_step_leaves_whole_steps(
    killed: Killed, point: str, there: int
) -> None:
    assert killed.writer(f"{point}:3").wait(30) == -signal.SIGKILL
    assert killed.check_whole() == there


def test_a_writer_killed_at_any_moment_leaves_whole_steps(killed: Killed) -> None:
    chance, reached = random.Random(7), 0
    for _ in range(3):
        process = killed.writer()
        try:
            end = time.monotonic() + 30
            while killed.position() <= reached:
                assert time.monotonic() < end
                time.sleep(0.02)
            time.sleep(chance.uniform(0, 0.05))
        finally:
            process.kill()
            process.wait(20)
        reached = killed.check_whole()


def denial(key: str, at: str = "2026-11-24T12:00:00Z") -> Denial:
    return Denial(key=key, at=at, reason="asked for")


def test_what_is_forgotten_is_gone_and_comes_back_by_nobody(open_store: Open) -> None:
    store = open_store()
    desktop, amp, other = row("a"), row("amp/a", canonical="a"), row("b")
    store.write([desktop, amp, other], "log", {}, {ZERO: 3})
    assert store.forget([denial(desktop.article_id)]) == 1
    assert store.forget([denial(desktop.article_id)]) == 0
    assert list(store.articles()) == [other.record]
    assert store.pages() == 1
    newer = row("a", fetched="2026-12-01T00:00:00Z")
    open_store().write([newer, amp, row("c")], "log", {ZERO: 3}, {ZERO: 6})
    assert set(store.articles()) == {other.record, row("c").record}


def test_a_page_is_forgotten_alone_and_its_article_told_by_the_others(open_store: Open) -> None:
    store = open_store()
    stays, goes = row("a", fetched="2026-11-01"), row("amp/a", canonical="a", fetched="2026-11-02")
    store.write([stays, goes], "log", {}, {ZERO: 2})
    assert list(store.articles()) == [goes.record]
    assert store.forget([denial(goes.page_id)]) == 0
    assert list(store.articles()) == [stays.record]


def test_a_site_is_forgotten_with_all_below_it(open_store: Open) -> None:
    store = open_store()
    rows = [
        row("a", url="https://m.paper.example/a", canonical_url="https://paper.example/a"),
        row("b", url="https://paper.example/b", canonical_url="https://www.paper.example/b"),
        row("c", url="https://otherpaper.example/c", canonical_url="https://otherpaper.example/c"),
        row("d", url="https://a.example/d", canonical_url="https://a.example/d"),
    ]
    store.write(rows, "log", {}, {ZERO: 4})
    assert store.forget([denial("paper.example")]) == 2
    assert set(store.articles()) == {rows[2].record, rows[3].record}
    store.write(rows, "log", {ZERO: 4}, {ZERO: 8})
    assert store.count() == 2
