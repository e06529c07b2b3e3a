"""``config``, ``schema``, ``completion``: what newsmill says of itself."""

from __future__ import annotations

from typing import Any

import click
import orjson
from click.shell_completion import get_completion_class

from newsmill.cli.options import read_settings, settings_flags
from newsmill.errors import Misconfigured
from newsmill.process import schemas
from newsmill.process.settings import names, shown


@click.command("config")
@settings_flags(*(name for name in names()))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def config_command(as_json: bool, **flags: Any) -> None:
    """Print the effective settings, without secrets.

    \b
    Example: NEWSMILL_SPACING_S=5 newsmill config
    """
    values = shown(read_settings(flags))
    if as_json:
        click.echo(orjson.dumps(values, option=orjson.OPT_INDENT_2).decode())
        return
    for name, value in values.items():
        text = "" if value is None else orjson.dumps(value).decode()
        click.echo(f"{name:<20} {text:<28} # {names()[name].metadata['says']}")


@click.command("schema")
@click.argument("record", required=False)
def schema_command(record: str | None) -> None:
    """Print the JSON Schema of a record type, or the names of all.

    \b
    Example: newsmill schema enriched
    """
    drawn = schemas.draw()
    if record is None:
        click.echo("\n".join(name.removesuffix(".json") for name in drawn))
        return
    found = [text for name, text in drawn.items() if name.split(".")[0] == record.split(".")[0]]
    if not found:
        raise Misconfigured(f"schema: no record type {record!r}; see newsmill schema")
    click.echo(found[-1].decode(), nl=False)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example: eval "$(newsmill completion bash)"
    """
    from newsmill.cli import newsmill

    kind = get_completion_class(shell)
    if kind is None:
        raise Misconfigured(f"completion: no shell {shell!r}")
    click.echo(kind(newsmill, {}, "newsmill", "_NEWSMILL_COMPLETE").source())
