"""The SQLite store: the newest row of every page, articles folded over them, and how far it is.

One process writes, any number read meanwhile. A record is kept whole, in a zstd frame with a
checksum, so that what comes out is what came in or an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import apsw
import zstandard

from newsmill.archiver.core.fold import OLDEST, Row, instant, newest_per_page, rank
from newsmill.archiver.database import connect, failures, transaction
from newsmill.archiver.store import CHUNK, check_expected, check_forward
from newsmill.bus import crash
from newsmill.bus.base import Place
from newsmill.errors import BadRecord, Misconfigured, TryLater
from newsmill.urls import identity

_ID = re.compile(r"[0-9a-f]{32}\Z", re.I)
_CURSOR = re.compile(r"c([0-9a-f]{8})-(\d{1,18})\Z")

_ADVANCE = "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)"
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


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was asked for, and the pages that name its article, the newest first."""

    article_id: str
    page_id: str  # of the record
    record: bytes
    pages: tuple[str, ...]


class SqliteStore:
    """A ``Store`` in one SQLite file. Not thread-safe: one thread owns it.

    Raises Misconfigured where the file is no store of ours, TryLater where it cannot be read now.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._readonly = readonly
        self._open: apsw.Connection | None = connect(path, readonly=readonly)
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
            self._open = connect(self.path, readonly=self._readonly)
        return self._open

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the store is in the log of that name: all below is in it. Empty for a new log."""
        found = self._all(
            "SELECT topic, partition, position FROM positions WHERE log = ?", [log_identity]
        )
        return {Place(topic, partition): position for topic, partition, position in found}

    def write(
        self,
        rows: Sequence[Row],
        log_identity: str,
        expected: Mapping[Place, int],
        reached: Mapping[Place, int],
    ) -> None:
        """Fold the rows in and move the positions, in one transaction; see ``Store.write``."""
        check_forward(expected, reached)
        newest = [(row, self._compress(row.record)) for row in newest_per_page(rows)]
        try:
            with failures(self.path), transaction(self._db):
                present = self.positions(log_identity)
                check_expected(str(self.path), present, expected, reached, {})
                self._keep(newest)
                for place, position in reached.items():
                    self._db.execute(_ADVANCE, [log_identity, *place, position])
                crash.point("store.written")
            crash.point("store.done")
        except TryLater:
            self.close()
            if not self._happened(log_identity, expected, reached):
                raise

    def _happened(
        self, log: str, expected: Mapping[Place, int], reached: Mapping[Place, int]
    ) -> bool:
        """Whether a transaction whose commit failed is in the file all the same."""
        moved = {place: at for place, at in reached.items() if at != expected.get(place)}
        positions = self.positions(log)
        return bool(moved) and all(positions.get(place) == at for place, at in moved.items())

    def _keep(self, rows: list[tuple[Row, bytes]]) -> None:
        written: set[str] = set()
        touched: set[str] = set()
        for row, frame in rows:
            present = self._db.execute(_PRESENT, [OLDEST, row.page_id]).fetchone()
            if present is not None:
                if rank(*present[:3]) <= row.rank:
                    continue
                touched.add(present[3])
            touched.add(row.article_id)
            written.add(row.page_id)
            self._db.execute(_KEEP, _columns(row, frame))
        if not touched:
            return
        change = self._db.execute(
            "UPDATE about SET value = value + 1 WHERE name = 'change' RETURNING value"
        ).get
        for article_id in sorted(touched):
            speaker = self._db.execute(_SPEAKER, [article_id]).get
            if speaker is None:
                self._db.execute("DELETE FROM articles WHERE article_id = ?", [article_id])
            else:
                self._db.execute(_FOLD, [article_id, speaker, change, speaker in written])

    def articles(self, since: str | None = None) -> Iterator[bytes]:
        """The record of every article, by article id.

        ``since`` leaves out what did not change since a ``cursor`` of this store, or what was
        fetched before a date or time (ISO 8601). While a writer is at work, every record is whole
        and was the article's at some moment of the reading, not all at the same one; what changed
        meanwhile comes again after a cursor that was taken before. Raises Misconfigured for any
        other ``since``, BadRecord for a damaged record.
        """
        change, fetched = self._since(since)
        last = ""
        while True:
            chunk = self._all(_CHUNK, [last, change, OLDEST, fetched, CHUNK])
            for article_id, page_id, frame in chunk:
                last = article_id
                yield self._record(page_id, frame)
            if len(chunk) < CHUNK:
                return

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
