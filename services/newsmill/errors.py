"""What can go wrong, by what the loop around a worker does about it.

NewsmillError
├── BadRecord      this record can never work  → refuse or dead-letter it, count the reason, go on
├── TryLater       the world is not ready      → hold the partition, take the same record again
└── Misconfigured  we were started wrongly     → say so in one line, exit 2, touch nothing

Anything else is a bug: on one record it is a dead letter with its traceback, anywhere else it stops
the worker uncommitted. (The bus has one error of its own, ``bus.base.Fenced``.)
"""

from __future__ import annotations

from typing import Literal, get_args

Refusal = Literal[
    "address_forbidden",  # the host resolves to an address that we do not connect to
    "denied",  # it was taken down (newsmill forget), and stays away
    "no_body",  # a replay that fetches nothing: its source holds no more than the page's address
    "no_article",  # the page is a listing, a stub or an index: nothing to read in it
    "queue_full",  # too many pages of one domain wait already; the next poll may bring it again
    "robots",  # robots.txt forbids the path to us
    "scheme_forbidden",  # neither http nor https, or a port that is no web port
    "too_old",  # older than the configured age limit of a first poll
    "over_limit",  # past the configured number of entries of a first poll
]
"""Reasons for which a record is turned away by policy: a log line, no dead letter."""

Death = Literal[
    "bug",  # an exception that we did not expect; the traceback rides in the headers
    "crash",  # the child process that worked on it died
    "decode",  # the value or its headers do not decode as the record type of their topic
    "encoding",  # a content coding or charset that is broken, cut or unknown
    "http_status",  # the server's answer is a final no (404, 410, …)
    "memory",  # the child process that worked on it outgrew its memory
    "not_feed",  # neither RSS, Atom, JSON Feed nor sitemap
    "not_html",  # a content type or content that is no page of text
    "record_too_large",  # larger than the topic takes
    "redirects",  # too many redirects, or a loop of them
    "source_cut",  # the source of a replay ends in the middle of a record
    "source_damaged",  # a part of the source of a replay that cannot be read
    "timeout",  # the child process that worked on it did not end in time
    "too_deep",  # nested deeper, or of more nodes, than the parser's caps allow
    "too_large",  # the body is larger than the cap
    "truncated",  # the body ended before it was whole
    "unreachable",  # no connection, or no answer, after every attempt
    "unparsable",  # the parser could make nothing of it
]
"""Reasons for which a record dies: a log line, and a dead letter with its original bytes."""

Reason = Refusal | Death

REFUSALS: frozenset[str] = frozenset(get_args(Refusal))
DEATHS: frozenset[str] = frozenset(get_args(Death))


class NewsmillError(Exception):
    """The root of the three."""


class BadRecord(NewsmillError):
    """A record that can never work; ``reason`` says whether it is refused or dead-lettered."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail


class TryLater(NewsmillError):
    """The world is not ready: the same record is taken again after ``after_s`` seconds."""

    def __init__(self, why: str, after_s: float) -> None:
        super().__init__(why)
        self.why = why
        self.after_s = after_s


class Misconfigured(NewsmillError):
    """We were started wrongly; the message is one line that says what to change."""
