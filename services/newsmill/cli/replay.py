"""``replay``: history through the same workers, in a lane of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.cli.lines import check_files
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.run import check_logs, roles, sole_owner
from newsmill.cli.watch import Watch
from newsmill.errors import Misconfigured


@click.command("replay")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--lane", required=True, help="Lane of the replay; live is never touched.")
@settings_flags("data", "bus", "workers", "log_level")
def replay_command(sources: tuple[Path, ...], lane: str, **flags: Any) -> int:
    """Replay files of page lines through the same workers, in a lane of its own.

    The same command again goes on where it was.

    \b
    Example: newsmill replay pages.jsonl --lane check && newsmill export --lane check
    """
    settings = replace(read_settings(flags | {"lane": lane}), once=True)
    if lane == "live":
        raise Misconfigured("lane live is what is polled; give the replay a lane of its own")
    for source in sources:
        if not source.is_file():
            what = "a folder; name the files in it" if source.is_dir() else "no such file"
            raise Misconfigured(f"{source}: {what}")
    check_files(sources)
    paths = [str(source.resolve()) for source in sources]
    flags_of_reader = [word for path in paths for word in ("--source", path)]
    with sole_owner(settings.data / "lanes" / lane):
        check_logs(settings)
        opened = bus.connect(settings.bus_url, settings.lane)
        try:
            opened.create()
            commands = {"producer": ("work", "producer", *flags_of_reader)}
            watch = Watch(settings, opened, roles(settings), commands=commands, name="replay")
            return watch.run()
        finally:
            opened.close()
