"""The drain loop: log → step → log, the finished prefix of every partition in one atomic step.

A record is delivered, worked on, and waits for those before it; then the prefix commits: outputs,
state and positions in one burst, after its log lines were written and (for a store) after the store
committed. A slow record delays its own partition, up to the byte bound, and nobody else's.
"""

from __future__ import annotations

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
from newsmill.process.lanes import Item, Lane
from newsmill.process.life import Fuse, Life, PolledTooLate
from newsmill.process.steps import rejected
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Work

LOW_WATER = 32  # records not yet started: below this the next ones are asked for
POLL_EVERY_S = 0.25  # membership goes on whatever the work does
FULL_WAIT_S = 1.0


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
        self._fuse = Fuse(log, life.fuse_share)
        self._lanes: dict[Place, Lane] = {}
        self._started = 0  # records with the work
        self._unstarted = 0
        self._done = 0  # records finished and not committed
        self._due_at: float | None = None  # monotonic; when what is finished is to be committed
        self._not_before = 0.0  # monotonic; no step before, since a store is not ready
        self._fences = 0
        self._last_poll = 0.0
        self._turn = 0

    def run(self) -> None:
        """Turn until told to stop; then finish what is with the work, commit, and leave."""
        try:
            while not self._life.stopping:
                self._once()
            self._finish()
        finally:
            self._work.close()
            self._member.leave()

    def _once(self) -> None:
        now = time.monotonic()
        if self._unstarted < LOW_WATER or now - self._last_poll >= POLL_EVERY_S:
            self._poll(self._patience(now))
        self._feed()
        self._collect(0.02 if self._started else 0.0)
        if self._is_due():
            self._commit()
        self._life.turned(self._vitals)

    def _vitals(self) -> dict[str, Any]:
        now = time.monotonic()
        lanes = self._lanes.values()
        return {
            "in_flight": sum(len(lane.items) for lane in lanes),
            "held": sum(now < lane.held_until for lane in lanes),
            "idle": not any(lane.items for lane in lanes),
        }

    def _patience(self, now: float) -> float:
        """How long a poll may wait: not at all beside work, not past the next step."""
        lanes = self._lanes.values()
        if self._started or any(lane.unstarted and now >= lane.held_until for lane in lanes):
            return 0.0
        if self._due_at is None:
            return POLL_EVERY_S
        return max(0.0, min(POLL_EVERY_S, max(self._due_at, self._not_before) - now))

    def _finish(self) -> None:
        while self._started and not self._life.must_go:
            self._poll(0.0, take=False)
            self._collect(0.1)
        self._commit()

    # -- what comes in

    def _poll(self, timeout_s: float, *, take: bool = True) -> None:
        self._last_poll = time.monotonic()
        skip = [place for place, lane in self._lanes.items() if not take or lane.is_full]
        records = self._member.poll(timeout_s, skip=skip)
        crash.point("after_poll")
        rewound = self._sync()
        for record in records:
            if record.place in rewound:
                continue  # it comes again, after those that a store is behind
            lane = self._lanes.get(record.place)
            if lane is None:
                raise PolledTooLate(f"{record.place} delivered and not assigned")
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
        for place in fresh:
            self._work.assigned(place, self._member)
        owned = self._member.assignment  # some may have gone back
        for place in fresh:
            self._lanes[place] = Lane(owned[place])
        if fresh:
            self._log.event(
                "partition.assigned",
                positions={str(place): owned[place].position for place in fresh},
                log=self._member.identity,
            )
        return {place for place, mark in fresh.items() if owned[place] != mark}

    def _drop(self, places: Iterable[Place]) -> None:
        for place in places:
            lane = self._lanes.pop(place)
            done = sum(item.result is not None for item in lane.items.values())
            self._done -= done
            self._unstarted -= len(lane.unstarted)
            self._started -= len(lane.items) - len(lane.unstarted) - done
            self._work.lost(place)

    # -- the work

    def _feed(self) -> None:
        """Start records, the lanes in turn, as far as the work has room."""
        now = time.monotonic()
        lanes = list(self._lanes.values())
        while self._unstarted and self._work.free and lanes:
            self._turn += 1
            lane = lanes[self._turn % len(lanes)]
            if not lane.unstarted or now < lane.held_until:
                lanes.remove(lane)
                continue
            item = lane.unstarted.popleft()
            item.attempt += 1
            self._unstarted -= 1
            self._started += 1
            self._work.start(item.record)

    def _collect(self, timeout_s: float) -> None:
        for record, result in self._work.done(timeout_s):
            lane = self._lanes.get(record.place)
            item = lane.items.get(record.offset) if lane else None
            if lane is None or item is None or item.record is not record:
                continue  # of an assignment that is over
            self._started -= 1
            if isinstance(result, TryLater):
                self._hold(lane, item, result)
            else:
                item.result = result
                self._done += 1
                self._due_at = self._due_at or time.monotonic() + self._burst.wait_s
            crash.point("after_step")

    def _hold(self, lane: Lane, item: Item, later: TryLater) -> None:
        lane.held_until = time.monotonic() + later.after_s
        lane.unstarted.appendleft(item)
        self._unstarted += 1
        record = item.record
        self._member.hold(record.place, lane.held_until)
        self._log.event(
            "partition.held",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            why=later.why,
            after_s=later.after_s,
        )

    # -- the step

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._due_at is None or now < self._not_before:
            return False
        return now >= self._due_at or self._done >= self._burst.records

    def _commit(self) -> None:
        """One step: the finished prefixes of all lanes, within the burst's bounds."""
        most = max(1, self._burst.records)
        found = ((place, lane.finished(most)) for place, lane in self._lanes.items())
        prefixes = {place: prefix for place, prefix in found if prefix}
        self._due_at = None
        if not prefixes:
            return
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
            return
        except BusFull as full:
            self._log.event("bus.full", why=str(full), after_s=FULL_WAIT_S)
            self._not_before = self._due_at = time.monotonic() + FULL_WAIT_S
            return
        except TryLater as later:  # a store that is not ready: what is finished waits
            self._wait_for_store(later)
            return
        self._fences = 0
        records = sum(map(len, prefixes.values()))
        self._log.event(
            "step.commit",
            positions={str(place): mark.position for place, mark in marks.items()},
            records=records,
            outputs=len(outputs),
            state=len(state),
            bytes=sum(len(output.value or b"") for output in outputs),
            took_ms=(time.perf_counter() - started) * 1e3,
        )
        self._committed(prefixes, marks)

    def _step(
        self, prefixes: Mapping[Place, list[Item]], marks: Mapping[Place, Mark]
    ) -> tuple[list[Output], list[Change]]:
        """Commit on the bus; an output too large makes its record a dead letter."""
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
                item = owners[error.index]
                bad = BadRecord("record_too_large", str(error))
                item.result = rejected(item.record, self._stage, bad, attempts=item.attempt)
                self._work.lost(item.record.place)
                self._write_lines({item.record.place: [item]})
            else:
                return outputs, state

    def _committed(self, prefixes: Mapping[Place, list[Item]], marks: Mapping[Place, Mark]) -> None:
        for place, prefix in prefixes.items():
            lane = self._lanes[place]
            lane.mark = marks[place]
            lane.release(prefix)
            self._done -= len(prefix)
            for item in prefix:
                if item.result is not None:
                    self._life.count(item.result.outcome)
                    self._fuse.watch(item.result)
        if self._done:
            self._due_at = time.monotonic() + self._burst.wait_s

    def _fenced(self, fenced: Fenced) -> None:
        self._fences += 1
        places = list(self._lanes)
        self._log.event("step.fenced", places=[str(p) for p in places], detail=str(fenced))
        self._drop(places)
        if self._fences >= 2:
            raise fenced

    def _wait_for_store(self, later: TryLater) -> None:
        self._not_before = self._due_at = time.monotonic() + later.after_s
        first = next(iter(self._lanes))
        self._log.event(
            "partition.held",
            topic=first.topic,
            partition=first.partition,
            offset=self._lanes[first].mark.position,
            why=later.why,
            after_s=later.after_s,
        )

    def _write_lines(self, prefixes: Mapping[Place, list[Item]]) -> None:
        now_ms = time.time_ns() // 1_000_000
        for prefix in prefixes.values():
            for item in prefix:
                record, result = item.record, item.result
                if result is None:
                    continue
                self._log.add(
                    "record",
                    level="warning" if result.outcome == "dead" else None,
                    stage=self._stage,
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    attempt=item.attempt,
                    outcome=result.outcome,
                    reason=result.reason,
                    detail=result.detail,
                    age_ms=max(0, now_ms - record.timestamp_ms),
                    **result.facts,
                )
        self._log.flush()
        crash.point("after_lines")
