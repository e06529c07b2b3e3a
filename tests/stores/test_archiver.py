"""The archiver over real stores: killed at every point, and with one of two stores away."""

from __future__ import annotations

import json
import random
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contract.loops.driving import Loop, connect, publish, url_of, waiting
from contract.workers.test_supervisor import article
from databases import Database
from newsmill.archiver import postgres as postgres_store
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store
from newsmill.archiver.stores import store_of, wanted_stores
from newsmill.archiver.worker import Archiving
from newsmill.cli.hold import roles
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings, as_environment, load, shown
from newsmill.topics import ENRICHED
from running import export, newsmill, start, stop, wait_for

N = 300
POINTS = ("store.written", "store.done", "after_seal", "commit.written", "after_commit")


def held(store: Store, identity: str) -> tuple[int, int, int]:
    with closing(store):
        return store.count(), store.pages(), sum(store.positions(identity).values())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_archiver_killed_at_every_point_and_at_random_stores_each_article_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = "sqlite" if kind == "sqlite" else request.getfixturevalue("url")
    chance = random.Random(11)
    with connect(tmp_path) as opened:
        publish(opened, ENRICHED, [article(number) for number in range(N)])
        settings = {"data": str(tmp_path), "bus": url_of(tmp_path), "store": url}
        log = tmp_path / "stderr"
        for point in POINTS:
            process = start("work", "archiver", log=log, crash_at=f"{point}:2", **settings)
            assert process.wait(30) == -signal.SIGKILL, log.read_text()
        for _ in range(2):
            process = start("work", "archiver", log=log, **settings)
            time.sleep(chance.uniform(0.6, 1.2))
            process.kill()
            process.wait(10)
        starts = log.read_text().count('"worker.start"')  # one that was killed early said nothing
        process = start("work", "archiver", log=log, **settings)
        wait_for(lambda: log.read_text().count('"worker.start"') > starts, 30)
        wait_for(lambda: not waiting(opened, f"archiver.{kind}"), 40)
        assert stop(process) == 0
        if kind == "sqlite":
            store: Store = SqliteStore(Settings(data=tmp_path).store_path)
            assert len(export(tmp_path)) == N
        else:
            store = PostgresStore(url, "live")
        assert held(store, opened.identity) == (N, N, N)


def archiver(folder: Path, name: str, store: Store) -> tuple[Loop, Archiving]:
    loop = Loop(folder, name)
    return loop, Archiving(store, loop.bus.identity, loop.log, name=name)


def test_a_store_that_is_down_holds_itself_only_and_says_so(
    own_postgres: Database, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "LONGEST_BACKOFF_S", 1.0)
    with connect(tmp_path) as opened:
        own_postgres.stop()
        one, to_sqlite = archiver(tmp_path, "sqlite", SqliteStore(tmp_path / "a.db"))
        other, to_postgres = archiver(tmp_path, "postgresql", PostgresStore(url, "live"))
        with (
            one.drain(to_sqlite, group="archiver.sqlite", topic=ENRICHED),
            other.drain(to_postgres, group="archiver.postgresql", topic=ENRICHED),
        ):
            publish(opened, ENRICHED, [article(number) for number in range(N)])
            wait_for(lambda: not waiting(opened, "archiver.sqlite"))
            wait_for(lambda: any("refused" in h["why"] for h in other.lines("partition.held")))
            assert waiting(opened, "archiver.postgresql") == N
            assert other.is_running
            assert not one.lines("partition.held")
            own_postgres.start()
            wait_for(lambda: not waiting(opened, "archiver.postgresql"))
            # Away again, this time with partitions that are open already.
            own_postgres.stop()
            publish(opened, ENRICHED, [article(number) for number in range(N, N + 50)])
            wait_for(lambda: not waiting(opened, "archiver.sqlite"))
            assert waiting(opened, "archiver.postgresql") == 50
            time.sleep(1.5)  # longer than a lease: membership goes on
            own_postgres.start()
            wait_for(lambda: not waiting(opened, "archiver.postgresql"))
        assert other.error is None
        assert len(other.lines("partition.lost")) == 0
        every = (N + 50,) * 3
        assert held(SqliteStore(tmp_path / "a.db"), opened.identity) == every
        assert held(PostgresStore(url, "live"), opened.identity) == every


def test_a_store_that_lost_its_last_steps_is_filled_again_from_the_log(
    url: str, tmp_path: Path
) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENRICHED, [article(number) for number in range(60)])
        for name in ("first", "second"):  # the second in another lane: an empty schema
            store = PostgresStore(url, name)
            loop, archiving = archiver(tmp_path, name, store)
            with loop.drain(archiving, group="archiver.postgresql", topic=ENRICHED):
                wait_for(lambda loop=loop: len(loop.lines("record")) >= 60)
                wait_for(lambda: not waiting(opened, "archiver.postgresql"))
            assert loop.error is None
            assert held(PostgresStore(url, name), opened.identity) == (60, 60, 60)


