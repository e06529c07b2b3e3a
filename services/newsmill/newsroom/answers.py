"""What the sample newsroom answers to a request, given what it was asked before."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime
from html import escape

from newsmill.newsroom.feeds import CONTENT_TYPES, Feed, print_feed
from newsmill.newsroom.hosts import Host, Other, hosts, printed, raw, template
from newsmill.newsroom.markup import fill
from newsmill.newsroom.stories import Page

RETRY_AFTER_S = 2  # of the busy host
SOON_S, LATER_S = 3, 3600  # max-age of the feed that is corrected, and of all others
_HTML = "text/html; charset=utf-8"
_PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" '
    b'fill="#9ab"/><path d="M0 9l5-5 3 3 3-4 5 6z" fill="#678"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; ``slow`` says that it is to take its time."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    slow: bool = False


class Desk:
    """Answers for all hosts, and remembers the little that the next answer depends on."""

    def __init__(self) -> None:
        self._corrected = False  # somebody knew the first version of the corrected feed
        self._turned_away: set[str] = set()  # pages of the busy host that have said 503

    def answer(self, host_name: str, path: str, headers: Mapping[str, str]) -> Answer:
        """The response to a GET; ``headers`` is read without regard to case by its own means."""
        host = hosts().get(host_name)
        if host is None:
            return _text(404, f"No host {host_name!r} here. There are: {', '.join(hosts())}")
        if path == "/robots.txt":
            if host.robots is None:
                return _text(404, "no robots.txt")
            return _text(200, host.robots)
        if path in host.feeds:
            return self._feed(host, host.feeds[path], headers)
        if path in host.redirects:
            answer = _text(301, "It has moved.")
            answer.headers["Location"] = host.redirects[path]
            return answer
        if path in host.others:
            return _other(host, host.others[path])
        if path in host.pages:
            return self._page(host, host.pages[path], headers)
        if path in host.pictures:
            return Answer(200, _PICTURE, {"Content-Type": "image/svg+xml"})
        if path == "/":
            return Answer(200, _listing(host, host.site).encode(), {"Content-Type": _HTML})
        return _text(404, f"no page {path!r} here")

    def _page(self, host: Host, page: Page, headers: Mapping[str, str]) -> Answer:
        if host.busy and page.url not in self._turned_away:
            self._turned_away.add(page.url)
            answer = _text(503, "The press is busy. Come again in a moment.")
            answer.headers["Retry-After"] = str(RETRY_AFTER_S)
            return answer
        body = page_bytes(page.printed(self._corrected))
        sent = {"Content-Type": page.content_type}
        if page.gzip and "gzip" in headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, mtime=0)
            sent |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Answer(200, body, sent, slow=host.slow)

    def _feed(self, host: Host, feed: Feed, headers: Mapping[str, str]) -> Answer:
        known = headers.get("If-None-Match", "")
        if feed.format == "html":
            body = _listing(host, feed.title).encode()
        elif feed.corrects:
            newer = '"v1"' in known or '"v2"' in known
            self._corrected = self._corrected or newer
            body = print_feed(feed, newer)
            return _cached(body, feed, '"v2"' if newer else '"v1"', SOON_S, headers)
        else:
            body = print_feed(feed, corrected=False)
        digest = hashlib.blake2b(body, digest_size=8).hexdigest()
        return _cached(body, feed, f'"{digest}"', LATER_S, headers)


def page_bytes(page: Page) -> bytes:
    """The page of a story as its bytes stand on the server."""
    body = printed(page).html.encode(page.encoding, "xmlcharrefreplace")
    mark = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe"}[page.encoding] if page.bom else b""
    return mark + body


def _cached(body: bytes, feed: Feed, etag: str, max_age_s: int, asked: Mapping[str, str]) -> Answer:
    """The feed, or 304 to a client that has it; a tag goes before a date (RFC 9110 §13.2.2)."""
    sent = {"ETag": etag, "Cache-Control": f"max-age={max_age_s}"}
    latest = feed.latest()
    if not feed.corrects:
        sent["Last-Modified"] = format_datetime(latest, usegmt=True)
    known, since = asked.get("If-None-Match"), asked.get("If-Modified-Since")
    if known is not None:
        fresh = known.strip() == "*" or etag in known
    else:
        fresh = bool(since) and not feed.corrects and _not_before(since or "", latest.timestamp())
    if fresh:
        return Answer(304, b"", sent)
    return Answer(200, body, sent | {"Content-Type": CONTENT_TYPES[feed.format]})


def _not_before(since: str, latest: float) -> bool:
    try:
        return parsedate_to_datetime(since).timestamp() >= int(latest)
    except ValueError:
        return False


def _other(host: Host, other: Other) -> Answer:
    if other.file:
        return Answer(other.status, raw(other.file), {"Content-Type": other.content_type})
    if other.template == "listing":
        body = _listing(host, other.title)
    elif other.template:
        values = {"title": escape(other.title), "site": escape(host.site)}
        body = fill(template(other.template), values.__getitem__)
    else:
        return _text(other.status, "Gone, or never here.")
    return Answer(other.status, body.encode(), {"Content-Type": other.content_type})


def _listing(host: Host, title: str) -> str:
    """A page that only lists the host's stories."""
    teasers = "\n".join(
        f'<div class="teaser"><h3><a href="{page.path}">{escape(page.story.title)}</a></h3>'
        f'<span class="date">{page.story.published[:10]}</span></div>'
        for page in host.pages.values()
        if not page.forbidden
    )
    values = {"title": escape(title), "site": escape(host.site), "links": teasers}
    return fill(template("listing"), values.__getitem__)


def _text(status: int, text: str) -> Answer:
    return Answer(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
