"""One step as one burst: begin, send, confirm every record, offsets, commit; within a deadline.

What kafka-python leaves to its caller, each shown in ``tests/kafka``: a commit succeeds although a
record of it failed, so every record is confirmed before; transaction calls may never return, so
they run beside, under a deadline; after a failure the offsets of the failed step ride in the next
one, so the producer is thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    InvalidProducerEpochError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from newsmill.bus import crash
from newsmill.bus.base import BusFull, BusUnknown, Fenced, RecordTooLarge
from newsmill.bus.kafka.aside import Aside
from newsmill.bus.kafka.clients import Clients, close_anyhow, is_passing
from newsmill.errors import Misconfigured

GRACE_S = 5.0  # beyond the transaction's own time, within which the broker must have answered

_TAKEN = (ProducerFencedError, InvalidProducerEpochError, FencedInstanceIdError)
_LOST = (
    CommitFailedError,
    IllegalGenerationError,
    UnknownMemberIdError,
    RebalanceInProgressError,
)
_FORBIDDEN = (TopicAuthorizationFailedError, TransactionalIdAuthorizationFailedError)


class Send(NamedTuple):
    """A record to be sent: topic (full name), partition, and what it holds."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    limit: int  # of its value, for the error
    number: int  # of the output in the step; -1 for a change of state


class PlaceTaken(Fenced):
    """Another process has this member's slot: nothing can be done any more."""


class Producer:
    """The transactional producer of one slot. Making it fences whoever had the slot."""

    def __init__(self, clients: Clients, transactional_id: str) -> None:
        self._clients = clients
        self._id = transactional_id
        self._deadline_s = clients.options.transaction_ms / 1000 + GRACE_S
        try:
            self._producer: Any = self._fresh()
        except (KafkaError, TimeoutError) as error:
            told = f"transactional id {self._id}: {error!r}"
            if isinstance(error, TimeoutError) or is_passing(error):
                raise BusUnknown(told) from error  # a coordinator that is slow, or changes places
            raise Misconfigured(told) from error

    def step(
        self, sends: Sequence[Send], offsets: Mapping[TopicPartition, int], metadata: Any
    ) -> None:
        """Do it all or nothing; raises Fenced, BusFull, BusUnknown, RecordTooLarge.

        PlaceTaken is the Fenced after which this producer is of no use.
        """
        burst = _Burst(self._producer, sends, offsets, metadata, self._deadline_s)
        try:
            _within(self._deadline_s, burst.run)
        except TimeoutError as error:
            raise BusUnknown(f"{self._id}: a step did not end: {error}") from error
        except (KafkaError, RuntimeError, ValueError) as error:
            if burst.is_decided_elsewhere:
                raise BusUnknown(f"{self._id}: how the commit ended: {error!r}") from error
            if isinstance(error, _TAKEN):
                raise PlaceTaken(f"{self._id} was taken by another process") from error
            self._start_again()
            raise self._verdict(error, burst) from error

    def close(self) -> None:
        """Let go of it; what is unsent is lost."""
        close_anyhow(self._producer)

    def _verdict(self, error: Exception, burst: _Burst) -> Exception:
        """What a failure before the commit means, now that the step is surely undone."""
        if isinstance(error, _LOST):
            return Fenced(f"{self._id}: the group has moved on ({type(error).__name__})")
        if isinstance(error, MessageSizeTooLargeError) and burst.at is not None:
            size = len(burst.at.value or b"")
            return RecordTooLarge(burst.at.topic, size, burst.at.limit, burst.at.number)
        if isinstance(error, _FORBIDDEN):
            return Misconfigured(f"{self._id}: {error!r}")
        if isinstance(error, KafkaError):
            return BusFull(f"{self._id}: the step was undone: {error!r}")
        return error

    def _start_again(self) -> None:
        """Throw the producer away; the next one's start undoes what this one left."""
        close_anyhow(self._producer)
        try:
            self._producer = self._fresh()
        except (KafkaError, TimeoutError, Misconfigured) as error:
            raise BusUnknown(f"{self._id}: no new producer: {error!r}") from error

    def _fresh(self) -> Any:
        producer = self._clients.producer(self._id)
        try:
            _within(self._deadline_s, producer.init_transactions)
        except (KafkaError, TimeoutError):
            close_anyhow(producer)
            raise
        return producer


class _Burst:
    """The calls of one step, in their order; ``at`` is the record in hand when one fails."""

    def __init__(
        self,
        producer: Any,
        sends: Sequence[Send],
        offsets: Mapping[TopicPartition, int],
        metadata: Any,
        deadline_s: float,
    ) -> None:
        self._producer = producer
        self._sends = sends
        self._offsets = {
            place: OffsetAndMetadata(position, "", -1) for place, position in offsets.items()
        }
        self._metadata = metadata
        self._until = time.monotonic() + deadline_s
        self.at: Send | None = None
        self.is_decided_elsewhere = False

    def run(self) -> None:
        self._producer.begin_transaction()
        sent = []
        for each in self._sends:
            self.at = each
            sent.append(
                self._producer.send(
                    each.topic,
                    value=each.value,
                    key=each.key,
                    headers=each.headers,
                    partition=each.partition,
                )
            )
        # No flush: it tells of batches, not of records, and fails where a batch was only split.
        for each, future in zip(self._sends, sent, strict=True):
            self.at = each
            future.get(max(0.0, self._until - time.monotonic()))
        self.at = None
        if self._offsets:
            self._producer.send_offsets_to_transaction(self._offsets, self._metadata)
        crash.point("commit.written")
        self.is_decided_elsewhere = True
        self._producer.commit_transaction()


def _within(seconds: float, call: Callable[[], object]) -> None:
    """Run a call that may never return; raises what it raises, and TimeoutError."""
    if not Aside(call).is_over(seconds):
        raise TimeoutError(f"no end within {seconds:.0f} s")
