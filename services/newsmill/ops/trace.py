"""The way of one page or article through every worker, from logs alone, and where it is now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from newsmill.ops.lines import OURS, Line, parse, seconds_between
from newsmill.ops.read import Logs
from newsmill.process.events import COMMON, FIELDS
from newsmill.urls import identity

NEXT = {
    "producer": ("entries", "fetcher"),
    "fetcher": ("pages", "extractor"),
    "extractor": ("articles", "enricher"),
    "enricher": ("enriched", "archiver"),
}
_ORDER = {stage: at for at, stage in enumerate((*NEXT, "archiver"))}
_SAYS_WHY = ("reason", "detail", "status", "attempt", "after_s", "tier", "quality")
_ID = re.compile(r"[0-9a-f]{32}")
_ELSEWHERE = {
    *COMMON, "stage", "topic", "partition", "offset", "step", "outcome", "page_id", "article_id",
    "url", "site", "took_ms", "store", "age_ms",
}  # fmt: skip
_STEPS = (b'"step.commit"', b'"partition.assigned"')


@dataclass(slots=True)
class Stop:
    """A line about it: by whom, after what wait, with how much work, and whether it holds."""

    line: Line
    facts: dict[str, Any]  # what the line says beside where and when
    worked_ms: float | None = None
    waited_ms: float | None = None  # since the stage before it was done with it
    holds: bool = True  # False: a record line that no commit covered

    @property
    def worker(self) -> str:
        """The process."""
        return f"{self.line.service}-{self.line.slot}"


@dataclass(slots=True)
class Trace:
    """The answer of ``trace``; nothing was ``found`` where no line speaks of it."""

    what: str
    pages: list[str] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    url: str | None = None
    stops: list[Stop] = field(default_factory=list)
    now: str = "nothing is known of it"
    why_not: str | None = None  # why ``what`` can be no id and no URL

    @property
    def found(self) -> bool:
        """Whether any line speaks of it."""
        return bool(self.stops)


def trace(lines: Iterable[bytes], what: str) -> Trace:
    """Every line about a page id, an article id or a URL, in the order of time.

    The lines are gone through twice, since lines before the extractor's know the page alone. Those
    that can be gone through only once are kept in memory, as far as they name any record.
    """
    found = Trace(what)
    try:
        wanted = what.lower() if _ID.fullmatch(what.lower()) else identity(what)
    except ValueError as error:
        found.why_not = str(error)
        return found
    if isinstance(lines, Iterator) or (isinstance(lines, Logs) and lines.once):
        lines = [raw for raw in lines if b'_id":"' in raw or any(step in raw for step in _STEPS)]
    pages, articles = _ids(lines, wanted)
    found.pages, found.articles = sorted(pages), sorted(articles)
    found.stops = list(_stops(lines, pages, articles))
    found.url = next((stop.line.url for stop in found.stops if stop.line.url), None)
    _time(found.stops)
    found.now = _now(found.stops)
    return found


def _ids(lines: Iterable[bytes], wanted: str) -> tuple[set[str], set[str]]:
    """Page ids and article ids that belong to it: an article has pages, a page has an article."""
    needle = wanted.encode()
    pages: set[str | None] = set()
    articles: set[str | None] = set()
    for raw in _having(lines, [needle]):
        line = parse(raw)
        if line is None:
            continue
        if line.page_id == wanted:
            pages.add(wanted)
            articles.add(line.article_id)
        elif line.article_id == wanted:
            articles.add(wanted)
            pages.add(line.page_id)
    return {page for page in pages if page}, {article for article in articles if article}


def _stops(lines: Iterable[bytes], pages: set[str], articles: set[str]) -> Iterator[Stop]:
    needles = sorted(name.encode() for name in pages | articles)
    if not needles:
        return iter(())
    open_: list[Stop] = []  # record lines that nothing covers yet
    kept: list[Stop] = []
    for raw in _having(lines, [*needles, *_STEPS]):
        if any(needle in raw for needle in needles):
            line = parse(raw)
            if line is None or not _is_about(line, pages, articles):
                continue
            stop = Stop(line, _facts(raw))
            kept.append(stop)
            if line.event == "record" and (line.offset, line.step) != (None, None):
                stop.holds = False
                open_.append(stop)
        elif open_ and any(step in raw for step in _STEPS):
            line = parse(raw)
            if line is not None:
                open_ = _settle(open_, line)
    return iter(kept)


def _having(lines: Iterable[bytes], needles: Sequence[bytes]) -> Iterator[bytes]:
    """The lines in which one of these stands."""
    if isinstance(lines, Logs):
        return lines.having(needles)
    return (raw for raw in lines if any(needle in raw for needle in needles))


def _is_about(line: Line, pages: set[str], articles: set[str]) -> bool:
    if line.page_id is not None:
        return line.page_id in pages
    return line.article_id in articles


def _facts(raw: bytes) -> dict[str, Any]:
    """What a line says beside where and when, the telling fields first."""
    found: dict[str, Any] = orjson.loads(raw[max(0, raw.rfind(OURS)) :])
    rest = [name for name in found if name in FIELDS and name not in _ELSEWHERE]
    return {name: found[name] for name in (*_SAYS_WHY, *rest) if name in found}


def _settle(open_: list[Stop], step: Line) -> list[Stop]:
    """Mark the lines that this step covers, one an offset; those that it does not decide remain."""
    covered: dict[tuple[str, int | None], Stop] = {}
    remaining = []
    for stop in open_:
        line = stop.line
        place = f"{line.topic}/{line.partition}"
        if (line.service, line.lane, line.store) != (step.service, step.lane, step.store):
            remaining.append(stop)
        elif line.step is not None:
            told = (step.steps or {}).get(place)
            stop.holds = _holds_by_step(line, told, step.run)
            if not stop.holds and not isinstance(told, list):
                remaining.append(stop)
        elif (step.positions or {}).get(place, -1) > (line.offset or 0):
            key = (place, line.offset)
            if key not in covered or line.run == step.run or covered[key].line.run != step.run:
                covered[key] = stop
        else:
            remaining.append(stop)
    for stop in covered.values():
        stop.holds = True
    return remaining


def _holds_by_step(line: Line, told: Any, run: str) -> bool:
    if isinstance(told, list) and len(told) == 2:
        told, run = told
    return isinstance(told, int) and run == line.run and told >= (line.step or 0)


def _time(stops: list[Stop]) -> None:
    """Tell waiting from work: between two stages it waited, but for what the second one worked.

    From the end of one way through the stages to the start of the next it did not wait.
    """
    before: Line | None = None
    for stop in stops:
        line = stop.line
        if line.event != "record":
            continue
        stop.worked_ms = line.took_ms
        if before is not None and _goes_on(before, line):
            between = seconds_between(before.ts, line.ts) * 1000
            stop.waited_ms = max(0.0, between - (line.took_ms or 0.0))
        before = line


def _goes_on(before: Line, line: Line) -> bool:
    if before.stage == line.stage:
        return before.outcome == "retried"
    return _ORDER.get(before.stage or "", 0) < _ORDER.get(line.stage or "", 0)


def _now(stops: list[Stop]) -> str:
    records = [stop for stop in stops if stop.line.event == "record" and stop.line.stage]
    settled = [stop for stop in records if stop.holds]
    if not settled:
        last = records[-1].line if records else None
        if last is None:
            return "no stage has spoken of its outcome"
        return f"with the {last.stage}: its step was not committed in these logs"
    last = settled[-1].line
    if last.outcome == "published" and last.stage in NEXT:
        topic, target = NEXT[last.stage]
        return f"in {topic}, waiting for the {target}"
    if last.outcome == "published":
        return "in the stores" if last.stage == "archiver" else f"published by the {last.stage}"
    because = f" ({last.reason})" if last.reason else ""
    endings = {
        "dead": f"dead: the {last.stage} could not do it{because}",
        "refused": f"turned away by the {last.stage}{because}",
        "filtered": f"filtered out by the {last.stage}{because}",
        "duplicate": f"nothing new for the {last.stage}: it is where it was",
        "retried": f"with the {last.stage}, to be tried again{because}",
    }
    return endings.get(last.outcome or "", f"{last.outcome} by the {last.stage}{because}")
