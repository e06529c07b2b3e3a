"""Which record lines count: the rule that makes counts from logs exact, whatever was killed.

A line is written before its step commits, so it counts only once something covers it: a commit, or
the positions and steps that the next owner of the partition restored. Every offset counts once. The
rule in full is in docs/logs.md.
"""

from __future__ import annotations

from typing import Protocol

from newsmill.ops.lines import Line
from newsmill.ops.ranges import Ranges

MOST_OPEN = 10_000  # lines of a partition without a commit; a worker holds 200 records of one


class Told(Protocol):
    """What told a position: a line, or several."""

    @property
    def ts(self) -> str:
        """When."""

    @property
    def run(self) -> str:
        """Which process start."""

    @property
    def host(self) -> str:
        """Where."""

    @property
    def log(self) -> str | None:
        """Of which log; None where it does not say."""


class Place:
    """One partition of a group's input: lines that nothing covers yet, and what was counted."""

    __slots__ = (
        "_at", "_by_step", "_host", "_is_frontier", "_lines", "_log", "_rivals", "_run_positions",
        "base", "counted", "forgotten", "has_steps", "position", "teller",
    )  # fmt: skip

    def __init__(self, *, is_frontier: bool = False) -> None:
        self._is_frontier = is_frontier
        self.position: int | None = None  # all below are finished (or taken into the frontier)
        self.base: int | None = None  # the first position known
        self.counted = Ranges()  # offsets whose outcome was counted
        self.forgotten = 0  # lines of steps that never committed
        self._lines: dict[int, Line] = {}  # by offset, the last one
        self._rivals: dict[int, list[Line]] = {}  # those before it, where it was taken anew
        self._by_step: dict[str, list[Line]] = {}  # by run
        self.has_steps = False  # what finishes its records is a step, and no position
        self._run_positions: dict[str, int] = {}  # what each run told last
        self._at = self._host = ""  # when and where the last position was told
        self._log: str | None = None
        self.teller = ""  # the run that told a position last

    def wrote(self, line: Line) -> None:
        """A record line, which waits for what covers it."""
        offset = line.offset
        if line.step is not None:
            found = self._by_step.get(line.run)
            if found is None:
                self._by_step[line.run] = [line]
            else:
                found.append(line)
        elif offset is not None and self._may_wait(offset):
            before = self._lines.get(offset)
            self._lines[offset] = line
            if before is not None:
                self._rivals.setdefault(offset, []).append(before)

    def _may_wait(self, offset: int) -> bool:
        """Whether no line of that offset has come to count."""
        position = self.position
        return position is None or offset >= position or offset not in self.counted

    def overflow(self) -> list[Line]:
        """Lines that wait for commits which these logs do not hold: the older ones, as covered.

        Commits may have been filtered out of the logs; memory must not grow for want of them.
        """
        covered: list[Line] = []
        if len(self._lines) > MOST_OPEN:
            covered += self._cover(sorted(self._lines)[-MOST_OPEN // 2], self.teller)
        if sum(map(len, self._by_step.values())) > MOST_OPEN:
            for lines in self._by_step.values():
                covered += lines[: len(lines) // 2]
                del lines[: len(lines) // 2]
        return covered

    def committed(self, line: Told, position: int) -> list[Line]:
        """The lines that the position of a commit covers, one an offset: its own run's first."""
        self._tell(line, position)
        return self._cover(position, line.run) if self._lines else []

    def assigned(self, line: Line, position: int) -> list[Line]:
        """The lines that a restored position covers, the owner's before it first.

        Lines past it never committed, nor will they: their owner has lost the partition.
        """
        owner = self.teller
        self._tell(line, position)
        covered = self._cover(position, owner)
        if position == self.position:
            self.forgotten += len(self._lines) + sum(map(len, self._rivals.values()))
            self._lines.clear()
            self._rivals.clear()
        return covered

    def _tell(self, line: Told, position: int) -> None:
        run = line.run
        self._at, self._host = line.ts, line.host
        if line.log is not None:
            self._log = line.log
        self.teller = run
        self._run_positions[run] = position
        if self.position is None:
            self.position = self.base = position
        elif position > self.position:
            self.position = position

    def _cover(self, position: int, owner: str) -> list[Line]:
        """Take the covered lines out: of several for one offset the owner's, else the last.

        In the frontier only the owner's: of an entry that is taken in there need be no line.
        """
        lines = self._lines
        if not self._rivals and not self._is_frontier and lines:
            first, end = min(lines), max(lines) + 1
            if end <= position and end - first == len(lines) and self.counted.add_run(first, end):
                covered = list(lines.values())  # all that wait, one after another
                lines.clear()
                return covered
        offsets = [offset for offset in lines if offset < position]
        if not offsets:
            return []
        if self._rivals or self._is_frontier:
            found = (self._choose(offset, owner) for offset in offsets)
            return [line for line in found if line is not None]
        covered = [lines.pop(offset) for offset in offsets]
        add = self.counted.add
        return [line for at, line in zip(offsets, covered, strict=True) if add(at)]

    def _choose(self, offset: int, owner: str) -> Line | None:
        """Of several lines for one offset the owner's last, else the last; None: none counts."""
        line = self._lines.pop(offset)
        rivals = [*self._rivals.pop(offset, ()), line]
        owned = [one for one in rivals if one.run == owner]
        if self._is_frontier and owner and not owned:
            self.forgotten += len(rivals)
            return None
        self.forgotten += len({one.run for one in rivals}) - 1
        return (owned or rivals)[-1] if self.counted.add(offset) else None

    def finished_between(self, start: int, end: int, last: list[Line]) -> int:
        """How many of ``start`` … ``end - 1`` have come to count, ``last`` among them the last."""
        if len(last) == end - start and min([line.offset or 0 for line in last]) == start:
            return end - start  # all of them: they are below the end, and none is there twice
        return self.counted.within(start, end)

    def start_of(self, run: str) -> int | None:
        """The position that a run told last; None where it told none."""
        return self._run_positions.get(run)

    def stepped(self, step: int, run: str) -> list[Line]:
        """The lines that a run's step covers, in their order; in the frontier one an offset."""
        self.has_steps = True
        lines = self._by_step.pop(run, None)
        if lines is None:
            return []
        if (lines[-1].step or 0) > step:  # they come in the order of their steps
            self._by_step[run] = [line for line in lines if (line.step or 0) > step]
            lines = [line for line in lines if (line.step or 0) <= step]
        if self._is_frontier:
            return list({(line.step, line.offset): line for line in lines}.values())
        return lines

    def repeats(self, run: str) -> None:
        """A step of the run found no room: it will be tried again, and its lines written again."""
        self._by_step.pop(run, None)

    def restored(self) -> None:
        """The partition was assigned anew: steps that nothing covered by now never committed."""
        self.has_steps = True
        self.forgotten += sum(map(len, self._by_step.values()))
        self._by_step.clear()

    def is_other_log(self, line: Line, position: int) -> bool:
        """Whether an assignment shows another log under the old name: made anew, or dropped."""
        if self.position is None:
            return False
        if line.log is not None and self._log is not None:
            return line.log != self._log
        return position < self.position and line.host == self._host and line.ts > self._at

    def close(self) -> list[Line]:
        """At the end of the logs: the lines that a known position covers after all."""
        return [] if self.position is None else self._cover(self.position, self.teller)

    @property
    def missing(self) -> int:
        """Offsets that are finished and whose line is nowhere; the log's own holes among them."""
        if self.position is None or self.base is None or (self.has_steps and not self._is_frontier):
            return 0
        return self.position - self.base - self.counted.within(self.base, self.position)

    @property
    def uncovered(self) -> int:
        """Records whose line nothing covers: in work, or of a step that ended with its worker."""
        return len(self._lines) + sum(map(len, self._by_step.values()))
