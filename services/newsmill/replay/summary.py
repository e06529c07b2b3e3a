"""A diff for those who act on it: in sentences, the weightiest first, and as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

from newsmill.replay.diff import FOLLOWING, Diff, Tally
from newsmill.replay.samples import Sample

OFTEN = 3  # pages of one site on which a line must come or go to be told of
MOST_LINES = 20
MOST = 14
MOST_FIELDS = 4
FEW = 3  # pages; of fewer, in a large diff, there are samples only


class Line(NamedTuple):
    """A line of text that came or went on many pages of a site."""

    text: str
    site: str
    pages: int


def summary(found: Diff, most: int = MOST) -> list[str]:
    """The sentences: "title changed on 312 of 340 pages of site X"."""
    lines = [*_missing(found), *_length(found), *_vanished(found), *_furniture(found)]
    return [*lines, *_sites(found)][:most]


def _missing(found: Diff) -> Iterator[str]:
    for kind, number, when in (("gone", found.gone, "now"), ("new", found.new, "before")):
        if not number:
            continue
        of = [(site, pages) for name, site, pages in found.missing.most_first() if name == kind]
        told = found.why.get(kind, Counter()).most_common(4)
        why = ", ".join(f"{pages:,} {reason}" for reason, pages in told)
        where = f" of {of[0][0]}" if len(of) == 1 else ""
        worst = f"; {of[0][1]:,} of them of {of[0][0]}" if of and of[0][1] > 1 and not where else ""
        be = f"{pages_(number)}{where} {'is' if number == 1 else 'are'} {kind}"
        yield f"{be}{worst}{f' ({when}: {why})' if why else ''}"


def _vanished(found: Diff) -> Iterator[str]:
    for verb, counts, order in (
        ("is gone from", found.vanished, "that had it"),
        ("is now on", found.appeared, "that had none"),
    ):
        ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        told = [(name, n) for name, n in ranked if name not in FOLLOWING and n >= _few(found)]
        for name, number in told[:MOST_FIELDS]:
            yield f"{name} {verb} {pages_(number)} {order}"


def _few(found: Diff) -> int:
    """So many pages are worth a line."""
    return FEW if found.changed > 20 else 1


def _length(found: Diff) -> Iterator[str]:
    if not found.lengths:
        return
    grew = sum(each > 0 for each in found.lengths)
    shrank = sum(each < 0 for each in found.lengths)
    yield (
        f"text is longer on {pages_(grew)}, shorter on {shrank:,};"
        f" the median change is {median(found.lengths):+,.0f} characters"
    )


def _furniture(found: Diff) -> Iterator[str]:
    for lines, how in ((often(found.lines_gone), "lost"), (often(found.lines_new), "won")):
        for line in lines[:2]:
            yield f"text {how} the line “{line.text[:80]}” on {pages_(line.pages)} of {line.site}"


def _sites(found: Diff) -> Iterator[str]:
    for name, site, number in found.sites.most_first():
        if name not in FOLLOWING and number >= _few(found):
            yield f"{name} changed on {number:,} of {pages_(found.pages_of[site])} of {site}"


def often(tally: Tally) -> list[Line]:
    """The lines that came or went on several pages of a site, most pages first."""
    ranked = tally.most_first()[:MOST_LINES]
    return [Line(*each) for each in ranked if each[2] >= OFTEN]


def pages_(number: int) -> str:
    """So many pages, in words."""
    return "1 page" if number == 1 else f"{number:,} pages"


def as_json(found: Diff) -> dict[str, Any]:
    """The diff as plain values, in a stable order."""
    return {
        "same": found.same,
        "alike": found.alike,
        "changed": found.changed,
        "new": found.new,
        "gone": found.gone,
        "why": {kind: dict(why.most_common()) for kind, why in sorted(found.why.items())},
        "fields": dict(sorted(found.fields.items())),
        "appeared": dict(sorted(found.appeared.items())),
        "vanished": dict(sorted(found.vanished.items())),
        "sites": [
            {"field": name, "site": site, "pages": number}
            for name, site, number in found.sites.most_first()
        ],
        "missing": [
            {"kind": kind, "site": site, "pages": number}
            for kind, site, number in found.missing.most_first()
        ],
        "lines_gone": [line._asdict() for line in often(found.lines_gone)],
        "lines_new": [line._asdict() for line in often(found.lines_new)],
        "samples": {
            kind: [_plain(sample) for sample in samples] for kind, samples in found.samples.all()
        },
        "summary": summary(found),
    }


def _plain(sample: Sample) -> dict[str, str | None]:
    return {
        "page_id": sample.page_id,
        "url": sample.url,
        "title": sample.title,
        "before": sample.before,
        "after": sample.after,
    }
