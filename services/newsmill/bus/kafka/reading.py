"""Reading partitions from outside any group, up to an end that is known beforehand."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import OffsetOutOfRangeError
from kafka.protocol.consumer import IsolationLevel

from newsmill.bus.base import BusUnknown, Place, Record
from newsmill.bus.kafka.clients import Clients, close_anyhow

PATIENCE_S = 1.0  # with steps that are committed but not yet visible
POLL_MS = 200


def convert(place: Place, rows: Sequence[Any], position: int) -> list[Record]:
    """Records as we know them; ``position`` is the consumer's, after the last of them.

    A transaction's marker takes an offset too, so what follows a record is the next record, or
    the place where the consumer stands; never its offset and one.
    """
    if not rows:
        return []
    follows = [row.offset for row in rows[1:]]
    follows.append(position)
    return [
        Record(
            place.topic,
            place.partition,
            row.offset,
            after,
            row.key or b"",
            row.value,
            tuple(row.headers),
            row.timestamp,
        )
        for row, after in zip(rows, follows, strict=True)
    ]


def starts(clients: Clients, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The first offset that each partition still has."""
    with clients.admin() as admin:
        told = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    return {place: found.offset for place, found in told.items()}


def since(clients: Clients, where: TopicPartition, moment_ms: int, end: int) -> int:
    """The first offset of a record written then or later; ``end`` where none was."""
    with clients.admin() as admin:
        found = admin.list_partition_offsets({where: moment_ms})[where].offset
    return end if found < 0 else min(int(found), end)


def ends(
    clients: Clients, places: Iterable[TopicPartition], *, committed: bool
) -> dict[TopicPartition, int]:
    """The end of each partition, for readers at read_committed or for those who see everything."""
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    with clients.admin() as admin:
        told = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST), level)
    return {place: found.offset for place, found in told.items()}


def settled_ends(
    clients: Clients, places: Iterable[TopicPartition], patience_s: float = PATIENCE_S
) -> dict[TopicPartition, int]:
    """The read-committed ends, once they hold all that is written now, or patience is at an end.

    A step is committed a moment before its records can be read.
    """
    places = list(places)
    if not places:
        return {}
    written = ends(clients, places, committed=False)
    deadline = time.monotonic() + patience_s
    while True:
        visible = ends(clients, places, committed=True)
        if time.monotonic() > deadline or all(visible[p] >= written[p] for p in places):
            return visible
        time.sleep(0.01)


def read(
    clients: Clients,
    topic: str,
    place: Place,
    start: int,
    end: int,
    *,
    within_s: float | None = None,
) -> Iterator[Record]:
    """Committed records of a partition from ``start`` up to offset ``end``.

    What retention took meanwhile is passed over. Raises BusUnknown where the end is not reached
    ``within_s`` seconds.
    """
    if start >= end:
        return
    deadline = time.monotonic() + within_s if within_s is not None else None
    where = TopicPartition(topic, place.partition)
    consumer = clients.consumer()
    try:
        consumer.assign([where])
        consumer.seek(where, start)
        while consumer.position(where) < end:
            try:
                rows = consumer.poll(POLL_MS).get(where, ())
            except OffsetOutOfRangeError:
                consumer.seek(where, starts(clients, [where])[where])
                continue
            yield from (
                record
                for record in convert(place, rows, consumer.position(where))
                if record.offset < end
            )
            if deadline is not None and time.monotonic() > deadline:
                raise BusUnknown(f"{place} cannot be read to {end}: a step is pending there")
    finally:
        close_anyhow(consumer)


def latest(records: Iterable[Record]) -> dict[bytes, bytes]:
    """The value of every key after these records; removed ones are gone."""
    values: dict[bytes, bytes] = {}
    for record in records:
        if record.value is None:
            values.pop(record.key, None)
        else:
            values[record.key] = record.value
    return values
