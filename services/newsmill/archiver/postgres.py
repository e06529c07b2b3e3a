"""The PostgreSQL store: the same promises as the SQLite one, in a schema of the lane's own.

Writers of one store take turns, by the lock of one row: a fold must see what the writer before it
committed. A step whose end nobody could see (the connection was cut at its COMMIT) is told by the
positions: whoever asks for them waits for that row first, and so for the server to have ended it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from newsmill.archiver.core.fold import Row, newest_per_page
from newsmill.archiver.session import Session, connect, failures
from newsmill.archiver.store import CALL_S, CHUNK, check_expected, check_forward
from newsmill.bus import crash
from newsmill.bus.base import Place
from newsmill.errors import BadRecord, TryLater

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0

# Rows go to the server before the turn is taken: a writer that stops halfway holds up nobody.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (LIKE pages) ON COMMIT DELETE ROWS
"""
_COME = "INSERT INTO incoming VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %b, %b)"
_TURN = "UPDATE about SET change = change + 1 RETURNING change"
_WAIT = "SELECT change FROM about FOR UPDATE"
_POSITIONS = "SELECT topic, partition, position FROM positions WHERE log = %s"
_ADVANCE = """
INSERT INTO positions SELECT %s, * FROM unnest(%s::text[], %s::integer[], %s::bigint[])
ON CONFLICT (log, topic, partition) DO UPDATE SET position = EXCLUDED.position
"""
_LEFT = "SELECT DISTINCT pages.article_id FROM pages JOIN incoming USING (page_id)"
# The order of core.fold.rank.
_KEEP = """
INSERT INTO pages SELECT * FROM incoming
ON CONFLICT (page_id) DO UPDATE SET
    article_id = EXCLUDED.article_id, revision = EXCLUDED.revision, fetched = EXCLUDED.fetched,
    fetched_us = EXCLUDED.fetched_us, canonical = EXCLUDED.canonical, url = EXCLUDED.url,
    site = EXCLUDED.site, title = EXCLUDED.title, published = EXCLUDED.published,
    language = EXCLUDED.language, digest = EXCLUDED.digest, record = EXCLUDED.record
WHERE (-EXCLUDED.fetched_us::numeric, EXCLUDED.revision, EXCLUDED.digest)
    < (-pages.fetched_us::numeric, pages.revision, pages.digest)
RETURNING page_id, article_id
"""
_FOLD = """
INSERT INTO articles
SELECT DISTINCT ON (article_id) article_id, page_id, %(change)s::bigint FROM pages
WHERE article_id = ANY(%(touched)s)
ORDER BY article_id, fetched_us DESC, canonical DESC, page_id
ON CONFLICT (article_id) DO UPDATE SET page_id = EXCLUDED.page_id, change = EXCLUDED.change
WHERE articles.page_id <> EXCLUDED.page_id OR EXCLUDED.page_id = ANY(%(written)s)
"""
_EMPTIED = """
DELETE FROM articles WHERE article_id = ANY(%s)
AND NOT EXISTS (SELECT FROM pages WHERE pages.article_id = articles.article_id)
"""
_CHUNK = """
SELECT articles.article_id, page_id, digest, record FROM articles JOIN pages USING (page_id)
WHERE articles.article_id > %s ORDER BY articles.article_id LIMIT %s
"""


