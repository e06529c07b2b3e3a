"""One atomic step: encoded whole before the lock is taken, then written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from newsmill.bus.base import Change, Output
from newsmill.bus.checking import check_fits, target
from newsmill.bus.file.catalog import Catalog, Known
from newsmill.bus.file.codec import checksum, pack, size
from newsmill.bus.file.database import OFFSET_BITS, Database

Row = tuple[bytes, bytes | None, int, bytes | None]  # key, headers, checksum, value


@dataclass(slots=True)
class Step:
    """What a step writes, by the numbers of the file."""

    rows: dict[int, list[Row]] = field(default_factory=dict)  # partition → rows, in order
    sizes: dict[int, int] = field(default_factory=dict)  # partition → bytes
    topics: dict[int, Known] = field(default_factory=dict)  # that it writes to
    config: set[int] = field(default_factory=set)  # partitions of configuration topics
    state: dict[tuple[int, bytes], tuple[int, bytes] | None] = field(default_factory=dict)


def encode(catalog: Catalog, outputs: Iterable[Output], state: Iterable[Change]) -> Step:
    """The step ready to be written; raises RecordTooLarge, and ValueError for what is no step."""
    step = Step()
    outputs, state = tuple(outputs), tuple(state)
    check_fits(outputs, state)
    for output in outputs:
        topic = output.topic
        value = output.value
        known = catalog.get(topic)
        number = known.partitions[target(output)]
        packed = pack(output.headers)
        row = (output.key, packed, checksum(output.key, packed, value), value)
        step.rows.setdefault(number, []).append(row)
        step.sizes[number] = step.sizes.get(number, 0) + size(output.key, packed, value)
        step.topics[known.id] = known
        if topic.kind == "config":
            step.config.add(number)
    for change in state:
        topic = change.topic
        number = catalog.get(topic).partitions[change.partition]
        step.state[(number, change.key)] = (
            None
            if change.value is None
            else (checksum(change.key, None, change.value), change.value)
        )
    return step


def write(db: Database, step: Step, now_ms: int) -> None:
    """Write rows and state inside the transaction that is open."""
    conn = db.conn
    for number, rows in step.rows.items():
        [(after,)] = db.execute(
            "UPDATE parts SET next=next+?, bytes=bytes+? WHERE tp=? RETURNING next",
            (len(rows), step.sizes[number], number),
        )
        first = after - len(rows)
        base = (number << OFFSET_BITS) + first
        conn.executemany(
            "INSERT INTO log(id, ts, key, hdr, crc, val) VALUES(?, ?, ?, ?, ?, ?)",
            ((base + index, now_ms, *row) for index, row in enumerate(rows)),
        )
        if number in step.config:
            conn.executemany(
                "INSERT INTO latest(tp, key, offset) VALUES(?, ?, ?) "
                "ON CONFLICT(tp, key) DO UPDATE SET offset=excluded.offset",
                ((number, row[0], first + index) for index, row in enumerate(rows)),
            )
    removed = [place for place, value in step.state.items() if value is None]
    changed = [(*place, *value) for place, value in step.state.items() if value is not None]
    if removed:
        conn.executemany("DELETE FROM state WHERE tp=? AND key=?", removed)
    if changed:
        conn.executemany(
            "INSERT INTO state(tp, key, crc, val) VALUES(?, ?, ?, ?) "
            "ON CONFLICT(tp, key) DO UPDATE SET crc=excluded.crc, val=excluded.val",
            changed,
        )
