"""Many streams of log lines as one, in the order of time; each keeps its own order.

The time of a line is the latest that its stream has told so far: a clock that went back holds
nothing up, and what has no time stays with the line before it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from newsmill.ops.lines import OURS, Line


class _Stream:
    """A stream of batches: the one in hand, and how far it was given."""

    __slots__ = ("_batches", "at", "lines", "times")

    def __init__(self, batches: Iterator[list[Line]]) -> None:
        self._batches = batches
        self.lines: list[Line] = []
        self.times: list[str] = []  # by line, never falling
        self.at = 0

    def refill(self) -> bool:
        """Take the next batch if this one was given; False at the end."""
        while self.at >= len(self.lines):
            last = self.times[-1] if self.times else ""
            lines = next(self._batches, None)
            if lines is None:
                return False
            self.lines, self.at = lines, 0
            times = [line.ts for line in lines]
            if times and (times[0] < last or times != sorted(times)):
                times = list(accumulate(times, max, initial=last))[1:]
            self.times = times or [last]
        return True

    def until(self, time: str) -> list[Line]:
        """The lines up to a time, it included."""
        return self.lines[self.at : bisect_right(self.times, time, self.at)]


def in_order(streams: Sequence[Iterator[list[Line]]]) -> Iterator[list[Line]]:
    """The batches of all streams as batches in the order of time."""
    if len(streams) == 1:
        yield from streams[0]
        return
    open_ = [stream for stream in map(_Stream, streams) if stream.refill()]
    while open_:
        horizon = min(stream.times[-1] for stream in open_)
        lines: list[Line] = []
        times: list[str] = []
        for stream in open_:
            part = stream.until(horizon)
            lines += part
            times += stream.times[stream.at : stream.at + len(part)]
            stream.at += len(part)
        yield [lines[at] for at in sorted(range(len(lines)), key=times.__getitem__)]
        open_ = [stream for stream in open_ if stream.refill()]


def merged(streams: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    """The same for lines as they were written, torn and foreign ones among them."""
    heap: list[tuple[bytes, int, bytes]] = []
    for number, stream in enumerate(streams):
        for line in stream:
            heap.append((_time(line, b""), number, line))
            break
    heapq.heapify(heap)
    while heap:
        time, number, line = heap[0]
        yield line
        limit = min(heap[1:3])[:2] if len(heap) > 1 else None
        for line in streams[number]:
            time = _time(line, time)
            if limit is not None and (time, number) > limit:
                heapq.heapreplace(heap, (time, number, line))
                break
            yield line
        else:
            heapq.heappop(heap)


def _time(line: bytes, before: bytes) -> bytes:
    """The time that a line of ours states, and never less than that of the line before it."""
    if line.startswith(OURS):
        time = line[7:31]
    else:
        start = line.find(OURS)
        if start < 0:
            return before
        time = line[start + 7 : start + 31]
    return time if time > before else before
