"""An article from plain text: its first line the title, every further line a paragraph.

What stands nowhere in the text (who wrote it, and when) is taken from the entry that led to it: of
a feed, or of the front matter of a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from newsmill.errors import BadRecord
from newsmill.extractor.core import byline, dates
from newsmill.extractor.core.blocks import Line
from newsmill.extractor.core.markup import CONTROLS
from newsmill.records import Page

_BREAK = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_MARK = re.compile(r"\A(?:#{1,6}\s+|title:\s*)", re.I)
WRAPPED = range(50, 91)  # characters of a line that an editor broke


def read(text: str) -> tuple[str, list[Line]]:
    """Title and lines; raises BadRecord (``no_article``) where there is no second line."""
    lines = [" ".join(line.split()) for line in _BREAK.split(CONTROLS.sub("", text))]
    while lines and not lines[0]:
        lines.pop(0)
    if not lines:
        raise BadRecord("no_article", "an empty text")
    title = _MARK.sub("", lines.pop(0))
    paragraphs = _unwrapped(lines)
    if not paragraphs:
        raise BadRecord("no_article", "a text of one line")
    return title, [Line("paragraph", line) for line in paragraphs]


@dataclass(frozen=True, slots=True)
class Stated:
    """What the entry of a plain text says of it, with where each came from."""

    authors: tuple[str, ...] = ()
    published: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    provenance: dict[str, str] = field(default_factory=dict)


def stated(page: Page) -> Stated:
    """What the page's entry says; a date that cannot be read is told raw."""
    entry = page.entry
    if entry is None:
        return Stated()
    authors = byline.of_group(entry.authors)
    published = dates.read(entry.published, entry.language, newest=page.fetched)
    told = {"authors": bool(authors), "published": bool(published), "tags": bool(entry.tags)}
    provenance = {name: "entry" for name, is_there in told.items() if is_there}
    if entry.published and not published:
        provenance["published_raw"] = entry.published[: dates.MAX_RAW]
    if entry.authors and not authors:
        provenance["authors_raw"] = entry.authors[0][: dates.MAX_RAW]
    return Stated(authors, published, entry.tags, entry.language, provenance)


def _unwrapped(lines: list[str]) -> list[str]:
    """Paragraphs: a line each, or the lines between blank ones where an editor broke the lines."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    inner = [line for group in groups for line in group[:-1]]
    broken = [line for line in inner if len(line) in WRAPPED and line[-1] not in '.!?)”"’']
    if len(inner) >= 6 and len(broken) > 0.6 * len(inner):
        return [" ".join(group) for group in groups if group]
    return [line for group in groups for line in group]
