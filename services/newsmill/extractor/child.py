"""What runs in an extraction child: a page record's header and body in, an article's bytes out."""

from __future__ import annotations

import time
from typing import Any

import orjson

from newsmill.extractor.core import extract
from newsmill.records import Article, Page, decode, decompress, encode


def handle(frames: list[bytes]) -> list[bytes]:
    """``[page header, zstd frame]`` to ``[article, facts of the log line]``.

    Raises BadRecord as ``extract`` does.
    """
    header, frame = frames
    page = decode(Page, header)
    started = last = time.perf_counter()
    steps: dict[str, float] = {}

    def probe(step: str) -> None:
        nonlocal last
        now = time.perf_counter()
        steps[step] = round((now - last) * 1e3, 3)
        last = now

    article = extract(decompress(frame), page, probe=probe)
    facts = facts_of(article) | {"took_ms": (time.perf_counter() - started) * 1e3, "parts": steps}
    return [encode(article), orjson.dumps(facts)]


TOLD_WHEN_MISSING = ("title", "authors", "published", "images")


def facts_of(article: Article) -> dict[str, Any]:
    """What the log line of an extraction says of the article."""
    facts: dict[str, Any] = {"article_id": article.id, "chars": len(article.text)}
    missing = [name for name in TOLD_WHEN_MISSING if not getattr(article, name)]
    if missing:
        facts["missing"] = missing
    if article.quality is not None:
        facts |= {"tier": article.quality.tier, "quality": article.quality.score}
    return facts
