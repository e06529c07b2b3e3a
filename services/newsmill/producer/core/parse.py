"""From the bytes of a feed to its entries: sniffs what it is and calls the reader of that format.

It runs inside the producer, beside everything else that this does, so its time is bounded by the
size of the body, whatever is in it: 0.1 ms for an entry that is kept, and about a second for 10 to
20 MB of anything else that we could think of. One linear pass repairs, libxml2 or orjson parses
once, caps hold for all that is looked at afterwards. So the readers are our own: feedparser takes
quadratic time over keywords, categories and authors (5 s for 130 kB of keywords), where no cap
outside it can reach.
"""

from __future__ import annotations

import re

from newsmill.errors import BadRecord
from newsmill.producer.core import jsonfeed, sitemap, syndication
from newsmill.producer.core.decoding import decode
from newsmill.producer.core.items import ParsedFeed
from newsmill.producer.core.mending import mend, prologue_end

_LOOK = 65_536  # characters in which a root must begin
_ROOT = re.compile(
    r"<(?:[\w.-]{1,40}:)?(rss|rdf|feed|channel|entry|urlset|sitemapindex)(?=[\s>/])", re.I
)
_ELEMENT = re.compile(r"<([\w.:-]{1,80})")
_PAGE = re.compile(r"<(?:html|head|body)\b", re.I)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.I)


def parse(body: bytes, url: str, *, content_type: str | None = None) -> ParsedFeed:
    """The feed at ``url``. RSS, RDF, Atom, JSON Feed and sitemaps are known by their content.

    ``content_type`` is only asked for the charset. Raises BadRecord: ``not_feed`` (saying what it
    looks like), ``unparsable``, ``too_large``, ``too_deep``, ``encoding``, ``truncated``.
    """
    text = decode(body, content_type)
    start = text[:_LOOK].lstrip()
    if not start:
        raise BadRecord(
            "not_feed", "empty" if not body.strip() else "nothing but control characters"
        )
    if start[0] in "{[":
        return jsonfeed.read(text, url)
    if sitemap.is_text(text):
        return sitemap.read_text(text, url)
    usual = prologue_end(text)
    root = _ROOT.match(text, usual) or _ROOT.search(text, 0, _LOOK)
    if root is None or _PAGE.search(text, 0, root.start()):
        raise BadRecord("not_feed", _looks_like(text, usual))
    name = root[1].lower()
    xml = mend(text, root.start())
    if name == "urlset":
        return sitemap.read(xml, url)
    if name == "sitemapindex":
        return sitemap.read_index(xml, url)
    return syndication.read(xml, url, name)


def _looks_like(text: str, root: int) -> str:
    if _HTML.search(text, 0, _LOOK):
        return "an HTML page"
    element = _ELEMENT.match(text, root)
    if element is None:
        return "text that is neither XML nor JSON"
    name = element[1].rpartition(":")[2].lower()
    if name == "opml":
        return "an OPML list of feeds: import it"
    return f"XML of another kind (<{element[1]}>)"
