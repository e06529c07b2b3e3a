"""Types the names in a run of capitalised words: what each is, and how sure the rules are of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from newsmill.enricher.core.gazetteer import FIRST_NAMES, Lexicon, shared
from newsmill.enricher.core.parts import Part, Splitter
from newsmill.enricher.core.scan import Run, lower_case_words

# how sure the rules are; a pending mention counts only where it is another's alias
PENDING, WEAK, FAIR, SURE, LISTED = range(5)

# languages where a capital inside a sentence marks a name; elsewhere (German) it takes evidence
_CAPITAL_MARKS = frozenset({"en", "fr", "es", "it", "pt", "nl"})
# languages whose news names people oftener than bodies by two capitals; Romance ones write "Banca
# centrale" with one
_PERSON_FIRST = frozenset({"en", "nl"})
_HEADS = (
    ("org", "ORG"),
    ("suffix", "ORG"),
    ("event", "EVENT"),
    ("place", "LOC"),
    ("region", "GPE"),
)
_WHERE = shared("where")  # what stands behind them is a place more often than not
_LONGEST_NAME = 12  # capitalised words; more are a list or a shout
_LONGEST_ACRONYM = 7  # letters: UNICEF, FRONTEX; more is a word in capitals
_ARTICLES = shared("article")
_PARTICLES = shared("particle")
_SURNAME_PREFIX = re.compile(
    r"(?:Mc|Mac|Fitz|De|Di|Da|Le|La|Van|Von|O['’]|D['’]|L['’]|M['’])(?=[^\Wa-z\d_])"
)
_CAMEL = re.compile(r"[^\W\d_]*[a-zß-ÿ]\d*[A-Z]|[A-Z]{2,}[a-z]|[a-z][A-Z]")
_CODE = re.compile(r"[A-Z]{1,3}-?\d+[A-Za-z]?\Z")
_ROMAN = re.compile(r"[IVXLCM]+(?:e|er|ème)?\Z")
_BODY = re.compile(r"(?:ics|tech|soft|works|labs|pharma|media)\Z")  # Acme Robotics
_AGED = re.compile(r", (?:aged )?\d{1,2}(?:,| ans,| años,| anni,)|, who (?!is based)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.){1,3}\Z|[^\W\d_]\Z|[A-Z]{2}\Z")  # "J.K.", "J", "JD"


class Mention(NamedTuple):
    """A place in the text that names something; ``key`` where the tables know the thing."""

    start: int
    end: int
    type: str
    strength: int
    key: str = ""


class Typist:
    """Types the names of one text."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self._text = text
        self._lexicon = lexicon
        self._lower = lower_case_words(text)
        self._open = lexicon.language in _CAPITAL_MARKS
        self._titles = lexicon.kind("title")
        self._splitter = Splitter(text, lexicon, compounds=not self._open)
        self._heads = tuple(
            (shared(kind) if kind == "suffix" else lexicon.kind(kind), kind, type_)
            for kind, type_ in _HEADS
        )
        self._alone = lexicon.kind("alone")
        self._generic = frozenset().union(*(words for words, _, _ in self._heads))

    def mentions(self, run: Run) -> Iterator[Mention]:
        """The names of a run, in order."""
        parts = self._splitter.parts(run)
        if run.heading:
            yield from self._in_heading(parts)
            return
        chunk: list[Part] = []
        titled, opens = False, run.opens
        for part in parts:
            if part.kind not in ("title", "skip"):
                chunk.append(part)
                continue
            if chunk:
                yield from self._chunk(chunk, titled, opens)
                chunk = []
            titled, opens = part.kind == "title", False
        if chunk:
            yield from self._chunk(chunk, titled, opens)

    def _in_heading(self, parts: list[Part]) -> Iterator[Mention]:
        """Where all words have capitals, a name is one that is listed or known from the text."""
        for part in parts:
            if part.thing is not None:
                yield _listed_mention(part)
            elif part.kind == "name":
                yield Mention(part.start, part.end, "", PENDING)

    # --- chunks: what stands between titles and words that are no names ------------------------

    def _chunk(self, parts: list[Part], titled: bool, opens: bool) -> Iterator[Mention]:
        if len(parts) == 1 and parts[0].thing is not None:
            yield _listed_mention(parts[0])
            return
        if len(parts) > _LONGEST_NAME:
            yield from self._in_heading(parts)
            return
        headed = None if titled and len(parts) < 3 else self._headed(parts)
        if headed is not None:
            if headed.type:
                yield headed
            return
        if len(parts) == 1 and parts[0].kind == "name":  # most are
            yield from self._unknown(parts, titled, opens)
            return
        piece: list[Part] = []
        for part in parts:
            if part.kind != "people":
                piece.append(part)
                continue
            if piece:
                yield from self._piece(piece, titled, opens)
                piece = []
            titled = opens = False
        if piece:
            yield from self._piece(piece, titled, opens)

    def _headed(self, parts: list[Part]) -> Mention | None:
        """The chunk as one name by a word that tells what it is; no type: it is none."""
        kind, type_ = self._head(parts)
        if not kind:
            return None
        if len(parts) == 1 or all(part.low in self._lower for part in parts):
            return Mention(0, 0, "", PENDING)  # "the Ministry": which one, the text says elsewhere
        if parts[0].word in FIRST_NAMES and kind not in ("org", "suffix"):
            return None  # Rose Hill, Virginia Woods
        if kind == "region" and parts[0].thing is not None and len(parts) == 2:
            return _listed_mention(parts[0])  # New York City
        return Mention(parts[0].start, parts[-1].end, type_, SURE)

    def _head(self, parts: list[Part]) -> tuple[str, str]:
        """Kind and type by the last word that tells, else the first, else one within."""
        for part in (parts[-1], *parts[:-1]):
            if part.kind != "name":
                continue
            for words, kind, type_ in self._heads:
                if part.low not in words:
                    continue
                last, first = part is parts[-1], part is parts[0]
                if last or kind == "org" or (first and kind != "suffix"):
                    return kind, type_
        return "", ""

    def _piece(self, parts: list[Part], titled: bool, opens: bool) -> Iterator[Mention]:
        """Listed names and unknown words, without a word that tells."""
        places = [at for at, part in enumerate(parts) if part.thing is not None]
        if not places:
            yield from self._unknown(parts, titled, opens)
            return
        if len(places) == len(parts):
            if len(parts) == 2 and parts[0].word in FIRST_NAMES:
                yield Mention(parts[0].start, parts[1].end, "PERSON", FAIR)
            else:
                yield from map(_listed_mention, parts)
            return
        if 1 < len(parts) < 5 and parts[0].word in FIRST_NAMES:  # Jack London, Jordan Peele
            yield Mention(parts[0].start, parts[-1].end, "PERSON", SURE)
            return
        first = places[0]
        rest = parts[first + 1 :] if first == 0 else parts[:first]
        named = rest[0].word in FIRST_NAMES or (titled and first > 0)
        known = all(part.low in self._lower for part in rest)
        if not named and not known and self._open and len(places) == 1 and len(parts) < 5:
            thing = parts[first].thing
            type_ = "LOC" if thing is not None and thing.type == "LOC" else "ORG"
            yield Mention(parts[0].start, parts[-1].end, type_, FAIR)  # China Eastern, Real Madrid
            return
        group: list[Part] = []
        for part in parts:
            if part.thing is None:
                group.append(part)
                continue
            if group:
                yield from self._unknown(group, titled, opens)
                group, titled, opens = [], False, False
            yield _listed_mention(part)
        if group:
            yield from self._unknown(group, titled and first > 0, opens and first > 0)

    # --- unknown words ------------------------------------------------------------------------

    def _unknown(self, parts: list[Part], titled: bool, opens: bool) -> Iterator[Mention]:
        first = parts[0]
        if len(parts) > 1 and opens and first.low in self._lower and first.word not in FIRST_NAMES:
            parts, opens = parts[1:], False
            first = parts[0]
        before = self._word_before(first.start)
        role = before in self._titles
        if (
            len(parts) < 5
            and first.low not in self._lower
            and _AGED.match(self._text, parts[-1].end)
        ):
            yield Mention(first.start, parts[-1].end, "PERSON", SURE)
        elif not self._open:
            yield from self._closed(parts, titled or role)
        elif len(parts) == 1:
            yield from self._single(first, titled, role, before, opens)
        else:
            yield self._several(parts, titled or role, before)

    def _several(self, parts: list[Part], titled: bool, before: str) -> Mention:
        first, count = parts[0], len(parts)
        start, end = first.start, parts[-1].end
        if all(part.word.isupper() for part in parts):  # a dateline: "LA CROSSE, Wis. (AP)"
            return Mention(
                start, end, "GPE" if self._text[end : end + 2] in (", ", " (") else "", WEAK
            )
        if first.word in FIRST_NAMES or _INITIALS.match(first.word):
            return Mention(start, parts[min(count, 4) - 1].end, "PERSON", SURE)
        if all(part.low in self._lower for part in parts):
            return Mention(start, end, "", PENDING)
        if titled and count < 5:
            return Mention(start, end, "PERSON", SURE)
        if any(_is_acronym(part.word) or _is_camel(part.word) for part in parts):
            return Mention(start, end, "ORG", FAIR)
        if before in _WHERE:
            return Mention(start, end, "GPE", WEAK)
        if (
            before in _ARTICLES
            or count > 3
            or parts[-1].low in self._lower
            or _BODY.search(parts[-1].low)
        ):
            return Mention(start, end, "ORG", WEAK)
        return Mention(
            start, end, "PERSON" if self._lexicon.language in _PERSON_FIRST else "ORG", WEAK
        )

    def _single(
        self, part: Part, titled: bool, role: bool, before: str, opens: bool
    ) -> Iterator[Mention]:
        word, low = part.word, part.low
        span = part.start, part.end
        if len(word) < 2 or low in self._generic or low in self._alone or _CODE.match(word):
            return
        if _ROMAN.match(word) or (word.isupper() and len(word) > _LONGEST_ACRONYM):
            return
        if titled and (low not in self._lower or word in FIRST_NAMES):
            yield Mention(*span, "PERSON", SURE)
        elif (_is_acronym(word) and not (low in self._lower and len(low) > 3)) or _is_camel(word):
            yield Mention(*span, "ORG", FAIR)
        elif low in self._lower or opens:
            yield Mention(*span, "", PENDING)
        elif role and before not in self._lexicon.kind("either"):
            yield Mention(*span, "PERSON", FAIR)
        elif word in FIRST_NAMES:
            yield Mention(*span, "PERSON", WEAK)
        elif before in self._lexicon.kind("place"):  # mer Noire, río Ebro
            yield Mention(part.start - len(before) - 1, part.end, "LOC", FAIR)
        elif before in _WHERE:
            yield Mention(*span, "GPE", WEAK)
        else:
            yield Mention(*span, "ORG", WEAK)

    def _closed(self, parts: list[Part], titled: bool) -> Iterator[Mention]:
        """Where common nouns have capitals: first names, titles, shapes only."""
        at = 0
        while at < len(parts):
            part = parts[at]
            named = part.word in FIRST_NAMES and at + 1 < len(parts)
            if named or (titled and at == 0 and not _is_acronym(part.word)):
                last = min(at + 1, len(parts) - 1)
                while last + 1 < len(parts) and (
                    (_INITIALS.match(parts[last].word) and len(parts[last].word) < 3)
                    or parts[last].word in FIRST_NAMES
                    or parts[last].low in _PARTICLES
                ):
                    last += 1
                yield Mention(part.start, parts[last].end, "PERSON", SURE if named else FAIR)
                at = last + 1
                continue
            if _is_acronym(part.word) or _is_camel(part.word):
                if not _CODE.match(part.word):
                    yield Mention(part.start, part.end, "ORG", FAIR)
            elif len(part.word) > 1:
                yield Mention(part.start, part.end, "", PENDING)
            at += 1

    def _word_before(self, start: int) -> str:
        """The word that stands right before, in lower case, "" where none does."""
        if start == 0 or self._text[start - 1] not in " \u00a0":
            return ""
        space = self._text.rfind(" ", max(0, start - 26), start - 1)
        return self._text[space + 1 : start - 1].lower() if space >= 0 else ""


def _listed_mention(part: Part) -> Mention:
    thing = part.thing
    if thing is None:
        return Mention(part.start, part.end, "", PENDING)
    return Mention(part.start, part.end, thing.type, LISTED, thing.key)


def _is_acronym(word: str) -> bool:
    bare = word.replace(".", "")
    return (
        2 <= len(bare) <= _LONGEST_ACRONYM
        and bare.isupper()
        and bare[0].isalpha()
        and not _ROMAN.match(bare)
    )


def _is_camel(word: str) -> bool:
    return _CAMEL.match(word) is not None and _SURNAME_PREFIX.match(word) is None
