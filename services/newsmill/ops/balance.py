"""Which record lines count: the rule that makes counts from logs exact, whatever was killed.

A line is written before its step commits, so it counts only once something covers it: a commit, or
the positions and steps that the next owner of the partition restored. Every offset counts once. The
rule in full is in docs/logs.md.
"""

from __future__ import annotations

from newsmill.ops.lines import Line
from newsmill.ops.ranges import Ranges


class Place:
    """One partition of a group's input: lines that nothing covers yet, and what was counted."""

    __slots__ = (
        "_at", "_by_step", "_host", "_is_frontier", "_lines", "_log", "_run_positions", "base",
        "counted", "forgotten", "has_steps", "position", "teller",
    )  # fmt: skip

    def __init__(self, *, is_frontier: bool = False) -> None:
        self._is_frontier = is_frontier
        self.position: int | None = None  # all below are finished (or taken into the frontier)
        self.base: int | None = None  # the first position known
        self.counted = Ranges()  # offsets whose outcome was counted
        self.forgotten = 0  # lines of steps that never committed
        self._lines: dict[int, list[Line]] = {}  # by offset
        self._by_step: dict[str, list[Line]] = {}  # by run
        self.has_steps = False  # what finishes its records is a step, and no position
        self._run_positions: dict[str, int] = {}  # what each run told last
        self._at = self._host = ""  # when and where the last position was told
        self._log: str | None = None
        self.teller = ""  # the run that told a position last

    def wrote(self, line: Line) -> None:
        """A record line, which waits for what covers it."""
        if line.step is not None:
            self._by_step.setdefault(line.run, []).append(line)
        elif line.offset is not None and line.offset not in self.counted:
            rivals = self._lines.get(line.offset)
            if rivals is None:
                self._lines[line.offset] = [line]
            else:
                rivals.append(line)

    def committed(self, line: Line, position: int) -> list[Line]:
        """The lines that the position of a commit covers, one an offset: its own run's first."""
        self._tell(line, position)
        return self._cover(position, line.run)

    def assigned(self, line: Line, position: int) -> list[Line]:
        """The lines that a restored position covers, the owner's before it first.

        Lines past it never committed, nor will they: their owner has lost the partition.
        """
        owner = self.teller
        self._tell(line, position)
        covered = self._cover(position, owner)
        if position == self.position:
            self.forgotten += sum(map(len, self._lines.values()))
            self._lines.clear()
        return covered

    def _tell(self, line: Line, position: int) -> None:
        self._at, self._host, self._log = line.ts, line.host, line.log or self._log
        self.teller = line.run
        self._run_positions[line.run] = position
        if self.position is None:
            self.position = self.base = position
        self.position = max(self.position, position)

    def _cover(self, position: int, owner: str) -> list[Line]:
        """Take the covered lines out: of several for one offset the owner's, else the last.

        In the frontier only the owner's: of an entry that is taken in there need be no line.
        """
        covered = []
        for offset in [offset for offset in self._lines if offset < position]:
            rivals = self._lines.pop(offset)
            chosen = rivals[-1]
            if chosen.run != owner and owner:
                owned = [line for line in rivals if line.run == owner]
                if not owned and self._is_frontier:
                    self.forgotten += len(rivals)
                    continue
                chosen = (owned or rivals)[-1]
            self.forgotten += len({line.run for line in rivals}) - 1
            if self.counted.add(offset):
                covered.append(chosen)
        return covered

    def start_of(self, run: str) -> int | None:
        """The position that a run told last; None where it told none."""
        return self._run_positions.get(run)

    def stepped(self, step: int, run: str) -> list[Line]:
        """The lines that a run's step covers, in their order; in the frontier one an offset."""
        self.has_steps = True
        lines = self._by_step.pop(run, [])
        later = [line for line in lines if line.step is None or line.step > step]
        if later:
            self._by_step[run] = later
            lines = [line for line in lines if line.step is not None and line.step <= step]
        if self._is_frontier:
            return list({line.offset: line for line in lines}.values())
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
