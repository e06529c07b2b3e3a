"""A trace as a person reads it: one line a worker, waiting and work told apart."""

from __future__ import annotations

import orjson

from newsmill.ops.lines import seconds_between
from newsmill.ops.trace import Stop, Trace
from newsmill.ops.words import duration, table, when
from newsmill.process.telemetry import clean

COLUMNS = 100


def render_trace(found: Trace) -> str:
    """The trace as plain text, or one line where nothing is known; no newline at its end."""
    if not found.found:
        why = f": {found.why_not}" if found.why_not else " in these logs"
        return clean(f"Nothing is known of {found.what}{why}.")
    head = [
        f"url      {found.url or '?'}",
        *(f"page     {page}" for page in found.pages),
        *(f"article  {article}" for article in found.articles),
        f"now      {found.now}",
    ]
    first = found.stops[0].line.ts
    rows = [[f"{first[:10]} UTC", "after", "waited", "worked", "worker", "what"]]
    rows += [_row(stop, first) for stop in found.stops]
    body = [_cut(line) for line in table(rows, left=(0, 4, 5))]
    return "\n".join(map(clean, [*head, "", *body, "", _totals(found)]))


def _cut(line: str) -> str:
    return line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…"


def _row(stop: Stop, first: str) -> list[str]:
    line = stop.line
    what = line.outcome if line.event == "record" and line.outcome else line.event
    facts = "  ".join(
        f"{name}={value if isinstance(value, str) else orjson.dumps(value).decode()}"
        for name, value in stop.facts.items()
        if (name, value) != ("attempt", 1)
    )
    doubt = "" if stop.holds else "(not committed) "
    return [
        line.ts[11:23] if line.ts[:10] == first[:10] else when(line.ts),
        duration(seconds_between(first, line.ts)),
        milliseconds(stop.waited_ms),
        milliseconds(stop.worked_ms),
        stop.worker,
        f"{what} {doubt}{facts}".rstrip(),
    ]


def _totals(found: Trace) -> str:
    worked = sum(stop.worked_ms or 0.0 for stop in found.stops)
    waited = sum(stop.waited_ms or 0.0 for stop in found.stops)
    workers = len({stop.worker for stop in found.stops})
    return (
        f"{len(found.stops)} lines of {workers} workers:"
        f" {milliseconds(worked)} of work, {milliseconds(waited)} of waiting"
    )


def milliseconds(value: float | None) -> str:
    """A duration given in milliseconds; nothing for None."""
    if value is None:
        return ""
    return f"{value:.1f} ms" if value < 1000 else duration(value / 1000)


def trace_json(found: Trace) -> bytes:
    """The trace as one JSON object, for programs."""
    return orjson.dumps(
        {
            "what": found.what,
            "found": found.found,
            "url": found.url,
            "pages": found.pages,
            "articles": found.articles,
            "now": found.now,
            "stops": [
                {
                    "ts": stop.line.ts,
                    "event": stop.line.event,
                    "worker": stop.worker,
                    "run": stop.line.run,
                    "stage": stop.line.stage,
                    "outcome": stop.line.outcome,
                    "holds": stop.holds,
                    "waited_ms": stop.waited_ms,
                    "worked_ms": stop.worked_ms,
                    **stop.facts,
                }
                for stop in found.stops
            ],
        }
    )
