"""What the children of these tests do with a task: answer, or misbehave as its first frame says."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

from newsmill.errors import BadRecord


def handle(frames: list[bytes]) -> list[bytes]:
    what = frames[0].decode()
    if what == "hang":
        time.sleep(600)
    elif what == "bomb":
        hoard = []
        while True:
            hoard.append(bytearray(16 << 20))
    elif what == "segfault":
        ctypes.string_at(0)
    elif what == "exit":
        os._exit(3)
    elif what == "deep":
        return _deeper(0)
    elif what == "bad":
        raise BadRecord("unparsable", "no sense in it \udc80")
    elif what == "bug":
        raise ValueError("a slip of ours")
    elif what == "talk":
        sys.stdout.write("data?\n")
        sys.stdout.flush()
        os.write(2, b"warning?\n")
    elif what == "large":
        return [b"x" * (20 << 20)]
    elif what == "too large":
        return [b"x" * (70 << 20)]
    elif what == "stop in the middle":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "slow":
        time.sleep(0.3)
    return [b"done", *frames]


def _deeper(depth: int) -> list[bytes]:
    return _deeper(depth + 1)
