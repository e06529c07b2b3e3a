"""Pages as WARC records, as pywb, warcio and fastwarc read them: request, response or revisit.

What a page record says beside the body rides whole in one header, so that a replay of the archive
gives the pages back byte for byte.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastwarc.warc import WarcRecord, WarcRecordType

from newsmill.process.pages import HELD_PAGE, REFERS_TO_FILE, REFERS_TO_OFFSET
from newsmill.records import Page

UNDATED = (
    "1970-01-01T00:00:00Z"  # a WARC record must have a date; the page's own says there is none
)

_REVISIT = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Original:
    """Where the body of an unchanged page was written before."""

    file: str
    offset: int
    urn: str
    url: str
    fetched: str | None


def payload_digest(body: bytes) -> str:
    """The digest of a body as WARC states it: SHA-1 in base 32, by which captures are compared."""
    return f"sha1:{base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()}"


def urn_of(kind: str, page: Page, digest: str) -> str:
    """A record's name, made of what is in it: the same capture has the same name for ever."""
    told = f"{kind} {page.page_id} {page.fetched} {digest}".encode()
    name = hashlib.blake2b(told, digest_size=16).hexdigest()
    parts = (name[:8], name[8:12], name[12:16], name[16:20], name[20:])
    return f"uuid:{'-'.join(parts)}"


def response(page: Page, held: bytes, body: bytes, digest: str) -> bytes:
    """The gzip members of a response and its request; ``held`` is the page record's metadata."""
    urn = urn_of("response", page, digest)
    record = _record(WarcRecordType.response, page, urn, "application/http; msgtype=response")
    record.headers[HELD_PAGE] = held.decode()
    record.headers["WARC-Payload-Digest"] = digest
    record.set_bytes_content(_http(page, len(body)) + body)
    return _member(record) + _request(page, digest, urn)


def revisit(page: Page, held: bytes, size: int, digest: str, original: Original) -> bytes:
    """The gzip member of a page whose body of ``size`` bytes was written before."""
    urn = urn_of("revisit", page, digest)
    record = _record(WarcRecordType.revisit, page, urn, "application/http; msgtype=response")
    for name, value in (
        (HELD_PAGE, held.decode()),
        ("WARC-Payload-Digest", digest),
        ("WARC-Profile", _REVISIT),
        ("WARC-Refers-To", f"<urn:{original.urn}>"),
        ("WARC-Refers-To-Target-URI", original.url),
        ("WARC-Refers-To-Date", original.fetched or UNDATED),
        (REFERS_TO_FILE, original.file),
        (REFERS_TO_OFFSET, str(original.offset)),
    ):
        record.headers[name] = value
    record.set_bytes_content(_http(page, size))
    return _member(record)


def tombstone(urn: str, at: str, reason: str, size: int) -> bytes:
    """The record, of so many bytes, that stands where the record ``urn`` was taken down.

    It says when and why, and nothing of the page. Raises ValueError where it does not fit.
    """
    name = hashlib.blake2b(f"tombstone {urn} {at}".encode(), digest_size=16).hexdigest()
    parts = (name[:8], name[8:12], name[12:16], name[16:20], name[20:])
    head = (
        "WARC/1.1\r\nWARC-Type: metadata\r\n"
        f"WARC-Record-ID: <urn:uuid:{'-'.join(parts)}>\r\nWARC-Date: {at}\r\n"
        f"WARC-Refers-To: <urn:{urn}>\r\nContent-Type: application/warc-fields\r\n"
        "Content-Length: {:010}\r\n\r\n"
    )
    room = size - len(head.format(0)) - len("\r\n\r\n")
    if room < 0:
        raise ValueError(f"a tombstone of {size} bytes")
    said = f"removed: {at}\r\nreason: {' '.join(reason.split())}".encode("utf-8", "replace")
    block = said[:room].decode("utf-8", "ignore").encode().ljust(room)
    return head.format(room).encode() + block + b"\r\n\r\n"


def warcinfo(lane: str, version: str, date: str) -> bytes:
    """The gzip member that a file begins with."""
    record = WarcRecord()
    told = f"software: newsmill {version}\r\nformat: WARC File Format 1.1\r\nisPartOf: {lane}\r\n"
    name = hashlib.blake2b(f"{lane} {date}".encode(), digest_size=16).hexdigest()
    record.init_headers(
        record_type=WarcRecordType.warcinfo,
        record_urn=f"uuid:{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}".encode(),
    )
    record.headers["WARC-Date"] = date
    record.headers["Content-Type"] = "application/warc-fields"
    record.set_bytes_content(told.encode())
    return _member(record)


def _record(kind: WarcRecordType, page: Page, urn: str, content_type: str) -> WarcRecord:
    record = WarcRecord()
    record.init_headers(record_type=kind, record_urn=urn.encode())
    record.headers["WARC-Date"] = page.fetched or UNDATED
    record.headers["WARC-Target-URI"] = page.url
    record.headers["Content-Type"] = content_type
    return record


def _request(page: Page, digest: str, urn: str) -> bytes:
    parts = urlsplit(page.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    record = _record(
        WarcRecordType.request,
        page,
        urn_of("request", page, digest),
        "application/http; msgtype=request",
    )
    record.headers["WARC-Concurrent-To"] = f"<urn:{urn}>"
    record.set_bytes_content(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return _member(record)


def _http(page: Page, size: int) -> bytes:
    """The head of the answer, as far as a page record keeps it."""
    lines = [f"HTTP/1.1 {page.status or 200} {'OK' if page.status in (None, 200) else '-'}"]
    if page.content_type:
        lines.append(f"Content-Type: {' '.join(page.content_type.split())}")
    return "\r\n".join((*lines, f"Content-Length: {size}", "", "")).encode()


def _member(record: WarcRecord) -> bytes:
    out = io.BytesIO()
    record.write(out, checksum_data=True)
    return gzip.compress(out.getvalue(), _LEVEL, mtime=0)
