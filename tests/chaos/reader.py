"""A reader beside the run: what it is shown while steps come and go must be what stays."""

from __future__ import annotations

from newsmill.bus.base import Bus
from newsmill.topics import ARTICLES, DEAD, ENRICHED, Topic

SHOWN = (ARTICLES, ENRICHED, DEAD)

Row = tuple[int, bytes | None]  # position after it, value


class Reader:
    """Follows every partition of what the stages write, one at a time, read committed.

    A record of a step that is undone later, a torn step, and one that grows in behind the reader
    all show as a difference between what was read at the time and what is read at the end.
    """

    def __init__(self) -> None:
        self._places = [(topic, n) for topic in SHOWN for n in range(topic.partitions)]
        self._turn = 0
        self._seen: dict[tuple[Topic, int], list[Row]] = {place: [] for place in self._places}

    @property
    def seen(self) -> int:
        """Records read while the run went on."""
        return sum(len(rows) for rows in self._seen.values())

    def look(self, bus: Bus) -> None:
        """Read on in the next partition."""
        place = self._places[self._turn % len(self._places)]
        self._turn += 1
        rows = self._seen[place]
        start = rows[-1][0] if rows else 0
        rows.extend((record.next, record.value) for record in bus.scan(*place, start))

    def differences(self, bus: Bus) -> int:
        """Records read at the time that are not there now, at their place and as they were."""
        found = 0
        for place, rows in self._seen.items():
            stays = [(record.next, record.value) for record in bus.scan(*place)]
            after = {value for _, value in stays}
            shown = [value for _, value in rows]
            gone = sum(value not in after for value in shown)
            moved = shown != [value for _, value in stays[: len(rows)]]
            found += gone or moved
        return found
