"""The one SQLite file: opening and checking it, its tables, and transactions that wait fairly.

Nothing in a process that has it open may open ``bus.db`` or ``bus.db-shm`` by another way, be it
only to copy it: closing that descriptor would drop SQLite's locks, and writes would be lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

from newsmill.bus.base import BusFull
from newsmill.bus.file.options import Options
from newsmill.errors import Misconfigured

FILE = "bus.db"
APPLICATION_ID = 0x6E6D6C31
OLDEST_SQLITE = 3_051_003  # before it, two processes that checkpoint may lose pages
PATIENCE_S = 30.0  # for the write lock
OFFSET_BITS = 40  # a row's id is its partition's number, then its offset

# One entry a format: what brings the format before it to this one. Never changed, only added to,
# and only so that a process of the format before, which may be at work meanwhile, goes on.
MIGRATIONS: tuple[str, ...] = (
    """
CREATE TABLE lanes(
  name TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE topics(
  id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL, partitions INTEGER NOT NULL);
CREATE TABLE parts(
  tp INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, part INTEGER NOT NULL,
  start INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0, UNIQUE(topic, part));
CREATE TABLE log(
  id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, key BLOB NOT NULL, hdr BLOB,
  crc INTEGER NOT NULL, val BLOB);
CREATE TABLE latest(
  tp INTEGER, key BLOB, offset INTEGER NOT NULL, PRIMARY KEY(tp, key)) WITHOUT ROWID;
CREATE TABLE state(
  tp INTEGER, key BLOB, crc INTEGER NOT NULL, val BLOB NOT NULL,
  PRIMARY KEY(tp, key)) WITHOUT ROWID;
CREATE TABLE groups(
  id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL DEFAULT 0);
CREATE TABLE members(
  inc INTEGER PRIMARY KEY AUTOINCREMENT, grp INTEGER NOT NULL, slot INTEGER NOT NULL,
  topics TEXT NOT NULL, pid INTEGER NOT NULL, steps INTEGER NOT NULL DEFAULT 0,
  UNIQUE(grp, slot));
CREATE TABLE shares(
  grp INTEGER, tp INTEGER, owner INTEGER, epoch INTEGER NOT NULL DEFAULT 0, pos INTEGER,
  PRIMARY KEY(grp, tp)) WITHOUT ROWID;
CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, tp INTEGER NOT NULL, off INTEGER, ts INTEGER,
  key BLOB, hdr BLOB, crc INTEGER, val BLOB);
