"""Says where sentences start, for the annotators that read a sentence at a time."""

from __future__ import annotations

import functools
import re

from newsmill.enricher.core.gazetteer import shared

_END = re.compile(r"[.!?…。！？\n]+[\"”’»›“)\]」』）]*(\s*)")
_LAST_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*\Z")
_ABBREVIATIONS = shared("abbreviation")


@functools.lru_cache(maxsize=1)  # two annotators read one text, one behind the other
def sentence_starts(text: str) -> tuple[int, ...]:
    """The offset of each sentence's first character, ascending; a line always starts one."""
    starts = [0]
    size = len(text)
    for match in _END.finditer(text):
        end = match.end()
        if end >= size:
            break
        first = text[match.start()]
        if first in ".!?…" and "\n" not in match.group():
            if end == match.start(1) or text[end].islower():
                continue  # "3.5"; "… he asked", or an abbreviation that no list holds
            if first == "." and _abbreviated(text, match.start()):
                continue
        starts.append(end)
    return tuple(starts)


def _abbreviated(text: str, dot: int) -> bool:
    word = _LAST_WORD.search(text, max(0, dot - 12), dot)
    if word is None:
        return False
    letters = word.group()
    if len(letters) == 1:
        return letters.isupper()  # an initial: "J. Smith"
    return letters.lower() in _ABBREVIATIONS
