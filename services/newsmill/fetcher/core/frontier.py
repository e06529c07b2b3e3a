"""The frontier: what is still to fetch, in a queue per domain, one fetch of a domain at a time.

Pure: moments are seconds of the caller's monotonic clock. A slow, banned or hot domain waits in its
own queue and delays nobody.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import orjson

from newsmill.errors import BadRecord


@dataclass(slots=True, kw_only=True)
class Item:
    """A page to fetch: the entry's own bytes, and where in the log it came from."""

    page_id: str
    url: str
    domain: str
    partition: int
    offset: int
    entry: bytes
    attempts: int = 0
    due: float = 0.0
    newer: Item | None = None  # a later entry of the page, which came while it was being fetched

    @property
    def key(self) -> bytes:
        """The key of its state."""
        return f"{self.domain} {self.page_id}".encode()


@dataclass(slots=True)
class _Queue:
    waiting: list[tuple[float, int, Item]] = field(
        default_factory=list
    )  # a heap, by due and offset
    busy: bool = False


@dataclass(frozen=True, slots=True)
class _Stored:
    url: str
    offset: int
    attempts: int
    due: float  # seconds since 1970: it survives the process
    entry: msgspec.Raw
    newer: _Stored | None = None


_STORED = msgspec.json.Decoder(_Stored)


def stored(item: Item, due_at: float) -> bytes:
    """The item's state; ``due_at`` is its moment in seconds since 1970."""
    return orjson.dumps(_fields(item, due_at))


def _fields(item: Item, due_at: float) -> dict[str, object]:
    fields: dict[str, object] = {
        "url": item.url,
        "offset": item.offset,
        "attempts": item.attempts,
        "due": due_at,
        "entry": orjson.Fragment(item.entry),
    }
    if item.newer is not None:
        fields["newer"] = _fields(item.newer, due_at)
    return fields


def restored(partition: int, key: bytes, value: bytes) -> tuple[Item, float]:
    """The item of a state record, and its moment in seconds since 1970. Raises BadRecord."""
    try:
        kept = _STORED.decode(value)
        domain, page_id = key.decode().split(" ")
    except (msgspec.DecodeError, ValueError) as error:
        raise BadRecord("decode", f"frontier: {error}") from None

    def item_of(kept: _Stored) -> Item:
        return Item(
            page_id=page_id,
            url=kept.url,
            domain=domain,
            partition=partition,
            offset=kept.offset,
            entry=bytes(kept.entry),
            attempts=kept.attempts,
            newer=None if kept.newer is None else item_of(kept.newer),
        )

    return item_of(kept), kept.due


class Frontier:
    """The items of the partitions that a fetcher owns."""

    def __init__(self, per_domain: int) -> None:
        self._per_domain = per_domain
        self._queues: dict[str, _Queue] = {}
        self._items: dict[bytes, Item] = {}
        self._ready: list[tuple[float, str]] = []  # a heap of moments at which to look at a domain

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: bytes) -> Item | None:
        """The item of a key, waiting or being fetched."""
        return self._items.get(key)

    def is_full(self, domain: str) -> bool:
        """Whether the domain has as many waiting as it may."""
        queue = self._queues.get(domain)
        return queue is not None and len(queue.waiting) >= self._per_domain

    def add(self, item: Item) -> None:
        """Let it wait for its moment."""
        self._items[item.key] = item
        queue = self._queues.setdefault(item.domain, _Queue())
        heapq.heappush(queue.waiting, (item.due, item.offset, item))
        if not queue.busy:
            heapq.heappush(self._ready, (item.due, item.domain))

    def take(self, now: float, most: int, allowed: Callable[[str], float]) -> Iterator[Item]:
        """The items to fetch now, at most so many; ``allowed`` is when a domain may be asked.

        A domain whose item was taken is busy until ``release``.
        """
        while most > 0 and self._ready and self._ready[0][0] <= now:
            _, domain = heapq.heappop(self._ready)
            queue = self._queues.get(domain)
            if queue is None or queue.busy:
                continue
            if not queue.waiting:
                del self._queues[domain]
                continue
            moment = max(queue.waiting[0][0], allowed(domain))
            if moment > now:
                heapq.heappush(self._ready, (moment, domain))
                continue
            _, _, item = heapq.heappop(queue.waiting)
            if self._items.get(item.key) is not item:  # it was removed meanwhile
                heapq.heappush(self._ready, (now, domain))
                continue
            queue.busy = True
            most -= 1
            yield item

    def release(self, domain: str) -> None:
        """The domain's fetch has ended: its next item may go when it is allowed."""
        queue = self._queues.get(domain)
        if queue is None:
            return
        queue.busy = False
        if queue.waiting:
            heapq.heappush(self._ready, (queue.waiting[0][0], domain))
        else:
            del self._queues[domain]

    def remove(self, item: Item) -> None:
        """It is done; a newer entry of the page takes its place."""
        if self._items.get(item.key) is item:
            del self._items[item.key]
            if item.newer is not None:
                self.add(item.newer)

    def forget(self, partition: int) -> None:
        """Drop everything of a partition; what is being fetched is told by ``get`` to be stale."""
        for key, item in list(self._items.items()):
            if item.partition == partition:
                del self._items[key]
        for domain, queue in list(self._queues.items()):
            queue.waiting = [one for one in queue.waiting if one[2].partition != partition]
            heapq.heapify(queue.waiting)
            if not queue.waiting and not queue.busy:
                del self._queues[domain]

    def due_within(self, moment: float, allowed: Callable[[str], float]) -> int:
        """How many items wait for a moment up to this one, as far as their domain is allowed."""
        return sum(
            due <= moment and allowed(domain) <= moment
            for domain, queue in self._queues.items()
            for due, _, _ in queue.waiting
        )
