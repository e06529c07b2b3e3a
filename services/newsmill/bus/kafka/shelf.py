"""What a member has taken from its consumer and not delivered yet, and how far it is where.

The consumer hands out by count alone. So what it gives is shelved, a partition at a time: one whose
records still lie here is not asked for more, and a shelf never holds more than one helping of each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping

from newsmill.bus.base import Mark, Place, Record
from newsmill.bus.kafka.membership import Owned


class Shelf:
    """The records of one member that wait, in order within each partition."""

    def __init__(self) -> None:
        self._waiting: dict[Place, deque[Record]] = {}
        self._next: dict[Place, tuple[int, int]] = {}  # epoch, next position to deliver
        self._turn = 0
        self.reached: dict[Place, int] = {}  # the consumer's position, behind what waits
        self.held: dict[Place, float] = {}

    def holds(self, place: Place) -> bool:
        """Whether something of it waits."""
        return bool(self._waiting.get(place))

    def release(self, now: float) -> None:
        """End the holds whose time has come."""
        self.held = {place: until for place, until in self.held.items() if until > now}

    def put(self, place: Place, records: list[Record]) -> None:
        """Add what the consumer gave; it stands behind the last of them."""
        self._waiting.setdefault(place, deque()).extend(records)
        self.reached[place] = records[-1].next

    def take(self, max_records: int, max_bytes: int, skip: Collection[Place]) -> list[Record]:
        """A fair part of every partition, in turn, within the bounds of all together."""
        places = [
            place
            for place, waiting in self._waiting.items()
            if waiting and place not in skip and place not in self.held
        ]
        if not places:
            return []
        self._turn += 1
        first = self._turn % len(places)
        places = places[first:] + places[:first]
        records: list[Record] = []
        left = max_bytes
        for part in (len(places), 1):  # a share each, and then what is left to whoever has more
            for place in places:
                waiting = self._waiting[place]
                most = min(max(1, max_records // part), max_records - len(records))
                share = max(1, max_bytes // part)
                while waiting and most > 0 and share > 0:
                    size = waiting[0].size
                    if records and size > min(left, share):
                        break
                    record = waiting.popleft()
                    records.append(record)
                    left, share, most = left - size, share - size, most - 1
                    self._next[place] = (self._next[place][0], record.next)
        return records

    def follow(self, owned: Mapping[Place, Owned]) -> None:
        """Drop what is not ours any more, and begin what has become ours."""
        for place in self._next.keys() - owned.keys():
            self._forget(place)
        for place, mine in owned.items():
            if self._next.get(place, (None, 0))[0] != mine.epoch:
                self.go_to(place, mine.epoch, mine.position)

    def go_to(self, place: Place, epoch: int, position: int) -> None:
        """Deliver from there, and nothing of what waits."""
        self._forget(place)
        self._next[place] = (epoch, position)

    def check(self, place: Place, mark: Mark, owned: Owned | None) -> None:
        """Raise ValueError for a position that skips what was not delivered, or goes back."""
        if owned is None or owned.epoch != mark.epoch:
            return  # the step will be fenced
        epoch, reached = self._next.get(place, (None, 0))
        if epoch == mark.epoch and mark.position > reached:
            raise ValueError(f"{place}: position {mark.position} was not delivered yet")
        if mark.position < owned.position:
            raise ValueError(f"{place}: position {mark.position} is behind the committed one")

    def _forget(self, place: Place) -> None:
        forgotten: tuple[Callable[[Place, None], object], ...] = (
            self._next.pop,
            self.held.pop,
            self._waiting.pop,
            self.reached.pop,
        )
        for pop in forgotten:
            pop(place, None)
