"""What a tend worker supplies to its loop, and what it hands back of its work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from newsmill.bus.base import Change, Place, Record
from newsmill.process.events import Event, Stage
from newsmill.process.steps import Result
from newsmill.topics import Topic


@dataclass(slots=True, kw_only=True)
class Finished:
    """A piece of work that has ended: what it found, what to write, and lines of its own."""

    place: Place
    results: tuple[Result, ...] = ()
    lines: tuple[tuple[Event, dict[str, Any]], ...] = ()
    token: Any = None  # given back to ``committed``
    told: bool = False  # its lines are written


class Tender(Protocol):
    """What a tend worker supplies."""

    @property
    def stage(self) -> Stage:
        """Whose record lines they are."""

    @property
    def state(self) -> Topic:
        """The state that it tends."""

    def assigned(self, place: Place, restored: Iterable[tuple[bytes, bytes]]) -> None:
        """The partition is ours now, with this state."""

    def lost(self, place: Place) -> None:
        """It is not ours any more: drop all of it."""

    def takes(self, place: Place) -> bool:
        """Whether there is room for more records of the stream."""

    def intake(self, record: Record) -> Result | None:
        """Take a record of the stream into the state; None where it simply waits there now.

        Raises BadRecord and TryLater, as a step does.
        """

    def start_due(self) -> None:
        """Start what is due, as far as there is room."""

    def done(self, timeout_s: float) -> list[Finished]:
        """What has ended since; waits up to ``timeout_s`` for the first."""

    def changes(self, finished: Finished) -> tuple[Change, ...]:
        """What its step writes into the state, as things stand when the step is made."""

    def committed(self, finished: Finished) -> None:
        """Its step is committed: the state in memory may follow."""

    @property
    def in_flight(self) -> int:
        """How much is being worked on."""

    def vitals(self) -> dict[str, Any]:
        """Fields of the heartbeat: idle, in_flight, waiting, due and so on."""

    def close(self) -> None:
        """Let go of what it holds."""
