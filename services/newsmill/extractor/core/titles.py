"""The title of an article, chosen by evidence: who says it, who agrees, what was cut from what.

No order of sources wins everywhere: some sites write the headline for search engines into JSON-LD
and ``title``, others into ``og:title``. Each form that any source gives is a candidate, described
by what the other sources say beside it; a small learned model ranks them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from newsmill.extractor.core import sites, title_model

MAX_TITLE = 400
MAX_CANDIDATES = 24
MAX_SAID = 16  # titles of all sources that are looked at

SOURCES = ("og:title", "twitter", "json-ld", "json-ld name", "alternative", "h1", "h1 other",
           "title", "meta", "entry")  # fmt: skip
NAMES = {"twitter": "twitter:title", "json-ld name": "json-ld", "alternative": "json-ld",
         "h1 other": "h1"}  # fmt: skip

_ENTITY_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_CUT = re.compile(r"(?:\.\.\.|…)\Z")
_WORD = re.compile(r"\w+")
_COLON = re.compile(r"\s*[:：]\s+|\s[-–—]\s")
_QUOTES = str.maketrans("‘’‚“”„«»‐‑‒–—―", '\'\'\'"""""------', "\u00ad\u200b\ufeff")


@dataclass(slots=True)
class Said:
    """What one source says the title is."""

    source: str
    text: str
    name: str = ""  # the class of the element that shows it


@dataclass(slots=True)
class Candidate:
    """One form of the title, and how each source bears it: 3 as it is, 2 less the site, 1 cut."""

    text: str
    key: str
    borne: dict[str, int] = field(default_factory=dict)
    name: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of the page that a title is chosen for."""

    site: str | None
    host: str
    url: str
    kind: float = 0.0  # 2 where JSON-LD says a news article, 1 any other, 0 none
    is_dated: bool = False  # bears the publication time in the fields of a news page
    is_english: bool = False


@dataclass(frozen=True, slots=True)
class Title:
    """The chosen title, the source that bears it, and every other form of it."""

    text: str
    source: str
    forms: tuple[str, ...]


def plain(raw: str | None) -> str | None:
    """Text of a field on one line, without entities that were escaped twice or stray tags."""
    if not raw:
        return None
    text = html.unescape(raw) if "&" in raw else raw
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _ENTITY_TAG.sub("", text)
    return " ".join(text.split()) or None


def key(text: str) -> str:
    """The text without case and kinds of quotes and dashes: two of one key are one title."""
    return " ".join(text.translate(_QUOTES).casefold().split())


def choose(said: Sequence[Said], setting: Setting) -> Title | None:
    """The best title among what the sources say, or None where none says any."""
    found = candidates(said, setting)
    if not found:
        return None
    scores = [title_model.score(row) for row in features(found, said, setting)]
    best = max(range(len(found)), key=lambda index: (scores[index], -index))
    winner = _whole(found[best], found)
    source = max(winner.borne, key=lambda name: (winner.borne[name], -SOURCES.index(name)))
    whole = [c.text for c in found if max(c.borne.values()) > 1]
    forms = tuple(dict.fromkeys((winner.text, *whole)))
    return Title(winner.text[:MAX_TITLE], NAMES.get(source, source), forms)


def _whole(winner: Candidate, found: list[Candidate]) -> Candidate:
    """The form that a cut one was cut from, where another source has it; else itself."""
    if not _CUT.search(winner.text):
        return winner
    stem = key(_CUT.sub("", winner.text).rstrip())
    longer = [each for each in found if each.key.startswith(stem) and len(each.key) > len(stem) + 1]
    return next((each for each in longer if not _CUT.search(each.text)), winner)


def candidates(said: Sequence[Said], setting: Setting) -> list[Candidate]:
    """Every form of a title that a source gives: as it is, without the site's name, cut at a bar.

    A form that is the site's name is kept only where there is no other.
    """
    found: dict[str, Candidate] = {}
    for item in said[:MAX_SAID]:
        for text, weight in _forms(item.text, setting.site, setting.host):
            folded = key(text)
            candidate = found.get(folded)
            if candidate is None:
                if len(found) >= MAX_CANDIDATES or not folded:
                    continue
                candidate = found[folded] = Candidate(text, folded, order=len(found))
            candidate.borne[item.source] = max(weight, candidate.borne.get(item.source, 0))
            candidate.name = candidate.name or item.name
    own = [c for c in found.values() if not sites.is_site(c.text, setting.site, setting.host)]
    return own or list(found.values())


def _forms(text: str, site: str | None, host: str) -> list[tuple[str, int]]:
    text = text[: MAX_TITLE * 2]
    bare = sites.without_site(text, site, host)
    forms = [(text, 3)] if bare == text else [(bare, 2)]
    pieces = sites.parts(bare)
    if len(pieces) > 1:
        breaks = [m for m in sites.SEPARATOR.finditer(bare) if m.start() > 0]
        if breaks:
            forms.append((bare[: breaks[-1].start()].strip(), 1))
            forms.append((bare[: breaks[0].start()].strip(), 1))
            forms.append((bare[breaks[0].end() :].strip(), 1))
    colon = _COLON.search(bare)
    if colon and colon.start() <= 60:
        forms.append((bare[colon.end() :].strip(), 1))
    return [(form, weight) for form, weight in forms if form]


def features(
    found: Sequence[Candidate], said: Sequence[Said], setting: Setting
) -> list[list[float]]:
    """One row of numbers a candidate; the order of the columns is the model's."""
    present = {item.source for item in said}
    slug = _slug(setting.url)
    votes = [_votes(candidate) for candidate in found]
    words = [set(_WORD.findall(candidate.key)) for candidate in found]
    page = [setting.kind, float(setting.is_dated), float(setting.is_english), float(len(found))]
    rows = []
    for index, candidate in enumerate(found):
        mine = words[index]
        rivals = [other for other in range(len(found)) if other != index]
        strongest = max(rivals, key=lambda other: votes[other], default=-1)
        rival = found[strongest].borne if rivals else {}
        rows.append(
            [float(candidate.borne.get(s, 0) if s in present else -1) for s in SOURCES]
            + [float(rival.get(s, 0)) for s in ("og:title", "json-ld", "h1", "title")]
            + [
                float(votes[index]),
                float(votes[strongest] if rivals else 0),
                float(len(found[strongest].text) - len(candidate.text) if rivals else 0),
                _most(votes, (o for o in rivals if candidate.key in found[o].key)),
                _most(votes, (o for o in rivals if found[o].key in candidate.key)),
                max(
                    (len(mine & words[o]) / max(1, len(mine | words[o])) for o in rivals),
                    default=-1.0,
                ),
                len(mine & slug) / len(mine) if mine and slug else -1.0,
                len(mine & slug) / len(slug) if slug else -1.0,
            ]
            + _shape(candidate, setting)
            + page
        )
    return rows


