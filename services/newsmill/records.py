"""The records that pass between workers: their types, their one way to be written and to be read.

orjson writes; a typed msgspec decoder reads and checks. Every record carries ``v``, its major
version: a field may be added within a version, anything else is a new one. A decoder ignores fields
it does not know; the workers that pass a record on pass its own bytes, so that they survive.

Times are ISO 8601 strings as the source states them, with its offset (UTC where it states none); a
bare day stays ``YYYY-MM-DD``. ``fetched`` is the one "now" of a record.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec
import orjson
import zstandard

from newsmill.errors import BadRecord, TryLater

MAX_PAGE_BYTES = 5_000_000  # of a page's body, decompressed
MAX_FRAME_BYTES = 4_000_000  # of its zstd frame on the wire
LEVEL = 1  # of its compression: on pages of news a third less work than 3, and 6 % larger frames

BlockKind = Literal["paragraph", "heading", "list", "quote", "table", "caption", "embed"]
Flag = Literal["listing", "live_blog", "paywalled", "video"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A media file that a feed names beside an entry."""

    url: str
    type: str | None = None
    length: int | None = None  # bytes, as the feed states it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a feed: a page to fetch, and what the feed says of it."""

    v: int = 1
    url: str
    page_id: str
    feed: str | None = None  # the feed's URL
    title: str | None = None
    summary: str | None = None
    published: str | None = None
    updated: str | None = None
    authors: tuple[str, ...] = ()
    guid: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    tags: tuple[str, ...] = ()
    language: str | None = None  # the feed's, as declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A fetched page without its body: what rides in the ``page`` header of a page record."""

    v: int = 1
    page_id: str
    url: str  # as asked for; page_id is made of it
    final_url: str | None = None  # after redirects, where it differs
    status: int | None = None
    content_type: str | None = None  # the Content-Type header, whole
    fetched: str | None = None
    redirects: tuple[str, ...] = ()
    entry: Entry | None = None
    input_id: str | None = None  # the id of the line it came from, in a filter or a replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of the article's body: which lines of ``text`` it is, or its own text beside them."""

    kind: BlockKind
    lines: tuple[int, int] | None = None  # [start, end) of the lines of ``text``
    text: str | None = None  # of a caption or an embed, which stand outside ``text``
    level: int | None = None  # of a heading, 2 to 6
    url: str | None = None  # of an embed


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture of the article; one that is only captioned has no url."""

    url: str | None = None
    caption: str | None = None
    credit: str | None = None  # without its label


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A "see also" link of the body; one that is only named has no url."""

    url: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How sure the extractor is of the text, 0 to 1, and which tier answered."""

    score: float
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The article that a page holds."""

    v: int = 1
    id: str
    page_id: str
    revision: str
    url: str
    canonical_url: str
    site: str | None = None
    title: str | None = None
    subtitle: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    modified: str | None = None
    fetched: str | None = None
    declared_language: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    text: str = ""  # paragraphs, headings, list items, quotes and table rows, one a line
    blocks: tuple[Block, ...] = ()
    images: tuple[Image, ...] = ()
    related: tuple[Related, ...] = ()
    flags: tuple[Flag, ...] = ()
    quality: Quality | None = None
    provenance: dict[str, str] = field(default_factory=dict)  # field → source; field_raw → raw form
    extractor: str = ""  # version
    input_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A named thing; ``spans`` are ``(start, end)`` code points of ``text``."""

    name: str
    type: str  # PERSON, ORG, GPE, LOC, EVENT, …
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words that somebody is quoted with; ``span`` is ``(start, end)`` code points of ``text``."""

    text: str
    speaker: str | None = None
    verb: str | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched(Article):
    """The article with its annotations, which follow the article's own bytes on the wire."""

    language: str | None = None  # ISO 639-1, or "und"
    entities: tuple[Entity, ...] = ()
    quotes: tuple[Quote, ...] = ()
    annotators: dict[str, str] = field(default_factory=dict)  # annotator → version


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLine:
    """A page as a line of JSON, for filters and replays: the body in base64, or as plain text."""

    id: str | None = None
    url: str | None = None  # a text needs none: its id stands for it
    body_b64: bytes | None = None
    html_b64: bytes | None = None  # accepted for body_b64
    text: str | None = None  # a plain-text article, its first line the title
    content_type: str | None = None
    http_headers: dict[str, str] | None = None
    final_url: str | None = None
    status: int | None = None
    fetched: str | None = None
    redirects: tuple[str, ...] = ()
    entry: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed to poll: the value on the ``feeds`` topic, whose key is the URL."""

    v: int = 1
    url: str
    title: str | None = None
    tags: tuple[str, ...] = ()
    interval_s: int | None = None  # asks for this polling interval instead of an adaptive one
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """What was taken down: the value on the ``denied`` topic, whose key is the same ``key``."""

    v: int = 1
    key: str  # page id, article id, or a host that stands for itself and all below it
    at: str  # when, ISO 8601, UTC
    reason: str = ""  # in the words of whoever asked for it
    article_id: str | None = None  # of a page that was taken down with its article


VERSIONED = (Entry, Page, Article, Enriched, Feed, Denial)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Version:
    v: int = 1


@dataclass(frozen=True, slots=True)
class _Carrying:
    """A record with an entry in it, whose version counts too."""

    v: int = 1
    entry: _Version | None = None


_CARRYING: tuple[type, ...] = (Page, PageLine)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last: nested too deep


_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def _decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder


def encode(record: Any) -> bytes:
    """The record as one line of JSON, its fields in the order of its type."""
    return orjson.dumps(record)


def decode(kind: type[R], value: bytes | None) -> R:
    """Read a record of ``kind``.

    Raises BadRecord (``decode``) when it is none, and TryLater when it is one of a newer major
    version: a good record of the future waits for the newer worker.
    """
    if value is None:
        raise BadRecord("decode", "no value")
    try:
        record = _decoder(kind).decode(value)
    except _UNREADABLE as error:
        _refuse_newer(kind, value)
        raise BadRecord("decode", f"{kind.__name__.lower()}: {error}") from None
    version: int = getattr(record, "v", 1)
    entry: Entry | None = getattr(record, "entry", None)
    if version != 1 or (entry is not None and entry.v != 1):
        _refuse_newer(kind, value)
        raise BadRecord("decode", f"{kind.__name__.lower()}: no such version of it or its entry")
    return record


def _refuse_newer(kind: type, value: bytes) -> None:
    try:
        if kind in _CARRYING:
            carrying = _decoder(_Carrying).decode(value)
            version = max(carrying.v, 1 if carrying.entry is None else carrying.entry.v)
        else:
            version = _decoder(_Version).decode(value).v
    except _UNREADABLE:
        return
    if version > 1:
        raise TryLater(
            f"{kind.__name__.lower()} of version {version}; this worker reads 1:"
            " deploy a newer one",
            30.0,
        )


def splice(record: bytes, fields: bytes) -> bytes:
    """The JSON object ``record`` with the members of the JSON object ``fields`` put at its end."""
    if record == b"{}" or fields == b"{}":
        return fields if record == b"{}" else record
    return b"".join((record[: record.rindex(b"}")].rstrip(), b",", fields[1:]))


def page_header(page: Page, entry: bytes | None = None) -> bytes:
    """The ``page`` header of a page record; ``entry`` is the entry's own bytes, kept whole."""
    if entry is None:
        return encode(page)
    fields = {name: getattr(page, name) for name in page.__slots__}
    return orjson.dumps(fields | {"entry": orjson.Fragment(entry)})


