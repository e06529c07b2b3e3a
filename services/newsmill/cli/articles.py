"""``show`` and ``export``: what is in the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import click

from newsmill.archiver.database import OlderFormat
from newsmill.archiver.days import by_day
from newsmill.archiver.export import write_csv, write_jsonl
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Removed
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.people import show_article
from newsmill.errors import Misconfigured
from newsmill.process.denied import told
from newsmill.process.settings import Settings
from newsmill.records import Enriched, decode

Writer = Callable[[Iterable[bytes | Removed], BinaryIO], int]


def open_store(settings: Settings) -> SqliteStore:
    """The lane's store, to be read. Raises Misconfigured where there is none."""
    if not settings.store_path.exists():
        raise Misconfigured(
            f"{settings.store_path}: no articles yet; newsmill run makes some, or give --data DIR"
        )
    try:
        return SqliteStore(settings.store_path, readonly=True)
    except OlderFormat:  # of a lane that no archiver serves any more, perhaps
        SqliteStore(settings.store_path).close()
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
        denial = store.denial(what) if found is None else None
    if denial is not None:
        click.echo(f"newsmill: {what} was {told(denial)}", err=True)
        return 1
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
    type=click.Choice(["jsonl", "csv", "parquet"]),
    default="jsonl",
    help="Lines lose nothing; a sheet is for people, Parquet for analysis.",
    show_default=True,
)
@click.option("--since", help="Cursor of an earlier export, or a time: only what changed since.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File; of Parquet also a folder, to hold a file a day. Default: stdout.",
)
def export_command(form: str, since: str | None, output: Path | None, **flags: Any) -> None:
    """Print every article, sorted by id.

    With --since only those that are new or changed, and a tombstone for each that is gone. The
    last word on standard error is the cursor for the next time.

    \b
    Example: newsmill export > articles.jsonl
    """
    settings = read_settings(flags)
    with open_store(settings) as store:
        cursor = store.cursor()  # before the articles: what comes meanwhile, comes again
        if form == "parquet" and output is not None and output.suffix != ".parquet":
            number = _write_days(settings, since, output)
        else:
            number = _write(_writer(form), store.changes(since), output)
    click.echo(f"{number} articles; what changes from now on: --since {cursor}", err=True)


def _writer(form: str) -> Writer:
    if form != "parquet":
        return write_csv if form == "csv" else write_jsonl
    if sys.stdout.isatty():
        raise Misconfigured("Parquet is not for a terminal; give -o FILE.parquet or -o FOLDER")
    write: Writer = _parquet().write_parquet
    return write


def _write_days(settings: Settings, since: str | None, folder: Path) -> int:
    if since is not None:
        raise Misconfigured("a folder of days is written whole; --since goes into -o FILE.parquet")
    if folder.exists() and not folder.is_dir():
        raise Misconfigured(f"{folder}: not a folder; name a file FILE.parquet")
    number: int = _parquet().write_days(by_day(settings.store_path), folder)
    return number


def _parquet() -> ModuleType:
    try:
        return import_module("newsmill.archiver.parquet")
    except ImportError as error:
        raise Misconfigured(
            f"Parquet needs more than is installed ({error}); pip install 'newsmill[parquet]'"
        ) from None


def _write(write: Writer, records: Iterable[bytes | Removed], output: Path | None) -> int:
    if output is None:
        number = write(records, sys.stdout.buffer)
        sys.stdout.flush()  # no cursor for what nobody read
        return number
    try:
        with output.open("wb") as out:
            return write(records, out)
    except OSError as error:
        more = "; it is not whole" if output.is_file() else ""
        raise Misconfigured(f"{output}: {error.strerror}{more}") from None
