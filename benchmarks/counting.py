"""What a call allocates, as counts that are the same on every run: no clock is in them.

What C libraries hold outside Python (a parsed tree) is in neither figure.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple


class Counts(NamedTuple):
    """Of one call: its memory at the most, and what it leaves to the cyclic collector."""

    peak_kib: float  # of Python's own allocations above those of the start
    left: int  # blocks that are not freed when its result is dropped
    cyclic: int  # objects that only the collector can free


def count(call: Callable[[], Any]) -> Counts:
    """Run ``call`` twice, so that caches are filled, and count the second time.

    An exception of the call is its own matter: give one that answers.
    """
    call()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        blocks = sys.getallocatedblocks()
        call()
        left = sys.getallocatedblocks() - blocks
        peak = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()
        gc.enable()
    return Counts(peak / 1024, max(0, left), gc.collect())