CREATE INDEX quarantine_places ON quarantine(tp, off);
""",
)
FORMAT = len(MIGRATIONS)  # PRAGMA user_version; a newer one is refused


class Database:
    """One connection. Not thread-safe: its owner's thread alone uses it."""

    def __init__(self, options: Options, on_wait: Callable[[], None] | None = None) -> None:
        self.options = options
        self.path = options.directory / FILE
        self._on_wait = on_wait
        self._patience_s = PATIENCE_S
        self._waits_since = 0.0
        self.conn = self._open()

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """All rows of one statement; nothing stays open behind it."""
        return self.conn.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Several short reads of one state of the file."""
        self.conn.execute("BEGIN")
        try:
            yield
        finally:
            self.rollback()

    @contextlib.contextmanager
    def writing(self, patience_s: float = PATIENCE_S) -> Iterator[None]:
        """A write transaction, committed at the end of the block.

        Raises BusFull when the lock is not had in time, or the disk is full.
        """
        self.begin(patience_s)
        try:
            yield
            self.conn.execute("COMMIT")
        except (apsw.FullError, apsw.IOError) as error:
            raise BusFull(f"{self.path}: {error}") from None
        finally:
            self.rollback()

    def begin(self, patience_s: float = PATIENCE_S) -> None:
        """Take the write lock; raises BusFull past the patience."""
        self._patience_s = patience_s
        try:
            self.conn.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            raise BusFull(
                f"{self.path}: another process kept it locked for {patience_s:g} s"
            ) from None
        finally:
            self._patience_s = PATIENCE_S

    def rollback(self) -> None:
        """End the transaction that is open, if one is."""
        if self.conn.in_transaction:
            self.conn.execute("ROLLBACK")

    def checkpoint(self) -> None:
        """Move the WAL into the file and empty it, as far as that needs no waiting for readers.

        Waiting would be done under the write lock, and stall everybody.
        """
        self._patience_s = -1.0
        try:
            self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._patience_s = PATIENCE_S

    def reopen(self) -> None:
        """Close and open again, after an I/O error whose end must be read back."""
        self.close()
        self.conn = self._open()

    def close(self) -> None:
        """Let go of the file."""
        self.conn.close(force=True)

    def _open(self) -> apsw.Connection:
        if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
            raise Misconfigured(
                f"apsw carries SQLite {apsw.sqlite_lib_version()}; the bus needs 3.51.3 or newer"
            )
        directory = self.options.directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "bells").mkdir(exist_ok=True)
            with _one_at_a_time(directory / "opening.lock"):
                return self._connect()
        except OSError as error:
            raise Misconfigured(f"bus directory {directory}: {error.strerror or error}") from None
        except (apsw.FullError, apsw.IOError) as error:
            raise BusFull(f"{self.path}: {error}") from None
        except apsw.NotADBError:
            raise Misconfigured(f"{self.path} is no SQLite database: not a newsmill bus") from None
        except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
            raise Misconfigured(f"{self.path} cannot be written: {error}") from None
        except apsw.CorruptError as error:
            raise Misconfigured(f"{self.path} is damaged: {error}") from None

    def _connect(self) -> apsw.Connection:
        conn = apsw.Connection(str(self.path))
        try:
            conn.set_busy_handler(self._wait)
            version: Any = conn.pragma("user_version")
            mark: Any = conn.pragma("application_id")
            if version == 0 and conn.execute("SELECT count(*) FROM sqlite_schema").get == 0:
                _make(conn)
            elif mark != APPLICATION_ID:
                raise Misconfigured(f"{self.path} is an SQLite database, but not a newsmill bus")
            elif version > len(MIGRATIONS):
                raise Misconfigured(
                    f"{self.path} has on-disk format {version}; this newsmill reads "
                    f"{len(MIGRATIONS)}: use the newsmill that wrote it, or another directory"
                )
            elif version < len(MIGRATIONS):
                _migrate(conn, version)
            conn.pragma("synchronous", self.options.synchronous)
            conn.pragma("wal_autocheckpoint", 4096)
            conn.pragma("journal_size_limit", 32 << 20)
            conn.pragma("cache_size", -8000)
            conn.pragma("mmap_size", 0)
        except BaseException:
            conn.close(force=True)
            raise
        return conn

    def _wait(self, tries: int) -> bool:
        """Wait about a millisecond for the lock: SQLite's own back-off starves writers."""
        now = time.monotonic()
        if tries == 0:
            self._waits_since = now
        if now - self._waits_since > self._patience_s:
            return False
        if self._on_wait is not None and tries % 128 == 127:
            self._on_wait()
        # The clock's last digits spread the waiters as well as chance does.
        time.sleep(0.0005 + (time.monotonic_ns() % 1000) * 1e-6)
        return True


def _make(conn: apsw.Connection) -> None:
    conn.pragma("page_size", 4096)
    conn.pragma("auto_vacuum", 2)  # incremental: without it the file can never shrink
    conn.pragma("journal_mode", "wal")
    _migrate(conn, 0)


def _migrate(conn: apsw.Connection, found: int) -> None:
    """From the format that was found to the present one, whole or not at all."""
    conn.execute("BEGIN IMMEDIATE")
    for step in MIGRATIONS[found:]:
        conn.execute(step)
    conn.pragma("application_id", APPLICATION_ID)
    conn.pragma("user_version", len(MIGRATIONS))
    conn.execute("COMMIT")


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Two processes that make the file at once would find it busy without being asked to wait.

    Raises BusFull where another process has been at it for PATIENCE_S: it was stopped there.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    end = time.monotonic() + PATIENCE_S
    try:
        while not _locked(fd):
            if time.monotonic() > end:
                raise BusFull(f"{path}: another process kept it locked for {PATIENCE_S:g} s")
            time.sleep(0.01)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def new_identity() -> str:
    """A name that no other log has."""
    return uuid.uuid4().hex
