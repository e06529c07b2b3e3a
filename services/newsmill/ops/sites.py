"""How each site's pages are extracted, and which site changed, in what, since when.

Every page is one of a series per site. A series is kept as bins that are finer the nearer they are
to now, so that a change of the last twenty pages shows as well as one of last month. Where a
series changed is where splitting it in two explains it best (likelihood ratio).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import exp, log

from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line

MISSABLE = ("title", "authors", "published", "images")
MOST_BINS = 160
COARSENESS = 0.1  # of a bin: its pages, as a share of those that came after it
LEAST_BEFORE, LEAST_AFTER = 10, 5  # pages on both sides of a change
LEAST_SHARE = 0.3  # by which a share must move
LEAST_FACTOR = 1.5  # by which the length must move
SURE = 16.0  # likelihood ratio (chi square of one degree): by chance one split in 16,000
EXAMPLES = 3


@dataclass(slots=True)
class Bin:
    """Some pages of a site that came one after another."""

    first: str  # when the first of them was written
    page: str  # the last one
    article: str | None
    pages: int = 0
    articles: int = 0
    log_chars: float = 0.0
    log_chars2: float = 0.0
    missing: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)

    def swallow(self, later: Bin) -> None:
        """Take in the bin that follows."""
        self.page, self.article = later.page, later.article or self.article
        self.pages += later.pages
        self.articles += later.articles
        self.log_chars += later.log_chars
        self.log_chars2 += later.log_chars2
        for mine, its in ((self.missing, later.missing), (self.tiers, later.tiers)):
            for name, count in its.items():
                mine[name] = mine.get(name, 0) + count


@dataclass(frozen=True, slots=True)
class Change:
    """A site's extraction is not what it was."""

    site: str
    what: str  # yield, length, tier or a missing field
    before: float  # a share, or characters
    after: float
    since: str
    pages: int  # that came since
    examples: tuple[str, ...]  # page ids since then, the first one first
    sureness: float  # likelihood ratio


class Site:
    """The series of one site."""

    __slots__ = ("bins", "lane", "site")

    def __init__(self, lane: str, site: str) -> None:
        self.lane = lane
        self.site = site
        self.bins: list[Bin] = []

    def page(self, line: Line) -> None:
        """One page, an article or not."""
        made = Bin(line.ts, line.page_id or "?", line.article_id, pages=1)
        if line.outcome == "published":
            made.articles = 1
            made.tiers[line.tier or "?"] = 1
            size = log(max(1, line.chars)) if line.chars is not None else 0.0
            made.log_chars, made.log_chars2 = size, size * size
            for name in line.missing or ():
                made.missing[name] = 1
        self.bins.append(made)
        if len(self.bins) > MOST_BINS:
            self._coarsen()

    def _coarsen(self) -> None:
        """Join neighbours where so many pages came after them that they need not stand alone."""
        kept: list[Bin] = []
        after = 0
        current = self.bins.pop()
        for older in reversed(self.bins):
            if current.pages + older.pages <= COARSENESS * after:
                older.swallow(current)
            else:
                kept.append(current)
                after += current.pages
            current = older
        kept.append(current)
        self.bins = kept[::-1]

    @property
    def all(self) -> Bin:
        """Every page of it."""
        total = Bin(self.bins[0].first, "", None)
        for each in self.bins:
            total.swallow(each)
        return total


class Sites:
    """Listens to what counts of the extractor."""

    def __init__(self) -> None:
        self.by_name: dict[tuple[str, str], Site] = {}

    def heard(self, ledger: Ledger, lines: list[Line]) -> None:
        """Lines of one stage that have come to count."""
        if ledger.stage != "extractor":
            return
        for line in lines:
            if line.site is None:
                continue
            site = self.by_name.get((line.lane, line.site))
            if site is None:
                site = self.by_name[line.lane, line.site] = Site(line.lane, line.site)
            site.page(line)

    def changes(self) -> list[Change]:
        """What changed, the surest first; the more sites there are the surer it must be."""
        sure = SURE + 2 * log(max(1, len(self.by_name)))
        found = [
            change for site in self.by_name.values() for change in _changes(site)
            if change.sureness >= sure
        ]  # fmt: skip
        return sorted(found, key=lambda change: (-change.sureness, change.site, change.what))


