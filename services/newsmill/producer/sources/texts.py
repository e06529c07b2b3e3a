"""Files that each hold one article: plain text, its first line the title, or a page of HTML.

Either may begin with front matter: ``title``, ``authors``, ``published``, ``url``, ``fetched``,
``tags``, ``language``, or other names for these. What it says goes into the page's entry.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from newsmill.errors import BadRecord
from newsmill.process.pages import TEXT, check_size
from newsmill.producer.sources.base import At, FileSource, Item
from newsmill.records import MAX_PAGE_BYTES, Entry, Page
from newsmill.urls import identity, normalise

_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*\r?\n", re.S)
_FIELD = re.compile(r"([A-Za-z_-]{1,40})[ \t]*:[ \t]*(.*?)[ \t]*\Z")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*?)[ \t]*\Z")
_MAX_MATTER = 16_384  # characters
_NAMES = {
    "title": ("title", "headline"),
    "published": ("published", "date", "pubdate", "created"),
    "authors": ("authors", "author", "byline", "by"),
    "url": ("url", "link", "canonical_url", "permalink"),
    "fetched": ("fetched", "retrieved", "accessed"),
    "tags": ("tags", "keywords"),
    "language": ("language", "lang"),
}


class TextSource(FileSource):
    """A file of text or HTML; ``name`` stands for an address where the file states none."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path)
        self._name = name

    def items(self, at: At) -> Iterator[Item]:
        """The file, once."""
        if at.number == 0:
            with self.path.open("rb") as file:
                raw = file.read(MAX_PAGE_BYTES + 1)
            yield Item(1, 0, replace(at, number=1, byte=self.path.stat().st_size), raw)

    def page(self, item: Item) -> tuple[Page, bytes] | Entry:
        """The page; raises BadRecord."""
        body = _unzipped(item.raw) if self.path.suffix == ".gz" else item.raw
        check_size(body)
        stated, body = front_matter(body)
        said = {name: value for name, names in _NAMES.items() if (value := _first(stated, names))}
        url = self._address("".join(said.get("url", ())))
        entry = Entry(
            url=url,
            page_id=identity(url),
            title=", ".join(said.get("title", ())) or None,
            published="".join(said.get("published", ())) or None,
            authors=_each(said.get("authors", ())),
            tags=_each(said.get("tags", ())),
            language="".join(said.get("language", ())) or None,
        )
        page = Page(
            page_id=entry.page_id,
            url=url,
            fetched="".join(said.get("fetched", ())) or None,
            entry=entry if said else None,
            input_id=self._name,
        )
        if ".htm" in "".join(self.path.suffixes[-2:]).lower():
            return page, body
        return replace(page, content_type=TEXT), _titled(entry.title, body)

    def _address(self, stated: str) -> str:
        try:
            return normalise(stated or f"http://text.invalid/{self._name}")
        except ValueError as error:
            raise BadRecord("decode", f"url: {error}") from None


def front_matter(body: bytes) -> tuple[dict[str, tuple[str, ...]], bytes]:
    """The fields between two lines of ``---`` at a text's start, lower-cased, and the text below.

    Of the YAML that such headers may hold ``name: value`` is read, and lists: in brackets, or an
    item a line. Quotes around a value come off.
    """
    if not body.startswith(b"---"):
        return {}, body
    head = body[:_MAX_MATTER].decode("utf-8", "ignore")
    found = _MATTER.match(head)
    if found is None:
        return {}, body
    fields: dict[str, list[str]] = {}
    name = ""
    for line in (found[1] or "").splitlines():
        if field := _FIELD.match(line):
            name = field[1].lower()
            fields[name] = _values(field[2])
        elif (item := _ITEM.match(line)) and not item[1].startswith("{"):
            fields.setdefault(name, []).append(_bare(item[1]))
    kept = {name: tuple(filter(None, values)) for name, values in fields.items()}
    rest = body[len(found[0].encode()) :]
    return {name: values for name, values in kept.items() if values}, rest


def _values(value: str) -> list[str]:
    if len(value) > 1 and value[0] == "[" and value[-1] == "]":
        return [_bare(part.strip()) for part in value[1:-1].split(",")]
    return [_bare(value)]


def _bare(value: str) -> str:
    for quote in "\"'":
        if len(value) > 1 and value[0] == value[-1] == quote:
            return value[1:-1].strip()
    return value


def _each(values: tuple[str, ...]) -> tuple[str, ...]:
    """The items of a list, or of one value that is written as one, with commas."""
    if len(values) != 1:
        return values
    return tuple(bare for part in values[0].split(",") if (bare := _bare(part.strip())))


def _first(stated: dict[str, tuple[str, ...]], names: tuple[str, ...]) -> tuple[str, ...]:
    return next((stated[name] for name in names if name in stated), ())


def _titled(title: str | None, body: bytes) -> bytes:
    """The text with its title as first line, where the front matter alone has it."""
    first = body.lstrip().partition(b"\n")[0].strip()
    if title is None or first.lstrip(b"# ") == title.encode():
        return body
    return title.encode() + b"\n\n" + body


def _unzipped(raw: bytes) -> bytes:
    decoder = zlib.decompressobj(31)
    try:
        body = decoder.decompress(raw, MAX_PAGE_BYTES + 1)
    except zlib.error as error:
        raise BadRecord("encoding", str(error)) from None
    if not decoder.eof and len(body) <= MAX_PAGE_BYTES:
        raise BadRecord("truncated", "the file ends in the middle of its gzip member")
    return body
