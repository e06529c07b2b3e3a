"""A disk that is small enough to be filled: a real file system of a few megabytes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system; somebody else's file takes what room is to be taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._other = folder / "somebody-elses"

    @property
    def free(self) -> int:
        """Bytes that are free."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Take all of the room, but for so many bytes."""
        with self._other.open("ab") as file, contextlib.suppress(OSError):
            while self.free > leave:
                file.write(bytes(min(1 << 16, max(4096, self.free - leave))))
                file.flush()

    def empty(self) -> None:
        """Give back what was taken."""
        self._other.unlink(missing_ok=True)

    def grow(self, megabytes: int) -> None:
        """Make it a larger one."""
        size = f"remount,size={megabytes}m"
        subprocess.run(["mount", "-o", size, self.folder], check=True)


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Mount one in a folder that everybody may enter; skips the test where we may not."""
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("no mount here: no small disk to be filled")
    with tempfile.TemporaryDirectory(prefix="newsmill-disk-") as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "disk"
        folder.mkdir()
        size = f"size={megabytes}m"
        done = subprocess.run(
            [mount, "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no small disk to be filled: {done.stderr.decode().strip()}")
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
