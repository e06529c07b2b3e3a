"""The SQLite store on a full or failing disk, under a lock, and with its writer killed."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import StoreFenced
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured, TryLater
from unit.archiver.rows import content, row

ZERO = Place("enriched", 0)
BATCH = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "articles.db"


@pytest.fixture
def on_connect() -> Iterator[Callable[[Callable[[apsw.Connection], Any]], None]]:
    """Do something to every connection that is opened during the test."""
    before = list(apsw.connection_hooks)
    yield apsw.connection_hooks.append
    apsw.connection_hooks[:] = before


def noise(size: int) -> str:
    """Text that does not compress."""
    chance = random.Random(size)
    return "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(size))


def test_a_full_disk_is_tried_later_and_leaves_nothing(
    path: Path, on_connect: Callable[[Callable[[apsw.Connection], Any]], None]
) -> None:
    with SqliteStore(path) as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    before = content(path)
    on_connect(lambda db: db.pragma("max_page_count", 12))
    with SqliteStore(path) as store:
        with pytest.raises(TryLater, match=r"articles\.db: disk full") as error:
            store.write([row("b", text=noise(60_000))], "log", {ZERO: 1}, {ZERO: 2})
        assert error.value.after_s > 0
        assert content(path) == before
        apsw.connection_hooks.pop()
        store.close()
        store.write([row("b", text=noise(60_000))], "log", {ZERO: 1}, {ZERO: 2})
        assert store.count() == 2


def test_a_disk_that_fails_is_tried_later_and_leaves_nothing(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with SqliteStore(path) as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
        before = content(path)
        big = [row(f"b{n}", text=noise(60_000)) for n in range(4)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            with pytest.raises(TryLater, match=r"articles\.db: disk full or failing"):
                store.write(big, "log", {ZERO: 1}, {ZERO: 2})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert content(path) == before
        store.write(big, "log", {ZERO: 1}, {ZERO: 2})
        assert (store.count(), store.positions("log")) == (5, {ZERO: 2})


def test_a_commit_that_failed_after_it_happened_is_no_failure(path: Path) -> None:
    with SqliteStore(path) as store:
        # Not sooner: the store's own setting of when to checkpoint is such a hook, too.
        store._db.set_wal_hook(lambda *_: apsw.SQLITE_IOERR)
        store.write([row("a")], "log", {}, {ZERO: 1})
        assert (store.count(), store.positions("log")) == (1, {ZERO: 1})
        with pytest.raises(StoreFenced):
            store.write([row("b")], "log", {}, {ZERO: 1})


def test_a_store_that_another_process_holds_is_tried_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsmill.archiver.database.BUSY_MS", 50)
    with SqliteStore(path) as store:
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TryLater, match="locked by another process"):
            store.write([row("a")], "log", {}, {ZERO: 1})
        other.execute("ROLLBACK")
        other.close()
        store.write([row("a")], "log", {}, {ZERO: 1})


def test_a_store_that_is_damaged_says_so(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write([row(f"s{n}") for n in range(200)], "log", {}, {ZERO: 1})
    whole = bytearray(path.read_bytes())
    for page in range(2, len(whole) // 4096):
        whole[page * 4096 : page * 4096 + 64] = bytes(64)
    path.write_bytes(whole)
    with SqliteStore(path) as store, pytest.raises(Misconfigured, match="is damaged"):
        list(store.articles())


WRITER = """
import os, signal, sys
from pathlib import Path
import apsw
from newsmill.archiver.sqlite import SqliteStore
from newsmill.bus.base import Place
from unit.archiver.rows import row

path, where, at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
batch, place, steps = int(sys.argv[4]), Place("enriched", 0), 0

def die(*_):
    if steps == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0

def arm(db):
    if where == "before":
        db.set_commit_hook(lambda: bool(die()))
    if where == "after":
        db.set_wal_hook(die)

with SqliteStore(path) as store:
    arm(store._db)
    while True:
        expected = store.positions("log")
        done = expected.get(place, 0)
        steps += 1
        rows = [row(f"{done}-{n}") for n in range(batch)] + [row("same", title=str(done),
                fetched=f"2026-11-02T08:00:00.{done:06d}Z")]
        store.write(rows, "log", expected, {place: done + 1})
"""


def writer(path: Path, where: str, at: int) -> subprocess.Popen[bytes]:
    paths = "import sys; sys.path[:0] = " + repr([p for p in sys.path if p]) + "\n"
    return subprocess.Popen(
        [sys.executable, "-c", paths + WRITER, str(path), where, str(at), str(BATCH)]
    )


def check_whole(path: Path) -> int:
    """The position, after making sure that the store holds exactly the transactions up to it."""
    with SqliteStore(path) as store:
        position = store.positions("log").get(ZERO, 0)
        assert store.pages() == store.count() == position * BATCH + (position > 0)
        found = store.find("https://gazette.example/same")
        assert (
            found is None if not position else f'"title":"{position - 1}"'.encode() in found.record
        )
    db = apsw.Connection(str(path))
    assert db.pragma("integrity_check") == "ok"
    db.close()
    return position


@pytest.mark.parametrize(("where", "there"), [("before", 2), ("after", 3)])
def test_a_writer_killed_at_its_commit_leaves_whole_transactions(
    path: Path, where: str, there: int
) -> None:
    process = writer(path, where, 3)
    assert process.wait(20) == -signal.SIGKILL
    assert check_whole(path) == there


def test_a_writer_killed_at_any_moment_leaves_whole_transactions(path: Path) -> None:
    reached = 0
    for n in range(4):
        process = writer(path, "nowhere", 0)
        try:
            give_up = time.monotonic() + 20
            while not path.exists() or position_of(path) <= reached:
                assert time.monotonic() < give_up
                time.sleep(0.005)
            time.sleep(0.0137 * n)
        finally:
            process.kill()
            process.wait(20)
        before, reached = reached, check_whole(path)
        assert reached > before


def position_of(path: Path) -> int:
    try:
        with SqliteStore(path, readonly=True) as store:
            return store.positions("log").get(ZERO, 0)
    except (Misconfigured, TryLater):  # it is being made
        return -1


def test_a_log_that_the_power_cut_anywhere_leaves_whole_transactions(path: Path) -> None:
    writer(path, "after", 6).wait(20)
    log = path.with_name("articles.db-wal").read_bytes()
    cuts = sorted(random.Random(5).sample(range(len(log)), 24))
    reached = []
    for cut in [0, *cuts, len(log)]:
        copy = path.with_name(f"cut-{cut}.db")
        copy.write_bytes(path.read_bytes())
        copy.with_name(f"{copy.name}-wal").write_bytes(log[:cut])
        reached.append(check_whole(copy))
    assert reached == sorted(reached)
    assert (reached[0], reached[-1]) == (0, 6)
