"""The stores that the archiver may write to, each real, behind one set of tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from databases import Database, NoDatabase, database
from newsmill.archiver.postgres import PostgresStore
from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.store import Store

Open = Callable[[], Store]
"""Opens the same store once more."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A PostgreSQL server that the session's tests share."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(database())
        except NoDatabase as error:
            if os.environ.get("NEWSMILL_REQUIRE_POSTGRES") == "1":
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield found


@pytest.fixture
def own_postgres(postgres: Database) -> Iterator[Database]:
    """The same, to be stopped and killed; it is put right afterwards."""
    if not postgres.is_own:
        pytest.skip("the PostgreSQL of NEWSMILL_POSTGRES is not ours to kill")
    yield postgres
    postgres.mend()


@pytest.fixture
def url(postgres: Database) -> str:
    """A new empty database."""
    return postgres.fresh()


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens one and the same store, again and again; all are closed at the end."""
    with ExitStack() as stack:
        if request.param == "sqlite":

            def opened() -> Store:
                return stack.enter_context(SqliteStore(tmp_path / "articles.db"))
        else:
            url = request.getfixturevalue("url")

            def opened() -> Store:
                return stack.enter_context(PostgresStore(url, "live"))

        yield opened
