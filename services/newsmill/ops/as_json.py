"""The summary as one JSON object, for programs; keys never change meaning, new ones may come."""

from __future__ import annotations

from typing import Any

import orjson

from newsmill.ops.figures import Histogram
from newsmill.ops.flow import name_of
from newsmill.ops.ledger import Ledger
from newsmill.ops.runs import Run
from newsmill.ops.summary import Summary, rate_of
from newsmill.process.events import OUTCOMES

SHARES = (50, 95, 99)


def summary_json(summary: Summary) -> bytes:
    """The summary as one JSON object; its shape is schemas/ops_summary.schema.json."""
    return orjson.dumps(
        {
            "version": 1,
            "first": summary.first or None,
            "last": summary.last or None,
            "balanced": summary.is_balanced,
            "lines": summary.lines,
            "foreign_lines": summary.foreign,
            "repeated_lines": summary.repeated,
            "missing_lines": summary.missing_lines,
            "unread": summary.problems,
            "stages": [_stage(summary, ledger) for ledger in summary.stages],
            "arrows": [
                {
                    "lane": arrow.lane,
                    "from": arrow.source,
                    "to": name_of(arrow.target),
                    "published": arrow.published,
                    "in": arrow.taken_in,
                    "on_the_way": arrow.on_the_way,
                }
                for arrow in summary.arrows
            ],
            "end_to_end_ms": quantiles(summary.journeys.end_to_end)
            | {"count": summary.journeys.end_to_end.count, "share": summary.journeys.share},
            "feeds": _feeds(summary),
            "processes": _processes(summary),
            "alarms": {
                f"{service} {event}": count for (service, event), count in summary.alarms.items()
            },
            "longest_step": summary.longest,
        }
    )


def quantiles(histogram: Histogram) -> dict[str, float | None]:
    """p50, p95 and p99, ms; None where nothing was counted."""
    return {f"p{share}": _rounded(histogram.quantile(share / 100)) for share in SHARES}


def _stage(summary: Summary, ledger: Ledger) -> dict[str, Any]:
    lag = summary.lag(ledger)
    return {
        "lane": ledger.lane,
        "stage": name_of(ledger),
        "in": ledger.taken_in,
        "outcomes": {
            **{name: ledger.outcomes[name] for name in OUTCOMES},
            **{name: ledger.outcomes[name] for name in sorted(ledger.outcomes)},
        },
        "waiting": ledger.waiting,
        "unexplained": summary.unexplained(ledger),
        "retries": ledger.retries,
        "uncommitted_lines": ledger.uncommitted,
        "reasons": [
            {"outcome": outcome, "reason": reason, "count": count}
            for (outcome, reason), count in ledger.reasons.most_common()
        ],
        "dead_examples": ledger.examples,
        "rate_per_s": round(rate_of(ledger), 3),
        "took_ms": quantiles(ledger.took),
        "age_ms": quantiles(ledger.age),
        "first": ledger.first or None,
        "last": ledger.last or None,
        "lag": None
        if lag is None
        else {
            "records": lag.records,
            "seconds": round(lag.seconds, 3),
            "drain_s": _rounded(lag.drain_s),
            "verdict": lag.verdict,
        },
        "held": {
            place: {"offset": line.offset, "why": line.why, "since": line.ts}
            for place, line in sorted(ledger.held.items())
        },
    }


def _feeds(summary: Summary) -> dict[str, Any]:
    feeds = summary.feeds
    return {
        "known": len(feeds.known),
        "polls": feeds.polls,
        "quiet_polls": feeds.quiet_polls,
        "failed_polls": feeds.failed_polls,
        "failing": {feed: why for (_, feed), why in sorted(feeds.failing.items())},
        "ailing": [
            {
                "lane": feed.lane,
                "feed": feed.url,
                "state": state,
                "why": feed.failing,
                "since": feed.failing_since
                or feed.emptied_at
                or feed.lost_at
                or feed.last_fresh
                or None,
                "last_heard": feed.heard or None,
                "last_fresh": feed.last_fresh or None,
                "usual_gap_s": _rounded(feed.usual_gap_s),
                "changes": feed.changes,
            }
            for feed, state in feeds.ailing(summary.last)
        ],
        "freshness": [
            {
                "lane": feed.lane,
                "feed": feed.url,
                "fresh_entries": feed.fresh,
                "last_fresh": feed.last_fresh or None,
                "age_s": _rounded(feed.quiet_s(summary.last)),
                "usual_gap_s": _rounded(feed.usual_gap_s),
            }
            for _, feed in sorted(feeds.by_url.items())
        ],
    }


def _processes(summary: Summary) -> dict[str, Any]:
    runs = summary.runs.values()
    return {
        "starts": sum(run.has_started for run in runs),
        "stops": sum(run.has_stopped for run in runs),
        "crashed": [_run(run) for run in summary.crashed],
        "failed": [_run(run) | {"why": run.fault} for run in summary.failed],
        "open": [_run(run) for run in summary.still_open],
        "growing": [
            _run(run) | {"rss_mb": run.rss_mb, "grew_mb": round(run.memory.grew_mb, 1)}
            for run in runs
            if run.memory.grew_mb
        ],
        "clock_jumps": [
            _run(run) | {"at": run.jumped_at, "by_s": round(run.jumped_s, 1)}
            for run in runs
            if run.jumped_s
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _run(run: Run) -> dict[str, Any]:
    return {
        "service": run.service,
        "slot": run.slot,
        "lane": run.lane,
        "run": run.run,
        "ver": run.ver,
        "first": run.first,
        "last": run.last,
    }
