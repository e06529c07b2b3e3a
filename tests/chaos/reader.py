"""A reader beside the run: what it is shown while steps come and go must be what stays."""

from __future__ import annotations

import hashlib

from newsmill.bus.base import Bus, Record
from newsmill.topics import ARTICLES, DEAD, ENRICHED, Topic

SHOWN = (ARTICLES, ENRICHED, DEAD)

Row = tuple[int, bytes]  # position after it, digest of all it holds


def _row(record: Record) -> Row:
    held = repr((record.key, record.headers, record.value)).encode()
    return record.next, hashlib.blake2b(held, digest_size=16).digest()


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
        rows.extend(_row(record) for record in bus.scan(*place, start))

    def differences(self, bus: Bus) -> int:
        """Records read at the time that are not there now, at their place and as they were."""
        found = 0
        for place, rows in self._seen.items():
            stays = [_row(record) for record in bus.scan(*place)]
            after = {held for _, held in stays}
            shown = [held for _, held in rows]
            gone = sum(held not in after for held in shown)
            moved = shown != [held for _, held in stays[: len(rows)]]
            found += gone or moved
        return found
