"""One step as one burst: begin, send, confirm every record, offsets, commit; within a deadline.

What kafka-python leaves to its caller, each shown in ``tests/kafka``: a commit succeeds although a
record of it failed, so every record is confirmed before; transaction calls may never return, so
they run beside, under a deadline; after a failure the offsets of the failed step ride in the next
one, so the producer is thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from kafka import TopicPartition
from kafka.errors import (
    AuthorizationError,
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    InvalidProducerEpochError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    UnsupportedVersionError,
)
from kafka.structs import OffsetAndMetadata

from newsmill.bus import crash
from newsmill.bus.base import BusFull, BusUnknown, Fenced, RecordTooLarge
from newsmill.bus.kafka.aside import Aside
from newsmill.bus.kafka.clients import Clients, close_anyhow
from newsmill.errors import Misconfigured

GRACE_S = 5.0  # beyond the transaction's own time, within which the broker must have answered

_TAKEN = (ProducerFencedError, InvalidProducerEpochError, FencedInstanceIdError)
_LOST = (
    CommitFailedError,
    IllegalGenerationError,
    UnknownMemberIdError,
    RebalanceInProgressError,
)
_TOO_LONG = "InvalidTransactionTimeoutError"  # kafka-python says it by words alone


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


class Refused(BusFull):
    """The brokers deny us a right. The step is undone; whether it is for good they do not say."""


class Producer:
    """The transactional producer of one slot. Making it fences whoever had the slot."""

    def __init__(self, clients: Clients, transactional_id: str) -> None:
        self._clients = clients
        self._id = transactional_id
        self._deadline_s = clients.options.transaction_ms / 1000 + GRACE_S
        self._doubted: tuple[str, int, bytes] | None = None  # a record called too large, once
        try:
            self._producer: Any = self._fresh()
        except _TAKEN as error:
            raise PlaceTaken(f"{self._id} was taken by another process") from error
        except (KafkaError, TimeoutError) as error:
            told = f"transactional id {self._id}: {error!r}"
            if _is_final(error):
                raise Misconfigured(told) from error
            raise BusUnknown(told) from error  # a coordinator that is slow, or changes places

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
            cause = burst.cause(error)
            if isinstance(cause, _TAKEN):
                raise PlaceTaken(f"{self._id} was taken by another process") from error
            self._start_again()
            raise self._verdict(cause, burst) from error
        self._doubted = None

    def close(self) -> None:
        """Let go of it; what is unsent is lost."""
        close_anyhow(self._producer)

    def _verdict(self, error: Exception, burst: _Burst) -> Exception:
        """What a failure before the commit means, now that the step is surely undone."""
        if isinstance(error, _LOST):
            return Fenced(f"{self._id}: the group has moved on ({type(error).__name__})")
        if isinstance(error, MessageSizeTooLargeError) and self._is_sure_of(burst.at):
            size = len(burst.at.value or b"")
            return RecordTooLarge(burst.at.topic, size, burst.at.limit, burst.at.number)
        if isinstance(error, AuthorizationError):
            return Refused(f"{self._id}: {error!r}")
        if isinstance(error, KafkaError):
            return BusFull(f"{self._id}: the step was undone: {error!r}")
        return error

    def _is_sure_of(self, record: Send | None) -> TypeGuard[Send]:
        """Whether the broker has called this record too large before, too.

        It is within what its topic was made to take, so once may be a slip.
        """
        if record is None:
            return False
        before, self._doubted = self._doubted, (record.topic, record.partition, record.key)
        return before == self._doubted

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
        self._sent: list[Any] = []
        self.at: Send | None = None
        self.is_decided_elsewhere = False

    def cause(self, error: Exception) -> Exception:
        """What the step failed of: calls made after a failure say only that there was one."""
        cause: Exception
        failed = [
            (record, future.exception)
            for record, future in zip(self._sends, self._sent, strict=False)
            if future.failed()
        ]
        if failed:
            # What was still unsent fails of the same error: too large is what comes nearest to it.
            if isinstance(failed[0][1], MessageSizeTooLargeError):
                failed.sort(key=lambda one: -len(one[0].value or b"") / one[0].limit)
            self.at, cause = failed[0]
            return cause
        manager = self._producer._transaction_manager
        if manager.last_error is not None:
            self.at, cause = None, manager.last_error
            return cause
        return error

    def run(self) -> None:
        self._producer.begin_transaction()
        sent = self._sent
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


def _is_final(error: Exception) -> bool:
    """Whether brokers that are well will not let such a producer begin."""
    is_final = isinstance(error, AuthorizationError | UnsupportedVersionError)
    return is_final or _TOO_LONG in str(error)


def _within(seconds: float, call: Callable[[], object]) -> None:
    """Run a call that may never return; raises what it raises, and TimeoutError."""
    if not Aside(call).is_over(seconds):
        raise TimeoutError(f"no end within {seconds:.0f} s")
