"""``replay``: history through the same workers, in a lane of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.cli.lines import check_files
from newsmill.cli.options import WEB, read_settings, settings_flags
from newsmill.cli.run import check_logs, roles, sole_owner
from newsmill.cli.watch import Watch
from newsmill.errors import Misconfigured
from newsmill.process.web import require_contact
from newsmill.producer.sources import expand


class _Unit(click.ParamType[float]):
    """A number that may have its unit at its end: ``500/s``, ``60x``."""

    name = "number"

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            return float(str(value).removesuffix(self._unit))
        except ValueError:
            self.fail(f"{value!r} is no number; for example 60{self._unit}", param, ctx)


@click.command("replay")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--lane", required=True, help="Lane of the replay; live is never touched.")
@click.option("--rate", type=_Unit("/s"), help="Pages a second at most, as 500/s.")
@click.option("--speed", type=_Unit("x"), help="Keep the rhythm of the past, so much faster: 60x.")
@click.option("--fetch", is_flag=True, default=None, help="Fetch pages that are only addresses.")
@settings_flags("data", "bus", *WEB, "workers", "log_level")
def replay_command(sources: tuple[Path, ...], lane: str, **flags: Any) -> int:
    """Replay the past through the same workers, in a lane of its own.

    Sources are files, folders or globs: WARC; JSON lines, CSV or Parquet of pages or addresses;
    saved feeds; articles as text or HTML. The same command again goes on where it was.

    \b
    Example: newsmill replay CC-NEWS-2024*.warc.gz --lane y2024 && newsmill export --lane y2024
    """
    settings = replace(read_settings(flags | {"lane": lane}), once=True)
    if lane == "live":
        raise Misconfigured("lane live is what is polled; give the replay a lane of its own")
    paths = [path for path, _ in expand(sources)]
    check_files(paths)
    if settings.fetch:
        require_contact(["https://replay.invalid/"], settings)
    flags_of_reader = [word for source in sources for word in ("--source", str(source.absolute()))]
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
