"""Dropping a group or a whole lane."""

from __future__ import annotations

from newsmill.bus.file.catalog import Catalog
from newsmill.bus.file.database import OFFSET_BITS, Database

ROWS = 1000  # of one transaction, so that other lanes wait milliseconds
SHRINK_PAGES = 200  # 16 us a page


def group(db: Database, number: int) -> None:
    """Forget a group inside the transaction that is open; its members are fenced by it."""
    for table, column in (("members", "grp"), ("shares", "grp"), ("groups", "id")):
        db.execute(f"DELETE FROM {table} WHERE {column}=?", (number,))  # noqa: S608  # our own names


def lane(db: Database, catalog: Catalog) -> None:
    """Forget a lane: its names in one transaction, then what they held, in small ones."""
    with db.writing():
        numbers = [
            number
            for (number,) in db.execute(
                "SELECT p.tp FROM parts p JOIN topics t ON t.id = p.topic WHERE t.lane=?",
                (catalog.lane,),
            )
        ]
        for found in catalog.groups():
            group(db, found.id)
        for topic, *_ in catalog.topics():
            db.execute("DELETE FROM parts WHERE topic=?", (topic,))
            db.execute("DELETE FROM topics WHERE id=?", (topic,))
        db.execute("DELETE FROM lanes WHERE name=?", (catalog.lane,))
    for number in numbers:
        _empty(db, number)
    _shrink(db)


def _empty(db: Database, number: int) -> None:
    base = number << OFFSET_BITS
    for sql, values in (
        (
            "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id>=? AND id<? LIMIT ?)",
            (base, base + (1 << OFFSET_BITS), ROWS),
        ),
        (
            "DELETE FROM state WHERE tp=?1 AND key IN (SELECT key FROM state WHERE tp=?1 LIMIT ?2)",
            (number, ROWS),
        ),
    ):
        while True:
            with db.writing():
                db.execute(sql, values)
                deleted = db.conn.changes()
            if deleted < ROWS:
                break
    with db.writing():
        db.execute("DELETE FROM latest WHERE tp=?", (number,))
        db.execute("DELETE FROM quarantine WHERE tp=?", (number,))


def _shrink(db: Database) -> None:
    """Give free pages back to the disk, so many at a time that nobody waits long."""
    [(free,)] = db.execute("PRAGMA freelist_count")
    for _ in range(0, free, SHRINK_PAGES):
        db.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES})")
