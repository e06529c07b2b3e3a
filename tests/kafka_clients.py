"""Kafka clients for tests of the library itself: quick settings, and all closed at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.structs import OffsetAndMetadata

WAIT_S = 15.0
LONG_MS = 500  # of a poll in which a member may join: a shorter one may lose its assignment


def place(topic: str, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic, partition)


def move(producer: Any, metadata: Any, *, topic: str, **positions: int) -> None:
    """A step of offsets alone: p0=5 is position 5 of partition 0."""
    offsets = {place(topic, int(name[1:])): offset(at) for name, at in positions.items()}
    producer.begin_transaction()
    producer.send_offsets_to_transaction(offsets, metadata)
    producer.commit_transaction()


def offset(position: int) -> OffsetAndMetadata:
    return OffsetAndMetadata(position, "", -1)


class Clients:
    """Makes clients of one broker and closes them, whatever state a test leaves them in."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._stack = ExitStack()
        self.admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._stack.callback(self.admin.close)

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def topic(self, name: str, partitions: int = 1, **settings: object) -> str:
        """A topic that is there, and whose partitions have leaders."""
        configs = {key.replace("_", "."): str(value) for key, value in settings.items()}
        new = NewTopic(
            name=name, num_partitions=partitions, replication_factor=1, topic_configs=configs
        )
        self.admin.create_topics([new])
        self.admin.wait_for_topics([name])
        return name

    def producer(self, transactional_id: str, **settings: Any) -> Any:
        """A transactional producer that is ready to begin."""
        defaults = {"transaction_timeout_ms": 10_000, "retry_backoff_ms": 10, "linger_ms": 5}
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            transactional_id=transactional_id,
            metrics_enabled=False,
            **(defaults | settings),
        )
        self._stack.callback(_close_anyhow, producer)
        producer.init_transactions()
        return producer

    def consumer(self, *topics: str, group: str | None = None, **settings: Any) -> Any:
        """A consumer at read_committed, from the start; a member of ``group`` if there is one."""
        defaults: dict[str, Any] = {"isolation_level": "read_committed"}
        if group is not None:
            defaults |= {"session_timeout_ms": 3000, "heartbeat_interval_ms": 500}
        consumer = KafkaConsumer(
            *topics,
            bootstrap_servers=self.bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            metrics_enabled=False,
            **(defaults | settings),
        )
        self._stack.callback(consumer.close, timeout_ms=2000)
        return consumer

    def joined(self, topic: str, group: str, **settings: Any) -> Any:
        """A member of a group that owns partitions, and that starts at their beginning.

        It knows the topic before it subscribes, and joins within one poll: both matter.
        """
        consumer = self.consumer(group=group, **settings)
        consumer.partitions_for_topic(topic)
        consumer.subscribe([topic])
        wait_until(lambda: bool(consumer.poll(LONG_MS)) or bool(consumer.assignment()))
        consumer.seek_to_beginning()
        return consumer

    def visible(self, topic: str, partition: int = 0, **settings: Any) -> list[bytes]:
        """The values that read_committed shows of a partition, up to its present end."""
        reader = self.consumer(**settings)
        where = place(topic, partition)
        reader.assign([where])
        reader.seek_to_beginning()
        end = reader.end_offsets([where])[where]
        seen: list[bytes] = []
        while reader.position(where) < end:
            seen += [record.value for records in reader.poll(200).values() for record in records]
        return seen

    def transact(self, producer: Any, topic: str, *values: bytes, partition: int = 0) -> None:
        """One transaction as it should be: every record confirmed before the commit."""
        producer.begin_transaction()
        sent = [producer.send(topic, value=value, partition=partition) for value in values]
        producer.flush(WAIT_S)
        for future in sent:
            future.get(0)
        producer.commit_transaction()


def _close_anyhow(producer: Any) -> None:
    """Close a producer that may be beyond closing in order."""
    producer._sender.force_close()
    producer._sender.join(WAIT_S)
    producer.close(0)


def wait_until(
    condition: Callable[[], bool], timeout: float = WAIT_S, every: float = 0.02
) -> float:
    """Wait for it, and say how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout, "waited in vain"
        time.sleep(every)
    return time.monotonic() - began


class Aside:
    """A call in a thread of its own, which may never return."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self.value: object = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], object]) -> None:
        try:
            self.value = call()
        except Exception as error:
            self.error = error

    def done(self, within: float) -> bool:
        self._thread.join(within)
        return not self._thread.is_alive()
