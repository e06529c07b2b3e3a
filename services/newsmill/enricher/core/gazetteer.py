"""Holds the lists that the rules look names and words up in.

It is the one place of the core that reads data: once, from the files packed beside it, whose origin
``data/README.md`` states.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

# scripts without capitals, whose names are found by looking for each of them
UNCASED = frozenset({"ar", "he", "hi", "ja", "ko", "zh"})

_NOT_LATIN = frozenset({"el", "ru", "uk"}) | UNCASED
_TABLES = ("countries.tsv", "regions.tsv", "cities.tsv")


def _read(name: str) -> list[str]:
    data = resources.files("newsmill.enricher.core").joinpath("data", name)
    lines = data.read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


@dataclass(frozen=True, slots=True)
class Named:
    """A thing of the tables: its key, the same for all its names in all languages, and its type."""

    key: str
    type: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What the rules know of one language; words are in lower case, names as they are written.

    ``starts`` holds the names by their first word, longest first, ``titles`` the number of words of
    the longest title by its first word.
    """

    language: str
    names: Mapping[str, Named]
    starts: Mapping[str, tuple[str, ...]]
    words: Mapping[str, frozenset[str]]
    titles: Mapping[str, int]
    skipped: frozenset[str]  # function words and noise: no part of a name
    title_suffixes: tuple[str, ...]

    def kind(self, name: str) -> frozenset[str]:
        """The words of a kind, an empty set where the language has no such list."""
        return self.words.get(name, _NONE)


_NONE: frozenset[str] = frozenset()


def _tables() -> dict[str, dict[str, Named]]:
    """Language → name → thing; a name that stands for several is the first table's."""
    names: dict[str, dict[str, Named]] = {}
    for table in _TABLES:
        header, *rows = _read(table)
        languages = header.split("\t")[2:]
        for row in rows:
            key, kind, *cells = row.split("\t")
            thing = Named(key, kind)
            english = cells[0]
            for language, cell in zip(languages, cells, strict=True):
                known = names.setdefault(language, {})
                if not cell and language not in _NOT_LATIN:
                    cell = (
                        english  # a language of Latin script that says nothing writes it as English
                    )
                for name in cell.split("|"):
                    if name and name != "-":
                        known.setdefault(name, thing)
                        known.setdefault(name.replace("’", "'"), thing)
                        known.setdefault(name.replace("'", "’"), thing)
    return names


def _word_lists() -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    current: set[str] = set()
    for line in _read("words.txt"):
        if line.startswith("["):
            language, kind = line.strip("[]").split()
            current = found.setdefault(language, {}).setdefault(kind, set())
        else:
            current.update(word.replace("_", " ").lower() for word in line.split())
    return {
        language: {kind: frozenset(words) for kind, words in kinds.items()}
        for language, kinds in found.items()
    }


_NAMES = _tables()
_WORDS = _word_lists()
FIRST_NAMES = frozenset(name for line in _read("first_names.txt") for name in line.split())


def shared(kind: str) -> frozenset[str]:
    """The words of a kind that is the same in all languages."""
    return _WORDS["any"][kind]


@functools.cache
def lexicon(language: str) -> Lexicon:
    """The lists of a language; one without any looks names up in the English tables."""
    names = _NAMES.get(language) or _NAMES["en"]
    words = _WORDS.get(language, {})
    starts: dict[str, list[str]] = {}
    for name in names:
        first = name.split(" ", 1)[0]
        starts.setdefault(first, []).append(name)
        for possessive in ("'s", "’s"):  # no part of the word either
            if first.endswith(possessive):
                starts.setdefault(first[:-2], []).append(name)
        if first.endswith(".") and first.count(".") == 1:  # "St.", whose dot is no part of the word
            starts.setdefault(first[:-1], []).append(name)
    titles: dict[str, int] = {}
    for title in words.get("title", _NONE):
        parts = title.split(" ")
        titles[parts[0]] = max(len(parts), titles.get(parts[0], 0))
    skipped = words.get("function", _NONE) | words.get("noise", _NONE)
    return Lexicon(
        language=language,
        names=names,
        starts={
            first: tuple(sorted(all_, key=len, reverse=True)) for first, all_ in starts.items()
        },
        words=words,
        titles=titles,
        skipped=skipped,
        title_suffixes=tuple(sorted(words.get("titlesuffix", _NONE))),
    )
