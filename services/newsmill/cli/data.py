"""``data backup|verify|restore``: the data folder kept safe, and made again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from newsmill.cli.options import read_settings, settings_flags
from newsmill.process import backup as backups

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group("data")
def data_command() -> None:
    """Back up the data folder while workers are at work, and restore it."""


@data_command.command("backup")
@click.argument("folder", type=FOLDER)
@settings_flags("data", "bus")
def backup_command(folder: Path, **flags: Any) -> None:
    """Copy stores, raw archive and the embedded log to a new FOLDER.

    Workers need not stop. Topics on Kafka are Kafka's to keep: of them nothing is copied.

    \b
    Example: newsmill data backup /var/backups/newsmill/2026-11-24
    """
    settings = read_settings(flags)
    scheme, _, place = settings.bus_url.partition(":")
    log = Path(place.partition("?")[0]) if scheme == "file" else None
    done = backups.back_up(settings.data, log, folder, _tell)
    what = "with the log" if done.has_log else "without a log, which is Kafka's"
    click.echo(f"{folder}: {len(done.files)} files, {done.bytes / 1e6:,.1f} MB, {what}")


@data_command.command("verify")
@click.argument("folder", type=FOLDER)
def verify_command(folder: Path) -> int:
    """Check that a backup is whole and as it was written; exit code 1 where it is not.

    \b
    Example: newsmill data verify /var/backups/newsmill/2026-11-24
    """
    backup = backups.read(folder)
    for name in (bad := backups.damaged(folder, backup, _tell)):
        click.echo(f"{name}: missing, or not as it was written")
    if not bad:
        click.echo(f"{folder}: {len(backup.files)} files of {backup.taken}, all as written")
    return 1 if bad else 0


@data_command.command("restore")
@click.argument("folder", type=FOLDER)
@settings_flags("data")
def restore_command(folder: Path, **flags: Any) -> None:
    """Make a new data folder of the backup in FOLDER.

    Start no workers on the old one any more: the two would both go on from the same moment.

    \b
    Example: newsmill data restore /var/backups/newsmill/2026-11-24 --data newsmill-data
    """
    data = read_settings(flags).data
    done = backups.restore(folder, data, _tell)
    click.echo(f"{data}: {len(done.files)} files of {done.taken}, {done.bytes / 1e6:,.1f} MB")


def _tell(name: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"  {name}", err=True)