class PostgresStore:
    """A ``Store`` in a PostgreSQL database. Not thread-safe: one thread owns it.

    It connects when it is first asked, and again after every failure. While the database is away,
    calls fail at once until the back-off is over.
    """

    def __init__(self, url: str, lane: str, *, name: str = "postgresql") -> None:
        self.name = name
        self._url = url
        self._lane = lane
        self._session: Session | None = None
        self._unsettled: dict[Place, int] = {}  # reached by a step that nobody saw the end of
        self._failures = 0
        self._not_before = 0.0
        self._why = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; a transaction that is open is rolled back by the server."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the store is in the log of that name; see ``Store.positions``."""
        with self._call() as session:
            session.execute(_WAIT)
            found = _positions(session, log_identity)
        self._unsettled = {}
        return found

    def write(
        self,
        rows: Sequence[Row],
        log_identity: str,
        expected: Mapping[Place, int],
        reached: Mapping[Place, int],
    ) -> None:
        """Fold the rows in and move the positions, in one transaction; see ``Store.write``."""
        check_forward(expected, reached)
        newest = newest_per_page(rows)
        with self._call() as session:
            session.execute(_STAGE)
            session.execute("BEGIN")
            with session.cursor() as cursor:
                cursor.executemany(_COME, map(_columns, newest))
            [(change,)] = session.execute(_TURN)
            present = _positions(session, log_identity)
            check_expected(self.name, present, expected, reached, self._unsettled)
            _keep(session, change)
            session.execute(_ADVANCE, [log_identity, *_columns_of(reached)])
            crash.point("store.written")
            self._unsettled = dict(reached)
            session.execute("COMMIT")
            self._unsettled = {}
            crash.point("store.done")

    def articles(self) -> Iterator[bytes]:
        """The record of every article, by article id; raises BadRecord for a damaged one."""
        last = ""
        while True:
            with self._call() as session:
                chunk = session.execute(_CHUNK, [last, CHUNK]).fetchall()
            for article_id, page_id, digest, record in chunk:
                last = article_id
                if hashlib.blake2b(record, digest_size=16).digest() != digest:
                    raise BadRecord("encoding", f"store {self.name}, page {page_id}: damaged")
                yield record
            if len(chunk) < CHUNK:
                return

    def count(self) -> int:
        """How many articles the store holds."""
        return self._number("SELECT count(*) FROM articles")

    def pages(self) -> int:
        """How many pages the store holds: at least as many as articles."""
        return self._number("SELECT count(*) FROM pages")

    def _number(self, query: str) -> int:
        with self._call() as session:
            [(number,)] = session.execute(query)
        return int(number)

    @contextlib.contextmanager
    def _call(self) -> Iterator[Session]:
        """One exchange with the database, within CALL_S all in all, the connection included."""
        now = time.monotonic()
        if now < self._not_before:
            raise TryLater(self._why, self._not_before - now)
        until = now + CALL_S
        try:
            with failures(self.name):
                if self._session is None:
                    self._session = connect(self._url, self._lane, self.name, until)
                self._session.until = until
                yield self._session
        except TryLater as later:
            self.close()
            self._failures += 1
            after_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(self._failures - 1, 10))
            self._why, self._not_before = later.why, time.monotonic() + after_s
            raise TryLater(later.why, after_s) from None
        except BaseException:
            self.close()
            raise
        self._failures = 0


def _positions(session: Session, log_identity: str) -> dict[Place, int]:
    found = session.execute(_POSITIONS, [log_identity])
    return {Place(topic, partition): position for topic, partition, position in found}


def _keep(session: Session, change: int) -> None:
    """Fold in what came: the newest row of every page, and the articles that it touches."""
    touched = {article_id for (article_id,) in session.execute(_LEFT)}
    kept = session.execute(_KEEP).fetchall()
    if not kept:
        return
    touched |= {article_id for _, article_id in kept}
    articles, written = sorted(touched), [page_id for page_id, _ in kept]
    session.execute(_FOLD, {"change": change, "touched": articles, "written": written})
    session.execute(_EMPTIED, [articles])


def _columns_of(reached: Mapping[Place, int]) -> tuple[list[str], list[int], list[int]]:
    places = list(reached)
    return (
        [place.topic for place in places],
        [place.partition for place in places],
        [reached[place] for place in places],
    )


def _columns(row: Row) -> tuple[Any, ...]:
    return (
        _text(row.page_id), _text(row.article_id), _text(row.revision), _text(row.fetched),
        row.fetched_us, row.canonical, _text(row.url), _text(row.site), _text(row.title),
        _text(row.published), _text(row.language), row.digest, row.record,
    )  # fmt: skip


def _text(value: str | None) -> str | None:
    """The text as PostgreSQL takes it: it has no NUL, and no half of a surrogate pair."""
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
