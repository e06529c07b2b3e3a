"""Named crash points: with NEWSMILL_CRASH_AT=name[:n] set, the process dies there by SIGKILL."""

from __future__ import annotations

import os
import signal

_NAME, _, _count = os.environ.get("NEWSMILL_CRASH_AT", "").partition(":")
_left = int(_count or 1)


def point(name: str) -> None:
    """Die here, as by ``kill -9``, if this is the n-th passing of the point that was asked for."""
    if name == _NAME:
        _pass()


def _pass() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
