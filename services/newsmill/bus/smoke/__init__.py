"""Proves an installation: records through every stage's topic, steps undone, a kill, a count.

It works in a lane of its own, which is dropped at the end, whatever the end is.
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from newsmill.bus import connect
from newsmill.bus.base import Bus, Record
from newsmill.bus.smoke import stages
from newsmill.errors import NewsmillError
from newsmill.topics import Topic

RECORDS = 1000
CHILD_S = 60.0


class SmokeFailed(NewsmillError):
    """The test could not be done to its end; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a smoke test found, as a reader at read_committed sees it."""

    lane: str
    records_in: int
    records_out: int
    lost: int  # records missing in a topic, summed over the topics
    twice: int  # records that a topic holds again
    aborted_visible: int  # records and state of steps that were undone, or killed
    disordered: int  # partitions whose records ended in another order than they began
    steps_undone: int
    killed: int
    seconds: float

    @property
    def is_sound(self) -> bool:
        """Whether everything came through once, and what was to be undone was."""
        wrong = self.lost + self.twice + self.aborted_visible + self.disordered
        whole = self.records_in == self.records_out > 0
        return whole and wrong == 0 and self.killed == 1 and self.steps_undone > 0


def smoke(url: str, say: Callable[[str], None], records: int = RECORDS) -> Counts:
    """Do it on the bus at ``url``; ``say`` is told of each part as it begins.

    Raises Misconfigured where the bus lets us not in, SmokeFailed where it ends early.
    """
    began = time.monotonic()
    lane = f"smoke-{secrets.token_hex(4)}"
    bus = connect(url, lane)
    try:
        say(f"lane {lane}: making its topics")
        bus.create()
        undone = _carry_through(bus, url, lane, records, say)
        say("counting")
        return _count(bus, lane, records, undone, began)
    finally:
        try:
            bus.drop_lane()
        finally:
            bus.close()


def _carry_through(bus: Bus, url: str, lane: str, records: int, say: Callable[[str], None]) -> int:
    say(f"{stages.CHAIN[0].name}: {records} records")
    undone = stages.publish(bus, records)
    for stage in stages.STAGES:
        if stage is stages.EXTRACT:
            say(
                f"{stage.source.name} -> {stage.target.name}, by a process that is killed in a step"
            )
            _kill_one(url, lane)
        say(f"{stage.source.name} -> {stage.target.name}")
        undone += stages.carry(bus, stage)
    return undone


def _kill_one(url: str, lane: str) -> None:
    """Have a process carry records until it kills itself inside a step."""
    try:
        child = subprocess.run(  # the URL, which may hold a password, is on no command line
            [sys.executable, "-m", "newsmill.bus.smoke"],
            input=json.dumps({"url": url, "lane": lane}),
            capture_output=True,
            text=True,
            timeout=CHILD_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SmokeFailed(
            f"smoke: the process to be killed did nothing for {CHILD_S:.0f} s"
        ) from None
    if child.returncode != -signal.SIGKILL:
        said = (child.stderr.strip().splitlines() or ["nothing"])[-1]
        raise SmokeFailed(f"smoke: the process to be killed ended by itself and said: {said}")


def _count(bus: Bus, lane: str, records: int, undone: int, began: float) -> Counts:
    wanted = set(stages.keys(records))
    found = {topic.name: _read(bus, topic) for topic in stages.CHAIN}
    first, last = found[stages.CHAIN[0].name], found[stages.CHAIN[-1].name]
    held: dict[str, dict[bytes, bytes]] = {
        stage.state.name: dict(bus.read_state(stage.state))
        for stage in stages.STAGES
        if stage.state is not None
    }
    seen: list[Counter[bytes]] = [
        Counter(r.key for part in parts for r in part) for parts in found.values()
    ]
    rows = [record for parts in found.values() for part in parts for record in part]
    return Counts(
        lane=lane,
        records_in=sum(map(len, first)),
        records_out=sum(map(len, last)),
        lost=sum(len(wanted - names) for names in (*map(set, seen), *map(set, held.values()))),
        twice=sum(count - 1 for each in seen for count in each.values()),
        aborted_visible=sum(r.header("smoke") != b"kept" for r in rows)
        + sum(value != b"kept" for state in held.values() for value in state.values()),
        disordered=sum(
            [r.key for r in before] != [r.key for r in after]
            for before, after in zip(first, last, strict=True)
        ),
        steps_undone=undone,
        killed=1,
        seconds=round(time.monotonic() - began, 1),
    )


def _read(bus: Bus, topic: Topic) -> list[list[Record]]:
    return [list(bus.scan(topic, partition)) for partition in range(topic.partitions)]
