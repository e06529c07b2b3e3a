"""Tells a service manager that waits for it (systemd) that a worker is ready, and that it turns."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from types import TracebackType

from newsmill.process.health import DEADLINE_S
from newsmill.process.life import Life

LOOK_S = 0.5  # how often a worker that is not ready yet is looked at
TELL_S = 10.0  # and one that is, where no watchdog asks for it more often


class Notify:
    """Speaks the protocol of sd_notify(3) while it is entered; silent where nobody listens."""

    def __init__(self, life: Life, environment: Mapping[str, str] = os.environ) -> None:
        self._life = life
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # one without a file
            self._address = f"\0{self._address[1:]}"
        watchdog = environment.get("WATCHDOG_USEC", "")
        self._tell_s = min(TELL_S, int(watchdog) / 3e6) if watchdog.isdecimal() else TELL_S
        self._end = threading.Event()

    def __enter__(self) -> Notify:
        if self._address:
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()

    def _watch(self) -> None:
        ready = stopping = False
        while not self._end.wait(self._tell_s if ready else min(LOOK_S, self._tell_s)):
            if self._life.ready and not ready:
                ready = self._tell("READY=1")
            if self._life.stopping and not stopping:
                stopping = self._tell("STOPPING=1")
            if ready and time.monotonic() - self._life.last_turn < DEADLINE_S:
                self._tell("WATCHDOG=1")

    def _tell(self, what: str) -> bool:
        """Whether it was said; a manager that is away or full hears it the next time."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.setblocking(False)
            line.sendto(what.encode(), self._address)
            return True
        return False
