"""Finds what an article quotes, who says it, and by which word.

Rules: a mark, a word of saying (cue) beside it or in its sentence, and the nearest name on the side
where the speaker stands; else the speaker of the quotation before.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsmill.enricher.core.gazetteer import UNCASED, Lexicon, lexicon
from newsmill.enricher.core.marks import quoted
from newsmill.enricher.core.patterns import any_of
from newsmill.enricher.core.sentences import sentence_starts
from newsmill.enricher.core.sources import Source, Sources
from newsmill.records import Entity, Quote

NAME = "quotes"
VERSION = "1"
BUDGET = 100_000  # characters of the text that are looked at

# Words up to which a quotation needs its cue within so many words of it: one or two far from a cue
# are words that the writer keeps at a distance, three or four are often a title or a name.
_NEEDS_CUE_WITHIN = ((2, 3), (4, 6))
_NAME = 6  # words: so few with capitals are a name between marks
_PHRASE = 4  # words: no longer ones are kept without any cue
_AFTER = 160  # characters behind a quotation in which its cue may stand
_AT_ONCE = 45  # … where the quotation is a whole sentence
_BEFORE = 300  # … before it
_SUBJECT = 90  # … from a cue to the speaker behind it
_CHARS_A_WORD = 3  # in scripts without spaces
_WORD = re.compile(r"[^\W_][\w’'-]*")


@dataclass(frozen=True, slots=True)
class _Cue:
    """A word of saying and its subject as the text states it."""

    start: int
    end: int
    source: Source | None


def quotes_of(text: str, language: str, entities: Sequence[Entity]) -> tuple[tuple[Quote, ...]]:
    """The quotations of the text in order; the speaker, by the entities' names, may be unknown."""
    found = list(quoted(text))
    if not found:
        return ((),)
    return (tuple(_Reader(text, lexicon(language), entities).read(found)),)


@functools.cache
def _cue_pattern(language: str) -> re.Pattern[str] | None:
    words = lexicon(language)
    phrases = words.kind("cue") | words.kind("follow") | words.kind("after")
    if not phrases:
        return None
    if language in UNCASED:
        return re.compile(any_of(phrases))
    # a French pronoun hangs on its verb: "dit-elle", "explique-t-il"
    words_ = any_of(phrases, either_case=True)
    return re.compile(rf"(?<![\w’'-])(?:{words_})(?!\w|-(?!(?:t-)?(?:il|elle|on)))")


