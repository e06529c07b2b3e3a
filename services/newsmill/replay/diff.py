"""What two runs made of the same pages: new, gone and changed articles, field by field.

Two streams in order of page id are compared as they come. What is kept of them is counted and
bounded; where a count is too large to be kept whole, what is rare goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from newsmill.replay.samples import Samples, placeless, sample_of
from newsmill.urls import host_of

LENGTHS = 10_000  # changes of length that the median is taken over
TALLIED = 50_000  # kept entries of a count by site
LINES = 20_000  # kept lines of text that came or went
MAX_LINE = 200  # characters; a longer one is a paragraph of its own, and on no second page
MISSING = 100_000  # ids of new or gone pages that are kept, to be asked why

HOW = frozenset(("extractor", "annotators", "v", "provenance", "quality"))
"""Fields that tell how a record was made, not what is in it."""
FOLLOWING = frozenset(("id", "revision", "input_id", "blocks"))
"""Fields that follow from others: reported where nothing else of a record differs."""


class _Page(msgspec.Struct):
    url: str = ""


_PAGE = msgspec.json.Decoder(_Page)


class Tally(Counter[tuple[str, str]]):
    """A count by field, or line, and site that stays small: past its bound what is rare goes."""

    def __init__(self, most: int = TALLIED) -> None:
        super().__init__()
        self._most = most

    def take(self, name: str, site: str) -> None:
        """Count once more."""
        self[name, site] += 1
        least = 1
        while len(self) > self._most:
            for key in [key for key, number in self.items() if number <= least]:
                del self[key]
            least *= 2

    def most_first(self) -> list[tuple[str, str, int]]:
        """Name, site and number, the largest first."""
        ranked = sorted(self.items(), key=lambda each: (-each[1], each[0]))
        return [(name, site, number) for (name, site), number in ranked]


@dataclass(slots=True)
class Diff:
    """The differences of two sides, counted; samples are the first by page id, of many sites."""

    same: int = 0
    alike: int = 0  # the same content, found in another way
    changed: int = 0
    new: int = 0
    gone: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    sites: Tally = field(default_factory=Tally)  # (field, site)
    missing: Tally = field(default_factory=Tally)  # ("new" or "gone", site)
    pages_of: Counter[str] = field(default_factory=Counter)  # site: pages that both sides have
    changed_of: Counter[str] = field(default_factory=Counter)  # site: those that changed
    appeared: Counter[str] = field(default_factory=Counter)  # field: was empty, is not
    vanished: Counter[str] = field(default_factory=Counter)
    lines_gone: Tally = field(default_factory=lambda: Tally(LINES))  # (line of text, site)
    lines_new: Tally = field(default_factory=lambda: Tally(LINES))
    samples: Samples = field(default_factory=Samples)
    lengths: list[int] = field(default_factory=list)  # characters by which texts grew or shrank
    missing_ids: dict[str, list[str]] = field(default_factory=lambda: {"new": [], "gone": []})
    why: dict[str, Counter[str]] = field(default_factory=dict)  # new or gone: reason → pages

    @property
    def both(self) -> int:
        """Pages that both sides have."""
        return self.same + self.alike + self.changed

    @property
    def is_empty(self) -> bool:
        """Whether the two sides say the same."""
        return not (self.changed or self.new or self.gone)


Pages = Iterable[tuple[str, bytes]]


def compare(before: Pages, after: Pages) -> Diff:
    """Compare two streams of (page id, record), sorted by page id; memory is bounded."""
    found = Diff()
    for page_id, old, new in _merged(iter(before), iter(after)):
        if old is not None and new is not None:
            _pair(found, page_id, old, new)
        elif new is not None:
            found.new += 1
            _alone(found, "new", page_id, orjson.loads(new))
        elif old is not None:
            found.gone += 1
            _alone(found, "gone", page_id, orjson.loads(old))
    return found


def _merged(
    before: Iterator[tuple[str, bytes]], after: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        if old is not None and (new is None or old[0] < new[0]):
            yield old[0], old[1], None
            old = next(before, None)
        elif new is not None and (old is None or new[0] < old[0]):
            yield new[0], None, new[1]
            new = next(after, None)
        elif old is not None and new is not None:
            yield old[0], old[1], new[1]
            old, new = next(before, None), next(after, None)


def _alone(found: Diff, kind: str, page_id: str, record: dict[str, Any]) -> None:
    """A page that one side alone has."""
    site = host_of(record.get("url") or "")
    found.missing.take(kind, site)
    if len(found.missing_ids[kind]) < MISSING:
        found.missing_ids[kind].append(page_id)
    title = record.get("title")
    was, now = (None, title) if kind == "new" else (title, None)
    found.samples.take(kind, site, lambda: sample_of(page_id, record, kind, was, now))


def _pair(found: Diff, page_id: str, old: bytes, new: bytes) -> None:
    if old == new:
        found.same += 1
        found.pages_of[host_of(_PAGE.decode(old).url)] += 1
        return
    one, other = orjson.loads(old), orjson.loads(new)
    site = host_of(one.get("url") or "")
    found.pages_of[site] += 1
    differing = [n for n in sorted(one.keys() | other.keys()) if one.get(n) != other.get(n)]
    told = [name for name in differing if name not in HOW]
    if "text" in told:  # places in a text move with it
        told = [name for name in told if placeless(one.get(name)) != placeless(other.get(name))]
    told = [name for name in told if name not in FOLLOWING] or told
    if not told:
        found.alike += 1
        return
    found.changed += 1
    found.changed_of[site] += 1
    for name in told:
        _field(found, page_id, site, name, one, other)
    if "text" in told:
        _text(found, site, one.get("text") or "", other.get("text") or "")


def _field(
    found: Diff, page_id: str, site: str, name: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    found.fields[name] += 1
    found.sites.take(name, site)
    was, now = one.get(name), other.get(name)
    if not was and now:
        found.appeared[name] += 1
    elif was and not now:
        found.vanished[name] += 1
    found.samples.take(name, site, lambda: sample_of(page_id, one, name, was, now))


def _text(found: Diff, site: str, was: str, now: str) -> None:
    """What a text lost and won: lines that do so on many pages of a site are furniture."""
    if len(found.lengths) < LENGTHS:
        found.lengths.append(len(now) - len(was))
    before, after = dict.fromkeys(was.split("\n")), dict.fromkeys(now.split("\n"))
    for tally, lines, others in (
        (found.lines_gone, before, after),
        (found.lines_new, after, before),
    ):
        for line in lines:
            if 0 < len(line) <= MAX_LINE and line not in others:
                tally.take(line, site)
