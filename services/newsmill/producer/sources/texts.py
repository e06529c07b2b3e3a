"""Files that each hold one article: plain text, its first line the title, or a page of HTML."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from newsmill.errors import BadRecord
from newsmill.process.pages import TEXT, check_size
from newsmill.producer.sources.base import At, Item
from newsmill.records import MAX_PAGE_BYTES, Entry, Page
from newsmill.urls import identity, normalise

_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*\r?\n", re.S)
_FIELD = re.compile(r"^([A-Za-z_-]{1,40})[ \t]*:[ \t]*(.*?)[ \t]*\r?$", re.M)
_MAX_MATTER = 16_384  # characters


class TextSource:
    """A file of text or HTML; ``name`` stands for an address where the file states none."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
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
        is_html = ".htm" in "".join(self.path.suffixes[-2:]).lower()
        if is_html:
            return _page(self._address(""), self._name, None, None), body
        stated, body = front_matter(body)
        url = self._address(stated.get("url", ""))
        entry = Entry(
            url=url,
            page_id=identity(url),
            title=stated.get("title"),
            published=stated.get("date") or stated.get("published"),
            authors=_names(stated.get("authors") or stated.get("author") or ""),
            tags=_names(stated.get("tags") or ""),
            language=stated.get("language") or stated.get("lang"),
        )
        page = _page(url, self._name, stated.get("fetched"), entry if stated else None)
        return replace(page, content_type=TEXT), _titled(stated.get("title"), body)

    def _address(self, stated: str) -> str:
        try:
            return normalise(stated or f"http://text.invalid/{self._name}")
        except ValueError as error:
            raise BadRecord("decode", f"url: {error}") from None


def _page(url: str, name: str, fetched: str | None, entry: Entry | None) -> Page:
    return Page(page_id=identity(url), url=url, fetched=fetched, entry=entry, input_id=name)


def front_matter(body: bytes) -> tuple[dict[str, str], bytes]:
    """The fields between two lines of ``---`` at a text's start, lower-cased, and the text below.

    Only ``name: value`` is read, of the YAML that such headers may hold: quotes around a value and
    brackets around a list come off.
    """
    if not body.startswith(b"---"):
        return {}, body
    head = body[:_MAX_MATTER].decode("utf-8", "ignore")
    found = _MATTER.match(head)
    if found is None:
        return {}, body
    fields = {name.lower(): _plain(value) for name, value in _FIELD.findall(found[1] or "")}
    return {name: value for name, value in fields.items() if value}, body[len(found[0].encode()) :]


def _plain(value: str) -> str:
    for left, right in ('""', "''", "[]"):
        if len(value) > 1 and value[0] == left and value[-1] == right:
            return value[1:-1].strip()
    return value


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for part in value.split(",") if (name := _plain(part.strip())))


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
