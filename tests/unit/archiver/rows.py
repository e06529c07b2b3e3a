"""Builders of rows and records for the tests of the archiver."""

from __future__ import annotations

from typing import Any

import apsw

from newsmill.archiver.core.fold import Row, row_of
from newsmill.records import Enriched, encode
from newsmill.urls import identity

SITE = "https://gazette.example"


def enriched(page: str = "a", canonical: str | None = None, **fields: Any) -> Enriched:
    url = f"{SITE}/{page}"
    canonical_url = f"{SITE}/{canonical or page}"
    usual: dict[str, Any] = {
        "id": identity(canonical_url),
        "page_id": identity(url),
        "revision": "r1",
        "url": url,
        "canonical_url": canonical_url,
        "site": "The Gazette",
        "title": f"Story {page}",
        "text": "The bridge opened on Monday.",
        "fetched": "2026-11-02T08:00:00Z",
        "language": "en",
    }
    return Enriched(**(usual | fields))


def record(page: str = "a", canonical: str | None = None, **fields: Any) -> bytes:
    return encode(enriched(page, canonical, **fields))


def row(page: str = "a", canonical: str | None = None, **fields: Any) -> Row:
    return row_of(record(page, canonical, **fields))


def content(path: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """All that a store holds, without what only tells when it came."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return (
            db.execute("SELECT * FROM pages ORDER BY page_id").fetchall(),
            db.execute("SELECT article_id, page_id FROM articles ORDER BY 1").fetchall(),
            db.execute("SELECT * FROM positions ORDER BY 1, 2, 3").fetchall(),
        )
    finally:
        db.close()
