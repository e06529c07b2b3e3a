"""``lane list|diff|promote|drop``: the lanes of a data folder and a bus."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill import bus
from newsmill.archiver.database import FIRST
from newsmill.archiver.lanes import drop_schema
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.stores import wanted_stores
from newsmill.bus.base import Bus
from newsmill.cli import diff
from newsmill.cli.bus import table
from newsmill.cli.hold import sole_owner
from newsmill.cli.options import BUS, read_settings, settings_flags
from newsmill.cli.promote import promote
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from newsmill.replay.lanes import LIVE, files_of, lanes_in, places_of, remove
from newsmill.replay.manifest import FILE

_OF_READERS = (".db-shm", ".lock")  # readers change them too
PLACES = tuple(name for name in BUS if name != "lane")


@click.group("lane")
def lane_command() -> None:
    """List, compare, promote and drop lanes: live, and those of replays."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What is known of a lane."""

    lane: str
    articles: int | None  # in the SQLite store of the data folder; None: there is none
    pages: int | None
    waiting: int | None  # records on the bus that its groups have not read; None: not on the bus
    in_use: bool
    last_activity: str | None  # the latest change of a file of it in the data folder
    bytes: int  # of its files there; the bus is not counted
    manifest: str | None


@lane_command.command("list")
@settings_flags(*PLACES)
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
def list_(as_json: bool, **flags: Any) -> None:
    """List the lanes of the data folder and the bus.

    \b
    Example: newsmill lane list
    """
    settings = read_settings(flags)
    found = [_look_at(settings, lane) for lane in _known(settings)]
    if as_json:
        for lane in found:
            click.echo(orjson.dumps(asdict(lane)).decode())
        return
    if not found:
        click.echo("no lanes yet: newsmill run and newsmill replay make them")
        return
    head = ("lane", "articles", "pages", "waiting", "size", "last activity", "in use", "manifest")
    now = time.time()
    rows = [
        (
            lane.lane,
            _count(lane.articles),
            _count(lane.pages),
            _count(lane.waiting),
            f"{lane.bytes / 1e6:,.1f} MB",
            _ago(now, lane.last_activity),
            "yes" if lane.in_use else "no",
            lane.manifest or "",
        )
        for lane in found
    ]
    table(head, rows)


def _known(settings: Settings) -> list[str]:
    """Lanes of folder and bus; live first. A bus that was never made is not made for this."""
    found = lanes_in(settings.data)
    if (opened := open_bus(settings, LIVE)) is not None:
        with closing(opened):
            found |= set(opened.lanes())
    return sorted(found, key=lambda lane: (lane != LIVE, lane))


def open_bus(settings: Settings, lane: str) -> Bus | None:
    """The lane's bus; None for an embedded one that is not there."""
    scheme, _, rest = settings.bus_url.partition(":")
    if scheme == "file" and not Path(rest.partition("?")[0]).is_dir():
        return None
    return bus.connect(settings.bus_url, lane)


def _look_at(settings: Settings, lane: str) -> Lane:
    settings = replace(settings, lane=lane)
    articles = pages = None
    if settings.store_path.exists():
        with SqliteStore(settings.store_path, readonly=True, oldest=FIRST) as store:
            articles, pages = store.count(), store.pages()
    files = [(path, path.stat()) for path in _present(settings)]
    changes = [stat.st_mtime for path, stat in files if path.suffix not in _OF_READERS]
    latest = max(changes, default=None)
    waiting, in_use = _on_bus(settings)
    manifest = settings.lane_dir / FILE
    return Lane(
        lane=lane,
        articles=articles,
        pages=pages,
        waiting=waiting,
        in_use=in_use or _is_run(settings),
        last_activity=None if latest is None else _moment(latest),
        bytes=sum(stat.st_size for _, stat in files),
        manifest=str(manifest) if manifest.exists() else None,
    )


def _present(settings: Settings) -> Iterable[Path]:
    return [path for path in files_of(settings.data, settings.lane) if path.exists()]


def _on_bus(settings: Settings) -> tuple[int | None, bool]:
    """Records that wait, and whether some group has a living member."""
    opened = open_bus(settings, settings.lane)
    if opened is None:
        return None, False
    with closing(opened):
        if settings.lane not in opened.lanes():
            return None, False
        lags = opened.lag()
    return sum(lag.waiting for lag in lags), any(lag.owner for lag in lags)


