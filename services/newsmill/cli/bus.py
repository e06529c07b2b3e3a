"""``bus create|describe|lag``: the log itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
import orjson

from newsmill import bus
from newsmill.bus.base import Bus
from newsmill.cli.options import BUS, read_settings, settings_flags


@click.group("bus")
def bus_command() -> None:
    """Make and look at the topics of a lane."""


def _open(flags: dict[str, Any]) -> Bus:
    settings = read_settings(flags)
    return bus.connect(settings.bus_url, settings.lane)


@bus_command.command("create")
@settings_flags(*BUS)
def create(**flags: Any) -> None:
    """Make the topics that are missing.

    \b
    Example: newsmill bus create --bus file:/var/lib/newsmill/bus
    """
    opened = _open(flags)
    made = opened.create()
    opened.close()
    click.echo("\n".join(f"made {name}" for name in made) or "every topic is there")


@bus_command.command("describe")
@settings_flags(*BUS)
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def describe(as_json: bool, **flags: Any) -> None:
    """Say what the topics hold.

    \b
    Example: newsmill bus describe
    """
    opened = _open(flags)
    topics = opened.describe()
    opened.close()
    if as_json:
        for topic in topics:
            click.echo(orjson.dumps(topic).decode())
        return
    rows = [(t.topic, t.kind, t.partitions, f"{t.records:,}", f"{t.bytes:,}") for t in topics]
    table(("topic", "kind", "partitions", "records", "bytes"), rows)


@bus_command.command("lag")
@settings_flags(*BUS)
@click.option("--json", "as_json", is_flag=True, help="As JSON lines, one a partition.")
def lag(as_json: bool, **flags: Any) -> None:
    """Say how far every group is behind the end of its topics.

    \b
    Example: newsmill bus lag
    """
    opened = _open(flags)
    lags = opened.lag()
    opened.close()
    if as_json:
        for one in lags:
            click.echo(orjson.dumps(one).decode())
        return
    now_ms = time.time_ns() // 1_000_000
    rows = []
    for group, topic in dict.fromkeys((one.group, one.place.topic) for one in lags):
        of_it = [one for one in lags if (one.group, one.place.topic) == (group, topic)]
        oldest = min((one.oldest_ms for one in of_it if one.oldest_ms), default=None)
        age = f"{(now_ms - oldest) / 1000:.0f} s" if oldest else "-"
        owners = len({one.owner for one in of_it if one.owner})
        rows.append((group, topic, f"{sum(one.waiting for one in of_it):,}", age, owners))
    table(("group", "topic", "waiting", "oldest", "members"), rows)


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a head, in columns."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
