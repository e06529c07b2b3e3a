"""Loops that copy a topic by other means, to stand beside the bus in ``bus_throughput.py``.

Each copies the records of eight partitions from one topic to another, so many a step, and yields
the number of records after every step. They are written as their makers' guides write them, with
the settings that matter for speed made equal to those of the bus.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer

BATCH_BYTES = 512 << 10
FETCH_BYTES = 16 << 20
MAX_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """What to copy, by whom, and how many records a step."""

    bootstrap: str
    source: str
    sink: str
    name: str  # of the group and the transactional id: fresh for every copy
    step: int


def at_least_once(job: Job) -> Generator[int, None, None]:
    """kafka-python without transactions: send, confirm, then commit the offsets."""
    consumer: Any = KafkaConsumer(
        job.source,
        bootstrap_servers=job.bootstrap,
        group_id=job.name,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=job.step,
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=2 << 20,
        retry_backoff_ms=20,
        fetch_max_wait_ms=100,
        metrics_enabled=False,
    )
    producer: Any = KafkaProducer(
        bootstrap_servers=job.bootstrap,
        batch_size=BATCH_BYTES,
        linger_ms=2,
        max_request_size=MAX_BYTES,
        metrics_enabled=False,
    )
    try:
        while True:
            rows = [row for each in consumer.poll(1000).values() for row in each]
            sent = [
                producer.send(job.sink, row.value, row.key, partition=row.partition) for row in rows
            ]
            producer.flush()
            for future in sent:
                future.get(0)
            if rows:
                consumer.commit()
                yield len(rows)
    finally:
        producer.close()
        consumer.close()


def confluent(job: Job) -> Generator[int, None, None]:
    """confluent-kafka, exactly once."""
    import confluent_kafka

    common = {"bootstrap.servers": job.bootstrap, "retry.backoff.ms": 10}
    consumer = confluent_kafka.Consumer(
        common
        | {
            "group.id": job.name,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.max.bytes": FETCH_BYTES,
            "message.max.bytes": FETCH_BYTES,
            "queued.max.messages.kbytes": FETCH_BYTES >> 10,
            "fetch.queue.backoff.ms": 10,
            "fetch.wait.max.ms": 100,
        }
    )
    producer = confluent_kafka.Producer(
        common
        | {
            "transactional.id": job.name,
            "linger.ms": 2,
            "batch.size": BATCH_BYTES,
            "message.max.bytes": MAX_BYTES,
        }
    )
    consumer.subscribe([job.source])
    producer.init_transactions()
    try:
        while True:
            rows = consumer.consume(job.step, timeout=1.0)
            if not rows:
                continue
            producer.begin_transaction()
            for row in rows:
                if row.error() is not None:
                    raise RuntimeError(row.error())
                producer.produce(job.sink, row.value(), row.key(), row.partition() or 0)
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
            producer.commit_transaction()
            yield len(rows)
    finally:
        consumer.close()


def aio(job: Job) -> Generator[int, None, None]:
    """aiokafka, exactly once (its group metadata hold no generation, so a zombie is not fenced)."""
    loop = asyncio.new_event_loop()
    steps = _aio_steps(job)
    try:
        while True:
            yield loop.run_until_complete(anext(steps))
    finally:
        loop.run_until_complete(steps.aclose())
        loop.close()


async def _aio_steps(job: Job) -> Any:
    import aiokafka

    async with contextlib.AsyncExitStack() as stack:
        consumer = await stack.enter_async_context(
            aiokafka.AIOKafkaConsumer(
                job.source,
                bootstrap_servers=job.bootstrap,
                group_id=job.name,
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                fetch_max_bytes=FETCH_BYTES,
                max_partition_fetch_bytes=2 << 20,
            )
        )
        producer = await stack.enter_async_context(
            aiokafka.AIOKafkaProducer(
                bootstrap_servers=job.bootstrap,
                transactional_id=job.name,
                max_batch_size=BATCH_BYTES,
                max_request_size=MAX_BYTES,
                linger_ms=2,
                retry_backoff_ms=10,
            )
        )
        while True:
            found = await consumer.getmany(timeout_ms=1000, max_records=job.step)
            if not found:
                continue
            async with producer.transaction():
                sent = [
                    await producer.send(job.sink, row.value, row.key, partition=row.partition)
                    for rows in found.values()
                    for row in rows
                ]
                await asyncio.gather(*sent)
                offsets = {place: rows[-1].offset + 1 for place, rows in found.items()}
                await producer.send_offsets_to_transaction(offsets, job.name)
            yield sum(map(len, found.values()))
