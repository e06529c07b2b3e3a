"""Types the names in a run of capitalised words: what each is, and how sure the rules are of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from newsmill.enricher.core.gazetteer import FIRST_NAMES, Lexicon, Named
from newsmill.enricher.core.scan import Run, lower_case_words

PENDING, WEAK, FAIR, SURE, LISTED = range(5)  # how sure; a pending one counts as another's alias only

# languages where a capital inside a sentence marks a name; elsewhere (German) it takes evidence
_CAPITAL_MARKS = frozenset({"en", "fr", "es", "it", "pt", "nl"})
# languages whose news names people oftener than bodies by two capitals (Romance ones write "Banca centrale")
_PERSON_FIRST = frozenset({"en", "nl"})
_HEADS = (("org", "ORG"), ("suffix", "ORG"), ("event", "EVENT"), ("place", "LOC"), ("region", "GPE"))
_WHERE = frozenset("in near à en nei".split())  # what stands behind them is a place more often than not
_LONGEST_ACRONYM = 7  # letters: UNICEF, FRONTEX; more is a word in capitals
_ARTICLES = frozenset(
    "the a an this that these our their its der die das dem den des ein eine le la les l un une du des "
    "el los las il lo gli i una uno al del o os as de het".split()
)
_PARTICLES = frozenset("le la el los las al ben bin abu von van de der den di da del du dos ter ten".split())
_SURNAME_PREFIX = re.compile(r"(?:Mc|Mac|Fitz|De|Di|Da|Le|La|Van|Von|O['’]|D['’]|L['’]|M['’])(?=[^\Wa-z\d_])")
_CAMEL = re.compile(r"[^\W\d_]*[a-zß-ÿ]\d*[A-Z]|[A-Z]{2,}[a-z]|[a-z][A-Z]")
_CODE = re.compile(r"[A-Z]-?\d+[A-Za-z]?\Z")
_ROMAN = re.compile(r"[IVXLCM]+(?:e|er|ème)?\Z")
_AGED = re.compile(r", (?:aged )?\d{1,2}(?:,| ans,| años,| anni,)|, who (?!is based)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?){1,3}\Z")


class Mention(NamedTuple):
    """A place in the text that names something; ``key`` where the tables know the thing."""

    start: int
    end: int
    type: str
    strength: int
    key: str = ""


class _Part(NamedTuple):
    """A word or phrase of a run: ``kind`` is name, listed, title, people (demonym, group) or skip."""

    kind: str
    start: int
    end: int
    word: str
    low: str
    thing: Named | None = None


class Typist:
    """Types the names of one text."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self._text = text
        self._lexicon = lexicon
        self._lower = lower_case_words(text)
        self._open = lexicon.language in _CAPITAL_MARKS
        self._titles = lexicon.kind("title")
        self._people = lexicon.kind("demonym") | lexicon.kind("group")
        self._calendar = lexicon.kind("calendar")
        self._heads = tuple((lexicon.kind(kind), kind, type_) for kind, type_ in _HEADS)
        self._alone = lexicon.kind("alone")
        self._covered = 0  # what lies before is part of a listed name already
        self._generic = frozenset().union(*(words for words, _, _ in self._heads))

    def mentions(self, run: Run) -> Iterator[Mention]:
        """The names of a run, in order."""
        chunk: list[_Part] = []
        titled = False
        opens = run.opens
        for part in self._retitled(list(self._parts(run))):
            if part.kind in ("title", "skip"):
                if chunk:
                    yield from self._chunk(chunk, titled, opens, run.heading)
                    chunk, opens = [], False
                titled = part.kind == "title"
                opens = opens and part.kind == "skip" and part.start == run.words[0][0]
            else:
                chunk.append(part)
        if chunk:
            yield from self._chunk(chunk, titled, opens, run.heading)

    # --- words of a run -------------------------------------------------------------------------

    def _parts(self, run: Run) -> Iterator[_Part]:
        words = run.words
        at = 0
        while at < len(words):
            start, end = words[at]
            if start < self._covered:
                at += 1
                continue
            word = self._text[start:end]
            part, after = self._listed(words, at, word) or self._phrase(words, at, word)
            if part is not None:
                yield part
                at = after
                continue
            at += 1
            yield from self._compound(start, end, word)

    def _listed(
        self, words: tuple[tuple[int, int], ...], at: int, word: str
    ) -> tuple[_Part, int] | None:
        """The longest name of the tables that stands here, and the index of the word after it."""
        start = words[at][0]
        for name in self._lexicon.starts.get(word, ()):
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
            thing = self._lexicon.names[name]
            return _Part("listed", start, end, word, word.lower(), thing), after
        return None

    def _phrase(
        self, words: tuple[tuple[int, int], ...], at: int, word: str
    ) -> tuple[_Part | None, int]:
        """A title, a people or a word that is no name, with the index of the word after it."""
        start, end = words[at]
        low = word.lower().replace("’", "'")
        if low in self._lexicon.titles:
            for last in range(min(at + 3, len(words) - 1), at - 1, -1):
                phrase = self._text[start : words[last][1]].lower()
                if phrase in self._titles or (last == at and low + "." in self._titles):
                    return _Part("title", start, words[last][1], word, low), last + 1
        following = ""
        if at + 1 < len(words):
            both = self._text[start : words[at + 1][1]].lower()
            if both in self._people:
                return _Part("people", start, words[at + 1][1], word, low), at + 2
            if both in self._lexicon.skipped:
                return _Part("skip", start, words[at + 1][1], word, low), at + 2
            following = self._text[words[at + 1][0] : words[at + 1][1]].lower()
        if low in self._people or low in self._calendar:
            named = word in FIRST_NAMES and following and not self._is_common(following)
            if not named:
                kind = "people" if low in self._people else "skip"
                return _Part(kind, start, end, word, low), at + 1
        elif low in self._lexicon.skipped and not (low in _PARTICLES and following and at):
            return _Part("skip", start, end, word, low), at + 1
        elif any(low.endswith(suffix) for suffix in self._lexicon.title_suffixes) and len(low) > 5:
            return self._suffixed_title(start, end, word, low), at + 1
        return None, at

    def _suffixed_title(self, start: int, end: int, word: str, low: str) -> _Part | None:
        """"Bundeskanzler", as German makes titles; one of a compound ("EU-Chef") is left to it."""
        return None if "-" in word else _Part("title", start, end, word, low)

    def _is_common(self, low: str) -> bool:
        return (
            low in self._people
            or low in self._calendar
            or low in self._lexicon.skipped
            or low in self._generic
        )

    def _compound(self, start: int, end: int, word: str) -> Iterator[_Part]:
        """A word that is no listed one; of "US-Präsident" the place and the title are two parts."""
        head, dash, tail = word.partition("-")
        if dash and word not in FIRST_NAMES and head not in FIRST_NAMES and tail:
            middle = start + len(head)
            low_tail = tail.lower()
            is_title = low_tail in self._titles or low_tail.endswith(self._lexicon.title_suffixes or ("\0",))
            thing = self._lexicon.names.get(head)
            if is_title or (thing is not None and not self._open):
                if thing is not None:
                    yield _Part("listed", start, middle, head, head.lower(), thing)
                elif len(head) > 1:
                    yield _Part("name", start, middle, head, head.lower())
                kind = "title" if is_title else "skip"
                yield _Part(kind, middle + 1, end, tail, low_tail)
                return
        yield _Part("name", start, end, word, word.lower())

    def _retitled(self, parts: list[_Part]) -> list[_Part]:
        """Titles that are part of an organisation's name ("Justice Department") as plain words."""
        for at, part in enumerate(parts):
            if part.kind != "title":
                continue
            for later in parts[at + 1 :]:
                if later.kind not in ("name", "title"):
                    break
                if later.low in self._lexicon.kind("org"):
                    parts[at] = part._replace(kind="name")
                    break
        return parts

    # --- chunks: what stands between titles and words that are no names ------------------------

    def _chunk(
        self, parts: list[_Part], titled: bool, opens: bool, heading: bool
    ) -> Iterator[Mention]:
        if heading:
            for part in parts:
                if part.thing is not None:
                    yield _listed_mention(part)
                elif part.kind == "name":
                    yield Mention(part.start, part.end, "", PENDING)
            return
        if len(parts) == 1 and parts[0].thing is not None:
            yield _listed_mention(parts[0])
            return
        headed = None if titled and len(parts) < 3 else self._headed(parts)
        if headed is not None:
            if headed.type:
                yield headed
            return
        piece: list[_Part] = []
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

    def _headed(self, parts: list[_Part]) -> Mention | None:
        """The chunk as one name by a word that tells what it is; without a type where it is no name."""
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

    def _head(self, parts: list[_Part]) -> tuple[str, str]:
        """Kind and type by the last word that tells, else the first, else one within."""
        for part in (parts[-1], *parts[:-1]):
            if part.kind != "name":
                continue
            for words, kind, type_ in self._heads:
                outer = part is parts[-1] or part is parts[0]
                if part.low in words and (outer or type_ == "ORG"):
                    return kind, type_
        return "", ""

    def _piece(self, parts: list[_Part], titled: bool, opens: bool) -> Iterator[Mention]:
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
        group: list[_Part] = []
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

    def _unknown(self, parts: list[_Part], titled: bool, opens: bool) -> Iterator[Mention]:
        first = parts[0]
        if len(parts) > 1 and opens and first.low in self._lower and first.word not in FIRST_NAMES:
            parts, opens = parts[1:], False
            first = parts[0]
        before = self._word_before(first.start)
        role = before in self._titles
        if _AGED.match(self._text, parts[-1].end) and len(parts) < 5 and not opens:
            yield Mention(first.start, parts[-1].end, "PERSON", SURE)
        elif not self._open:
            yield from self._closed(parts, titled or role)
        elif len(parts) == 1:
            yield from self._single(first, titled, role, before, opens)
        else:
            yield self._several(parts, titled or role, before)

    def _several(self, parts: list[_Part], titled: bool, before: str) -> Mention:
        first, count = parts[0], len(parts)
        start, end = first.start, parts[-1].end
        if first.word in FIRST_NAMES or _INITIALS.match(first.word) and len(first.word.strip(".")) < 4:
            return Mention(start, parts[min(count, 4) - 1].end, "PERSON", SURE)
        if all(part.low in self._lower for part in parts):
            return Mention(start, end, "", PENDING)
        if titled and count < 5:
            return Mention(start, end, "PERSON", SURE)
        if all(part.word.isupper() for part in parts):  # a dateline: "LA CROSSE, Wis. (AP)"
            return Mention(start, end, "GPE" if self._text[end : end + 2] in (", ", " (") else "", WEAK)
        if any(_is_acronym(part.word) or _is_camel(part.word) for part in parts):
            return Mention(start, end, "ORG", FAIR)
        if before in _WHERE:
            return Mention(start, end, "GPE", WEAK)
        if before in _ARTICLES or count > 3:
            return Mention(start, end, "ORG", WEAK)
        return Mention(start, end, "PERSON" if self._lexicon.language in _PERSON_FIRST else "ORG", WEAK)

    def _single(
        self, part: _Part, titled: bool, role: bool, before: str, opens: bool
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

    def _closed(self, parts: list[_Part], titled: bool) -> Iterator[Mention]:
        """Where common nouns have capitals, or no lists tell them: first names, titles, shapes only."""
        at = 0
        while at < len(parts):
            part = parts[at]
            named = part.word in FIRST_NAMES and at + 1 < len(parts)
            if named or (titled and at == 0 and not _is_acronym(part.word)):
                last = min(at + 1, len(parts) - 1)
                while last + 1 < len(parts) and (
                    _INITIALS.match(parts[last].word) and len(parts[last].word) < 3
                    or parts[last].word in FIRST_NAMES
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


def _listed_mention(part: _Part) -> Mention:
    thing = part.thing
    if thing is None:
        return Mention(part.start, part.end, "", PENDING)
    return Mention(part.start, part.end, thing.type, LISTED, thing.key)


def _is_acronym(word: str) -> bool:
    bare = word.replace(".", "")
    return 2 <= len(bare) <= _LONGEST_ACRONYM and bare.isupper() and bare[0].isalpha() and not _ROMAN.match(bare)


def _is_camel(word: str) -> bool:
    return _CAMEL.match(word) is not None and _SURNAME_PREFIX.match(word) is None
