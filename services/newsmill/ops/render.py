"""The summary as a person reads it: what is wrong first, then the account, in 100 columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from newsmill.ops.feeds import Feed, State
from newsmill.ops.flow import name_of
from newsmill.ops.lag import SILENT_S, Lag
from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import seconds_between
from newsmill.ops.runs import Run
from newsmill.ops.summary import Summary, rate_of
from newsmill.ops.words import duration, number, plural, table, when
from newsmill.process.events import OUTCOMES
from newsmill.process.telemetry import clean

CLOCKS_AGREE_S = 1.0  # within which machines are taken to tell the same time
TOP = 8  # reasons of a stage, failing feeds
_SAYS = {
    "annotator.failed": "an annotator failed, and the article went on without it",
    "bus.damaged": "a record of the bus was damaged, and set aside",
    "bus.killed": "a process held the bus up, and was killed",
    "bus.full": "the bus had no room (free disk, or raise its cap)",
    "cap.hit": "a cap was met",
    "child.killed": "a child process died or was killed, and its page is a dead letter",
    "disk.low": "the disk was short, and no new work was taken",
    "fuse.blown": "too large a share died, and the worker stopped (look at the dead)",
    "host.backoff": "a host asked us to wait, or failed",
    "network.down": "our own network was away, and nothing was asked",
    "step.fenced": "a step was refused, since another member owned its partitions",
    "worker.exit": "a worker ended, and was started again",
}


def render_summary(summary: Summary) -> str:
    """The summary as plain text, for a terminal of 80 to 100 columns; no newline at its end."""
    if not summary.lines:
        return f"No log lines of newsmill{_foreign(summary)}."
    blocks = [_head(summary), _wrong(summary)]
    for lane in dict.fromkeys(ledger.lane for ledger in summary.stages):
        blocks.append(_stages(summary, lane))
        blocks.append(_arrows(summary, lane))
    blocks += [_reasons(summary), _feeds(summary), _processes(summary)]
    return "\n\n".join("\n".join(map(clean, block)) for block in map(list, blocks) if block)


def _head(summary: Summary) -> Iterator[str]:
    span = duration(seconds_between(summary.first, summary.last))
    yield f"{when(summary.first)} to {when(summary.last)} UTC ({span})"
    starts = plural(sum(run.has_started for run in summary.runs.values()), "process start")
    yield f"{plural(summary.lines, 'line')}, {starts}{_foreign(summary)}"


def _foreign(summary: Summary) -> str:
    parts = []
    if summary.foreign:
        parts.append(f"{summary.foreign:,} torn or foreign lines passed over")
    if summary.repeated:
        parts.append(f"{summary.repeated:,} repeated")
    return "".join(f", {part}" for part in parts)


# -- what is wrong


def _wrong(summary: Summary) -> Iterator[str]:
    errors, warnings = list(errors_of(summary)), list(warnings_of(summary))
    if not errors and not warnings:
        yield "Nothing is wrong, the books balance: everything that came in is explained."
        return
    if errors:
        yield "WRONG"
        yield from (f"  {line}" for line in errors)
    if not errors:
        yield "The books balance: everything that came in is explained."
    if warnings:
        yield "LOOK AT"
        yield from (f"  {line}" for line in warnings)


def errors_of(summary: Summary) -> Iterator[str]:
    """What must not be: records without a line, files that could not be read."""
    for ledger in summary.stages:
        lost = summary.unexplained(ledger)
        if lost:
            yield (
                f"{title_of(ledger)}: {lost:,} of {ledger.taken_in:,} records have no line to"
                " explain them; is a log file missing?"
            )
    for problem in summary.problems:
        yield f"not read to its end: {problem}"


def warnings_of(summary: Summary) -> Iterator[str]:
    """What an operator should look at, the most pressing first."""
    for ledger in summary.stages:
        title = title_of(ledger)
        for place, line in sorted(ledger.held.items()):
            yield f"{title}: {place} is held since {when(line.ts)}: {line.why}"
    for ledger in summary.stages:
        dead = ledger.outcomes["dead"]
        if dead:
            share = 100 * dead / max(1, ledger.taken_in)
            letters = plural(dead, "dead letter")
            yield f"{title_of(ledger)}: {letters} ({share:.1f} %); see: newsmill dead list"
    yield from _crashes(summary)
    yield from _faults(summary)
    for (service, event), count in sorted(summary.alarms.items()):
        yield f"{service}: {_SAYS[event]}: {plural(count, 'time')}"
    yield from islice(summary.findings.hosts, TOP)
    yield from islice(summary.findings, TOP)
    yield from _lags(summary)
    yield from _ailing(summary)
    yield from _odd_processes(summary)
    if summary.missing_lines:  # what a worker could not write into one log may be in another
        yield f"{summary.missing_lines:,} log lines are missing"


def _lags(summary: Summary) -> Iterator[str]:
    for ledger in summary.stages:
        lag = summary.lag(ledger)
        if lag is not None and lag.verdict != "ok":
            says = {
                "behind": "falls behind: more comes than it finishes",
                "stalled": "stalled: it finishes nothing",
                "stopped": "not there: its workers say nothing",
            }[lag.verdict]
            yield (
                f"{title_of(ledger)}: {says}; {lag.records:,} wait,"
                f" the oldest for {duration(lag.seconds)} or more"
            )


def _ailing(summary: Summary) -> Iterator[str]:
    says: dict[State, str] = {
        "failing": "failed at the last poll",
        "silent": "not polled any more",
        "emptied": "had entries, and has none",
        "stale": "gave nothing for five times its usual gap",
        "lost entries": "lost entries: a poll shared none with the one before",
    }
    states = [state for _, state in summary.feeds.ailing(summary.last)]
    for state, words in says.items():
        if count := states.count(state):
            yield f"{plural(count, 'feed')} {words}"


def _odd_processes(summary: Summary) -> Iterator[str]:
    for run in summary.runs.values():
        name = f"{run.service}-{run.slot}"
        if run.memory.grew_mb:
            yield f"{name}: its memory grew by {run.memory.grew_mb:,.0f} MB, to {run.rss_mb:,.0f}"
        if run.jumped_s:
            way = "forward" if run.jumped_s > 0 else "back"
            by = duration(abs(run.jumped_s))
            yield f"{name}: its clock jumped {way} by {by} before {when(run.jumped_at)}"
    if summary.journeys.backwards_s > CLOCKS_AGREE_S:
        by = duration(summary.journeys.backwards_s)
        yield f"the clocks of the machines differ by {by} or more"


def _crashes(summary: Summary) -> Iterator[str]:
    last: dict[str, tuple[int, str]] = {}
    for run in summary.crashed:
        name = f"{run.service}-{run.slot}"
        count, ts = last.get(name, (0, ""))
        last[name] = (count + 1, max(ts, run.last))
    for name, (count, ts) in sorted(last.items())[:TOP]:
        yield f"{name}: crashed or was killed: {plural(count, 'time')}, last after {when(ts)}"
    if len(last) > TOP:
        yield f"and {plural(len(last) - TOP, 'other worker')} crashed or were killed"


def _faults(summary: Summary) -> Iterator[str]:
    """Workers that ended with an error, each with the last one."""
    last: dict[str, tuple[int, Run]] = {}
    for run in summary.failed:
        name = f"{run.service}-{run.slot}"
        count, before = last.get(name, (0, run))
        last[name] = (count + 1, max(before, run, key=lambda each: each.last))
    for name, (count, run) in sorted(last.items())[:TOP]:
        times = plural(count, "time")
        yield f"{name}: ended with an error: {times}, last {when(run.last)}: {run.fault}"
    if len(last) > TOP:
        yield f"and {plural(len(last) - TOP, 'other worker')} ended with an error"


def title_of(ledger: Ledger) -> str:
    """The stage with its store, and its lane where that is not live."""
    return name_of(ledger) if ledger.lane == "live" else f"{ledger.lane} {name_of(ledger)}"


# -- the account


def _stages(summary: Summary, lane: str) -> Iterator[str]:
    ledgers = [ledger for ledger in summary.stages if ledger.lane == lane]
    names = [name for name in OUTCOMES if any(ledger.outcomes[name] for ledger in ledgers)]
    rows = [["STAGE", "in", *names, "waiting", "/s", "p50 ms", "p95", "p99"]]
    rows += [
        [
            name_of(ledger),
            f"{ledger.taken_in:,}",
            *(f"{ledger.outcomes[name]:,}" for name in names),
            f"{ledger.waiting:,}",
            number(rate_of(ledger)),
            *(number(ledger.took.quantile(share)) for share in (0.5, 0.95, 0.99)),
        ]
        for ledger in ledgers
    ]
    if lane != "live" or len({ledger.lane for ledger in summary.stages}) > 1:
        yield f"Lane {lane}"
    yield from table(rows)
    for ledger in ledgers:
        if ledger.retries:
            attempts = plural(ledger.retries, "attempt")
            yield f"{attempts} of the {ledger.stage} ended in another one later"


def _arrows(summary: Summary, lane: str) -> Iterator[str]:
    for arrow in summary.arrows:
        if arrow.lane != lane:
            continue
        rest = ""
        if arrow.on_the_way > 0:
            rest = f"   {arrow.on_the_way:,} on the way"
        elif arrow.on_the_way < 0:
            rest = f"   {-arrow.on_the_way:,} from elsewhere (retried letters, older logs)"
        lag = summary.lag(arrow.target)
        if lag is not None and lag.records:
            rest += f"   {lag.records:,} waiting, {duration(lag.seconds)} behind, {_drained(lag)}"
        target = name_of(arrow.target)
        yield f"{arrow.source} {arrow.published:,} → {target} {arrow.taken_in:,}{rest}"
    took = summary.journeys.end_to_end
    if took.count and lane == summary.stages[0].lane:
        p50, p95, p99 = (duration((took.quantile(q) or 0.0) / 1000) for q in (0.5, 0.95, 0.99))
        of = plural(took.count, "article")
        if summary.journeys.share < 1:
            of += f", one in {1 / summary.journeys.share:.0f}"
        yield f"END TO END  p50 {p50}, p95 {p95}, p99 {p99}, from the feed to the store ({of})"


def _drained(lag: Lag) -> str:
    if lag.drain_s is None:
        return "not getting less"
    return f"through in {duration(lag.drain_s)}"


def _reasons(summary: Summary) -> Iterator[str]:
    rows = []
    for ledger in summary.stages:
        found = ledger.reasons.most_common()
        for (outcome, reason), count in found[:TOP]:
            examples = ledger.examples.get(reason, []) if outcome == "dead" else []
            example = f"e.g. {examples[0]}" if examples else ""
            rows.append([title_of(ledger), outcome, reason, f"{count:,}", example])
        if len(found) > TOP:
            rows.append([title_of(ledger), "…", f"{len(found) - TOP} more reasons", "", ""])
    if rows:
        yield from table([["WHY", "", "", "", ""], *rows], left=(0, 1, 2, 4))


def _feeds(summary: Summary) -> Iterator[str]:
    feeds = summary.feeds
    if not feeds.known:
        return
    resting = sum(feed.rests for feed in feeds.by_url.values())
    yield (
        f"FEEDS  {len(feeds.known) - resting:,} polled, {feeds.polls + feeds.quiet_polls:,} polls,"
        f" {feeds.failed_polls:,} failed" + (f"; {resting:,} at rest" if resting else "")
    )
    quiet = sorted(
        age for feed in feeds.by_url.values() if (age := feed.quiet_s(summary.last)) is not None
    )
    if quiet:
        half, most = duration(quiet[len(quiet) // 2]), duration(quiet[-1])
        yield f"  something new: half of them within {half}, the quietest {most} ago"
    ailing = feeds.ailing(summary.last)
    for feed, state in ailing[:TOP]:
        yield f"  {_why(feed, state):<34} {feed.url[:60]}"
    if len(ailing) > TOP:
        yield f"  … and {len(ailing) - TOP:,} more"


def _why(feed: Feed, state: State) -> str:
    if state == "failing":
        return f"{feed.fault} since {when(feed.failing_since)[5:16]}"
    since = {"silent": feed.heard, "stale": feed.last_fresh, "emptied": feed.emptied_at}.get(
        state, feed.lost_at
    )
    return f"{state} since {when(since)[5:16]}"


def _processes(summary: Summary) -> Iterator[str]:
    runs = summary.runs.values()
    crashed, still = summary.crashed, summary.still_open
    starts = sum(run.has_started for run in runs)
    stops = sum(run.has_stopped for run in runs)
    quiet = [run for run in still if seconds_between(run.last, summary.last) > SILENT_S]
    yield (
        f"PROCESSES  {starts} starts, {stops} stops, {len(crashed)} crashed or killed,"
        f" {len(still) - len(quiet)} at work"
    )
    for run in quiet[:TOP]:
        yield f"  {run.service}-{run.slot} did not say that it stops: last heard {when(run.last)}"
    peak = max(runs, key=lambda run: run.rss_mb, default=None)
    if peak is not None and peak.rss_mb:
        yield f"  most memory: {peak.service}-{peak.slot}, {peak.rss_mb:,.0f} MB"
    longest = summary.longest
    if longest is not None:
        records = f" of {longest.records:,} records" if longest.records is not None else ""
        yield (
            f"  longest step: {longest.took_ms:,.0f} ms{records},"
            f" {longest.service}-{longest.slot} at {when(longest.ts)}"
        )
