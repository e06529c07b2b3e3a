"""What a body is before anything is parsed: a page, plain text, or no page of text at all."""

from __future__ import annotations

import re
from typing import Literal

import orjson

from newsmill.errors import BadRecord

Form = Literal["html", "plain"]

_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_PLAIN_TYPES = ("text/plain", "text/markdown")
_MAGIC = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"\x1f\x8b", "gzip data"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"\x00\x00\x00\x18ftyp", "an MP4 file"),
    (b"\x00\x00\x00\x20ftyp", "an MP4 file"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
)
_MARKUP = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|article|main|div|p|h[1-6]|span|table|"
    r"section|br|a)\b",
    re.I,
)
_FEED = re.compile(
    r"(?:<\?xml[^>]*\?>|<!--[^>]*-->|<\?[^>]*\?>|<!DOCTYPE\s+(?!html)[^>]*>|\s)*"
    r"<(?:\w+:)?(rss|feed|rdf|urlset|sitemapindex|opml|svg|error|kml)\b",
    re.I,
)
HEAD_CHARS = 4_096


def refuse_binary(body: bytes) -> None:
    """Raises BadRecord (``not_html``) for bytes that are plainly a file of another kind."""
    if not body or body.isspace():
        raise BadRecord("not_html", "an empty body")
    for magic, what in _MAGIC:
        if body.startswith(magic):
            raise BadRecord("not_html", what)


def form_of(text: str, content_type: str | None) -> Form:
    """Whether decoded text is HTML or plain; raises BadRecord (``not_html``) when it is neither.

    A label decides only between the two: what looks like a feed or JSON is none, whatever it says,
    and a page mislabelled as something else is read as the page that it is.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    head = text[:HEAD_CHARS]
    feed = _FEED.match(head)
    if feed and kind not in _PLAIN_TYPES:
        raise BadRecord("not_html", f"an XML document of type {feed[1].lower()}")
    if kind in _PLAIN_TYPES:
        return "html" if re.match(r"\s*<!doctype\s+html|\s*<html\b", head, re.I) else "plain"
    if head.lstrip()[:1] in ("{", "[") and _is_json(text):
        raise BadRecord("not_html", "JSON")
    if _MARKUP.search(text):
        return "html"
    if kind in _HTML_TYPES or not kind:
        raise BadRecord("not_html", "no markup in it")
    raise BadRecord("not_html", f"content type {kind}")


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
