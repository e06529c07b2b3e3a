"""What every reader of feeds hands over (items), and how they become entries.

The choices that the formats leave open are made here, once:

- *link*: what the reader found (its own ladder), resolved, in the normal form of ``urls``. An item
  without a plain web address is no page to fetch: it is skipped and counted, never given the site's
  address instead.
- *guid*: as stated; the link where none is stated.
- *published* and *updated* say only what the feed says under that name; neither is filled from the
  other. A date that cannot be read is None and counted.
- *title*: None where there is none; it is not made of the summary or the address.
- *authors*: names (an e-mail address only where it is all there is), each once. Atom and JSON Feed
  inherit the feed's authors, as their specifications say; RSS channels name editors, not authors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from newsmill.producer.core.dates import DateReader, instant
from newsmill.producer.core.plain import MAX_NAME, MAX_TAG, one_line
from newsmill.records import Enclosure, Entry, digest
from newsmill.urls import identity, normalise

Kind = Literal["rss", "atom", "json", "sitemap", "index"]
T = TypeVar("T")

MAX_ENTRIES = 5_000  # newest kept
MAX_CHILDREN = 5_000  # sitemaps of an index
MAX_TAGS = 50
MAX_AUTHORS = 50
MAX_ENCLOSURES = 20
MAX_GUID = 1_024  # characters; a longer one is replaced by its hash
MAX_TTL = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What one answer of a feed says; the counts are of items that it could not use as they are."""

    kind: Kind
    title: str | None = None
    language: str | None = None
    ttl_s: int | None = None  # how long the feed says it may be cached
    site_url: str | None = None
    entries: tuple[Entry, ...] = ()  # in the order of the document, an address once
    children: tuple[str, ...] = ()  # of a sitemap index, newest first
    skipped: int = 0  # items without a usable link
    truncated: int = 0  # items past the cap
    dates_unparsed: int = 0  # of entries
    broken: bool = False  # not well-formed: read as far as it could be


@dataclass(slots=True, kw_only=True)
class Item:
    """One item of a feed as a reader found it: plain texts, raw dates, unresolved addresses."""

    links: list[str]  # the first that is a web address is taken
    base: str | None = None  # where it is not the feed's
    title: str | None = None
    summary: str | None = None
    published: str | None = None
    updated: str | None = None
    authors: list[str] = field(default_factory=list)
    guid: str | None = None
    enclosures: list[tuple[str, str | None, str | int | None]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    language: str | None = None


def feed_of(
    kind: Kind,
    url: str,
    rows: Sequence[T],
    read: Callable[[T], Item],
    age_of: Callable[[T], str | None],
    *,
    title: str | None = None,
    language: str | None = None,
    ttl_s: float | None = None,
    site: str | None = None,
    authors: list[str] | None = None,
    skipped: int = 0,
    broken: bool = False,
) -> ParsedFeed:
    """Make entries of the rows of a feed, each read by ``read``.

    Of more than MAX_ENTRIES rows the newest by the raw date that ``age_of`` finds are read at all.
    ``authors`` are those that an item without its own inherits. Of items that share an address the
    newest is the entry, the first of equals.
    """
    maker = _Maker(url, language, authors or [])
    if len(rows) > MAX_ENTRIES:
        kept = _newest([instant(maker.dates.read(age_of(row))) for row in rows], MAX_ENTRIES)
    else:
        kept = range(len(rows))
    entries: dict[str, Entry] = {}
    for place in kept:
        if entry := maker.entry(read(rows[place])):
            known = entries.setdefault(entry.page_id, entry)
            if known is not entry and (moment(entry) or 0) > (moment(known) or 0):
                entries[entry.page_id] = entry
    return ParsedFeed(
        kind=kind,
        title=title,
        language=_language(language),
        ttl_s=round(min(ttl_s, MAX_TTL)) if ttl_s and ttl_s > 0 else None,
        site_url=address(site, url),
        entries=tuple(entries.values()),
        skipped=maker.skipped + skipped,
        truncated=len(rows) - len(kept),
        dates_unparsed=maker.dates_unparsed,
        broken=broken,
    )


def moment(entry: Entry) -> float | None:
    """When an entry was published, or else updated, in epoch seconds; None if neither is known."""
    return instant(entry.published) or instant(entry.updated)


def _newest(moments: list[float | None], count: int) -> Sequence[int]:
    """The places of the ``count`` newest, in their order.

    What has no date is as old as the dated one before it: feeds list the newest first.
    """
    ages: list[float] = []
    last = float("inf")
    for known in moments:
        last = last if known is None else known
        ages.append(-last)
    return sorted(sorted(range(len(ages)), key=ages.__getitem__)[:count])


def address(url: str | None, base: str) -> str | None:
    """The normal form of a link, relative to ``base``; None for what is no plain web address."""
    if not url or not url.strip():
        return None
    try:
        return normalise(url, base)
    except ValueError:
        return None


class _Maker:
    """Turns items into entries and counts what it could not use."""

    def __init__(self, url: str, language: str | None, authors: list[str]) -> None:
        self.skipped = 0
        self.dates_unparsed = 0
        self._url = url
        self._language = language
        self._authors = authors
        self.dates = DateReader(language)

    def entry(self, item: Item) -> Entry | None:
        """The entry; None, counted, where the item has no usable link."""
        base = address(item.base, self._url) or self._url
        url = next(filter(None, (address(link, base) for link in item.links)), None)
        if url is None:
            self.skipped += 1
            return None
        return Entry(
            url=url,
            page_id=identity(url),
            feed=self._url,
            title=item.title,
            summary=item.summary,
            published=self._date(item.published),
            updated=self._date(item.updated),
            authors=_each_once(item.authors or self._authors, MAX_NAME, MAX_AUTHORS),
            guid=_guid(item.guid) or url,
            enclosures=_enclosures(item, base),
            tags=_each_once(item.tags, MAX_TAG, MAX_TAGS),
            language=_language(item.language or self._language),
        )

    def _date(self, raw: str | None) -> str | None:
        if not raw or not raw.strip():
            return None
        date = self.dates.read(raw)
        self.dates_unparsed += date is None
        return date


def _guid(guid: str | None) -> str | None:
    text = one_line(guid or "", MAX_GUID + 1)
    return digest(guid or "") if text and len(text) > MAX_GUID else text


def _each_once(texts: list[str], limit: int, count: int) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for text in texts[: 10 * count]:
        if line := one_line(text, limit):
            seen.setdefault(line)
    return tuple(seen)[:count]


def _language(tag: str | None) -> str | None:
    """A language tag as declared, in its usual spelling; None for what cannot be one."""
    tag = (tag or "").strip().replace("_", "-").lower()
    return tag if 2 <= len(tag) <= 35 and tag.replace("-", "").isalnum() and tag.isascii() else None


def _enclosures(item: Item, base: str) -> tuple[Enclosure, ...]:
    seen: dict[str, Enclosure] = {}
    for link, kind, length in item.enclosures[: 10 * MAX_ENCLOSURES]:
        if url := address(link, base):
            size = str(length).strip() if length is not None else ""
            known = size.isascii() and size.isdigit() and len(size) < 16 and int(size) > 0
            made = Enclosure(
                url=url, type=one_line(kind or "", MAX_TAG), length=int(size) if known else None
            )
            seen.setdefault(url, made)
    return tuple(seen.values())[:MAX_ENCLOSURES]