def _changes(site: Site) -> Iterator[Change]:
    bins = site.bins
    whole = site.all
    if whole.pages < LEAST_BEFORE + LEAST_AFTER:
        return
    yield from _of_share(site, "yield", lambda one: one.articles, lambda one: one.pages)
    for name in MISSABLE:
        yield from _of_share(site, f"missing {name}", partial(_missing, name), _articles)
    for tier in whole.tiers:
        yield from _of_share(site, f"tier {tier}", partial(_by_tier, tier), _articles)
    if any(one.log_chars for one in bins):
        yield from _of_length(site)


def _articles(one: Bin) -> int:
    return one.articles


def _missing(name: str, one: Bin) -> int:
    return one.missing.get(name, 0)


def _by_tier(tier: str, one: Bin) -> int:
    return one.tiers.get(tier, 0)


def _of_share(
    site: Site, what: str, hits: Callable[[Bin], int], tries: Callable[[Bin], int]
) -> Iterator[Change]:
    """Where the share of hits changed, if it did."""
    counts = [(hits(one), tries(one)) for one in site.bins]
    all_hits, all_tries = sum(hit for hit, _ in counts), sum(of for _, of in counts)
    if all_hits in (0, all_tries):
        return
    base = _likelihood(all_hits, all_tries)
    best, at, hit, of = 0.0, 0, 0, 0
    shares = (0.0, 0.0)
    for number, (more_hits, more_tries) in enumerate(counts[:-1], 1):
        hit, of = hit + more_hits, of + more_tries
        later_hits, later = all_hits - hit, all_tries - of
        if of < LEAST_BEFORE or later < LEAST_AFTER:
            continue
        ratio = 2 * (_likelihood(hit, of) + _likelihood(later_hits, later) - base)
        if ratio > best:
            best, at, shares = ratio, number, (hit / of, later_hits / later)
    if at and abs(shares[0] - shares[1]) >= LEAST_SHARE:
        yield _change(site, what, *shares, at, best)


def _likelihood(hits: int, tries: int) -> float:
    """The log likelihood of so many hits under their own share."""
    if hits in (0, tries):
        return 0.0
    return hits * log(hits / tries) + (tries - hits) * log(1 - hits / tries)


def _of_length(site: Site) -> Iterator[Change]:
    """Where the length of texts changed, if it did; lengths are compared by their logarithms."""
    bins = site.bins
    count = sum(one.articles for one in bins)
    total, total2 = sum(one.log_chars for one in bins), sum(one.log_chars2 for one in bins)
    spread = total2 - total * total / max(1, count)
    floor = 1e-4 * max(1, count)  # texts of one length have a spread too, of rounding
    best, at, n, s = 0.0, 0, 0, 0.0
    means = (0.0, 0.0)
    for number, one in enumerate(bins[:-1], 1):
        n, s = n + one.articles, s + one.log_chars
        if n < LEAST_BEFORE or count - n < LEAST_AFTER:
            continue
        within = total2 - s * s / n - (total - s) ** 2 / (count - n)
        ratio = count * log((spread + floor) / (max(0.0, within) + floor))
        if ratio > best:
            best, at, means = ratio, number, (s / n, (total - s) / (count - n))
    if at and abs(means[0] - means[1]) >= log(LEAST_FACTOR):
        yield _change(site, "length", exp(means[0]), exp(means[1]), at, best)


def _change(site: Site, what: str, before: float, after: float, at: int, sureness: float) -> Change:
    since: Sequence[Bin] = site.bins[at:]
    return Change(
        site=site.site,
        what=what,
        before=before,
        after=after,
        since=since[0].first,
        pages=sum(one.pages for one in since),
        examples=tuple(one.page for one in since[:EXAMPLES]),
        sureness=sureness,
    )
