"""Pages that stand for a kind of difference: a few of each, of many sites, cut to what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import orjson

MOST = 10  # samples of one kind
OF_SITE = 2  # of them, of one site
MAX_SHOWN = 700  # characters of a value
LEFT_OUT = "…"  # stands for lines that both have
PLACES = ("span", "spans", "lines")  # of items, in the text
MAX_LINES = 2000  # of a text that are matched; of a longer one only the ends are cut off


@dataclass(frozen=True, slots=True)
class Sample:
    """One page, and what of it was so before and is so now (``None``: not there)."""

    page_id: str
    url: str
    title: str | None
    before: str | None
    after: str | None


class Samples:
    """The first samples of each kind of difference."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[Sample]] = {}
        self._of: dict[tuple[str, str], int] = {}

    def take(self, kind: str, site: str, make: Callable[[], Sample]) -> None:
        """Keep what ``make`` gives, where there is room for one more of the kind and the site."""
        samples = self._kinds.setdefault(kind, [])
        of_site = self._of.get((kind, site), 0)
        if len(samples) < MOST and of_site < OF_SITE:
            self._of[kind, site] = of_site + 1
            samples.append(make())

    def of(self, kind: str) -> list[Sample]:
        """Those of a kind."""
        return self._kinds.get(kind, [])

    def all(self) -> list[tuple[str, list[Sample]]]:
        """All kinds with theirs, by name."""
        return sorted(self._kinds.items())


def sample_of(page_id: str, record: dict[str, Any], name: str, was: Any, now: Any) -> Sample:
    """The sample of a field of a page."""
    if isinstance(was, str) and isinstance(now, str):
        was, now = _lines_apart(was, now) if name == "text" else _apart(was, now)
    elif isinstance(was, list) and isinstance(now, list):
        was, now = _items_apart(was, now)
    return Sample(page_id, record.get("url") or "", record.get("title"), _shown(was), _shown(now))


def _lines_apart(was: str, now: str) -> tuple[str, str]:
    """Two texts without the lines that both have."""
    one, other = was.split("\n"), now.split("\n")
    if max(len(one), len(other)) > MAX_LINES:
        return _apart(was, now)
    left: list[str] = []
    right: list[str] = []
    for tag, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        for lines, kept in ((left, one[a:b]), (right, other[c:d])):
            if tag != "equal":
                lines += kept
            elif lines[-1:] != [LEFT_OUT]:
                lines.append(LEFT_OUT)
    return _apart("\n".join(left), "\n".join(right))


def placeless(value: Any) -> Any:
    """A field's value without the places in the text that its items stand at."""
    if not isinstance(value, list):
        return value
    return [
        {name: of for name, of in item.items() if name not in PLACES}
        if isinstance(item, dict)
        else item
        for item in value
    ]


def _items_apart(was: list[Any], now: list[Any]) -> tuple[str, str]:
    """Two lists, one item a line, without those that both have."""
    one, other = ([item_(each) for each in items] for items in (placeless(was), placeless(now)))
    kept, added = set(one), set(other)
    left = [item for item in one if item not in added]
    right = [item for item in other if item not in kept]
    if not left and not right:  # another order, or other places
        return _apart(orjson.dumps(was).decode(), orjson.dumps(now).decode())
    return "\n".join(left), "\n".join(right)


def item_(item: Any) -> str:
    """An item of a list for people: what is in it, in a line."""
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return orjson.dumps(item).decode()
    return " · ".join(
        of if isinstance(of, str) else orjson.dumps(of).decode()
        for of in item.values()
        if of not in (None, [], "")
    )


def _apart(was: str, now: str) -> tuple[str, str]:
    """Two long texts from a little before where they part."""
    if max(len(was), len(now)) <= MAX_SHOWN:
        return was, now
    pairs = enumerate(zip(was, now, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(was), len(now)))
    start = max(0, at - 60)
    mark = "…" if start else ""
    return mark + was[start:], mark + now[start:]


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        value = "\n".join(map(item_, placeless(value)))
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
