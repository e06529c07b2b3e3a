"""The topics and groups of one lane: made where missing, and known by their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from newsmill.bus.file.database import Database, new_identity
from newsmill.errors import Misconfigured
from newsmill.topics import Topic, full_name, prefix


class Known(NamedTuple):
    """A topic as it is in the file: its number, and those of its partitions in their order."""

    id: int
    topic: Topic
    partitions: tuple[int, ...]

    @property
    def bell(self) -> str:
        """The name of its bell."""
        return f"t{self.id}"


class Group(NamedTuple):
    """A group as it is in the file."""

    id: int
    name: str

    @property
    def bell(self) -> str:
        """The name of its bell, rung when its members or their shares change."""
        return f"g{self.id}"


class Catalog:
    """Finds topics and groups through one connection, and remembers what it found."""

    def __init__(self, db: Database, namespace: str, lane: str) -> None:
        self._db = db
        self._namespace = namespace
        self._lane = lane
        self.lane = prefix(namespace, lane)
        self._known: dict[str, Known] = {}

    def short(self, name: str) -> str:
        """The name of a topic or group without its prefix."""
        return name[len(self.lane) + 1 :]

    def identity(self) -> str:
        """The lane's name for life; made with its first topic, or now."""
        rows = self._db.execute("SELECT identity FROM lanes WHERE name=?", (self.lane,))
        if not rows:
            with self._db.writing():
                self._make_lane()
            return self.identity()
        return str(rows[0][0])

    def forget(self) -> None:
        """Remember nothing, since another process may have dropped the lane."""
        self._known.clear()

    def find(self, topic: Topic) -> Known | None:
        """The topic, None where it was never made; raises Misconfigured where it differs."""
        known = self._known.get(topic.name)
        if known is not None and (known.topic is topic or known.topic == topic):
            return known
        name = full_name(self._namespace, self._lane, topic.name)
        rows = self._db.execute(
            "SELECT t.id, t.kind, t.partitions, p.tp FROM topics t JOIN parts p ON p.topic = t.id "
            "WHERE t.name=? ORDER BY p.part",
            (name,),
        )
        if not rows:
            return None
        number, kind, partitions, _ = rows[0]
        if partitions != topic.partitions or kind != topic.kind:
            raise Misconfigured(
                f"topic {name} is a {kind} of {partitions} partitions on this bus; "
                f"this newsmill wants a {topic.kind} of {topic.partitions}"
            )
        found = Known(number, topic, tuple(row[3] for row in rows))
        self._known[topic.name] = found
        return found

    def get(self, topic: Topic) -> Known:
        """The topic, made where it is missing."""
        known = self.find(topic)
        if known is None:
            self.make((topic,))
            known = self.find(topic)
        if known is None:
            raise Misconfigured(f"topic {topic.name} was dropped while it was being made")
        return known

    def make(self, topics: Iterable[Topic]) -> list[str]:
        """Make the topics that are missing; their short names."""
        topics = tuple(topics)
        if None not in [self.find(topic) for topic in topics]:
            return []
        made = []
        with self._db.writing():
            self._make_lane()
            for topic in topics:
                if self.find(topic) is None:
                    self._make_topic(topic)
                    made.append(topic.name)
        return made

    def group(self, group: str) -> Group | None:
        """The group of that short name; None where nobody ever joined it."""
        name = full_name(self._namespace, self._lane, group)
        rows = self._db.execute("SELECT id FROM groups WHERE name=?", (name,))
        return Group(rows[0][0], group) if rows else None

    def make_group(self, group: str) -> Group:
        """The group of that short name, made where it is missing."""
        name = full_name(self._namespace, self._lane, group)
        found = self.group(group)
        if found is not None:
            return found
        with self._db.writing():
            self._db.execute(
                "INSERT OR IGNORE INTO groups(lane, name) VALUES(?, ?)", (self.lane, name)
            )
        [(number,)] = self._db.execute("SELECT id FROM groups WHERE name=?", (name,))
        return Group(number, group)

    def topics(self) -> list[tuple[int, str, str, int]]:
        """Every topic of the lane that was made: number, short name, kind, partitions."""
        rows = self._db.execute(
            "SELECT id, name, kind, partitions FROM topics WHERE lane=? ORDER BY id", (self.lane,)
        )
        return [(number, self.short(name), kind, count) for number, name, kind, count in rows]

    def groups(self) -> list[Group]:
        """Every group of the lane, by name."""
        rows = self._db.execute(
            "SELECT id, name FROM groups WHERE lane=? ORDER BY name", (self.lane,)
        )
        return [Group(number, self.short(name)) for number, name in rows]

    def lanes(self) -> list[str]:
        """The short name of every lane of the namespace."""
        before = prefix(self._namespace, "")
        names = [name for (name,) in self._db.execute("SELECT name FROM lanes ORDER BY name")]
        return [name.removeprefix(before) for name in names if name.startswith(before)]

    def _make_lane(self) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO lanes(name, identity) VALUES(?, ?)", (self.lane, new_identity())
        )

    def _make_topic(self, topic: Topic) -> None:
        self._refuse_uneven(topic)
        name = full_name(self._namespace, self._lane, topic.name)
        [(number,)] = self._db.execute(
            "INSERT INTO topics(lane, name, kind, partitions) VALUES(?, ?, ?, ?) RETURNING id",
            (self.lane, name, topic.kind, topic.partitions),
        )
        for partition in range(topic.partitions):
            self._db.execute("INSERT INTO parts(topic, part) VALUES(?, ?)", (number, partition))

    def _refuse_uneven(self, topic: Topic) -> None:
        if topic.beside is None:
            return
        beside = full_name(self._namespace, self._lane, topic.beside)
        rows = self._db.execute("SELECT partitions FROM topics WHERE name=?", (beside,))
        if rows and rows[0][0] != topic.partitions:
            raise Misconfigured(
                f"topic {topic.name} has {topic.partitions} partitions; {topic.beside}, which it "
                f"stands beside, has {rows[0][0]}"
            )
