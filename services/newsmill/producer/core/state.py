"""What the producer remembers of a feed, and how an answer changes it: pure transitions.

One bounded record a feed. What was seen is kept by page: a hash of the page id → a hash of what the
feed said of it, in two parts: the *text* (title, summary) and the *stamp* (``updated``, or else
``published``). An entry is fresh when its page is unknown or either part changed; authors, tags and
the guid are not asked, because sites rewrite them without a change that a reader would see. Where
all entries that a document shares with the last one changed nothing but their stamps, the stamps
are the clock of the feed's generator, and no entry is fresh for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from newsmill.errors import Reason
from newsmill.producer.core import schedule
from newsmill.producer.core.dates import instant
from newsmill.producer.core.items import ParsedFeed, moment
from newsmill.producer.core.schedule import Limits
from newsmill.records import Entry, decode, digest, encode

MIN_SEEN = 500  # pages remembered of a feed; of a longer one twice its length
CLOCKWORK = 5  # entries that must have changed their stamp alone before it is taken for a clock
MAX_WHY = 200
MAX_CHILDREN = 200  # of an index, remembered

Outcome = Literal["published", "filtered", "duplicate"]
Seen = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The producer's memory of one feed: the value on ``feeds.state``, whose key is the URL."""

    v: int = 1
    url: str
    title: str | None = None
    started: bool = False  # the first poll is done, its limits no longer hold
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    polls: int = 0  # answers and failures
    next_due: float = 0.0
    ttl_s: int | None = None  # what the feed itself last asked for
    interval_s: float = schedule.FIRST_INTERVAL  # adaptive, before hints and limits
    failures: int = 0  # in a row
    why: str | None = None  # the last failure, in words; None after a success
    gone: bool = False  # the last answer was 410
    last_new: float | None = None  # when the last poll with fresh entries was
    moved_to: str | None = None  # where the last answers were permanently redirected
    moved: int = 0  # how many answers in a row
    children: tuple[str, ...] = ()  # of a sitemap index, as its last reading listed them
    seen: Seen = field(default_factory=dict)  # the oldest first


OVERTAKEN = 3  # entries at least, before a feed without one known entry is said to have lost some


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a response says beside its body. ``body_hash`` is of the body that was parsed."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    max_age_s: float | None = None
    moved_to: str | None = None  # after permanent redirects only
    date: float | None = None  # the server's own clock, in epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What comes of a poll: the new state and what to publish, the oldest first."""

    state: FeedState
    outcome: Outcome
    fresh: tuple[Entry, ...] = ()
    filtered: tuple[tuple[Entry, Reason], ...] = ()
    seen: int = 0  # entries that were known and had not changed
    change: tuple[str, str] | None = None  # how the feed changed its nature: a word, and in words


def after_answer(
    state: FeedState, feed: ParsedFeed, answer: Answer, now: float, limits: Limits | None = None
) -> Poll:
    """The poll that read ``feed``.

    A first poll takes the newest entries, none too old, and remembers all: what it leaves out never
    comes. A later one takes all that is fresh, however old it says it is; what is past
    ``max_entries`` is not remembered, and comes with the next poll, which is made unconditional.
    """
    limits = limits or Limits()
    seen = dict(state.seen)
    fresh, known = _sift(feed.entries, seen)
    ordered = _oldest_first(fresh)
    if state.started:
        chosen, filtered = _first_of(ordered, limits.max_entries)
        for entry, _ in filtered:
            seen.pop(_key(entry), None)
    else:
        # What is too old by our clock alone may be new: a poll that leaves it out has it for good.
        chosen, filtered = _first_poll(ordered, min(now, answer.date or now), limits)
    partial = state.started and bool(filtered)
    _forget(seen, max(2 * len(feed.entries), MIN_SEEN))
    if state.started:
        interval = schedule.adapted(state.interval_s, len(chosen))
    else:
        interval = schedule.first_guess(map(moment, feed.entries), now)
    after = replace(
        state,
        title=feed.title or state.title,
        started=True,
        etag=None if partial else answer.etag,
        last_modified=None if partial else answer.last_modified,
        body_hash=None if partial else answer.body_hash,
        last_new=now if chosen else state.last_new,
        ttl_s=feed.ttl_s,
        children=feed.children[:MAX_CHILDREN],
        seen=seen,
    )
    return Poll(
        state=_succeeded(after, interval, answer, now, limits),
        outcome="published" if chosen else "filtered" if filtered else "duplicate",
        fresh=tuple(chosen),
        filtered=tuple(filtered),
        seen=known,
        change=_change(state, feed) if state.started and state.seen else None,
    )


def _change(before: FeedState, feed: ParsedFeed) -> tuple[str, str] | None:
    """What a reader of a feed's history would stumble over."""
    if not feed.entries:
        return "emptied", f"it had entries, and has none after {before.polls} polls"
    if len(feed.entries) < OVERTAKEN or any(_key(entry) in before.seen for entry in feed.entries):
        return None
    return (
        "overtaken",
        f"none of the entries of the poll before is among its {len(feed.entries)}:"
        " some may have come and gone in between; poll it more often",
    )


