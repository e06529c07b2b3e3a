"""``ops report|follow``: the logs as a page to pass on, and as a live screen."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from newsmill.cli.options import read_settings, settings_flags
from newsmill.ops.follow import Live
from newsmill.ops.lines import parse
from newsmill.ops.read import Logs
from newsmill.ops.report import html
from newsmill.ops.screen import BAD, screen
from newsmill.ops.sites import Sites
from newsmill.ops.summary import Summary
from newsmill.ops.tail import Tail
from newsmill.ops.timeline import Timeline

TURN_S = 1.0
_ALTERNATE, _NORMAL = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
LOGS = click.argument("logs", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))


@click.command("report")
@LOGS
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="HTML file.")
@click.option("--title", default="newsmill", help="Its heading.")
@settings_flags("data", "lane")
def report_command(logs: tuple[Path, ...], output: Path | None, title: str, **flags: Any) -> int:
    """Write one page of HTML with plots and tables, to pass on: no script, nothing from elsewhere.

    \b
    Example: newsmill ops report -o monday.html
    """
    read = Logs(logs or [read_settings(flags).log_dir])
    timeline, sites = Timeline(), Sites()
    summary = Summary([sites.heard])
    for raw in read:  # one pass: what comes from a pipe comes once
        line = parse(raw)
        if line is not None:
            summary.take(line)
            timeline.take(line)
        elif raw.strip():
            summary.foreign += 1
    summary.close()
    summary.problems = list(read.problems)
    page = html(summary, timeline, sites, title)
    if output is None:
        click.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")
        click.echo(f"Wrote {output} ({len(page) // 1024} kB).", err=True)
    return 0 if summary.is_balanced else 1


@click.command("follow")
@LOGS
@settings_flags("data", "lane")
def follow_command(logs: tuple[Path, ...], **flags: Any) -> int:
    """Show live what the workers do; Ctrl-C ends it. Not on a terminal: the screen once.

    \b
    Example: newsmill ops follow
             kubectl logs -f -l app=newsmill | newsmill ops follow -
    """
    paths = [path for path in logs if str(path) != "-"]
    stream = sys.stdin.fileno() if len(paths) < len(logs) else None
    if not logs:
        paths = [read_settings(flags).log_dir]
    tail = Tail(paths, stream)
    try:
        if sys.stdout.isatty():
            _show(tail)
        else:
            click.echo(screen(_whole(tail), *shutil.get_terminal_size((100, 40))))
    finally:
        tail.close()
    return 0


def _whole(tail: Tail) -> Live:
    """What the files hold, and a stream to its end."""
    live = Live()
    live.feed(tail.lines())
    while tail.is_streaming:
        time.sleep(TURN_S / 10)
        live.feed(tail.lines())
    return live


def _show(tail: Tail) -> None:
    live = Live()
    click.echo(_ALTERNATE, nl=False)
    try:
        for size in _turns():
            live.feed(tail.lines())
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
            rows = screen(live, size.columns, size.lines - 1, now).split("\n")
            click.echo("\x1b[H" + "\x1b[K\n".join(map(_coloured, rows)) + "\x1b[J", nl=False)
    except KeyboardInterrupt:
        pass
    finally:
        click.echo(_NORMAL, nl=False)


def _coloured(row: str) -> str:
    return f"\x1b[1;31m{row}\x1b[0m" if row.startswith(BAD) else row


def _turns() -> Iterator[os.terminal_size]:
    while True:
        yield shutil.get_terminal_size()
        time.sleep(TURN_S)
