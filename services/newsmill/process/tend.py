"""The tend loop: state → due work → outputs and new state, in one atomic step.

A tender owns partitions of a state topic (the producer's feeds, the fetcher's frontier), finds what
is due in it, works on that outside the loop, and commits what has ended. Where its state stands
beside a stream, the stream's records are taken into the state on the way (the fetcher's intake).

Steps are counted in the state itself, so that log lines of a step that never committed can be told
from those of one that did, whoever owns the partition next.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from newsmill.bus import crash
from newsmill.bus.base import (
    Burst,
    BusFull,
    Change,
    Fenced,
    Mark,
    Member,
    Output,
    Place,
    Record,
)
from newsmill.process.events import Event, Stage
from newsmill.process.life import Life, PolledTooLate
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.topics import Topic

STEP_KEY = b"\0step"  # in every partition of a tender's state: "number run" of the last step
TURN_S = 0.2
FULL_WAIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A piece of work that has ended: what it found, what to write, and lines of its own."""

    place: Place
    results: tuple[Result, ...] = ()
    lines: tuple[tuple[Event, dict[str, Any]], ...] = ()
    token: Any = None  # given back to ``committed``


class Tender(Protocol):
    """What a tend worker supplies."""

    @property
    def stage(self) -> Stage:
        """Whose record lines they are."""

    @property
    def state(self) -> Topic:
        """The state that it tends."""

    def assigned(self, place: Place, restored: Iterable[tuple[bytes, bytes]]) -> None:
        """The partition is ours now, with this state."""

    def lost(self, place: Place) -> None:
        """It is not ours any more, or a step of it failed: drop all of it."""

    def takes(self, place: Place) -> bool:
        """Whether there is room for more records of the stream."""

    def intake(self, record: Record) -> Result | None:
        """Take a record of the stream into the state; None where it simply waits there now."""

    def start_due(self) -> None:
        """Start what is due, as far as there is room."""

    def done(self, timeout_s: float) -> list[Finished]:
        """What has ended since; waits up to ``timeout_s`` for the first."""

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """What its step writes into the state, as things stand when the step is made."""

    def committed(self, finished: Finished) -> None:
        """Its step is committed: the state in memory may follow."""

    @property
    def in_flight(self) -> int:
        """How much is being worked on."""

    def vitals(self) -> dict[str, Any]:
        """Fields of the heartbeat: idle, in_flight, waiting, due and so on."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(slots=True)
class _Lane:
    mark: Mark
    step: int
    intake: list[Change]
    reached: int  # position after the last record taken in
    taken: int = 0  # records taken in, and not committed


class Tend:
    """Drives one tender until its life ends."""

    def __init__(
        self, member: Member, tender: Tender, burst: Burst, log: Telemetry, life: Life
    ) -> None:
        self._member = member
        self._tender = tender
        self._burst = burst
        self._log = log
        self._life = life
        self._lanes: dict[Place, _Lane] = {}
        self._finished: list[Finished] = []
        self._due_at: float | None = None
        self._full_until = 0.0  # monotonic; the bus has no room: nothing new is taken
        self._fences = 0

    def run(self) -> None:
        """Turn until told to stop; what is in flight then is done again by the next owner."""
        try:
            while not self._life.stopping:
                self._once()
            self._commit()
        finally:
            self._tender.close()
            self._member.leave()

    def _once(self) -> None:
        flying = self._tender.in_flight
        waiting = bool(self._finished) or self._due_at is not None
        self._poll(0.0 if flying or waiting else TURN_S)
        if time.monotonic() >= self._full_until:
            self._tender.start_due()
        timeout = 0.02 if waiting else 0.05 if flying else 0.0
        for finished in self._tender.done(timeout):
            if finished.place in self._lanes:
                self._finished.append(finished)
                self._mark_due()
        if self._is_due():
            self._commit()
        self._life.turned(self._tender.vitals)

    def _mark_due(self) -> None:
        self._due_at = self._due_at or time.monotonic() + self._burst.wait_s

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._due_at is None or now < self._full_until:
            return False
        return now >= self._due_at or len(self._finished) >= self._burst.records

    # -- what comes in

    def _poll(self, timeout_s: float) -> None:
        full = time.monotonic() < self._full_until
        skip = [place for place in self._lanes if full or not self._tender.takes(place)]
        records = self._member.poll(timeout_s, skip=skip)
        crash.point("after_poll")
        self._sync()
        for record in records:
            lane = self._lanes.get(record.place)
            if lane is None:
                raise PolledTooLate(f"{record.place} delivered and not assigned")
            result = self._tender.intake(record)
            lane.reached = record.next
            lane.taken += 1
            self._mark_due()
            if result is not None:
                lane.intake.extend(result.state)
                if result.outcome != "published":
                    self._line(
                        result,
                        {
                            "topic": record.topic,
                            "partition": record.partition,
                            "offset": record.offset,
                        },
                    )
                    self._finished.append(
                        Finished(place=record.place, results=(result,), token=_INTAKE)
                    )

    def _sync(self) -> None:
        owned = self._member.assignment
        lost = [
            p
            for p, lane in self._lanes.items()
            if p not in owned or owned[p].epoch != lane.mark.epoch
        ]
        if lost:
            self._drop(lost)
            self._log.event("partition.lost", places=[str(place) for place in lost])
        fresh = {place: mark for place, mark in owned.items() if place not in self._lanes}
        steps: dict[str, list[Any]] = {}
        for place, mark in fresh.items():
            number, run = 0, ""
            restored: list[tuple[bytes, bytes]] = []
            for key, value in self._member.restore(self._tender.state, place.partition):
                if key == STEP_KEY:
                    text, _, run = value.decode().partition(" ")
                    number = int(text)
                else:
                    restored.append((key, value))
            steps[str(place)] = [number, run]
            self._lanes[place] = _Lane(mark, number, [], mark.position)
            self._tender.assigned(place, restored)
        if fresh:
            positions = {str(place): mark.position for place, mark in fresh.items()}
            self._log.event(
                "partition.assigned", positions=positions, steps=steps, log=self._member.identity
            )

    def _drop(self, places: Iterable[Place]) -> None:
        for place in places:
            del self._lanes[place]
            self._tender.lost(place)
        self._finished = [f for f in self._finished if f.place in self._lanes]

    # -- the step

    def _commit(self) -> None:
        """One step over every partition with finished work or an intake."""
        self._due_at = None
        finished, self._finished = self._finished, []
        worked = {f.place for f in finished if f.token is not _INTAKE}
        marks: dict[Place, Mark] = {}
        state: list[Change] = []
        steps: dict[str, int] = {}
        for place, lane in self._lanes.items():
            if place not in worked and lane.reached == lane.mark.position:
                continue
            marks[place] = Mark(lane.reached, lane.mark.epoch)
            state.extend(lane.intake)
            if place in worked:
                number = steps[str(place)] = lane.step + 1
                value = f"{number} {self._log.run}".encode()
                state.append(Change(self._tender.state, place.partition, STEP_KEY, value))
        if not marks:
            return
        outputs = self._write_lines(finished, steps)
        for one in finished:
            if one.token is not _INTAKE:
                state.extend(self._tender.changes(one))
        started = time.perf_counter()
        try:
            self._member.commit(outputs, state, marks)
            crash.point("after_commit")
        except BusFull as full:
            self._log.event("bus.full", why=str(full), after_s=FULL_WAIT_S)
            self._finished = finished
            self._full_until = self._due_at = time.monotonic() + FULL_WAIT_S
            return
        except Fenced as fenced:
            self._fenced(fenced)
            return
        self._fences = 0
        taken = sum(lane.taken for lane in self._lanes.values())
        self._committed(finished, marks, steps)
        self._log.event(
            "step.commit",
            positions={str(place): mark.position for place, mark in marks.items()},
            steps=steps or None,
            records=sum(len(one.results) for one in finished),
            taken=taken or None,
            outputs=len(outputs),
            state=len(state),
            bytes=sum(len(output.value or b"") for output in outputs),
            took_ms=(time.perf_counter() - started) * 1e3,
        )

    def _fenced(self, fenced: Fenced) -> None:
        self._fences += 1
        places = list(self._lanes)
        self._log.event("step.fenced", places=[str(p) for p in places], detail=str(fenced))
        self._drop(places)
        if self._fences >= 2:
            raise fenced

    def _committed(
        self, finished: list[Finished], marks: Mapping[Place, Mark], steps: Mapping[str, int]
    ) -> None:
        for place, mark in marks.items():
            lane = self._lanes[place]
            lane.mark = mark
            lane.intake = []
            lane.taken = 0
            lane.step = steps.get(str(place), lane.step)
        for one in finished:
            for result in one.results:
                self._life.count(result.outcome)
            if one.token is not _INTAKE:
                self._tender.committed(one)

    def _write_lines(self, finished: list[Finished], steps: Mapping[str, int]) -> list[Output]:
        outputs: list[Output] = []
        for one in finished:
            for result in one.results:
                outputs.extend(result.outputs)
                if one.token is not _INTAKE:
                    where = {"topic": one.place.topic, "partition": one.place.partition}
                    self._line(result, where | {"step": steps[str(one.place)]})
            for event, fields in one.lines:
                self._log.add(event, **fields)
        self._log.flush()
        crash.point("after_lines")
        return outputs

    def _line(self, result: Result, where: dict[str, Any]) -> None:
        self._log.add(
            "record",
            level="warning" if result.outcome == "dead" else None,
            stage=self._tender.stage,
            **where,
            outcome=result.outcome,
            reason=result.reason,
            detail=result.detail,
            **result.facts,
        )


_INTAKE = object()  # the token of a result of the intake, whose line is covered by its offset
