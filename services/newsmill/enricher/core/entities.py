"""Names the people, organisations and places of an article, by rules and small lists."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from newsmill.enricher.core.folding import fold
from newsmill.enricher.core.gazetteer import UNCASED, lexicon
from newsmill.enricher.core.names import LISTED, Mention, Typist
from newsmill.enricher.core.patterns import any_of
from newsmill.enricher.core.scan import runs
from newsmill.records import Entity

NAME = "entities"
VERSION = "1"
BUDGET = 100_000  # characters of the text that are looked at: twenty long articles

# what must not stand beside a name: letters and vowel signs of scripts that part words by spaces
_LETTERS = {"ar": "\u0600-\u06ff", "he": "\u0590-\u05ff", "hi": "\u0900-\u097f"}
_PREFIXES = {"ar": "(?:[وفبلك]|و[بل])?", "he": "[ובלכמשה]{0,2}"}


def entities_of(text: str, language: str) -> tuple[tuple[Entity, ...]]:
    """The entities of the text, each with all its places, by first place."""
    mentions = _uncased(text, language) if language in UNCASED else _cased(text, language)
    return (fold(text, tuple(mentions)),)


def _cased(text: str, language: str) -> Iterator[Mention]:
    words = lexicon(language)
    typist = Typist(text, words)
    for run in runs(text, words):
        yield from typist.mentions(run)


def _uncased(text: str, language: str) -> Iterator[Mention]:
    names = lexicon(language).names
    for match in _pattern(language).finditer(text):
        thing = names[match.group(1)]
        yield Mention(match.start(1), match.end(1), thing.type, LISTED, thing.key)


@functools.cache
def _pattern(language: str) -> re.Pattern[str]:
    """All names of a language that is written without capitals."""
    names = any_of(lexicon(language).names)
    letters = _LETTERS.get(language)
    if letters is None:
        return re.compile(f"({names})")
    prefix = _PREFIXES.get(language, "")
    return re.compile(f"(?<![{letters}]){prefix}({names})(?![{letters}])")
