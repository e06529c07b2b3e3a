"""Sheets of small pages, for tests of what is chosen from them."""

from __future__ import annotations

import json
from typing import Any

from newsmill.extractor.core import about, markup, reading
from newsmill.extractor.core.sheet import Sheet
from newsmill.records import Page

URL = "https://www.paper.example/2024/harbour-bridge-opens-after-nine-years"


def sheet(body: str, head: str = "", ld: dict[str, Any] | None = None, lang: str = "en") -> Sheet:
    block = f'<script type="application/ld+json">{json.dumps(ld)}</script>' if ld else ""
    html = f'<html lang="{lang}"><head>{head}{block}</head><body>{body}</body></html>'
    return reading.read(markup.parse(markup.tame(html)))


def page(url: str = URL) -> Page:
    return Page(page_id="p", url=url, fetched="2024-06-01T00:00:00Z")


def chosen(read: Sheet, url: str = URL) -> about.Choice:
    return about.choose(read, page(url))
