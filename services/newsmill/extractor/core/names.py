"""What the class and id of an element say, as bits, by the words in them: one look for all of it.

Nearly every class differs from all seen before, so it is the first sight that has to be cheap.
"""

from __future__ import annotations

import re

from newsmill.extractor.core.boxkinds import ASIDE_PARTS, KIND_OF_WORD, is_aside
from newsmill.extractor.core.kinds import TELLING_PARTS, TELLING_WITHIN

KINDS = (1 << 16) - 1  # the bits of ``boxkinds``
TELLS = 1 << 16  # may say who or when: ``kinds`` knows
ASIDE = 1 << 17  # calls a box something beside the article
POST = 1 << 18  # may be a post of a platform: ``embeds`` knows
MAX_KNOWN = 8_192  # names; more do not fit the processor's cache

_CASED = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LETTERS = bytes(code if 97 <= code < 123 else 32 for code in range(256))
_PLATFORMS = (
    *("twitter", "instagram", "tiktok", "fb", "bluesky", "reddit", "threads", "text"),
    *("telegram", "mastodon"),
)
_SAID = {
    word.encode(): KIND_OF_WORD.get(word, 0)
    | (TELLS if word in TELLING_PARTS else 0)
    | (ASIDE if word in ASIDE_PARTS else 0)
    | (POST if word in _PLATFORMS else 0)
    for word in (*KIND_OF_WORD, *TELLING_PARTS, *ASIDE_PARTS, *_PLATFORMS)
}
_KNOWN = frozenset(_SAID)


class _Names(dict[str, int]):
    """The bits of a name."""

    def __missing__(self, name: str) -> int:
        if len(self) >= MAX_KNOWN:
            self.clear()
        bits = self[name] = _made_out(name)
        return bits


def _made_out(name: str) -> int:
    lower = name.lower()
    bits = 0
    for word in _KNOWN.intersection(lower.encode("utf-8", "replace").translate(_LETTERS).split()):
        bits |= _SAID[word]
    if lower != name:  # "articleBody" is of two words
        bits &= ~KINDS
        for part in _CASED.findall(name):
            bits |= KIND_OF_WORD.get(part.lower(), 0)
    if not bits & TELLS and TELLING_WITHIN.search(lower):
        bits |= TELLS
    if bits & ASIDE and not is_aside(lower):
        bits ^= ASIDE
    return bits


_NAMES = _Names()


def said_by(name: str) -> int:
    """The bits of a class and id as written: KINDS, TELLS, ASIDE and POST."""
    return _NAMES[name]
