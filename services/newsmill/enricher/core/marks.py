"""Finds what stands between quotation marks, whichever marks a language uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST = 4000  # characters of one quotation


def _pair(opening: str, closing: str) -> str:
    """Words of one line between two marks, to its end where the second is missing."""
    return rf"{opening}([^{opening}{closing}\n]{{1,{_LONGEST}}})([{closing}]?)"


_LOW = rf"„([^„“”\n]{{1,{_LONGEST}}})([“”]?)"
_HIGH = _pair("“", "”")
_OUT = _pair("«", "»")
_IN = _pair("»", "«")
_SAME = rf"”([^”\n]{{1,{_LONGEST}}})(”?)"
_CORNER = _pair("「", "」")
_CORNERS = _pair("『", "』")
_STRAIGHT = rf'"([^"\n]{{1,{_LONGEST}}})("?)'

_PATTERNS = {
    (inward, same): re.compile(
        "|".join(
            (_LOW, _SAME if same else _HIGH, _IN if inward else _OUT, _CORNER, _CORNERS, _STRAIGHT)
        )
    )
    for inward in (False, True)
    for same in (False, True)
}


def quoted(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the words between marks, without outer spaces."""
    out, inward = text.find("«"), text.find("»")
    same = "”" in text and "“" not in text and "„" not in text  # Swedish, Finnish
    pattern = _PATTERNS[0 <= inward < out or (out < 0 <= inward), same]
    for match in pattern.finditer(text):
        group = match.lastindex or 2
        start, end = match.span(group - 1)
        words = text[start:end]
        start += len(words) - len(words.lstrip())
        end -= len(words) - len(words.rstrip())
        if start < end:
            yield start, end
