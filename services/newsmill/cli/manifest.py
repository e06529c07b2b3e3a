"""``manifest verify``: a replay run again, and whether the same came of it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill import bus
from newsmill.archiver.database import FIRST
from newsmill.archiver.prints import PrintStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.cli.diff import why_not
from newsmill.cli.forget import publish
from newsmill.cli.lane import drop_lane, open_bus
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.people import harmless
from newsmill.cli.replay import run_replay
from newsmill.errors import Misconfigured
from newsmill.process.fingerprint import Difference, Print, fingerprint, first_difference
from newsmill.process.settings import Settings
from newsmill.producer.sources import is_past
from newsmill.records import Denial, decode
from newsmill.replay import manifest
from newsmill.replay.lanes import LIVE
from newsmill.replay.manifest import Manifest
from newsmill.replay.samples import sample_of
from newsmill.topics import DENIED

MAX_SHOWN = 300  # characters of a value
FOLLOWING = frozenset(("revision", "id", "provenance"))  # follow from others; named after them


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a second run came to."""

    sources: list[str]
    shape: list[str]  # versions and settings
    results: list[str]
    first: Difference | None
    values: dict[str, list[Any]]  # of the first record that differs: field → before, after
    url: str | None = None
    why: str | None = None  # a record that is gone is so

    @property
    def is_same(self) -> bool:
        """Whether the output is the same, byte for byte, and all was counted the same."""
        return not self.results and self.first is None


@click.group("manifest")
def manifest_command() -> None:
    """Check a replay by the manifest that it left."""


@manifest_command.command("verify")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("sources", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@settings_flags("data", "bus", "workers", "log_level")
def verify(file: Path, sources: tuple[str, ...], as_json: bool, **flags: Any) -> int:
    """Run a replay again, in a lane that is thrown away, and compare what comes out.

    SOURCES are given where they have moved since. Exit code 1 where anything differs: the first
    record that does is named, with its fields.

    \b
    Example: newsmill manifest verify newsmill-data/lanes/y2024/manifest.json
    """
    before = manifest.read(file)
    if before.configuration.get("fetch"):
        raise Misconfigured(f"{file}: that replay fetched pages, and the web is not what it was")
    runs = [sources] if sources else [run.given for run in before.runs]
    with ExitStack() as stack:
        folder = flags["data"]
        if any(is_past(word) for given in runs for word in given):
            folder = folder or _data_of(file)  # that bus holds the source itself
        elif folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="newsmill-")))
        lane = f"verify-{secrets.token_hex(4)}"
        settings = _as_then(read_settings(flags | {"data": folder, "lane": lane}), before)
        stack.callback(drop_lane, settings)
        if settings.bus_url == f"file:{folder / 'bus'}" and folder != _data_of(file):
            _bring_takedowns(_data_of(file), settings)
        verdict = _again(file, before, runs, settings)
    if verdict is None:
        click.echo("newsmill: the second run did not get to its end", err=True)
        return 1
    if as_json:
        facts = {"same": verdict.is_same, "manifest": str(file), **_plain(verdict)}
        click.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
    else:
        _tell(before, verdict)
    return 0 if verdict.is_same else 1


def _data_of(file: Path) -> Path:
    """The data folder that a manifest lies in."""
    return file.absolute().parent.parent.parent


def _bring_takedowns(data: Path, settings: Settings) -> None:
    """What was taken down where the manifest lies is kept away on a bus of our own too."""
    origin = open_bus(Settings(data=data), LIVE)
    if origin is None:
        return
    latest: dict[bytes, bytes | None] = {}
    with closing(origin):
        for record in origin.scan(DENIED, 0):
            latest[record.key] = record.value
    denials = [decode(Denial, value) for value in latest.values() if value is not None]
    if not denials:
        return
    with closing(bus.connect(settings.bus_url, LIVE)) as live:
        live.create()
        publish(live, denials)


