"""What was taken down: which keys deny what, and how the topic is followed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.bus.base import Bus, BusUnknown, Record
from newsmill.cli.forget import keys_to_deny
from newsmill.errors import BadRecord, Misconfigured
from newsmill.process import denied
from newsmill.process.denied import Denied, Following, keys_of, told
from newsmill.process.settings import Settings
from newsmill.records import Denial, encode
from newsmill.urls import identity

AT = "2026-11-24T12:00:00Z"


def record(key: str, value: bytes | None) -> Record:
    return Record("denied", 0, 0, 1, key.encode(), value, (), 0)


def of(key: str, reason: str = "") -> Record:
    return record(key, encode(Denial(key=key, at=AT, reason=reason)))


def test_a_site_denies_itself_and_all_below_it_and_nothing_beside_it() -> None:
    known = Denied()
    known.take([of("paper.example")])
    for url in ("https://paper.example/1", "http://a.b.paper.example:8080/"):
        assert known.find((), (url,)) is not None
    for url in ("https://otherpaper.example/", "https://example/", "https://paper.example.org/"):
        assert known.find((), (url,)) is None


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,5}", fullmatch=True))
def test_the_keys_of_an_address_are_its_host_and_all_that_it_lies_below(host: str) -> None:
    labels = host.split(".")
    found = list(keys_of(("id", None), (f"https://{host}/path", None)))
    assert found == ["id", *(".".join(labels[n:]) for n in range(len(labels)))]


def test_each_denial_is_fresh_once_and_may_be_lifted() -> None:
    known = Denied()
    assert len(known.take([of("a.example"), of("b.example")])) == 2
    assert known.take([of("a.example")]) == []
    assert [one.reason for one in known.take([of("a.example", "why")])] == ["why"]
    with pytest.raises(BadRecord, match=r"denied: taken down 2026-11-24T12:00:00Z: why"):
        known.check(("x",), ("https://a.example/",))
    assert known.take([record("a.example", None)]) == []
    known.check(("x",), ("https://a.example/",))
    assert len(known) == 1


@pytest.mark.parametrize("value", [b"no json", b'{"v":2,"key":"a.example"}', b""])
def test_one_that_cannot_be_read_denies_all_the_same(value: bytes) -> None:
    known = Denied()
    known.take([record("a.example", value)])
    denial = known.find((), ("https://a.example/",))
    assert denial is not None
    assert told(denial) == "taken down"


class Away:
    """A reader whose bus is away now and then."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def poll(self) -> list[Record]:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


class Live:
    """A bus of which only the topic is followed."""

    def __init__(self, reader: Away) -> None:
        self._reader = reader

    def follow(self, topic: object) -> Away:
        return self._reader


def following(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Following:
    monkeypatch.setattr(denied, "FOLLOW_S", 0.0)
    opened: Bus = Live(Away(*answers))  # type: ignore[assignment]  # as much of one as is asked for
    return Following(opened, Settings())


def test_a_bus_that_is_away_is_looked_at_again_once_it_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = following(monkeypatch, [], BusUnknown("away"), [of("a.example")])
    assert one.fresh() == []
    assert one.fresh() == []
    assert [denial.key for denial in one.fresh()] == ["a.example"]


def test_a_worker_that_never_reached_it_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BusUnknown):
        following(monkeypatch, BusUnknown("away")).fresh()


def test_what_is_to_be_denied_is_an_id_an_address_or_a_site(tmp_path: Any) -> None:
    settings = Settings(data=tmp_path)
    url = "https://Paper.example/story?utm_source=x"
    assert keys_to_deny(url, settings) == {identity("https://paper.example/story"): None}
    assert keys_to_deny("A" * 32, settings) == {"a" * 32: None}
    assert keys_to_deny("Bücher.Example", settings) == {"xn--bcher-kva.example": None}
    for wrong in ("example", "localhost", "no site", "ftp://a.example/"):
        with pytest.raises(Misconfigured):
            keys_to_deny(wrong, settings)
