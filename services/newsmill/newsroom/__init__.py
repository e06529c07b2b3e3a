"""The bundled sample newsroom: a small web of invented publications, for the demo and all tests.

A tour. ``Newsroom`` serves ten ``.example`` hosts on one loopback port. Their feeds (``FEEDS``) are
RSS, Atom, JSON Feed and a news sitemap, and a page that only pretends to be a feed. They lead to
some forty article pages, written for this purpose in eleven languages and printed in as many kinds
of markup as the web has: clean and hopeless, in six encodings, with and without metadata, broken in
the ways that browsers forgive. Beside them stands what a pipeline must turn away or survive:
listings, a login form, a dead link, a PDF, pages that robots.txt forbids, a host that is slow, one
that is busy (503), a redirect, an AMP twin, syndicated copies, and a story that is corrected while
you watch: whoever asks again for Tidewire's feed (with the ETag of its first version) gets a newer
one, and from then on the page is newer too.

``EXPECTED`` says what must come of every link. It is drawn from the sources that the pages are
printed from, which are data: ``site/hosts.toml``, a folder of stories a host, ``site/templates``.

    with Newsroom() as newsroom:
        print(newsroom.port, newsroom.resolve, FEEDS)
"""

from __future__ import annotations

from html import escape

from newsmill.newsroom.hosts import hosts as _hosts
from newsmill.newsroom.server import Hit, Newsroom
from newsmill.newsroom.truth import Expected, expected

__all__ = [
    "ARTICLES",
    "BAD_FEEDS",
    "CORRECTED",
    "EXPECTED",
    "FEEDS",
    "HOSTS",
    "PAGES",
    "Expected",
    "Hit",
    "Newsroom",
    "opml",
]

HOSTS: tuple[str, ...] = tuple(_hosts())

FEEDS: tuple[str, ...] = tuple(
    feed.url for host in _hosts().values() for feed in host.feeds.values()
)

BAD_FEEDS: dict[str, str] = {
    feed.url: "not_feed"
    for host in _hosts().values()
    for feed in host.feeds.values()
    if feed.format == "html"
}
"""Those of FEEDS that are none, with the reason."""

EXPECTED: tuple[Expected, ...] = expected()

PAGES: int = sum(line.kind == "article" for line in EXPECTED)
"""How many article pages feeds lead to."""

ARTICLES: int = len({line.canonical_url for line in EXPECTED if line.kind == "article"})
"""How many distinct articles these are: an AMP twin is none; a copy on another site is one."""

CORRECTED: str = next(line.url for line in EXPECTED if line.earlier_title)
"""The page of the story that is corrected while the newsroom runs."""


def opml() -> str:
    """All feeds as an OPML file."""
    outlines = "\n".join(
        f'    <outline type="rss" text="{escape(feed.title)}" xmlUrl="{escape(feed.url)}"/>'
        for host in _hosts().values()
        for feed in host.feeds.values()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n'
        "  <head><title>The sample newsroom</title></head>\n"
        f"  <body>\n{outlines}\n  </body>\n</opml>\n"
    )
