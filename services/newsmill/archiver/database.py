"""Opens the SQLite file of a store: its format, its settings, and its failures as our errors."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import apsw

from newsmill.archiver.store import CALL_S
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured, NewsmillError, TryLater

APPLICATION = 0x6E6D7374  # "nmst": how a store tells itself from any other SQLite file
BUSY_MS = int(CALL_S * 1000)  # a writer waits for another one, and a reader for a checkpoint
FULL_AFTER_S = 30.0  # a disk seldom empties sooner
BUSY_AFTER_S = 1.0

_SETTINGS = """
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA journal_size_limit = 33554432;
PRAGMA cache_size = -8000;
"""

# One entry a format: what brings the format before it to this one. Never changed, only added to.
# ``pages_of_article`` has the order of core.fold.speaks_for: an article's first row speaks for it.
MIGRATIONS: tuple[str, ...] = (
    """
CREATE TABLE about(name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE positions(
    log TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (log, topic, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE pages(
    page_id TEXT PRIMARY KEY, article_id TEXT NOT NULL, revision TEXT NOT NULL,
    fetched TEXT, fetched_us INTEGER, canonical INTEGER NOT NULL,
    url TEXT, site TEXT, title TEXT, published TEXT, language TEXT,
    digest BLOB NOT NULL, record BLOB NOT NULL
) STRICT;
CREATE INDEX pages_of_article ON pages(article_id, fetched_us DESC, canonical DESC, page_id);
CREATE TABLE articles(
    article_id TEXT PRIMARY KEY, page_id TEXT NOT NULL, change INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
""",
    """
CREATE TABLE forgotten(
    key TEXT PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE removed(
    article_id TEXT PRIMARY KEY, change INTEGER NOT NULL, at TEXT, reason TEXT
) STRICT, WITHOUT ROWID;
""",
)
FIRST = 1  # has articles and pages: enough to compare lanes, whatever newsmill made them


class OlderFormat(Misconfigured):
    """A store that was written by an older newsmill: whoever opens it to write brings it on."""


def connect(path: Path, *, readonly: bool, oldest: int | None = None) -> apsw.Connection:
    """A connection to the store at ``path``, which is made where there is none unless ``readonly``.

    To be read it must have the format ``oldest`` (None: the present one) or a later one; what is
    written is brought to the present one. Raises Misconfigured where the file is no store, of
    another format, or cannot be opened.
    """
    if readonly and not path.exists():
        raise Misconfigured(_nothing(path))
    flags = apsw.SQLITE_OPEN_READONLY
    if not readonly:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    with failures(path):
        try:
            if not readonly:
                path.parent.mkdir(parents=True, exist_ok=True)
            db = apsw.Connection(str(path), flags=flags)
        except (apsw.CantOpenError, OSError) as error:
            raise Misconfigured(f"store {path} cannot be opened: {error}") from None
        try:
            _prepare(db, path, readonly, oldest)
        except (apsw.Error, NewsmillError):
            db.close()
            raise
    return db


def _nothing(path: Path) -> str:
    return f"no store at {path}: nothing was archived there yet"


def _prepare(db: apsw.Connection, path: Path, readonly: bool, oldest: int | None) -> None:
    db.set_busy_timeout(BUSY_MS)
    if readonly:
        if _is_empty(db):
            raise Misconfigured(_nothing(path))
        if _check_format(db, path) < (oldest or len(MIGRATIONS)):
            raise OlderFormat(
                f"store {path} has an older format: the archiver brings it to {len(MIGRATIONS)}"
            )
        return
    if db.readonly("main"):
        raise Misconfigured(f"store {path} cannot be written to: its permissions forbid it")
    if not _is_empty(db):
        _check_format(db, path)  # before anything is changed in a file that may not be ours
    if db.pragma("journal_mode", "wal") != "wal":
        raise Misconfigured(f"store {path}: this file system cannot hold it (no shared memory)")
    db.execute(_SETTINGS)
    with transaction(db):
        is_new = _is_empty(db)
        missing = MIGRATIONS[0 if is_new else _check_format(db, path) :]
        for step in missing:
            db.execute(step)
        if is_new:
            about = [secrets.token_hex(4)]
            db.execute("INSERT INTO about VALUES ('store', ?), ('change', 0)", about)
        if missing:
            db.pragma("application_id", APPLICATION)
            db.pragma("user_version", len(MIGRATIONS))


def _is_empty(db: apsw.Connection) -> bool:
    return (
        not db.pragma("user_version") and not db.execute("SELECT count(*) FROM sqlite_schema").get
    )


def _check_format(db: apsw.Connection, path: Path) -> int:
    """The format of a store; raises Misconfigured for a newer one, and for what is no store."""
    if db.pragma("application_id") != APPLICATION:
        raise Misconfigured(f"{path} is no newsmill store, but a database of something else")
    found: Any = db.pragma("user_version")
    if found > len(MIGRATIONS):
        raise Misconfigured(
            f"store {path} has format {found}; this newsmill reads {len(MIGRATIONS)}:"
            " install a newer one"
        )
    return int(found)


def positions(db: apsw.Connection, log: str) -> dict[Place, int]:
    """How far the log of that name is in a file; empty for a new log."""
    found = db.execute("SELECT topic, partition, position FROM positions WHERE log = ?", [log])
    return {Place(topic, partition): position for topic, partition, position in found}


def advance(db: apsw.Connection, log: str, reached: Mapping[Place, int]) -> None:
    """Move positions of a log, within a transaction."""
    rows = [(log, *place, position) for place, position in reached.items()]
    db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)", rows)


def has_happened(
    present: Mapping[Place, int], expected: Mapping[Place, int], reached: Mapping[Place, int]
) -> bool:
    """Whether a transaction whose commit failed is in the file all the same."""
    moved = {place: at for place, at in reached.items() if at != expected.get(place)}
    return bool(moved) and all(present.get(place) == at for place, at in moved.items())


@contextlib.contextmanager
def transaction(db: apsw.Connection) -> Iterator[None]:
    """A write transaction: committed at the end, rolled back by anything that is raised."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextlib.contextmanager
def failures(path: Path) -> Iterator[None]:
    """SQLite's errors as TryLater or Misconfigured, in one line that names the store."""
    try:
        yield
    except apsw.FullError:
        raise TryLater(f"store {path}: disk full", FULL_AFTER_S) from None
    except apsw.IOError as error:
        raise TryLater(f"store {path}: disk full or failing ({error})", FULL_AFTER_S) from None
    except (apsw.BusyError, apsw.LockedError):
        raise TryLater(f"store {path}: locked by another process", BUSY_AFTER_S) from None
    except apsw.CantOpenError as error:
        raise Misconfigured(f"store {path} cannot be opened: {error}") from None
    except (apsw.ReadOnlyError, apsw.PermissionsError):
        raise Misconfigured(f"store {path} cannot be written to") from None
    except apsw.NotADBError:
        raise Misconfigured(f"{path} is no newsmill store: the file is not a database") from None
    except apsw.CorruptError as error:
        raise Misconfigured(f"store {path} is damaged: {error}") from None
