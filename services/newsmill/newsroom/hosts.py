"""Puts the sample newsroom together from its sources: hosts with their pages, feeds, robots.txt."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from newsmill.newsroom.feeds import Feed, Link
from newsmill.newsroom.markup import Printed, Tongue, print_page
from newsmill.newsroom.stories import Page, read_pages

SITE = files("newsmill.newsroom") / "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A page that tells no story: a listing, a stub, a file, a dead link."""

    host: str
    path: str
    title: str
    reason: str  # why nothing comes of it
    template: str = ""
    file: str = ""  # in site/raw
    content_type: str = "text/html; charset=utf-8"
    status: int = 200

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host of the newsroom."""

    name: str
    site: str  # what the publication calls itself
    about: str  # what it is in the newsroom for
    robots: str | None  # None: there is no robots.txt
    slow: bool  # every page takes its time
    busy: bool  # answers 503 to the first request of each page
    phrases: dict[str, str]
    pages: dict[str, Page]  # by path
    others: dict[str, Other]
    feeds: dict[str, Feed]
    redirects: dict[str, str]  # path → path
    pictures: frozenset[str]  # paths of the pictures that its stories show


@functools.cache
def hosts() -> dict[str, Host]:
    """The hosts by name, in the order of site/hosts.toml."""
    tables: dict[str, dict[str, Any]] = tomllib.loads((SITE / "hosts.toml").read_text("utf-8"))
    pages = read_pages({name: SITE / name for name in tables})
    return {
        name: _host(name, table, [page for page in pages if page.host == name])
        for name, table in tables.items()
    }


def _host(name: str, table: dict[str, Any], pages: list[Page]) -> Host:
    others = [Other(host=name, **fields) for fields in table.get("others", ())]
    links = {other.path: Link(url=other.url, title=other.title) for other in others}
    newest = sorted(pages, key=lambda page: (page.story.when(), page.slug), reverse=True)
    feeds = []
    for fields in table["feeds"]:
        slugs, paths = fields.pop("only", None), fields.pop("links", ())
        feeds.append(
            Feed(
                host=name,
                site=table["site"],
                pages=tuple(page for page in newest if slugs is None or page.slug in slugs),
                links=tuple(links[path] for path in paths),
                **fields,
            )
        )
    return Host(
        name=name,
        site=table["site"],
        about=table["about"],
        robots=table.get("robots"),
        slow=table.get("slow", False),
        busy=table.get("busy", False),
        phrases=table.get("phrases", {}),
        pages={page.path: page for page in pages},
        others={other.path: other for other in others},
        feeds={feed.path: feed for feed in feeds},
        redirects={page.behind: page.path for page in pages if page.behind},
        pictures=frozenset(
            block.url for page in pages for block in page.story.blocks if block.kind == "image"
        ),
    )


@functools.cache
def tongues() -> dict[str, Tongue]:
    """The small words of each language, by its code."""
    tables = tomllib.loads((SITE / "languages.toml").read_text("utf-8"))
    return {
        code: Tongue(**table | {"months": tuple(table["months"])}) for code, table in tables.items()
    }


@functools.cache
def template(name: str) -> str:
    """A template by its name."""
    return (SITE / "templates" / f"{name}.html").read_text("utf-8")


def raw(name: str) -> bytes:
    """A file that is served as it is."""
    folder: Traversable = SITE / "raw"
    return (folder / name).read_bytes()


def printed(page: Page) -> Printed:
    """The page of a story as its host prints it."""
    host = hosts()[page.host]
    return print_page(
        page, template(page.template), host.site, host.phrases, tongues()[page.story.language]
    )
