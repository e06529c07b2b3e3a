"""The PostgreSQL store: the same promises as the SQLite one, in a schema of the lane's own.

Writers of one store take turns, by the lock of one row: a fold must see what the writer before it
committed. A step whose end nobody could see (the connection was cut at its COMMIT) is told by the
positions: whoever asks for them waits for that row first, and so for the server to have ended it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from newsmill.archiver.core.fold import Row, newest_per_page, row_of
from newsmill.archiver.session import Session, connect, failures
from newsmill.archiver.store import (
    CALL_S,
    CHUNK,
    Adopted,
    check_expected,
    check_forward,
    in_chunks,
    is_site,
    keys_of_row,
    under,
)
from newsmill.bus import crash
from newsmill.bus.base import Place
from newsmill.errors import BadRecord, TryLater
from newsmill.records import Denial

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
ADOPT_S = 60.0  # for one chunk of another lane's rows

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
_TAKE = """
INSERT INTO pages SELECT * FROM incoming
ON CONFLICT (page_id) DO UPDATE SET
    article_id = EXCLUDED.article_id, revision = EXCLUDED.revision, fetched = EXCLUDED.fetched,
    fetched_us = EXCLUDED.fetched_us, canonical = EXCLUDED.canonical, url = EXCLUDED.url,
    site = EXCLUDED.site, title = EXCLUDED.title, published = EXCLUDED.published,
    language = EXCLUDED.language, digest = EXCLUDED.digest, record = EXCLUDED.record
"""
_KEEP = f"""{_TAKE}WHERE (-EXCLUDED.fetched_us::numeric, EXCLUDED.revision, EXCLUDED.digest)
    < (-pages.fetched_us::numeric, pages.revision, pages.digest)
RETURNING page_id, article_id
"""
_ADOPT = f"""{_TAKE}
WHERE EXCLUDED.fetched_us >= pages.fetched_us AND EXCLUDED.digest <> pages.digest
RETURNING page_id, article_id
"""
_SAME = "SELECT count(*) FROM pages JOIN incoming USING (page_id, digest)"
_PATIENT = (
    "SET LOCAL statement_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
)
_FOLD = """
INSERT INTO articles
SELECT DISTINCT ON (article_id) article_id, page_id, %(change)s::bigint FROM pages
WHERE article_id = ANY(%(touched)s)
ORDER BY article_id, fetched_us DESC, canonical DESC, page_id
ON CONFLICT (article_id) DO UPDATE SET page_id = EXCLUDED.page_id, change = EXCLUDED.change
WHERE articles.page_id <> EXCLUDED.page_id OR EXCLUDED.page_id = ANY(%(written)s)
"""
_EMPTIED = """
WITH gone AS (
    DELETE FROM articles WHERE article_id = ANY(%(touched)s)
    AND NOT EXISTS (SELECT FROM pages WHERE pages.article_id = articles.article_id)
    RETURNING article_id
)
INSERT INTO removed SELECT article_id, %(change)s::bigint, %(at)s::text, %(reason)s::text FROM gone
ON CONFLICT (article_id) DO UPDATE
SET change = EXCLUDED.change, at = EXCLUDED.at, reason = EXCLUDED.reason
"""
_BACK = """
DELETE FROM removed USING articles
WHERE removed.article_id = ANY(%(touched)s) AND removed.article_id = articles.article_id
"""
_DENIED = "SELECT key, at FROM forgotten WHERE key = ANY(%s)"
_DENY = """
INSERT INTO forgotten VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET at = EXCLUDED.at, reason = EXCLUDED.reason
"""
_NAMED = "SELECT page_id FROM pages WHERE page_id = %(key)s OR article_id = %(key)s"
_TAKE_DOWN = "DELETE FROM pages WHERE page_id = ANY(%s) RETURNING article_id"
_ALL_PAGES = """
SELECT page_id, url, digest, record FROM pages WHERE page_id > %s ORDER BY page_id LIMIT %s
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
            _drop_denied(session, newest)
            _keep(session, change)
            session.execute(_ADVANCE, [log_identity, *_columns_of(reached)])
            crash.point("store.written")
            self._unsettled = dict(reached)
            session.execute("COMMIT")
            self._unsettled = {}
            crash.point("store.done")

    def adopt(self, rows: Iterable[Row]) -> Adopted:
        """Take another lane's rows over, in one transaction; see ``Store.adopt``.

        It is long, and other writers wait for its end: they are told to try later.
        """
        adopted = Adopted()
        with self._call() as session:
            session.execute(_STAGE)
            with session.transaction():
                session.execute(_PATIENT)
                [(change,)] = session.execute(_TURN)
                for chunk in in_chunks(rows):
                    session.until = time.monotonic() + ADOPT_S
                    adopted += _adopt(session, change, chunk)
                crash.point("store.written")
        return adopted

    def forget(self, denials: Sequence[Denial]) -> int:
        """Remove what is denied, and take none of it ever again; gives how many articles went."""
        removed = 0
        with self._call() as session:
            rows = session.execute(_DENIED, [[denial.key for denial in denials]])
            known = set(rows.fetchall())
        for denial in denials:
            if (denial.key, denial.at) not in known:
                removed += self._forget(denial)
        return removed

    def _forget(self, denial: Denial) -> int:
        # Noted first: what is written from then on is kept out by the writer itself.
        with self._call() as session:
            session.execute(_DENY, [denial.key, denial.at, denial.reason])
        pages = self._pages_of_site(denial.key) if is_site(denial) else None
        with self._call() as session, session.transaction():
            [(change,)] = session.execute(_TURN)
            if pages is None:
                pages = [page for (page,) in session.execute(_NAMED, {"key": denial.key})]
            touched = sorted({one for (one,) in session.execute(_TAKE_DOWN, [pages])})
            about = {"at": denial.at, "reason": denial.reason}
            return _fold(session, change, touched, [], about)

    def _pages_of_site(self, site: str) -> list[str]:
        found: list[str] = []
        last = ""
        while True:
            with self._call() as session:
                chunk = session.execute(_ALL_PAGES, [last, CHUNK]).fetchall()
            if not chunk:
                return found
            last = chunk[-1][0]
            found += [
                page_id
                for page_id, url, _, record in chunk
                if under([site], url) and site in keys_of_row(row_of(record))
            ]

    def articles(self) -> Iterator[bytes]:
        """The record of every article, by article id; raises BadRecord for a damaged one."""
        last = ""
        while True:
            with self._call() as session:
                chunk = session.execute(_CHUNK, [last, CHUNK]).fetchall()
            for article_id, page_id, digest, record in chunk:
                last = article_id
                yield self._checked(page_id, digest, record)
            if len(chunk) < CHUNK:
                return

    def newest(self) -> Iterator[tuple[str, bytes]]:
        """Every page id, in order, with the page's newest record; as ``articles`` in all else."""
        last = ""
        while True:
            with self._call() as session:
                chunk = session.execute(_ALL_PAGES, [last, CHUNK]).fetchall()
            for page_id, _, digest, record in chunk:
                last = page_id
                yield page_id, self._checked(page_id, digest, record)
            if len(chunk) < CHUNK:
                return

    def _checked(self, page_id: str, digest: bytes, record: bytes) -> bytes:
        if hashlib.blake2b(record, digest_size=16).digest() != digest:
            raise BadRecord("encoding", f"store {self.name}, page {page_id}: damaged")
        return record

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


