"""Log lines as workers write them, by a clock of the test's own, and workers that get killed."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Journal:
    """All lines of all processes, in the order in which they were written."""

    def __init__(self, lane: str = "live") -> None:
        self.lane = lane
        self.lines: list[bytes] = []
        self.now_ms = 0
        self._runs = count(1)

    def process(self, service: str, slot: int = 0, host: str = "a", **more: Any) -> Process:
        return Process(self, service, slot, host, f"{service}-{next(self._runs)}", more)

    def ts(self) -> str:
        self.now_ms += 1
        moment = START + timedelta(milliseconds=self.now_ms)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Process:
    """One start of one process."""

    def __init__(
        self, journal: Journal, service: str, slot: int, host: str, run: str, more: dict[str, Any]
    ) -> None:
        self._journal = journal
        self.run = run
        self._seq = count(1)
        self.is_gone = False
        self._common = {
            "service": service, "slot": slot, "lane": journal.lane, "ver": "0", "host": host,
            "pid": 1, "run": run,
        } | more  # fmt: skip
        self.say("worker.start", role=service)

    def say(self, event: str, level: str = "info", **fields: Any) -> None:
        line = {"ts": self._journal.ts(), "level": level, "event": event, **self._common}
        line |= {"seq": next(self._seq)} | {k: v for k, v in fields.items() if v is not None}
        self._journal.lines.append(orjson.dumps(line))

    def record(self, outcome: str, topic: str, partition: int, **fields: Any) -> None:
        stage = self._common["service"]
        self.say("record", stage=stage, topic=topic, partition=partition, outcome=outcome, **fields)

    def torn(self) -> None:
        """Killed in the middle of a line."""
        self._journal.lines.append(b'{"ts":"' + self._journal.ts().encode() + b'","level":"in')
        self.is_gone = True


class DrainWorld:
    """Workers of one stage, killed, cut off and replaced; and what truly happened."""

    def __init__(self, seed: int, *, holes: bool = False, partitions: int = 2) -> None:
        self.random = random.Random(seed)
        self.journal = Journal()
        self.truth: Counter[str] = Counter()
        self.positions = dict.fromkeys(range(partitions), 0)
        self._holes = holes
        self._view: dict[int, tuple[Process, int]] = {}  # partition → its owner, and its position
        self._ended: list[tuple[Process, int, int]] = []  # cut off, and does not know it

    def turn(self) -> None:
        partition = self.random.choice(list(self.positions))
        if partition not in self._view or self.random.random() < 0.1:
            self._assign(partition)
        elif self._ended and self.random.random() < 0.2:
            self._zombie()
        else:
            self._work(partition)

    def _assign(self, partition: int) -> None:
        before = self._view.pop(partition, None)
        if before is not None and not before[0].is_gone and self.random.random() < 0.5:
            self._ended.append((before[0], partition, before[1]))
        process = self.journal.process("extractor", slot=partition)
        process.say(
            "partition.assigned", positions={f"pages/{partition}": self.positions[partition]}
        )
        self._view[partition] = (process, self.positions[partition])

    def _batch(self, process: Process, partition: int, start: int) -> tuple[list[str], int]:
        outcomes = self.random.choices(
            ["published", "dead", "refused", "filtered"], k=self.random.randint(1, 5)
        )
        offset = start
        for outcome in outcomes:
            offset += self._hole_at(partition, offset)
            reason = "crash" if outcome == "dead" else None
            process.record(outcome, "pages", partition, offset=offset, reason=reason, took_ms=1.5)
            offset += 1
        return outcomes, offset

    def _hole_at(self, partition: int, offset: int) -> int:
        """How many offsets no record takes from here on, as transactions leave them behind."""
        return int(self._holes and (partition + offset * 7) % 5 == 0)

    def _zombie(self) -> None:
        """One that was cut off goes on: its lines are written, its commit is refused."""
        process, partition, start = self._ended.pop(self.random.randrange(len(self._ended)))
        self._batch(process, partition, start)
        process.say("step.fenced", places=[f"pages/{partition}"])

    def _work(self, partition: int) -> None:
        process, start = self._view[partition]
        outcomes, end = self._batch(process, partition, start)
        if self.random.random() < 0.2:  # killed before the commit
            if self.random.random() < 0.5:
                process.torn()
            del self._view[partition]
            return
        if not self._holes and self.random.random() < 0.1:  # the bus is full: the same step again
            self._again(process, partition, start, outcomes)
        self.truth.update(outcomes)
        self.positions[partition] = end
        if self.random.random() < 0.2:  # killed between the commit and its line
            del self._view[partition]
            return
        positions = {f"pages/{partition}": end}
        process.say("step.commit", positions=positions, records=len(outcomes), took_ms=2.0)
        self._view[partition] = (process, end)

    def _again(self, process: Process, partition: int, start: int, outcomes: list[str]) -> None:
        for offset, outcome in enumerate(outcomes, start):
            process.record(outcome, "pages", partition, offset=offset)

    def settle(self) -> None:
        """Every partition is taken over once more, as by the next start."""
        for partition in self.positions:
            self._assign(partition)


class FrontierWorld:
    """A fetcher killed again and again; and what truly became of its entries."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.journal = Journal()
        self.truth: Counter[str] = Counter()
        self.retries = 0
        self.position = 0
        self.waiting: set[int] = set()
        self._step: tuple[int, str] = (0, "")
        self._start()

    def _start(self) -> None:
        self._process = self.journal.process("fetcher")
        self._process.say(
            "partition.assigned",
            positions={"entries/0": self.position},
            steps={"entries/0": list(self._step)},
        )

    def turn(self) -> None:
        """One step: entries taken in, some of them refused at once; some that waited finished."""
        taken = range(self.position, self.position + self.random.randint(0, 4))
        refused = {offset for offset in taken if self.random.random() < 0.2}
        for offset in refused:
            self._process.record("refused", "entries", 0, offset=offset, reason="queue_full")
        worked = [offset for offset in sorted(self.waiting) if self.random.random() < 0.4]
        outcomes = {
            offset: self.random.choice(["published", "retried", "dead", "refused"])
            for offset in worked
        }
        number = self._step[0] + 1
        for _ in range(1 + (self.random.random() < 0.1)):  # a full bus repeats the lines
            for offset, outcome in outcomes.items():
                reason = {"dead": "http_status", "refused": "robots"}.get(outcome)
                self._process.record(
                    outcome, "entries", 0, offset=offset, step=number, reason=reason
                )
        if self.random.random() < 0.2:
            self._start()  # killed before the commit
            return
        self._commit(taken, refused, outcomes, number)

    def _commit(
        self, taken: range, refused: set[int], outcomes: dict[int, str], number: int
    ) -> None:
        self.position = taken.stop
        self.truth["refused"] += len(refused)
        self.waiting |= set(taken) - refused
        for offset, outcome in outcomes.items():
            if outcome == "retried":
                self.retries += 1
            else:
                self.truth[outcome] += 1
                self.waiting.discard(offset)
        if outcomes:
            self._step = (number, self._process.run)
        if self.random.random() < 0.2:
            self._start()  # killed between the commit and its line
            return
        self._process.say(
            "step.commit",
            positions={"entries/0": self.position},
            steps={"entries/0": number} if outcomes else None,
            records=len(refused) + len(outcomes),
        )

    def settle(self) -> None:
        """It is started once more."""
        self._start()
