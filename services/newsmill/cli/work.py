"""``work``: one worker, and nothing imported that only other commands need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from newsmill.bus.base import BusAway
from newsmill.cli.options import BUS, WEB, read_settings, settings_flags
from newsmill.errors import Misconfigured
from newsmill.process.host import EXIT_NOT_READY
from newsmill.process.life import follow_parent

ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")


@contextmanager
def asked_again() -> Iterator[None]:
    """End with the code that asks for another start where the bus is away: it may come back.

    After a reboot workers are there before their broker is; as a wrong setting they would rest.
    """
    try:
        yield
    except BusAway as away:
        click.echo(f"newsmill: {away}", err=True)
        raise click.exceptions.Exit(EXIT_NOT_READY) from None


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
    if sources and role != "producer":
        raise Misconfigured("--source is for the producer")
    with asked_again():
        if sources:
            return int(import_module("newsmill.producer.reader").run(settings, sources))
        return int(import_module(f"newsmill.{role}.worker").run(settings))
