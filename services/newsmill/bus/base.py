"""The bus: partitioned topics, consumer groups, and one atomic step. The contract.

In prose, then in types.

**Records.** A topic has a fixed number of partitions; within one, records have growing offsets
(which may have holes: a transport's own markers take offsets too). A record carries ``next``, the
position that follows it: use that, never ``offset + 1``. A *position* names the record to be read
next.

**Groups.** Members of a group share the partitions of the streams that it reads, each partition
owned by at most one member at a time; a group that never committed starts at the log's start. What
a member owns changes only inside its own ``poll`` (and after a ``Fenced`` step); ``assignment``
tells it, with an *epoch* per partition that grows at every change of owner. A state topic may be
joined over too: its partitions are shared, and nothing is delivered from them.

**The step.** ``commit`` makes outputs, state and positions visible whole or not at all, and only
while the caller still owns every partition it names, under the epoch that it names. A member that
lost a partition (stopped, cut off, killed, replaced) can commit nothing for it, a step without
positions moved included: a step names every partition whose state it touches, with its unchanged
position where nothing was read. Outputs appear in the order given. A member whose own place was
taken (same slot, started again) can commit nothing at all.

**State.** A state record lives in the same partition number as the stream it stands beside, is
owned with it, and is read back by ``restore`` after an assignment: exactly what the committed steps
before left. An empty value is a value; None is a removal.

**Holding.** ``hold`` stops delivery from one partition until a moment of the monotonic clock; what
was delivered before stays with the caller. Membership goes on as long as ``poll`` is called at
least every ``LEASE_S`` seconds.

**Failure.** A step that raises has no effect, except ``BusUnknown``: nobody can tell how it ended,
and the process must exit and start again. After ``Fenced`` the caller drops all it holds of the
partitions that it lost, caches included, and polls on. Errors that a person must mend are
``Misconfigured``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from newsmill.errors import Misconfigured, NewsmillError
from newsmill.topics import Topic

LEASE_S = 10.0  # a member that has not polled for this long may lose its partitions
MAX_RECORDS = 500  # of one poll, unless asked otherwise
MAX_POLL_BYTES = 16 << 20

Headers = tuple[tuple[str, bytes], ...]


class Fenced(NewsmillError):
    """The step was refused: a partition of it is another's, or the caller's own place was taken."""


class OutOfRange(NewsmillError):
    """Retention dropped what the group has not read; names group, partition and both offsets."""


class BusFull(NewsmillError):
    """No room for the step now (disk or cap): stop taking work, try the same step again later."""


class DiskLow(BusFull):
    """Free disk is short: steps that only add are refused, so that those that drain find room."""

    def __init__(self, why: str, free_bytes: int, limit: int) -> None:
        super().__init__(why)
        self.free_bytes = free_bytes
        self.limit = limit


class BusUnknown(NewsmillError):
    """How a step ended cannot be told: exit, start again, and read the positions back."""


class BusAway(Misconfigured):
    """Nobody answers where the bus should be: it may come back, and a worker asks again."""


class RecordTooLarge(NewsmillError):
    """An output's value is larger than its topic takes; nothing of the step was written."""

    def __init__(self, topic: str, size: int, limit: int, index: int) -> None:
        super().__init__(f"{topic}: a value of {size} bytes; at most {limit}")
        self.index = index  # of the output in the step


class Place(NamedTuple):
    """A partition of a topic (short name)."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Record:
    """A record as delivered."""

    topic: str
    partition: int
    offset: int
    next: int  # the position that follows it
    key: bytes
    value: bytes | None
    headers: Headers
    timestamp_ms: int  # when it was written, by the writer's wall clock: for lag, never for order

    @property
    def place(self) -> Place:
        """Where it was read."""
        return Place(self.topic, self.partition)

    @property
    def size(self) -> int:
        """Bytes it holds in memory, near enough."""
        return len(self.key) + len(self.value or b"") + sum(len(v) for _, v in self.headers)

    def header(self, name: str) -> bytes | None:
        """The value of the first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A record to be written to a stream or a configuration topic.

    Its partition is that of ``routing``, or ``partition`` where the caller must say it (dead
    letters keep the number of their origin, modulo the count).
    """

    topic: Topic
    key: bytes
    value: bytes | None
    headers: Headers = ()
    routing: str | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The new value of one key of a state topic; None removes it."""

    topic: Topic
    partition: int
    key: bytes
    value: bytes | None


class Mark(NamedTuple):
    """How far a step takes a partition: the position after the finished prefix, and the epoch."""

    position: int
    epoch: int

    def same_epoch(self, other: Mark | None) -> bool:
        """Whether the other is of the same assignment; None is of none."""
        return other is not None and self.epoch == other.epoch


class Burst(NamedTuple):
    """When a step is due on a transport: at so many records, bytes or seconds, what is first."""

    records: int
    bytes: int
    wait_s: float


