"""The summary as a person reads it: what is wrong first, then the account, in 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import moment, seconds_between
from newsmill.ops.summary import Summary, name_of, rate_of
from newsmill.process.events import OUTCOMES
from newsmill.process.telemetry import clean

TOP = 8  # reasons of a stage, failing feeds
_SAYS = {
    "annotator.failed": "an annotator failed, and the article went on without it",
    "bus.full": "the bus had no room (free disk, or raise its cap)",
    "cap.hit": "a cap was met",
    "child.killed": "a child process died or was killed, and its page is a dead letter",
    "disk.low": "the disk was short, and no new work was taken",
    "fuse.blown": "too large a share died, and the worker stopped (look at the dead)",
    "host.backoff": "a host asked us to wait, or failed",
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
        yield "Nothing is wrong: everything that came in is explained."
        return
    if errors:
        yield "WRONG"
        yield from (f"  {line}" for line in errors)
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
    for (service, event), count in sorted(summary.alarms.items()):
        yield f"{service}: {_SAYS[event]}: {plural(count, 'time')}"
    if summary.feeds.failing:
        yield f"{plural(len(summary.feeds.failing), 'feed')} failed at the last poll"
    lost_lines = sum(run.lost for run in summary.runs.values())
    if summary.missing_lines or lost_lines:
        yield f"{max(summary.missing_lines, lost_lines):,} log lines are missing"


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
        yield f"{arrow.source} {arrow.published:,} → {arrow.target} {arrow.taken_in:,}{rest}"


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
    yield (
        f"FEEDS  {len(feeds.known):,} polled, {feeds.polls + feeds.quiet_polls:,} polls,"
        f" {feeds.failed_polls:,} failed"
    )
    failing = sorted(feeds.failing.items())
    for (_, feed), why in failing[:TOP]:
        yield f"  {why:<14} {feed[:80]}"
    if len(failing) > TOP:
        yield f"  … and {len(failing) - TOP:,} more"


def _processes(summary: Summary) -> Iterator[str]:
    runs = summary.runs.values()
    crashed, still = summary.crashed, summary.still_open
    starts = sum(run.has_started for run in runs)
    stops = sum(run.has_stopped for run in runs)
    yield f"PROCESSES  {starts} starts, {stops} stops, {len(crashed)} crashed or killed"
    for run in still[:TOP]:
        yield f"  {run.service}-{run.slot} has not stopped: last heard {when(run.last)}"
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


# -- words and numbers


def table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> Iterator[str]:
    """Rows as aligned columns, numbers to the right, the columns of ``left`` to the left."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.ljust(widths[at]) if at in left else cell.rjust(widths[at])
            for at, cell in enumerate(row)
        )
        yield "  ".join(cells).rstrip()


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def number(value: float | None) -> str:
    """A number in about three digits; nothing for None."""
    if value is None:
        return ""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """A duration in its two largest units."""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def when(ts: str) -> str:
    """A time of a line, to the second, in UTC."""
    found = moment(ts)
    return found.strftime("%Y-%m-%d %H:%M:%S") if found else ts[:24]
