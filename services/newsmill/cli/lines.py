"""The lines that filters read and write: JSON in, JSON out, and a line for each one that failed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from newsmill.errors import BadRecord, Misconfigured, TryLater

AHEAD = 256  # lines worked on before the first of them is written
_IDS = ("input_id", "id", "page_id")  # what a line is called; one that went on keeps its first
_ID = re.compile(rb'"(?:input_id|id|page_id)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)')


def check_files(paths: Iterable[Path]) -> None:
    """Raises Misconfigured for one that cannot be read, before any of them is begun."""
    for path in paths:
        try:
            path.open("rb").close()
        except OSError as error:
            raise Misconfigured(f"{path}: {error.strerror}") from None


def binary_lines(files: tuple[Path, ...]) -> Iterator[bytes]:
    """The lines of the files, or of standard input where there are none; blank ones are skipped."""
    check_files(files)
    if not files:
        yield from (line for line in sys.stdin.buffer if line.strip())
    for path in files:
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())


def write_line(line: bytes) -> None:
    """One line to standard output, at once: a filter is read by the next one as it goes."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def failed(line: bytes, error: BadRecord | TryLater) -> bytes:
    """The line that stands for one that failed."""
    if isinstance(error, BadRecord):
        why = {"reason": error.reason, "detail": error.detail}
    else:
        why = {"reason": "later", "detail": error.why}
    return orjson.dumps({"input_id": _input_id(line), "error": why})


def _input_id(line: bytes) -> str | int | None:
    """What the line is called; of one that is no JSON, what its start says."""
    try:
        fields = orjson.loads(line)
        named = [fields[name] for name in _IDS if isinstance(fields.get(name), str | int)]
        return named[0] if named else None
    except orjson.JSONDecodeError:
        found = _ID.search(line[:65536])
    except AttributeError:
        return None
    try:
        return orjson.loads(found[1]) if found else None
    except orjson.JSONDecodeError:  # broken inside its own name
        return None


def passed(line: bytes) -> bytes | None:
    """The line itself where it stands for one that failed before."""
    if b'"error"' not in line[:4096]:
        return None
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return (
        line.strip() if isinstance(fields, dict) and isinstance(fields.get("error"), dict) else None
    )
