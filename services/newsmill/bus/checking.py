"""What every transport asks of a step before it writes a byte of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from newsmill.bus.base import Change, Output, Place, RecordTooLarge
from newsmill.topics import partition_of


def target(output: Output) -> int:
    """The partition that an output goes to; raises ValueError where it names none."""
    topic = output.topic
    if topic.kind == "state":
        raise ValueError(f"{topic.name} is state: write it as a change")
    if topic.kind == "config":
        return 0
    if output.partition is not None:
        if not 0 <= output.partition < topic.partitions:
            raise ValueError(f"{topic.name} has no partition {output.partition}")
        return output.partition
    if output.routing is None:
        raise ValueError(f"an output to {topic.name} needs a routing key or a partition")
    return partition_of(output.routing, topic.partitions)


def check_fits(outputs: Iterable[Output], state: Iterable[Change]) -> None:
    """Raise RecordTooLarge for the first value that its topic does not take."""
    for index, output in enumerate(outputs):
        size = len(output.value or b"")
        if size > output.topic.max_bytes:
            raise RecordTooLarge(output.topic.name, size, output.topic.max_bytes, index)
    for change in state:
        topic = change.topic
        if topic.kind != "state":
            raise ValueError(f"{topic.name} holds no state")
        if len(change.value or b"") > topic.max_bytes:
            raise RecordTooLarge(topic.name, len(change.value or b""), topic.max_bytes, -1)


def check_named(state: Iterable[Change], places: Mapping[Place, object]) -> None:
    """Raise ValueError where a change is to a partition that the step does not name."""
    for change in state:
        topic = change.topic
        if (topic.beside or topic.name, change.partition) not in places and (
            topic.name,
            change.partition,
        ) not in places:
            raise ValueError(
                f"a step that changes {topic.name}/{change.partition} must name "
                f"{topic.beside or topic.name}/{change.partition} with its position"
            )