def _most(votes: Sequence[int], indices: Iterable[int]) -> float:
    return float(max((votes[index] for index in indices), default=0))


def _shape(candidate: Candidate, setting: Setting) -> list[float]:
    text = candidate.text
    return [
        float(len(text)),
        float(len(text.split())),
        float(_CUT.search(text) is not None),
        float(sites.is_site(text, setting.site, setting.host)),
        float(len(sites.parts(text))),
        float(":" in text),
        _title_class(candidate.name),
        float(max(candidate.borne.values())),
        float(candidate.order),
    ]


def _votes(candidate: Candidate) -> int:
    return sum(1 for weight in candidate.borne.values() if weight > 1)


def _title_class(name: str) -> float:
    lower = name.lower()
    if "logo" in lower or "brand" in lower or "site" in lower or "seo" in lower:
        return -1.0
    return 1.0 if "title" in lower or "headline" in lower else 0.0


def _slug(url: str) -> set[str]:
    """The words of the longest part of a URL's path; empty where it is no phrase."""
    path = unquote(urlsplit(url).path.rpartition(".html")[0] or urlsplit(url).path)
    longest = max(path.split("/"), key=len, default="")
    words = set(_WORD.findall(longest.replace("_", " ").casefold()))
    return words if len(words) >= 3 else set()


def spoken(pairs: Iterable[tuple[str, str | None]]) -> list[Said]:
    """What sources say, cleaned; empty ones are left out."""
    return [Said(source, text) for source, raw in pairs if (text := plain(raw))]
