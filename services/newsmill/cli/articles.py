"""``show`` and ``export``: what is in the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import click

from newsmill.archiver.export import write_csv, write_jsonl
from newsmill.archiver.sqlite import SqliteStore
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.people import show_article
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from newsmill.records import Enriched, decode


def open_store(settings: Settings) -> SqliteStore:
    """The lane's store, to be read. Raises Misconfigured where there is none."""
    if not settings.store_path.exists():
        raise Misconfigured(
            f"{settings.store_path}: no articles yet; newsmill run makes some, or give --data DIR"
        )
    return SqliteStore(settings.store_path, readonly=True)


@click.command("show")
@click.argument("what", metavar="ID|URL")
@settings_flags("data", "lane")
@click.option("--json", "as_json", is_flag=True, help="The record as it is stored.")
def show_command(what: str, as_json: bool, **flags: Any) -> int:
    """Show one article, by article id, page id or URL.

    \b
    Example: newsmill show https://news.example/story.html
    """
    with open_store(read_settings(flags)) as store:
        found = store.find(what)
    if found is None:
        click.echo(f"newsmill: nothing is known of {what}", err=True)
        return 1
    if as_json or not sys.stdout.isatty():
        sys.stdout.buffer.write(found.record + b"\n")
    else:
        show_article(decode(Enriched, found.record))
    return 0


@click.command("export")
@settings_flags("data", "lane")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    help="Lines lose nothing; a sheet is for people.",
    show_default=True,
)
@click.option("--since", help="Cursor of an earlier export: only what changed since.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; default: stdout.")
def export_command(form: str, since: str | None, output: Path | None, **flags: Any) -> None:
    """Print every article, sorted by id.

    \b
    Example: newsmill export > articles.jsonl
    """
    with ExitStack() as stack:
        store = stack.enter_context(open_store(read_settings(flags)))
        cursor = store.cursor()  # before the articles: what comes meanwhile, comes again
        records = store.articles(since)
        number = _write(write_csv if form == "csv" else write_jsonl, records, output)
    if output or sys.stderr.isatty():
        click.echo(f"{number} articles; what changes from now on: --since {cursor}", err=True)


def _write(
    write: Callable[[Iterable[bytes], BinaryIO], int], records: Iterable[bytes], output: Path | None
) -> int:
    if output is None:
        return write(records, sys.stdout.buffer)
    try:
        with output.open("wb") as out:
            return write(records, out)
    except OSError as error:
        more = "; it is not whole" if output.is_file() else ""
        raise Misconfigured(f"{output}: {error.strerror}{more}") from None
