"""A profile of a worker that runs: the first SIGUSR2 starts it, the second one writes it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from newsmill.process.flame import Sampler, Stack, draw, folded

CHILD_START, CHILD_STOP = signal.SIGUSR2, signal.SIGUSR1  # to children; each may come twice


class Profiler:
    """Profiles the thread that toggles it, which is the loop's: signals come in the main thread.

    What waits costs nothing here: time is CPU time, and samples come with it. ``followers`` are
    told to start and stop as well, by the signal that their own profilers take.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._sampler: Sampler | None = None
        self.directory = directory or Path()
        self.followers: list[Callable[[int], None]] = []

    def toggle(self) -> None:
        """Start, or stop and write ``profile-PID.svg``, a flame graph, and its stacks beside it."""
        if self._sampler is None:
            self._tell(CHILD_START)
            self.start()
        else:
            self._tell(CHILD_STOP)
            self.stop()

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._sampler is None:
            self._sampler = Sampler()
            self._sampler.start()

    def stop(self) -> None:
        """End and write, if it has begun."""
        if self._sampler is None:
            return
        stacks, self._sampler = self._sampler.stop(), None
        with contextlib.suppress(OSError):  # no room for it: the worker goes on
            write(stacks, self.directory / f"profile-{os.getpid()}.svg", f"process {os.getpid()}")

    def obey(self) -> None:
        """Take the signals that a parent's profiler sends its followers, blocked so far."""
        signal.signal(CHILD_START, lambda *_: self.start())
        signal.signal(CHILD_STOP, lambda *_: self.stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {CHILD_START, CHILD_STOP})

    def _tell(self, number: int) -> None:
        for follower in self.followers:
            follower(number)


def write(stacks: Mapping[Stack, float], path: Path, title: str) -> None:
    """Write the graph, and the stacks as text under the same name with ``.folded``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(stacks, title))
    path.with_suffix(".folded").write_text(folded(stacks))
