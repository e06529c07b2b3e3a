"""Several archivers of one store, killed, stopped and cut off, over pages that change articles."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from contract.loops.driving import connect, url_of, waiting
from databases import Database
from newsmill.archiver.core.fold import Row, row_of
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store
from newsmill.bus.base import Bus, Output
from newsmill.process.settings import Settings
from newsmill.topics import ENRICHED
from running import start, wait_for
from stores.test_every_store import folded
from unit.archiver.rows import record

WORKERS = 3
SECONDS = 6.0


class Archivers:
    """Worker processes of one store; whatever ends is started again, as by a supervisor."""

    def __init__(self, folder: Path, store: str) -> None:
        self._log = folder / "stderr"
        self._settings = {"data": str(folder), "bus": url_of(folder), "store": store}
        self._processes = [self._started(slot) for slot in range(WORKERS)]

    def _started(self, slot: int) -> subprocess.Popen[bytes]:
        return start("work", "archiver", "--slot", slot, log=self._log, **self._settings)

    def tend(self) -> None:
        for slot, process in enumerate(self._processes):
            if process.poll() is not None:
                self._processes[slot] = self._started(slot)

    def kill(self, slot: int) -> None:
        self._processes[slot].kill()
        self._processes[slot].wait(10)

    def pause(self, slot: int, seconds: float) -> None:
        self._processes[slot].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._processes[slot].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(30)


@contextmanager
def archivers(folder: Path, store: str) -> Iterator[Archivers]:
    running = Archivers(folder, store)
    try:
        yield running
    finally:
        running.stop()


def published(opened: Bus, chance: random.Random, count: int) -> list[Row]:
    """Versions of a few pages that name ever other articles, so that partitions share them."""
    rows = [
        row_of(
            record(
                f"page-{chance.randrange(200)}",
                canonical=f"story-{chance.randrange(60)}",
                fetched=f"2026-11-02T08:{chance.randrange(60):02d}:{chance.randrange(60):02d}Z",
                revision=chance.choice("rstu"),
                title=f"{chance.random()}",
            )
        )
        for _ in range(count)
    ]
    member = opened.join("publisher", [])
    member.commit(
        [
            Output(topic=ENRICHED, key=r.article_id.encode(), routing=r.article_id, value=r.record)
            for r in rows
        ],
        [],
        {},
    )
    member.leave()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whatever_happens_to_them_the_store_is_the_fold_of_what_was_published(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance = random.Random(17)
    server: Database | None = None
    url = "sqlite"
    if kind == "postgresql":
        server, url = request.getfixturevalue("own_postgres"), request.getfixturevalue("url")
    rows: list[Row] = []
    with connect(tmp_path) as opened:
        with archivers(tmp_path, url) as running:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                rows += published(opened, chance, 25)
                running.tend()
                fault = chance.random()
                if fault < 0.06:
                    running.kill(chance.randrange(WORKERS))
                elif fault < 0.09:
                    running.pause(chance.randrange(WORKERS), chance.uniform(0.2, 2.0))
                elif fault < 0.12 and server is not None:
                    server.stop()
                    server.start()
                time.sleep(0.02)
            wait_for(lambda: running.tend() or not waiting(opened, f"archiver.{kind}"), 40)
        store: Store = PostgresStore(url, "live")
        if kind == "sqlite":
            store = SqliteStore(Settings(data=tmp_path).store_path)
        with closing(store):
            assert list(store.articles()) == folded(rows)
            assert sum(store.positions(opened.identity).values()) == len(rows)
