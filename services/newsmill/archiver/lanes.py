"""Stores of any lane, from outside: whether one is there, to be read, and to be dropped."""

from __future__ import annotations

from contextlib import closing

from newsmill.archiver.database import FIRST
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store
from newsmill.archiver.stores import DEFAULT, Wanted, open_wanted, wanted_stores
from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings


def article_stores(settings: Settings) -> list[Wanted]:
    """The stores of ``--store`` that keep articles."""
    return [one for one in wanted_stores(settings) if one.is_default or not one.is_file]


def has_lane(wanted: Wanted, settings: Settings) -> bool:
    """Whether a store of articles holds the lane; raises TryLater while it is away."""
    if wanted.is_default:
        return settings.store_path.exists()
    return _schema(wanted, settings.lane, drop=False)


def open_lane(settings: Settings) -> Store:
    """The first store of the settings that holds the lane, to be read; else its SQLite file.

    Raises Misconfigured where none does.
    """
    for wanted in (*article_stores(settings), Wanted(DEFAULT, DEFAULT)):
        if not has_lane(wanted, settings):
            continue
        if wanted.is_default:
            return SqliteStore(settings.store_path, readonly=True, oldest=FIRST)
        return open_wanted(wanted, settings)
    names = ", ".join(wanted.name for wanted in article_stores(settings))
    raise Misconfigured(
        f"lane {settings.lane}: no articles of it in {names or 'no store'} of {settings.data};"
        " newsmill lane list shows what there is"
    )


def drop_schema(wanted: Wanted, lane: str) -> bool:
    """Drop the lane's schema in the PostgreSQL database of a store; False where there was none.

    Raises TryLater while the database is away, Misconfigured where it forbids it.
    """
    return _schema(wanted, lane, drop=True)


def _schema(wanted: Wanted, lane: str, *, drop: bool) -> bool:
    import psycopg
    from psycopg import sql

    from newsmill.archiver.session import CONNECT_S, failures, schema_of

    with (
        failures(wanted.name),
        closing(psycopg.connect(wanted.url, autocommit=True, connect_timeout=CONNECT_S)) as session,
    ):
        schema = sql.Identifier(schema_of(lane))
        quoted = schema.as_string(session)
        row = session.execute("SELECT to_regnamespace(%s) IS NOT NULL", [quoted]).fetchone()
        if drop:
            session.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    return bool(row and row[0])
