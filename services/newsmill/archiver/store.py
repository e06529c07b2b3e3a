"""What a store with transactions promises the archiver: rows and positions, whole or not at all.

A store keeps, beside its rows, the position that it has reached in every partition of every log
that ever fed it. Positions move only from the value that the writer read: so a writer that was
replaced (stopped, cut off, taken for dead) writes nothing, and a step that is tried again is told
apart from one that never happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from newsmill.archiver.core.fold import Row
from newsmill.bus.base import Place
from newsmill.errors import NewsmillError


class StoreFenced(NewsmillError):
    """The store is not where the writer left it: another one writes to it, and nothing was written.

    The writer drops what it holds and reads the positions again.
    """


class Store(Protocol):
    """One store; one process writes to it at a time, any number read."""

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the store is in the log of that name: all below is in it. Empty for a new log."""

    def write(
        self,
        rows: Sequence[Row],
        log_identity: str,
        expected: Mapping[Place, int],
        reached: Mapping[Place, int],
    ) -> None:
        """One transaction: fold the rows in, and move the positions from expected to reached.

        ``expected`` has what ``positions`` gave of every place in ``reached``; a place that it did
        not give is left out. Rows may come again, in any order. Raises StoreFenced, and TryLater
        when there is no room or the disk fails; in both cases nothing was written.
        """

    def close(self) -> None:
        """Let go of it."""
