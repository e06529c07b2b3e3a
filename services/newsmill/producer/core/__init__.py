"""Pure: feed bytes to entries, what was seen, when to poll next."""

from __future__ import annotations

from newsmill.producer.core.items import ParsedFeed
from newsmill.producer.core.opml import read_opml, write_opml
from newsmill.producer.core.parse import parse
from newsmill.producer.core.schedule import Limits
from newsmill.producer.core.state import (
    Answer,
    FeedState,
    Poll,
    after_answer,
    after_failure,
    after_unchanged,
    decode_state,
    encode_state,
)

__all__ = [
    "Answer",
    "FeedState",
    "Limits",
    "ParsedFeed",
    "Poll",
    "after_answer",
    "after_failure",
    "after_unchanged",
    "decode_state",
    "encode_state",
    "parse",
    "read_opml",
    "write_opml",
]
