"""The raw archive's index: which capture lies where, how long each file is, how far the log is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import orjson

from newsmill.archiver.capture import Original
from newsmill.archiver.database import BUSY_MS, advance, failures, positions, transaction
from newsmill.archiver.store import is_site
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured
from newsmill.process.denied import keys_of
from newsmill.records import Denial, Page

APPLICATION = 0x6E6D7761  # "nmwa"
# One entry a format: what brings the format before it to this one. Never changed, only added to.
MIGRATIONS: tuple[str, ...] = (
    """
CREATE TABLE positions(
    log TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (log, topic, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE files(name TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE captures(
    page_id TEXT NOT NULL, fetched TEXT NOT NULL, digest TEXT NOT NULL, url TEXT NOT NULL,
    urn TEXT NOT NULL, file TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    is_revisit INTEGER NOT NULL,
    PRIMARY KEY (page_id, fetched, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX bodies ON captures(page_id, digest) WHERE NOT is_revisit;
""",
    """
ALTER TABLE captures ADD final_url TEXT;
CREATE TABLE forgotten(
    key TEXT PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
""",
)
_ANY = "SELECT key, at FROM forgotten WHERE key IN (SELECT value FROM json_each(?))"


class Capture(NamedTuple):
    """One record of the archive: a page as it was at a time."""

    page_id: str
    fetched: str  # empty where the page does not say
    digest: str
    url: str
    urn: str
    file: str
    offset: int
    length: int
    is_revisit: bool
    final_url: str | None = None  # after redirects, where it differs


def _capture(row: tuple[Any, ...]) -> Capture:
    return Capture._make((*row[:8], bool(row[8]), *row[9:]))


def _keys_of(one: Capture) -> set[str]:
    return set(keys_of((one.page_id,), (one.url, one.final_url)))


class Index:
    """``index.db`` beside the WARC files. Not thread-safe: one thread owns it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "index.db"
        with failures(self.path):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._db = apsw.Connection(str(self.path))
            except (apsw.CantOpenError, OSError) as error:
                raise Misconfigured(f"archive {folder} cannot be opened: {error}") from None
            self._prepare()

    def _prepare(self) -> None:
        db = self._db
        db.set_busy_timeout(BUSY_MS)
        db.pragma("journal_mode", "wal")
        db.execute("PRAGMA synchronous = FULL")
        with transaction(db):
            found = int(db.pragma("user_version") or 0)
            if found and db.pragma("application_id") != APPLICATION:
                raise Misconfigured(f"{self.path} is no index of a raw archive")
            if found > len(MIGRATIONS):
                raise Misconfigured(f"{self.path} has a newer format: install a newer newsmill")
            for step in MIGRATIONS[found:]:
                db.execute(step)
            db.pragma("application_id", APPLICATION)
            db.pragma("user_version", len(MIGRATIONS))

    @contextmanager
    def step(self) -> Iterator[None]:
        """One transaction over all that is done within."""
        with failures(self.path), transaction(self._db):
            yield

    def positions(self, log: str) -> dict[Place, int]:
        """How far the archive is in the log of that name."""
        with failures(self.path):
            return positions(self._db, log)

    def advance(self, log: str, reached: Mapping[Place, int]) -> None:
        """Move positions, within a step."""
        advance(self._db, log, reached)

    def sizes(self) -> dict[str, int]:
        """How many bytes of each file are committed."""
        return dict(self._all("SELECT name, size FROM files", []))

    def grow(self, name: str, size: int) -> None:
        """Note how long a file is now, within a step."""
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", [name, size])

    def has(self, page_id: str, fetched: str, digest: str) -> bool:
        """Whether this capture is in the archive."""
        sought = "SELECT 1 FROM captures WHERE page_id = ? AND fetched = ? AND digest = ?"
        return self._db.execute(sought, [page_id, fetched, digest]).get is not None

    def body(self, page_id: str, digest: str) -> Original | None:
        """Where a page's body of that digest lies, if it was ever written."""
        row = self._db.execute(
            "SELECT file, offset, urn, url, fetched FROM captures"
            " WHERE page_id = ? AND digest = ? AND NOT is_revisit",
            [page_id, digest],
        ).fetchone()
        if row is None:
            return None
        file, offset, urn, url, fetched = row
        return Original(file, offset, urn, url, fetched or None)

    def add(self, captures: Iterable[Capture]) -> None:
        """Note captures, within a step."""
        self._db.executemany("INSERT INTO captures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", captures)

    def is_denied(self, page: Page) -> bool:
        """Whether a page was taken down, and is not to come back."""
        keys = keys_of((page.page_id,), (page.url, page.final_url))
        return bool(self._all(_ANY, [orjson.dumps(sorted(keys)).decode()]))

    def unknown(self, denials: Iterable[Denial]) -> list[Denial]:
        """Those of the denials that were not noted here."""
        by_key = {denial.key: denial for denial in denials}
        known = set(self._all(_ANY, [orjson.dumps(sorted(by_key)).decode()]))
        return [denial for denial in by_key.values() if (denial.key, denial.at) not in known]

    def named(self, denial: Denial) -> list[Capture]:
        """The captures that a denial names, in order of file and place."""
        if is_site(denial):
            query, values = "SELECT * FROM captures ORDER BY file, offset", []
        else:
            query = "SELECT * FROM captures WHERE page_id = ? ORDER BY file, offset"
            values = [denial.key]
        found = (_capture(row) for row in self._all(query, values))
        return [one for one in found if denial.key in _keys_of(one)]

    def deny(self, denial: Denial, captures: Iterable[Capture]) -> None:
        """Note a denial, and let go of the captures that were taken down for it, within a step."""
        noted = "INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?)"
        self._db.execute(noted, [denial.key, denial.at, denial.reason])
        gone = "DELETE FROM captures WHERE file = ? AND offset = ?"
        self._db.executemany(gone, [(one.file, one.offset) for one in captures])

    def captures(self, page_id: str | None = None) -> Iterator[Capture]:
        """All captures of a page, or of all pages, by page and time."""
        where = "" if page_id is None else "WHERE page_id = ?"
        query = f"SELECT * FROM captures {where} ORDER BY page_id, fetched"  # noqa: S608  # no input
        rows = self._all(query, [] if page_id is None else [page_id])
        return (_capture(row) for row in rows)

    def _all(self, query: str, values: list[str]) -> list[Any]:
        with failures(self.path):
            return self._db.execute(query, values).fetchall()

    def close(self) -> None:
        """Let go of it."""
        self._db.close()
