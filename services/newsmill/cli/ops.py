"""``ops``: the operator's questions, answered from logs alone; summary and trace are here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from newsmill.cli.judge import check_command, compare_command, rules_command, sites_command
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.screens import follow_command, report_command
from newsmill.ops.as_json import summary_json
from newsmill.ops.journey import render_trace, trace_json
from newsmill.ops.read import Logs
from newsmill.ops.render import render_summary
from newsmill.ops.summary import summarise
from newsmill.ops.trace import trace

LOGS = click.argument("logs", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))


@click.group("ops")
def ops_command() -> None:
    """Answer an operator's questions from the logs alone."""


for command in (
    sites_command, compare_command, check_command, rules_command, report_command, follow_command,
):  # fmt: skip
    ops_command.add_command(command)


def _logs(logs: tuple[Path, ...], flags: dict[str, Any]) -> Logs:
    return Logs(logs or [read_settings(flags).log_dir])


@ops_command.command("summary")
@LOGS
@settings_flags("data", "lane")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def summary_(logs: tuple[Path, ...], as_json: bool, **flags: Any) -> int:
    """Say what came in, what came out, what is wrong, and whether the books balance.

    LOGS are files, folders or - for standard input; those of --data where there are none.

    \b
    Example: newsmill ops summary
             kubectl logs -l app=newsmill | newsmill ops summary -
    """
    summary = summarise(_logs(logs, flags))
    if as_json:
        sys.stdout.buffer.write(summary_json(summary) + b"\n")
    else:
        click.echo(render_summary(summary))
    return 0 if summary.is_balanced else 1


@ops_command.command("trace")
@click.argument("what", metavar="ID|URL")
@LOGS
@settings_flags("data", "lane")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def trace_(what: str, logs: tuple[Path, ...], as_json: bool, **flags: Any) -> int:
    """Follow one article through all workers: by page id, article id or URL.

    \b
    Example: newsmill ops trace https://news.example/story.html
    """
    found = trace(_logs(logs, flags), what)
    if as_json:
        sys.stdout.buffer.write(trace_json(found) + b"\n")
    else:
        click.echo(render_trace(found))
    return 0 if found.found else 1
