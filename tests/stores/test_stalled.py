"""A store that stalls, and comes back: it holds itself and no other, and has every row once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.loops.driving import connect, publish, waiting
from contract.workers.test_supervisor import article
from databases import Database
from newsmill.archiver import postgres, session
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.topics import ENRICHED
from running import wait_for
from stores.test_archiver import archiver, held

N = 200
STALL_S = 2.5  # several leases of the bus, and several calls of a store

LOCKER = """
import sys, apsw
db = apsw.Connection(sys.argv[1])
db.set_busy_timeout(10_000)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process is inside a write transaction of the file."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield
    finally:
        process.communicate(timeout=20)


@contextmanager
def frozen(server: Database) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@pytest.mark.parametrize("stalls", ["sqlite", "postgresql"])
def test_a_store_that_stalls_holds_itself_only_and_then_has_every_article_once(
    stalls: str,
    own_postgres: Database,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("newsmill.archiver.database.BUSY_MS", 400)
    monkeypatch.setattr(postgres, "CALL_S", 0.6)
    monkeypatch.setattr(postgres, "LONGEST_BACKOFF_S", 1.0)
    monkeypatch.setattr(session, "CONNECT_S", 2)
    path = tmp_path / "a.db"
    with connect(tmp_path) as opened:
        loops = {}
        loops["sqlite"], to_sqlite = archiver(tmp_path, "sqlite", SqliteStore(path))
        loops["postgresql"], to_postgres = archiver(tmp_path, "pg", PostgresStore(url, "live"))
        (other,) = loops.keys() - {stalls}
        with (
            loops["sqlite"].drain(to_sqlite, group="archiver.sqlite", topic=ENRICHED),
            loops["postgresql"].drain(to_postgres, group="archiver.postgresql", topic=ENRICHED),
        ):
            publish(opened, ENRICHED, [article(number) for number in range(N)])
            for store in loops:
                wait_for(lambda store=store: not waiting(opened, f"archiver.{store}"))
            with locked(path) if stalls == "sqlite" else frozen(own_postgres):
                publish(opened, ENRICHED, [article(number) for number in range(N, 2 * N)])
                began = time.monotonic()
                wait_for(lambda: not waiting(opened, f"archiver.{other}"), STALL_S)
                time.sleep(max(0.0, began + STALL_S - time.monotonic()))
                assert waiting(opened, f"archiver.{stalls}") == N
            wait_for(lambda: not waiting(opened, f"archiver.{stalls}"))
        for name, loop in loops.items():
            assert loop.error is None
            assert not loop.lines("partition.lost")
            assert bool(loop.lines("partition.held")) == (name == stalls)
        every = (2 * N,) * 3
        assert held(SqliteStore(path), opened.identity) == every
        assert held(PostgresStore(url, "live"), opened.identity) == every
