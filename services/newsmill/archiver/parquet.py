"""Writes articles as Parquet: one file, or one file a day in folders that engines take for columns.

Needs the ``parquet`` extra. The schema only grows, at its end; docs/analysis.md tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from newsmill.archiver.store import Removed
from newsmill.records import Enriched, decode

PART = "part-0.parquet"
ROWS = 2000  # of a row group
BYTES = 32 << 20  # of the records in a row group
LEVEL = 3

_WORDS = pa.list_(pa.string())
_MOMENT = pa.timestamp("us", tz="UTC")
_SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])
_IMAGE = pa.struct([("url", pa.string()), ("caption", pa.string()), ("credit", pa.string())])
_LINK = pa.struct([("url", pa.string()), ("title", pa.string())])
_ENTITY = pa.struct([("name", pa.string()), ("type", pa.string()), ("spans", pa.list_(_SPAN))])
_QUOTE = pa.struct(
    [("text", pa.string()), ("speaker", pa.string()), ("verb", pa.string()), ("span", _SPAN)]
)

_COLUMNS: dict[str, tuple[pa.DataType, Callable[[Enriched], Any]]] = {
    "id": (pa.string(), lambda a: a.id),
    "page_id": (pa.string(), lambda a: a.page_id),
    "revision": (pa.string(), lambda a: a.revision),
    "url": (pa.string(), lambda a: a.url),
    "canonical_url": (pa.string(), lambda a: a.canonical_url),
    "site": (pa.string(), lambda a: a.site),
    "title": (pa.string(), lambda a: a.title),
    "subtitle": (pa.string(), lambda a: a.subtitle),
    "authors": (_WORDS, lambda a: list(a.authors)),
    "published": (pa.string(), lambda a: a.published),
    "published_at": (_MOMENT, lambda a: moment(a.published)),
    "modified": (pa.string(), lambda a: a.modified),
    "modified_at": (_MOMENT, lambda a: moment(a.modified)),
    "fetched": (pa.string(), lambda a: a.fetched),
    "fetched_at": (_MOMENT, lambda a: moment(a.fetched)),
    "language": (pa.string(), lambda a: a.language),
    "declared_language": (pa.string(), lambda a: a.declared_language),
    "section": (pa.string(), lambda a: a.section),
    "tags": (_WORDS, lambda a: list(a.tags)),
    "flags": (_WORDS, lambda a: list(a.flags)),
    "text": (pa.string(), lambda a: a.text),
    "images": (pa.list_(_IMAGE), lambda a: [(i.url, i.caption, i.credit) for i in a.images]),
    "related": (pa.list_(_LINK), lambda a: [(link.url, link.title) for link in a.related]),
    "entities": (pa.list_(_ENTITY), lambda a: [(e.name, e.type, e.spans) for e in a.entities]),
    "quotes": (
        pa.list_(_QUOTE),
        lambda a: [(q.text, q.speaker, q.verb, q.span) for q in a.quotes],
    ),
    "quality": (pa.float64(), lambda a: a.quality.score if a.quality else None),
    "tier": (pa.string(), lambda a: a.quality.tier if a.quality else None),
    "extractor": (pa.string(), lambda a: a.extractor or None),
}
_TOMBSTONE = {"removed": pa.string(), "removed_reason": pa.string()}

SCHEMA = pa.schema(
    [(name, kind) for name, (kind, _) in _COLUMNS.items()] + list(_TOMBSTONE.items())
)

# Statistics help to leave out what a query does not want; of a text they are whole texts.
_SOUGHT = ("id", "site", "published", "published_at", "fetched", "fetched_at", "language")
_REPEATED = ("site", "language", "declared_language", "section", "tier", "extractor")
_HOW: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": LEVEL,
    "write_statistics": list(_SOUGHT),
    "use_dictionary": list(_REPEATED),
}


def moment(stated: str | None) -> datetime | None:
    """The instant of a stated time, UTC; None for a bare day, which is none."""
    if stated is None or "T" not in stated:
        return None
    try:
        found = datetime.fromisoformat(stated)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def write_parquet(records: Iterable[bytes | Removed], out: BinaryIO) -> int:
    """Write one file; returns how many rows. A tombstone is a row with ``removed`` in it.

    Raises BadRecord and TryLater like ``records.decode``.
    """
    written = 0
    with pq.ParquetWriter(out, SCHEMA, **_HOW) as writer:
        for rows in _groups(records):
            writer.write_table(_table(rows))
            written += len(rows)
    return written


def write_days(days: Iterable[tuple[str, Iterable[bytes]]], folder: Path) -> int:
    """Write ``folder/day=YYYY-MM-DD/part-0.parquet`` for every day; returns how many rows.

    A file is put in its place when it is whole. What an earlier export left of days that are no
    more is removed, and nothing else.
    """
    written = 0
    kept: set[Path] = set()
    for day, records in days:
        path = folder / f"day={day}" / PART
        path.parent.mkdir(parents=True, exist_ok=True)
        beginning = path.with_suffix(".beginning")
        with beginning.open("wb") as out:
            written += write_parquet(records, out)
        beginning.replace(path)
        kept.add(path)
    for path in sorted(folder.glob(f"day=*/{PART}")):
        if path not in kept:
            path.unlink()
            with suppress(OSError):  # something else lies in it
                path.parent.rmdir()
    return written


def _groups(records: Iterable[bytes | Removed]) -> Iterator[list[Enriched | Removed]]:
    rows: list[Enriched | Removed] = []
    size = 0
    for record in records:
        rows.append(record if isinstance(record, Removed) else decode(Enriched, record))
        size += 0 if isinstance(record, Removed) else len(record)
        if len(rows) >= ROWS or size >= BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _table(rows: list[Enriched | Removed]) -> pa.Table:
    """The rows column by column; a tombstone has its id and why it is one, and nothing else."""
    columns = [
        pa.array([value(row) if isinstance(row, Enriched) else None for row in rows], kind)
        for kind, value in _COLUMNS.values()
    ]
    columns[0] = pa.array([row.id for row in rows], pa.string())
    gone = [row if isinstance(row, Removed) else None for row in rows]
    columns.append(pa.array([one and (one.removed or "") for one in gone], pa.string()))
    columns.append(pa.array([one and one.reason for one in gone], pa.string()))
    return pa.Table.from_arrays(columns, schema=SCHEMA)
