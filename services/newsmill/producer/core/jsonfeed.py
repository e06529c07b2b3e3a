"""Reads JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import json
from typing import Any

import orjson

from newsmill.errors import BadRecord
from newsmill.producer.core.items import Item, ParsedFeed, feed_of
from newsmill.producer.core.plain import MAX_SUMMARY, MAX_TITLE, from_html, one_line


def read(text: str, url: str) -> ParsedFeed:
    """The feed; raises BadRecord (``unparsable``, ``not_feed``)."""
    feed = _load(text)
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise BadRecord("not_feed", "JSON that is no JSON Feed")
    items = [item for item in feed["items"] if isinstance(item, dict)]
    return feed_of(
        "json",
        url,
        items,
        _item,
        lambda item: _string(item, "date_published"),
        title=_text(feed, "title", MAX_TITLE),
        language=_string(feed, "language"),
        site=_string(feed, "home_page_url"),
        authors=_authors(feed),
        skipped=len(feed["items"]) - len(items),
    )


def _load(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        first = error
    try:  # the slower reader forgives lone surrogates, which cost orjson the whole feed
        return json.loads(text)
    except (ValueError, RecursionError):
        detail = f"{first.msg}: line {first.lineno} column {first.colno}"
        raise BadRecord("unparsable", f"JSON: {detail}") from None


def _item(item: dict[str, Any]) -> Item:
    markup = item.get("content_html")
    summary = _text(item, "summary", MAX_SUMMARY) or _text(item, "content_text", MAX_SUMMARY)
    if summary is None and isinstance(markup, str):
        summary = from_html(markup, MAX_SUMMARY)
    guid = item.get("id")
    guid = str(guid) if isinstance(guid, (str, int, float)) else None
    links = [_string(item, "url"), _string(item, "external_url"), guid if _absolute(guid) else None]
    return Item(
        links=[link for link in links if link],
        title=_text(item, "title", MAX_TITLE),
        summary=summary,
        published=_string(item, "date_published"),
        updated=_string(item, "date_modified"),
        authors=_authors(item),
        guid=guid,
        enclosures=[
            (attachment["url"], _string(attachment, "mime_type"), _size(attachment))
            for attachment in _list(item, "attachments")
            if isinstance(attachment, dict) and isinstance(attachment.get("url"), str)
        ],
        tags=[tag for tag in _list(item, "tags") if isinstance(tag, str)],
        language=_string(item, "language"),
    )


def _absolute(text: str | None) -> bool:
    return bool(text) and str(text)[:8].lower().startswith(("http://", "https://"))


def _string(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) else None


def _text(value: dict[str, Any], name: str, limit: int) -> str | None:
    return one_line(_string(value, name) or "", limit)


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _size(attachment: dict[str, Any]) -> int | None:
    size = attachment.get("size_in_bytes")
    return int(size) if isinstance(size, (int, float)) and 0 < size < 1e15 else None


def _authors(value: dict[str, Any]) -> list[str]:
    """Version 1.1 names several, 1.0 one; a feed may hold both forms."""
    authors = [*_list(value, "authors"), value.get("author")]
    names = (author.get("name") for author in authors if isinstance(author, dict))
    return [name for name in names if isinstance(name, str)]
