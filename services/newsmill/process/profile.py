"""A profile of a worker that runs: the first SIGUSR2 starts it, the second one writes it."""

from __future__ import annotations

import contextlib
import cProfile
import os
from pathlib import Path


class Profiler:
    """Profiles the thread that toggles it, which is the loop's: signals come in the main thread."""

    def __init__(self) -> None:
        self._profile: cProfile.Profile | None = None
        self.directory = Path()

    def toggle(self) -> None:
        """Start, or stop and write ``profile-PID.prof``, which ``python -m pstats`` reads."""
        if self._profile is None:
            self._profile = cProfile.Profile()
            self._profile.enable()
            return
        self._profile.disable()
        with contextlib.suppress(OSError):  # no room for it: the worker goes on
            self.directory.mkdir(parents=True, exist_ok=True)
            self._profile.dump_stats(self.directory / f"profile-{os.getpid()}.prof")
        self._profile = None
