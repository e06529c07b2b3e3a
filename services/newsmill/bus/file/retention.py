"""Room: the caps of topics, what may be dropped for them, the ballast, and the free disk.

What a group that is known has not read is kept, even past the cap (unless ``unread=drop``): then
the steps that only add stop with BusFull, while those that take records out of a stream go on in
headroom of the cap's size again, so that the log can drain.
"""

from __future__ import annotations

import contextlib
import os
import time

import apsw

from newsmill.bus.base import BusFull, DiskLow
from newsmill.bus.file.catalog import Known
from newsmill.bus.file.codec import WEIGHT
from newsmill.bus.file.database import OFFSET_BITS, Database
from newsmill.bus.file.options import Options

HEADROOM = 2  # times the cap, for steps that drain a stream
LOW_WATER = 0.9  # of the cap: what a trim brings a topic down to
BATCH = 200  # rows of one deleting transaction: the lock is held a few milliseconds
BATCHES = 20  # of one trim, so that no step waits long
IDLE_S = 1.0  # after a trim that found nothing to drop
FREE_PAGES = 0.25  # of the file: more are given back to the disk, a little at each trim
BALLAST = "ballast"

_COUNT = (
    f"SELECT max(id), sum({WEIGHT}) FROM "  # noqa: S608  # a constant of this module
    "(SELECT id, key, hdr, val FROM log WHERE id>=? AND id<? ORDER BY id LIMIT ?)"
)
_PASSED = "(SELECT min(coalesce(s.pos, 0)) FROM shares s WHERE s.tp = p.tp)"


class Room:
    """Watches over the room of one bus, through its owner's connection."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._options = db.options
        self._looked, self._free = float("-inf"), 0
        self._idle: dict[int, float] = {}

    def check_disk(self) -> None:
        """Raise DiskLow where free disk is below the limit at which sources stop.

        It is looked up once a second.
        """
        now = time.monotonic()
        if now - self._looked > 1.0:
            self._looked, self._free = now, free_bytes(self._options.directory)
            make_ballast(self._db)  # it may have been given up while the disk was full
        limit = self._options.min_free_bytes
        if self._free < limit:
            raise DiskLow(f"{self._db.path}: less than {limit} bytes free", self._free, limit)

    def over(self, known: Known, *, drains: bool) -> int | None:
        """The cap that the topic is past inside the open transaction, None where it is not."""
        cap = self._options.cap_of(known.topic)
        if cap is None:
            return None
        cap *= HEADROOM if drains else 1
        return cap if self._held(known) > cap else None

    def is_due(self, known: Known) -> bool:
        """Whether a trim of the topic may find something to drop."""
        cap = self._options.cap_of(known.topic)
        return (
            cap is not None
            and time.monotonic() - self._idle.get(known.id, float("-inf")) > IDLE_S
            and self._held(known) > cap
        )

    def trim(self, known: Known, *, incoming: int = 0) -> int:
        """Drop the oldest of what may be dropped, down below the cap; the bytes that were."""
        cap = self._options.cap_of(known.topic)
        if cap is None:
            return 0
        goal = self._held(known) + incoming - int(cap * LOW_WATER)
        dropped = 0
        for _ in range(BATCHES):
            if dropped >= goal:
                break
            batch = self._drop_oldest(known)
            if not batch:
                self._idle[known.id] = time.monotonic()
                break
            dropped += batch
        if dropped:
            self._give_back()
        return dropped

    def blockers(self, known: Known) -> list[str]:
        """The groups that have not read the topic to its end, by name."""
        rows = self._db.execute(
            "SELECT DISTINCT g.name FROM shares s JOIN parts p ON p.tp = s.tp "
            "JOIN groups g ON g.id = s.grp WHERE p.topic=? AND coalesce(s.pos, p.start) < p.next "
            "ORDER BY g.name",
            (known.id,),
        )
        return [name for (name,) in rows]

    def rescue(self, topics: list[Known]) -> None:
        """After a full disk: give up the ballast, checkpoint, drop, and make ballast anew."""
        give_up_ballast(self._options)
        with contextlib.suppress(apsw.Error, BusFull):
            self._db.checkpoint()
            for known in topics:
                self._drop_batches(known)
            self._db.checkpoint()
        make_ballast(self._db)

    def _drop_batches(self, known: Known) -> None:
        """What every group has passed, cap or no cap, as far as one turn goes."""
        for _ in range(BATCHES):
            if not self._drop_oldest(known, read_only=True):
                break

    def _held(self, known: Known) -> int:
        return int(
            self._db.execute("SELECT sum(bytes) FROM parts WHERE topic=?", (known.id,))[0][0] or 0
        )

    def _drop_oldest(self, known: Known, *, read_only: bool = False) -> int:
        """One small transaction; the bytes dropped, 0 where nothing may be.

        What no group ever asked for may go too, but not ``read_only``: its group may yet come.
        """
        unread = "0" if read_only else "p.next"
        if self._options.unread == "drop" and not read_only:
            until = "p.next"
        else:
            until = f"min(p.next, coalesce({_PASSED}, {unread}))"
        candidates = self._db.execute(
            f"SELECT p.tp, p.start, {until} AS until FROM parts p "  # noqa: S608  # our own words
            "WHERE p.topic=? AND p.start < until",
            (known.id,),
        )
        oldest = None
        for number, start, until in candidates:
            base = number << OFFSET_BITS
            rows = self._db.execute(
                "SELECT ts FROM log WHERE id>=? AND id<? ORDER BY id LIMIT 1",
                (base + start, base + until),
            )
            stamp = rows[0][0] if rows else 0
            if oldest is None or stamp < oldest[0]:
                oldest = (stamp, number, start, until)
        return self._drop(*oldest[1:]) if oldest else 0

    def _drop(self, number: int, start: int, until: int) -> int:
        base = number << OFFSET_BITS
        with self._db.writing():
            [(last, weight)] = self._db.execute(_COUNT, (base + start, base + until, BATCH))
            end = base + until if last is None else last + 1
            self._db.execute("DELETE FROM log WHERE id>=? AND id<?", (base + start, end))
            self._db.execute(
                "UPDATE parts SET start=max(start, ?), bytes=bytes-? WHERE tp=?",
                (end - base, weight or 0, number),
            )
        return int(weight or 1)

    def _give_back(self) -> None:
        [(free,)] = self._db.execute("PRAGMA freelist_count")
        [(pages,)] = self._db.execute("PRAGMA page_count")
        if free > 1000 and free > pages * FREE_PAGES:
            self._db.execute(f"PRAGMA incremental_vacuum({BATCH})")


def free_bytes(directory: os.PathLike[str]) -> int:
    """Bytes of disk that are free to us."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def give_up_ballast(options: Options) -> bool:
    """Free the room that was put aside; whether there was any."""
    try:
        (options.directory / BALLAST).unlink()
    except OSError:
        return False
    return True


def make_ballast(db: Database) -> None:
    """Put room aside for the day when the disk is full; left out where it is short already."""
    wanted = db.options.ballast_bytes
    path = db.options.directory / BALLAST
    if not wanted or path.exists() or not hasattr(os, "posix_fallocate"):
        return
    if free_bytes(db.options.directory) < wanted + db.options.min_free_bytes:
        return
    part = path.with_suffix(f".{os.getpid()}")
    fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.posix_fallocate(fd, 0, wanted)
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
    finally:
        os.close(fd)
