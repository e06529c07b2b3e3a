"""A report of the logs as one page of HTML that stands alone: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from newsmill.ops.lines import seconds_between
from newsmill.ops.plots import plot
from newsmill.ops.render import errors_of, title_of, warnings_of
from newsmill.ops.runs import Run
from newsmill.ops.sites import MISSABLE, Sites
from newsmill.ops.sites_view import sentence
from newsmill.ops.summary import STAGES, Summary, rate_of
from newsmill.ops.timeline import Timeline
from newsmill.ops.words import duration, number, when
from newsmill.process.events import OUTCOMES
from newsmill.process.telemetry import clean

TOP = 20  # rows of a table

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root{color-scheme:light dark;--ink:#1c2126;--paper:#fff;--faint:#667;--edge:#dfe3e8;--good:#0a7a50;
--bad:#b3261e;--doubt:#b26a00}
@media(prefers-color-scheme:dark){:root{--ink:#e3e6ea;--paper:#15181b;--faint:#9aa4ae;--edge:#343a40;
--good:#4cc38a;--bad:#ff8a80;--doubt:#f0b35a}svg path.line[stroke="#000000"]{stroke:#fff}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1340px;
margin:0 auto;padding:1.2rem}
h1{font-size:1.35rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
p.when{color:var(--faint);margin:.1rem 0 1rem}
.verdict{border-left:.35rem solid var(--good);padding:.5rem .9rem;margin:0 0 1rem}
.verdict.bad{border-color:var(--bad)}.verdict.doubt{border-color:var(--doubt)}
.verdict ul{margin:.2rem 0;padding-left:1.1rem}
.verdict b{display:block}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1rem}
figure{margin:0;border:1px solid var(--edge);border-radius:.5rem;padding:.7rem}
figcaption{font-weight:600}small{color:var(--faint);font-weight:400}
figure>svg{width:100%;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:var(--faint)}svg text.y{text-anchor:end}
svg .grid{stroke:var(--edge);stroke-width:1}svg .line{fill:none;stroke-width:1.6;
stroke-linejoin:round;stroke-linecap:round}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:.3rem 0 0;padding:0;
font-size:.85rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{padding:.28rem .6rem;border-bottom:1px solid var(--edge);text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}
th{font-weight:600}th:first-child,td:first-child,.l{text-align:left}
td.l{white-space:normal;overflow-wrap:anywhere;min-width:9rem}
"""


def html(summary: Summary, timeline: Timeline, sites: Sites, title: str = "newsmill") -> str:
    """The page."""
    span = duration(seconds_between(summary.first, summary.last))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{_text(title)}: {when(summary.first)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{_text(title)}</h1>"
        f"<p class=when>{when(summary.first)} to {when(summary.last)} UTC ({span}),"
        f" {summary.lines:,} lines</p>"
        f"{_verdict(summary)}<div class=plots>{''.join(_plots(timeline))}</div>"
        f"{_stages(summary)}{_reasons(summary)}{_changes(sites)}{_sites(sites)}{_feeds(summary)}"
        f"{_processes(summary)}"
        "</body></html>\n"
    )


def _verdict(summary: Summary) -> str:
    wrong, doubtful = list(errors_of(summary)), list(warnings_of(summary))
    if not wrong and not doubtful:
        said = "<b>Nothing is wrong: everything that came in is explained.</b>"
        return f"<div class=verdict>{said}</div>"
    said = _list("Wrong", wrong) + _list("Look at", doubtful)
    kind = "bad" if wrong else "doubt"
    return f'<div class="verdict {kind}">{said}</div>'


