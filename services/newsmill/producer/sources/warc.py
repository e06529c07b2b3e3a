"""WARC files, plain, gzip or zstd: every response with a page is a page as it was fetched then.

Records are cut out of the file here, so that a damaged one is named with its position and costs no
other; what is in a record is read by fastwarc.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType

from newsmill.errors import BadRecord
from newsmill.process.pages import HELD_PAGE, REFERS_TO_FILE, REFERS_TO_OFFSET, check_size
from newsmill.producer.sources.base import At, FileSource, Item, Unpaged
from newsmill.producer.sources.cutter import MAGIC, MAX_HEADER, Cutter
from newsmill.producer.sources.members import compression, parts
from newsmill.records import MAX_PAGE_BYTES, Entry, Page, decode
from newsmill.urls import identity, normalise

_TEXT = ("html", "xml", "text/plain")
_INDEX = "index.db"  # lies beside the files of our own archive
_STILL_S = 60.0  # not written to for so long, a file is at its end
_FRACTION = re.compile(r"\.\d+(?=Z|[+-]|\Z)")


class WarcSource(FileSource):
    """One WARC file."""

    def items(self, at: At) -> Iterator[Item]:
        """The records that may be pages, and the damaged parts; all others are only counted.

        Of our own archive, the end of a file that an archiver is writing is no damage: it is left
        for the next reading.
        """
        for item in self._items(at):
            if item.damage is not None and item.damage.reason == "source_cut" and self._grows():
                return
            yield item

    def _grows(self) -> bool:
        is_ours = self.path.with_name(_INDEX).exists()
        return is_ours and time.time() - self.path.stat().st_mtime < _STILL_S

    def _items(self, at: At) -> Iterator[Item]:
        with self.path.open("rb") as file:
            if not self.size() and not at.number:  # a WARC file holds a record at least
                nothing = BadRecord("source_cut", "byte 0: the file is empty")
                yield Item(1, 0, replace(at, number=1), b"", nothing)
            whole = not compression(file)
            cutter = Cutter(at, is_one=whole)
            for part in parts(file, at.byte, MAGIC):
                yield from cutter.push(part)

    def page(self, item: Item) -> tuple[Page, bytes] | Entry:
        """The page of a response; raises BadRecord, and Unpaged for a revisit of somebody else's.

        A revisit of our own archive names the file and place of the body.
        """
        record = _record(item.raw)
        if cut := record.headers.get("WARC-Truncated"):
            raise BadRecord("truncated", f"WARC-Truncated: {cut}")
        page = _page(record)
        if record.record_type == WarcRecordType.revisit:
            record = self._original(record)
        elif HELD_PAGE not in record.headers:
            _check(page)
        try:
            body = record.reader.read(MAX_PAGE_BYTES + 1)
        except OSError as error:
            raise BadRecord("encoding", str(error)) from None
        check_size(body)
        return page, body

    def _original(self, revisit: Any) -> Any:
        """The record that holds a revisit's body."""
        name, offset = revisit.headers.get(REFERS_TO_FILE), revisit.headers.get(REFERS_TO_OFFSET)
        if not name or not offset:
            when = revisit.headers.get("WARC-Refers-To-Date") or "its last fetch"
            raise Unpaged("duplicate", None, f"a revisit: unchanged since {when}")
        path = self.path.parent / Path(name).name
        at = At("", byte=int(offset))
        item = next(WarcSource(path).items(at), None) if path.is_file() else None
        if item is None or item.damage is not None or item.start != at.byte:
            raise BadRecord("source_damaged", f"no body at byte {offset} of {name}")
        return _record(item.raw)


def _check(page: Page) -> None:
    """Raises BadRecord for an answer that is no page of text."""
    if page.status is not None and not 200 <= page.status < 300:
        raise BadRecord("http_status", f"{page.status}")
    media = (page.content_type or "text/html").lower()
    if not any(word in media for word in _TEXT):
        raise BadRecord("not_html", page.content_type or "")


def _record(raw: bytes) -> Any:
    try:
        found = next(
            ArchiveIterator(
                io.BytesIO(raw),
                record_types=WarcRecordType.any_type,
                auto_decode="all",
                max_header_len=MAX_HEADER,
            ),
            None,
        )
    except OSError as error:
        raise BadRecord("decode", f"WARC record: {error}") from None
    if found is None:
        raise BadRecord("decode", "WARC record: it cannot be read")
    return found


def _page(record: Any) -> Page:
    held = record.headers.get(HELD_PAGE)
    if held:
        return decode(Page, held.encode())
    try:
        url = normalise((record.headers.get("WARC-Target-URI") or "").strip("<> "))
    except ValueError as error:
        raise BadRecord("decode", f"WARC-Target-URI: {error}") from None
    http = record.http_headers
    return Page(
        page_id=identity(url),
        url=url,
        status=http.status_code if http is not None else None,
        content_type=(http if http is not None else record.headers).get("Content-Type"),
        fetched=_moment(record.headers.get("WARC-Date")),
    )


def _moment(date: str | None) -> str | None:
    """A WARC date as records write moments: whole seconds."""
    return _FRACTION.sub("", date.strip()) if date else None
