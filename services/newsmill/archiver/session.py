"""A connection to PostgreSQL whose every wait has an end, over a schema of a known format."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import secrets
import time
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql

from newsmill.errors import Misconfigured, TryLater

CONNECT_S = 3
LOCK_S = 4.0  # for the writer before us; one that was stopped inside its turn loses it sooner
IDLE_S = 3.0  # between two statements of a transaction
LONGEST_NAME = 63  # bytes of an identifier; PostgreSQL cuts a longer one without a word
T = TypeVar("T")

# ``records`` is for people and their queries: JSON of PostgreSQL can hold no NUL.
# One entry a format: what brings the format before it to this one. Never changed, only added to.
# ``pages_of_article`` has the order of core.fold.speaks_for. Ids compare by their bytes.
MIGRATIONS: tuple[str, ...] = (
    r"""
CREATE TABLE about(
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    format integer NOT NULL, store text NOT NULL, change bigint NOT NULL DEFAULT 0
);
CREATE TABLE positions(
    log text NOT NULL, topic text NOT NULL, partition integer NOT NULL, position bigint NOT NULL,
    PRIMARY KEY (log, topic, partition)
);
CREATE TABLE pages(
    page_id text COLLATE "C" PRIMARY KEY, article_id text COLLATE "C" NOT NULL,
    revision text COLLATE "C" NOT NULL, fetched text, fetched_us bigint NOT NULL,
    canonical boolean NOT NULL, url text, site text, title text, published text, language text,
    digest bytea NOT NULL, record bytea NOT NULL
);
CREATE INDEX pages_of_article ON pages(article_id, fetched_us DESC, canonical DESC, page_id);
CREATE TABLE articles(
    article_id text COLLATE "C" PRIMARY KEY, page_id text COLLATE "C" NOT NULL,
    change bigint NOT NULL
);
CREATE VIEW records AS
SELECT articles.article_id, page_id, url, site, title, published, language, fetched, change,
       replace(convert_from(record, 'UTF8'), '\u0000', '\ufffd')::json AS record
FROM articles JOIN pages USING (page_id);
COMMENT ON COLUMN pages.record IS 'the enriched record, byte for byte';
COMMENT ON COLUMN pages.fetched_us IS 'microseconds since 1970, UTC; the least where unknown';
""",
    """
CREATE TABLE forgotten(
    key text COLLATE "C" PRIMARY KEY, at text NOT NULL, reason text NOT NULL
);
CREATE TABLE removed(
    article_id text COLLATE "C" PRIMARY KEY, change bigint NOT NULL, at text, reason text
);
COMMENT ON TABLE forgotten IS 'what was taken down, and is never taken again';
COMMENT ON TABLE removed IS 'tombstones: articles that were here, and are gone';
""",
)

_FORMAT = "SELECT format FROM about"
_SETTINGS = """
SELECT set_config('search_path', %(schema)s, false),
       set_config('statement_timeout', %(statement)s, false),
       set_config('lock_timeout', %(lock)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle)s, false),
       set_config('tcp_keepalives_idle', '4', false),
       set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '2', false),
       set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
       current_setting('server_encoding'), to_regnamespace(%(schema)s) IS NOT NULL
"""


class Session(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up at ``until``, whatever the server or the network do.

    The server's own timeouts end a statement that is slow; a server that stopped, or a network that
    swallows packets, can only be noticed here.
    """

    until = math.inf  # monotonic

    def wait(self, gen: Generator[Any, Any, T], *how: Any, **more: Any) -> T:
        """Wait for the server, but not past ``until``."""
        return super().wait(self._bounded(gen), *how, **more)

    def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if time.monotonic() > self.until:
                    gen.close()
                    raise errors.OperationalError("no answer in time")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


def schema_of(lane: str) -> str:
    """The schema that holds a lane: lanes share a database, and nothing in it."""
    name = f"newsmill_{lane}"
    if len(name) <= LONGEST_NAME:
        return name
    return (
        f"{name[: LONGEST_NAME - 17]}_{hashlib.blake2b(lane.encode(), digest_size=8).hexdigest()}"
    )


def connect(url: str, lane: str, store: str, until: float) -> Session:
    """A session in the lane's schema, which is made, or brought to the present format.

    Raises psycopg's errors, and Misconfigured for a schema of a newer format.
    """
    session = Session.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_S,
        tcp_user_timeout=5000,
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=2,
        application_name="newsmill",
        prepare_threshold=None,  # a pooler in between may give the next statement another session
    )
    try:
        session.until = until
        _enter(session, lane, store)
    except BaseException:
        session.close()
        raise
    return session


def _enter(session: Session, lane: str, store: str) -> None:
    schema = schema_of(lane)
    quoted = sql.Identifier(schema).as_string(session)
    how = {"schema": quoted, "statement": "6s", "lock": f"{LOCK_S}s", "idle": f"{IDLE_S}s"}
    row = session.execute(_SETTINGS, how).fetchone()
    encoding, is_there = row[-2:] if row else ("", False)
    if encoding != "UTF8":
        raise Misconfigured(f"store {store}: a database in {encoding}; make one in UTF8")
    found = _format(session) if is_there else 0
    if found != len(MIGRATIONS):
        _migrate(session, schema, store)


def _format(session: Session) -> int:
    """The format of the schema; 0 where it holds none of ours."""
    row = session.execute("SELECT to_regclass('about') IS NOT NULL").fetchone()
    if not row or not row[0]:
        return 0
    row = session.execute(_FORMAT).fetchone()
    return int(row[0]) if row else 0


def _migrate(session: Session, schema: str, store: str) -> None:
    """Step by step to the present format, in one transaction, one process at a time."""
    key = int.from_bytes(hashlib.blake2b(schema.encode(), digest_size=8).digest(), signed=True)
    session.execute("BEGIN")
    session.execute("SELECT pg_advisory_xact_lock(%s)", [key])
    session.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    found = _format(session)
    if found > len(MIGRATIONS):
        raise Misconfigured(
            f"store {store}: its format is {found}; this newsmill writes {len(MIGRATIONS)}:"
            " install a newer one"
        )
    for step in MIGRATIONS[found:]:
        session.execute(step.encode())
    if not found:
        session.execute(
            "INSERT INTO about(format, store) VALUES (%s, %s)",
            [len(MIGRATIONS), secrets.token_hex(4)],
        )
    session.execute("UPDATE about SET format = %s", [len(MIGRATIONS)])
    session.execute("COMMIT")


_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
_FORBIDDEN = (errors.InsufficientPrivilege, errors.UndefinedTable, errors.UndefinedColumn)
_LINES = re.compile(r"\s+")


@contextlib.contextmanager
def failures(store: str) -> Iterator[None]:
    """PostgreSQL's errors as TryLater or Misconfigured, in one line that names the store."""
    try:
        yield
    except errors.DiskFull:
        raise TryLater(f"store {store}: disk full", 1.0) from None
    except _FORBIDDEN as error:
        raise Misconfigured(f"store {store}: {_words(error)}") from None
    except _AWAY as error:
        raise TryLater(f"store {store}: {_words(error)}", 1.0) from None
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:  # the server's word on a statement of ours: a bug
            raise
        raise Misconfigured(f"store {store}: its URL: {_words(error)}") from None


def _words(error: Exception) -> str:
    return _LINES.sub(" ", str(error)).strip()[:300] or type(error).__name__
