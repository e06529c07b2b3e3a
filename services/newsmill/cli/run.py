"""``run``, ``newsroom``: the pipeline on this machine."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.cli.feeds import load_feeds, read_feeds, replace_feeds
from newsmill.cli.hold import check_logs, roles, sole_owner
from newsmill.cli.options import BUS, WEB, read_settings, settings_flags
from newsmill.cli.watch import Watch
from newsmill.cli.work import asked_again
from newsmill.errors import Misconfigured
from newsmill.newsroom import FEEDS as SAMPLE_FEEDS
from newsmill.newsroom import HOSTS, Newsroom, opml
from newsmill.process.settings import Settings
from newsmill.process.web import require_contact
from newsmill.records import Feed

NEWSROOM_PORT = 8017


@click.command("run")
@click.option("--feeds", type=click.Path(path_type=Path), help="OPML file, or a list of URLs.")
@settings_flags(*BUS, "store", *WEB, "workers", "once", "log_level")
def run_command(feeds: Path | None, **flags: Any) -> int:
    """Run all workers on this machine: feeds in, article records out.

    Without feeds it runs the bundled sample newsroom once, and tells what came of it.

    \b
    Example: newsmill run --feeds my.opml --contact me@site.org
    """
    settings = read_settings(flags)
    wanted = load_feeds(feeds) if feeds else None
    with asked_again(), ExitStack() as stack:
        stack.enter_context(sole_owner(settings.data))
        opened = bus.connect(settings.bus_url, settings.lane)
        stack.callback(opened.close)
        if settings.bus.startswith("file:"):  # its workers would take each other's slots
            folder = Path(settings.bus.removeprefix("file:").partition("?")[0])
            stack.enter_context(sole_owner(folder, name=f"run-{settings.lane}.lock"))
        check_logs(settings)
        opened.create()
        present = [feed for feed in read_feeds(opened).values() if not feed.paused]
        if wanted is None and {feed.url for feed in present} <= set(SAMPLE_FEEDS):
            wanted = tuple(Feed(url=url) for url in SAMPLE_FEEDS)
            settings = sample_settings(settings, stack.enter_context(Newsroom()))
        require_contact([feed.url for feed in wanted or present], settings)
        if wanted is not None:
            replace_feeds(opened, wanted)
        return Watch(settings, opened, roles(settings)).run()


def sample_settings(settings: Settings, newsroom: Newsroom) -> Settings:
    """The settings with which the sample newsroom is read once, whatever its dates."""
    return replace(
        settings,
        resolve=(*newsroom.resolve, *settings.resolve),
        once=True,
        first_poll_days=0.0,
        min_interval_s=1.0,
    )


@click.command("newsroom")
@click.option("--port", default=NEWSROOM_PORT, help="Port on 127.0.0.1.", show_default=True)
@click.option("--opml", "as_opml", is_flag=True, help="Print its feeds as OPML and end.")
def newsroom_command(port: int, as_opml: bool) -> None:
    """Serve the sample newsroom on this machine, and say how to reach it.

    \b
    Example: newsmill newsroom --opml > sample.opml; newsmill newsroom
    """
    if as_opml:
        click.echo(opml(), nl=False)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    newsroom = Newsroom(port)
    try:
        newsroom.start()
    except (OSError, OverflowError):
        raise Misconfigured(f"newsroom: no port {port} to be had; give another --port") from None
    try:
        rules = " ".join(newsroom.resolve)
        click.echo(
            f"The sample newsroom is served at 127.0.0.1:{newsroom.port}, {len(HOSTS)} hosts."
        )
        click.echo(f"Send its names there:\n\nexport NEWSMILL_RESOLVE='{rules}'\n")
        click.echo("Then, for example:\n")
        click.echo(f"newsmill poll {SAMPLE_FEEDS[0]} | newsmill fetch | newsmill extract --jsonl")
        sys.stdout.flush()
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo()
    finally:
        newsroom.stop()
