"""Every setting, one line each: flags over environment over a TOML file over defaults."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec

from newsmill.bus import environment as of_kafka
from newsmill.errors import Misconfigured
from newsmill.records import digest

PREFIX = "NEWSMILL_"
FILE = "newsmill.toml"
NOT_SETTINGS = {
    "NEWSMILL_CONFIG",
    "NEWSMILL_CRASH_AT",
    "NEWSMILL_PARENT",
    "NEWSMILL_POSTGRES",
    "NEWSMILL_CHROMIUM",
    "NEWSMILL_REQUIRE_BROWSER",
    "NEWSMILL_REQUIRE_KAFKA",
    "NEWSMILL_TRIAL",
    "NEWSMILL_REQUIRE_POSTGRES",
}  # read elsewhere, by name
SECRETS = ("bus", "store")  # URLs that may hold a password: a file may say them instead
FILES = {f"{PREFIX}{name.upper()}_FILE": f"{PREFIX}{name.upper()}" for name in SECRETS}
_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&]*")
_AT = re.compile(r"`\$\.(\w+)")  # where msgspec names the field
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_ANY = 1e9
_BOUNDS: dict[str, tuple[float, float]] = {
    "slot": (0, _ANY),
    "workers": (1, _ANY),
    "health": (0, 65535),
    "heartbeat_s": (0.1, _ANY),
    "fuse": (0, 1),
    "spacing_s": (0, _ANY),
    "fetch_timeout_s": (0.1, _ANY),
    "fetch_attempts": (1, _ANY),
    "fetch_concurrency": (1, _ANY),
    "frontier_per_domain": (1, _ANY),
    "min_interval_s": (0, _ANY),
    "first_poll_entries": (0, _ANY),
    "first_poll_days": (0, _ANY),
    "children": (0, 1024),
    "child_timeout_s": (0.1, _ANY),
    "child_memory_mb": (1, _ANY),
    "rate": (0.001, _ANY),
    "speed": (0.001, _ANY),
}
_LANE = re.compile(
    r"[A-Za-z0-9_-]{1,64}"
).fullmatch  # it is part of names on a broker, and of paths


def _is(default: Any, says: str, **how: Any) -> Any:
    metadata = {"says": says, **how}
    if isinstance(default, list):
        return field(default_factory=tuple, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective settings of one process."""

    data: Path = _is(Path("newsmill-data"), "folder of the embedded bus, stores, archive and logs")
    bus: str = _is("", "bus URL: file:DIR or kafka://HOST:PORT/NAMESPACE; default file:DATA/bus")
    store: tuple[str, ...] = _is(
        [],
        "where articles are kept: sqlite (the default), postgresql://HOST/DATABASE or several",
        metavar="STORE",
    )
    lane: str = _is("live", "prefix of topics, groups, state and stores")
    slot: int | None = _is(None, "stable number of a worker within its role; default: lowest free")
    workers: int = _is(1, "processes of each of extractor and enricher")
    health: int | None = _is(None, "port that serves /healthz and /readyz; default: none")
    log_level: str = _is("info", "debug, info, warning or error")
    heartbeat_s: float = _is(30.0, "seconds between heartbeat lines")
    fuse: float = _is(0.5, "share of dead letters among 200 records that stops a worker")
    contact: str | None = _is(None, "mail or URL in the User-Agent; needed to go on the web")
    allow_private: bool = _is(False, "connect to private addresses too")
    resolve: tuple[str, ...] = _is([], "HOST=ADDR:PORT rules instead of DNS; *.HOST for all below")
    spacing_s: float = _is(1.0, "seconds between two requests to one domain")
    fetch_timeout_s: float = _is(30.0, "seconds for one fetch, all in all")
    fetch_attempts: int = _is(5, "attempts of a fetch before it is a dead letter")
    fetch_concurrency: int = _is(64, "fetches at once; one a domain")
    frontier_per_domain: int = _is(
        5000, "pages of one domain that may wait; past it they are refused"
    )
    min_interval_s: float = _is(300.0, "shortest time between two polls of a feed, seconds")
    first_poll_entries: int = _is(50, "entries taken from the first poll of a feed")
    first_poll_days: float | None = _is(
        7.0, "oldest entry taken from a first poll, days; 0: any age"
    )
    children: int = _is(0, "extraction child processes of one worker; 0: as many as processors")
    child_timeout_s: float = _is(15.0, "seconds for one page before its child is killed")
    child_memory_mb: int = _is(800, "memory of an extraction child, MB")
    fetch: bool = _is(False, "replay: fetch pages of which a source holds only the address")
    rate: float | None = _is(None, "replay: pages a second at most; default: as fast as it goes")
    speed: float | None = _is(None, "replay: so many times as fast as the pages were fetched")
    once: bool = _is(False, "end when every feed was polled and everything is through")

    @property
    def bus_url(self) -> str:
        """The bus, with its default."""
        return self.bus or f"file:{self.data / 'bus'}"

    @property
    def store_path(self) -> Path:
        """The lane's SQLite store."""
        return self.data / "stores" / f"{self.lane}.db"

    @property
    def archive_path(self) -> Path:
        """Folder of the lane's raw archive."""
        return self.data / "archive" / self.lane

    @property
    def lane_dir(self) -> Path:
        """What is kept of a lane as such: the manifest of its replay, and what it is made of."""
        return self.data / "lanes" / self.lane

    @property
    def prints_path(self) -> Path:
        """The fingerprints of the lane's records."""
        return self.lane_dir / "records.db"

    @property
    def log_dir(self) -> Path:
        """The lane's log folder; live is what an operator means without a word more."""
        logs = self.data / "logs"
        return logs if self.lane == "live" else logs / self.lane

    @property
    def digest(self) -> str:
        """Names the configuration in logs."""
        return digest(*(f"{name}={value}" for name, value in shown(self).items()))[:12]


