"""Damaged sources of a replay, and the table of what is read of them: docs/replay-sources.md.

cd tests && python -m corrupt_sources > ../docs/replay-sources.md
"""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

from newsmill.errors import BadRecord, Misconfigured
from newsmill.producer.sources import At, Ready, Unpaged, source_of
from newsmill.records import Entry

COUNT = 6
HEAD = """# Damaged sources

What `newsmill replay` reads of files that are cut, corrupt or something else than they say.
Each file below holds six pages, or six lines or rows of them, and was then damaged.
The table is made by `tests/corrupt_sources.py`, and a test fails where it is not true any more.
Every damaged part is one record of the source, with a number, a log line and a dead letter.
So it is counted in the report and in the manifest, and what was cut never looks whole.
Only a file that ends just where a page ends cannot be told from one that was written so.
Numbers of bytes are written as N.

| file | damage | pages read | what is said |
|---|---|---|---|
"""
_LONG = re.compile(r"\b\d{3,}\b")


class Case(NamedTuple):
    """A file, what was done to it, and its bytes."""

    name: str
    damage: str
    data: bytes


def _record(number: int, kind: str = "response", more: bytes = b"", length: int = 0) -> bytes:
    words = " ".join(f"w{number}{n:03}" for n in range(400))
    body = f"<p>Story {number}. {words}</p>".encode()
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    return (
        b"WARC/1.1\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%032d>\r\n"
        b"WARC-Date: 2026-01-0%dT00:00:00Z\r\nWARC-Target-URI: http://news.example/%d\r\n%s"
        b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
        % (kind.encode(), number, number, number, more, len(http) + length)
    ) + http + b"\r\n\r\n"  # fmt: skip


RECORDS = [_record(number) for number in range(1, COUNT + 1)]
MEMBERS = [gzip.compress(record, mtime=0) for record in RECORDS]
FRAMES = [zstandard.ZstdCompressor(write_checksum=True).compress(record) for record in RECORDS]
LINES = [
    b'{"url": "http://news.example/%d", "text": "Story\\n\\nIt rained on day %d of the week."}'
    % (number, number)
    for number in range(1, COUNT + 1)
]
_ITEMS = b"".join(
    b"<item><link>http://news.example/%d</link><title>Story %d</title></item>\n" % (n, n)
    for n in range(1, COUNT + 1)
)
FEED = (
    b'<?xml version="1.0"?>\n<rss version="2.0"><channel><title>News</title>'
    b"<link>http://news.example/</link>\n" + _ITEMS + b"</channel></rss>"
)


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def _with(parts: list[bytes], at: int, part: bytes) -> bytes:
    return b"".join([*parts[:at], part, *parts[at + 1 :]])


def cases() -> Iterator[Case]:
    """The damaged files."""
    gz, plain, zst = b"".join(MEMBERS), b"".join(RECORDS), b"".join(FRAMES)
    half = len(MEMBERS[3]) // 2
    start = sum(map(len, MEMBERS[:3]))
    one = gzip.compress(plain, mtime=0)
    yield Case("a.warc.gz", "none", gz)
    yield Case("a.warc.gz", "cut in the middle of the fourth page", gz[: start + half])
    yield Case("a.warc.gz", "cut between two pages", gz[:start])
    yield Case("a.warc.gz", "a flipped byte in the fourth page", _flipped(gz, start + half))
    yield Case(
        "a.warc.gz", "rubbish between two members", _with(MEMBERS, 2, MEMBERS[2] + b"\0" * 99)
    )
    yield Case(
        "a.warc.gz", "the second half of one page and the first of the next are zeros",
        gz[: start - half] + b"\0" * (2 * half) + gz[start + half :],
    )  # fmt: skip
    yield Case("a.warc.gz", "compressed as one member, and cut", one[: len(one) // 2])
    yield Case("a.warc.gz", "not gzip at all", b"<html>error 503</html>" * 40)
    yield Case("a.warc.gz", "empty", b"")
    yield Case("a.warc", "cut in the middle of the fourth page", plain[: len(plain) * 7 // 12])
    yield Case(
        "a.warc", "rubbish between two pages", _with(RECORDS, 2, RECORDS[2] + b"rubbish\n" * 9)
    )
    yield Case(
        "a.warc", "a length that is 100 too large", _with(RECORDS, 2, _record(3, length=100))
    )
    yield Case(
        "a.warc", "a length that is 100 too small", _with(RECORDS, 2, _record(3, length=-100))
    )
    yield Case(
        "a.warc", "the crawler says that it cut a page",
        _with(RECORDS, 2, _record(3, more=b"WARC-Truncated: length\r\n")),
    )  # fmt: skip
    yield Case("a.warc.zst", "cut in the middle of the fourth page", zst[: len(zst) * 7 // 12])
    yield Case("a.warc.zst", "a flipped byte in the fourth page", _flipped(zst, len(zst) * 7 // 12))
    yield Case("a.jsonl", "cut in the middle of the last line", b"\n".join(LINES)[:-20])
    yield Case("a.jsonl", "a line that is no JSON", b"\n".join([*LINES[:3], b"{oops", *LINES[4:]]))
    yield Case(
        "a.jsonl", "bytes that are no text", b"\n".join([*LINES[:3], b"\xff\0\xfe", *LINES[4:]])
    )
    packed = gzip.compress(b"\n".join(LINES), mtime=0)
    yield Case("a.jsonl.gz", "cut in the middle", packed[: len(packed) * 3 // 4])
    yield Case("a.csv", "a row without an address or a text", b"url,text\n,\n" + b"".join(
        b"http://news.example/%d,Story %d\n" % (n, n) for n in range(2, COUNT + 1)
    ))  # fmt: skip
    yield Case("a.csv", "no column that we know", b"name,age\nx,1\n")
    yield Case("a.parquet", "no Parquet", b"PAR1 it is not")
    yield Case("a.xml", "a feed that is cut in the middle", FEED[: len(FEED) * 2 // 3])
    yield Case(
        "a.xml", "a page of HTML in place of a feed", b"<!doctype html><title>503</title>Oops"
    )
    yield Case("a.txt", "empty", b"")


def read(path: Path) -> tuple[int, list[str]]:
    """How many pages or entries a file gives, and what is said of all else."""
    source = source_of(path, path.name)
    pages, said = 0, []
    try:
        for item in source.items(At("")):
            try:
                if item.damage is not None:
                    raise item.damage
                found = source.page(item)
                assert isinstance(found, tuple | Ready | Entry)
                pages += 1
            except Unpaged as other:
                said.append(f"{other.outcome}: {other.detail}")
            except BadRecord as error:
                detail = "what pyarrow says of it" if path.suffix == ".parquet" else error.detail
                said.append(f"`{error.reason}` {detail}")
    except Misconfigured as error:
        said.append(f"exit code 2: {str(error).replace(str(path), path.name)}")
    return pages, said


def document() -> str:
    """The page, whole."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases()):
            path = Path(folder) / str(number) / case.name
            path.parent.mkdir()
            path.write_bytes(case.data)
            pages, said = read(path)
            told = _LONG.sub("N", "<br>".join(said)).replace("|", "\\|") or "nothing"
            rows.append(f"| {case.name} | {case.damage} | {pages} | {told} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    print(document(), end="")
