"""Which groups ever joined a lane, and over what: kept in the lane's ``identity`` topic.

Kafka itself forgets a group that never committed, and never knew what it meant to read.
"""

from __future__ import annotations

import orjson
from kafka import TopicPartition

from newsmill.bus.base import Place
from newsmill.bus.kafka import reading
from newsmill.bus.kafka.burst import Producer, Refused, Send
from newsmill.bus.kafka.catalog import IDENTITY, Catalog
from newsmill.bus.kafka.clients import Clients
from newsmill.errors import Misconfigured

LIMIT = 1 << 20


def groups(clients: Clients, catalog: Catalog) -> dict[str, list[str]]:
    """Every group that joined over topics, and those topics (short names, all of them)."""
    if not catalog.is_made():
        return {}
    where = TopicPartition(catalog.full(IDENTITY), 0)
    start = reading.starts(clients, [where])[where]
    end = reading.settled_ends(clients, [where])[where]
    rows = reading.latest(reading.read(clients, where.topic, Place(IDENTITY, 0), start, end))
    return {key.decode(): orjson.loads(value) for key, value in sorted(rows.items())}


def enter(
    clients: Clients, catalog: Catalog, producer: Producer, group: str, topics: list[str]
) -> None:
    """Note that a group joins over these topics, unless it is known."""
    known = groups(clients, catalog).get(group, [])
    if not set(topics) <= set(known):
        _write(catalog, producer, group, orjson.dumps(sorted({*known, *topics})))


def strike(clients: Clients, catalog: Catalog, group: str) -> None:
    """Forget a group."""
    if group in groups(clients, catalog):
        producer = Producer(clients, catalog.full("registry"))
        try:
            _write(catalog, producer, group, None)
        finally:
            producer.close()


def _write(catalog: Catalog, producer: Producer, group: str, value: bytes | None) -> None:
    row = Send(catalog.full(IDENTITY), 0, group.encode(), value, [], LIMIT, -1)
    try:
        producer.step([row], {}, None)
    except Refused as refused:  # we are only just starting
        raise Misconfigured(str(refused)) from refused