def names() -> dict[str, Field[Any]]:
    """Every setting by its name."""
    return {setting.name: setting for setting in fields(Settings)}


def load(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """The effective settings; ``flags`` holds only those that were given.

    Raises Misconfigured for an unknown setting, or a value that is none.
    """
    values: dict[str, Any] = {}
    values.update(_file(flags.get("config") or environment.get("NEWSMILL_CONFIG")))
    values.update(_environment(environment))
    values.update({n: v for n, v in flags.items() if n in names() and v is not None})
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"setting {_wrong(error, values)}") from None
    return _checked(settings)


def _wrong(error: msgspec.ValidationError, values: Mapping[str, Any]) -> str:
    """Which setting is wrong, what it was given, and what it takes."""
    at = _AT.search(str(error))
    if at is None or at[1] not in names():
        return str(error)
    kind = str(names()[at[1]].type).removesuffix(" | None")
    takes = _KINDS.get(kind, "a list of texts" if kind.startswith("tuple") else "a text")
    return f"{at[1]}: {values.get(at[1])!r} is not {takes}"


def _path(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path and isinstance(value, str) else value


def _checked(settings: Settings) -> Settings:
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise Misconfigured(
            f"setting log_level: {settings.log_level!r}; use debug, info, warning or error"
        )
    if not _LANE(settings.lane):
        raise Misconfigured(f"setting lane: {settings.lane!r}; use letters, digits, - and _")
    for name, (least, most) in _BOUNDS.items():
        value = getattr(settings, name)
        if value is not None and not least <= value <= most:  # a NaN is in no bounds
            upper = "" if most == _ANY else f" and at most {most:g}"
            raise Misconfigured(f"setting {name}: must be at least {least:g}{upper}")
    return settings


def _file(given: str | Path | None) -> dict[str, Any]:
    path = Path(given) if given else Path(FILE)
    if not given and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from None
    for name in values:
        if name not in names():
            raise Misconfigured(f"{path}: unknown setting {name!r}{_nearest(name)}")
    return values


def _environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    of_kafka.refuse_unknown(environment)
    for variable, text in _with_files(environment).items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS | of_kafka.NAMES:
            continue
        name = variable[len(PREFIX) :].lower()
        if name not in names():
            raise Misconfigured(f"environment: unknown setting {variable}{_nearest(name)}")
        if names()[name].type == "tuple[str, ...]":
            values[name] = tuple(text.split())
        elif text or names()[name].type == "str":
            values[name] = text
    return values


def _with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with what its files say, in place of their names."""
    values = {name: text for name, text in environment.items() if name not in FILES}
    for variable, setting in FILES.items():
        if file := environment.get(variable):
            if values.get(setting):
                raise Misconfigured(f"environment: {setting} and {variable}; set one of them")
            values[setting] = of_kafka.secret_of(variable, Path(file))
    return values


def _nearest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, names(), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a worker process that is to have the same ones."""
    variables = {}
    for name in names():
        value = getattr(settings, name)
        if value is None:
            continue
        text = " ".join(value) if isinstance(value, tuple) else str(value)
        variables[PREFIX + name.upper()] = text
    return variables


def shown(settings: Settings) -> dict[str, Any]:
    """The settings by name, without secrets: a bus URL may hold a password."""
    values: dict[str, Any] = {}
    for name in names():
        value = getattr(settings, name)
        if name == "bus":
            value = without_secret(settings.bus_url)
        elif name == "store":
            value = [without_secret(url) for url in settings.store]
        elif isinstance(value, Path):
            value = str(value)
        elif isinstance(value, tuple):
            value = list(value)
        values[name] = value
    return values


def without_secret(url: str) -> str:
    """A URL of a bus or a store as it may be shown."""
    scheme, mark, rest = url.partition("://")
    if mark and "@" in rest:
        url = f"{scheme}://***@{rest.rpartition('@')[2]}"
    return _PASSWORD.sub(r"\1***", url)
