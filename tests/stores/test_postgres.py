"""The PostgreSQL store when its server stops, freezes or is cut off, and what its schema is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from databases import Database
from newsmill.archiver import postgres, session, store
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.session import MIGRATIONS, schema_of
from newsmill.archiver.store import StoreFenced
from newsmill.bus.base import Place
from newsmill.errors import BadRecord, Misconfigured, TryLater
from unit.archiver.rows import row

ZERO = Place("enriched", 0)


def until_it_works(call: Callable[[], object], within_s: float = 20.0) -> int:
    """Call again while the store says later; how often it did."""
    end, later = time.monotonic() + within_s, 0
    while True:
        try:
            call()
        except TryLater as error:
            if time.monotonic() > end:
                raise
            later += 1
            time.sleep(min(error.after_s, 0.5))
        else:
            return later


# -- the server goes away


def test_a_store_that_was_never_there_is_tried_later_and_fails_at_once_meanwhile() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://127.0.0.1:{nobody.getsockname()[1]}/news"
        with PostgresStore(url, "live", name="news") as away:
            with pytest.raises(TryLater, match=r"store news: .*refused") as first:
                away.positions("log")
            assert first.value.after_s == postgres.FIRST_BACKOFF_S
            started = time.monotonic()
            for _ in range(100):
                with pytest.raises(TryLater, match="refused"):
                    away.write([row("a")], "log", {}, {ZERO: 1})
            assert time.monotonic() - started < 0.4
            time.sleep(first.value.after_s)
            with pytest.raises(TryLater) as second:
                away.positions("log")
            assert second.value.after_s == 2 * postgres.FIRST_BACKOFF_S


def test_a_server_that_was_killed_and_restarted_has_whole_steps(
    own_postgres: Database, url: str
) -> None:
    with PostgresStore(url, "live") as store:
        for position in range(1, 4):
            expected = {ZERO: position - 1} if position > 1 else {}
            store.write([row(f"s{position}")], "log", expected, {ZERO: position})
            own_postgres.stop()
            with pytest.raises(TryLater):
                store.write([row("lost")], "log", {ZERO: position}, {ZERO: position + 9})
            own_postgres.start()
            found: dict[Place, int] = {}
            until_it_works(lambda found=found: found.update(store.positions("log")))
            assert found == {ZERO: position}
            assert store.count() == position


def test_no_call_waits_longer_than_a_lease_for_a_server_that_froze(
    own_postgres: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CALL_S", 1.0)
    with PostgresStore(url, "live") as one:
        one.write([row("a")], "log", {}, {ZERO: 1})
        own_postgres.freeze()
        started = time.monotonic()
        with pytest.raises(TryLater, match="no answer in time"):
            one.write([row("b")], "log", {ZERO: 1}, {ZERO: 2})
        time.sleep(postgres.FIRST_BACKOFF_S)
        with pytest.raises(TryLater):  # the same for a new connection
            one.positions("log")
        assert time.monotonic() - started < 8
        own_postgres.thaw()
        until_it_works(lambda: one.write([row("b")], "log", {ZERO: 1}, {ZERO: 2}))
        assert (one.count(), one.positions("log")) == (2, {ZERO: 2})


def test_calls_end_before_a_member_would_lose_its_partitions() -> None:
    from newsmill.bus.base import LEASE_S

    assert session.CONNECT_S < store.CALL_S < LEASE_S
    assert session.LOCK_S < store.CALL_S


# -- the connection is cut


@contextmanager
def cutting(port: int, at: bytes) -> Iterator[tuple[int, threading.Event]]:
    """A proxy that cuts the first connection whose client says ``at``, its words passed on."""
    cut = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(client, server, at), daemon=True).start()
            threading.Thread(target=pump, args=(server, client, b""), daemon=True).start()

    def pump(one: socket.socket, other: socket.socket, at: bytes) -> None:
        with one, other:
            while True:
                try:
                    words = one.recv(65536)
                    if at and at in words and not cut.is_set():
                        cut.set()
                        one.shutdown(socket.SHUT_RDWR)  # the client hears no more
                    other.sendall(words)
                except OSError:
                    return
                if not words:
                    return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], cut
    finally:
        listener.close()


def through(url: str, port: int) -> str:
    head, _, tail = url.partition("@")
    return f"{head}@127.0.0.1:{port}/{tail.partition('/')[2]}"


@pytest.mark.parametrize(
    "at",
    [b"COMMIT\0", b"INSERT INTO positions", b"INSERT INTO incoming"],
    ids=["commit", "turn", "rows"],
)
def test_a_step_whose_connection_was_cut_happens_once(
    own_postgres: Database, url: str, at: bytes
) -> None:
    with cutting(own_postgres.port, at) as (port, cut), PostgresStore(url, "live") as reader:
        reader.positions("log")  # makes the schema
        with PostgresStore(through(url, port), "live") as store:
            with pytest.raises(TryLater):
                store.write([row("a")], "log", {}, {ZERO: 1})
            assert cut.is_set()
            # The step as it is tried again, which has grown meanwhile.
            rows = [row("a"), row("b")]
            until_it_works(lambda: store.write(rows, "log", {}, {ZERO: 2}))
            assert (reader.count(), reader.positions("log")) == (2, {ZERO: 2})
            store.write([row("c")], "log", {ZERO: 2}, {ZERO: 3})
        assert reader.count() == 3


def test_a_session_that_an_administrator_ended_is_opened_again(
    postgres: Database, url: str
) -> None:
    with PostgresStore(url, "live") as store, psycopg.connect(url, autocommit=True) as admin:
        store.write([row("a")], "log", {}, {ZERO: 1})
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'newsmill' AND datname = current_database()"
        )
        assert until_it_works(lambda: store.write([row("b")], "log", {ZERO: 1}, {ZERO: 2})) == 1
        assert store.count() == 2


def test_a_writer_stopped_inside_its_turn_holds_up_the_next_one_for_seconds_and_writes_nothing(
    postgres: Database, url: str
) -> None:
    with PostgresStore(url, "live") as stopped, PostgresStore(url, "live") as next_one:
        stopped.write([row("a")], "log", {}, {ZERO: 1})
        with stopped._call() as inside:
            inside.execute("BEGIN")
            inside.execute("UPDATE about SET change = change + 1")
            started = time.monotonic()
            until_it_works(lambda: next_one.write([row("b")], "log", {ZERO: 1}, {ZERO: 2}))
            assert 1 < time.monotonic() - started < 10
        with pytest.raises(TryLater):
            stopped.write([row("c")], "log", {ZERO: 1}, {ZERO: 3})
        time.sleep(postgres_backoff())
        with pytest.raises(StoreFenced):
            stopped.write([row("c")], "log", {ZERO: 1}, {ZERO: 3})
        assert next_one.count() == 2


def postgres_backoff() -> float:
    return postgres.FIRST_BACKOFF_S


def test_positions_wait_for_a_step_that_the_server_is_still_at(url: str) -> None:
    """A writer was killed at its COMMIT: whoever comes next must not read what was before."""
    with PostgresStore(url, "live") as killed, PostgresStore(url, "live") as next_one:
        killed.write([row("a")], "log", {}, {ZERO: 1})
        with killed._call() as inside:
            inside.execute("BEGIN")
            inside.execute("UPDATE about SET change = change + 1")
            inside.execute("UPDATE positions SET position = 2")
            found: list[dict[Place, int]] = []
            asking = threading.Thread(target=lambda: found.append(next_one.positions("log")))
            asking.start()
            asking.join(0.5)
            assert found == []
            inside.execute("COMMIT")
            asking.join(10)
        assert found == [{ZERO: 2}]


# -- the schema


def test_lanes_share_a_database_and_nothing_in_it(url: str) -> None:
    with PostgresStore(url, "live") as live, PostgresStore(url, "a-replay") as replay:
        live.write([row("a")], "log", {}, {ZERO: 1})
        assert (replay.count(), replay.positions("log")) == (0, {})
    long = [schema_of("x" * 60 + end) for end in "ab"]
    assert len({*long}) == 2
    assert max(map(len, long)) <= session.LONGEST_NAME


def test_an_older_format_is_brought_to_the_present_one_and_a_newer_one_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresStore(url, "live") as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    with monkeypatch.context() as newer:
        newer.setattr(session, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE pages ADD words integer"))
        with PostgresStore(url, "live") as store:
            assert (store.count(), store.positions("log")) == (1, {ZERO: 1})
        with psycopg.connect(url) as db:
            assert db.execute("SELECT words FROM newsmill_live.pages").fetchall() == [(None,)]
    refused = pytest.raises(
        Misconfigured, match=r"format is 3; this newsmill writes 2: install a newer one"
    )
    with PostgresStore(url, "live") as store, refused:
        store.positions("log")


def test_a_migration_that_fails_leaves_the_format_that_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresStore(url, "live") as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
    with monkeypatch.context() as broken:
        steps = (*MIGRATIONS, "ALTER TABLE pages ADD words integer; SELECT 1/0")
        broken.setattr(session, "MIGRATIONS", steps)
        with PostgresStore(url, "live") as store, pytest.raises(psycopg.errors.DivisionByZero):
            store.positions("log")
    with PostgresStore(url, "live") as store:
        assert (store.count(), store.positions("log")) == (1, {ZERO: 1})


def test_two_archivers_may_make_the_schema_at_once(url: str) -> None:
    stores = [PostgresStore(url, "live") for _ in range(4)]
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda s=s: found.append(s.positions("log"))) for s in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for each in stores:
        each.close()
    assert found == [{}] * 4


def test_the_database_may_be_asked_in_its_own_language(url: str) -> None:
    with PostgresStore(url, "live") as store:
        store.write([row("a", title="Bridge \0 opens")], "log", {}, {ZERO: 1})
    with psycopg.connect(url) as db:
        [(title, text)] = db.execute(
            "SELECT title, record ->> 'title' FROM newsmill_live.records"
        ).fetchall()
    assert title == text == "Bridge \ufffd opens"


def test_a_record_that_was_damaged_is_never_given_out(url: str) -> None:
    with PostgresStore(url, "live") as store:
        store.write([row("a")], "log", {}, {ZERO: 1})
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("UPDATE newsmill_live.pages SET record = set_byte(record, 9, 64)")
        with pytest.raises(BadRecord, match="damaged"):
            list(store.articles())


@pytest.mark.parametrize("wrong", ["postgresql://h/db?sslmood=on", "postgresql://[h/db"])
def test_a_url_that_is_wrong_is_one_line(wrong: str) -> None:
    with PostgresStore(wrong, "live") as store, pytest.raises(Misconfigured, match=r"\A[^\n]+\Z"):
        store.positions("log")


def test_a_database_that_cannot_hold_every_letter_is_refused(postgres: Database) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    url = postgres.fresh().rpartition("/")[0] + "/latin"
    with PostgresStore(url, "live") as store, pytest.raises(Misconfigured, match="LATIN1"):
        store.positions("log")
