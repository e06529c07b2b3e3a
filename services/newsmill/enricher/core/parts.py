"""Splits a run of capitalised words into names, titles and words that are no names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from newsmill.enricher.core.gazetteer import FIRST_NAMES, Lexicon, Named, shared
from newsmill.enricher.core.scan import Run

_PARTICLES = shared("particle")
_WORDS_OF_A_TITLE = 4  # capitalised ones
_SHORT = 3  # letters: so short a word in capitals is an acronym
_LONG_ENOUGH = 5  # letters: a word that ends like a title and is not longer is another word


Kind = Literal["name", "listed", "title", "people", "skip"]


class Part(NamedTuple):
    """A word or phrase of a run; people are demonyms, religions, followers of parties."""

    kind: Kind
    start: int
    end: int
    word: str  # the first word of it
    low: str
    thing: Named | None = None


class Splitter:
    """Splits the runs of one text, in order."""

    def __init__(self, text: str, lexicon: Lexicon, compounds: bool) -> None:
        self._text = text
        self._names = lexicon.names
        self._starts = lexicon.starts
        self._title_starts = lexicon.titles
        self._skipped = lexicon.skipped
        self._compounds = compounds
        self._titles = lexicon.kind("title")
        self._people = lexicon.kind("demonym") | lexicon.kind("group")
        self._calendar = lexicon.kind("calendar")
        self._org = lexicon.kind("org")
        self._suffixes = lexicon.title_suffixes
        self._covered = 0  # what lies before is part of a listed name already

    def parts(self, run: Run) -> list[Part]:
        """The parts of a run, those of "US-Präsident" apart."""
        words, at = run.words, 0
        found: list[Part] = []
        while at < len(words):
            start, end = words[at]
            if start < self._covered:
                at += 1
                continue
            word = self._text[start:end]
            part, at = self._listed(words, at, word) or self._phrase(words, at, word)
            if part is not None:
                found.append(part)
            elif "-" in word:
                found.extend(self._compound(start, end, word))
            else:
                found.append(Part("name", start, end, word, word.lower()))
        return found if len(found) == 1 else self._retitled(found)

    def _listed(
        self, words: Sequence[tuple[int, int]], at: int, word: str
    ) -> tuple[Part, int] | None:
        """The longest name of the tables that stands here, and the index of the word after it."""
        start = words[at][0]
        for name in self._starts.get(word, ()):
            if not self._text.startswith(name, start):
                continue
            end = start + len(name)
            if self._text[end : end + 1].isalnum():
                continue
            after = at + 1
            while after < len(words) and words[after][0] < end:
                after += 1
            if words[after - 1][1] > end:
                continue
            self._covered = end
            thing = self._names[name]
            return Part("listed", start, end, word, word.lower(), thing), after
        return self._shouted(words, at) if len(word) > _SHORT and word.isupper() else None

    def _shouted(self, words: Sequence[tuple[int, int]], at: int) -> tuple[Part, int] | None:
        """A listed name of one or two words that is set in capitals: "NEW YORK (AP)"."""
        start = words[at][0]
        for last in range(min(at + 2, len(words)) - 1, at - 1, -1):
            end = words[last][1]
            written = self._text[start:end]
            thing = self._names.get(written.title()) if written.isupper() else None
            if thing is not None:
                return Part("listed", start, end, written, written.lower(), thing), last + 1
        return None

    def _phrase(
        self, words: Sequence[tuple[int, int]], at: int, word: str
    ) -> tuple[Part | None, int]:
        """A title, a people or a word that is no name, with the index of the word after it."""
        start, end = words[at]
        low = word.lower().replace("’", "'")
        if low in self._title_starts:
            for last in range(min(at + _WORDS_OF_A_TITLE, len(words)) - 1, at - 1, -1):
                phrase = self._text[start : words[last][1]].lower()
                if phrase in self._titles or (last == at and low + "." in self._titles):
                    return Part("title", start, words[last][1], word, low), last + 1
        following = ""
        if at + 1 < len(words):
            second = words[at + 1]
            both = self._text[start : second[1]].lower()
            if both in self._people:
                return Part("people", start, second[1], word, low), at + 2
            if both in self._skipped:
                return Part("skip", start, second[1], word, low), at + 2
            following = self._text[second[0] : second[1]].lower()
        kind = self._kind(word, low, following, at > 0)
        return (Part(kind, start, end, word, low) if kind else None), at + 1

    def _kind(self, word: str, low: str, following: str, inside: bool) -> Kind | None:
        """What a word is that starts no longer phrase; None for what may be part of a name."""
        if low in self._people or low in self._calendar:
            if word in FIRST_NAMES and following and not self._is_common(following):
                return None  # Christian Lindner, Jan Smith
            return "people" if low in self._people else "skip"
        if low in self._skipped:
            return None if low in _PARTICLES and following and inside else "skip"
        if len(low) > _LONG_ENOUGH and "-" not in low and low.endswith(self._suffixes):
            return "title"  # "Bundeskanzler": German makes new ones every day
        return None

    def _is_common(self, low: str) -> bool:
        return (
            low in self._people or low in self._calendar or low in self._skipped or low in self._org
        )

    def _compound(self, start: int, end: int, word: str) -> Iterator[Part]:
        """A word that is no listed one; of "US-Präsident" the place and the title are two parts."""
        head, dash, tail = word.partition("-")
        if dash and word not in FIRST_NAMES and head not in FIRST_NAMES and tail:
            middle = start + len(head)
            low_tail = tail.lower()
            is_title = low_tail in self._titles or low_tail.endswith(self._suffixes)
            thing = self._names.get(head)
            if is_title or (thing is not None and self._compounds):
                if thing is not None:
                    yield Part("listed", start, middle, head, head.lower(), thing)
                elif len(head) > 1:
                    yield Part("name", start, middle, head, head.lower())
                yield Part("title" if is_title else "skip", middle + 1, end, tail, low_tail)
                return
        yield Part("name", start, end, word, word.lower())

    def _retitled(self, parts: list[Part]) -> list[Part]:
        """Titles that are part of an organisation's name ("Justice Department") as plain words."""
        body = False  # whether a word that makes a body's name follows, with nothing between
        for at in range(len(parts) - 1, -1, -1):
            part = parts[at]
            if part.kind == "title" and body:
                parts[at] = part._replace(kind="name")
            body = part.kind in ("name", "title") and (body or part.low in self._org)
        return parts
