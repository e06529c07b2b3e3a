"""CSV, TSV and Parquet tables: a row is a page, or the address of one to be fetched.

Columns: ``url``; a body in ``html`` or ``text`` (none: the page is to be fetched); and, where they
are there, ``id``, ``title``, ``published``, ``authors``, ``content_type``, ``fetched``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from newsmill.errors import BadRecord, Misconfigured
from newsmill.process.pages import TEXT, check_size
from newsmill.producer.sources.base import MAX_RAW, At, FileSource, Item
from newsmill.producer.sources.lines import numbered_lines
from newsmill.records import Entry, Page
from newsmill.urls import identity, normalise

BATCH_ROWS = 64
HTML = "text/html; charset=utf-8"


class TableSource(FileSource):
    """One table of pages or addresses."""

    def items(self, at: At) -> Iterator[Item]:
        """The rows; each is held as a JSON object of its columns."""
        is_parquet = self.path.suffix.lower() == ".parquet"
        rows = _parquet(self.path, at.number) if is_parquet else _csv(self.path)
        for number, row in enumerate(rows, at.number + 1 if is_parquet else 1):
            if number > at.number:
                at = replace(at, number=number)
                damage = row if isinstance(row, BadRecord) else None
                yield Item(number, 0, at, b"" if isinstance(row, BadRecord) else row, damage)

    def page(self, item: Item) -> tuple[Page, bytes] | Entry:
        """The page or entry of a row; raises BadRecord."""
        row: dict[str, str] = orjson.loads(item.raw)
        try:
            url = normalise(row.get("url") or f"http://text.invalid/{row.get('id') or ''}")
        except ValueError as error:
            raise BadRecord("decode", f"row {item.number}: url: {error}") from None
        authors = tuple(n for part in (row.get("authors") or "").split(";") if (n := part.strip()))
        stated = row.get("title"), row.get("published"), authors
        entry = Entry(
            url=url,
            page_id=identity(url),
            title=stated[0] or None,
            published=stated[1] or None,
            authors=authors,
        )
        text, html = row.get("text"), row.get("html")
        if not text and not html:
            return entry
        body = (html or text or "").encode()
        check_size(body)
        page = Page(
            page_id=entry.page_id,
            url=url,
            content_type=row.get("content_type") or (HTML if html else TEXT),
            fetched=row.get("fetched") or None,
            entry=entry if any(stated) else None,
            input_id=row.get("id") or None,
        )
        return page, body


def _csv(path: Path) -> Iterator[bytes | BadRecord]:
    """The rows of a CSV or TSV file, compressed or not."""
    csv.field_size_limit(MAX_RAW)
    lines = _Lines(path)
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    reader = csv.DictReader(lines, delimiter=delimiter, restkey="", restval="")
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if "url" not in names and "text" not in names:
        raise Misconfigured(f"{path}: a table needs a column url or text; it has {names}")
    reader.fieldnames = names
    for row in reader:
        row.pop("", None)
        yield orjson.dumps(row)
    if lines.damage is not None:
        yield lines.damage


class _Lines:
    """The text of a file line by line, as the csv module reads it; ``damage`` is what broke off."""

    def __init__(self, path: Path) -> None:
        self._lines = numbered_lines(path, At(""), keep_blank=True)
        self.damage: BadRecord | None = None

    def __iter__(self) -> Iterator[str]:
        for item in self._lines:
            if item.damage is not None:
                self.damage = item.damage
            else:
                yield (
                    item.raw.decode("utf-8-sig" if item.number == 1 else "utf-8", "replace") + "\n"
                )


def _parquet(path: Path, skip: int) -> Iterator[bytes | BadRecord]:
    """The rows of a Parquet file from number ``skip``, without the row groups before."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise Misconfigured(
            f"{path}: Parquet needs pyarrow: pip install 'newsmill[parquet]'"
        ) from None
    try:
        file = parquet.ParquetFile(path)
        first, before = 0, 0
        while first < file.num_row_groups:
            rows = file.metadata.row_group(first).num_rows
            if before + rows > skip:
                break
            first, before = first + 1, before + rows
        groups = list(range(first, file.num_row_groups))
        number = before
        for batch in file.iter_batches(BATCH_ROWS, row_groups=groups):
            for row in batch.to_pylist():
                number += 1
                if number > skip:
                    yield orjson.dumps({name.lower(): _text(v) for name, v in row.items()})
    except arrow.ArrowInvalid as error:
        yield BadRecord("source_damaged", str(error).splitlines()[0])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
