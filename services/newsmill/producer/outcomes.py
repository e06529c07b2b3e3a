"""What becomes of a poll: entries on their topic, and what the log says of them and of the feed."""

from __future__ import annotations

import hashlib
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from newsmill.bus.base import Output
from newsmill.process.steps import Result
from newsmill.producer.core import Answer, ParsedFeed
from newsmill.records import Entry, encode, traceparent
from newsmill.topics import ENTRIES
from newsmill.urls import domain_of, host_of
from newsmill.web.messages import Response

MAX_DATE = 64  # characters; no honest one is longer


def facts_of(entry: Entry) -> dict[str, Any]:
    """What the log line of an entry says of it."""
    return {
        "page_id": entry.page_id,
        "url": entry.url,
        "site": host_of(entry.url),
        "feed": entry.feed,
    }


def published(entry: Entry) -> Result:
    """The entry on its topic."""
    output = Output(
        topic=ENTRIES,
        key=entry.page_id.encode(),
        routing=domain_of(entry.url),
        value=encode(entry),
        headers=(("traceparent", traceparent(entry.page_id, "entries")),),
    )
    return Result(outcome="published", outputs=(output,), facts=facts_of(entry))


def left_out(feed: ParsedFeed) -> str | None:
    """What of a feed could not be used, in words; None where all could."""
    counts = (
        (feed.skipped, "entries without a link"),
        (feed.truncated, "entries past the cap"),
        (feed.dates_unparsed, "dates that could not be read"),
        (int(feed.broken), "document that is not well-formed"),
    )
    return ", ".join(f"{number} {what}" for number, what in counts if number) or None


def said_by(answer: Response) -> Answer:
    """What a response says beside its body."""
    return Answer(
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        body_hash=hashlib.blake2b(answer.body, digest_size=16).hexdigest(),
        max_age_s=max_age(answer.headers.get("cache-control")),
        moved_to=answer.moved_to,
        date=_epoch(answer.headers.get("date")),
    )


def _epoch(date: str | None) -> float | None:
    """A Date header in seconds since 1970; None where it is none."""
    if not date or len(date) > MAX_DATE:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):  # whatever a parser of mail raises
        return None


def max_age(cache_control: str | None) -> float | None:
    """The max-age of a Cache-Control header, seconds; None where it says none."""
    for part in (cache_control or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.strip('"').isdigit():
            return float(value.strip('"')[:9])
    return None
