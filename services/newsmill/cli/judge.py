"""``ops sites|compare|check|rules``: what changed, what got worse, whether all is as asked."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from newsmill.cli.options import read_settings, settings_flags
from newsmill.errors import Misconfigured
from newsmill.ops.check import check
from newsmill.ops.check_view import check_json, render_check
from newsmill.ops.compare import Side, Sides, compare
from newsmill.ops.compare_view import comparison_json, render_comparison
from newsmill.ops.lines import moment
from newsmill.ops.objectives import DEFAULT, read_objectives
from newsmill.ops.read import Logs
from newsmill.ops.rules import TARGETS
from newsmill.ops.sites import Sites
from newsmill.ops.sites_view import render_sites, sites_json
from newsmill.ops.summary import summarise

PATHS = click.Path(path_type=Path, allow_dash=True)
LOGS = click.argument("logs", nargs=-1, type=PATHS)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


def _logs(logs: tuple[Path, ...], flags: dict[str, Any]) -> Logs:
    return Logs(logs or [read_settings(flags).log_dir])


def _say(text: str, json: bytes, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(json + b"\n")
    else:
        click.echo(text)


@click.command("sites")
@LOGS
@settings_flags("data", "lane")
@AS_JSON
def sites_command(logs: tuple[Path, ...], as_json: bool, **flags: Any) -> int:
    """Say how each site's pages are extracted, and which site changed, in what, since when.

    \b
    Example: newsmill ops sites
    """
    sites = Sites()
    summarise(_logs(logs, flags), [sites.heard])
    _say(render_sites(sites), sites_json(sites), as_json=as_json)
    return 0


@click.command("rules")
@click.argument("target", type=click.Choice(sorted(TARGETS)))
def rules_command(target: str) -> int:
    """Print the same figures as definitions for Loki, Vector, Grafana or lnav.

    \b
    Example: newsmill ops rules loki > newsmill-rules.yaml
             newsmill ops rules lnav > newsmill.json && lnav -i newsmill.json
    """
    click.echo(TARGETS[target](), nl=False)
    return 0


@click.command("compare")
@LOGS
@settings_flags("data", "lane")
@click.option("--deploy", is_flag=True, help="The last two versions in the same logs.")
@click.option("--at", metavar="TIME", help="Before and after a time (UTC) in the same logs.")
@AS_JSON
def compare_command(
    logs: tuple[Path, ...], deploy: bool, at: str | None, as_json: bool, **flags: Any
) -> int:
    """Say what got slower, and what fails more, from BEFORE to AFTER (files or folders).

    Ends with 1 where something got worse, by more than chance and by enough to matter.

    \b
    Example: newsmill ops compare monday/ tuesday/
             newsmill ops compare --deploy
    """
    if at is None and not deploy:
        if len(logs) != 2:
            raise Misconfigured("ops compare takes BEFORE and AFTER, or --deploy, or --at TIME")
        names = (str(logs[0]), str(logs[1]))
        before, after = (_side(path) for path in logs)
    else:
        names, before, after = _sides(_logs(logs, flags), at)
    rows = compare(before, after)
    _say(render_comparison(names, rows), comparison_json(names, rows), as_json=as_json)
    return 1 if any(row.is_worse for row in rows) else 0


def _side(path: Path) -> Side:
    side = Side()
    side.end_to_end = summarise(Logs([path]), [side.heard]).journeys.end_to_end
    return side


def _sides(logs: Logs, at: str | None) -> tuple[tuple[str, str], Side, Side]:
    """The two sides of one set of logs: by time, or by the last two versions in it."""
    if at is None:
        sides = Sides(lambda line: line.ver)
    else:
        when = moment(at.strip())
        if when is None:
            raise Misconfigured(f"--at {at}: no time; write it like 2026-03-01T08:00:00")
        border = f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
        sides = Sides(lambda line: f"before {at}" if line.ts < border else f"after {at}")
    summary = summarise(logs, [sides.heard])
    names = list(sides.by_name)
    if at is None:
        began: dict[str, str] = {}
        for run in summary.runs.values():
            began[run.ver] = min(run.first, began.get(run.ver, run.first))
        names = sorted(names, key=lambda ver: began.get(ver, ""))
    if len(names) < 2:
        raise Misconfigured("nothing to compare: the logs hold one side alone")
    first, second = names[-2:]
    if at is not None:
        first, second = f"before {at}", f"after {at}"
    return (first, second), sides.by_name[first], sides.by_name[second]


@click.command("check")
@LOGS
@settings_flags("data", "lane")
@click.option("--objectives", type=click.Path(path_type=Path), help="TOML; sensible ones without.")
@click.option("--now", metavar="TIME", help="Judge as of a time (UTC), or of the `last` line.")
@AS_JSON
def check_command(
    logs: tuple[Path, ...],
    objectives: Path | None,
    now: str | None,
    as_json: bool,
    **flags: Any,
) -> int:
    """Say whether all is as asked; ends with 1 and the reasons where it is not.

    Silence fails it too: of a worker, of a role, of a feed.

    \b
    Example: newsmill ops check
             newsmill ops check --objectives objectives.toml --json
    """
    asked = read_objectives(objectives) if objectives is not None else DEFAULT
    report = check(_logs(logs, flags), asked, _moment(now))
    _say(render_check(report), check_json(report), as_json=as_json)
    return 1 if report.failures else 0


def _moment(now: str | None) -> str | None:
    """The time to judge by, as lines write it; None for that of the last line."""
    if now == "last":
        return None
    found = datetime.now(UTC) if now is None else moment(now)
    if found is None:
        raise Misconfigured(f"--now {now}: no time; write it like 2026-03-01T08:00:00, or `last`")
    found = found.astimezone(UTC)
    return f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03d}Z"
