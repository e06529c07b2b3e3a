"""The answer of a check as a person reads it, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from newsmill.ops.check import Report
from newsmill.ops.words import duration, plural, when
from newsmill.process.telemetry import clean


def render_check(report: Report) -> str:
    """What fails, one a line, then how the objectives stand; no newline at its end."""
    return "\n".join(map(clean, _lines(report)))


def _lines(report: Report) -> Iterator[str]:
    for failure in report.failures:
        yield f"FAILS  {failure.limit}: {failure.says}"
    if not report.failures:
        yield f"All is as asked, as of {when(report.now)} UTC."
    for rate in report.rates:
        if not rate.fails:
            good = 100 * (1 - rate.bad / rate.events)
            yield (
                f"ok     {rate.objective.name}: {good:.2f} % of {plural(rate.events, 'event')}"
                f" in {duration(rate.burn.long_s)} (asked: {100 * rate.objective.target:g} %)"
            )


def check_json(report: Report) -> bytes:
    """The answer as one JSON object, for programs."""
    return orjson.dumps(
        {
            "version": 1,
            "now": report.now,
            "ok": not report.failures,
            "failures": report.failures,
            "objectives": [
                {
                    "name": rate.objective.name,
                    "target": rate.objective.target,
                    "events": rate.events,
                    "bad": rate.bad,
                    "window_s": rate.burn.long_s,
                    "burns": round(rate.long_times, 3),
                    "burns_short": round(rate.short_times, 3),
                    "fails": rate.fails,
                }
                for rate in report.rates
            ],
        }
    )
