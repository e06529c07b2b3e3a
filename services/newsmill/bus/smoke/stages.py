"""The pipeline of a smoke test: records that are only carried, by the steps that workers take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from newsmill.bus import crash
from newsmill.bus.base import Bus, Change, Fenced, Mark, Member, Output, Place, Record
from newsmill.topics import ARTICLES, ENRICHED, ENTRIES, FRONTIER, PAGES, REVISIONS, Topic

STEP = 50  # records of a step: small, so that there are many
UNDO_EVERY = 8  # steps; one of so many is begun, written and undone before it is done
STILL_S = 45.0  # without a record: longer than any hand-over of partitions takes
WRITTEN = "commit.written"  # the point of a step at which all is written and nothing committed

KEPT = ("smoke", b"kept")
UNDONE = ("smoke", b"undone")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the group that carries records from a topic to the next, and its state."""

    group: str
    source: Topic
    target: Topic
    state: Topic | None = None


FETCH = Stage("fetcher", ENTRIES, PAGES, FRONTIER)
EXTRACT = Stage("extractor", PAGES, ARTICLES)
ENRICH = Stage("enricher", ARTICLES, ENRICHED, REVISIONS)
STAGES = (FETCH, EXTRACT, ENRICH)
CHAIN = (ENTRIES, PAGES, ARTICLES, ENRICHED)


def keys(count: int) -> list[bytes]:
    """The keys of the records, which are their values too."""
    return [b"smoke-%06d" % number for number in range(count)]


def publish(bus: Bus, count: int) -> int:
    """Write the records to the first topic; gives how many steps were undone on the way."""
    member = bus.join("producer", [])
    waiting, undone = iter(keys(count)), 0
    try:
        for number, part in enumerate(iter(lambda: list(islice(waiting, STEP)), [])):
            if number % UNDO_EVERY == 0:
                undone += _undo(member, _outputs(ENTRIES, part, UNDONE), [], {})
            member.commit(_outputs(ENTRIES, part, KEPT), [], {})
    finally:
        member.leave()
    return undone


def carry(bus: Bus, stage: Stage, *, die_in: int | None = None) -> int:
    """Carry on what waits for a stage, to the end; gives how many steps were undone on the way.

    In the step of number ``die_in`` the process kills itself. Ends where nothing moves any more,
    too: who counts will find out.
    """
    member = bus.join(stage.group, [stage.source], slot=0)
    undone = 0
    try:
        for number, records in enumerate(_helpings(bus, stage, member)):
            values = [record.key for record in records]
            marks = _marks(member, records)
            state = _changes(stage, records)
            if number == die_in:
                crash.at_next(WRITTEN, "die")
                member.commit(_outputs(stage.target, values, UNDONE), state, marks)
            if number % UNDO_EVERY == 0:
                spoilt = [Change(c.topic, c.partition, c.key, b"undone") for c in state]
                undone += _undo(member, _outputs(stage.target, values, UNDONE), spoilt, marks)
            try:
                member.commit(_outputs(stage.target, values, KEPT), state, marks)
            except Fenced:
                continue  # what was lost is given to us again, or to nobody: there is no other
    finally:
        member.leave()
    return undone


def _helpings(bus: Bus, stage: Stage, member: Member) -> Iterator[Sequence[Record]]:
    last = time.monotonic()
    while time.monotonic() - last < STILL_S:
        records = member.poll(0.2, max_records=STEP)
        if records:
            yield records
            last = time.monotonic()
        elif member.assignment and not sum(one.waiting for one in bus.lag([stage.group])):
            return


def _undo(
    member: Member,
    outputs: Sequence[Output],
    state: Sequence[Change],
    marks: dict[Place, Mark],
) -> int:
    """Take a step as far as it goes before its commit, and undo it; 1 where that happened."""
    crash.at_next(WRITTEN, "undo")
    try:
        member.commit(outputs, state, marks)
    except crash.Undone:
        return 1
    except Fenced:
        crash.forget(WRITTEN)
    return 0


def _outputs(topic: Topic, values: Sequence[bytes], mark: tuple[str, bytes]) -> list[Output]:
    return [
        Output(topic=topic, key=value, value=value, headers=(mark,), routing=value.decode())
        for value in values
    ]


def _marks(member: Member, records: Sequence[Record]) -> dict[Place, Mark]:
    owned = member.assignment
    return {r.place: Mark(r.next, owned[r.place].epoch) for r in records}


def _changes(stage: Stage, records: Sequence[Record]) -> list[Change]:
    topic = stage.state
    return [] if topic is None else [Change(topic, r.partition, r.key, b"kept") for r in records]
