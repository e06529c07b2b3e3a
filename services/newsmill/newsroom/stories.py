"""Reads the sources of the sample newsroom: what each story tells, and where and how it is printed.

A source is a head of ``name: value`` lines, an empty line, and blocks parted by empty lines. How a
block begins says what it is: ``## `` a heading, ``> `` a quotation, ``- `` list items, ``| `` rows
of a table, ``! path | caption | credit`` a picture, ``~ title -> path`` a "see also" line, ``+ `` a
box that sells the paper's newsletter, ``= 1`` the first paragraph once more, anything else a
paragraph. In a line ``*x*`` is emphasis, ``**x**`` strong and ``[x](url)`` a link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Literal

Kind = Literal["paragraph", "heading", "quote", "item", "row", "image", "related", "box", "echo"]
SPOKEN: frozenset[Kind] = frozenset({"paragraph", "heading", "quote", "item"})

_MARKS: dict[str, Kind] = {
    "## ": "heading",
    "> ": "quote",
    "- ": "item",
    "| ": "row",
    "! ": "image",
    "~ ": "related",
    "+ ": "box",
    "= ": "echo",
}
_INLINE = re.compile(r"\[([^\]]+)\]\([^)]*\)|\*\*([^*]+)\*\*|\*([^*]+)\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a story's body; ``text`` keeps its inline marks."""

    kind: Kind
    text: str  # of an image its caption, of a "see also" line its title
    url: str = ""
    credit: str = ""

    def plain(self) -> str:
        """The text as a reader sees it."""
        return _INLINE.sub(lambda found: next(filter(None, found.groups())), self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is told, whoever prints it."""

    title: str
    subtitle: str
    authors: tuple[str, ...]
    published: str  # ISO 8601 with its offset
    modified: str
    language: str
    section: str
    tags: tuple[str, ...]
    blocks: tuple[Block, ...]

    def when(self) -> datetime:
        """The time of its publication."""
        return datetime.fromisoformat(self.published)

    def summary(self) -> str:
        """What feeds say of it: the subtitle, else the first paragraph."""
        return self.subtitle or next(b.plain() for b in self.blocks if b.kind == "paragraph")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A story as one host prints it."""

    host: str
    path: str
    slug: str
    story: Story
    template: str
    encoding: str = "utf-8"  # of the bytes
    content_type: str = "text/html; charset=utf-8"  # as the server says, rightly or not
    label: str = "utf-8"  # as the page's own <meta> says
    bom: bool = False
    gzip: bool = False
    canonical: str = ""  # the URL that the page names; empty where its markup names none
    amp: str = ""  # path of its AMP form
    behind: str = ""  # path of the redirect that feeds link to in its place
    forbidden: bool = False  # by the host's robots.txt
    corrected: Story | None = None  # what the page tells once the newer feed has been served
    traits: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}{self.path}"

    @property
    def link(self) -> str:
        """The address that feeds give."""
        return f"http://{self.host}{self.behind or self.path}"

    def printed(self, corrected: bool) -> Page:
        """The page in its first or in its corrected version."""
        return replace(self, story=self.corrected) if corrected and self.corrected else self


def read_pages(folders: dict[str, Traversable]) -> tuple[Page, ...]:
    """The pages of every host, in the order of hosts and file names; ``folders`` are by host."""
    sources: dict[str, tuple[dict[str, str], str]] = {}
    for host, folder in folders.items():
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".txt"):
                head, _, body = file.read_text("utf-8").partition("\n\n")
                sources[f"{host}/{file.name.removesuffix('.txt')}"] = (_head(head), body)
    stories = {name: _story(head, body) for name, (head, body) in sources.items() if body}
    return tuple(
        _page(name, head, stories) for name, (head, _) in sources.items() if "template" in head
    )


def _head(text: str) -> dict[str, str]:
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return fields


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(";") if part.strip())


def _story(head: dict[str, str], body: str) -> Story:
    return Story(
        title=head["title"],
        subtitle=head.get("subtitle", ""),
        authors=_list(head["authors"]),
        published=head["published"],
        modified=head.get("modified", ""),
        language=head["language"],
        section=head.get("section", ""),
        tags=_list(head.get("tags", "")),
        blocks=_echoed([block for part in body.strip().split("\n\n") for block in _blocks(part)]),
    )


def _echoed(blocks: list[Block]) -> tuple[Block, ...]:
    """The blocks, each echo with the words of the paragraph whose number it gives."""
    told = [block.text for block in blocks if block.kind == "paragraph"]
    return tuple(
        replace(block, text=told[int(block.text) - 1]) if block.kind == "echo" else block
        for block in blocks
    )


def _blocks(part: str) -> list[Block]:
    lines = [line.strip() for line in part.strip().splitlines()]
    mark = next((mark for mark in _MARKS if lines[0].startswith(mark)), "")
    kind = _MARKS.get(mark, "paragraph")
    if kind in ("item", "row"):
        return [_marked(kind, line.removeprefix(mark)) for line in lines]
    return [_marked(kind, " ".join(lines).removeprefix(mark))]


def _marked(kind: Kind, text: str) -> Block:
    if kind == "image":
        url, caption, credit = (field.strip() for field in text.split("|"))
        return Block(kind=kind, text=caption, url=url, credit=credit)
    if kind == "related":
        title, _, url = text.partition(" -> ")
        return Block(kind=kind, text=title.strip(), url=url.strip())
    return Block(kind=kind, text=text)


def _page(name: str, head: dict[str, str], stories: dict[str, Story]) -> Page:
    host, slug = name.split("/")
    path = head["path"]
    encoding = head.get("encoding", "utf-8")
    canonical = head.get("canonical", f"http://{host}{path}")
    return Page(
        host=host,
        path=path,
        slug=slug,
        story=stories[head.get("copy_of", name)],
        template=head["template"],
        encoding=encoding,
        content_type=head.get("content_type", f"text/html; charset={encoding}"),
        label=head.get("label", encoding),
        bom="bom" in head,
        gzip="gzip" in head,
        canonical="" if canonical == "none" else canonical,
        amp=head.get("amp", ""),
        behind=head.get("behind", ""),
        forbidden="forbidden" in head,
        corrected=stories[f"{host}/{head['corrected_by']}"] if "corrected_by" in head else None,
        traits=_list(head.get("traits", "")),
    )
