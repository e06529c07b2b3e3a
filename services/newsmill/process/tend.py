"""The tend loop: state → due work → outputs and new state, in one atomic step.

A tender owns partitions of a state topic (the producer's feeds, the fetcher's frontier), finds what
is due in it, works on that outside the loop, and commits what has ended. Where its state stands
beside a stream, the stream's records are taken into the state on the way (the fetcher's intake).

Steps are counted in the state itself, so that log lines of a step that never committed can be told
from those of one that did, whoever owns the partition next.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from newsmill.bus import crash
from newsmill.bus.base import (
    Burst,
    BusFull,
    Change,
    DiskLow,
    Fenced,
    Mark,
    Member,
    Output,
    Place,
    Record,
)
from newsmill.errors import TryLater
from newsmill.process.life import OUR_FAULTS, Fences, Fuse, Life, PolledTooLate
from newsmill.process.steps import Result, buried, oversized
from newsmill.process.telemetry import Telemetry
from newsmill.process.tender import Finished, Tender
from newsmill.process.work import attempt

STEP_KEY = b"\0step"  # in every partition of a tender's state: "number run" of the last step
TURN_S = 0.2  # a turn where nothing is being worked on
BUSY_TURN_S = 0.05
FIRST_FULL_WAIT_S = 1.0
LONGEST_FULL_WAIT_S = 8.0
FENCE_WAIT_S = 1.0  # until membership has told which partitions are not ours any more


@dataclass(slots=True)
class _Lane:
    mark: Mark
    step: int
    reached: int  # position after the last record taken in
    waiting: deque[Record] = field(default_factory=deque)  # delivered, and not yet taken in
    held_until: float = 0.0
    taken: int = 0  # records taken in since the last step
    intake: list[Change] = field(default_factory=list)
    turned_away: list[Result] = field(default_factory=list)  # their lines are written

    @property
    def has_moved(self) -> bool:
        return self.reached != self.mark.position


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
        self._results = 0  # of what is finished
        self._due_at: float | None = None
        self._not_before = 0.0  # monotonic; no step, and nothing new is taken: there is no room
        self._full_wait_s = FIRST_FULL_WAIT_S
        self._fences = Fences(log)
        share, on_trial = life.fuse_share, life.on_trial
        self._fuse = Fuse(log, share, blame=OUR_FAULTS, on_trial=on_trial)
        self._patience_s = TURN_S  # of the next poll

    def run(self) -> None:
        """Turn until told to stop; what is in flight then is done again by the next owner."""
        try:
            while not self._life.stopping:
                self._once()
            while self._commit() and self._finished:
                pass
        finally:
            try:
                self._tender.close()
            finally:
                self._member.leave()

    def _once(self) -> None:
        self._poll(self._patience_s)
        self._take_in()
        if time.monotonic() >= self._not_before:
            self._tender.start_due()
        started, timeout_s = time.monotonic(), self._turn_s()
        ended = self._tender.done(timeout_s)
        for finished in ended:
            self._end(finished)
        # What was not waited for here, since nothing is in flight, is waited for in the next poll.
        left = timeout_s - (time.monotonic() - started)
        self._patience_s = 0.0 if ended else max(0.0, min(left, self._turn_s()))
        if self._is_due():
            self._commit()
        self._life.turned(self._vitals)

    def _turn_s(self) -> float:
        turn_s = BUSY_TURN_S if self._tender.in_flight else TURN_S
        if self._due_at is not None:
            turn_s = min(turn_s, max(self._due_at, self._not_before) - time.monotonic())
        return max(0.0, turn_s)

    def _vitals(self) -> dict[str, Any]:
        now = time.monotonic()
        vitals = self._tender.vitals()
        held = sum(now < lane.held_until for lane in self._lanes.values()) + vitals.get("held", 0)
        is_idle = vitals.get("idle", True) and not held and not self._due_at
        return vitals | {"held": held or int(now < self._not_before), "idle": is_idle}

    def _mark_due(self) -> None:
        self._due_at = self._due_at or time.monotonic() + self._burst.wait_s

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._due_at is None or now < self._not_before:
            return False
        return now >= self._due_at or self._results >= self._burst.records

    # -- what comes in

    def _poll(self, timeout_s: float) -> None:
        full = time.monotonic() < self._not_before
        skip = [
            place
            for place, lane in self._lanes.items()
            if full or lane.waiting or not self._tender.takes(place)
        ]
        records = self._member.poll(timeout_s, skip=skip)
        crash.point("after_poll")
        self._sync()
        for record in records:
            lane = self._lanes.get(record.place)
            if lane is None:
                raise PolledTooLate(f"{record.place} delivered and not assigned")
            lane.waiting.append(record)

    def _take_in(self) -> None:
        """Let the tender take what was delivered; one whose time has not come holds its lane."""
        now = time.monotonic()
        if now < self._not_before:
            return
        for place, lane in self._lanes.items():
            while lane.waiting and now >= lane.held_until and self._tender.takes(place):
                record = lane.waiting[0]
                result = attempt(self._tender.stage, self._tender.intake, record)
                if isinstance(result, TryLater):
                    self._hold(lane, record, result)
                    break
                lane.waiting.popleft()
                self._taken(lane, record, result)

    def _taken(self, lane: _Lane, record: Record, result: Result | None) -> None:
        lane.reached = record.next
        lane.taken += 1
        self._mark_due()
        if result is None:
            return
        lane.intake.extend(result.state)
        if result.outcome == "published":
            return
        where = {"partition": record.partition, "offset": record.offset}
        self._line(result, {"topic": record.topic, **where})
        lane.turned_away.append(result)

    def _hold(self, lane: _Lane, record: Record, later: TryLater) -> None:
        lane.held_until = time.monotonic() + later.after_s
        self._log.event(
            "partition.held",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            why=later.why,
            after_s=later.after_s,
        )

    def _end(self, finished: Finished) -> None:
        """Keep what has ended for the next step."""
        if finished.place not in self._lanes:
            return
        finished.results = tuple(
            result
            if (output := oversized(result)) is None
            else buried(result, self._tender.stage, output)
            for result in finished.results
        )
        self._finished.append(finished)
        self._results += max(1, len(finished.results))
        self._mark_due()

    def _sync(self) -> None:
        owned = self._member.assignment
        lost = [p for p, lane in self._lanes.items() if not lane.mark.same_epoch(owned.get(p))]
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
            self._lanes[place] = _Lane(mark, number, mark.position)
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
        self._put_back([f for f in self._finished if f.place in self._lanes])

    # -- the step

    def _commit(self) -> bool:
        """One step over every partition with finished work or an intake; False where it failed."""
        self._due_at = None
        finished = self._part()
        worked = {one.place for one in finished}
        marks = {
            place: Mark(lane.reached, lane.mark.epoch)
            for place, lane in self._lanes.items()
            if lane.has_moved or place in worked
        }
        if not marks:
            return True
        steps = {str(place): self._lanes[place].step + 1 for place in marks if place in worked}
        self._write_lines(finished, steps)
        outputs, state = self._contents(finished, marks, worked)
        taken = sum(self._lanes[place].taken for place in marks)
        started = time.perf_counter()
        try:
            self._member.commit(outputs, state, marks, adds=_adds(finished))
            crash.point("after_commit")
        except BusFull as full:
            self._full(full, finished)
            return False
        except Fenced as fenced:
            self._fenced(fenced, finished)
            return False
        self._fences.passed()
        self._full_wait_s = FIRST_FULL_WAIT_S
        turned_away = sum(len(self._lanes[place].turned_away) for place in marks)
        self._log.event(
            "step.commit",
            positions={str(place): mark.position for place, mark in marks.items()},
            steps=steps or None,
            taken=taken or None,
            records=turned_away + sum(len(one.results) for one in finished),
            outputs=len(outputs),
            state=len(state),
            bytes=sum(len(output.value or b"") for output in outputs),
            took_ms=(time.perf_counter() - started) * 1e3,
        )
        self._committed(finished, marks, worked)
        return True

    def _part(self) -> list[Finished]:
        """What of the finished goes into the next step: within the burst's bytes, at least one."""
        left, count = self._burst.bytes, 0
        for one in self._finished:
            if left <= 0:
                break
            left -= sum(len(o.value or b"") for result in one.results for o in result.outputs)
            count += 1
        part = self._finished[:count]
        self._put_back(self._finished[count:])
        return part

    def _put_back(self, finished: list[Finished]) -> None:
        self._finished = finished
        self._results = sum(max(1, len(one.results)) for one in finished)

    def _contents(
        self, finished: list[Finished], marks: Mapping[Place, Mark], worked: set[Place]
    ) -> tuple[list[Output], list[Change]]:
        outputs: list[Output] = []
        state: list[Change] = []
        for place in marks:
            lane = self._lanes[place]
            state.extend(lane.intake)
            for result in lane.turned_away:
                outputs.extend(result.outputs)
            if place in worked:
                value = f"{lane.step + 1} {self._log.run}".encode()
                state.append(Change(self._tender.state, place.partition, STEP_KEY, value))
        for one in finished:
            for result in one.results:
                outputs.extend(result.outputs)
            state.extend(self._tender.changes(one))
        return outputs, state

    def _full(self, full: BusFull, finished: list[Finished]) -> None:
        """The same step is tried again; readers of the log know that its lines come again."""
        for one in finished:
            one.told = False
        self._put_back(finished + self._finished)
        if isinstance(full, DiskLow):
            facts: dict[str, Any] = {"free_bytes": full.free_bytes, "limit": full.limit}
            self._log.event("disk.low", after_s=self._full_wait_s, **facts)
        else:
            self._log.event("bus.full", why=str(full), after_s=self._full_wait_s)
        self._not_before = self._due_at = time.monotonic() + self._full_wait_s
        self._full_wait_s = min(LONGEST_FULL_WAIT_S, self._full_wait_s * 2)

    def _fenced(self, fenced: Fenced, finished: list[Finished]) -> None:
        """What was lost is dropped as membership tells it; see ``Fences``."""
        self._put_back(finished + self._finished)
        self._fences.refused(self._lanes, fenced)
        self._sync()
        self._not_before = self._due_at = time.monotonic() + FENCE_WAIT_S

    def _committed(
        self, finished: list[Finished], marks: Mapping[Place, Mark], worked: set[Place]
    ) -> None:
        results: list[Result] = []
        for place, mark in marks.items():
            lane = self._lanes[place]
            results += lane.turned_away
            lane.mark, lane.intake, lane.turned_away, lane.taken = mark, [], [], 0
            lane.step += place in worked
        for one in finished:
            results += one.results
            self._tender.committed(one)
        if self._finished:
            self._due_at = time.monotonic()  # they have waited already
        for result in results:
            self._life.count(result.outcome)
        self._fuse.watch(results)

    def _write_lines(self, finished: list[Finished], steps: Mapping[str, int]) -> None:
        for one in finished:
            if one.told:
                continue
            one.told = True
            where = {"topic": one.place.topic, "partition": one.place.partition}
            for result in one.results:
                self._line(result, where | {"step": steps[str(one.place)]})
            for event, fields in one.lines:
                self._log.add(event, **fields)
        self._log.flush()
        crash.point("after_lines")

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


def _adds(finished: list[Finished]) -> bool:
    """Whether work writes outputs: they come of the state, not of the records taken in with it."""
    return any(result.outputs for one in finished for result in one.results)
