"""Faults within an article's lines, for every tier and for plain text.

Repeats, "see also" lines, captions read as prose, furniture: lines in, lines out, and what
was found in them beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from newsmill.errors import BadRecord
from newsmill.extractor.core import byline, dates
from newsmill.extractor.core.blocks import Line
from newsmill.extractor.core.credit import fold, is_credit, reads_like_caption, split_credit
from newsmill.extractor.core.labels import (
    BOILERPLATE,
    FURNITURE_WITHIN,
    MAX_BOILERPLATE,
    SEE_ALSO_FIRM,
    WITHIN_CUES,
    lowered,
)
from newsmill.records import Image, Related

MIN_REPEAT = 24  # letters; a shorter line ("No.", a subheading) may stand more often
MAX_SHORT = 20  # times that a shorter line stands; the rest is furniture
MAX_LINES = 30_000  # of an article; more would not fit its record
MAX_RELATED = 300

_ASCII_CUES = tuple(cue for cue in WITHIN_CUES if cue.isascii())


@dataclass(slots=True)
class Cleaned:
    """The lines of prose, and what stood between them."""

    lines: list[Line] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)


def clean(
    lines: list[Line], titles: tuple[str, ...], images: list[Image], taken: list[Related]
) -> Cleaned:
    """Each paragraph once, without title, captions, credits, "see also" lines and furniture.

    Raises BadRecord (``too_large``) past MAX_LINES.
    """
    result = Cleaned()
    captions = _captions(images)
    heads = {fold(title) for title in titles if title}
    related = {fold(link.title) for link in taken if link.title}
    seen: dict[str, int] = {}
    opening = True
    for line in lines:
        if line.kind == "table":
            result.lines.append(line)
            continue
        key = fold(line.text)
        if not key or (opening and (key in heads or _is_signature(line, heads))):
            continue
        if _taken(line, key, seen, captions, related, result):
            continue
        opening = opening and line.kind == "heading"
        seen[key] = seen.get(key, 0) + 1
        result.lines.append(line)
    if len(result.lines) > MAX_LINES:
        raise BadRecord("too_large", f"{len(result.lines)} lines; at most {MAX_LINES}")
    _trim(result)
    return result


def _is_signature(line: Line, heads: set[str]) -> bool:
    """Whether a line before the text says who or when, as the metadata do."""
    if line.kind == "heading":
        return False
    if byline.is_byline(line.text):
        return all(fold(name) in heads for name in byline.names(line.text))
    return dates.is_dateline(line.text)


def _captions(images: list[Image]) -> set[str]:
    """Captions as a line may repeat them: alone, or with their credit."""
    known: set[str] = set()
    for image in images:
        if image.caption:
            known.add(fold(image.caption))
            if image.credit:
                known.add(fold(image.caption + image.credit))
        if image.credit and len(image.credit) > 3:
            known.add(fold(image.credit))
    return known


def _taken(
    line: Line,
    key: str,
    seen: dict[str, int],
    captions: set[str],
    related: set[str],
    result: Cleaned,
) -> bool:
    """Whether a line is no prose; what it holds instead goes to ``result``."""
    text = line.text
    if key in seen and _is_repeat(key, seen[key], result):
        return True
    if key in captions or (key in related and line.kind != "heading"):
        return True
    if reads_like_caption(text):
        caption, credit = split_credit(text)
        if caption and fold(caption) not in captions:
            captions.update((fold(caption), key))
            result.images.append(Image(caption=caption, credit=credit))
        return True
    if is_credit(text):
        return True
    if len(text) <= MAX_RELATED + 60:
        label = SEE_ALSO_FIRM.match(lowered(text))
        if label is not None:
            title = text[label.end() :].strip()
            if fold(title) not in related:
                related.add(fold(title))
                result.related.append(Related(title=title))
            return True
    return len(text) <= MAX_BOILERPLATE and _is_furniture(text.lower())


def _is_furniture(lower: str) -> bool:
    if BOILERPLATE.match(lower):
        return True
    cues = _ASCII_CUES if lower.isascii() else WITHIN_CUES
    return any(cue in lower for cue in cues) and FURNITURE_WITHIN.match(lower) is not None


def _is_repeat(key: str, times: int, result: Cleaned) -> bool:
    if len(key) >= MIN_REPEAT or times >= MAX_SHORT:
        return True
    return bool(result.lines) and fold(result.lines[-1].text) == key


def _trim(result: Cleaned) -> None:
    """Headings with nothing under them at the end belong to what was taken away."""
    while result.lines and result.lines[-1].kind == "heading":
        result.lines.pop()
