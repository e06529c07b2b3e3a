"""What waits before each stage, whether it falls or grows, and when it will be gone.

The verdicts are Burrow's (https://github.com/linkedin/Burrow, consumer lag evaluation rules): no
thresholds, only whether the stage moves and whether what waits ever falls; and, which Burrow does
not ask, whether it grew through the whole window, since what finishes in bursts falls after each.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from newsmill.ops.lines import seconds_between

EVERY_S = 10.0  # of log time between two looks
WINDOW = 31  # looks: five minutes
SHORTEST_S = 100.0  # of looks, to tell anything
SILENT_S = 100.0  # three heartbeats missed, and a little: the stage is not there

Verdict = Literal["ok", "behind", "stalled", "stopped"]


@dataclass(frozen=True, slots=True)
class Look:
    """One stage at one time, counted since the logs begin."""

    ts: str
    came: int  # records written for it
    finished: int

    @property
    def waiting(self) -> int:
        """Records that wait for it, or are with it."""
        return max(0, self.came - self.finished)


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits before a stage as the logs end."""

    records: int
    seconds: float  # how old the input was that it finished last, and how long that is ago
    drain_s: float | None  # until nothing waits, at the present rates; None: it does not fall
    verdict: Verdict


class Watch:
    """The last looks at one stage."""

    def __init__(self) -> None:
        self.looks: deque[Look] = deque(maxlen=WINDOW)

    def look(self, ts: str, came: int, finished: int) -> None:
        """Note how it stands."""
        self.looks.append(Look(ts, came, finished))

    def lag(self, now: str, heard: str, age_s: float, moved: str) -> Lag:
        """Where it stands now.

        ``heard`` is when its workers last said anything, ``moved`` when they last finished a
        record whose input was ``age_s`` old by then.
        """
        records = self.looks[-1].waiting if self.looks else 0
        idle_s = seconds_between(moved, now) if moved and records else 0.0
        return Lag(
            records=records,
            seconds=age_s + idle_s if records else 0.0,
            drain_s=self._drain_s(records),
            verdict=self._verdict(records, now, heard),
        )

    def _drain_s(self, records: int) -> float | None:
        if not records:
            return 0.0
        first, last = self.looks[0], self.looks[-1]
        span = seconds_between(first.ts, last.ts)
        falls = (last.finished - first.finished) - (last.came - first.came)
        return records * span / falls if span > 0 and falls > 0 else None

    def _verdict(self, records: int, now: str, heard: str) -> Verdict:
        if not records:
            return "ok"
        if seconds_between(heard, now) > SILENT_S:
            return "stopped"
        waits = [look.waiting for look in self.looks]
        if 0 in waits or seconds_between(self.looks[0].ts, now) < SHORTEST_S:
            return "ok"  # it was through a moment ago; or too short a time to tell
        if self.looks[0].finished == self.looks[-1].finished:
            return "stalled"
        falls = any(later < before for before, later in pairwise(waits))
        half = len(waits) // 2
        grows = min(waits[half:]) > max(waits[:half])  # whatever its steps are like
        return "behind" if grows or not falls else "ok"
