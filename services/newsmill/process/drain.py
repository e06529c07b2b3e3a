"""The drain loop: log → step → log, the finished prefix of every partition in one atomic step.

A record is delivered, worked on, and waits for those before it; then the prefix commits: outputs,
state and positions in one burst, after its log lines were written and (for a store) after the store
committed. A slow record delays its own partition, up to the byte bound, and nobody else's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

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
    RecordTooLarge,
)
from newsmill.errors import BadRecord, TryLater
from newsmill.process.events import Stage
from newsmill.process.lanes import Item, Lane, Prefixes, next_step, write_lines
from newsmill.process.life import Fences, Fuse, Life, PolledTooLate
from newsmill.process.steps import Result, oversized, rejected
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Work

LOW_WATER = 32  # records not yet started: below this the next ones are asked for
POLL_EVERY_S = 0.25  # membership goes on whatever the work does
WORK_WAIT_S = 0.03  # for what children do, before the bus is asked again
SLICE_S = 0.05  # of work between two looks around
FIRST_FULL_WAIT_S = 1.0
LONGEST_FULL_WAIT_S = 8.0
FENCE_WAIT_S = 1.0  # until membership has told which partitions are not ours any more


class Drain:
    """Drives one worker of a stage until its life ends."""

    def __init__(
        self, stage: Stage, member: Member, work: Work, burst: Burst, log: Telemetry, life: Life
    ) -> None:
        self._stage = stage
        self._member = member
        self._work = work
        self._burst = burst
        self._log = log
        self._life = life
        self._fuse = Fuse(log, life.fuse_share, on_trial=life.on_trial)
        self._lanes: dict[Place, Lane] = {}
        self._order: list[Lane] = []  # the lanes, to go round in
        self._started = 0  # records with the work, those of lost partitions too: they take its room
        self._unstarted = 0
        self._ready = 0  # records of finished prefixes
        self._ready_bytes = 0
        self._due_at: float | None = None  # monotonic; when what is ready is to be committed
        self._not_before = 0.0  # monotonic; no step before: no room, or a store is not ready
        self._full_wait_s = FIRST_FULL_WAIT_S
        self._fences = Fences(log)
        self._last_poll = 0.0
        self._is_stalled = True  # nothing moved in the last turn
        self._turn = 0

    def run(self) -> None:
        """Turn until told to stop; then finish what is with the work, commit, and leave."""
        try:
            while not self._life.stopping:
                self._once()
            self._finish()
        finally:
            try:
                self._work.close()
            finally:
                self._member.leave()

    def _once(self) -> None:
        now = time.monotonic()
        if self._unstarted < LOW_WATER or self._is_stalled or now - self._last_poll >= POLL_EVERY_S:
            self._poll(self._patience(now))
        self._open_late()
        self._is_stalled = not self._work_on()
        if self._is_due():
            self._commit()
        self._life.turned(self._vitals)

    def _vitals(self) -> dict[str, Any]:
        now = time.monotonic()
        lanes = self._lanes.values()
        waits = now < self._not_before
        return {
            "in_flight": sum(map(len, lanes)),
            "held": sum(now < lane.held_until or (waits and bool(lane.ready)) for lane in lanes),
            "idle": not any(map(len, lanes)),
        }

    def _patience(self, now: float) -> float:
        """How long a poll may wait: not at all beside work, not past the next step or hold."""
        if self._started:
            return 0.0
        patience = POLL_EVERY_S
        if self._due_at is not None:
            patience = min(patience, max(self._due_at, self._not_before) - now)
        if self._unstarted:
            for lane in self._order:
                if lane.unstarted:
                    patience = min(patience, lane.held_until - now)
        return max(0.0, patience)

    def _finish(self) -> None:
        """Wait for what is with the work, as long as there is time, and commit what is ready."""
        while self._started and not self._life.must_go:
            self._poll(0.0, take=False)
            self._collect(0.1)
            if self._is_due():
                self._commit()
            self._life.turned(self._vitals)
        while self._ready and self._commit() and not self._life.must_go:
            pass

    # -- what comes in

    def _poll(self, timeout_s: float, *, take: bool = True) -> None:
        self._last_poll = time.monotonic()
        skip = [place for place, lane in self._lanes.items() if not take or lane.is_full]
        records = self._member.poll(timeout_s, skip=skip)
        crash.point("after_poll")
        rewound = self._sync()
        for record in records:
            place = record.place
            lane = self._lanes.get(place)
            if lane is None:
                raise PolledTooLate(f"{place} delivered and not assigned")
            if place in rewound:
                continue  # delivered from where it was before, and will be again
            lane.add(record)
            self._unstarted += 1

    def _sync(self) -> set[Place]:
        """Drop the lanes that are no longer ours, open those that are; says which went back."""
        owned = self._member.assignment
        lost = [p for p, lane in self._lanes.items() if not lane.mark.same_epoch(owned.get(p))]
        if lost:
            self._drop(lost)
            self._log.event("partition.lost", places=[str(place) for place in lost])
        fresh = {place: mark for place, mark in owned.items() if place not in self._lanes}
        if not fresh:
            return set()
        self._lanes |= {place: Lane(mark) for place, mark in fresh.items()}
        self._order = list(self._lanes.values())
        return self._open(fresh)

    def _open(self, places: Iterable[Place]) -> set[Place]:
        """Let the work take partitions over, those that it can now; says which went back."""
        opened: dict[str, int] = {}
        rewound: set[Place] = set()
        for place in places:
            lane = self._lanes[place]
            try:
                self._work.assigned(place, self._member)
            except TryLater as later:
                lane.opens_at, lane.held_until = time.monotonic() + later.after_s, math.inf
                self._say_held(place, lane.mark.position, later)
                continue
            before, lane.mark = lane.mark, self._member.assignment[place]
            lane.opens_at, lane.held_until = None, 0.0
            opened[str(place)] = lane.mark.position
            if lane.mark.position != before.position:
                rewound.add(place)
        if opened:
            self._log.event("partition.assigned", positions=opened, log=self._member.identity)
        return rewound

    def _open_late(self) -> None:
        """Take over the partitions that the work could not take when they came."""
        now = time.monotonic()
        late = [p for p, one in self._lanes.items() if one.opens_at is not None]
        for place in self._open(p for p in late if now >= (self._lanes[p].opens_at or 0.0)):
            lane = self._lanes[place]
            self._unstarted -= len(lane.unstarted)
            lane.clear()

    def _drop(self, places: Iterable[Place]) -> None:
        for place in places:
            del self._lanes[place]
            self._work.lost(place)
        self._order = lanes = list(self._lanes.values())
        self._unstarted = sum(len(lane.unstarted) for lane in lanes)
        self._ready = sum(len(lane.ready) for lane in lanes)
        self._ready_bytes = sum(item.made for lane in lanes for item in lane.ready)

    # -- the work

    def _work_on(self) -> bool:
        """Start and collect records for a while; False where nothing moved."""
        until = time.monotonic() + SLICE_S
        moved = False
        while True:
            started = self._feed()
            ended = self._collect(WORK_WAIT_S) if self._started else False
            moved = moved or started or ended
            if not ended or self._ready >= self._burst.records or time.monotonic() >= until:
                return moved

    def _feed(self) -> bool:
        """Start records, the lanes in turn, as far as the work has room."""
        if not self._unstarted:
            return False
        now = time.monotonic()
        order, count = self._order, len(self._order)
        passed, fed = 0, False
        while self._unstarted and passed < count and self._work.free:
            self._turn += 1
            lane = order[self._turn % count]
            if not lane.unstarted or now < lane.held_until:
                passed += 1
                continue
            item = lane.begin()
            self._unstarted -= 1
            self._started += 1
            self._work.start(item.record)
            passed, fed = 0, True
        return fed

    def _collect(self, timeout_s: float) -> bool:
        ended = False
        for record, result in self._work.done(timeout_s):
            ended = True
            self._started -= 1
            lane = self._lanes.get(record.place)
            item = lane.ended(record) if lane else None
            if lane is None or item is None:
                continue  # of an assignment that is over: it has only made room
            if isinstance(result, TryLater):
                self._hold(lane, item, result)
            else:
                self._finished(lane, item, result)
            crash.point("after_step")
        return ended

    def _finished(self, lane: Lane, item: Item, result: Result) -> None:
        if (output := oversized(result)) is not None:
            size = len(output.value or b"")
            bad = BadRecord("record_too_large", f"{output.topic.name}: a value of {size} bytes")
            result = rejected(item.record, self._stage, bad, result.facts, attempts=item.attempt)
        grown = lane.finish(item, result)
        if not grown:
            return
        self._ready += len(grown)
        self._ready_bytes += sum(one.made for one in grown)
        if self._due_at is None:
            self._due_at = time.monotonic() + self._burst.wait_s

    def _hold(self, lane: Lane, item: Item, later: TryLater) -> None:
        lane.held_until = time.monotonic() + later.after_s
        lane.put_back(item)
        self._unstarted += 1
        self._member.hold(item.record.place, lane.held_until)
        self._say_held(item.record.place, item.record.offset, later)

    def _say_held(self, place: Place, offset: int, later: TryLater) -> None:
        self._log.event(
            "partition.held",
            topic=place.topic,
            partition=place.partition,
            offset=offset,
            why=later.why,
            after_s=later.after_s,
        )

    # -- the step

    def _is_due(self) -> bool:
        if self._due_at is None:
            return False
        now = time.monotonic()
        if now < self._not_before:
            return False
        return (
            now >= self._due_at
            or self._ready >= self._burst.records
            or self._ready_bytes >= self._burst.bytes
        )

    def _commit(self) -> bool:
        """One step: the finished prefixes of all lanes; False where it was put off or refused."""
        self._due_at = None
        self._turn += 1
        prefixes = next_step(self._lanes, self._burst, self._turn)
        if not prefixes:
            return True
        marks = {
            place: Mark(prefix[-1].record.next, self._lanes[place].mark.epoch)
            for place, prefix in prefixes.items()
        }
        self._write_lines(prefixes)
        started = time.perf_counter()
        try:
            self._work.seal(
                {p: [i.result for i in prefix if i.result] for p, prefix in prefixes.items()}, marks
            )
            crash.point("after_seal")
            outputs, state = self._step(prefixes, marks)
        except Fenced as fenced:
            self._fenced(fenced)
            return False
        except BusFull as full:
            self._put_off(self._full_wait_s)
            self._log.event("bus.full", why=str(full), after_s=self._full_wait_s)
            self._full_wait_s = min(LONGEST_FULL_WAIT_S, self._full_wait_s * 2)
            return False
        except TryLater as later:  # a store that is not ready: what is finished waits
            self._put_off(later.after_s)
            first = next(iter(prefixes))
            self._say_held(first, prefixes[first][0].record.offset, later)
            return False
        self._fences.passed()
        self._full_wait_s = FIRST_FULL_WAIT_S
        self._log.event(
            "step.commit",
            positions={str(place): mark.position for place, mark in marks.items()},
            records=sum(map(len, prefixes.values())),
            outputs=len(outputs),
            state=len(state),
            bytes=sum(len(output.value or b"") for output in outputs),
            took_ms=(time.perf_counter() - started) * 1e3,
        )
        self._committed(prefixes, marks)
        return True

    def _step(
        self, prefixes: Prefixes, marks: Mapping[Place, Mark]
    ) -> tuple[list[Output], list[Change]]:
        """Commit on the bus; an output that is too large for it makes its record a dead letter."""
        while True:
            owners: list[Item] = []
            outputs: list[Output] = []
            state: list[Change] = []
            for prefix in prefixes.values():
                for item in prefix:
                    result = item.result
                    if result is None:
                        continue
                    outputs.extend(result.outputs)
                    state.extend(result.state)
                    owners.extend([item] * len(result.outputs))
            try:
                self._member.commit(outputs, state, marks)
                crash.point("after_commit")
            except RecordTooLarge as error:
                if error.index < 0:
                    raise  # a change of state: no record to blame
                self._bury(owners[error.index], error)
            else:
                return outputs, state

    def _bury(self, item: Item, error: RecordTooLarge) -> None:
        if item.result is not None and item.result.reason == "record_too_large":
            raise error  # not even its dead letter fits: there is nothing to write instead
        bad = BadRecord("record_too_large", str(error))
        item.result = rejected(item.record, self._stage, bad, attempts=item.attempt)
        item.told = False
        self._write_lines({item.record.place: [item]})

    def _committed(self, prefixes: Prefixes, marks: Mapping[Place, Mark]) -> None:
        for place, prefix in prefixes.items():
            lane = self._lanes[place]
            lane.mark = marks[place]
            lane.release(prefix)
            self._ready -= len(prefix)
            self._ready_bytes -= sum(item.made for item in prefix)
        if self._ready:
            self._due_at = time.monotonic()  # they have waited already
        results = [item.result for prefix in prefixes.values() for item in prefix if item.result]
        for result in results:
            self._life.count(result.outcome)
        self._fuse.watch(results)

    def _put_off(self, seconds: float) -> None:
        self._not_before = self._due_at = time.monotonic() + seconds

    def _fenced(self, fenced: Fenced) -> None:
        """What was lost is dropped as membership tells it; see ``Fences``."""
        self._fences.refused(self._lanes, fenced)
        self._sync()
        self._put_off(FENCE_WAIT_S)

    def _write_lines(self, prefixes: Prefixes) -> None:
        """Each record's line, once: a step that is tried again does not repeat them."""
        for prefix in prefixes.values():
            write_lines(self._log, self._stage, prefix)
        self._log.flush()
        crash.point("after_lines")
