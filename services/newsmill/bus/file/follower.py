"""Following a configuration topic: the latest value of every key, then what comes after."""

from __future__ import annotations

from newsmill.bus.base import Record
from newsmill.bus.file.catalog import Known
from newsmill.bus.file.codec import WEIGHT, checksum, unpack
from newsmill.bus.file.database import OFFSET_BITS, Database
from newsmill.bus.file.reading import CHUNK, CHUNK_BYTES, Notice, read, set_aside

_LATEST = (
    "SELECT l.offset, g.ts, g.key, g.hdr, g.crc, g.val FROM latest l JOIN log g "
    "ON g.id = ?1 + l.offset WHERE l.tp = ?2 AND l.offset < ?3 ORDER BY l.offset"
)


class FileFollower:
    """Reads one configuration topic through a connection of its own."""

    def __init__(self, db: Database, known: Known, notice: Notice) -> None:
        self._db = db
        self._number = known.partitions[0]
        self._place = (self._number, known.topic.name, 0)
        self._notice = notice
        self._next: int | None = None
        self.is_open = True

    def poll(self) -> list[Record]:
        """What was written since the last call; at first the latest value of every key."""
        records: list[Record] = []
        if self._next is None:
            with self._db.reading():
                self._next = self._end()
                records = self._latest(self._next)
        end = self._end()
        while self._next < end:
            more, self._next, damaged = read(
                self._db, self._place, self._next, end, CHUNK, CHUNK_BYTES
            )
            if damaged:
                set_aside(self._db, self._place, damaged, self._notice)
            records += more
        return records

    def close(self) -> None:
        """Let go of it."""
        self.is_open = False
        self._db.close()

    def _end(self) -> int:
        rows = self._db.execute("SELECT next FROM parts WHERE tp=?", (self._number,))
        return rows[0][0] if rows else 0

    def _latest(self, end: int) -> list[Record]:
        records = []
        rows = self._db.execute(_LATEST, (self._number << OFFSET_BITS, self._number, end))
        _, topic, partition = self._place
        for offset, stamp, key, packed, crc, value in rows:
            if checksum(key, packed, value) != crc:
                self._notice("damaged", {"topic": topic, "partition": partition, "offset": offset})
            elif value is not None:
                records.append(
                    Record(topic, partition, offset, offset + 1, key, value, unpack(packed), stamp)
                )
        return records


def compact(db: Database, known: Known, spare: int = 1000) -> None:
    """Drop superseded records of a configuration topic, once there are more than ``spare``."""
    number = known.partitions[0]
    base = number << OFFSET_BITS
    end = base + (1 << OFFSET_BITS)
    [(kept,)] = db.execute("SELECT count(*) FROM latest WHERE tp=?", (number,))
    [(rows,)] = db.execute("SELECT count(*) FROM log WHERE id>=? AND id<?", (base, end))
    if rows <= kept + spare:
        return
    with db.writing():
        db.execute(
            "DELETE FROM log WHERE id>=?1 AND id<?2 AND id-?1 NOT IN "
            "(SELECT offset FROM latest WHERE tp=?3)",
            (base, end, number),
        )
        [(held,)] = db.execute(f"SELECT sum({WEIGHT}) FROM log WHERE id>=? AND id<?", (base, end))  # noqa: S608  # a constant
        db.execute("UPDATE parts SET bytes=? WHERE tp=?", (held or 0, number))
