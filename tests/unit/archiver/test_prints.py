"""The store of fingerprints: each record once, in order, with how far the log is."""

from __future__ import annotations

import pytest

from newsmill.archiver.prints import CHUNK, PrintStore
from newsmill.archiver.store import StoreFenced
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured
from newsmill.process.fingerprint import fingerprint
from unit.archiver.rows import record

ZERO = Place("enriched", 0)


def test_prints_come_back_in_order_whatever_the_steps(tmp_path):
    prints = [fingerprint(record(f"story-{n}")) for n in range(CHUNK + 3)]
    with PrintStore(tmp_path / "lane" / "records.db") as store:
        store.write(prints[:10], "log", {}, {ZERO: 10})
        store.write(prints[10:], "log", {ZERO: 10}, {ZERO: len(prints)})
    with PrintStore(store.path, readonly=True) as again:
        assert list(again.prints()) == sorted(prints)
        assert again.positions("log") == {ZERO: len(prints)}
        assert again.positions("another log") == {}


def test_the_same_record_made_twice_counts_twice(tmp_path):
    one = fingerprint(record("a"))
    with PrintStore(tmp_path / "records.db") as store:
        store.write([one], "log", {}, {ZERO: 1})
        store.write([one], "log", {ZERO: 1}, {ZERO: 2})
        assert list(store.prints()) == [one._replace(times=2)]


def test_records_of_other_fields_keep_theirs(tmp_path):
    few, more = fingerprint(record("a")), fingerprint(record("b")[:-1] + b',"mood":1}')
    with PrintStore(tmp_path / "records.db") as store:
        store.write([few, more], "log", {}, {ZERO: 1})
        assert {each.names.endswith(",mood") for each in store.prints()} == {True, False}


def test_a_writer_that_was_replaced_writes_nothing(tmp_path):
    one = fingerprint(record("a"))
    with PrintStore(tmp_path / "records.db") as store:
        store.write([one], "log", {}, {ZERO: 1})
        with pytest.raises(StoreFenced):
            store.write([one], "log", {}, {ZERO: 1})
        assert [each.times for each in store.prints()] == [1]


def test_what_is_no_such_file_is_refused(tmp_path):
    with pytest.raises(Misconfigured, match="no fingerprints there"):
        PrintStore(tmp_path / "none.db", readonly=True)
    (tmp_path / "text.db").write_text("text, and no database at all" * 50)
    with pytest.raises(Misconfigured):
        PrintStore(tmp_path / "text.db")