class Member(Protocol):
    """One member of a consumer group. Not thread-safe: one thread owns it."""

    @property
    def slot(self) -> int:
        """The stable number of this member within its group."""

    @property
    def identity(self) -> str:
        """Names the log that it reads, as ``Bus.identity`` does."""

    @property
    def assignment(self) -> Mapping[Place, Mark]:
        """What this member owns, with the committed position and the epoch of each."""

    def poll(
        self,
        timeout_s: float,
        *,
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_POLL_BYTES,
        skip: Collection[Place] = (),
    ) -> list[Record]:
        """The next records of the owned partitions, in order within each, none of ``skip``.

        Waits up to ``timeout_s`` for the first one. At most ``max_records``, and at most
        ``max_bytes`` unless a single record is larger. Every record is delivered once an epoch.
        Raises OutOfRange, and Fenced when its own place was taken or its group dropped.
        """

    def commit(
        self,
        outputs: Sequence[Output],
        state: Sequence[Change],
        positions: Mapping[Place, Mark],
        *,
        adds: bool = False,
    ) -> None:
        """One step, whole or not at all.

        ``adds``: the outputs are not made of the records that the positions pass, so the step
        takes room where one that drains a stream gives it. It is refused where room is short.
        Raises Fenced, BusFull, BusUnknown, RecordTooLarge.
        """

    def rewind(self, place: Place, mark: Mark) -> None:
        """Go back: commit a position before the present one, and deliver from there again.

        For a store that is behind the bus, before anything of the partition was worked on. A
        position that retention has passed becomes the log's start. Raises Fenced.
        """

    def hold(self, place: Place, until: float) -> None:
        """Deliver nothing from ``place`` before ``time.monotonic()`` reaches ``until``."""

    def restore(self, topic: Topic, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """Every key and value of a partition of state that this member owns, each key once."""

    def recall(self, topic: Topic, partition: int, key: bytes) -> bytes | None:
        """One value of such a partition, as the committed steps left it; None where it has none.

        For a state that may be too large to be restored: where the transport can look a key up,
        nothing is held of it in memory; else it is read at the first call after an assignment.
        Raises Fenced, and TryLater where it cannot be read now.
        """

    def leave(self) -> None:
        """Give all partitions up at once, so that others take them without waiting for a lease."""


class Follower(Protocol):
    """A reader of a whole configuration topic."""

    def poll(self) -> list[Record]:
        """What was written since the last call (at first: the latest value of every key).

        A value of None removes the key. Never waits.
        """

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is in one partition."""

    group: str
    place: Place
    position: int  # committed; the log's start where the group never committed
    end: int  # read-committed
    waiting: int  # records between the two
    oldest_ms: int | None  # timestamp of the first waiting one
    owner: str | None  # "slot N", where some live member owns it


@dataclass(frozen=True, slots=True)
class Described:
    """One topic as it is on the bus."""

    topic: str
    kind: str
    partitions: int
    records: int
    bytes: int


class Bus(Protocol):
    """One lane of a bus, as opened by ``bus.connect``.

    ``on_notice`` is told what a person should know and no caller can mend: ``damaged`` (a record
    was set aside, with its place) and ``killed`` (a process stopped inside a step, with its pid).
    """

    on_notice: Callable[[str, dict[str, Any]], None] | None

    @property
    def identity(self) -> str:
        """Names this very log: another one, or the same made anew, has another name.

        Stores keep it beside their positions, so that positions of one log never skip another's.
        """

    @property
    def burst(self) -> Burst:
        """The size of step that is cheap here."""

    def create(self) -> list[str]:
        """Make the lane's topics that are missing; says which.

        Raises Misconfigured where one is there with another number of partitions.
        """

    def join(self, group: str, topics: Sequence[Topic], *, slot: int | None = None) -> Member:
        """Become a member of ``group`` (short name) over streams or state topics.

        No topics at all is a group that only publishes. ``slot`` None takes the lowest free one;
        a slot that another process holds is taken from it, and that one is fenced.
        """

    def follow(self, topic: Topic) -> Follower:
        """Read a configuration topic whole, and then as it grows."""

    def scan(self, topic: Topic, partition: int, start: int = 0) -> Iterator[Record]:
        """Read a partition from ``start`` to its present end, outside any group."""

    def span(self, topic: Topic, partition: int) -> tuple[int, int]:
        """Where a partition begins and ends now, read-committed; (0, 0) where there is none."""

    def since(self, topic: Topic, partition: int, moment_ms: int) -> int:
        """The first offset of a record that was written then or later; the end where none was.

        By the clocks of those who wrote, so near enough for people, and for nothing else.
        """

    def read_state(self, topic: Topic) -> Iterator[tuple[bytes, bytes]]:
        """Every committed key and value of a state topic, outside any group: for people."""

    def lag(self, groups: Iterable[str] | None = None) -> list[Lag]:
        """How far the named groups are (all that ever joined, where None)."""

    def drop_group(self, group: str) -> None:
        """Forget an abandoned group, so that retention no longer keeps anything for it."""

    def drop_lane(self) -> None:
        """Remove the lane's topics, state and groups."""

    def lanes(self) -> list[str]:
        """The names of all lanes of this bus, this one included where it was made."""

    def describe(self) -> list[Described]:
        """What the lane's topics hold."""

    def close(self) -> None:
        """Let go of it."""
