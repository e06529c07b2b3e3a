"""How a stage works on its records: the seam between the drain loop and a worker."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from newsmill.bus.base import Mark, Member, Place, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.events import Stage
from newsmill.process.steps import Result, Step, rejected

R = TypeVar("R")


class Work(Protocol):
    """How a stage works on its records: in this thread, or in child processes."""

    @property
    def free(self) -> int:
        """How many more records can be started now."""

    def start(self, record: Record) -> None:
        """Begin to work on it; never called beyond ``free``."""

    def done(self, timeout_s: float) -> Iterable[tuple[Record, Result | TryLater]]:
        """What has ended, in any order; waits up to ``timeout_s`` for the first."""

    def assigned(self, place: Place, member: Member) -> None:
        """The partition is ours now: restore what its records need, or rewind it."""

    def lost(self, place: Place) -> None:
        """The partition was lost, and with it what was not committed: drop every cache of it."""

    def seal(self, records: Mapping[Place, list[Result]], marks: Mapping[Place, Mark]) -> None:
        """Called before the bus commits these results: a store commits here.

        It may be called again for results that it has sealed: the bus had no room for the step.
        """

    def close(self) -> None:
        """Let go of what it holds."""


class Inline:
    """Works in this thread, one record at a time. Stages with state or a store build on it."""

    def __init__(self, stage: Stage, step: Step) -> None:
        self._stage = stage
        self._step = step
        self._next: Record | None = None

    @property
    def free(self) -> int:
        """One at a time, so that a held partition stops right behind its record."""
        return 0 if self._next else 1

    def start(self, record: Record) -> None:
        """Keep it for ``done``."""
        self._next = record

    def done(self, timeout_s: float) -> Iterable[tuple[Record, Result | TryLater]]:
        """Run the step on the record that was started."""
        record, self._next = self._next, None
        if record is None:
            return ()
        started = time.perf_counter()
        result = attempt(self._stage, self._step, record)
        if isinstance(result, Result):
            result.facts.setdefault("took_ms", (time.perf_counter() - started) * 1e3)
        return ((record, result),)

    def assigned(self, place: Place, member: Member) -> None:
        """Nothing to restore."""

    def lost(self, place: Place) -> None:
        """Nothing to drop."""

    def seal(self, records: Mapping[Place, list[Result]], marks: Mapping[Place, Mark]) -> None:
        """Nothing to do before the bus commits."""

    def close(self) -> None:
        """Nothing to let go of."""


def attempt(stage: Stage, step: Callable[[Record], R], record: Record) -> R | Result | TryLater:
    """The step's result; a bad record's rejection; a bug's dead letter with its traceback."""
    try:
        return step(record)
    except BadRecord as error:
        return rejected(record, stage, error)
    except TryLater as later:
        return later
    except Exception as error:  # a bug on one record costs that record, not the stream
        return rejected(record, stage, _bug(error), trace=traceback.format_exc())


def guarded(call: Callable[[], R]) -> R | BadRecord:
    """What the call gives, its BadRecord, or its bug as one: it costs one input and no more."""
    try:
        return call()
    except BadRecord as error:
        return error
    except Exception as error:
        return _bug(error)


def _bug(error: Exception) -> BadRecord:
    return BadRecord("bug", f"{type(error).__name__}: {error}")
