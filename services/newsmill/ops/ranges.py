"""A set of whole numbers that come mostly in order: offsets counted, line numbers seen."""

from __future__ import annotations

from bisect import bisect_right


class Ranges:
    """Numbers as runs of neighbours: memory grows with the gaps, not with the numbers."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []  # the number after the last of each run

    def add(self, number: int) -> bool:
        """Put it in; False where it was in already."""
        ends = self._ends
        if ends and ends[-1] == number:
            ends[-1] = number + 1
            return True
        at = bisect_right(self._starts, number)
        if at and number < ends[at - 1]:
            return False
        joins_left = at > 0 and ends[at - 1] == number
        joins_right = at < len(ends) and self._starts[at] == number + 1
        if joins_left and joins_right:
            ends[at - 1] = ends.pop(at)
            del self._starts[at]
        elif joins_left:
            ends[at - 1] = number + 1
        elif joins_right:
            self._starts[at] = number
        else:
            self._starts.insert(at, number)
            ends.insert(at, number + 1)
        return True

    def add_run(self, start: int, end: int) -> bool:
        """Put ``start`` … ``end - 1`` in; False, and nothing done, where one may be in already."""
        ends = self._ends
        if ends and ends[-1] == start:
            ends[-1] = end
        elif not ends or ends[-1] < start:
            self._starts.append(start)
            ends.append(end)
        else:
            return False
        return True

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number)
        return at > 0 and number < self._ends[at - 1]

    def within(self, start: int, end: int) -> int:
        """How many of ``start`` … ``end - 1`` are in."""
        at = max(0, bisect_right(self._starts, start) - 1)
        total = 0
        while at < len(self._starts) and self._starts[at] < end:
            total += max(0, min(end, self._ends[at]) - max(start, self._starts[at]))
            at += 1
        return total

    @property
    def gaps(self) -> int:
        """How many numbers are missing between the first and the last."""
        if not self._starts:
            return 0
        held = sum(e - s for s, e in zip(self._starts, self._ends, strict=True))
        return self._ends[-1] - self._starts[0] - held

    @property
    def first(self) -> int | None:
        """The smallest; None where there is none."""
        return self._starts[0] if self._starts else None
