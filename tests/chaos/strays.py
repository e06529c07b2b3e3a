"""Records that no worker of ours would write, put into topics past every rule of ours."""

from __future__ import annotations

from typing import Any

from newsmill.bus.base import Bus, Output
from newsmill.errors import NewsmillError
from newsmill.topics import ARTICLES, ENRICHED, PAGES, full_name

SENT = (
    b"\x00\xff\xfe stray",
    b'{"v":1,"page_id":',
    b"",
    None,
    b"[]",
    b'"\xc3\x28"',
    b'{"v":0}',
    b'{"v":1,"id":7}',
)
"""Corrupt, cut, empty, a tombstone, another kind, no UTF-8, no such version, fields missing."""
READ = (PAGES, ARTICLES, ENRICHED)


def through_bus(bus: Bus, partition: int) -> bool:
    """Put them on a bus of ours: by a member that knows no rule, without headers.

    False where it takes nothing now.
    """
    member = bus.join("strays", [])
    outputs = [
        Output(topic=topic, key=b"", value=value, partition=partition)
        for topic in READ
        for value in SENT
    ]
    try:
        member.commit(outputs, [], {})
    except NewsmillError:
        return False
    finally:
        member.leave()
    return True


def through_client(servers: str, namespace: str, partition: int) -> bool:
    """Put them on Kafka: by a plain producer, without headers and transactions.

    False where it is away.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    try:
        producer: Any = KafkaProducer(
            bootstrap_servers=servers, acks="all", bootstrap_timeout_ms=15_000,
            reconnect_backoff_max_ms=500, max_block_ms=15_000,
        )  # fmt: skip
    except KafkaError:
        return False
    try:
        for topic in READ:
            name = full_name(namespace, "live", topic.name)
            for value in SENT:
                key = b"stray" if value is None else None  # the client sends one of both at least
                producer.send(name, value=value, key=key, partition=partition)
        producer.flush(20)
    except KafkaError:
        return False
    finally:
        producer.close(5)
    return True