def _as_then(settings: Settings, before: Manifest) -> Settings:
    """The settings, as far as they shape values, of the run that made the manifest."""
    known = {n: v for n, v in before.configuration.items() if hasattr(settings, n)}
    return replace(settings, store=(), **known)


def _again(
    file: Path, before: Manifest, runs: Sequence[Sequence[str]], settings: Settings
) -> Verdict | None:
    after = None
    for given in runs:
        code, after = run_replay(settings, given, quiet=True)
        if code or after is None:
            return None
    if after is None:
        return None
    results = manifest.other_results(before, after)
    first = _first(file.with_name(settings.prints_path.name), settings)
    values, url = _values(file, before.lane, first, settings) if first else ({}, None)
    is_gone = first is not None and first.after is None
    why = why_not(settings.log_dir, [first.page_id]) if first and is_gone else {}
    return Verdict(
        manifest.other_sources(before, after),
        manifest.other_shape(before, after),
        results,
        first,
        values,
        url,
        next(iter(why.values()), None),
    )


def _first(kept: Path, settings: Settings) -> Difference | None:
    """The first record that differs; None too where no fingerprints lie beside the manifest."""
    if not kept.exists():
        return None
    with (
        PrintStore(kept, readonly=True) as one,
        PrintStore(settings.prints_path, readonly=True) as other,
    ):
        return first_difference(one.prints(), other.prints())


def _values(
    file: Path, lane: str, first: Difference, settings: Settings
) -> tuple[dict[str, list[Any]], str | None]:
    """What the differing fields held then and hold now, as far as stores still have it."""
    was = _record(replace(settings, data=_data_of(file), lane=lane).store_path, first.before)
    now = _record(settings.store_path, first.after)
    fields = [name for name in first.fields if name not in FOLLOWING] or list(first.fields)
    found = {name: [was.get(name), now.get(name)] for name in fields if was or now}
    return found, (now or was).get("url")


def _record(store: Path, wanted: Print | None) -> dict[str, Any]:
    """The very record of a fingerprint, out of a store; empty where it is not there any more."""
    if wanted is None or not store.exists():
        return {}
    with SqliteStore(store, readonly=True, oldest=FIRST) as opened:
        found = opened.find(wanted.page_id)
    if found is None or fingerprint(found.record).digest != wanted.digest:
        return {}
    values: dict[str, Any] = orjson.loads(found.record)
    return values


def _plain(verdict: Verdict) -> dict[str, Any]:
    first = verdict.first
    return {
        "sources": verdict.sources,
        "shape": verdict.shape,
        "results": verdict.results,
        "first": None
        if first is None
        else {
            "page_id": first.page_id,
            "url": verdict.url,
            "why": verdict.why,
            "revision": [
                None if one is None else one.revision for one in (first.before, first.after)
            ],
            "fields": list(first.fields),
            "values": verdict.values,
        },
    }


def _tell(before: Manifest, verdict: Verdict) -> None:
    for line in (*verdict.sources, *verdict.shape, *verdict.results):
        click.echo(f"  {line}")
    if verdict.is_same:
        click.echo(
            f"The same, byte for byte: {before.output.records:,} records,"
            f" digest {before.output.digest}"
        )
        return
    click.echo("NOT the same." if verdict.results else "NOT the same, though the digest is.")
    first = verdict.first
    if first is None:
        click.echo("Which record differs first cannot be told: no fingerprints beside the manifest")
        return
    click.echo(f"The first record that differs: page {first.page_id} {verdict.url or ''}".rstrip())
    if first.before is None or first.after is None:
        gone = f"  it is gone: {verdict.why}" if verdict.why else "  it is gone"
        click.echo("  it was not there before" if first.before is None else gone)
        return
    click.echo(f"  in {', '.join(first.fields)}")
    for name, (was, now) in verdict.values.items():
        sample = sample_of(first.page_id, {}, name, was, now)
        click.echo(f"  {name}\n    was {_shown(sample.before)}\n    now {_shown(sample.after)}")


def _shown(value: str | None) -> str:
    text = "nothing" if value is None else harmless(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
