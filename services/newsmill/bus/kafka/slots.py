"""Stable slots of the members on one machine: the lowest that is free, by a lock the kernel frees.

On one machine alone: over several, say ``--slot`` (a StatefulSet's ordinal). The lock files lie in
the user's runtime directory, one folder a cluster and group.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from newsmill.errors import Misconfigured

MOST = 10_000


class Slot:
    """One slot, held while this lives. ``tend`` takes the lock of a slot that was taken over."""

    def __init__(self, cluster: str, group: str, wanted: int | None) -> None:
        self._folder = _folder(cluster, group)
        self._fd = -1
        if wanted is not None:
            self.number = wanted
            self._fd = self._lock(wanted)
            return
        for number in range(MOST):
            self._fd = self._lock(number)
            if self._fd >= 0:
                self.number = number
                return
        raise Misconfigured(f"group {group}: {MOST} slots are taken on this machine")

    def tend(self) -> None:
        """Hold the lock as soon as the predecessor lets go, so that nobody else takes the slot."""
        if self._fd < 0:
            self._fd = self._lock(self.number)

    def release(self) -> None:
        """Let the slot go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _lock(self, number: int) -> int:
        fd = os.open(self._folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return -1
        return fd


def _folder(cluster: str, group: str) -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    name = hashlib.blake2b(f"{cluster} {group}".encode(), digest_size=12).hexdigest()
    folder = Path(base, f"newsmill-slots-{os.getuid()}", name)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder.parent} is another user's")
    except OSError as error:
        raise Misconfigured(f"no place for the lock of a slot: {error}; say --slot") from None
    return folder
