"""``reprocess``: what was kept as it was fetched, through this newsmill or another version."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import click

from newsmill import __version__
from newsmill.archiver.lanes import article_stores, has_lane
from newsmill.bus import environment as of_kafka
from newsmill.cli import diff
from newsmill.cli.lane import open_bus
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.replay import run_replay
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from newsmill.replay import manifest
from newsmill.replay.lanes import LIVE
from newsmill.topics import PAGES

PAGE = "diff.html"
ASK_S = 60.0  # for an interpreter to say which newsmill it has
_OF_ANOTHER = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")  # would make it ours again


@click.command("reprocess")
@click.option("--lane", required=True, help="Lane that the new records go to.")
@click.option(
    "--from", "origin", default=LIVE, show_default=True, help="Lane whose pages are read."
)
@click.option("--with", "python", metavar="PYTHON", help="Interpreter that has another newsmill.")
@settings_flags("data", "bus", "store", "workers", "log_level")
def reprocess_command(lane: str, origin: str, python: str | None, **flags: Any) -> int:
    """Run kept pages through this newsmill, or another version, and say what differs from live.

    The pages are those of the raw archive (--store warc keeps it). The report is printed; the same
    as a page of HTML lies beside the lane's manifest. Nothing of live is touched: newsmill lane
    promote takes the new records over.

    \b
    Example: newsmill reprocess --lane next --with ~/newsmill-2/bin/python
    """
    settings = read_settings(flags | {"lane": lane})
    if lane in (LIVE, origin):
        raise Misconfigured(f"lane {lane} is what is compared with; give the new records their own")
    pages = _pages(replace(settings, lane=origin), python is None)
    if python is None:
        click.echo(f"newsmill {__version__} over {pages}", err=True)
        code = run_replay(settings, [pages], quiet=True)[0]
    else:
        code = _run_other(python, settings, pages)
    if code:
        return code
    _report(settings)
    return 0


def _pages(origin: Settings, is_ours: bool) -> str:
    """The raw archive of a lane, or what its topic holds of it; raises Misconfigured for neither.

    The topic is for this newsmill alone: another one has a bus of its own.
    """
    if any(origin.archive_path.glob("*.warc.gz")):
        return str(origin.archive_path)
    if is_ours and origin.lane != LIVE and (opened := open_bus(origin, origin.lane)) is not None:
        with closing(opened):
            if any(one.topic == PAGES.name and one.records for one in opened.describe()):
                return f"topic:{origin.lane}.{PAGES.name}"
    raise Misconfigured(
        f"lane {origin.lane} has no raw archive in {origin.archive_path}: run it with"
        " --store sqlite --store warc, and what is fetched from then on is kept"
    )


def _run_other(python: str, settings: Settings, pages: str) -> int:
    """Replay by another interpreter's newsmill; gives its exit code.

    On the embedded bus it gets one of its own beside the lane's manifest: another version may write
    another format, and live's file is not for it to change.
    """
    environment = {k: v for k, v in os.environ.items() if k not in _OF_ANOTHER}
    environment = {k: v for k, v in environment.items() if not k.startswith("NEWSMILL_")}
    environment |= of_kafka.told_on(os.environ)
    where = settings.bus_url
    if where.startswith("file:"):
        where = f"file:{settings.lane_dir.absolute() / 'bus'}"
    newsmill = [python, "-P", "-m", "newsmill"]  # -P: not the one in the present folder
    version = _version(newsmill, environment)
    click.echo(f"{version} over {pages}", err=True)
    words = ["replay", pages, "--lane", settings.lane, "--data", str(settings.data.absolute())]
    words += ["--bus", where, "--workers", str(settings.workers)]
    return _run([*newsmill, *words], environment)


def _version(newsmill: Sequence[str], environment: dict[str, str]) -> str:
    """What another interpreter's newsmill calls itself; raises Misconfigured where it has none."""
    try:
        asked = subprocess.run(  # noqa: S603  # the interpreter that the user named
            [*newsmill, "--version"],
            capture_output=True,
            timeout=ASK_S,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Misconfigured(f"--with {newsmill[0]}: {error}") from None
    said = asked.stdout.decode("utf-8", "replace").strip()
    if asked.returncode or not said.startswith("newsmill"):
        told = asked.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Misconfigured(f"--with {newsmill[0]}: no newsmill there{told and f': {told}'}")
    return said


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run it to its end; a signal to stop is handed on, so that it drains."""
    process = subprocess.Popen(  # noqa: S603  # the interpreter that the user named
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )

    def hand_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {n: signal.signal(n, hand_on) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(settings: Settings) -> None:
    live = replace(settings, lane=LIVE)
    if not any(has_lane(wanted, live) for wanted in article_stores(live)):
        click.echo("Live has no articles yet to compare with.")
        return
    found = diff.diff_lanes(settings, LIVE, settings.lane)
    page = settings.lane_dir / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    diff.write_page(found, LIVE, settings.lane, page)
    diff.tell(found, LIVE, settings.lane)
    click.echo(f"\n  The same as a page: {page}")
    if (made := _manifest(settings)) is not None:
        click.echo(f"  The manifest is {made}")
    click.echo(f"  To take it over: newsmill lane promote {settings.lane}")


def _manifest(settings: Settings) -> Path | None:
    path = settings.lane_dir / manifest.FILE
    return path if path.exists() else None
