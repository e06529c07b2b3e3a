"""Finds the runs of capitalised words in a text that names are made of."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from typing import NamedTuple

from newsmill.enricher.core.gazetteer import FIRST_NAMES, Lexicon, shared
from newsmill.enricher.core.sentences import sentence_starts


def _capitals() -> str:
    """All capital letters of the basic plane; with those beyond, the class is no table lookup."""
    codes = (chr(code) for code in range(0x10000))
    return "".join(letter for letter in codes if unicodedata.category(letter) in ("Lu", "Lt"))


def _gaps(kind: str) -> frozenset[str]:
    """The words of a kind with the spaces that they have between two others."""
    return frozenset(f" {word}" if word[-1] in "-'’" else f" {word} " for word in shared(kind))


_CAPITAL = f"[{_capitals()}]"
# "U.S.", "J.K.", "McDonald", "iPhone", "O’Brien", "Jean-Luc", "AT&T"; of "US-based" only the "US"
_WORD = re.compile(
    rf"{_CAPITAL}(?:(?<!\w.)|(?<=\W[a-z].))"  # the capital first: the search looks for it
    rf"(?:\.(?:{_CAPITAL}\.)+|\w*(?:[-‐&](?=[\d]|{_CAPITAL})\w+|['’](?={_CAPITAL})\w+|['’]t(?!\w))*)",
    re.S,
)
_ANY_WORD = re.compile(r"\w+")
_SPACES = frozenset({" ", "\u00a0", "\u202f", " & "})
_DOTTED = shared("dotted")
_NOBLE = _gaps("noble")
_OF = _gaps("of")
_QUOTE_MARKS = frozenset("“„\"«»‘'‚(「『[")
_SENTENCE_BEFORE = frozenset(".!?…:•·–*|\n。")
_HEADING_WORDS = 24  # a heading is shorter


class Run(NamedTuple):
    """Capitalised words that stand side by side; ``words`` are their offsets in the text.

    ``opens``: the first word starts a sentence, where its capital says nothing. ``heading``: it is
    of a line where every word has one.
    """

    words: list[tuple[int, int]]
    opens: bool
    heading: bool


def lower_case_words(text: str) -> frozenset[str]:
    """The words that the text writes in lower case somewhere."""
    return frozenset(filter(str.islower, frozenset(_ANY_WORD.findall(text))))


def runs(text: str, lexicon: Lexicon) -> list[Run]:
    """The runs of the text, in order."""
    words = _words(text)
    starts = frozenset(sentence_starts(text))
    headings = _headings(text, words)
    found: list[Run] = []
    current: list[tuple[int, int]] = []
    for word in words:
        if current and _joins(text, current[-1], word, lexicon):
            current.append(word)
            continue
        if current:
            found.append(_run(text, current, starts, headings))
        current = [word]
    if current:
        found.append(_run(text, current, starts, headings))
    return found


def _words(text: str) -> list[tuple[int, int]]:
    """The words with a capital; a small letter before it belongs to the word ("iPhone")."""
    words: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        start, end = span = match.span()
        words.append((start - 1, end) if start and text[start - 1].isalpha() else span)
    return words


def _run(
    text: str, words: list[tuple[int, int]], starts: frozenset[int], headings: list[tuple[int, int]]
) -> Run:
    first, heading = words[0][0], False
    if headings:
        at = bisect_left(headings, (first + 1,)) - 1
        heading = at >= 0 and headings[at][0] <= first < headings[at][1]
    return Run(words, first in starts or _opens(text, first), heading)


def _opens(text: str, start: int) -> bool:
    """Whether a sentence may start here: after a quotation mark, a colon, a bullet."""
    at = start - 1
    if at >= 0 and text[at] in _QUOTE_MARKS:
        return True
    while at >= 0 and text[at] in " \u00a0\t":
        at -= 1
        if start - at > 4:
            return False
    if at > 1 and text[at] in "-–—":
        return text[at - 2] == ")"  # a dateline: "BERLIN (AP) — Talks"
    return at < 0 or (text[at] in _SENTENCE_BEFORE and text[at] != ".")


def _joins(text: str, left: tuple[int, int], right: tuple[int, int], lexicon: Lexicon) -> bool:
    """Whether two capitalised words are of one run, by what stands between them."""
    size = right[0] - left[1]
    if size > 13:
        return False
    gap = text[left[1] : right[0]]
    if gap in _SPACES:
        return True
    if gap in (". ", ".\u00a0"):
        word = text[left[0] : left[1]]
        return len(word) == 1 or word.lower() in _DOTTED
    if gap in _NOBLE:
        return text[right[0] : right[1]].lower() not in lexicon.kind("org")
    if gap == " der ":  # "Von der Leyen" at the start of a sentence
        return text[left[0] : left[1]] in ("Von", "Van")
    if gap in _OF:
        word = text[left[0] : left[1]]
        if gap.startswith(" d") and word in FIRST_NAMES:  # Charles de Gaulle, Luiz da Silva
            return True
        low = word.lower()
        if low == "secretary":
            return True
        return any(low in lexicon.kind(kind) for kind in ("org", "place", "event", "region"))
    return False


def _headings(text: str, words: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The lines that are set in title case or capitals, as offsets."""
    found: list[tuple[int, int]] = []
    start = at = 0
    for line in text.split("\n"):
        end = start + len(line)
        first = at
        while at < len(words) and words[at][0] < end:
            at += 1
        capitalised = at - first
        total = line.count(" ") + 1
        if capitalised >= 3 and capitalised * 10 >= total * 7:
            bare = line.rstrip()
            if line.isupper() or (total <= _HEADING_WORDS and bare[-1] not in '.!?”"»“:;,'):
                found.append((start, end))
        start = end + 1
    return found