def _keep(session: Session, change: int, how: str = _KEEP) -> int:
    """Fold in what came, as ``how`` says, and the articles that it touches; gives how many."""
    touched = {article_id for (article_id,) in session.execute(_LEFT)}
    kept = session.execute(how.encode()).fetchall()
    if not kept:
        return 0
    touched |= {article_id for _, article_id in kept}
    written = [page_id for page_id, _ in kept]
    _fold(session, change, sorted(touched), written, {"at": None, "reason": None})
    return len(kept)


def _adopt(session: Session, change: int, rows: list[Row]) -> Adopted:
    """One chunk of another lane's rows."""
    with session.cursor() as cursor:
        cursor.executemany(_COME, map(_columns, rows))
    _drop_denied(session, rows)
    [(allowed,)] = session.execute("SELECT count(*) FROM incoming")
    [(same,)] = session.execute(_SAME)
    taken = _keep(session, change, _ADOPT)
    session.execute("DELETE FROM incoming")
    return Adopted(taken, same, allowed - taken - same, len(rows) - allowed)


def _fold(
    session: Session,
    change: int,
    touched: list[str],
    written: list[str],
    about: Mapping[str, str | None],
) -> int:
    """Fold articles over their pages anew; gives how many are gone, with a tombstone each."""
    what = {"change": change, "touched": touched}
    session.execute(_FOLD, what | {"written": written})
    gone = session.execute(_EMPTIED, {**what, **about}).rowcount
    session.execute(_BACK, what)
    return gone


def _drop_denied(session: Session, rows: Sequence[Row]) -> None:
    """Take out of what came what was taken down."""
    keys = {row.page_id: keys_of_row(row) for row in rows}
    asked = sorted(set().union(*keys.values()))
    denied = {key for key, _ in session.execute(_DENIED, [asked])}
    out = [page_id for page_id, its in keys.items() if its & denied]
    if out:
        session.execute("DELETE FROM incoming WHERE page_id = ANY(%s)", [out])


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
