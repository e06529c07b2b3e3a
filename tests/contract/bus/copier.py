"""A worker for multi-process tests: copies ``source`` to ``sink`` and counts keys in ``tally``.

Its one argument is a JSON object: ``url``; ``batch`` records a step; ``until`` records in the sink,
after which it ends; ``pause_s`` before each commit; ``slot``; ``state_only`` steps without records;
``stop_at`` a crash point and the passing at which it stops itself there (SIGSTOP), or with
``hang`` falls asleep for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter

import orjson

from contract.bus.driving import FENCED, SINK, SOURCE, TALLY, copies, counted, marks
from newsmill.bus import connect, crash
from newsmill.bus.base import Bus, Change, Fenced, Member, Place


def say(event: str, **facts: object) -> None:
    os.write(1, orjson.dumps({"event": event, **facts}) + b"\n")


class Copier:
    def __init__(self, how: dict) -> None:
        self.how = how
        self.bus: Bus = connect(how["url"], "live")
        self.member: Member = self.bus.join(
            how.get("group", "copier"), [SOURCE], slot=how.get("slot")
        )
        self.memory: Counter[bytes] = Counter()
        self.known: dict[Place, int] = {}
        self.leaving = False
        signal.signal(signal.SIGTERM, self.on_term)

    def on_term(self, *_: object) -> None:
        self.leaving = True

    def run(self) -> None:
        say("joined", slot=self.member.slot)
        while not self.leaving:
            records = self.member.poll(0.05, max_records=self.how.get("batch", 5))
            self.learn()
            if self.how.get("state_only"):
                self.touch()
            elif records:
                self.copy(records)
            elif self.is_done():
                break
        self.member.leave()
        say("left")
        self.bus.close()

    def learn(self) -> None:
        """Restore the tally of what came in, and forget that of what went."""
        owned = {place: mark.epoch for place, mark in self.member.assignment.items()}
        if owned != self.known:
            say("assigned", places=[str(place) for place in sorted(owned)])
            self.memory = Counter()
            for place in owned:
                for key, value in self.member.restore(TALLY, place.partition):
                    self.memory[key] += int(value)
            self.known = owned

    def copy(self, records: list) -> None:
        changes = counted(self.member, records, self.memory)
        positions = marks(self.member, records)
        time.sleep(self.how.get("pause_s", 0))
        self.commit(copies(records), changes, positions)
        self.memory += Counter(record.key for record in records)
        say("committed", records=len(records))

    def touch(self) -> None:
        """A step that changes state alone, where nothing was read."""
        positions = dict(self.member.assignment)
        if positions:
            mine = b"%d" % os.getpid()
            changes = [Change(TALLY, place.partition, b"touched", mine) for place in positions]
            say("touching")
            time.sleep(self.how.get("pause_s", 0))
            self.commit([], changes, positions)
            say("committed", records=0)

    def commit(self, outputs: list, changes: list, positions: dict) -> None:
        try:
            self.member.commit(outputs, changes, positions)
        except Fenced as fenced:
            say("fenced", why=str(fenced))
            raise SystemExit(FENCED) from None

    def is_done(self) -> bool:
        until = self.how.get("until")
        if until is None:
            return False
        return until <= sum(
            sum(1 for _ in self.bus.scan(SINK, partition)) for partition in range(SINK.partitions)
        )


def stop_at(name: str, passings: int, hang: bool) -> None:
    """Stop this process itself at the n-th passing of a crash point, rather than kill it."""
    left = [passings]

    def point(here: str) -> None:
        if here == name:
            left[0] -= 1
            if left[0] == 0:
                say("stopping")
                time.sleep(600) if hang else os.kill(os.getpid(), signal.SIGSTOP)

    crash.point = point


if __name__ == "__main__":
    how = orjson.loads(sys.argv[1])
    if how.get("stop_at"):
        stop_at(*how["stop_at"], how.get("hang", False))
    Copier(how).run()
