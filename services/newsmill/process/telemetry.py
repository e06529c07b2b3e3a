"""The log: JSON lines on standard error (plain lines on a terminal), and in a rotated file.

Logs are the monitoring interface, so a log call never raises, never blocks for ever, and never
writes what it must not: values are capped, secrets in URLs masked, control characters escaped.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from newsmill import __version__
from newsmill.process.events import COMMON, EVENTS, Event, Level

MAX_VALUE = 512  # characters of one untrusted string
ROTATE_BYTES = 64 << 20
KEEP_FILES = 5
WRITE_DEADLINE_S = 5.0  # a reader of our standard error that takes nothing for so long loses lines
LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_SECRET = re.compile(r"([?&;](?:[^=&;]*(?:token|key|sig|auth|pass|secret)[^=&;]*)=)[^&;#\s]*", re.I)
_USERINFO = re.compile(r"(://)[^/@\s]+@")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean(value: str) -> str:
    """The string without secrets, control or bidi characters, capped."""
    if len(value) > MAX_VALUE:
        value = f"{value[:MAX_VALUE]}…+{len(value) - MAX_VALUE}"
    if "://" in value:
        value = _USERINFO.sub(r"\1***@", _SECRET.sub(r"\1***", value))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {clean(str(key)): _safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_safe(item) for item in value]
    return value


class Telemetry:
    """The log of one process. Lines of records are buffered until ``flush``; all others go at once."""

    def __init__(
        self,
        service: str,
        *,
        lane: str = "live",
        slot: int = 0,
        level: Level = "info",
        directory: Path | None = None,
        human: bool | None = None,
        fd: int = 2,
    ) -> None:
        self.service = service
        self.run = f"{time.time_ns() // 1_000_000:x}-{os.getpid():x}"
        self.level: Level = level
        self._usual: Level = level
        self._human = os.isatty(fd) if human is None else human
        self._fd = fd
        self._seq = 0
        self._lost = 0
        self._buffer: list[bytes] = []
        self._common: dict[str, Any] = {
            "service": service,
            "slot": slot,
            "lane": lane,
            "ver": __version__,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "run": self.run,
        }
        self._file = _RotatedFile(directory / f"{service}-{slot}.jsonl") if directory else None

    def at_slot(self, slot: int, directory: Path | None = None) -> None:
        """Take the slot that the bus gave; a log file is named by it."""
        self._common["slot"] = slot
        if directory is not None:
            self._file = _RotatedFile(directory / f"{self.service}-{slot}.jsonl")

    def toggle_debug(self) -> None:
        """Switch between debug and the usual level."""
        self.level = self._usual if self.level == "debug" else "debug"

    def event(self, event: Event, *, level: Level | None = None, **fields: Any) -> None:
        """Write one line now."""
        self.add(event, level=level, **fields)
        self.flush()

    def add(self, event: Event, *, level: Level | None = None, **fields: Any) -> None:
        """Add one line to the buffer, which the next ``flush`` or ``event`` writes."""
        level = level or EVENTS[event].level
        if LEVELS[level] < LEVELS[self.level]:
            return
        self._seq += 1
        now = datetime.now(UTC)
        line = {
            "ts": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
            "level": level,
            "event": event,
            **self._common,
            "seq": self._seq,
        }
        for name, value in fields.items():
            if value is not None:
                line[name] = _safe(value)
        self._buffer.append(orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS) + b"\n")

    def flush(self) -> None:
        """Write what is buffered."""
        if not self._buffer:
            return
        lines, self._buffer = self._buffer, []
        data = b"".join(lines)
        if self._file is not None:
            self._file.write(data)
        if self._human:
            data = b"".join(map(for_people, lines))
        self._write(data)

    def _write(self, data: bytes) -> None:
        """Write to standard error; a reader that is gone or takes nothing costs lines, not the worker."""
        view = memoryview(data)
        try:
            while view:
                _, ready, _ = select.select([], [self._fd], [], WRITE_DEADLINE_S)
                if not ready:
                    self._lost += 1
                    return
                view = view[os.write(self._fd, view[: select.PIPE_BUF]) :]
        except (OSError, ValueError):
            self._lost += 1

    def close(self) -> None:
        """Write what is buffered and let the file go."""
        self.flush()
        if self._file is not None:
            self._file.close()


class _RotatedFile:
    """A log file that never grows past ROTATE_BYTES; the older ones are .1, .2, …"""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append; a full disk costs lines, not the worker."""
        with contextlib.suppress(OSError):
            if self._file.tell() + len(data) > ROTATE_BYTES:
                self._rotate()
            self._file.write(data)

    def _rotate(self) -> None:
        self._file.close()
        for number in range(KEEP_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._path.open("ab", buffering=0)

    def close(self) -> None:
        """Close it."""
        self._file.close()


_COLOURS = {"debug": "2", "info": "0", "warning": "33", "error": "31"}


def for_people(line: bytes) -> bytes:
    """A log line as a person reads it: time, service, event, facts."""
    try:
        fields: dict[str, Any] = orjson.loads(line)
        text = "  ".join(
            f"{name}={value if not isinstance(value, (dict, list)) else orjson.dumps(value).decode()}"
            for name, value in fields.items()
            if name not in COMMON
        )
        head = f"{fields['ts'][11:23]} {fields['service']:<9} {fields['event']:<18}"
        colour = _COLOURS.get(fields["level"], "0")
        return f"\x1b[{colour}m{head} {text}\x1b[0m\n".encode("utf-8", "replace")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return line


def stderr_is_terminal() -> bool:
    """Whether a person reads standard error."""
    return sys.stderr.isatty()
