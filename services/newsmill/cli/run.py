"""``run``, ``work``, ``newsroom``: the pipeline on this machine."""

from __future__ import annotations

import fcntl
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.archiver.stores import wanted_stores
from newsmill.cli.feeds import load_feeds, read_feeds, replace_feeds
from newsmill.cli.options import BUS, WEB, read_settings, settings_flags
from newsmill.cli.watch import Watch
from newsmill.errors import Misconfigured
from newsmill.newsroom import FEEDS as SAMPLE_FEEDS
from newsmill.newsroom import HOSTS, Newsroom, opml
from newsmill.process.life import follow_parent
from newsmill.process.settings import Settings
from newsmill.process.web import require_contact
from newsmill.records import Feed

ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")
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
    with ExitStack() as stack:
        stack.enter_context(sole_owner(settings.data))
        if settings.bus.startswith("file:"):  # its workers would take each other's slots
            folder = Path(settings.bus.removeprefix("file:").partition("?")[0])
            stack.enter_context(sole_owner(folder, name=f"run-{settings.lane}.lock"))
        check_logs(settings)
        opened = bus.connect(settings.bus_url, settings.lane)
        opened.create()
        stack.callback(opened.close)
        present = [feed for feed in read_feeds(opened).values() if not feed.paused]
        if wanted is None and {feed.url for feed in present} <= set(SAMPLE_FEEDS):
            wanted = tuple(Feed(url=url) for url in SAMPLE_FEEDS)
            settings = sample_settings(settings, stack.enter_context(Newsroom()))
        require_contact([feed.url for feed in wanted or present], settings)
        if wanted is not None:
            replace_feeds(opened, wanted)
        return Watch(settings, opened, roles(settings)).run()


def roles(settings: Settings) -> list[tuple[str, int]]:
    """The worker processes of a run: role and slot."""
    many = {"extractor": settings.workers, "enricher": settings.workers}
    many["archiver"] = len(wanted_stores(settings))
    return [(role, slot) for role in ROLES for slot in range(many.get(role, 1))]


def sample_settings(settings: Settings, newsroom: Newsroom) -> Settings:
    """The settings with which the sample newsroom is read once, whatever its dates."""
    return replace(
        settings,
        resolve=(*newsroom.resolve, *settings.resolve),
        once=True,
        first_poll_days=0.0,
        min_interval_s=1.0,
    )


@contextmanager
def sole_owner(data: Path, name: str = "run.lock") -> Iterator[None]:
    """Hold a folder; raises Misconfigured where another run does."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Misconfigured(f"{data}: not a folder; give --data DIR") from None
    with (data / name).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                f"{data}: another newsmill run works in it; stop that one, or give another folder"
            ) from None
        yield


def check_logs(settings: Settings) -> None:
    """Raises Misconfigured where no log can be written, from which a run tells what came of it."""
    folder = settings.log_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise Misconfigured(f"logs {folder}: not a folder; give --data DIR") from None
    except OSError as error:
        raise Misconfigured(f"logs {folder} cannot be written: {error.strerror}") from None


@click.command("work")
@click.argument("role", type=click.Choice([*ROLES, "retrier"]))
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Producer: replay this file of page lines instead of polling.",
)
@settings_flags(*BUS, "store", *WEB, "slot", "health", "children", "log_level")
def work_command(role: str, sources: tuple[Path, ...], **flags: Any) -> int:
    """Run one worker until it is told to stop.

    \b
    Example: newsmill work extractor --bus file:/var/lib/newsmill/bus --health 8080
    """
    follow_parent()
    settings = read_settings(flags)
    if sources:
        if role != "producer":
            raise Misconfigured("--source is for the producer")
        return int(import_module("newsmill.producer.reader").run(settings, sources))
    return int(import_module(f"newsmill.{role}.worker").run(settings))


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
