"""How long a server asks us to wait: the Retry-After header, in all the forms that servers send."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime

SHORTEST_S = 1.0
LONGEST_S = 86_400.0
_MAX_TEXT = 64  # characters; no honest value is longer


def retry_after(values: Iterable[str], now: float) -> float | None:
    """Seconds to wait, within 1 s and 24 h, the longest of several; None where none can be read.

    ``now`` is the wall clock in seconds since 1970, against which a date counts (RFC 9110 §10.2.3).
    """
    waits = [wait for value in values if (wait := _seconds(value, now)) is not None]
    return min(LONGEST_S, max(SHORTEST_S, *waits)) if waits else None


def _seconds(value: str, now: float) -> float | None:
    text = value.strip()
    if not text or len(text) > _MAX_TEXT or "_" in text:
        return None
    try:
        seconds = float(text)  # "120", and "-1", "1e9", "2.5", which no standard allows
    except ValueError:
        return _until(text, now)
    return seconds if math.isfinite(seconds) else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp() - now
    except (ValueError, OverflowError, IndexError, TypeError):
        return None  # what the parser of mail dates raises on garbage has changed over the years
