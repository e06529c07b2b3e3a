"""What must come of every link of the sample newsroom, drawn from the sources of its pages."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from newsmill.errors import REFUSALS
from newsmill.newsroom.feeds import Feed
from newsmill.newsroom.hosts import Host, Other, hosts, printed
from newsmill.newsroom.stories import SPOKEN, Page, Story
from newsmill.urls import domain_of

Outcome = Literal["article", "refused", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of one link that a feed names; for an article, what must be in its record.

    ``published`` is what the page states: with time and offset, or a bare day. ``text`` is the
    body, a paragraph, heading, list item or quotation each; ``must`` are its paragraphs and
    quotations in full, each to be found once, though some pages print one twice. ``must_not`` are
    words of the page that are no part of the body; ``better_not`` are such words in a place where
    the markup does not tell: for measuring, not for passing. Compare after joining runs of white
    space.
    """

    url: str  # as feeds give it, without tracking parameters
    kind: Outcome
    reason: str | None = None  # of a refusal or a death
    feeds: tuple[str, ...] = ()  # that name it
    canonical_url: str | None = None  # the identity of the article: two pages may share one
    title: str | None = None
    earlier_title: str | None = None  # of the version that is corrected while it runs
    authors: tuple[str, ...] = ()
    published: str | None = None
    modified: str | None = None  # where the page states it
    language: str | None = None
    site: str | None = None  # what the publication calls itself; not every page says it
    text: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    better_not: tuple[str, ...] = ()
    captions: tuple[tuple[str, str], ...] = ()  # of its pictures: caption, credit
    related: tuple[str, ...] = ()  # titles of the "see also" lines within the body
    traits: tuple[str, ...] = ()  # what is odd about the page


@functools.cache
def expected() -> tuple[Expected, ...]:
    """The manifest: one line for every link of every feed, in the order of hosts and paths."""
    lines = []
    for host in hosts().values():
        lines += [_story(host, page) for page in host.pages.values()]
        lines += [_other(host, other) for other in host.others.values()]
    return tuple(line for line in lines if line.feeds)


def feed_links(feed: Feed) -> tuple[str, ...]:
    """The addresses that a feed names, without tracking parameters."""
    if feed.format == "html":  # it only pretends
        return ()
    return (*(page.link for page in feed.pages), *(link.url for link in feed.links))


def _naming(host: Host, url: str) -> tuple[str, ...]:
    return tuple(feed.url for feed in host.feeds.values() if url in feed_links(feed))


def _other(host: Host, other: Other) -> Expected:
    return Expected(
        url=other.url,
        kind="refused" if other.reason in REFUSALS else "dead",
        reason=other.reason,
        feeds=_naming(host, other.url),
        title=other.title,
        site=host.site,
    )


def _story(host: Host, page: Page) -> Expected:
    feeds = _naming(host, page.link)
    if page.forbidden:
        return Expected(
            url=page.link, kind="refused", reason="robots", feeds=feeds, title=page.story.title
        )
    last = page.printed(corrected=True)
    story, sheet = last.story, printed(last)
    texts = [(block.kind, block.plain()) for block in story.blocks]
    return Expected(
        url=page.link,
        kind="article",
        feeds=feeds,
        canonical_url=_identity(page) if sheet.canonical else page.url,
        title=story.title,
        earlier_title=page.story.title if page.corrected else None,
        authors=story.authors,
        published=_time(story.published) if sheet.timed else story.published[:10],
        modified=_time(story.modified) if sheet.modified and story.modified else None,
        language=story.language,
        site=host.site,
        text=tuple(text for kind, text in texts if kind in SPOKEN),
        must=tuple(text for kind, text in texts if kind in ("paragraph", "quote")),
        must_not=(
            *sheet.noise,
            *(text for kind, text in texts if kind in ("image", "related", "box")),
            *(_withdrawn(page.story, story) if page.corrected else ()),
        ),
        better_not=sheet.murmur,
        captions=tuple((b.plain(), b.credit) for b in story.blocks if b.kind == "image"),
        related=tuple(b.plain() for b in story.blocks if b.kind == "related"),
        traits=_traits(host, page),
    )


def _identity(page: Page) -> str:
    """What its own site names; a page of another site cannot speak for an article of that one."""
    theirs = domain_of(page.canonical) != domain_of(page.url)
    return page.url if theirs else page.canonical


def _time(stated: str) -> str:
    return datetime.fromisoformat(stated).isoformat()  # one spelling: +00:00 for Z


def _withdrawn(first: Story, last: Story) -> list[str]:
    kept = {block.plain() for block in last.blocks}
    return [block.plain() for block in first.blocks if block.plain() not in kept]


def _traits(host: Host, page: Page) -> tuple[str, ...]:
    return (
        *page.traits,
        page.template,
        *(("slow",) if host.slow else ()),
        *(("busy",) if host.busy else ()),
        *(("gzip",) if page.gzip else ()),
        *(("redirect",) if page.behind else ()),
        *(("corrected",) if page.corrected else ()),
        *((page.encoding,) if page.encoding != "utf-8" else ()),
    )