def _is_run(settings: Settings) -> bool:
    """Whether a run or a replay of the lane holds its folder now."""
    folder = settings.data if settings.lane == LIVE else settings.lane_dir
    try:
        with (folder / "run.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _ago(now: float, moment: str | None) -> str:
    if moment is None:
        return "-"
    seconds = max(0.0, now - datetime.fromisoformat(moment).timestamp())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


@lane_command.command("diff")
@click.argument("before")
@click.argument("after")
@settings_flags(*PLACES, "store")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--html", type=click.Path(path_type=Path), help="Write one page of HTML too.")
def diff_(before: str, after: str, as_json: bool, html: Path | None, **flags: Any) -> None:
    """Say what two lanes made of the same pages: new, gone and changed, field by field.

    \b
    Example: newsmill lane diff live again --html diff.html
    """
    settings = read_settings(flags)
    found = diff.diff_lanes(settings, before, after)
    if html is not None:
        diff.write_page(found, before, after, html)
    if as_json:
        diff.write_json(found, before, after)
        return
    diff.tell(found, before, after)
    if html is not None:
        click.echo(f"\n  The page is {html}")


@lane_command.command("promote")
@click.argument("lane")
@settings_flags(*PLACES, "store")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one line a store.")
def promote_(lane: str, as_json: bool, **flags: Any) -> None:
    """Take the records of a lane over into live's stores.

    The lane's record of a page replaces live's, unless live has fetched the page later since; what
    live fetches from now on wins as ever. The lane stays as it is. A live run may go on meanwhile;
    killed in the middle, a store has all of it or nothing, and the same command finishes it.

    \b
    Example: newsmill lane diff live again && newsmill lane promote again
    """
    if lane == LIVE:
        raise Misconfigured("lane live is what lanes are promoted into")
    settings = read_settings(flags | {"lane": lane})
    with ExitStack() as stack:
        if settings.lane_dir.is_dir():
            stack.enter_context(sole_owner(settings.lane_dir))
        done = promote(settings)
    for store, adopted in done.items():
        if as_json:
            click.echo(orjson.dumps({"store": store, **asdict(adopted)}).decode())
            continue
        click.echo(
            f"{store}: {adopted.taken:,} pages taken over, {adopted.same:,} the same already,"
            f" {adopted.newer:,} fetched later by live and kept"
            + (f", {adopted.denied:,} taken down" if adopted.denied else "")
        )


@lane_command.command("drop")
@click.argument("lane")
@settings_flags(*PLACES, "store")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(lane: str, yes: bool, **flags: Any) -> int:
    """Remove a lane whole: its topics, groups, state, stores, archive and logs.

    A store in PostgreSQL is dropped where --store (or the configuration) names it.

    \b
    Example: newsmill lane drop y2024 --yes
    """
    if lane == LIVE:
        raise Misconfigured("lane live is what is polled; it is not dropped")
    settings = replace(read_settings(flags | {"lane": lane}))
    if not yes:
        _ask(settings)
    gone = drop_lane(settings)
    for what in gone:
        click.echo(f"dropped {what}")
    if not gone:
        click.echo(f"newsmill: no lane {lane}", err=True)
    return 0 if gone else 1


def _ask(settings: Settings) -> None:
    if not sys.stdin.isatty():
        raise Misconfigured("lane drop asks on a terminal; give --yes elsewhere")
    known = _look_at(settings, settings.lane)
    told = "no store" if known.pages is None else f"{known.pages:,} pages"
    click.confirm(f"Drop lane {settings.lane} ({told}, {known.bytes / 1e6:,.1f} MB)?", abort=True)


def drop_lane(settings: Settings) -> list[str]:
    """Remove all that there is of a lane; says what. Raises Misconfigured for one in use."""
    lane, gone = settings.lane, []
    with ExitStack() as stack:
        if settings.lane_dir.is_dir():
            stack.enter_context(sole_owner(settings.lane_dir))
        if (opened := open_bus(settings, lane)) is not None:
            stack.enter_context(closing(opened))
            if lane in opened.lanes():
                _refuse_in_use(opened, lane)
                opened.drop_lane()
                gone.append("topics, groups and state")
        gone += [
            f"the schema of store {wanted.name}"
            for wanted in wanted_stores(settings)
            if not wanted.is_file and drop_schema(wanted, lane)
        ]
        for place in places_of(settings):
            remove(place)
            gone.append(str(place))
    return gone


def _refuse_in_use(opened: Bus, lane: str) -> None:
    owned = [lag for lag in opened.lag() if lag.owner]
    if owned:
        raise Misconfigured(
            f"lane {lane} is in use: {owned[0].group} has a living member; stop it first"
        )
