"""What a store with transactions promises the archiver: rows and positions, whole or not at all.

A store keeps, beside its rows, the position that it has reached in every partition of every log
that ever fed it. Positions move only from the value that the writer read: so a writer that was
replaced (stopped, cut off, taken for dead) writes nothing, and a step that is tried again is told
apart from one that never happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from newsmill.archiver.core.fold import Row
from newsmill.bus.base import Place
from newsmill.errors import NewsmillError

CALL_S = 8.0  # the longest that any call to a store may take: less than a member's lease
CHUNK = 100  # articles read at once: no snapshot outlives a chunk, so a slow reader keeps no log


class StoreFenced(NewsmillError):
    """The store is not where the writer left it: another one writes to it, and nothing was written.

    The writer drops what it holds and reads the positions again.
    """


R = TypeVar("R", contravariant=True)


class Keeper(Protocol[R]):
    """What the archiver writes to: rows of a kind, with the positions that they reach."""

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the store is in the log of that name: all below is in it. Empty for a new log.

        Raises TryLater while the store cannot be reached.
        """

    def write(
        self,
        rows: Sequence[R],
        log_identity: str,
        expected: Mapping[Place, int],
        reached: Mapping[Place, int],
    ) -> None:
        """One transaction: fold the rows in, and move the positions from expected to reached.

        ``expected`` has what ``positions`` gave of every place in ``reached``; a place that it did
        not give is left out. Rows may come again, in any order. Raises StoreFenced, and TryLater
        when there is no room, the disk fails or the store is away; in both cases nothing was
        written, as far as a later ``write`` or ``positions`` of the same store can tell.
        """

    def close(self) -> None:
        """Let go of it."""


class Store(Keeper[Row], Protocol):
    """A store of articles; one process writes to it at a time, any number read."""

    def articles(self) -> Iterator[bytes]:
        """The record of every article, by article id."""

    def count(self) -> int:
        """How many articles the store holds."""

    def pages(self) -> int:
        """How many pages the store holds: at least as many as articles."""


def check_forward(expected: Mapping[Place, int], reached: Mapping[Place, int]) -> None:
    """Raise ValueError for a step back, which is a mistake of the caller."""
    for place, position in reached.items():
        if position < expected.get(place, 0):
            raise ValueError(f"{place}: a step back from {expected[place]} to {position}")


def check_expected(
    store: str,
    present: Mapping[Place, int],
    expected: Mapping[Place, int],
    reached: Mapping[Place, int],
    unsettled: Mapping[Place, int],
) -> None:
    """Raise StoreFenced where the store is not where its writer left it.

    ``unsettled`` is what an earlier step of the same writer reached, of which nobody could say how
    it ended: a store that is there is where the writer left it.
    """
    for place in sorted({*expected, *reached}):
        position = present.get(place)
        if position != expected.get(place) and (
            position is None or position != unsettled.get(place)
        ):
            raise StoreFenced(
                f"store {store}: {place} is at {position}, not at {expected.get(place)}:"
                " another writer took it over"
            )
