"""``replay``: history through the same workers, in a lane of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from newsmill import bus
from newsmill.archiver.stores import DEFAULT, FINGERPRINTS
from newsmill.bus.base import Bus
from newsmill.cli.account import account
from newsmill.cli.hold import check_logs, roles, sole_owner
from newsmill.cli.lines import check_files
from newsmill.cli.options import WEB, read_settings, settings_flags
from newsmill.cli.progress import Progress
from newsmill.cli.watch import Watch
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from newsmill.process.web import require_contact
from newsmill.producer.sources import expand, is_past, pinned, source_of
from newsmill.replay import manifest
from newsmill.replay.manifest import Digests, Manifest, Run, Source


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
@settings_flags("data", "bus", "store", *WEB, "workers", "log_level")
def replay_command(sources: tuple[Path, ...], lane: str, **flags: Any) -> int:
    """Replay the past through the same workers, in a lane of its own.

    Sources are files, folders or globs: WARC; JSON lines, CSV or Parquet of pages or addresses;
    saved feeds; articles as text or HTML; or what was fetched live: topic:pages, all of it, or
    topic:pages@2026-11-01..2026-11-08, by time or by offset. The same command again goes on where
    it was. At its end a manifest says what went in and what came out.

    \b
    Example: newsmill replay CC-NEWS-2024*.warc.gz --lane y2024 && newsmill export --lane y2024
    """
    settings = read_settings(flags | {"lane": lane})
    if lane == "live":
        raise Misconfigured("lane live is what is polled; give the replay a lane of its own")
    code, made = run_replay(settings, [str(source) for source in sources])
    if made is not None:
        click.echo(f"\n  {made.output.records:,} records, digest {made.output.digest[:16]}…")
        click.echo(f"  The manifest is {settings.lane_dir / manifest.FILE}")
    return code


def run_replay(
    settings: Settings, given: Sequence[str], *, quiet: bool = False
) -> tuple[int, Manifest | None]:
    """Replay the sources to their end; gives the exit code, and the manifest if it got there.

    ``quiet`` leaves the report on standard output out. Raises Misconfigured.
    """
    stores = (*(settings.store or (DEFAULT,)), FINGERPRINTS)
    settings = replace(settings, once=True, store=stores)
    given = pinned(given, settings.bus_url)
    sources = expand(given)
    check_files(path for path, name in sources if not is_past(name))
    if settings.fetch:
        require_contact(["https://replay.invalid/"], settings)
    words = [one if is_past(one) else str(Path(one).absolute()) for one in given]
    flags_of_reader = [flag for word in words for flag in ("--source", word)]
    with sole_owner(settings.lane_dir), ExitStack() as stack:
        check_logs(settings)
        opened = bus.connect(settings.bus_url, settings.lane)
        stack.callback(opened.close)
        opened.create()
        commands = {"producer": ("work", "producer", *flags_of_reader)}
        digests = Digests((path, name) for path, name in sources if not is_past(name))
        stack.callback(digests.close)
        waiting = sum(lag.waiting for lag in opened.lag(["extractor"]))
        found = [source_of(path, name, settings.bus_url) for path, name in sources]
        sizes = {str(source.path): source.size() for source in found}
        watch = Watch(
            settings,
            opened,
            _roles(settings, opened),
            commands=commands,
            name="replay",
            quiet=quiet,
            progress=Progress(sizes, waiting),
        )
        code = watch.run()
        if not watch.is_through:
            return code, None
        path = settings.lane_dir / manifest.FILE
        earlier = manifest.read(path) if path.exists() else None
        past = tuple(
            Source(name=name, path=str(path), digest=source.head())  # of which log it is
            for (path, name), source in zip(sources, found, strict=True)
            if is_past(name)
        )
        run = Run(given=tuple(words), sources=(*digests.result(), *past))
        made = account(settings, manifest.with_run(earlier, run))
        manifest.write(made, path)
        return code, made


def _roles(settings: Settings, opened: Bus) -> list[tuple[str, int]]:
    """The workers of a replay; a fetcher only where there may be something to fetch."""
    fetches = settings.fetch or any(lag.waiting for lag in opened.lag(["fetcher"]))
    return [(role, slot) for role, slot in roles(settings) if role != "fetcher" or fetches]
