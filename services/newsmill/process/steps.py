"""What a worker's function gives back to its loop: an outcome, and what to write for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from newsmill.bus.base import Change, Output, Record
from newsmill.errors import REFUSALS, BadRecord, Reason
from newsmill.process.events import Outcome
from newsmill.topics import DEAD, partition_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The one outcome of one record at one stage, with the outputs and state of its step.

    ``facts`` are fields of the record's log line (page_id, url, took_ms, …).
    """

    outcome: Outcome
    outputs: tuple[Output, ...] = ()
    state: tuple[Change, ...] = ()
    reason: Reason | None = None
    detail: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


Step = Callable[[Record], Result]
"""A worker's function: pure, one record at a time; raises BadRecord and TryLater."""


def rejected(
    record: Record,
    stage: str,
    error: BadRecord,
    facts: dict[str, Any] | None = None,
    *,
    attempts: int = 1,
    trace: str = "",
) -> Result:
    """The result of a record that can never work: refused, or a dead letter with its own bytes."""
    facts = facts or {}
    if error.reason in REFUSALS:
        return Result(outcome="refused", reason=error.reason, detail=error.detail, facts=facts)
    letter = dead_letter(record, stage, error, attempts=attempts, trace=trace)
    return Result(
        outcome="dead", outputs=(letter,), reason=error.reason, detail=error.detail, facts=facts
    )


def dead_letter(
    record: Record, stage: str, error: BadRecord, *, attempts: int, trace: str
) -> Output:
    """The record as it came, with headers that say where it died and why."""
    headers = (
        *record.headers,
        ("dead-topic", record.topic.encode()),
        ("dead-partition", str(record.partition).encode()),
        ("dead-offset", str(record.offset).encode()),
        ("dead-stage", stage.encode()),
        ("dead-reason", error.reason.encode()),
        ("dead-detail", error.detail[:2000].encode("utf-8", "replace")),
        ("dead-attempts", str(attempts).encode()),
    )
    if trace:
        headers = (*headers, ("dead-traceback", trace[-8000:].encode("utf-8", "replace")))
    value = record.value
    if value is not None and len(value) > DEAD.max_bytes:  # of a topic no record is; of a file may
        headers = (*headers, ("dead-cut", str(len(value)).encode()))
        value = value[: DEAD.max_bytes]
    return Output(
        topic=DEAD,
        key=record.key,
        value=value,
        headers=headers,
        partition=record.partition % DEAD.partitions,
    )


def oversized(result: Result) -> Output | None:
    """The first output whose value is larger than its topic takes."""
    for output in result.outputs:
        if output.value is not None and len(output.value) > output.topic.max_bytes:
            return output
    return None


def buried(result: Result, stage: str, output: Output) -> Result:
    """In place of a result whose output is too large: the dead letter of that output itself.

    For work that has no input record of its own; its changes of state stand.
    """
    size, topic = len(output.value or b""), output.topic
    bad = BadRecord("record_too_large", f"{topic.name}: a value of {size} bytes")
    partition = output.partition
    if partition is None:
        partition = partition_of(output.routing or "", topic.partitions)
    record = Record(topic.name, partition, -1, 0, output.key, output.value, output.headers, 0)
    letter = dead_letter(record, stage, bad, attempts=1, trace="")
    return Result(
        outcome="dead",
        outputs=(letter,),
        state=result.state,
        reason=bad.reason,
        detail=bad.detail,
        facts=result.facts,
    )
