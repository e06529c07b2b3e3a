"""The embedded bus as ``bus.connect`` opens it: one lane of one directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from newsmill.bus.base import Burst, BusFull, Described, Lag, Record
from newsmill.bus.file import drop, options, overview, reading, retention
from newsmill.bus.file.bells import Bells
from newsmill.bus.file.catalog import Catalog
from newsmill.bus.file.database import Database
from newsmill.bus.file.follower import FileFollower
from newsmill.bus.file.member import FileMember
from newsmill.bus.file.membership import Membership
from newsmill.bus.file.presence import Presence, enter
from newsmill.bus.file.reading import Notice
from newsmill.topics import TOPICS, Topic

BURST = Burst(records=50, bytes=4 << 20, wait_s=0.15)

Opened = TypeVar("Opened", FileMember, FileFollower)
Entered = TypeVar("Entered")


class FileBus:
    """One lane of the embedded bus. Its members may be owned by other threads; it itself by one.

    ``on_notice`` is told what a person should know: ``damaged`` (a record was set aside, with its
    place) and ``killed`` (a process stopped inside a step, with its pid).
    """

    def __init__(
        self, spec: str, namespace: str, lane: str, on_notice: Notice | None = None
    ) -> None:
        self.on_notice = on_notice
        self._options = options.parse(spec)
        self._namespace = namespace
        self._lane = lane
        self._db = self._with_room(lambda: Database(self._options))
        self._presence: Presence | None = enter(self._options.directory)
        self._catalog = Catalog(self._db, namespace, lane)
        self._open: list[FileMember | FileFollower] = []
        retention.make_ballast(self._db)

    @property
    def identity(self) -> str:
        """The name of this very log: made anew with the lane."""
        return self._catalog.identity()

    @property
    def burst(self) -> Burst:
        """The size of step that is cheap here: measured at 3 to 4 % of an extractor's CPU."""
        return BURST

    def create(self) -> list[str]:
        """Make the lane's topics that are missing; raises Misconfigured on a mismatch."""
        return self._fresh().make(TOPICS)

    def join(self, group: str, topics: Sequence[Topic], *, slot: int | None = None) -> FileMember:
        """Become a member of ``group``; the topics are made where they are missing."""
        for topic in topics:
            if topic.kind == "config":
                raise ValueError(f"{topic.name} is followed, not shared by a group")
        self._with_room(lambda: self._fresh().make(topics))
        presence = self._entered()
        return self._keep(self._with_room(lambda: self._joined(group, topics, slot, presence)))

    def follow(self, topic: Topic) -> FileFollower:
        """Read a configuration topic whole, and then as it grows; made where it is missing."""
        if topic.kind != "config":
            raise ValueError(f"{topic.name} is no configuration topic")
        known = self._fresh().get(topic)
        return self._keep(FileFollower(Database(self._options), known, self._tell))

    def scan(self, topic: Topic, partition: int, start: int = 0) -> Iterator[Record]:
        """Read a partition from ``start`` to its present end, outside any group."""
        known = self._fresh().find(topic)
        if known is None:
            return iter(())
        place = (known.partitions[partition], topic.name, partition)
        return reading.scan(self._db, place, start, self._tell)

    def span(self, topic: Topic, partition: int) -> tuple[int, int]:
        """Where a partition begins and ends now; (0, 0) where there is none."""
        known = self._fresh().find(topic)
        return reading.span(self._db, known.partitions[partition]) if known else (0, 0)

    def since(self, topic: Topic, partition: int, moment_ms: int) -> int:
        """The first offset of a record that was written then or later; the end where none was."""
        known = self._fresh().find(topic)
        return reading.since(self._db, known.partitions[partition], moment_ms) if known else 0

    def read_state(self, topic: Topic) -> Iterator[tuple[bytes, bytes]]:
        """Every committed key and value of a state topic, outside any group."""
        known = self._fresh().find(topic)
        for partition, number in enumerate(known.partitions if known else ()):
            yield from reading.restore(self._db, (number, topic.name, partition), self._tell)

    def lag(self, groups: Iterable[str] | None = None) -> list[Lag]:
        """How far the named groups are (all that ever joined, where None)."""
        presence = self._entered()
        wanted = None if groups is None else frozenset(groups)
        return [
            each
            for group in self._catalog.groups()
            if wanted is None or group.name in wanted
            for each in overview.lag(self._db, self._catalog, group, presence)
        ]

    def lanes(self) -> list[str]:
        """The names of all lanes of this bus."""
        return self._catalog.lanes()

    def describe(self) -> list[Described]:
        """What the lane's topics hold."""
        return overview.describe(self._db, self._catalog)

    def quarantined(self) -> int:
        """How many damaged records of the lane were set aside."""
        return overview.quarantined(self._db, self._catalog)

    def drop_group(self, group: str) -> None:
        """Forget an abandoned group, so that retention no longer keeps anything for it."""
        found = self._catalog.group(group)
        if found is not None:
            with self._db.writing():
                drop.group(self._db, found.id)

    def drop_lane(self) -> None:
        """Remove the lane's topics, state and groups; its members, if there are any, are fenced."""
        drop.lane(self._db, self._catalog)

    def close(self) -> None:
        """Let go of it; members that have not left are gone as by death."""
        for each in (*self._open,):
            each.close()
        self._open.clear()
        self._db.close()
        if self._presence is not None:
            self._presence.close()
            self._presence = None

    def _joined(
        self, group: str, topics: Sequence[Topic], slot: int | None, presence: Presence
    ) -> FileMember:
        membership: Membership | None = None

        def beat() -> None:
            if membership is not None:
                membership.beat()

        bells = Bells(self._options.directory / "bells")
        db = Database(self._options, on_wait=beat)
        try:
            catalog = Catalog(db, self._namespace, self._lane)
            known = [catalog.get(topic) for topic in topics]
            found = catalog.make_group(group)
            membership = Membership(db, presence, bells, found, known, slot)
            return FileMember(db, catalog, presence, bells, membership, known, self._tell)
        except BaseException:
            if membership is not None:
                membership.vanish()
            db.close()
            bells.close()
            raise

    def _with_room(self, enter: Callable[[], Entered]) -> Entered:
        """Come in, on a full disk by the room that was put aside: who drains must get in."""
        try:
            return enter()
        except BusFull:
            if not retention.give_up_ballast(self._options):
                raise
            return enter()

    def _fresh(self) -> Catalog:
        """The catalog as the file has it now: another process may have dropped the lane."""
        self._catalog.forget()
        return self._catalog

    def _entered(self) -> Presence:
        if self._presence is None:
            raise ValueError("the bus is closed")
        return self._presence

    def _keep(self, opened: Opened) -> Opened:
        self._open = [each for each in self._open if each.is_open]
        self._open.append(opened)
        return opened

    def _tell(self, what: str, facts: dict[str, Any]) -> None:
        if self.on_notice is not None:
            self.on_notice(what, facts)
