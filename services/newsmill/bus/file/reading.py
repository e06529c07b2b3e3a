"""Reading the log: bounded by count and bytes, every record checked, damaged ones set aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import apsw

from newsmill.bus.base import BusFull, Record
from newsmill.bus.file.codec import checksum, size, unpack
from newsmill.bus.file.database import OFFSET_BITS, Database
from newsmill.errors import TryLater

Notice = Callable[[str, dict[str, Any]], None]

CHUNK = 200  # rows of one statement where a reader goes through all
CHUNK_BYTES = 16 << 20
UNREAD_S = 1.0  # until a state that could not be read is asked for again

_SELECT = "SELECT id, ts, key, hdr, crc, val FROM log WHERE id>=? AND id<? ORDER BY id LIMIT ?"

_WRITTEN = "SELECT id, ts FROM log WHERE id>=? AND id<? ORDER BY id LIMIT 1"


def read(
    db: Database,
    place: tuple[int, str, int],
    start: int,
    end: int,
    max_records: int,
    max_bytes: int,
    *,
    first_bytes: int | None = None,
) -> tuple[list[Record], int, list[tuple[Any, ...]]]:
    """Records of a partition, the position to go on from, and the rows that are damaged.

    The first record is taken whatever its size, or up to ``first_bytes``. ``place`` is the
    partition's number in the file, its topic and its number in that. The statement is ended before
    this returns, so that no snapshot is kept.
    """
    number, topic, partition = place
    base = number << OFFSET_BITS
    records: list[Record] = []
    damaged: list[tuple[Any, ...]] = []
    taken, position = 0, start
    cursor = db.conn.execute(_SELECT, (base + start, base + end, max_records))
    for row in cursor:
        row_id, stamp, key, packed, crc, value = row
        weight = len(key) + len(value or b"") + len(packed or b"")
        limit = max_bytes if records else first_bytes
        if limit is not None and taken + weight > limit:
            break
        position = row_id - base + 1
        if checksum(key, packed, value) != crc:
            damaged.append(row)
            continue
        taken += weight
        records.append(
            Record(topic, partition, position - 1, position, key, value, unpack(packed), stamp)
        )
    else:
        if len(records) + len(damaged) < max_records:
            position = max(position, end)  # whatever is missing up to there was set aside
    cursor.close()
    return records, position, damaged


def set_aside(
    db: Database, place: tuple[int, str, int], rows: list[tuple[Any, ...]], notice: Notice
) -> None:
    """Move damaged rows of the log to the quarantine, and say so."""
    number, topic, partition = place
    base = number << OFFSET_BITS
    now = time.time_ns() // 1_000_000
    with db.writing():
        for row in rows:
            row_id, stamp, key, packed, crc, value = row
            db.execute("DELETE FROM log WHERE id=?", (row_id,))
            if not db.conn.changes():
                continue
            db.execute(
                "INSERT INTO quarantine(at, tp, off, ts, key, hdr, crc, val) "
                "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (now, number, row_id - base, stamp, key, packed, crc, value),
            )
            db.execute(
                "UPDATE parts SET bytes=bytes-? WHERE tp=?", (size(key, packed, value), number)
            )
    for row in rows:
        notice("damaged", {"topic": topic, "partition": partition, "offset": row[0] - base})


def span(db: Database, number: int) -> tuple[int, int]:
    """Where a partition begins and ends now."""
    rows = db.execute("SELECT start, next FROM parts WHERE tp=?", (number,))
    return (rows[0][0], rows[0][1]) if rows else (0, 0)


def since(db: Database, number: int, moment_ms: int) -> int:
    """The first offset of a record written then or later, by bisection; the end where none was."""
    base = number << OFFSET_BITS
    low, end = span(db, number)
    high = end
    while low < high:
        middle = (low + high) // 2
        rows = db.execute(_WRITTEN, (base + middle, base + high))
        if not rows or rows[0][1] >= moment_ms:
            high = middle
        else:
            low = rows[0][0] - base + 1
    return low


def scan(db: Database, place: tuple[int, str, int], start: int, notice: Notice) -> Iterator[Record]:
    """Every record of a partition from ``start`` to its present end."""
    first, end = span(db, place[0])
    position = max(start, first)
    while position < end:
        records, position, damaged = read(db, place, position, end, CHUNK, CHUNK_BYTES)
        if damaged:
            set_aside(db, place, damaged, notice)
        yield from records


def restore(
    db: Database, place: tuple[int, str, int], notice: Notice
) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value of a partition of state, by key."""
    number, topic, partition = place
    after = None
    while True:
        rows = db.execute(
            "SELECT key, crc, val FROM state WHERE tp=?1 AND (?2 IS NULL OR key>?2) "
            "ORDER BY key LIMIT ?3",
            (number, after, CHUNK),
        )
        for key, crc, value in rows:
            if checksum(key, None, value) == crc:
                yield key, value
            else:
                _set_state_aside(db, number, key, crc, value)
                notice("damaged", {"topic": topic, "partition": partition, "key": repr(key)})
        if len(rows) < CHUNK:
            return
        after = rows[-1][0]


def recall(db: Database, place: tuple[int, str, int], key: bytes, notice: Notice) -> bytes | None:
    """One value of a partition of state; None where there is none, or it is damaged.

    Raises TryLater where the file cannot be read now.
    """
    number, topic, partition = place
    try:
        rows = db.execute("SELECT crc, val FROM state WHERE tp=? AND key=?", (number, key))
        for crc, value in rows:
            if checksum(key, None, value) == crc:
                return bytes(value)
            _set_state_aside(db, number, key, crc, value)
            notice("damaged", {"topic": topic, "partition": partition, "key": repr(key)})
    except (apsw.Error, BusFull) as error:
        raise TryLater(f"{db.path}: {error}", UNREAD_S) from None
    return None


def _set_state_aside(db: Database, number: int, key: bytes, crc: int, value: bytes) -> None:
    with db.writing():
        db.execute("DELETE FROM state WHERE tp=? AND key=?", (number, key))
        db.execute(
            "INSERT INTO quarantine(at, tp, key, crc, val) VALUES(?, ?, ?, ?, ?)",
            (time.time_ns() // 1_000_000, number, key, crc, value),
        )
