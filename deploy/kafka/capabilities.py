"""What a broker can judge: asks it for the two properties that exactly-once rests on."""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata

ASK_S = 20.0


def missing(bootstrap: str) -> list[str]:
    """What the broker lacks to judge exactly-once; empty when it lacks nothing.

    Works in a topic and a group of its own, which it removes. Raises KafkaError when it cannot ask.
    """
    name = f"newsmill.probe.{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=10_000)
    try:
        admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=-1)])
        admin.wait_for_topics([name])
        lacks = []
        if not _hides_aborted(bootstrap, name):
            lacks.append("aborted records are visible at read_committed")
        if not _fences_generation(bootstrap, name):
            lacks.append("a stale group generation commits offsets")
        return lacks
    finally:
        _sweep(admin, name)
        admin.close()


def _sweep(admin: Any, name: str) -> None:
    for remove in (admin.delete_topics, admin.delete_groups):
        try:
            remove([name])
        except KafkaError:
            continue  # what cannot be removed has a name that nobody else has


def _producer(bootstrap: str, transactional_id: str) -> Any:
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=transactional_id, metrics_enabled=False
    )
    producer.init_transactions()
    return producer


def _hides_aborted(bootstrap: str, name: str) -> bool:
    producer = _producer(bootstrap, name)
    try:
        for value, finish in (
            (b"aborted", producer.abort_transaction),
            (b"committed", producer.commit_transaction),
        ):
            producer.begin_transaction()
            producer.send(name, value=value, partition=0).get(ASK_S)
            finish()
    finally:
        producer.close(5)
    reader = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest",
        enable_auto_commit=False, metrics_enabled=False,
    )  # fmt: skip
    try:
        reader.assign([TopicPartition(name, 0)])
        seen: list[bytes] = []
        end = time.monotonic() + ASK_S
        while b"committed" not in seen and time.monotonic() < end:
            seen += [r.value for records in reader.poll(500).values() for r in records]
    finally:
        reader.close()
    return seen == [b"committed"]


def _fences_generation(bootstrap: str, name: str) -> bool:
    """Whether offsets sent under the generation before the present one are refused."""
    reader = KafkaConsumer(
        name, bootstrap_servers=bootstrap, group_id=name, enable_auto_commit=False,
        session_timeout_ms=6000, heartbeat_interval_ms=2000, metrics_enabled=False,
    )  # fmt: skip
    producer = _producer(bootstrap, f"{name}.fence")
    try:
        end = time.monotonic() + ASK_S
        while not reader.assignment() and time.monotonic() < end:
            reader.poll(100)
        now = reader.group_metadata()
        stale = now._replace(generation_id=now.generation_id - 1)
        producer.begin_transaction()
        producer.send_offsets_to_transaction(
            {TopicPartition(name, 0): OffsetAndMetadata(0, "", -1)}, stale
        )
    except CommitFailedError:
        return True
    else:
        return False
    finally:
        producer.close(5)
        reader.close()


if __name__ == "__main__":
    # a process of its own: a broker that is no Kafka may leave transaction calls hanging for ever
    sys.stdout.write(json.dumps(missing(sys.argv[1])) + "\n")
