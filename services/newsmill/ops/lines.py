"""A log line as the readers of logs see it: the fields that counting needs, checked when read.

Log lines come from files that a crash may have torn and from streams where other programs write
too, so what is none of ours is told apart and counted, never an error.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

OURS: Final = (
    b'{"ts":"'  # how every line of ours begins; before it a collector may have put its own
)
_WRAPPED: Final = b'{\\"ts\\":\\"'


class Line(msgspec.Struct, gc=False):
    """A line of the log; what a line does not carry is None.

    Fields stand in the order in which lines carry them, which is what makes decoding quick.
    """

    ts: str
    event: str
    service: str
    run: str
    seq: int
    slot: int = 0
    lane: str = "live"
    ver: str = ""
    host: str = ""
    stage: str | None = None
    topic: str | None = None
    partition: int | None = None
    step: int | None = None
    offset: int | None = None
    outcome: str | None = None
    reason: str | None = None
    detail: str | None = None
    age_ms: float | None = None
    page_id: str | None = None
    article_id: str | None = None
    url: str | None = None
    site: str | None = None
    feed: str | None = None
    status: int | None = None
    tier: str | None = None
    chars: int | None = None
    missing: list[str] | None = None
    store: str | None = None
    positions: dict[str, int] | None = None
    steps: dict[str, Any] | None = None
    records: int | None = None
    taken: int | None = None
    took_ms: float | None = None
    log: str | None = None
    done: int | None = None
    fresh: int | None = None
    next_s: float | None = None
    why: str | None = None
    what: str | None = None
    lost: int | None = None
    rss_mb: float | None = None
    cpu_s: float | None = None
    uptime_s: float | None = None
    waiting: int | None = None
    idle: bool | None = None
    exit_code: int | None = None


_decoder = msgspec.json.Decoder(Line)
_decode = _decoder.decode


def parse(raw: bytes) -> Line | None:
    """The line, or None where it is torn or another program's.

    A line may stand behind what a collector wrote before it, behind the torn start of another, or
    as a string in the JSON of a collector (Docker's files, ``journalctl -o json``).
    """
    start = 0 if raw.startswith(OURS) else raw.find(OURS)
    while start >= 0:
        try:
            return _decode(raw[start:] if start else raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            start = raw.find(OURS, start + 1)
    return parse(inner) if _WRAPPED in raw and (inner := _unwrap(raw)) is not None else None


def _unwrap(raw: bytes) -> bytes | None:
    """The line of ours that another program's JSON holds; None where there is none."""
    try:
        outer = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    values = outer.values() if isinstance(outer, dict) else ()
    texts = (value.encode() for value in values if isinstance(value, str))
    return next((text for text in texts if text.startswith(OURS)), None)


def parse_all(block: bytes) -> tuple[list[Line], int]:
    """The lines of a block of whole lines, and how many were torn or another program's."""
    try:
        return _decoder.decode_lines(block), 0
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # something in it is none of ours, or stands behind what a collector wrote
    raws = [raw for raw in block.split(b"\n") if raw and not raw.isspace()]
    found = [line for raw in raws if (line := parse(raw)) is not None]
    return found, len(raws) - len(found)


def moment(ts: str) -> datetime | None:
    """The time of a line, or None where it is none."""
    try:
        found = datetime.fromisoformat(ts)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds_between(first: str, last: str) -> float:
    """Seconds from one time of a line to another; 0 where either is no time."""
    start, end = moment(first), moment(last)
    return (end - start).total_seconds() if start and end else 0.0
