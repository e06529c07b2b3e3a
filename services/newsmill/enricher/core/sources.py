"""Knows who may be speaking at a place of a text: the named, and what pronouns stand for."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from newsmill.enricher.core.gazetteer import UNCASED, Lexicon, shared
from newsmill.enricher.core.patterns import any_of
from newsmill.records import Entity

_SPEAKERS = frozenset({"PERSON", "ORG", "GPE"})
_PERSON_NEAR = 50  # characters from an organisation's name to its speaker's: "Acme chief Jo Smith"
_LOOK_BACK = 40  # sources: how far a pronoun is followed back
_WORD_BEFORE = re.compile(r"([\w’'-]+)[\s,]*\Z")
_NOT_SUBJECT = shared("aside")


@dataclass(frozen=True, slots=True)
class Source:
    """Who is spoken of at a place of the text.

    A pronoun has no name of its own; people whom the text does not name ("officials") have neither
    name nor type.
    """

    start: int
    end: int
    name: str | None
    type: str


class Sources:
    """Who is named where in one text."""

    def __init__(self, text: str, words: Lexicon, entities: Sequence[Entity]) -> None:
        self._text = text
        self._named = sorted(
            (
                Source(start, end, entity.name, entity.type)
                for entity in entities
                if entity.type in _SPEAKERS
                for start, end in entity.spans
            ),
            key=lambda source: (source.start, source.end),
        )
        self._places = [source.start for source in self._named]
        self._pronouns = _pronouns(words)
        self._person_words = words.kind("person")
        self._unnamed = words.kind("unnamed")

    def between(self, begin: int, end: int) -> list[Source]:
        """The named and the pronouns that lie in the stretch, in order."""
        low, high = bisect_left(self._places, begin), bisect_left(self._places, end)
        found = [source for source in self._named[low:high] if source.end <= end]
        if self._pronouns is not None:
            for match in self._pronouns.finditer(self._text, begin, end):
                kind = "PERSON" if match.group().lower() in self._person_words else "ORG"
                found.append(Source(match.start(), match.end(), None, kind))
        found.sort(key=lambda source: source.start)
        return found

    def first(self, begin: int, end: int) -> Source | None:
        """Who speaks, where the cue stands first: "said US envoy Jo Smith"."""
        found = self.between(begin, end)
        for at, source in enumerate(found):
            if source.type == "PERSON":
                return source
            for later in found[at + 1 :]:
                if later.type == "PERSON" and later.start - source.end <= _PERSON_NEAR:
                    return later
            if not self._is_aside(source):
                return source
        return None

    def last(self, begin: int, end: int) -> Source | None:
        """Who speaks where the speaker stands before the word of saying at ``end``."""
        before = _WORD_BEFORE.search(self._text, max(begin, end - 40), end)
        if before is not None and before.group(1).lower() in self._unnamed:
            return Source(before.start(), before.end(), None, "")
        found = [source for source in self.between(begin, end) if not self._is_aside(source)]
        if not found:
            return None
        nearest = found[-1]
        if nearest.type != "PERSON":
            for earlier in reversed(found[:-1]):
                if earlier.type == "PERSON" and self._text.startswith(",", earlier.end):
                    return earlier  # "Jo Smith, who leads Acme, said"
        return nearest

    def name(self, source: Source | None, last_speaker: str | None) -> str | None:
        """The name of a source; a pronoun is the last person or organisation named before."""
        if source is None or source.name is not None or not source.type:
            return source.name if source else None
        at = bisect_right(self._places, source.start)
        for named in reversed(self._named[max(0, at - _LOOK_BACK) : at]):
            if named.type == source.type:
                return named.name
        return last_speaker

    def _is_aside(self, source: Source) -> bool:
        """Whether it is a place or body that a preposition leads in: no one who speaks."""
        if source.type == "PERSON" or source.name is None:
            return False
        before = _WORD_BEFORE.search(self._text, max(0, source.start - 24), source.start)
        if before is None:
            return False
        word = before.group(1).lower()
        if word in ("the", "la", "le", "der", "die", "das", "el"):
            again = _WORD_BEFORE.search(self._text, max(0, before.start() - 24), before.start())
            word = again.group(1).lower() if again else ""
        return word in _NOT_SUBJECT


def _pronouns(words: Lexicon) -> re.Pattern[str] | None:
    return _alternatives(words.language, words.kind("person") | words.kind("thing"))


@functools.cache
def _alternatives(language: str, phrases: frozenset[str]) -> re.Pattern[str] | None:
    """A pronoun may hang on its verb: "dit-elle"."""
    if not phrases:
        return None
    if language in UNCASED:
        return re.compile(any_of(phrases))
    return re.compile(rf"(?<![\w’'])(?:{any_of(phrases, either_case=True)})(?![\w-])")
