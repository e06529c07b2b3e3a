"""The account of one stage: what came in, what became of it, and what the logs cannot explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from newsmill.ops.balance import MOST_OPEN, Place
from newsmill.ops.commits import MERGED, Commit
from newsmill.ops.figures import Histogram
from newsmill.ops.lines import Line

EXAMPLES = 3  # page ids shown of each reason of death
Listener = Callable[["Ledger", list[Line]], None]
"""Is told the lines that have come to count, each once, stage by stage."""


class Ledger:
    """One stage of one lane (of one store, where a stage has several), fed line by line.

    A *drain* finishes what it reads, in order. The *frontier* (the fetcher) takes entries in by
    position and finishes them by steps, in any order: between the two they wait. A *tend* stage
    without a stream (the producer) has only its steps.
    """

    def __init__(
        self, lane: str, stage: str, store: str | None, listeners: Sequence[Listener] = ()
    ) -> None:
        self.lane = lane
        self.stage = stage
        self.store = store
        self._listeners = listeners
        self.is_frontier = stage == "fetcher"
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.examples: dict[str, list[str]] = {}  # of the dead, by reason
        self.retries = 0  # of entries that still waited after it
        self.took = Histogram()
        self.age = Histogram()  # of the input, when its outcome was written
        self.first = self.last = ""
        self.last_counted = ""  # when the record was written that came to count last
        self.last_age_ms = 0.0  # of its input, by then
        self.uncommitted = 0
        self.held: dict[str, Line] = {}
        self._taken = 0
        self._commits: dict[str, Commit] = {}  # by run; not yet taken in
        # A journey begins with the producer's line: that one must not come after its end.
        self._merged = 1 if stage == "producer" else MERGED
        self._written = 0  # lines since the last look for those that no commit will cover
        self._short = 0  # records of commits without a line
        self._holes = 0  # offsets that no record took, as commits tell
        self._missing = 0  # of places closed
        self._waiting = 0
        self._places: dict[str, Place] = {}
        self._by_number: dict[tuple[str | None, int | None], Place] = {}

    def _place(self, name: str) -> Place:
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = Place(is_frontier=self.is_frontier)
            topic, _, number = name.rpartition("/")
            if number.isdecimal():
                self._by_number[topic, int(number)] = place
        return place

    def record(self, line: Line) -> None:
        """A record line; one that nothing will ever cover (no offset, no step) counts at once."""
        self.first = self.first or line.ts
        if line.offset is None and line.step is None:
            self._count([line])
            return
        place = self._by_number.get((line.topic, line.partition))
        if place is None:
            place = self._place(f"{line.topic}/{line.partition}")
        place.wrote(line)
        self._written += 1
        if self._written >= MOST_OPEN:
            self._written = 0
            for each in self._places.values():
                self._count(each.overflow())

    def commit(self, line: Line) -> None:
        """A step was committed. Several in a row of one run wait, to be taken as one."""
        waiting = self._commits.get(line.run)
        if not self._is_sole_teller(line, waiting):
            self.settle()
            self._settle(Commit(line))
            return
        if waiting is not None and waiting.goes_on_with(line):
            waiting.add(line)
        else:
            self.settle()
            waiting = self._commits[line.run] = Commit(line)
        if waiting.commits >= self._merged:
            self.settle()

    def _is_sole_teller(self, line: Line, waiting: Commit | None) -> bool:
        """Whether nobody but this run told the positions of these places last."""
        names = (line.positions or {}).keys()
        for name in names if waiting is None else names - waiting.positions.keys():
            place = self._places.get(name)
            if place is None or place.teller != line.run:
                return False
        return True

    def settle(self) -> None:
        """Take in the commits that wait."""
        for commit in self._commits.values():
            self._settle(commit)
        self._commits.clear()

    def _settle(self, commit: Commit) -> None:
        span, finished, known, run = 0, 0, True, commit.run
        counted: list[Line] = []
        for name, position in commit.positions.items():
            place = self._places.get(name) or self._place(name)
            start = place.start_of(run)
            known = known and start is not None and place.teller == run
            before = place.position
            lines = place.committed(commit, position)
            counted += lines
            if self.is_frontier:
                if commit.taken is None:  # where the logs begin, from what is known
                    self._taken += len(lines) if before is None else max(0, position - before)
            elif start is not None and position != start:
                span += position - start
                finished += place.finished_between(start, position, lines)
            if self.held:
                self._release(name, position)
        covered = len(counted)
        self._taken += commit.taken or 0
        for name, step in commit.steps.items():
            place = self._places.get(name) or self._place(name)
            covered += self._take_step(place, step, run, counted)
        self._count(counted)
        if commit.records is not None and known:
            self._check(commit, commit.records, covered, finished, span)

    def _check(self, commit: Commit, records: int, covered: int, finished: int, span: int) -> None:
        if commit.has_steps or self.is_frontier:
            self._short += max(0, records - covered)
        else:
            self._short += max(0, records - finished)
            self._holes += max(0, span - records)

    def assigned(self, line: Line) -> None:
        """Partitions were assigned: what was restored covers lines of owners before."""
        self.settle()
        for name, position in (line.positions or {}).items():
            place = self._place(name)
            if place.is_other_log(line, position):
                self._taken -= place.missing if self.is_frontier else 0  # they went with their log
                self._retire(self._places.pop(name))
                place = self._place(name)
            before = place.position
            turned_away = self._count(place.assigned(line, position))
            if self.is_frontier:
                self._taken += turned_away if before is None else max(0, position - before)
            self._release(name, position)
        for name, restored in (line.steps or {}).items():
            place = self._place(name)
            if isinstance(restored, list) and len(restored) == 2 and isinstance(restored[0], int):
                counted: list[Line] = []
                self._take_step(place, restored[0], str(restored[1]), counted)
                self._count(counted)
            place.restored()

    def full(self, line: Line) -> None:
        """The bus had no room for a step."""
        self.settle()
        for place in self._places.values():
            place.repeats(line.run)

    def hold(self, line: Line) -> None:
        """A partition waits."""
        self.held[f"{line.topic}/{line.partition}"] = line

    def _release(self, name: str, position: int) -> None:
        held = self.held.get(name)
        if held is not None and (held.offset is None or held.offset < position):
            del self.held[name]

    def _take_step(self, place: Place, step: int, run: str, counted: list[Line]) -> int:
        """Add the lines of a step that count to ``counted``; gives how many it covers."""
        lines = place.stepped(step, run)
        if not self.is_frontier:
            counted += lines
            return len(lines)
        for line in lines:
            if line.offset is not None and line.outcome == "retried":
                self.retries += 1
            elif line.offset is None:
                counted.append(line)
            elif place.counted.add(line.offset):
                if place.base is not None and line.offset < place.base:
                    self._taken += 1  # taken in before these logs begin
                counted.append(line)
        return len(lines)

    def _count(self, lines: list[Line]) -> int:
        """Take lines into the account, each a record with its outcome; gives how many."""
        if not lines:
            return 0
        outcomes, took, age = self.outcomes, [], []
        for line in lines:
            outcomes[line.outcome or "?"] += 1
            if line.took_ms is not None:
                took.append(line.took_ms)
            if line.age_ms is not None:
                age.append(line.age_ms)
            if line.reason is not None:
                self.reasons[line.outcome or "?", line.reason] += 1
                if line.outcome == "dead":
                    self._exemplify(line)
        self.took.extend(took)
        self.age.extend(age)
        self.last_counted = lines[-1].ts
        self.last_age_ms = lines[-1].age_ms or 0.0
        for listener in self._listeners:
            listener(self, lines)
        return len(lines)

    def _exemplify(self, line: Line) -> None:
        examples = self.examples.setdefault(line.reason or "?", [])
        if len(examples) < EXAMPLES:
            examples.append(line.page_id or f"{line.topic}/{line.partition}@{line.offset}")

    def _retire(self, place: Place) -> None:
        self._count(place.close())
        self._missing += place.missing
        self._waiting += place.uncovered
        self.uncommitted += place.forgotten

    def close(self) -> None:
        """The logs are at their end."""
        self.settle()
        for place in self._places.values():
            self._retire(place)
        self._places.clear()
        self._by_number.clear()

    @property
    def finished(self) -> int:
        """Records with an outcome."""
        return self.outcomes.total()

    @property
    def waiting(self) -> int:
        """Taken and not finished: in the frontier, or in work as the logs end."""
        return max(0, self._taken - self.finished) if self.is_frontier else self._waiting

    @property
    def unexplained(self) -> int:
        """Records that a stage says it finished, and whose outcome is in no line."""
        if self.is_frontier:
            return self._short + max(0, self.finished - self._taken)
        return max(self._short, 0 if self._holes else self._missing)

    @property
    def taken_in(self) -> int:
        """All that came in."""
        if self.is_frontier:
            return max(self._taken, self.finished)
        return self.finished + self._waiting + self.unexplained
