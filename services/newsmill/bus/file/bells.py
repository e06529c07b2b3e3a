"""Bells: one small file a topic or group, touched after a commit, so that readers wake at once.

A bell is a hint, never the truth: a writer killed between its commit and the bell loses one ring,
so nobody waits for one without a timeout.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import time
from collections.abc import Iterable
from pathlib import Path

POLL_S = 0.05  # where inotify is missing
_IN_MODIFY = 0x2
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


def _libc() -> ctypes.CDLL | None:
    with contextlib.suppress(OSError):
        libc = ctypes.CDLL(None, use_errno=True)
        if hasattr(libc, "inotify_init1"):
            return libc
    return None


_LIBC = _libc()


class Bells:
    """Rings the bells of one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fds: dict[str, int] = {}

    def ring(self, name: str) -> None:
        """Wake whoever listens; a bell that cannot be rung costs the listener its timeout."""
        fd = self._fds.get(name)
        with contextlib.suppress(OSError):
            if fd is None:
                path = self._directory / name
                fd = self._fds[name] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.pwrite(fd, b"!", 0)

    def close(self) -> None:
        """Let go of the bells."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()


class Ear:
    """Waits until one of some bells is rung."""

    def __init__(self, directory: Path, names: Iterable[str]) -> None:
        self._fd = -1
        if _LIBC is not None:
            self._fd = _LIBC.inotify_init1(_FLAGS)  # -1 where the user has no instance left
        for name in names if self._fd >= 0 else ():
            path = directory / name
            path.touch()
            if _LIBC is not None and _LIBC.inotify_add_watch(self._fd, bytes(path), _IN_MODIFY) < 0:
                self.close()
                break

    def wait(self, timeout_s: float) -> bool:
        """Whether a bell rang in time; where that cannot be known, a short sleep and True."""
        if self._fd < 0:
            time.sleep(min(timeout_s, POLL_S))
            return True
        ready, _, _ = select.select([self._fd], [], [], timeout_s)
        if not ready:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, 65536)
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
