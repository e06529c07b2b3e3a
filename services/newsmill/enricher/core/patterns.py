"""Builds patterns that look for any of many phrases at once, quick to fail."""

from __future__ import annotations

import re
from collections.abc import Iterable


def any_of(phrases: Iterable[str], *, either_case: bool = False) -> str:
    """An expression for the phrases, longest first, branched by first letter so that few are tried.

    ``either_case``: the first letter may be small or capital.
    """
    by_first: dict[str, list[str]] = {}
    for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase)):
        by_first.setdefault(phrase[0], []).append(re.escape(phrase[1:]).replace("'", "['’]"))
    branches = []
    for first, rest in sorted(by_first.items()):
        upper = first.upper()
        both = either_case and first != upper and len(upper) == 1
        letter = f"[{first}{upper}]" if both else re.escape(first)
        branches.append(f"{letter}(?:{'|'.join(rest)})")
    return "|".join(branches)
