"""Kafka's answers to a producer, forged: an error in place of what the broker said, or unasked.

An answer that is *retold* is the broker's own with another error code: it did what it was asked,
and the client is told that it did not. One that is *made up* tells of a call that no broker saw.
Both are read and written by the client library's own classes, in the version that was asked for.
"""

from __future__ import annotations

import struct
from typing import Any, Literal, NamedTuple, get_args

from kafka.protocol import producer as calls

CALLS = {
    "produce": 0, "init_producer_id": 22, "add_partitions": 24, "add_offsets": 25, "end_txn": 26,
    "txn_offset_commit": 28,
}  # fmt: skip
ERRORS = {
    "corrupt_message": 2, "not_leader": 6, "timed_out": 7, "message_too_large": 10,
    "coordinator_loads": 14, "coordinator_away": 15, "not_coordinator": 16,
    "not_enough_replicas": 19, "not_enough_replicas_after": 20, "illegal_generation": 22,
    "topic_forbidden": 29, "group_forbidden": 30, "out_of_order": 45, "invalid_epoch": 47,
    "concurrent_transactions": 51, "unknown_producer": 59, "producer_fenced": 90, "abortable": 120,
}  # fmt: skip
_COORDINATOR = ("coordinator_loads", "coordinator_away", "not_coordinator")
_OVERTAKEN = ("concurrent_transactions", *_COORDINATOR)
_FENCED = ("invalid_epoch", "producer_fenced")
CLASSES: dict[str, dict[str, tuple[str, ...]]] = {
    "retriable": {
        "produce": ("not_leader", "not_enough_replicas", "not_enough_replicas_after", "timed_out",
                    "coordinator_loads", "concurrent_transactions"),
        "init_producer_id": _OVERTAKEN, "add_partitions": _OVERTAKEN, "add_offsets": _OVERTAKEN,
        "txn_offset_commit": _COORDINATOR, "end_txn": _OVERTAKEN,
    },
    "fenced": dict.fromkeys(CALLS, _FENCED),
    "abortable": {
        "produce": ("out_of_order", "unknown_producer", "abortable"),
        "add_partitions": ("abortable",), "add_offsets": ("abortable",),
        "txn_offset_commit": ("abortable", "illegal_generation"), "end_txn": ("abortable",),
    },
    "refused": {
        "produce": ("topic_forbidden", "message_too_large", "corrupt_message"),
        "add_partitions": ("topic_forbidden",), "add_offsets": ("group_forbidden",),
        "txn_offset_commit": ("topic_forbidden", "group_forbidden"),
    },
}  # fmt: skip
"""Errors by what a producer is to do about them, and by the calls that brokers answer with them."""

Way = Literal["retold", "made_up"]
WAYS: tuple[Way, ...] = get_args(Way)
_ASKED = struct.Struct(">4xhhi")
_MESSAGES: dict[int, tuple[Any, Any]] = {
    0: (calls.ProduceRequest, calls.ProduceResponse),
    22: (calls.InitProducerIdRequest, calls.InitProducerIdResponse),
    24: (calls.AddPartitionsToTxnRequest, calls.AddPartitionsToTxnResponse),
    25: (calls.AddOffsetsToTxnRequest, calls.AddOffsetsToTxnResponse),
    26: (calls.EndTxnRequest, calls.EndTxnResponse),
    28: (calls.TxnOffsetCommitRequest, calls.TxnOffsetCommitResponse),
}


class Asked(NamedTuple):
    """What a request's header says: the call, its version, and the number that its answer bears."""

    call: int
    version: int
    number: int


def asked(request: bytes) -> Asked:
    """The head of a request, which comes as a frame with its length."""
    return Asked(*_ASKED.unpack_from(request))


def retold(answer: bytes, what: Asked, code: int) -> bytes:
    """The broker's answer with another error in every place where it can tell of one."""
    _, response = _MESSAGES[what.call]
    told = response[what.version].decode(answer, framed=True, header=True)
    for place, name in _places(told, what.call):
        setattr(place, name, code)
    return bytes(told.encode(framed=True, header=True))


def made_up(request: bytes, code: int) -> bytes:
    """An answer with that error to a request that nobody else is asked."""
    what = asked(request)
    kind, response = _MESSAGES[what.call]
    wanted = kind[what.version].decode(request, framed=True, header=True)
    told = response(version=what.version, throttle_time_ms=0, **_body(wanted, what.call))
    for place, name in _places(told, what.call):
        setattr(place, name, code)
    told.with_header(correlation_id=what.number)
    return bytes(told.encode(framed=True, header=True))


def _places(told: Any, call: int) -> list[tuple[Any, str]]:
    """Where an answer tells of errors: once, or once a partition."""
    if call == CALLS["produce"]:
        return [(p, "error_code") for t in told.responses for p in t.partition_responses]
    if call == CALLS["add_partitions"]:
        topics = told.results_by_topic_v3_and_below
        return [(p, "partition_error_code") for t in topics for p in t.results_by_partition]
    if call == CALLS["txn_offset_commit"]:
        return [(p, "error_code") for t in told.topics for p in t.partitions]
    return [(told, "error_code")]


def _body(wanted: Any, call: int) -> dict[str, Any]:
    """The fields of an answer: a place for each partition of the request, where it has those."""
    if call == CALLS["produce"]:
        topic = calls.ProduceResponse.TopicProduceResponse
        part = topic.PartitionProduceResponse
        asked_of = [(t.name, [p.index for p in t.partition_data]) for t in wanted.topic_data]
        made = [
            topic(name=name, partition_responses=[part(index=n, base_offset=-1) for n in numbers])
            for name, numbers in asked_of
        ]
        return {"responses": made}
    if call == CALLS["add_partitions"]:
        topic = calls.AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult
        part = topic.AddPartitionsToTxnPartitionResult
        asked_of = [(t.name, t.partitions) for t in wanted.v3_and_below_topics]
        made = [
            topic(name=name, results_by_partition=[part(partition_index=n) for n in numbers])
            for name, numbers in asked_of
        ]
        return {"results_by_topic_v3_and_below": made}
    if call == CALLS["txn_offset_commit"]:
        topic = calls.TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic
        part = topic.TxnOffsetCommitResponsePartition
        asked_of = [(t.name, [p.partition_index for p in t.partitions]) for t in wanted.topics]
        made = [
            topic(name=name, partitions=[part(partition_index=n) for n in numbers])
            for name, numbers in asked_of
        ]
        return {"topics": made}
    return {}
