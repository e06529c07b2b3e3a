"""Reads a SQLite store day by day of publication, for what is written a file a day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from newsmill.archiver.database import connect, failures
from newsmill.archiver.store import CHUNK
from newsmill.errors import BadRecord

UNDATED = "unknown"

# The day as the page states it, in its own zone. Notes only ids: the records come later, in chunks.
_NOTE = """
CREATE TEMP TABLE noted(day TEXT, article_id TEXT, PRIMARY KEY (day, article_id)) WITHOUT ROWID;
INSERT INTO noted SELECT
    iif(published GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*', substr(published, 1, 10),
        ?),
    articles.article_id
FROM articles JOIN pages USING (page_id);
"""
_DAYS = "SELECT DISTINCT day FROM noted ORDER BY day"
_CHUNK = """
SELECT noted.article_id, page_id, record FROM noted
LEFT JOIN articles ON articles.article_id = noted.article_id LEFT JOIN pages USING (page_id)
WHERE day = ? AND noted.article_id > ? ORDER BY noted.article_id LIMIT ?
"""


def by_day(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each day that articles were published on, with their records by article id.

    The days are those at the start; an article that is gone by its turn is left out. Raises
    Misconfigured and TryLater like the store, BadRecord for a damaged record.
    """
    db = connect(path, readonly=True)
    unpack = zstandard.ZstdDecompressor().decompress

    def records(day: str) -> Iterator[bytes]:
        last = ""
        while True:
            with failures(path):
                chunk: list[Any] = db.execute(_CHUNK, [day, last, CHUNK]).fetchall()
            for article_id, page_id, frame in chunk:
                last = str(article_id)
                if frame is None:
                    continue
                try:
                    yield unpack(frame)
                except zstandard.ZstdError as error:
                    raise BadRecord("encoding", f"store {path}, page {page_id}: {error}") from None
            if len(chunk) < CHUNK:
                return

    try:
        with failures(path):
            db.execute(_NOTE, [UNDATED])
            days = [day for (day,) in db.execute(_DAYS)]
        for day in days:
            yield day, records(day)
    finally:
        db.close()
