"""What two runs made of the same pages: new, gone and changed articles, field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import orjson

from newsmill.urls import host_of

SAMPLES = 5  # of one field, and of one kind of difference
MAX_SHOWN = 400  # characters of a value in a sample
LENGTHS = 10_000  # changes of length that the median is taken over

VERSIONS = frozenset(("extractor", "annotators", "v"))
FOLLOWING = frozenset(("id", "revision", "provenance", "input_id"))
"""Fields that follow from others: reported where nothing else of a record differs."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One page, and what of it was so before and is so now (``None``: not there)."""

    page_id: str
    url: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Diff:
    """The differences of two sides, counted; samples are the first by page id."""

    same: int = 0
    versions_only: int = 0  # other versions made the same article
    changed: int = 0
    new: int = 0
    gone: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    sites: Counter[tuple[str, str]] = field(default_factory=Counter)  # (field, site)
    pages_of: Counter[str] = field(default_factory=Counter)  # site: pages that both sides have
    appeared: Counter[str] = field(default_factory=Counter)  # field: was empty, is not
    vanished: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    longer: list[int] = field(default_factory=list)  # characters by which texts grew or shrank

    @property
    def both(self) -> int:
        """Pages that both sides have."""
        return self.same + self.versions_only + self.changed

    @property
    def is_empty(self) -> bool:
        """Whether the two sides say the same."""
        return not (self.changed or self.new or self.gone)


def compare(before: Iterable[tuple[str, bytes]], after: Iterable[tuple[str, bytes]]) -> Diff:
    """Compare two streams of (page id, record), sorted by page id; memory is bounded."""
    found = Diff()
    for page_id, old, new in _merged(iter(before), iter(after)):
        if old is None and new is not None:
            found.new += 1
            _sample(found, "new", page_id, orjson.loads(new), None, "title")
        elif new is None and old is not None:
            found.gone += 1
            _sample(found, "gone", page_id, orjson.loads(old), "title", None)
        elif old is not None and new is not None:
            _pair(found, page_id, old, new)
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


def _pair(found: Diff, page_id: str, old: bytes, new: bytes) -> None:
    if old == new:
        found.same += 1
        return
    one, other = orjson.loads(old), orjson.loads(new)
    site = host_of(one.get("url") or "")
    found.pages_of[site] += 1
    differing = [n for n in sorted(one.keys() | other.keys()) if one.get(n) != other.get(n)]
    told = [name for name in differing if name not in VERSIONS]
    told = [name for name in told if name not in FOLLOWING] or told
    if not told:
        found.versions_only += 1
        return
    found.changed += 1
    for name in told:
        found.fields[name] += 1
        found.sites[name, site] += 1
        was, now = one.get(name), other.get(name)
        if not was and now:
            found.appeared[name] += 1
        elif was and not now:
            found.vanished[name] += 1
        _sample(found, name, page_id, one, was, now, pair=True)
    if "text" in told and len(found.longer) < LENGTHS:
        found.longer.append(len(other.get("text") or "") - len(one.get("text") or ""))


def _sample(
    found: Diff,
    kind: str,
    page_id: str,
    record: dict[str, Any],
    was: Any,
    now: Any,
    *,
    pair: bool = False,
) -> None:
    samples = found.samples.setdefault(kind, [])
    if len(samples) >= SAMPLES:
        return
    if not pair:
        was = record.get(was) if was else None
        now = record.get(now) if now else None
    shown = _apart(was, now) if isinstance(was, str) and isinstance(now, str) else (was, now)
    samples.append(Sample(page_id, record.get("url") or "", *map(_shown, shown)))


def _apart(was: str, now: str) -> tuple[str, str]:
    """Two long texts from a little before where they part."""
    if max(len(was), len(now)) <= MAX_SHOWN:
        return was, now
    pairs = enumerate(zip(was, now, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(was), len(now)))
    start = max(0, at - 60)
    mark = "…" if start else ""
    return mark + was[start:], mark + now[start:]


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def summary(found: Diff, most: int = 12) -> list[str]:
    """What a person can act on, most pages first: "title changed on 312 of 340 pages of site X"."""
    lines = []
    for (name, site), number in sorted(found.sites.items(), key=lambda each: (-each[1], each[0])):
        if name in FOLLOWING:
            continue
        of = found.pages_of[site]
        lines.append(f"{name} changed on {number} of {of} differing pages of {site}")
    for name, number in sorted(found.vanished.items()):
        lines.insert(0, f"{name} is gone from {number} pages that had it")
    if found.longer:
        grew = sum(each > 0 for each in found.longer)
        middle = median(found.longer)
        lines.insert(
            0,
            f"text is longer on {grew} pages, not on {len(found.longer) - grew};"
            f" the median change is {middle:+.0f} characters",
        )
    return lines[:most]


def as_json(found: Diff) -> dict[str, Any]:
    """The diff as plain values, in a stable order."""
    return {
        "same": found.same,
        "versions_only": found.versions_only,
        "changed": found.changed,
        "new": found.new,
        "gone": found.gone,
        "fields": dict(sorted(found.fields.items())),
        "appeared": dict(sorted(found.appeared.items())),
        "vanished": dict(sorted(found.vanished.items())),
        "sites": [
            {"field": name, "site": site, "pages": number}
            for (name, site), number in sorted(
                found.sites.items(), key=lambda each: (-each[1], each[0])
            )
        ],
        "samples": {
            kind: [
                {"page_id": s.page_id, "url": s.url, "before": s.before, "after": s.after}
                for s in samples
            ]
            for kind, samples in sorted(found.samples.items())
        },
        "summary": summary(found),
    }
