"""Captions and credits as text: what is a caption, what is a credit, and where one ends."""

from __future__ import annotations

import functools
import re

from newsmill.extractor.core.labels import (
    CREDIT_AT_END,
    CREDIT_CUES,
    CREDIT_IN_BRACKETS,
    CREDIT_LABEL,
    CREDIT_LABEL_LOWER,
    PHOTO_IN_BRACKETS,
    SOURCE_IN_BRACKETS,
    lowered,
)

MAX_CREDIT_LINE = 120  # characters of a line that is a credit, with its label
MAX_CREDIT = 80  # without it
MAX_CAPTION_LINE = 400  # of a line that is a caption by the credit at its end

_UNSPOKEN_ASCII = bytes(code for code in range(128) if not chr(code).isalnum())
_UNSPOKEN = re.compile(r"[\W_]+")
_SIGNS = (
    "’‘“”–—…«»"  # most of what is not spoken; to find out about the rest takes ten times as long
)
_CLOSING = (")", "]", "）", "】")
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’»)]?\s*$")
_SENTENCE = re.compile(r"[a-z]{3,}[.!?](?:\s|\Z)")
_FIRM_CREDIT = re.compile(r"[:：/／©]|\(c\)|\b(?:by|courtesy\s+of)\s", re.I)


@functools.lru_cache(maxsize=2_048)
def fold(text: str) -> str:
    """Text as two of the same are recognised: case, spacing and punctuation aside.

    Kept, as several steps ask it of the same lines.
    """
    folded = text.casefold().encode("utf-8", "replace").translate(None, _UNSPOKEN_ASCII).decode()
    if folded.isascii():
        return folded
    for sign in _SIGNS:
        folded = folded.replace(sign, "")
    return folded if folded.isalnum() else _UNSPOKEN.sub("", folded)


_STUCK = re.compile(
    r"(?<=[^\W\d_A-Z.!?»”\"])(?=(?:Photo|Foto|Bild|Image|Crédit|Credit|Source|Quelle|Fuente|Fonte)s?"
    r"\s*(?:©|[:：]))|(?<=[.!?»”\"])(?=(?:Photo|Foto|Bild|Image|Credit|Source|Quelle)s?\s*(?:©|[:：]))"
)  # a layout parts what the text does not


def split_credit(caption: str) -> tuple[str | None, str | None]:
    """A caption and its credit, without brackets and label; None for what is not there."""
    text, patterns = caption, []
    if ":" in text or "：" in text or "©" in text:
        text = _STUCK.sub(" ", text)
    text = " ".join(text.split())
    if _ends_in_bracket(text):
        patterns.append(CREDIT_IN_BRACKETS)
    lower = text.lower()
    if any(cue in lower for cue in CREDIT_CUES):
        patterns.append(CREDIT_AT_END)
    for pattern in patterns:
        found = pattern.search(text)
        if found:
            rest = text[: found.start()].strip(" |/–—-").strip()
            return rest or None, unlabelled(found[1])
    return text or None, None


def unlabelled(credit: str) -> str | None:
    """A credit without "Photo:", "Source:", "©"."""
    text = credit.strip(" ()[]（）【】|").strip()
    for _ in range(3):
        shorter = CREDIT_LABEL.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return text.strip(" .:|/").strip() or None


def reads_like_caption(line: str) -> bool:
    """Whether a line of text says by its credit that it is a caption: "… (Photo: somebody)"."""
    if len(line) > MAX_CAPTION_LINE or not _ends_in_bracket(line):
        return False
    if PHOTO_IN_BRACKETS.search(line):
        return True
    found = SOURCE_IN_BRACKETS.search(line)
    return found is not None and not _SENTENCE_END.search(line[: found.start()])


def _ends_in_bracket(line: str) -> bool:
    return line.rstrip().removesuffix(".").rstrip()[-1:] in _CLOSING


def is_credit(line: str) -> bool:
    """Whether a line is nothing but a picture's credit: "Photo: somebody"."""
    if len(line) > MAX_CREDIT_LINE:
        return False
    found = CREDIT_LABEL_LOWER.match(lowered(line))
    if found is None or len(line) - found.end() > MAX_CREDIT:
        return False
    return not _SENTENCE.search(line[found.end() :]) and _FIRM_CREDIT.search(found[0]) is not None


def parted(captions: list[str], credits_: list[str]) -> tuple[str | None, str | None]:
    """One caption and one credit of those that a figure states, each said once."""
    caption: str | None = None
    credit = next((c for raw in credits_ if (c := unlabelled(raw))), None)
    for raw in captions:
        words_, stated = split_credit(raw)
        credit = credit or stated
        if words_ and caption is None:
            if is_credit(words_):
                credit = credit or unlabelled(words_)
            else:
                caption = words_
    return caption, credit
