"""Sends dead letters back to their topics: a tender of the marks beside the ``dead`` topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from newsmill.bus.base import Bus, Change, Output, Place, Record
from newsmill.process.life import Life
from newsmill.process.steps import Result
from newsmill.process.tender import Finished
from newsmill.topics import ARTICLES, BY_NAME, DEAD, ENTRIES, PAGES, RETRIED, Topic

STAGE: Final = "retrier"
MARK = b"sent"
CHUNK = 50  # letters of one step


def is_sendable(letter: Record) -> bool:
    """Whether it came from a topic; a bad line of a replayed file is mended in the file."""
    return (letter.header("dead-topic") or b"").decode() in BY_NAME


class Retrier:
    """Goes once over the letters of each partition, and marks those it sent in the same step."""

    stage: Final = STAGE
    state: Topic = RETRIED

    def __init__(self, opened: Bus, chosen: Callable[[Record], bool], life: Life) -> None:
        self._bus = opened
        self._chosen = chosen
        self._life = life
        self._letters: dict[Place, Iterator[Record]] = {}  # still to be looked at
        self._uncommitted: Counter[Place] = Counter()
        self._over: set[Place] = set()
        self.sent = 0

    def assigned(self, place: Place, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Read the marks of the partition; its letters are still to be looked at."""
        if place not in self._over:
            marked = {key for key, _ in items}
            self._letters[place] = (
                letter
                for letter in self._bus.scan(DEAD, place.partition)
                if self._chosen(letter) and _name(letter) not in marked
            )

    def lost(self, place: Place) -> None:
        """Another retrier has it; what was not committed is looked at again by whoever owns it."""
        self._letters.pop(place, None)
        if self._uncommitted.pop(place, 0):
            self._over.discard(place)

    def takes(self, place: Place) -> bool:
        """Letters are scanned, so that those of an earlier run are seen again."""
        return False

    def intake(self, record: Record) -> Result | None:
        """Nothing is delivered."""
        return None

    def start_due(self) -> None:
        """Ends the run when every partition was looked at and committed."""
        if not self.in_flight and len(self._over) == DEAD.partitions:
            self._life.stop()

    @property
    def in_flight(self) -> int:
        """Partitions to look at, and letters to commit."""
        return len(self._letters) + self._uncommitted.total()

    def done(self, timeout_s: float) -> list[Finished]:
        """The next letters that are to be sent and were not, a few at a time."""
        if not self._letters or self._uncommitted.total() >= CHUNK:
            return []
        place = min(self._letters)
        letters = list(islice(self._letters[place], CHUNK))
        if len(letters) < CHUNK:
            del self._letters[place]
            self._over.add(place)
        self._uncommitted[place] += len(letters)
        return [
            Finished(place=place, results=(_again(letter),), token=_name(letter))
            for letter in letters
        ]

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """The letter's mark."""
        return (Change(RETRIED, finished.place.partition, finished.token, MARK),)

    def committed(self, finished: Finished) -> None:
        """It was sent."""
        self._uncommitted[finished.place] -= 1
        self.sent += 1

    def vitals(self) -> dict[str, Any]:
        """How much is left."""
        return {"in_flight": self.in_flight, "idle": not self.in_flight}

    def close(self) -> None:
        """Nothing to let go of."""


def _name(letter: Record) -> bytes:
    return f"{letter.partition}-{letter.offset}".encode()


def _again(letter: Record) -> Result:
    topic = (letter.header("dead-topic") or b"").decode()
    partition = int(letter.header("dead-partition") or b"0")
    output = Output(
        topic=BY_NAME[topic],
        key=letter.key,
        value=letter.value,
        headers=tuple(h for h in letter.headers if not h[0].startswith("dead-")),
        partition=partition,
    )
    facts: dict[str, Any] = {"offset": letter.offset}
    if topic in (ENTRIES.name, PAGES.name, ARTICLES.name):  # keyed by page id
        facts["page_id"] = letter.key.decode("utf-8", "replace")
    return Result(outcome="published", outputs=(output,), facts=facts)