def compress(body: bytes) -> bytes:
    """The body as one zstd frame that states its size; the same bytes for the same body.

    Raises BadRecord (``too_large``) past either cap.
    """
    if len(body) > MAX_PAGE_BYTES:
        raise BadRecord("too_large", f"{len(body)} bytes; at most {MAX_PAGE_BYTES}")
    frame = zstandard.ZstdCompressor(level=LEVEL).compress(body)
    if len(frame) > MAX_FRAME_BYTES:
        raise BadRecord("too_large", f"{len(frame)} bytes compressed; at most {MAX_FRAME_BYTES}")
    return frame


def decompress(frame: bytes | None) -> bytes:
    """The body in a frame made by ``compress``; raises BadRecord (``encoding``, ``too_large``)."""
    if frame is None:
        raise BadRecord("decode", "a page without a body")
    try:
        parameters = zstandard.get_frame_parameters(frame)
        if parameters.content_size > MAX_PAGE_BYTES:
            raise BadRecord("too_large", f"a frame of {parameters.content_size} bytes")
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        body = reader.decompress(frame)
    except zstandard.ZstdError as error:
        raise BadRecord("encoding", f"zstd: {error}") from None
    if not reader.eof or reader.unused_data:
        raise BadRecord("encoding", "zstd: the frame is cut, or more follows it")
    return body


def digest(*parts: str) -> str:
    """BLAKE2b-128, hex, of the parts, each ended by a NUL so that no two lists collide."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part.encode("utf-8", "surrogatepass"))
        state.update(b"\0")
    return state.hexdigest()


def traceparent(page_id: str, stage: str) -> bytes:
    """W3C trace context of a page at a stage: the page id is the trace id, nothing is random."""
    return f"00-{page_id}-{digest(page_id, stage)[:16]}-01".encode()