def _list(head: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<b>{head}</b><ul>{items}</ul>" if lines else ""


def _plots(of: Timeline) -> Iterator[str]:
    starts = of.starts
    stages = [stage for stage in STAGES if stage in of.stages]
    yield plot(
        "Published", "records a second", starts,
        {stage: of.rates(stage, "published") for stage in stages}, order=STAGES,
    )  # fmt: skip
    yield plot(
        "Not published", "records a second: dead, refused, filtered, duplicate", starts,
        {
            f"{stage} {outcome}": rates
            for outcome in ("dead", "refused", "filtered", "duplicate")
            for stage in stages
            if any(rates := of.rates(stage, outcome))
        },
    )  # fmt: skip
    yield plot(
        "Work on a record, 95 of 100", "ms or less", starts,
        {stage: of.quantiles(stage, 0.95) for stage in stages}, order=STAGES, by_powers=True,
    )  # fmt: skip
    yield plot(
        "Age of what is taken in, 95 of 100", "ms or less since it was written", starts,
        {stage: of.quantiles(stage, 0.95, of_age=True) for stage in stages},
        order=STAGES, by_powers=True,
    )  # fmt: skip
    for title, unit, what in (
        ("Waiting", "records, as workers tell", "waiting"),
        ("Memory", "MB resident", "rss_mb"),
    ):
        told = {name: of.told(what, name) for name in of.workers}
        yield plot(title, unit, starts, told, order=STAGES)


def _stages(summary: Summary) -> str:
    rows = [
        [
            title_of(ledger),
            f"{ledger.taken_in:,}",
            *(f"{ledger.outcomes[name]:,}" for name in OUTCOMES),
            f"{ledger.waiting:,}",
            f"{summary.unexplained(ledger):,}",
            number(rate_of(ledger)),
            *(number(ledger.took.quantile(share)) for share in (0.5, 0.95, 0.99)),
        ]
        for ledger in summary.stages
    ]
    head = ["stage", "in", *OUTCOMES, "waiting", "unexplained", "/s", "p50 ms", "p95", "p99"]
    return _table("Stages", head, rows)


def _reasons(summary: Summary) -> str:
    rows = [
        [title_of(ledger), outcome, reason, f"{count:,}", _examples(ledger.examples, reason)]
        for ledger in summary.stages
        for (outcome, reason), count in ledger.reasons.most_common(TOP)
    ]
    return _table(
        "Why", ["stage", "outcome", "reason", "records", "examples"], rows, left=(1, 2, 4)
    )


def _examples(of: dict[str, list[str]], reason: str) -> str:
    return ", ".join(of.get(reason, ())[:2])


def _changes(sites: Sites) -> str:
    rows = [[sentence(change), ", ".join(change.examples[:2])] for change in sites.changes()[:TOP]]
    return _table("Sites that changed", ["what", "examples"], rows, left=(1,))


def _sites(sites: Sites) -> str:
    ordered = sorted(sites.by_name.values(), key=lambda one: (-one.all.pages, one.lane, one.site))
    head = ["site", "pages", "articles", *(f"no {name}" for name in MISSABLE), "tiers"]
    rows = []
    for site in ordered[:TOP]:
        whole = site.all
        tiers = sorted(whole.tiers.items(), key=lambda tier: (-tier[1], tier[0]))
        rows.append(
            [
                site.site,
                f"{whole.pages:,}",
                f"{whole.articles:,}",
                *(f"{whole.missing.get(name, 0):,}" for name in MISSABLE),
                ", ".join(f"{tier} {count:,}" for tier, count in tiers),
            ]
        )
    return _table("Sites of most pages", head, rows, left=(len(head) - 1,))


def _feeds(summary: Summary) -> str:
    ailing = summary.feeds.ailing(summary.last)
    rows = [
        [feed.url, state, feed.failing or ", ".join(feed.changes), when(feed.last_fresh)]
        for feed, state in ailing[:TOP]
    ]
    head = ["feed", "state", "why", "last gave something"]
    return _table("Feeds that are not well", head, rows, left=(1, 2, 3))


def _end(run: Run) -> str:
    if run.fault is not None:
        return f"an error: {run.fault}"
    return "stopped" if run.has_stopped else "open"


def _processes(summary: Summary) -> str:
    crashed = {run.run for run in summary.crashed}
    rows = [
        [
            f"{run.service}-{run.slot}",
            run.ver,
            when(run.first),
            duration(seconds_between(run.first, run.last)),
            "crashed or killed" if run.run in crashed else _end(run),
            number(run.rss_mb or None),
        ]
        for run in sorted(summary.runs.values(), key=lambda run: (run.first, run.service, run.slot))
    ][-3 * TOP :]
    head = ["process", "version", "first line", "for", "end", "most MB"]
    return _table("Processes", head, rows, left=(4,))


def _table(
    title: str, head: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = ()
) -> str:
    kinds = [" class=l" if at in left or not at else "" for at in range(len(head))]
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{_text(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    if not body:
        return ""
    names = "".join(f"<th{kind}>{name}</th>" for kind, name in zip(kinds, head, strict=True))
    return f"<h2>{title}</h2><div class=wide><table><tr>{names}</tr>{body}</table></div>"


def _text(value: str) -> str:
    return escape(clean(value))