def test_a_partition_that_is_opened_late_goes_back_to_where_its_store_is(
    own_postgres: Database, url: str, tmp_path: Path
) -> None:
    with connect(tmp_path) as opened:
        publish(opened, ENRICHED, [article(number) for number in range(60)])
        loop, archiving = archiver(tmp_path, "first", PostgresStore(url, "first"))
        with loop.drain(archiving, group="archiver.postgresql", topic=ENRICHED):
            wait_for(lambda: not waiting(opened, "archiver.postgresql"))
        own_postgres.stop()
        loop, archiving = archiver(tmp_path, "second", PostgresStore(url, "second"))
        with loop.drain(archiving, group="archiver.postgresql", topic=ENRICHED):
            publish(opened, ENRICHED, [article(number) for number in range(60, 90)])
            wait_for(lambda: loop.lines("partition.held"))
            time.sleep(0.5)  # what came is with the loop by now
            assert not loop.lines("partition.assigned")
            own_postgres.start()
            wait_for(lambda: len(loop.lines("record")) >= 90)
            wait_for(lambda: not waiting(opened, "archiver.postgresql"))
        assert loop.error is None
        seen = [(line["partition"], line["offset"]) for line in loop.lines("record")]
        assert len(seen) == len(set(seen)) == 90
        assert held(PostgresStore(url, "second"), opened.identity) == (90, 90, 90)


# -- settings


def stores(*given: str, slot: int | None = None) -> Settings:
    return Settings(store=given, slot=slot)


def test_the_slot_says_which_of_several_stores_a_worker_serves() -> None:
    several = ("sqlite", "postgresql://h/db", "backup=postgresql://h2/db")
    assert [store.group for store in wanted_stores(stores(*several))] == [
        "archiver.sqlite", "archiver.postgresql", "archiver.backup",
    ]  # fmt: skip
    names = [store_of(stores(*several, slot=slot)).name for slot in range(4)]
    assert names == ["sqlite", "postgresql", "backup", "sqlite"]
    assert [slot for role, slot in roles(stores(*several)) if role == "archiver"] == [0, 1, 2]
    with pytest.raises(Misconfigured, match="give it --slot 0 to 2"):
        store_of(stores(*several))
    assert store_of(stores()).name == "sqlite"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["mysql://root:secret@h/db"], r"store mysql://\*\*\*@h/db: use sqlite, warc"),
        (["sqlite", "sqlite"], "two stores are called sqlite"),
        (["postgresql://a/x", "postgresql://b/x"], "two stores are called postgresql: name one"),
        (["second=sqlite"], "one sqlite store"),
    ],
)
def test_stores_that_cannot_be_are_refused_in_one_line(given: list[str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        wanted_stores(stores(*given))


def test_stores_come_by_environment_and_are_shown_without_secrets() -> None:
    urls = ("sqlite", "postgresql://me:secret@h/db", "b=postgres://h/db?password=secret&x=1")
    settings = load({}, {"NEWSMILL_STORE": " ".join(urls)})
    assert settings.store == urls
    assert as_environment(settings)["NEWSMILL_STORE"] == " ".join(urls)
    told: Any = shown(settings)["store"]
    assert "secret" not in str(told)
    assert told[1] == "postgresql://***@h/db"


def test_a_run_with_two_stores_fills_both_and_export_reads_the_file(
    url: str, tmp_path: Path
) -> None:
    done = newsmill("run", "--data", tmp_path, "--store", "sqlite", "--store", url)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    exported = export(tmp_path)
    with PostgresStore(url, "live") as store:
        assert store.count() == len(exported) > 20
    summary = newsmill("ops", "summary", "--json", "--data", tmp_path)
    assert summary.returncode == 0, summary.stdout.decode() + summary.stderr.decode()
    told = json.loads(summary.stdout)
    assert told["balanced"]
    stages = [stage["stage"] for stage in told["stages"]]
    assert {"archiver", "archiver:postgresql"} <= {*stages}


def test_an_archiver_whose_database_is_killed_while_it_works_stores_each_article_once(
    own_postgres: Database, url: str, tmp_path: Path
) -> None:
    chance = random.Random(5)
    batches = [range(n, n + 100) for n in range(0, 1000, 100)]
    with connect(tmp_path) as opened:
        settings = {"data": str(tmp_path), "bus": url_of(tmp_path), "store": url}
        log = tmp_path / "stderr"
        process = start("work", "archiver", log=log, **settings)
        for number, batch in enumerate(batches):
            publish(opened, ENRICHED, [article(n) for n in batch])
            time.sleep(chance.uniform(0, 0.2))
            if number % 3 == 1:
                own_postgres.stop()
                time.sleep(chance.uniform(0, 0.5))
                own_postgres.start()
            if number % 4 == 3:
                process.kill()
                process.wait(10)
                process = start("work", "archiver", log=log, **settings)
        wait_for(lambda: f'"pid":{process.pid},' in log.read_text())  # it has joined by now
        wait_for(lambda: not waiting(opened, "archiver.postgresql"), 40)
        assert stop(process) == 0
        assert held(PostgresStore(url, "live"), opened.identity) == (1000, 1000, 1000)
