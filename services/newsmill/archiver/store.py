"""What a store with transactions promises the archiver: rows and positions, whole or not at all.

A store keeps, beside its rows, the position that it has reached in every partition of every log
that ever fed it. Positions move only from the value that the writer read: so a writer that was
replaced (stopped, cut off, taken for dead) writes nothing, and a step that is tried again is told
apart from one that never happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from typing import Protocol, TypeVar, runtime_checkable

from newsmill.archiver.core.fold import Row
from newsmill.bus.base import Place
from newsmill.errors import NewsmillError
from newsmill.process.denied import keys_of
from newsmill.records import Denial
from newsmill.urls import host_of, registrable

_ID = re.compile(r"[0-9a-f]{32}\Z")

CALL_S = 8.0  # the longest that any call to a store may take: less than a member's lease
CHUNK = 100  # articles read at once: no snapshot outlives a chunk, so a slow reader keeps no log


class StoreFenced(NewsmillError):
    """The store is not where the writer left it: another one writes to it, and nothing was written.

    The writer drops what it holds and reads the positions again.
    """


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was asked for, and the pages that name its article, the newest first."""

    article_id: str
    page_id: str  # of the record
    record: bytes
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What is left of an article that is gone: its tombstone."""

    id: str
    removed: str | None = None  # when it was taken down; None where its pages left it
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of the pages of another lane: how many of each kind."""

    taken: int = 0  # the store has the lane's record of them now
    same: int = 0  # it had it already
    newer: int = 0  # it has a later fetch of the page, and keeps it
    denied: int = 0  # taken down

    def __add__(self, other: Adopted) -> Adopted:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Adopted(*(one + more for one, more in pairs))


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


@runtime_checkable
class Forgetful(Protocol):
    """A store from which something can be taken down, while its writer is at work too."""

    def forget(self, denials: Sequence[Denial]) -> int:
        """Remove what is denied, and take none of it ever again; gives how much was removed.

        What it was told before costs nothing. Raises TryLater, as ``write`` does.
        """


class Store(Keeper[Row], Forgetful, Protocol):
    """A store of articles; one process writes to it at a time, any number read."""

    def adopt(self, rows: Iterable[Row]) -> Adopted:
        """Take the newest rows of another lane over, one a page, in one transaction.

        A row replaces the page's own whatever the fold says of the two, unless that is of a later
        fetch: so what is fetched after it wins by the fold, as ever. What was taken down stays
        away. Rows that are there already change nothing, so that it may be done again. Positions
        stay where they are. Raises TryLater, as ``write`` does; then nothing was written.
        """

    def articles(self) -> Iterator[bytes]:
        """The record of every article, by article id."""

    def newest(self) -> Iterator[tuple[str, bytes]]:
        """Every page id, in order, with the page's newest record."""

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


def keys_of_row(row: Row) -> set[str]:
    """The keys of denials that would keep a row out of a store."""
    return set(keys_of((row.page_id, row.article_id), (row.url, row.canonical_url)))


def is_site(denial: Denial) -> bool:
    """Whether a whole host is denied, not one page or article."""
    return _ID.match(denial.key) is None


def under(sites: Iterable[str], url: str | None) -> bool:
    """Whether a URL has a registrable domain that one of the sites has: a first sieve."""
    domains = {registrable(site) for site in sites}
    return url is not None and registrable(host_of(url)) in domains


def in_chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, so many at a time."""
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
