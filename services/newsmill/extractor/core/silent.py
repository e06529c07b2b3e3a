"""Elements that show no text of their own: pictures, frames, metas, form fields, the page's title.

Each is told to the sheet by its start tag and what is within; where it stands is before the block
that comes next.
"""

from __future__ import annotations

from collections.abc import Callable

from newsmill.extractor.core.openings import attributes, plain
from newsmill.extractor.core.sheet import MAX_KEPT, MAX_MENTION, Embed, Picture, Sheet

MAX_METAS = 40  # values of one name
_SOURCES = ("data-src", "data-original", "data-lazy-src", "data-url", "src")  # late ones first
_SETS = ("srcset", "data-srcset")
_NAMES = ("property", "name", "itemprop")

Told = Callable[[Sheet, str, int, list[str]], None]
"""Takes the start tag, the box it stands in, and the tags and text within it."""


def image(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """A picture, with every address that it gives."""
    if len(sheet.pictures) >= MAX_KEPT:
        return
    given = attributes(head)
    sources = [given[name] for name in _SOURCES if given.get(name)]
    sources += [given[name].split()[0] for name in _SETS if given.get(name, "").strip()]
    width = given.get("width", "").removesuffix("px")
    sheet.pictures.append(
        Picture(
            tuple(dict.fromkeys(sources)),
            given.get("alt", "")[:MAX_MENTION],
            int(width) if width.isascii() and width.isdigit() and len(width) < 6 else 0,
            len(sheet.blocks),
            box,
        )
    )


def embed(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """A frame, video or audio."""
    if len(sheet.embeds) < MAX_KEPT:
        given = attributes(head)
        url = given.get("src") or given.get("data-src") or given.get("data") or ""
        for inner in inside:
            if not url and inner.startswith("source "):
                url = attributes(inner).get("src") or ""
        tag = head.partition(" ")[0].rstrip("/")
        sheet.embeds.append(Embed(tag, url, len(sheet.blocks), box))


def noscript(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """What stands in for a lazy picture."""
    for inner in inside:
        if inner.startswith("img "):
            image(sheet, inner.partition(">")[0], box, [])


def field(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """A form field shows no text."""
    if "password" in head.lower() and attributes(head).get("type", "").lower() == "password":
        sheet.asks_password = True


def meta(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """A meta element, by every name that it has."""
    given = attributes(head)
    content = given.get("content")
    if content:
        for key in _NAMES:
            if name := given.get(key):
                values = sheet.metas.setdefault(name.strip().lower()[:80], [])
                if len(values) < MAX_METAS:
                    values.append(content.strip())


def head_link(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """A link element: the address that the page says is its own."""
    if "canonical" not in head.lower():
        return
    given = attributes(head)
    rel, href = given.get("rel"), given.get("href")
    if rel and href:
        for word in rel.lower().split():
            sheet.links.setdefault(word, href.strip())


def base(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """The address that others are relative to."""
    href = attributes(head).get("href")
    if sheet.base is None and href:
        sheet.base = href


def title(sheet: Sheet, head: str, box: int, inside: list[str]) -> None:
    """The page's title, the first one."""
    if sheet.head_title is None:
        text = "".join([part.partition(">")[2] for part in inside])
        sheet.head_title = " ".join(plain(text).split()) or None


TOLD: dict[str, Told] = {
    **dict.fromkeys(("img", "amp-img"), image),
    **dict.fromkeys(("iframe", "amp-iframe", "video", "audio", "object", "embed"), embed),
    "input": field,
    "noscript": noscript,
    "meta": meta,
    "link": head_link,
    "base": base,
    "title": title,
}
