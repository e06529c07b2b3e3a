"""``bus create|describe|lag|acls|smoke``: the log itself."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
import orjson

from newsmill import bus
from newsmill.bus.base import Bus
from newsmill.bus.smoke import Counts, smoke
from newsmill.cli.options import BUS, read_settings, settings_flags
from newsmill.process.rights import PRINCIPAL, acls, command
from newsmill.process.settings import without_secret
from newsmill.topics import BY_NAME


@click.group("bus")
def bus_command() -> None:
    """Make and look at the topics of a lane.

    Credentials and settings of a Kafka bus may stand in its URL or, better, in the environment:
    NEWSMILL_KAFKA_USER, _PASSWORD or _PASSWORD_FILE, _SASL, _TLS, _CA, _CERT, _KEY, _REPLICAS,
    _WAIT_MS, _SESSION_MS, _STALL_MS, _TRANSACTION_MS. The URL goes before.
    """


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
    order = {name: number for number, name in enumerate(BY_NAME)}  # as the pipeline runs
    topics.sort(key=lambda t: (order.get(t.topic, len(order)), t.topic))
    rows = [(t.topic, t.kind, t.partitions, f"{t.records:,}", f"{t.bytes:,}") for t in topics]
    if not rows:
        click.echo("this lane has no topics yet: newsmill bus create makes them")
        return
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
    if not rows:
        click.echo("no group has joined this lane yet")
        return
    table(("group", "topic", "waiting", "oldest", "members"), rows)


@bus_command.command("acls")
@settings_flags("bus", "lane")
@click.option(
    "--principal",
    default=PRINCIPAL,
    show_default=True,
    help="Users; {worker} is the worker's name.",
)
@click.option(
    "--command-config", default="admin.properties", show_default=True, help="File for kafka-acls."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def acls_command(principal: str, command_config: str, as_json: bool, **flags: Any) -> None:
    """Print the least rights of every worker on Kafka, as commands of Kafka's own tool.

    Each worker is a user of its own; two more are who makes the topics, and who uses this command
    line. Nothing is asked and nothing changed: read the lines, then run them.

    \b
    Example: newsmill bus acls --bus kafka://broker:9093/newsmill > acls.sh
    """
    settings = read_settings(flags)
    brokers, namespace = bus.place_of(settings.bus_url)
    options = ("--bootstrap-server", brokers, "--command-config", command_config)
    for acl in acls(namespace, settings.lane, principal):
        click.echo(orjson.dumps(acl).decode() if as_json else command(acl, options))


@bus_command.command("smoke")
@settings_flags("data", "bus")
@click.option("--json", "as_json", is_flag=True, help="As one line of JSON.")
def smoke_command(as_json: bool, **flags: Any) -> int:
    """Prove that the bus keeps its promises here.

    A thousand records go through the topic of every stage, in a lane of their own that is dropped
    at the end; steps are begun and undone, and a process is killed in the middle of one. Then
    everything is counted. Exit code 1 where a record is lost, doubled, or seen though undone.

    \b
    Example: newsmill bus smoke --bus kafka://localhost:9092
    """
    settings = read_settings(flags)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the lane is dropped on the way out
    counts = smoke(settings.bus_url, _progress)
    if as_json:
        facts = {"bus": without_secret(settings.bus_url), **asdict(counts), "ok": counts.is_sound}
        click.echo(orjson.dumps(facts).decode())
    else:
        _tell(counts)
    return 0 if counts.is_sound else 1


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"  {text}", err=True)


def _tell(counts: Counts) -> None:
    rows = [
        ("records in", counts.records_in),
        ("records out", counts.records_out),
        ("lost", counts.lost),
        ("twice", counts.twice),
        ("aborted visible", counts.aborted_visible),
        ("out of order", counts.disordered),
        ("steps undone", counts.steps_undone),
        ("processes killed", counts.killed),
        ("seconds", counts.seconds),
    ]
    for name, value in rows:
        click.echo(f"{name:<16}  {value:>8,}")
    verdict = (
        "the bus keeps its promises here" if counts.is_sound else "THE BUS BREAKS ITS PROMISES"
    )
    click.echo(verdict)


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a head, in columns; those of numbers to the right."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    columns = [
        [cell.rjust(width) if is_number else cell.ljust(width) for cell in column]
        for column in zip(*lines, strict=True)
        for width in [max(map(len, column))]
        for is_number in [all(cell[:1].isdigit() or cell == "-" for cell in column[1:])]
    ]
    for line in zip(*columns, strict=True):
        click.echo("  ".join(line).rstrip())
