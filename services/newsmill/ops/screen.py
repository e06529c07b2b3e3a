"""The live screen as text: what is wrong now, then the stages, then what happened last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from newsmill.ops.flow import FLOW
from newsmill.ops.follow import SLICE_S, Live, Told
from newsmill.ops.lag import SILENT_S
from newsmill.ops.lines import seconds_between
from newsmill.ops.plots import spark
from newsmill.ops.summary import STAGES
from newsmill.ops.words import duration, number, plural, table, when
from newsmill.process.telemetry import clean

WINDOW_S = 60  # the past minute is "now"
SPARKS = 30  # slices of the small plot of each stage
MOST_WRONG = 10  # lines, so that the stages stay on the screen
RECENT_S = 600.0  # what a site answered, and how often a worker started, is news for so long
DEAD_S = 3600.0  # a dead letter is
RESTARTS = 3  # within RECENT_S, to speak of them
BAD = "! "  # how a line begins that says what is wrong


def screen(live: Live, width: int, height: int, now: str = "") -> str:
    """The screen in so many columns and rows, without colour codes; no newline at its end.

    ``now`` is the present time, by which silence is told; without one it is the last line's.
    """
    now = max(now, live.now)
    rows = [_head(live, now)]
    wrong = [f"{BAD}{words}" for words in _wrong(live, now)] if live.now else []
    more = len(wrong) - MOST_WRONG
    rows += wrong[:MOST_WRONG] or (["  Nothing is wrong."] if live.now else [])
    if more > 0:
        rows.append(f"{BAD}and {more} more: newsmill ops summary")
    rows += ["", *_stages(live, now, width), "", *_workers(live)]
    left = height - len(rows) - 1
    if left > 0 and live.events:
        told = sorted(live.events.values(), key=lambda told: told.ts)
        rows += ["", *map(_told, told[-left:])]
    return "\n".join(clean(row)[:width] for row in rows[:height])


def _head(live: Live, now: str) -> str:
    if not live.now:
        return "newsmill  (no line yet)"
    quiet_s = seconds_between(live.now, now)
    last = f", the last line {duration(quiet_s)} ago" if quiet_s >= 1 else ""
    return f"newsmill  {when(now)} UTC{last}"


def _stages(live: Live, now: str, width: int) -> Iterator[str]:
    timeline = live.timeline
    slices = max(1, WINDOW_S // timeline.width_s)
    room = max(0, min(SPARKS, width - 80))
    plot = f"last {room * SLICE_S} s" if room > 5 else ""
    rows = [
        ["STAGE", "/s now", "not published", "p50 ms", "p95", "behind", "idle", "waiting", plot]
    ]
    for stage in (stage for stage in STAGES if stage in live.finished):
        rates = timeline.rates(stage, "published")
        others = timeline.rates(stage, "dead", "refused", "filtered", "duplicate")[-slices:]
        waiting = [
            worker.waiting for worker in live.workers.values()
            if worker.service == stage and worker.waiting is not None and not worker.stopped
        ]  # fmt: skip
        behind_ms = _latest(timeline.quantiles(stage, 0.95, of_age=True)[-slices:])
        idle_s = seconds_between(live.finished.get(stage, now), now)
        stale = idle_s > WINDOW_S  # the slices end with the last line, which may be long ago
        rows.append(
            [
                stage,
                number(0.0 if stale else _mean(rates[-slices:])),
                number(0.0 if stale else _mean(others)),
                *(number(_latest(timeline.quantiles(stage, q)[-slices:])) for q in (0.5, 0.95)),
                "" if behind_ms is None else duration(behind_ms / 1000),
                duration(idle_s) if idle_s >= 1 else "",
                f"{sum(waiting):,}" if waiting else "",
                spark(rates[-room:]) if room and not stale else "",
            ]
        )
    return table(rows, left=(0, 8))


def _workers(live: Live) -> Iterator[str]:
    working = [worker for worker in live.workers.values() if not worker.stopped and worker.rss_mb]
    roles = Counter(worker.service for worker in working)
    each = ", ".join(f"{role} {roles[role]}" for role in STAGES if role in roles)
    memory = sum(worker.rss_mb for worker in working)
    yield f"WORKERS  {len(working)} at work, {memory:,.0f} MB in all" + (
        f": {each}" if each else ""
    )


def _wrong(live: Live, now: str) -> Iterator[str]:
    yield from _absent(live, now)
    for name, worker in sorted(live.workers.items()):
        if worker.alarm is not None and not worker.stopped:
            line = worker.alarm
            said = line.why or line.detail or ""
            yield f"{name}: {line.event}, the last at {when(line.ts)[11:]}: {said}"
    for (service, place), line in sorted(live.held.items()):
        yield f"{service}: {place} is held since {when(line.ts)}: {line.why}"
    yield from _restarts(live, now)
    for (stage, reason), dead in sorted(live.dead.items(), key=lambda each: -each[1].count):
        if seconds_between(dead.last, now) <= DEAD_S:
            letters = f"{stage}: {dead.count:,} dead: {reason}, the last at {when(dead.last)[11:]}"
            yield letters + (f": newsmill ops trace {dead.page_id}" if dead.page_id else "")
    yield from _outside(live, now)


def _absent(live: Live, now: str) -> Iterator[str]:
    """Workers that ended with an error or fell silent, and roles that nobody has."""
    present = {
        worker.service for worker in live.workers.values()
        if not worker.stopped and seconds_between(worker.heard, now) <= SILENT_S
    }  # fmt: skip
    missing = set(FLOW) - present if present & set(FLOW) else set()
    if not present and any(
        worker.rss_mb and not worker.stopped for worker in live.workers.values()
    ):
        quiet = duration(seconds_between(live.now, now))
        yield f"no worker has written a line for {quiet}: gone, or no room where the logs are"
        return
    for name, worker in sorted(live.workers.items()):
        if worker.fault:
            yield f"{name} ended at {when(worker.heard)[11:]}, and is not back: {worker.fault}"
        elif worker.rss_mb and not worker.stopped:
            silent_s = seconds_between(worker.heard, now)
            if silent_s > SILENT_S:
                yield f"{name} is silent for {duration(silent_s)}"
        elif worker.stopped and worker.service in missing:
            yield f"{name} was stopped at {when(worker.heard)[11:]}, and nobody has its place"


def _restarts(live: Live, now: str) -> Iterator[str]:
    for name, worker in sorted(live.workers.items()):
        starts = [ts for ts in worker.starts if seconds_between(ts, now) <= RECENT_S]
        if len(starts) > RESTARTS:
            yield f"{name} was started {plural(len(starts), 'time')} within {duration(RECENT_S)}"


def _outside(live: Live, now: str) -> Iterator[str]:
    """What is wrong with others: feeds that fail, sites that turn us away."""
    ailing = live.feeds.ailing(now)
    for wanted in ("failing", "silent", "emptied"):
        feeds = [feed for feed, state in ailing if state == wanted]
        if feeds:
            why = f" ({feeds[0].fault})" if wanted == "failing" else ""
            others = f" and {len(feeds) - 1} more" if len(feeds) > 1 else ""
            yield f"{plural(len(feeds), 'feed')} {wanted}: {feeds[0].url}{why}{others}"
    away = [
        (site, line) for site, line in reversed(live.turned_away.items())
        if seconds_between(line.ts, now) <= RECENT_S
    ]  # fmt: skip
    for site, line in islice(away, 3):
        answer = f"answers {line.status}" if line.status else "does not answer"
        yield f"{site} {answer}, the last at {when(line.ts)[11:]}: its pages wait"
    if len(away) > 3:
        yield f"and {len(away) - 3} more sites turn us away"


def _told(told: Told) -> str:
    times = f" ({told.times} times)" if told.times > 1 else ""
    return f"  {told.ts[11:19]} {'!' if told.is_bad else ' '} {told.who}{times} {told.what}"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _latest(values: list[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)
