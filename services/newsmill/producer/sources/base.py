"""What every source is to the reader of a replay: items, each with where reading goes on after it.

An item is one record of a source: a page line, a WARC record, a file of text. Numbers count what a
source holds from 1, damaged parts included, so that the same source gives the same numbers on every
reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from newsmill.bus.base import Output
from newsmill.errors import BadRecord, Reason
from newsmill.process.events import Outcome
from newsmill.records import Entry, Page

HEAD = 1 << 16  # bytes by which a file is known again
MAX_RAW = 16 << 20  # bytes of one item that are held; more is damage by name


@dataclass(frozen=True, slots=True)
class At:
    """How far a source is read."""

    head: str  # digest of its first bytes: the source is known again by it
    number: int = 0  # of the last item
    byte: int = 0  # where reading goes on
    inner: int = 0  # items to be passed over there: one compressed member may hold several


class Item(NamedTuple):
    """One record of a source as it stands there, or a damaged part of it."""

    number: int
    start: int  # byte of the file where it, or the compressed member that holds it, begins
    at: At  # where reading goes on after it
    raw: bytes
    damage: BadRecord | None = None


class Unpaged(Exception):
    """An item that is no page, and rightly so: it was refused before, or tells of no change."""

    def __init__(self, outcome: Outcome, reason: Reason | None, detail: str | None = None) -> None:
        super().__init__(reason or outcome)
        self.outcome: Outcome = outcome
        self.reason: Reason | None = reason
        self.detail = detail


class Ready(NamedTuple):
    """A page that is a record already, and is passed on as it is."""

    page: Page
    output: Output


class Source(Protocol):
    """One file, or what is read as one."""

    path: Path  # its name in the lane's state; of a file where it is

    def head(self) -> str:
        """By which it is known again; raises OSError."""

    def size(self) -> int:
        """How far ``At.byte`` can go; raises OSError."""

    def items(self, at: At) -> Iterator[Item]:
        """What comes after ``at``; raises OSError."""

    def page(self, item: Item) -> tuple[Page, bytes] | Ready | Entry:
        """The page, or the entry of one that is still to be fetched; raises BadRecord, Unpaged."""


class FileSource:
    """What every source that is a file knows of itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def head(self) -> str:
        """The digest of its first bytes."""
        with self.path.open("rb") as file:
            return hashlib.blake2b(file.read(HEAD), digest_size=16).hexdigest()

    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size
