"""Keeps the fingerprint of every record of a replay, for its manifest, in one small SQLite file.

A store like the others, with positions beside its rows: so what it holds is exactly what the lane's
log held, whatever was killed, and also after retention has dropped it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import apsw

from newsmill.archiver.database import (
    BUSY_MS,
    advance,
    failures,
    has_happened,
    positions,
    transaction,
)
from newsmill.archiver.store import check_expected, check_forward
from newsmill.bus import crash
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured, TryLater
from newsmill.process.fingerprint import Print

APPLICATION = 0x6E6D6670  # "nmfp"
FORMAT = 1
CHUNK = 1000  # prints read at once
_SCHEMA = """
CREATE TABLE positions(
    log TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (log, topic, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE shapes(id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE prints(
    page_id TEXT NOT NULL, revision TEXT NOT NULL, fetched TEXT NOT NULL, digest BLOB NOT NULL,
    shape INTEGER NOT NULL, fields BLOB NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (page_id, revision, fetched, digest)
) STRICT, WITHOUT ROWID;
"""
_KEEP = """
INSERT INTO prints VALUES (?, ?, ?, ?, (SELECT id FROM shapes WHERE names = ?), ?, ?)
ON CONFLICT DO UPDATE SET times = times + excluded.times
"""
_CHUNK = """
SELECT page_id, revision, fetched, digest, names, fields, times
FROM prints JOIN shapes ON shapes.id = shape
WHERE (page_id, revision, fetched, digest) > (?, ?, ?, ?)
ORDER BY page_id, revision, fetched, digest LIMIT ?
"""


class PrintStore:
    """A ``Keeper`` of fingerprints. Not thread-safe: one thread owns it."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._readonly = readonly
        self._open: apsw.Connection | None = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connect(self) -> apsw.Connection:
        if self._readonly and not self.path.exists():
            raise Misconfigured(f"{self.path}: no fingerprints there")
        flags = apsw.SQLITE_OPEN_READWRITE | (0 if self._readonly else apsw.SQLITE_OPEN_CREATE)
        with failures(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = apsw.Connection(str(self.path), flags=flags)
            db.set_busy_timeout(BUSY_MS)
            if not self._readonly:
                _prepare(db)
            if db.pragma("application_id") != APPLICATION or db.pragma("user_version") != FORMAT:
                db.close()
                raise Misconfigured(f"{self.path} holds no fingerprints that this newsmill reads")
        return db

    @property
    def _db(self) -> apsw.Connection:
        """The connection, opened anew after a failed write: its cache may be false."""
        if self._open is None:
            self._open = self._connect()
        return self._open

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the store is in the log of that name; see ``Keeper.positions``."""
        with failures(self.path):
            return positions(self._db, log_identity)

    def write(
        self,
        rows: Sequence[Print],
        log_identity: str,
        expected: Mapping[Place, int],
        reached: Mapping[Place, int],
    ) -> None:
        """Keep the prints and move the positions, in one transaction; see ``Keeper.write``.

        A print counts once for each time it is given: rows do not come again.
        """
        check_forward(expected, reached)
        try:
            with failures(self.path), transaction(self._db):
                present = self.positions(log_identity)
                check_expected(str(self.path), present, expected, reached, {})
                for names in sorted({row.names for row in rows}):
                    self._db.execute("INSERT OR IGNORE INTO shapes(names) VALUES (?)", [names])
                self._db.executemany(_KEEP, rows)
                advance(self._db, log_identity, reached)
                crash.point("store.written")
            crash.point("store.done")
        except TryLater:
            self.close()
            if not has_happened(self.positions(log_identity), expected, reached):
                raise

    def prints(self) -> Iterator[Print]:
        """Every print, in order."""
        last: Sequence[Any] = ("", "", "", b"")
        while True:
            chunk = self._all(_CHUNK, [*last, CHUNK])
            yield from map(Print._make, chunk)
            if len(chunk) < CHUNK:
                return
            last = chunk[-1][:4]

    def _all(self, query: str, values: Sequence[Any]) -> list[Any]:
        with failures(self.path):
            return self._db.execute(query, values).fetchall()


def _prepare(db: apsw.Connection) -> None:
    db.pragma("journal_mode", "wal")
    db.execute("PRAGMA synchronous = FULL")
    with transaction(db):
        if not db.pragma("user_version") and not db.pragma("application_id"):
            db.execute(_SCHEMA)
            db.pragma("application_id", APPLICATION)
            db.pragma("user_version", FORMAT)
