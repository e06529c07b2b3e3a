"""The SQLite store: the newest row of every page, articles folded over them, and how far it is.

One process writes, any number read meanwhile. A record is kept whole, in a zstd frame with a
checksum, so that what comes out is what came in or an error.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import apsw
import orjson
import zstandard

from newsmill.archiver.core.fold import OLDEST, Row, instant, newest_per_page, rank, row_of
from newsmill.archiver.database import (
    advance,
    connect,
    failures,
    has_happened,
    positions,
    transaction,
)
from newsmill.archiver.store import (
    CHUNK,
    Adopted,
    Found,
    Removed,
    check_expected,
    check_forward,
    in_chunks,
    is_site,
    keys_of_row,
    under,
)
from newsmill.bus import crash
from newsmill.bus.base import Place
from newsmill.errors import BadRecord, Misconfigured, TryLater
from newsmill.process.denied import keys_of
from newsmill.records import Denial
from newsmill.urls import identity, normalise

_ID = re.compile(r"[0-9a-f]{32}\Z", re.I)
_CURSOR = re.compile(r"c([0-9a-f]{8})-(\d{1,18})\Z")

_PRESENT = "SELECT ifnull(fetched_us, ?), revision, digest, article_id FROM pages WHERE page_id = ?"
_KEEP = "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PAGES = """
SELECT page_id FROM pages WHERE article_id = ?
ORDER BY fetched_us DESC, canonical DESC, page_id
"""
_SPEAKER = f"{_PAGES} LIMIT 1"
_FOLD = """
INSERT INTO articles VALUES (?1, ?2, ?3)
ON CONFLICT (article_id) DO UPDATE SET page_id = ?2, change = ?3 WHERE page_id <> ?2 OR ?4
"""
_CHUNK = """
SELECT articles.article_id, page_id, record FROM articles JOIN pages USING (page_id)
WHERE articles.article_id > ? AND change > ? AND ifnull(fetched_us, ?) >= ?
ORDER BY articles.article_id LIMIT ?
"""
_ANY = "SELECT key, at, reason FROM forgotten WHERE key IN (SELECT value FROM json_each(?))"
_GONE = "INSERT OR REPLACE INTO removed VALUES (?, ?, ?, ?)"
_ALL_URLS = "SELECT page_id, url FROM pages WHERE page_id > ? ORDER BY page_id LIMIT ?"
_ALL_PAGES = "SELECT page_id, url, record FROM pages WHERE page_id > ? ORDER BY page_id LIMIT ?"


class SqliteStore:
    """A ``Store`` in one SQLite file. Not thread-safe: one thread owns it.

    Raises Misconfigured where the file is no store of ours, TryLater where it cannot be read now.
    """

    def __init__(self, path: Path, *, readonly: bool = False, oldest: int | None = None) -> None:
        self.path = path
        self._how: dict[str, Any] = {"readonly": readonly, "oldest": oldest}
        self._open: apsw.Connection | None = connect(path, **self._how)
        self._compress = zstandard.ZstdCompressor(level=3, write_checksum=True).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _db(self) -> apsw.Connection:
        """The connection, opened anew after a failed write: its cache may be false."""
        if self._open is None:
            self._open = connect(self.path, **self._how)
        return self._open

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the store is in the log of that name: all below is in it. Empty for a new log."""
        with failures(self.path):
            return positions(self._db, log_identity)

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
        try:
            with failures(self.path), transaction(self._db):
                present = self.positions(log_identity)
                check_expected(str(self.path), present, expected, reached, {})
                self._keep(self._allowed(newest))
                advance(self._db, log_identity, reached)
                crash.point("store.written")
            crash.point("store.done")
        except TryLater:
            self.close()
            if not has_happened(self.positions(log_identity), expected, reached):
                raise

    def _keep(self, rows: list[Row]) -> None:
        written: set[str] = set()
        touched: set[str] = set()
        for row in rows:
            present = self._db.execute(_PRESENT, [OLDEST, row.page_id]).fetchone()
            if present is not None:
                if rank(*present[:3]) <= row.rank:
                    continue
                touched.add(present[3])
            touched.add(row.article_id)
            written.add(row.page_id)
            self._db.execute(_KEEP, _columns(row, self._compress(row.record)))
        self._fold(touched, written)

    def adopt(self, rows: Iterable[Row]) -> Adopted:
        """Take another lane's rows over, in one transaction; see ``Store.adopt``."""
        adopted = Adopted()
        try:
            with failures(self.path), transaction(self._db):
                for chunk in in_chunks(rows):
                    adopted += self._adopt(chunk)
                crash.point("store.written")
        except TryLater:
            self.close()
            raise
        return adopted

    def _adopt(self, rows: list[Row]) -> Adopted:
        allowed = self._allowed(rows)
        written: set[str] = set()
        touched: set[str] = set()
        same = 0
        for row in allowed:
            present = self._db.execute(_PRESENT, [OLDEST, row.page_id]).fetchone()
            if present is not None:
                if present[0] > row.fetched_us or present[2] == row.digest:
                    same += present[2] == row.digest
                    continue
                touched.add(present[3])
            touched.add(row.article_id)
            written.add(row.page_id)
            self._db.execute(_KEEP, _columns(row, self._compress(row.record)))
        self._fold(touched, written)
        newer = len(allowed) - len(written) - same
        return Adopted(len(written), same, newer, len(rows) - len(allowed))

    def _fold(
        self, touched: set[str], written: set[str], at: str | None = None, why: str | None = None
    ) -> int:
        """Fold articles over their pages anew; gives how many are gone, with a tombstone each."""
        if not touched:
            return 0
        gone = 0
        change = self._db.execute(
            "UPDATE about SET value = value + 1 WHERE name = 'change' RETURNING value"
        ).get
        for article_id in sorted(touched):
            speaker = self._db.execute(_SPEAKER, [article_id]).get
            if speaker is not None:
                self._db.execute(_FOLD, [article_id, speaker, change, speaker in written])
                self._db.execute("DELETE FROM removed WHERE article_id = ?", [article_id])
                continue
            was = "DELETE FROM articles WHERE article_id = ? RETURNING 1"
            if self._db.execute(was, [article_id]).get:
                self._db.execute(_GONE, [article_id, change, at, why])
                gone += 1
        return gone

    def forget(self, denials: Sequence[Denial]) -> int:
        """Remove what is denied, and take none of it ever again; gives how many articles went.

        The bytes go too: what is deleted is written over, and the journal is emptied.
        """
        removed = 0
        with failures(self.path):
            known = {(key, at) for key, at, _ in self._forgotten(d.key for d in denials)}
            fresh = [denial for denial in denials if (denial.key, denial.at) not in known]
            if not fresh:
                return 0
            self._db.pragma("secure_delete", True)
            with transaction(self._db):
                for denial in fresh:
                    noted = "INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?)"
                    self._db.execute(noted, [denial.key, denial.at, denial.reason])
                    touched = self._take_down(denial)
                    removed += self._fold(touched, set(), denial.at, denial.reason)
            self._db.pragma("wal_checkpoint", "TRUNCATE")
        return removed

    def _take_down(self, denial: Denial) -> set[str]:
        """Delete the pages that a denial names; gives the articles that they told."""
        if is_site(denial):
            pages = self._pages_of_site(denial.key)
        else:
            sought = "SELECT page_id FROM pages WHERE page_id = ?1 OR article_id = ?1"
            pages = [page_id for (page_id,) in self._db.execute(sought, [denial.key])]
        taken = "DELETE FROM pages WHERE page_id = ? RETURNING article_id"
        return {str(self._db.execute(taken, [page_id]).get) for page_id in pages}

    def _pages_of_site(self, site: str) -> list[str]:
        found: list[str] = []
        last = ""
        while chunk := self._all(_ALL_URLS, [last, 10 * CHUNK]):
            last = chunk[-1][0]
            for page_id in (page_id for page_id, url in chunk if under([site], url)):
                [(frame,)] = self._all("SELECT record FROM pages WHERE page_id = ?", [page_id])
                if site in keys_of_row(row_of(self._record(page_id, frame))):
                    found.append(page_id)
        return found

    def _allowed(self, rows: list[Row]) -> list[Row]:
        """The rows that were not taken down."""
        if not self._all("SELECT 1 FROM forgotten LIMIT 1", []):
            return rows
        return [row for row in rows if not self._forgotten(keys_of_row(row))]

    def _forgotten(self, keys: Iterable[str]) -> list[tuple[str, str, str]]:
        return self._all(_ANY, [orjson.dumps(sorted(keys)).decode()])

    def denial(self, id_or_url: str) -> Denial | None:
        """What was taken down under an id, a URL or its site; None where nothing was."""
        key = id_or_url.strip().lower()
        keys = {key}
        if not _ID.match(key):
            try:
                url = normalise(id_or_url)
            except ValueError:
                return None
            keys = {*keys_of([identity(url)], [url])}
        found = self._forgotten(keys)
        return Denial(key=found[0][0], at=found[0][1], reason=found[0][2]) if found else None

    def articles(self, since: str | None = None) -> Iterator[bytes]:
        """The record of every article, by article id.

        ``since`` leaves out what did not change since a ``cursor`` of this store, or what was
        fetched before a date or time (ISO 8601). While a writer is at work, every record is whole
        and was the article's at some moment of the reading, not all at the same one; what changed
        meanwhile comes again after a cursor that was taken before. Raises Misconfigured for any
        other ``since``, BadRecord for a damaged record.
        """
        for _, record in self._told(*self._since(since)):
            yield record

    def _told(self, change: int, fetched: int) -> Iterator[tuple[str, bytes]]:
        last = ""
        while True:
            chunk = self._all(_CHUNK, [last, change, OLDEST, fetched, CHUNK])
            for article_id, page_id, frame in chunk:
                last = article_id
                yield article_id, self._record(page_id, frame)
            if len(chunk) < CHUNK:
                return

    def newest(self) -> Iterator[tuple[str, bytes]]:
        """Every page id, in order, with the page's newest record; as ``articles`` in all else."""
        return ((page_id, self._record(page_id, frame)) for page_id, _, frame in self._all_pages())

    def _all_pages(self) -> Iterator[tuple[str, str | None, bytes]]:
        last = ""
        while chunk := self._all(_ALL_PAGES, [last, CHUNK]):
            last = chunk[-1][0]
            yield from chunk

    def changes(self, since: str | None) -> Iterator[bytes | Removed]:
        """The records of ``articles(since)``, and the tombstones of what is gone since then, by id.

        Without ``since`` there are no tombstones: nothing was there before.
        """
        if since is None:
            yield from self.articles()
            return
        change, fetched = self._since(since)
        gone = self._all("SELECT * FROM removed WHERE change > ? ORDER BY article_id", [change])
        left = [
            Removed(id=article_id, removed=at, reason=why or None)
            for article_id, _, at, why in gone
            if fetched == OLDEST or (at is not None and instant(at) >= fetched)
        ]
        told: Iterator[tuple[str, bytes | Removed]] = self._told(change, fetched)
        tombs: Iterator[tuple[str, bytes | Removed]] = ((one.id, one) for one in left)
        for _, found in heapq.merge(told, tombs, key=lambda pair: pair[0]):
            yield found

    def cursor(self) -> str:
        """Names the present moment for a later ``articles(since)``."""
        store, change = self._about()
        return f"c{store}-{change}"

    def _about(self) -> tuple[str, int]:
        about = dict(self._all("SELECT name, value FROM about", []))
        return about["store"], about["change"]

    def _since(self, since: str | None) -> tuple[int, int]:
        if since is None:
            return -1, OLDEST
        if cursor := _CURSOR.match(since):
            store, _ = self._about()
            if cursor[1] != store:
                raise Misconfigured(f"{since} is a cursor of another store than {self.path}")
            return int(cursor[2]), OLDEST
        fetched = instant(since)
        if fetched == OLDEST:
            raise Misconfigured(f"{since!r} is neither a cursor nor a date nor a time")
        return -1, fetched

    def find(self, id_or_url: str) -> Found | None:
        """The record of an article id, of a page id, or of a URL as either, in this order.

        None where the store has no such thing; raises Misconfigured for what is no id and no URL.
        """
        key = id_or_url.strip()
        try:
            key = key.lower() if _ID.match(key) else identity(key)
        except ValueError as error:
            raise Misconfigured(
                f"{id_or_url!r} is neither an id nor a web address: {error}"
            ) from None
        sought = "SELECT pages.article_id, page_id, record FROM pages "
        found = self._all(
            f"{sought} JOIN articles USING (page_id) WHERE articles.article_id = ?", [key]
        ) or self._all(f"{sought} WHERE page_id = ?", [key])
        if not found:
            return None
        article_id, page_id, frame = found[0]
        pages = self._all(_PAGES, [article_id])
        return Found(article_id, page_id, self._record(page_id, frame), tuple(p for (p,) in pages))

    def count(self) -> int:
        """How many articles the store holds."""
        return int(self._all("SELECT count(*) FROM articles", [])[0][0])

    def pages(self) -> int:
        """How many pages the store holds: at least as many as articles."""
        return int(self._all("SELECT count(*) FROM pages", [])[0][0])

    def _all(self, query: str, values: list[Any]) -> list[Any]:
        """All rows at once: a statement that is left open would keep its snapshot."""
        with failures(self.path):
            return self._db.execute(query, values).fetchall()

    def _record(self, page_id: str, frame: bytes) -> bytes:
        try:
            return self._decompress(frame)
        except zstandard.ZstdError as error:
            raise BadRecord("encoding", f"store {self.path}, page {page_id}: {error}") from None


def _columns(row: Row, frame: bytes) -> list[Any]:
    fetched_us = None if row.fetched_us == OLDEST else row.fetched_us
    return [
        row.page_id, row.article_id, row.revision, row.fetched, fetched_us, row.canonical,
        row.url, row.site, row.title, row.published, row.language, row.digest, frame,
    ]  # fmt: skip
