"""Names the language of an article: what its text says, what the page declares as a prior."""

from __future__ import annotations

import re

import pycld2

from newsmill.enricher.core.gazetteer import shared

NAME = "language"
VERSION = "1"
BUDGET = 1000  # characters: the detector is as right on 300 as on whole articles
UNKNOWN = "und"

_FEW = 20  # letters: below this a guess is noise
_SURE = 80  # letters: from here the text alone decides
_WITH_TITLE = 400  # letters: the headline helps a text shorter than this
_COUNTED = 600  # characters in which letters are counted

# pycld2 raises on control characters, surrogates and noncharacters, which it takes for broken UTF-8
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
_ADDRESS = re.compile(r"https?://\S{1,500}|@\w{1,100}")
_LETTER = re.compile(r"[^\W\d_]")
_SYLLABLE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7a3]")
_CODE = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")

_CODES = shared("code")
# withdrawn codes, codes of three letters, and the two written Norwegians, by their ISO 639-1 code
_SAME = {
    "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "sh": "sr", "nb": "no", "nn": "no",
    "fil": "tl", "cmn": "zh", "yue": "zh", "ara": "ar", "ces": "cs", "cze": "cs", "dan": "da",
    "deu": "de", "ger": "de", "ell": "el", "gre": "el", "eng": "en", "spa": "es", "est": "et",
    "fas": "fa", "per": "fa", "fin": "fi", "fra": "fr", "fre": "fr", "heb": "he", "hin": "hi",
    "hrv": "hr", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko", "lit": "lt",
    "lav": "lv", "msa": "ms", "nld": "nl", "dut": "nl", "nor": "no", "nob": "no", "nno": "no",
    "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slv": "sl",
    "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi",
    "zho": "zh", "chi": "zh",
}  # fmt: skip
# languages so alike that the detector mixes them up: the page's own word counts between these
_ALIKE = (
    frozenset({"da", "no", "sv"}),
    frozenset({"hr", "sr", "bs", "sl"}),
    frozenset({"id", "ms"}),
    frozenset({"cs", "sk"}),
    frozenset({"es", "gl", "ca", "pt"}),
    frozenset({"ru", "uk", "be", "bg", "mk"}),
    frozenset({"xh", "zu", "ss", "nr"}),
    frozenset({"hi", "mr", "ne"}),
    frozenset({"nl", "af"}),
    frozenset({"de", "lb"}),
)


def language_of(text: str, title: str | None, declared_language: str | None) -> tuple[str]:
    """The ISO 639-1 code, or "und" where nothing is recognised and nothing declared."""
    declared = code_of(declared_language)
    sample = _clean(text)
    letters = _letters(sample)
    if letters < _WITH_TITLE and title:
        heading = _clean(title[:500])
        sample = f"{heading}\n{sample}"
        letters += _letters(heading)
    if letters < _FEW:
        return (declared or UNKNOWN,)
    found, reliable = _detect(sample)
    if found is None:
        return (declared or UNKNOWN,)
    if declared is None or declared == found:
        return (found,)
    if any(declared in group and found in group for group in _ALIKE):
        return (declared,)
    return (found if reliable and letters >= _SURE else declared,)


def code_of(declared: str | None) -> str | None:
    """The ISO 639-1 code of a declared tag ("en-US", "deu", "iw"), or None where it names none."""
    match = _CODE.match(declared or "")
    if match is None:
        return None
    code = match.group(1).lower()
    code = _SAME.get(code, code)
    return code if code in _CODES else None


def _letters(sample: str) -> int:
    """How many letters the sample starts with; Chinese, Japanese and Korean ones count twice."""
    start = sample[:_COUNTED]
    return len(_LETTER.findall(start)) + len(_SYLLABLE.findall(start))


def _clean(text: str) -> str:
    return _ADDRESS.sub(" ", _UNWANTED.sub(" ", text))


def _detect(sample: str) -> tuple[str | None, bool]:
    """The language found and whether the detector is sure; None for a language without a code."""
    try:
        reliable, _, found = pycld2.detect(sample.encode(), isPlainText=True, bestEffort=True)
    except pycld2.error:
        return None, False
    tag, share = found[0][1], found[0][2]
    code = code_of(None if tag == "un" else tag)
    return code, bool(reliable) and share >= 50
