"""What a page says of itself to machines: JSON-LD, read strictly once and repaired once."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import orjson

MAX_BLOCK = 1_000_000  # characters of one block; longer ones are data sets, not descriptions
MAX_NODES = 2_000  # of all blocks of a page

ARTICLE_TYPES = frozenset(
    [
        "Article",
        "NewsArticle",
        "BlogPosting",
        "Report",
        "ReportageNewsArticle",
        "AnalysisNewsArticle",
        "OpinionNewsArticle",
        "BackgroundNewsArticle",
        "ReviewNewsArticle",
        "AskPublicNewsArticle",
        "LiveBlogPosting",
        "TechArticle",
        "ScholarlyArticle",
        "SocialMediaPosting",
        "SatiricalArticle",
        "AdvertiserContentArticle",
        "Review",
        "DiscussionForumPosting",
    ]
)
LISTING_TYPES = frozenset(
    [
        "CollectionPage",
        "SearchResultsPage",
        "ItemList",
        "ProfilePage",
        "ContactPage",
        "AboutPage",
        "CheckoutPage",
    ]
)
_CONTROL = re.compile(r"[\x00-\x1f]+")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_WRAPPER = re.compile(r"\A\s*(?://\s*)?(?:<!\[CDATA\[|<!--)|(?://\s*)?(?:\]\]>|-->)\s*\Z")
_LONE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")

Node = dict[str, Any]


def nodes(blocks: list[str]) -> list[Node]:
    """All objects of a page's JSON-LD blocks, outermost first; what cannot be read is left out."""
    found: list[Node] = []
    for block in blocks:
        if len(block) <= MAX_BLOCK:
            found.extend(_walk(_load(block)))
        if len(found) > MAX_NODES:
            return found[:MAX_NODES]
    return found


def _load(block: str) -> Any:
    try:
        return orjson.loads(block)
    except orjson.JSONDecodeError:
        pass
    text = _WRAPPER.sub("", block).strip().rstrip(";")
    if "&quot;" in text and '"' not in text:
        text = html.unescape(text)
    text = _CONTROL.sub(" ", text)
    text = _TRAILING_COMMA.sub(r"\1", text)
    if "\\ud" in text or "\\uD" in text:
        text = _without_lone_surrogates(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _without_lone_surrogates(text: str) -> str:
    kept: list[str] = []
    position = 0
    for pair in _PAIR.finditer(text):
        kept.append(_LONE.sub("", text[position : pair.start()]))
        kept.append(pair[0])
        position = pair.end()
    kept.append(_LONE.sub("", text[position:]))
    return "".join(kept)


def _walk(value: Any) -> Iterator[Node]:
    """Objects in document order, descending only into lists, graphs and main entities."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            yield item
            for name in ("mainEntityOfPage", "mainEntity", "@graph"):
                inner = item.get(name)
                if isinstance(inner, (dict, list)):
                    waiting.append(inner)


def types(node: Node) -> tuple[str, ...]:
    """The type names of a node, without their vocabulary."""
    stated = node.get("@type")
    items = stated if isinstance(stated, list) else [stated]
    return tuple(item.rpartition("/")[2] for item in items if isinstance(item, str))


def article(all_nodes: list[Node], titles: tuple[str, ...]) -> Node | None:
    """The node that describes the page's article; of several, the one that bears its title."""
    found = [node for node in all_nodes if not ARTICLE_TYPES.isdisjoint(types(node))]
    if len(found) > 1:
        folded = [title.casefold() for title in titles if title]
        for node in found:
            headline = (text(node.get("headline")) or text(node.get("name")) or "").casefold()
            if headline and any(headline in title or title in headline for title in folded):
                return node
    return found[0] if found else None


def text(value: Any) -> str | None:
    """The first string in a value that is a string, a list, or an object with a name or value."""
    if isinstance(value, str):
        plain = html.unescape(value) if "&" in value else value
        return " ".join(plain.split()) or None
    if isinstance(value, list):
        return next((found for found in map(text, value[:10]) if found), None)
    if isinstance(value, dict):
        for name in ("name", "@value", "headline"):
            if isinstance(value.get(name), str):
                return text(value[name])
    return None


def urls(value: Any) -> list[str]:
    """The URLs in an ``image`` or ``url`` value: strings, objects with ``url``, lists of either."""
    found: list[str] = []
    for item in value[:20] if isinstance(value, list) else [value]:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            inner = item.get("url") or item.get("contentUrl") or item.get("@id")
            if isinstance(inner, list):
                inner = inner[0] if inner else None
            if isinstance(inner, str):
                found.append(inner)
    return found


def publisher(node: Node, all_nodes: list[Node]) -> str | None:
    """The name of the node's publisher, also by reference; else that of the page's web site."""
    stated = node.get("publisher")
    if isinstance(stated, list):
        stated = stated[0] if stated else None
    if isinstance(stated, dict) and "name" not in stated:
        named = (item for item in all_nodes if item.get("@id") == stated.get("@id"))
        stated = next((item for item in named if "name" in item), None)
    if stated is None:
        stated = next((item for item in all_nodes if "WebSite" in types(item)), None)
    return text(stated)


def _given_and_family(node: Node) -> str | None:
    parts = (text(node.get("givenName")), text(node.get("familyName")))
    return " ".join(part for part in parts if part) or None


def people(node: Node, all_nodes: list[Node]) -> list[tuple[str, bool]]:
    """Names under ``author`` (else ``creator``), each with whether it is a person's."""
    by_id = {item["@id"]: item for item in all_nodes if isinstance(item.get("@id"), str)}
    value = node.get("author") or node.get("creator")
    found: list[tuple[str, bool]] = []
    for item in value[:20] if isinstance(value, list) else [value]:
        entry = item
        if isinstance(item, dict) and "name" not in item and isinstance(item.get("@id"), str):
            entry = by_id.get(item["@id"], item)
        if isinstance(entry, dict):
            raw = entry.get("name") or _given_and_family(entry)
            person = "Organization" not in " ".join(types(entry))
            for name in raw[:20] if isinstance(raw, list) else [raw]:
                plain = text(name)
                if plain:
                    found.append((plain, person))
        else:
            plain = text(entry)
            if plain and "://" not in plain:
                found.append((plain, True))
    return found
