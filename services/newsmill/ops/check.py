"""Whether a newsmill does what is asked of it, from logs alone: what fails, and why.

A pipeline that says nothing any more fails too: silence is measured against the present time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from newsmill.ops.burn import Budgets, Rate, worst
from newsmill.ops.flow import STAGES, name_of
from newsmill.ops.lines import seconds_between
from newsmill.ops.objectives import Limits, Objectives
from newsmill.ops.read import Logs
from newsmill.ops.runs import Run
from newsmill.ops.sites import Sites
from newsmill.ops.sites_view import sentence
from newsmill.ops.summary import Summary, summarise
from newsmill.ops.words import duration, plural, when

HOUR_S = 3600.0
PER_LIMIT = 5  # failures of one limit that are spelled out


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as asked."""

    limit: str  # the name of the limit or objective
    says: str


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of ``check``."""

    now: str
    failures: list[Failure]
    rates: list[Rate]  # the worst pair of windows of each objective that saw enough
    summary: Summary


def check(logs: Logs, asked: Objectives, now: str | None) -> Report:
    """Judge the logs as of a time; None: as of their last line."""
    budgets, sites = Budgets(asked), Sites()
    summary = summarise(logs, [budgets.heard, sites.heard], budgets.arrived)
    now = max(summary.last, now or "")
    rates = list(budgets.rates(summary.last))
    failures = [
        *(Failure("no_lines", "no log lines of newsmill at all") for _ in range(not summary.lines)),
        *_account(summary, asked.limits),
        *_flow(summary, asked.limits, now),
        *_silence(summary, asked.limits, now),
        *_feeds(summary, asked.limits, now),
        *_processes(summary, asked.limits, now),
        *_alarms(summary, asked.limits, now),
        *_sites(sites, asked.limits, now),
        *(_burns(rate) for rate in rates if rate.fails),
    ]
    by_name: dict[str, list[Rate]] = {}
    for rate in rates:
        by_name.setdefault(rate.objective.name, []).append(rate)
    worst_ones = [found for some in by_name.values() if (found := worst(some)) is not None]
    return Report(now, failures, worst_ones, summary)


def _account(summary: Summary, limits: Limits) -> Iterator[Failure]:
    lost = sum(summary.unexplained(ledger) for ledger in summary.stages)
    if limits.unexplained is not None and lost > limits.unexplained:
        yield Failure("unexplained", f"{plural(lost, 'record')} that no line explains")
    if limits.missing_lines is not None and summary.missing_lines > limits.missing_lines:
        yield Failure("missing_lines", f"{summary.missing_lines:,} log lines are nowhere")
    if limits.unread_files is not None and len(summary.problems) > limits.unread_files:
        yield from (Failure("unread_files", f"not read to its end: {p}") for p in summary.problems)


def _flow(summary: Summary, limits: Limits, now: str) -> Iterator[Failure]:
    for ledger in summary.stages:
        name = name_of(ledger)
        lag = summary.lag(ledger)
        if limits.lag_s is not None and lag is not None and lag.records:
            if lag.verdict in ("stalled", "stopped"):
                yield Failure("lag_s", f"{name}: {lag.verdict}, {lag.records:,} records wait")
            elif lag.seconds > limits.lag_s:
                yield Failure("lag_s", f"{name}: {duration(lag.seconds)} behind ({lag.verdict})")
        for place, line in sorted(ledger.held.items()):
            held_s = seconds_between(line.ts, now)
            if limits.held_s is not None and held_s > limits.held_s:
                yield Failure(
                    "held_s", f"{name}: {place} is held since {when(line.ts)}: {line.why}"
                )


def _silence(summary: Summary, limits: Limits, now: str) -> Iterator[Failure]:
    """Roles of which nobody speaks, and single workers that fell silent."""
    most = limits.silent_worker_s
    if most is None:
        return
    for lane in sorted({run.lane for run in summary.runs.values()}):
        if summary.is_through(lane):
            continue
        latest = _latest(summary, lane)
        for role in STAGES:
            of_role = [run for run in latest if run.service == role]
            if not of_role:
                continue
            last = max(run.last for run in of_role)
            if seconds_between(last, now) > most:
                yield Failure("silent_worker_s", f"{role}: nobody speaks since {when(last)}")
                continue
            yield from _silent_ones(of_role, limits, now)


def _silent_ones(of_role: list[Run], limits: Limits, now: str) -> Iterator[Failure]:
    for run in of_role:
        silent_s = seconds_between(run.last, now)
        gone = limits.gone_worker_s is not None and silent_s > limits.gone_worker_s
        if silent_s > (limits.silent_worker_s or 0.0) and not run.has_stopped and not gone:
            name = f"{run.service}-{run.slot}"
            yield Failure("silent_worker_s", f"{name} on {run.host}: silent since {when(run.last)}")


def _latest(summary: Summary, lane: str) -> list[Run]:
    """The last run of every slot."""
    found: dict[tuple[str, int], Run] = {}
    for run in summary.runs.values():
        key = (run.service, run.slot)
        if run.lane == lane and (key not in found or run.first > found[key].first):
            found[key] = run
    return [run for _, run in sorted(found.items())]


def _feeds(summary: Summary, limits: Limits, now: str) -> Iterator[Failure]:
    feeds = [
        (feed, state)
        for feed, state in summary.feeds.ailing(now)
        if not summary.is_through(feed.lane)
    ]
    for state, most in (("silent", limits.silent_feeds), ("stale", limits.stale_feeds)):
        found = [feed for feed, its in feeds if its == state]
        if most is not None and len(found) > most:
            for feed in found[:PER_LIMIT]:
                since = feed.heard if state == "silent" else feed.last_fresh
                yield Failure(f"{state}_feeds", f"{feed.url}: {state} since {when(since)}")
            if len(found) > PER_LIMIT:
                yield Failure(f"{state}_feeds", f"and {len(found) - PER_LIMIT:,} more feeds")
    failing, known = len(summary.feeds.failing), len(summary.feeds.by_url)
    if limits.failing_feeds is not None and failing > limits.failing_feeds * known:
        yield Failure("failing_feeds", f"{failing:,} of {known:,} feeds failed at their last poll")


def _ends(summary: Summary, limits: Limits, now: str) -> Iterator[Failure]:
    """Workers that end again and again, whether without a word or with an error."""
    ends: dict[str, list[Run]] = {}
    for run in sorted([*summary.crashed, *summary.failed], key=lambda run: run.last):
        if seconds_between(run.last, now) <= HOUR_S:
            ends.setdefault(f"{run.service}-{run.slot}", []).append(run)
    for name, runs in sorted(ends.items()):
        if limits.crashes is None or len(runs) <= limits.crashes:
            continue
        faults = [run.fault for run in runs if run.fault is not None]
        how = "crashed or ended with an error" if faults else "crashed"
        last = f", last: {faults[-1]}" if faults else ""
        times = plural(len(runs), "time")
        yield Failure("crashes", f"{name} {how} {times} within an hour{last}")


def _processes(summary: Summary, limits: Limits, now: str) -> Iterator[Failure]:
    yield from _ends(summary, limits, now)
    growing = [
        run
        for run in summary.runs.values()
        if run.memory.grew_mb and seconds_between(run.last, now) <= limits.alarm_s
    ]
    if limits.growing_workers is not None and len(growing) > limits.growing_workers:
        for run in growing[:PER_LIMIT]:
            grew, to = run.memory.grew_mb, run.rss_mb
            says = f"{run.service}-{run.slot}: memory grew by {grew:,.0f} MB, to {to:,.0f}"
            yield Failure("growing_workers", says)
    jumps = {
        run.host: run
        for run in summary.runs.values()
        if run.jumped_s and seconds_between(run.jumped_at, now) <= limits.alarm_s
    }
    if limits.clock_jumps is not None and len(jumps) > limits.clock_jumps:
        for host, run in sorted(jumps.items())[:PER_LIMIT]:
            at = when(run.jumped_at)
            yield Failure(
                "clock_jumps", f"{host}: its clock jumped by {run.jumped_s:+,.0f} s at {at}"
            )


def _alarms(summary: Summary, limits: Limits, now: str) -> Iterator[Failure]:
    for (service, event), line in sorted(summary.last_alarm.items()):
        if event in limits.alarms and seconds_between(line.ts, now) <= limits.alarm_s:
            why = line.why or line.detail or f"at {when(line.ts)}"
            yield Failure("alarms", f"{service}: {event}: {why}")


def _sites(sites: Sites, limits: Limits, now: str) -> Iterator[Failure]:
    news = limits.changed_site_s
    changes = [one for one in sites.changes() if seconds_between(one.since, now) <= news]
    changed = dict.fromkeys(change.site for change in changes)
    if limits.changed_sites is not None and len(changed) > limits.changed_sites:
        yield from (Failure("changed_sites", sentence(change)) for change in changes[:PER_LIMIT])


def _burns(rate: Rate) -> Failure:
    window = duration(rate.burn.long_s)
    return Failure(
        rate.objective.name,
        f"{rate.bad:,} of {rate.events:,} were bad in the last {window}: its budget is used up"
        f" {rate.long_times:.1f} times too fast",
    )
