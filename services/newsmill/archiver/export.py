"""Writes articles out of a store: JSON lines, which lose nothing, and CSV for spreadsheets.

Both write the records in the order given (a store gives them by article id), and the same records
give the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from typing import BinaryIO

from newsmill.archiver.store import Removed
from newsmill.records import Enriched, decode, encode

BETWEEN = "; "  # the items of a list in one cell

# What a spreadsheet takes for a formula, in the wide forms of East Asian keyboards too.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")

_COLUMNS: dict[str, Callable[[Enriched], str | None]] = {
    "id": lambda a: a.id,
    "page_id": lambda a: a.page_id,
    "revision": lambda a: a.revision,
    "url": lambda a: a.url,
    "canonical_url": lambda a: a.canonical_url,
    "site": lambda a: a.site,
    "title": lambda a: a.title,
    "subtitle": lambda a: a.subtitle,
    "authors": lambda a: BETWEEN.join(a.authors),
    "published": lambda a: a.published,
    "modified": lambda a: a.modified,
    "fetched": lambda a: a.fetched,
    "language": lambda a: a.language,
    "declared_language": lambda a: a.declared_language,
    "section": lambda a: a.section,
    "tags": lambda a: BETWEEN.join(a.tags),
    "flags": lambda a: BETWEEN.join(a.flags),
    "text": lambda a: a.text,
    "images": lambda a: BETWEEN.join(image.url for image in a.images if image.url),
    "related": lambda a: BETWEEN.join(link.url or link.title or "" for link in a.related),
    "entities": lambda a: BETWEEN.join(f"{entity.name} ({entity.type})" for entity in a.entities),
    "quotes": lambda a: BETWEEN.join(
        f"{quote.speaker}: {quote.text}" if quote.speaker else quote.text for quote in a.quotes
    ),
    "quality": lambda a: None if a.quality is None else f"{a.quality.score:g}",
    "tier": lambda a: None if a.quality is None else a.quality.tier,
}

HEADER = (*_COLUMNS, "removed")
"""The columns of the CSV; new ones are added at the end. ``removed`` is for tombstones alone."""


def write_jsonl(records: Iterable[bytes | Removed], out: BinaryIO) -> int:
    """Write each record as one line, byte for byte as it came; returns how many.

    A tombstone is a line of ``id``, ``removed`` (null where nobody took it down) and ``reason``.
    Only a line break between the tokens of a record (inside a string JSON forbids it) is made a
    space.
    """
    written = 0
    for record in records:
        if isinstance(record, Removed):
            record = encode(record)
        if b"\n" in record or b"\r" in record:
            record = record.replace(b"\n", b" ").replace(b"\r", b" ")
        out.write(record + b"\n")
        written += 1
    return written


def write_csv(records: Iterable[bytes | Removed], out: BinaryIO) -> int:
    """Write the header and one row a record, as RFC 4180 in UTF-8; returns how many records.

    Lists are joined by "; ". A cell that a spreadsheet would run as a formula (it begins with
    ``= + - @``, a tab or a line break) gets an apostrophe before it. Raises BadRecord and TryLater
    like ``records.decode``.
    """
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(HEADER)
    written = 0
    for record in records:
        if isinstance(record, Removed):
            empty = [""] * (len(_COLUMNS) - 1)
            writer.writerow([record.id, *empty, record.removed or "moved"])
        else:
            article = decode(Enriched, record)
            writer.writerow([*(_cell(column(article)) for column in _COLUMNS.values()), ""])
        written += 1
        _pour(sheet, out)
    _pour(sheet, out)
    return written


def _pour(sheet: io.StringIO, out: BinaryIO) -> None:
    out.write(sheet.getvalue().encode())
    sheet.seek(0)
    sheet.truncate()


def _cell(value: str | None) -> str:
    if not value:
        return ""
    return f"'{value}" if _FORMULA.match(value) else value
