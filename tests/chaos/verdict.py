"""The oracles of the real load: topics and stores against what follows from the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from chaos.load import WRONG, beyond, disorder, missing, strange
from chaos.pages import REASONS, Offer, number_of, shown_in
from chaos.tags import Attempts
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store
from newsmill.bus.base import Bus, Record
from newsmill.topics import ARTICLES, DEAD, ENRICHED, PAGES, Topic, partition_of


class Named(NamedTuple):
    """An article or an enriched record by what tells it from every other."""

    page_id: str
    fetched: int
    shows: int


class Origin(NamedTuple):
    """Where a record stands, as its dead letter says."""

    topic: str
    partition: int
    offset: int


class Doom(NamedTuple):
    """What must become of a record that can never work."""

    letters: int  # one of every group that reads it
    reason: str
    value: bytes | None
    is_stray: bool  # put there by the harness beside the numbered ones


class Verdict:
    """One reading of everything, when all is done."""

    def __init__(
        self, bus: Bus, offers: Sequence[Offer], stores: dict[str, str], folder: Path
    ) -> None:
        self._bus, self._folder, self._stores = bus, folder, stores
        self._offers = offers
        self._attempts = Attempts()
        self._dooms: dict[Origin, Doom] = {}
        self._wrong: Counter[str] = Counter()
        self._revisions: dict[str, int] = {}

    def figures(self) -> dict[str, Any]:
        """The whole verdict."""
        alive = [one for one in self._offers if not one.is_poison]
        kept = [one for one in alive if not one.is_dropped]
        self._offered()
        self._compare(Counter(map(_named, alive)), self._articles())
        newest: dict[str, tuple[int, bytes]] = {}
        out = self._enriched(newest)
        self._compare(Counter(map(_named, kept)), out)
        dead = self._dead()
        torn, undone = self._attempts.visible((self._folder / "refused").iterdir())
        self._wrong["aborted_visible"] += torn + undone
        stores = {name: self._store(name, url, newest) for name, url in self._stores.items()}
        return {
            "in": len({(one.page_id, one.fetched) for one in self._offers}),
            "out": len(out),
            "dead": dead,
            **{name: self._wrong[name] for name in WRONG},
            "strays": sum(doom.is_stray for doom in self._dooms.values()),
            "stores": stores,
        }

    def _compare(self, wanted: Counter[Any], found: Counter[Any]) -> None:
        self._wrong["lost"] += missing(wanted, found)
        self._wrong["duplicate"] += beyond(wanted, found)
        self._wrong["unknown"] += strange(wanted, found)

    def _offered(self) -> None:
        """The pages are those that were offered; takes down which must die."""
        poison = {one.page_id: REASONS[one.sort] for one in self._offers if one.is_poison}
        wanted = Counter(one.page_id for one in self._offers)
        found: Counter[str] = Counter()
        for record in _all(self._bus, PAGES):
            page_id = record.key.decode("utf-8", "replace")
            if page_id not in wanted:
                self._doom(record, "decode", is_stray=True)
                continue
            found[page_id] += 1
            if page_id in poison:
                self._doom(record, poison[page_id])
        self._compare(wanted, found)

    def _doom(
        self, record: Record, reason: str, *, letters: int = 1, is_stray: bool = False
    ) -> None:
        origin = Origin(record.topic, record.partition, record.offset)
        self._dooms[origin] = Doom(letters, reason, record.value, is_stray)

    def _articles(self) -> Counter[Named]:
        found: Counter[Named] = Counter()
        rows = []
        for record in _all(self._bus, ARTICLES):
            self._attempts.see(record)
            held = _read(record)
            if held is None:
                self._doom(record, "decode", is_stray=True)
                continue
            name = _name_of(held)
            found[name] += 1
            rows.append((record.partition, name.fetched))
            # the content alone decides the revision
            known = self._revisions.setdefault(held["revision"], name.shows)
            self._wrong["unknown"] += known != name.shows
        self._wrong["out_of_order"] += disorder(rows)
        return found

    def _enriched(self, newest: dict[str, tuple[int, bytes]]) -> Counter[Named]:
        """What there is; fills in the newest of every page."""
        found: Counter[Named] = Counter()
        rows = []
        for record in _all(self._bus, ENRICHED):
            self._attempts.see(record)
            held = _read(record)
            if held is None:
                self._doom(record, "decode", letters=len(self._stores), is_stray=True)
                continue
            name = _name_of(held)
            found[name] += 1
            came_from = partition_of(name.page_id, ARTICLES.partitions)
            rows.append(((record.partition, came_from), name.fetched))
            if name.fetched >= newest.get(name.page_id, (-1, b""))[0]:
                newest[name.page_id] = (name.fetched, record.value or b"")
        self._wrong["out_of_order"] += disorder(rows)
        return found

    def _dead(self) -> int:
        """Letters against dooms; how many numbered records died."""
        found: Counter[Origin] = Counter()
        for record in _all(self._bus, DEAD):
            self._attempts.see(record)
            headers = dict(record.headers)
            place = headers["dead-partition"], headers["dead-offset"]
            origin = Origin(headers["dead-topic"].decode(), *map(int, place))
            found[origin] += 1
            told = record.value, headers["dead-reason"].decode()
            doom = self._dooms.get(origin)
            self._wrong["unknown"] += doom is not None and told != (doom.value, doom.reason)
        wanted = Counter({origin: doom.letters for origin, doom in self._dooms.items()})
        self._compare(wanted, found)
        return sum(not self._dooms[each].is_stray for each in found if each in self._dooms)

    def _store(self, name: str, url: str, newest: dict[str, tuple[int, bytes]]) -> dict[str, int]:
        """Rows by page and by article; ``wrong`` are those missing, beyond, or not the newest."""
        articles: dict[str, tuple[tuple[int, bool, str], bytes]] = {}
        for page_id, (fetched, value) in newest.items():
            article_id = orjson.loads(value)["id"]
            rank = (fetched, page_id == article_id, page_id)  # of two pages: the one fetched last
            if article_id not in articles or rank > articles[article_id][0]:
                articles[article_id] = (rank, value)
        with self._open(name, url) as store:
            pages = list(store.newest())
            told = [(orjson.loads(record)["id"], record) for record in store.articles()]
        wrong = len(pages) != len(dict(pages)) or len(told) != len(dict(told))
        by_page = {page_id: value for page_id, (_, value) in newest.items()}
        by_article = {article_id: value for article_id, (_, value) in articles.items()}
        wrong += _differences(by_page, dict(pages)) + _differences(by_article, dict(told))
        return {"pages": len(pages), "articles": len(told), "wrong": wrong}

    def _open(self, name: str, url: str) -> Store:
        if url == "sqlite":
            return SqliteStore(self._folder / "stores" / "live.db", readonly=True)
        from newsmill.archiver.postgres import PostgresStore

        return PostgresStore(url, "live", name=name)


def _differences(wanted: dict[str, bytes], found: dict[str, bytes]) -> int:
    return sum(wanted.get(key) != found.get(key) for key in wanted.keys() | found.keys())


def _named(one: Offer) -> Named:
    return Named(one.page_id, one.fetched, one.shows)


def _name_of(held: dict[str, Any]) -> Named:
    return Named(held["page_id"], number_of(held["fetched"]), shown_in(held["text"]))


def _read(record: Record) -> dict[str, Any] | None:
    """The fields of a record of ours; None of one that is none."""
    try:
        held = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return None
    return held if isinstance(held, dict) and "page_id" in held else None


def _all(bus: Bus, topic: Topic) -> Iterator[Record]:
    for partition in range(topic.partitions):
        yield from bus.scan(topic, partition)
