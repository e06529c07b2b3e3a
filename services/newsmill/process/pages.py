"""Page lines, the form in which pages travel between filters and into replays, and page records."""

from __future__ import annotations

import base64

from newsmill.bus.base import Output
from newsmill.errors import BadRecord
from newsmill.records import (
    MAX_PAGE_BYTES,
    Page,
    PageLine,
    compress,
    decode,
    page_header,
    traceparent,
)
from newsmill.topics import PAGES
from newsmill.urls import identity, normalise

TEXT = "text/plain; charset=utf-8"

# Headers of the raw archive's WARC records, by which a replay gets the pages back as they were.
HELD_PAGE = "WARC-JSON-Metadata"  # the page record's metadata
REFERS_TO_FILE = "WARC-Refers-To-Filename"  # where an unchanged page's body lies
REFERS_TO_OFFSET = "WARC-Refers-To-File-Offset"


def read_line(line: bytes) -> tuple[Page, bytes]:
    """The page and body that a page line holds; raises BadRecord (``decode``, ``too_large``)."""
    return page_of(decode(PageLine, line))


def page_of(given: PageLine) -> tuple[Page, bytes]:
    """The page and body of a decoded page line; raises BadRecord."""
    body, content_type = _body(given)
    check_size(body)
    url = given.url or f"http://text.invalid/{given.id or ''}"
    try:
        url = normalise(url)
        page_id = identity(url)
    except ValueError as error:
        raise BadRecord("decode", f"url: {error}") from None
    page = Page(
        page_id=page_id,
        url=url,
        final_url=given.final_url,
        status=given.status,
        content_type=content_type,
        fetched=given.fetched,
        redirects=given.redirects,
        entry=given.entry,
        input_id=given.id,
    )
    return page, body


def check_size(body: bytes) -> None:
    """Raises BadRecord (``too_large``) for a body past the cap."""
    if len(body) > MAX_PAGE_BYTES:
        raise BadRecord("too_large", f"{len(body)} bytes; at most {MAX_PAGE_BYTES}")


def _body(given: PageLine) -> tuple[bytes, str | None]:
    content_type = given.content_type
    if content_type is None and given.http_headers:
        lower = {name.lower(): value for name, value in given.http_headers.items()}
        content_type = lower.get("content-type")
    encoded = given.body_b64 if given.body_b64 is not None else given.html_b64
    if encoded is not None:
        return encoded, content_type
    if given.text is not None:
        return given.text.encode(), content_type or TEXT
    raise BadRecord("decode", "a page line needs body_b64 or text")


def page_output(page: Page, body: bytes, entry: bytes | None = None) -> Output:
    """The page record; ``entry`` is the entry's own bytes. Raises BadRecord (``too_large``)."""
    return Output(
        topic=PAGES,
        key=page.page_id.encode(),
        routing=page.page_id,
        value=compress(body),
        headers=(
            ("content-encoding", b"zstd"),
            ("page", page_header(page, entry)),
            ("traceparent", traceparent(page.page_id, "pages")),
        ),
    )


def line_fields(page: Page, body: bytes) -> dict[str, object]:
    """The page line that ``read_line`` reads back as this page and body."""
    fields: dict[str, object] = {"id": page.input_id or page.page_id, "url": page.url}
    if page.final_url is not None:
        fields["final_url"] = page.final_url
    fields |= {
        "status": page.status,
        "content_type": page.content_type,
        "fetched": page.fetched,
        "redirects": page.redirects,
        "entry": page.entry,
        "body_b64": base64.b64encode(body).decode(),
    }
    return fields
