"""Builders of pages for the extractor's tests."""

from __future__ import annotations

from typing import Any

from newsmill import urls
from newsmill.extractor.core import extract
from newsmill.records import Article, Page

URL = "https://www.harbour-post.example/2024/news/lighthouse-sold"
PROSE = (
    "The lighthouse on Gannet Rock was sold on Tuesday to a retired glass blower, who says "
    "that she "
    "will keep the lamp burning and open the tower to schools.",
    "The coast guard had offered it three times since the lamp was made automatic in 1991, and "
    "twice "
    "nobody came to the auction at all.",
    "“I wanted a workshop with light from every side,” Vera Lindqvist said, and laughed, "
    "because the "
    "tower has windows on one side only.",
)


def page(
    url: str = URL, content_type: str | None = "text/html; charset=utf-8", **more: Any
) -> Page:
    """A fetched page's metadata."""
    return Page(page_id=urls.identity(url), url=url, content_type=content_type, **more)


def html(body: str, head: str = "", lang: str = "en") -> bytes:
    """A whole page of UTF-8."""
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head>{head}</head><body>{body}</body></html>'.encode()
    )


def paragraphs(*texts: str) -> str:
    """Paragraphs, by default those of the lighthouse."""
    return "".join(f"<p>{text}</p>" for text in texts or PROSE)


def article(body: str, head: str = "", **more: Any) -> Article:
    """The article of a page with this body."""
    return extract(html(body, head), page(**more))