class _Reader:
    """Reads the quotations of one text, in order."""

    def __init__(self, text: str, words: Lexicon, entities: Sequence[Entity]) -> None:
        self._text = text
        self._uncased = words.language in UNCASED and words.language not in ("ar", "he", "hi", "ko")
        self._pattern = _cue_pattern(words.language)
        self._follow = words.kind("follow")
        self._after = words.kind("after")
        self._starts = sentence_starts(text)
        self._sources = Sources(text, words, entities)

    def read(self, found: list[tuple[int, int]]) -> Iterator[Quote]:
        """The quotations among what stands between marks."""
        last: Quote | None = None
        for index, (start, end) in enumerate(found):
            floor = found[index - 1][1] + 1 if index else 0
            ceiling = found[index + 1][0] - 1 if index + 1 < len(found) else len(self._text)
            quote = self._quote(start, end, floor, ceiling, last)
            if quote is not None:
                yield quote
                last = quote

    def _quote(
        self, start: int, end: int, floor: int, ceiling: int, last: Quote | None
    ) -> Quote | None:
        """The quotation, or None for marks that quote nobody; it is alone in [floor, ceiling)."""
        words = self._text[start:end]
        count = len(words) // _CHARS_A_WORD if self._uncased else words.count(" ") + 1
        if 1 < count <= _NAME and all(word[0].isupper() for word in words.split()):
            return None  # the name of a book, a plan, a newspaper
        line = max(floor, self._text.rfind("\n", 0, start) + 1)
        cue = self._cue_after(end, ceiling) or self._cue_before(start, line)
        if cue is not None:
            if any(count <= few for few, _ in _NEEDS_CUE_WITHIN) and not self._beside(
                cue, start, end, count
            ):
                return None
        elif count <= _PHRASE:
            return None
        else:
            cue = self._cue_of_sentence_before(start, line)
        before = last.speaker if last else None
        if cue is None:
            source = self._announced(start, line)
            speaker = self._sources.name(source, before) if source else self._carried(start, last)
            return Quote(text=words, speaker=speaker, span=(start, end))
        speaker = self._sources.name(cue.source, before)
        verb = self._text[cue.start : cue.end]
        return Quote(text=words, speaker=speaker, verb=verb, span=(start, end))

    def _beside(self, cue: _Cue, start: int, end: int, count: int) -> bool:
        near = next(near for few, near in _NEEDS_CUE_WITHIN if count <= few)
        gap = self._text[cue.end : start] if cue.end <= start else self._text[end : cue.start]
        if self._uncased:
            return len(gap) <= near * _CHARS_A_WORD
        return len(_WORD.findall(gap)) <= near

    # --- where the cue stands -------------------------------------------------------------------

    def _cue_after(self, end: int, ceiling: int) -> _Cue | None:
        """The cue behind a quotation, in what is left of its sentence."""
        text = self._text
        begin = end
        while begin < ceiling and text[begin] != "\n" and not text[begin].isalnum():
            begin += 1
        closed = text[end - 1] in ".!?…。" and text[begin : begin + 1].isupper()
        if closed and text[end - 1] == "." and "," not in text[end:begin]:
            return None  # the next sentence is another one
        stop = min(begin + (_AT_ONCE if closed else _AFTER), ceiling, self._sentence_end(begin))
        for at, cue_end, phrase in self._cues(begin, stop):
            between = text[begin:at].strip(" ,")
            if (phrase in self._after and between) or phrase.endswith("ing"):
                continue  # "…”, suggesting that" goes on with what is not quoted
            ahead = min(cue_end + _SUBJECT, self._sentence_end(at))
            if phrase in self._follow or not between:
                return _Cue(at, cue_end, self._sources.first(cue_end, ahead))
            source = self._sources.last(begin, at)
            if source is None and len(_WORD.findall(between)) <= 2:  # « … », a déclaré Jo Smith
                source = self._sources.first(cue_end, ahead)
            return _Cue(at, cue_end, source)
        return None

    def _cue_before(self, start: int, floor: int) -> _Cue | None:
        """The last cue before a quotation, in its own sentence."""
        return self._last_cue(max(floor, self._sentence_start(start), start - _BEFORE), start)

    def _cue_of_sentence_before(self, start: int, floor: int) -> _Cue | None:
        """The last cue of the sentence before, in the same line and behind other quotations."""
        begin = self._sentence_start(start)
        if begin <= floor:
            return None
        return self._last_cue(max(floor, self._sentence_start(begin - 1), begin - _BEFORE), begin)

    def _last_cue(self, begin: int, stop: int) -> _Cue | None:
        found = [cue for cue in self._cues(begin, stop) if cue[2] not in self._after]
        if not found:
            return None
        at, end, phrase = found[-1]
        if phrase in self._follow:
            return _Cue(at, end, self._sources.first(end, stop))
        source = self._sources.last(begin, at) or self._sources.first(
            end, min(stop, end + _SUBJECT)
        )
        return _Cue(at, end, source)

    def _cues(self, begin: int, stop: int) -> Iterator[tuple[int, int, str]]:
        if self._pattern is not None:
            for match in self._pattern.finditer(self._text, begin, max(begin, stop)):
                yield match.start(), match.end(), match.group().lower()

    # --- sentences and what goes on from the quotation before -----------------------------------

    def _sentence_start(self, at: int) -> int:
        """The start of the sentence that holds ``at``; an opening mark before it belongs to it."""
        return self._starts[max(0, bisect_right(self._starts, max(0, at - 2)) - 1)]

    def _sentence_end(self, at: int) -> int:
        following = bisect_right(self._starts, at)
        return self._starts[following] if following < len(self._starts) else len(self._text)

    def _announced(self, start: int, floor: int) -> Source | None:
        """Who the words before a colon speak of: "Jo Smith has no doubt: “…”"."""
        if not self._text[max(floor, start - 6) : start].rstrip('“„"«»”「『 \u00a0').endswith(":"):
            return None
        return self._sources.last(
            max(floor, self._sentence_start(start - 3), start - _BEFORE), start
        )

    def _carried(self, start: int, last: Quote | None) -> str | None:
        """The speaker of the quotation before, where this one goes on from it."""
        if last is None or last.span is None:
            return None
        between = self._text[last.span[1] : start]
        lines = between.count("\n")
        opens = not between[between.rfind("\n") + 1 :].strip('“„"«»”「『 ')
        return last.speaker if not lines or (lines == 1 and opens) else None
