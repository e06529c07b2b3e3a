"""The roles of blocks that are no prose, and where on a page they are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsmill.extractor.core.container import Layout
    from newsmill.extractor.core.sheet import Sheet

NONE, STANDFIRST, SIGNATURE, CAPTION, RELATED, BOX, EMBED, TABLE = range(8)
NAMES = ("none", "standfirst", "signature", "caption", "related", "box", "embed", "table")

BEFORE = 12  # blocks above the container where a page shows no headline


@dataclass(frozen=True, slots=True)
class Area:
    """The blocks from the headline to the end of the container, and the extent of each box."""

    first: int
    last: int
    headline: int | None  # the block that shows it
    container: int
    ends: list[int]  # of each box, the last one within it
    chars: list[int]  # prefix sums over blocks

    @classmethod
    def of(cls, sheet: Sheet, layout: Layout, headline: int | None) -> Area:
        """The area of a page whose container is chosen."""
        boxes = sheet.boxes
        ends = list(range(len(boxes)))
        for index in range(len(boxes) - 1, 0, -1):
            parent = boxes[index].parent
            if ends[index] > ends[parent]:
                ends[parent] = ends[index]
        home = boxes[layout.container]
        first = home.first
        if headline is None:
            first = max(0, first - BEFORE)
        elif headline < home.last:
            first = min(first, headline)
        return cls(first, home.last, headline, layout.container, ends, layout.chars)

    def is_around(self, box: int) -> bool:
        """Whether a box holds the container."""
        return box <= self.container <= self.ends[box]

    def holds(self, box: int, other: int) -> bool:
        """Whether one box is, or is within, another."""
        return box <= other <= self.ends[box]
