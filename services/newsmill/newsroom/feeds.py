"""Prints the feeds of the sample newsroom: RSS 2.0, Atom, JSON Feed and the news sitemap."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Literal

from newsmill.newsroom.stories import Page

Format = Literal["rss", "atom", "json", "sitemap", "html"]

CONTENT_TYPES: dict[Format, str] = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "sitemap": "application/xml",
    "html": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a feed names that is no story of ours: a listing, a stub, a file."""

    url: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed of one host: its address, its form, and what it links to."""

    host: str
    path: str
    format: Format
    site: str
    title: str
    language: str
    pages: tuple[Page, ...]  # newest first
    links: tuple[Link, ...] = ()
    encoding: str = "utf-8"
    tracked: bool = False  # its links carry tracking parameters
    relative: bool = False  # its links are relative to the feed's base
    full: bool = False  # carries the first paragraphs beside the summary

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}{self.path}"

    @property
    def corrects(self) -> bool:
        """Whether one of its stories is corrected while it runs."""
        return any(page.corrected for page in self.pages)

    def latest(self) -> datetime:
        """The time of its newest story, UTC."""
        return max(page.story.when() for page in self.pages).astimezone(UTC)


def print_feed(feed: Feed, corrected: bool) -> bytes:
    """The feed as served, before or after the correction; an ``html`` feed is not printed here."""
    printers = {"rss": _rss, "atom": _atom, "json": _json, "sitemap": _sitemap}
    pages = [page.printed(corrected) for page in feed.pages]
    text = printers[feed.format](feed, pages)
    return text.encode(feed.encoding, "xmlcharrefreplace")


def _rss(feed: Feed, pages: Sequence[Page]) -> str:
    items = [_rss_item(feed, page) for page in pages]
    items += [
        f"<item><title>{escape(link.title)}</title><link>{escape(link.url)}</link></item>"
        for link in feed.links
    ]
    return "\n".join(
        (
            f'<?xml version="1.0" encoding="{feed.encoding}"?>',
            '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
            ' xmlns:content="http://purl.org/rss/1.0/modules/content/">',
            "<channel>",
            f"<title>{escape(feed.title)}</title>",
            f"<link>http://{feed.host}/</link>",
            f"<description>{escape(feed.title)}</description>",
            f"<language>{feed.language}</language>",
            f"<lastBuildDate>{format_datetime(feed.latest(), usegmt=True)}</lastBuildDate>",
            *items,
            "</channel>",
            "</rss>\n",
        )
    )


def _rss_item(feed: Feed, page: Page) -> str:
    story = page.story
    link = page.link + ("?utm_source=rss&utm_medium=feed" if feed.tracked else "")
    lines = [
        "<item>",
        f"<title>{escape(story.title)}</title>",
        f"<link>{escape(link)}</link>",
        f'<guid isPermaLink="false">{page.host}/{page.slug}</guid>',
        f"<pubDate>{format_datetime(story.when())}</pubDate>",
        *(f"<dc:creator>{escape(name)}</dc:creator>" for name in story.authors),
        *(f"<category>{escape(tag)}</category>" for tag in story.tags),
        f"<description>{escape(story.summary())}</description>",
    ]
    if feed.full:
        opening = [block.plain() for block in story.blocks if block.kind == "paragraph"][:2]
        html = "".join(f"<p>{escape(text)}</p>" for text in opening)
        lines.append(f"<content:encoded><![CDATA[{html}]]></content:encoded>")
    lines.append("</item>")
    return "\n".join(lines)


def _atom(feed: Feed, pages: Sequence[Page]) -> str:
    changes = (page.story.modified or page.story.published for page in pages)
    latest = max(changes, key=datetime.fromisoformat)
    return "\n".join(
        (
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{feed.language}"'
            f' xml:base="http://{feed.host}/">',
            f"<title>{escape(feed.title)}</title>",
            f"<id>tag:{feed.host},2026:feed</id>",
            f'<link rel="self" href="{feed.url}"/>',
            f'<link rel="alternate" type="text/html" href="http://{feed.host}/"/>',
            f"<updated>{latest}</updated>",
            *(_atom_entry(feed, page) for page in pages),
            "</feed>\n",
        )
    )


def _atom_entry(feed: Feed, page: Page) -> str:
    story = page.story
    link = page.link.removeprefix(f"http://{page.host}") if feed.relative else page.link
    return "\n".join(
        (
            f'<entry xml:lang="{story.language}">',
            f'<title type="text">{escape(story.title)}</title>',
            f"<id>tag:{page.host},2026:{page.slug}</id>",
            f'<link rel="alternate" type="text/html" href="{escape(link)}"/>',
            f"<published>{story.published}</published>",
            f"<updated>{story.modified or story.published}</updated>",
            *(f"<author><name>{escape(name)}</name></author>" for name in story.authors),
            *(f'<category term="{escape(tag)}"/>' for tag in story.tags),
            f'<summary type="text">{escape(story.summary())}</summary>',
            "</entry>",
        )
    )


def _json(feed: Feed, pages: Sequence[Page]) -> str:
    items: list[dict[str, object]] = [
        {
            "id": f"{page.host}/{page.slug}",
            "url": page.link,
            "title": page.story.title,
            "summary": page.story.summary(),
            "content_text": page.story.summary(),
            "date_published": page.story.published,
            "authors": [{"name": name} for name in page.story.authors],
            "tags": list(page.story.tags),
            "language": page.story.language,
        }
        for page in pages
    ]
    items += [{"id": link.url, "url": link.url, "title": link.title} for link in feed.links]
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": f"http://{feed.host}/",
            "feed_url": feed.url,
            "language": feed.language,
            "items": items,
        },
        ensure_ascii=False,
        indent=1,
    )


def _sitemap(feed: Feed, pages: Sequence[Page]) -> str:
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
            ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">',
            *(_sitemap_url(feed, page) for page in pages),
            *(f"<url><loc>{escape(link.url)}</loc></url>" for link in feed.links),
            "</urlset>\n",
        )
    )


def _sitemap_url(feed: Feed, page: Page) -> str:
    return "\n".join(
        (
            "<url>",
            f"<loc>{escape(page.link)}</loc>",
            f"<news:news><news:publication><news:name>{escape(feed.site)}</news:name>"
            f"<news:language>{page.story.language}</news:language></news:publication>",
            f"<news:publication_date>{page.story.published}</news:publication_date>",
            f"<news:title>{escape(page.story.title)}</news:title></news:news>",
            "</url>",
        )
    )
