"""Whether an objective's budget is used up too fast: good and bad events by the minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line, seconds_between
from newsmill.ops.objectives import Burn, Objective, Objectives

SLOT_S = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one objective's budget is used up, over two windows."""

    objective: Objective
    burn: Burn
    long_times: float
    short_times: float
    bad: int  # in the long window
    events: int

    @property
    def fails(self) -> bool:
        """Too fast over both."""
        return min(self.long_times, self.short_times) > self.burn.times


class Slots:
    """Good and bad events by the minute, as far back as the longest window."""

    def __init__(self, keep_s: float) -> None:
        self._keep = int(keep_s) // SLOT_S + 2
        self._slots: dict[int, list[int]] = {}  # minute → all, bad
        self._last = 0

    def add(self, ts: str, events: int, bad: int) -> None:
        """Events of one minute."""
        minute = minute_of(ts)
        slot = self._slots.get(minute)
        if slot is None:
            slot = self._slots[minute] = [0, 0]
            self._last = max(self._last, minute)
            if len(self._slots) > 2 * self._keep:
                oldest = self._last - self._keep
                self._slots = {at: one for at, one in self._slots.items() if at >= oldest}
        slot[0] += events
        slot[1] += bad

    def within(self, end: str, seconds: float) -> tuple[int, int]:
        """All and bad events of the last seconds before a time."""
        last = minute_of(end)
        first = last - int(seconds) // SLOT_S
        found = [slot for at, slot in self._slots.items() if first < at <= last]
        return sum(slot[0] for slot in found), sum(slot[1] for slot in found)


class Budgets:
    """Listens to what counts, for all objectives."""

    def __init__(self, asked: Objectives) -> None:
        longest = max((burn.long_s for burn in asked.burns), default=0.0)
        self._asked = asked
        self._slots = {one.name: Slots(longest) for one in asked.objectives}
        self._by_stage: dict[str, list[Objective]] = {}
        for one in asked.objectives:
            if one.stage is not None:
                self._by_stage.setdefault(one.stage, []).append(one)
        self._journeys = [one for one in asked.objectives if one.measure == "end_to_end_s"]

    def heard(self, ledger: Ledger, lines: list[Line]) -> None:
        """Lines of one stage that have come to count."""
        for objective in self._by_stage.get(ledger.stage, ()):
            slots = self._slots[objective.name]
            for minute, some in groupby(lines, _minute):
                judged = [bad for line in some if (bad := _is_bad(objective, line)) is not None]
                if judged:
                    slots.add(minute, len(judged), sum(judged))

    def arrived(self, start: str, end: str) -> None:
        """An article came to the store."""
        for objective in self._journeys:
            bad = seconds_between(start, end) > (objective.most or 0.0)
            self._slots[objective.name].add(end, 1, bad)

    def rates(self, now: str) -> Iterator[Rate]:
        """How each objective stands, by each of its pairs of windows that saw enough."""
        for objective in self._asked.objectives:
            slots = self._slots[objective.name]
            budget = 1 - objective.target
            for burn in self._asked.burns:
                events, bad = slots.within(now, burn.long_s)
                if events < self._asked.least_events:
                    continue
                short_events, short_bad = slots.within(now, burn.short_s)
                yield Rate(
                    objective=objective,
                    burn=burn,
                    long_times=bad / events / budget,
                    short_times=short_bad / max(1, short_events) / budget,
                    bad=bad,
                    events=events,
                )


def _is_bad(objective: Objective, line: Line) -> bool | None:
    """Whether a line is a bad event; None where it is no event of the objective."""
    if objective.measure == "alive":
        return line.outcome == "dead"
    value = line.age_ms if objective.measure == "age_s" else line.took_ms
    return None if value is None else value > 1000 * (objective.most or 0.0)


def _minute(line: Line) -> str:
    return line.ts[:16]


_minutes: dict[str, int] = {}


def minute_of(ts: str) -> int:
    """Minutes since the epoch; 0 where it is no time."""
    key = ts[:16]
    minute = _minutes.get(key)
    if minute is None:
        if len(_minutes) > 10_000:
            _minutes.clear()
        try:
            at = datetime.fromisoformat(f"{key}:00").replace(tzinfo=UTC)
        except ValueError:
            return 0
        minute = _minutes[key] = int(at.timestamp()) // SLOT_S
    return minute


def worst(rates: Sequence[Rate]) -> Rate | None:
    """The rate that is the furthest past its threshold; None of none."""
    return max(
        rates, key=lambda one: min(one.long_times, one.short_times) / one.burn.times, default=None
    )
