"""Listens to the standard error of every worker, and can stop listening to one for a while."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import threading
import time
from pathlib import Path

PIECE = 1 << 16


class Ears:
    """One thread that takes lines from pipes into files, one a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._deaf: dict[int, tuple[float, Path]] = {}  # pipes not listened to: until when
        self._end = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def pipe(self, name: str) -> tuple[int, int]:
        """The end to write to, for a process whose lines go to the file of that name; our end."""
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ours, False)
        with self._lock:
            self._selector.register(ours, selectors.EVENT_READ, self._folder / name)
        return theirs, ours

    def be_deaf(self, ours: int, seconds: float) -> None:
        """Leave a pipe unread for so long, and let it be full soon."""
        with self._lock, contextlib.suppress(KeyError, OSError):
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, 4096)
            file = self._selector.unregister(ours).data
            self._deaf[ours] = (time.monotonic() + seconds, file)

    def close(self) -> None:
        """Listen to the end of what is there, and no more."""
        with self._lock:
            self._deaf = {ours: (0.0, file) for ours, (_, file) in self._deaf.items()}
        self._end = True
        self._thread.join()

    def _listen(self) -> None:
        while True:
            ending = self._end
            with self._lock:
                now = time.monotonic()
                for ours in [each for each, (until, _) in self._deaf.items() if until <= now]:
                    _, file = self._deaf.pop(ours)
                    self._selector.register(ours, selectors.EVENT_READ, file)
            heard = False
            for key, _ in self._selector.select(0.1):
                heard = True
                self._take(key)
            if ending and not heard:
                return

    def _take(self, key: selectors.SelectorKey) -> None:
        try:
            piece = os.read(key.fd, PIECE)
        except BlockingIOError:
            return
        if piece:
            with key.data.open("ab") as file:
                file.write(piece)
            return
        with self._lock, contextlib.suppress(KeyError):
            self._selector.unregister(key.fd)
        os.close(key.fd)
