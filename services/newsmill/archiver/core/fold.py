"""Which row of a page is the newest, and which page of an article speaks for it.

Both rules are total orders over what a row holds, so that a store ends the same whatever the order,
the batches and the repeats in which rows reach it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from newsmill.records import Enriched, decode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
OLDEST = -(1 << 63)  # stands for a row that does not say when it was fetched: before every instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One version of a page as a store keeps it: what it is found and folded by, and its bytes."""

    page_id: str
    article_id: str
    revision: str
    fetched: str | None
    canonical: bool  # the page's own URL is the canonical one of the article
    record: bytes  # the enriched record exactly as it came
    url: str | None = None
    canonical_url: str | None = None
    site: str | None = None
    title: str | None = None
    published: str | None = None
    language: str | None = None

    @property
    def fetched_us(self) -> int:
        """``fetched`` as microseconds since 1970, UTC; OLDEST where none can be read."""
        return OLDEST if self.fetched is None else instant(self.fetched)

    @property
    def digest(self) -> bytes:
        """BLAKE2b-128 of the record: the last word between rows that differ in nothing else."""
        return hashlib.blake2b(self.record, digest_size=16).digest()

    @property
    def rank(self) -> tuple[int, str, bytes]:
        """See ``rank``: the smallest of a page's rows is its newest."""
        return rank(self.fetched_us, self.revision, self.digest)


def row_of(record: bytes) -> Row:
    """The row of an enriched record; raises BadRecord and TryLater like ``records.decode``."""
    article = decode(Enriched, record)
    return Row(
        page_id=article.page_id,
        article_id=article.id,
        revision=article.revision,
        fetched=article.fetched,
        canonical=article.page_id == article.id,  # ids of one URL are the same hash
        record=record,
        url=article.url,
        canonical_url=article.canonical_url,
        site=article.site,
        title=article.title,
        published=article.published,
        language=article.language,
    )


def instant(text: str) -> int:
    """An ISO 8601 time (UTC without an offset) as microseconds since 1970; OLDEST if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return OLDEST
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def rank(fetched_us: int, revision: str, digest: bytes) -> tuple[int, str, bytes]:
    """What the rows of one page are ordered by, the newest first.

    The instant it was fetched; then the smaller revision; then the smaller digest.
    """
    return (-fetched_us, revision, digest)


def newest_per_page(rows: Iterable[Row]) -> list[Row]:
    """The newest row of every page, by page id."""
    kept: dict[str, Row] = {}
    for row in rows:
        present = kept.get(row.page_id)
        if present is None or row.rank < present.rank:
            kept[row.page_id] = row
    return [kept[page_id] for page_id in sorted(kept)]


def speaks_for(rows: Iterable[Row]) -> Row:
    """The row, of the newest ones of an article's pages, whose record is the article's.

    The one fetched last; then that of the canonical page; then of the smaller page id.
    """
    return min(rows, key=lambda row: (-row.fetched_us, not row.canonical, row.page_id))
