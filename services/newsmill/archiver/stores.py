"""Which stores the settings ask for: their names, their groups, and which one a worker serves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings, without_secret

DEFAULT = "sqlite"
ARCHIVE = "warc"
FINGERPRINTS = "fingerprints"
_NAMED = re.compile(r"([a-z][a-z0-9_-]{0,31})=(.+)\Z")
_POSTGRES = re.compile(r"postgres(?:ql)?://")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A store as the settings name it."""

    name: str
    url: str  # ``sqlite``, ``warc``, ``fingerprints``, or a PostgreSQL URL

    @property
    def group(self) -> str:
        """The consumer group of its archivers: each store has one, and holds up no other."""
        return f"archiver.{self.name}"

    @property
    def is_default(self) -> bool:
        """Whether it is the SQLite file in the data folder, which ``export`` and ``show`` read."""
        return self.url == DEFAULT

    @property
    def is_archive(self) -> bool:
        """Whether it is the raw archive, which keeps pages, not articles."""
        return self.url == ARCHIVE

    @property
    def is_file(self) -> bool:
        """Whether it lies in the data folder."""
        return self.url in (DEFAULT, ARCHIVE, FINGERPRINTS)

    @property
    def is_prints(self) -> bool:
        """Whether it keeps the fingerprints that the manifest of a replay is made of."""
        return self.url == FINGERPRINTS


def wanted_stores(settings: Settings) -> list[Wanted]:
    """The stores of ``--store``, the SQLite file where there are none.

    Raises Misconfigured for what is no store, and for two of one name.
    """
    found = [_wanted(text) for text in settings.store or (DEFAULT,)]
    names = [store.name for store in found]
    for name in names:
        if names.count(name) > 1:
            raise Misconfigured(f"two stores are called {name}: name one, as in --store new=URL")
    return found


def _wanted(text: str) -> Wanted:
    named = _NAMED.match(text)
    name, url = named.groups() if named else ("", text)
    if url in (DEFAULT, ARCHIVE, FINGERPRINTS):
        if name not in ("", url):
            raise Misconfigured(f"store {text}: there is one {url} store in a data folder")
        return Wanted(url, url)
    if _POSTGRES.match(url):
        return Wanted(name or "postgresql", url)
    raise Misconfigured(
        f"store {without_secret(text)}: use sqlite, warc (the raw archive), or postgresql://HOST/DATABASE,"
        " each once or as NAME=URL"
    )


def store_of(settings: Settings) -> Wanted:
    """The store that this worker serves; of several, its slot says which.

    Raises Misconfigured where several are wanted, and the worker has no slot.
    """
    stores = wanted_stores(settings)
    if len(stores) == 1:
        return stores[0]
    if settings.slot is None:
        names: Sequence[str] = [store.name for store in stores]
        raise Misconfigured(
            f"{len(names)} stores ({', '.join(names)}): one archiver serves one store; give it"
            f" --slot 0 to {len(names) - 1}, or one --store"
        )
    return stores[settings.slot % len(stores)]


def open_wanted(wanted: Wanted, settings: Settings) -> Store:
    """The store, to be written. Raises Misconfigured where it cannot be one."""
    if wanted.is_default:
        return SqliteStore(settings.store_path)
    try:
        from newsmill.archiver.postgres import PostgresStore
    except ImportError as error:
        raise Misconfigured(
            f"store {wanted.name}: PostgreSQL needs more than is installed ({error});"
            " pip install 'newsmill[postgres]'"
        ) from None
    return PostgresStore(wanted.url, settings.lane, name=wanted.name)