def after_unchanged(
    state: FeedState, answer: Answer, now: float, limits: Limits | None = None
) -> FeedState:
    """The state after a 304, or after a body whose hash is ``state.body_hash``."""
    after = replace(
        state,
        etag=answer.etag or state.etag,
        last_modified=answer.last_modified or state.last_modified,
    )
    interval = schedule.adapted(state.interval_s, 0)
    return _succeeded(after, interval, answer, now, limits or Limits())


def after_failure(
    state: FeedState,
    now: float,
    why: str,
    after_s: float | None = None,
    *,
    gone: bool = False,
    limits: Limits | None = None,
) -> FeedState:
    """The state after a poll that brought nothing to read; what was seen is kept.

    ``after_s`` is what the server asked for (Retry-After). A feed that is gone (410) rests for the
    longest time but is never given up: they come back.
    """
    limits = limits or Limits()
    failures = state.failures + 1
    delay = schedule.MAX_INTERVAL if gone else schedule.backoff(failures, limits, after_s)
    return replace(
        state,
        polls=state.polls + 1,
        failures=failures,
        why=why[:MAX_WHY],
        gone=gone,
        next_due=now + schedule.spread(delay, state.url, state.polls),
    )


def _succeeded(
    state: FeedState, interval: float, answer: Answer, now: float, limits: Limits
) -> FeedState:
    interval = min(max(interval, schedule.MIN_INTERVAL), schedule.MAX_INTERVAL)
    hints = [hint for hint in (state.ttl_s, answer.max_age_s) if hint is not None]
    delay = schedule.wait(interval, max(hints, default=None), limits)
    moved_again = answer.moved_to is not None and answer.moved_to == state.moved_to
    return replace(
        state,
        polls=state.polls + 1,
        failures=0,
        why=None,
        gone=False,
        interval_s=round(interval, 3),
        next_due=now + schedule.spread(delay, state.url, state.polls),
        moved_to=answer.moved_to,
        moved=state.moved + 1 if moved_again else int(answer.moved_to is not None),
    )


def _key(entry: Entry) -> str:
    return entry.page_id[:16]


def _mark(entry: Entry) -> str:
    """The text part, then the stamp part."""
    text = digest(entry.title or "", entry.summary or "")[:12]
    stamp = instant(entry.updated or entry.published)
    return text if stamp is None else text + digest(str(stamp))[:6]


def _sift(entries: Sequence[Entry], seen: Seen) -> tuple[list[Entry], int]:
    """The fresh entries, and how many were known; ``seen`` takes all, the newest of a feed last."""
    fresh: list[Entry] = []
    restamped: list[Entry] = []
    known = 0
    for entry in reversed(entries):  # feeds list the newest first
        key, mark = _key(entry), _mark(entry)
        last = seen.pop(key, None)
        seen[key] = mark
        if last == mark:
            known += 1
        elif last is not None and last[:12] == mark[:12]:
            restamped.append(entry)
        else:
            fresh.append(entry)
    if known == 0 and len(restamped) >= CLOCKWORK:
        return fresh, len(restamped)
    return fresh + restamped, known


def _forget(seen: Seen, bound: int) -> None:
    for key in list(seen)[: max(0, len(seen) - bound)]:
        del seen[key]


def _oldest_first(entries: list[Entry]) -> list[Entry]:
    """By date; an entry without one stays beside its neighbour in the feed."""
    last = 0.0
    keyed: list[tuple[float, int, Entry]] = []
    for place, entry in enumerate(entries):
        last = moment(entry) or last
        keyed.append((last, place, entry))
    return [entry for _, _, entry in sorted(keyed, key=lambda item: item[:2])]


Sifted = tuple[list[Entry], list[tuple[Entry, Reason]]]


def _first_of(ordered: list[Entry], count: int) -> Sifted:
    return ordered[:count], [(entry, "over_limit") for entry in ordered[count:]]


def _first_poll(ordered: list[Entry], now: float, limits: Limits) -> Sifted:
    chosen: list[Entry] = []
    filtered: list[tuple[Entry, Reason]] = []
    for entry in ordered:
        known = moment(entry)
        days = limits.first_poll_days
        if days is not None and known is not None and known < now - days * 86_400:
            filtered.append((entry, "too_old"))
        else:
            chosen.append(entry)
    surplus = max(0, len(chosen) - limits.first_poll_entries)
    filtered.extend((entry, "over_limit") for entry in chosen[:surplus])
    return chosen[surplus:], filtered


def encode_state(state: FeedState) -> bytes:
    """The state as one line of JSON."""
    return encode(state)


def decode_state(value: bytes) -> FeedState:
    """Read a state; raises BadRecord (``decode``), and TryLater for one of a newer version."""
    return decode(FeedState, value)
