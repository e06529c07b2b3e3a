"""Commits of one process in a row, taken as one: they come to the same, and it is cheaper."""

from __future__ import annotations

from newsmill.ops.lines import Line

MERGED = 12  # commits of a run that are taken as one


class Commit:
    """One commit of a run, or several of it in a row, which come to the same as one."""

    __slots__ = (
        "commits",
        "has_steps",
        "host",
        "log",
        "positions",
        "records",
        "run",
        "steps",
        "taken",
        "ts",
    )

    def __init__(self, line: Line) -> None:
        self.run = line.run
        self.ts = line.ts
        self.host = line.host
        self.log = line.log
        self.positions = dict(line.positions or {})
        self.steps = {n: step for n, step in (line.steps or {}).items() if isinstance(step, int)}
        self.has_steps = line.steps is not None
        self.records = line.records
        self.taken = line.taken
        self.commits = 1

    def goes_on_with(self, line: Line) -> bool:
        """Whether the next commit of the run can be added: it says as much as those before."""
        return (line.taken is None) == (self.taken is None) and (line.records is None) == (
            self.records is None
        )

    def add(self, line: Line) -> None:
        """The next commit of the run."""
        self.ts = line.ts
        self.positions.update(line.positions or {})
        for name, step in (line.steps or {}).items():
            if isinstance(step, int):
                self.steps[name] = step
        self.has_steps = self.has_steps or line.steps is not None
        self.records = None if self.records is None else self.records + (line.records or 0)
        self.taken = None if self.taken is None else self.taken + (line.taken or 0)
        self.commits += 1
