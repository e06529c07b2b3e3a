"""Looking at a lane from outside: how far its groups are, and what its topics hold."""

from __future__ import annotations

from newsmill.bus.base import Described, Lag, Place
from newsmill.bus.file.catalog import Catalog, Group
from newsmill.bus.file.database import OFFSET_BITS, Database
from newsmill.bus.file.presence import Presence

_SHARES = """
SELECT t.name, p.part, p.tp, coalesce(s.pos, p.start), p.start, p.next, m.inc, m.slot
FROM shares s JOIN parts p ON p.tp = s.tp JOIN topics t ON t.id = p.topic
LEFT JOIN members m ON m.inc = s.owner WHERE s.grp=? ORDER BY t.name, p.part
"""
_MISSING = "SELECT count(*) FROM quarantine WHERE tp=? AND off>=? AND off<?"
_FIRST = "SELECT ts FROM log WHERE id>=? AND id<? ORDER BY id LIMIT 1"
_STREAM = (
    "SELECT sum(p.next - p.start - (SELECT count(*) FROM quarantine q "
    "WHERE q.tp = p.tp AND q.off >= p.start)), sum(p.bytes) FROM parts p WHERE p.topic=?"
)
_CONFIG = (
    "SELECT sum((SELECT count(*) FROM log WHERE id>=(p.tp << 40) AND id<((p.tp + 1) << 40))), "
    "sum(p.bytes) FROM parts p WHERE p.topic=?"
)
_STATE = (
    "SELECT count(*), sum(length(s.key) + length(s.val)) FROM state s "
    "JOIN parts p ON p.tp = s.tp WHERE p.topic=?"
)
_COUNTS = {"stream": _STREAM, "config": _CONFIG, "state": _STATE}


def lag(db: Database, catalog: Catalog, group: Group, presence: Presence) -> list[Lag]:
    """How far one group is, partition by partition."""
    found = []
    with db.reading():
        rows = db.execute(_SHARES, (group.id,))
        for name, partition, number, position, start, end, incarnation, slot in rows:
            base = number << OFFSET_BITS
            first = max(position, start)
            [(missing,)] = db.execute(_MISSING, (number, first, end))
            oldest = db.execute(_FIRST, (base + first, base + end)) if first < end else []
            owned = incarnation is not None and presence.is_there(incarnation)
            found.append(
                Lag(
                    group=group.name,
                    place=Place(catalog.short(name), partition),
                    position=position,
                    end=end,
                    waiting=max(0, end - first - missing),
                    oldest_ms=oldest[0][0] if oldest else None,
                    owner=f"slot {slot}" if owned else None,
                )
            )
    return found


def describe(db: Database, catalog: Catalog) -> list[Described]:
    """What the topics of the lane hold."""
    found = []
    with db.reading():
        for number, name, kind, partitions in catalog.topics():
            [(records, held)] = db.execute(_COUNTS[kind], (number,))
            found.append(Described(name, kind, partitions, records or 0, held or 0))
    return found


def quarantined(db: Database, catalog: Catalog) -> int:
    """How many damaged records of the lane were set aside."""
    [(count,)] = db.execute(
        "SELECT count(*) FROM quarantine q JOIN parts p ON p.tp = q.tp "
        "JOIN topics t ON t.id = p.topic WHERE t.lane=?",
        (catalog.lane,),
    )
    return int(count)
