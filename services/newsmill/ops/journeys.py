"""How long articles take from the feed to the store, by the lines at both ends.

What is on its way is kept by page id. Where that would be too much, pages are taken by chance, by
the digits of their own ids: the same ones in every reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from newsmill.ops.figures import Histogram
from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line, seconds_between

MOST = 100_000  # pages on their way that are kept
Arrival = Callable[[str, str], None]
"""Is told when an article was found, and when it was stored."""
_ENDS = frozenset({"refused", "dead", "filtered"})


class Journeys:
    """Listens to what counts; ``end_to_end`` are the journeys that came to their end."""

    def __init__(self, on_arrival: Arrival | None = None, most: int = MOST) -> None:
        self.end_to_end = Histogram()
        self.backwards_s = 0.0  # by how much an end was told before its start, at the most
        self._on_arrival = on_arrival
        self._most = most
        self._started: dict[tuple[str, str], str] = {}  # (lane, page) → when
        self._one_in = 1  # a power of 16

    def heard(self, ledger: Ledger, lines: list[Line]) -> None:
        """Lines of one stage that have come to count."""
        if ledger.stage == "producer":
            self._begin(lines)
        elif ledger.stage == "archiver":
            if ledger.store is None:
                self._end(lines)
        else:
            for line in lines:
                if line.outcome in _ENDS or (
                    line.outcome == "duplicate" and ledger.stage == "enricher"
                ):
                    self._started.pop((line.lane, line.page_id or ""), None)

    def _begin(self, lines: Iterable[Line]) -> None:
        started = self._started
        for line in lines:
            page = line.page_id
            if line.outcome == "published" and page is not None and self._is_chosen(page):
                started.setdefault((line.lane, page), line.ts)
        if len(started) > self._most:
            self._one_in *= 16
            self._started = {key: ts for key, ts in started.items() if self._is_chosen(key[1])}

    def _is_chosen(self, page: str) -> bool:
        if self._one_in == 1:
            return True
        digits = self._one_in.bit_length() // 4
        return page.endswith("0" * digits)

    def _end(self, lines: Iterable[Line]) -> None:
        for line in lines:
            start = self._started.pop((line.lane, line.page_id or ""), None)
            if start is None:
                continue
            took_s = seconds_between(start, line.ts)
            self.backwards_s = max(self.backwards_s, -took_s)
            self.end_to_end.add(max(0.0, took_s * 1000))
            if self._on_arrival is not None:
                self._on_arrival(start, line.ts)

    @property
    def share(self) -> float:
        """The share of pages that were followed."""
        return 1 / self._one_in
