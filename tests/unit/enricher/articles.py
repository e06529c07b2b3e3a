"""Makes articles for the tests of the enricher."""

from __future__ import annotations

from typing import Any

from newsmill.enricher.core import annotate
from newsmill.records import Article, Entity, Quote


def article(text: str, **fields: Any) -> Article:
    """An article of this text; everything else is made up unless said."""
    return Article(
        **{
            "id": "a" * 32,
            "page_id": "b" * 32,
            "revision": "c" * 32,
            "url": "https://news.example/1",
            "canonical_url": "https://news.example/1",
        }
        | fields,
        text=text,
    )


def entities(text: str, language: str = "en") -> tuple[Entity, ...]:
    """The entities of a text that is declared to be of this language."""
    found: tuple[Entity, ...] = fields(text, language)["entities"]
    return found


def quotes(text: str, language: str = "en") -> tuple[Quote, ...]:
    """The quotations of a text that is declared to be of this language."""
    found: tuple[Quote, ...] = fields(text, language)["quotes"]
    return found


def fields(text: str, language: str) -> dict[str, Any]:
    """All annotations; the test fails where an annotator did."""
    made = annotate(article(text, declared_language=language))
    assert made.failures == ()
    return made.fields


def names(text: str, language: str = "en", kind: str | None = None) -> set[str]:
    """The names of the entities of a type, or of all."""
    return {e.name for e in entities(text, language) if kind in (None, e.type)}
