"""A host that is away, and a network that is: only the first is held against the host."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from loopback import Web, article
from newsmill.web import reach, steady
from newsmill.web.messages import Later, Request, Response
from newsmill.web.settings import WebSettings
from newsmill.web.steady import UNHEARD, Steady, Unheard
from newsmill.web.thread import Fetched


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(a=article("A")) as web:
        yield web


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "FIRST_PROBE_S", 0.2)
    monkeypatch.setattr(steady, "LONGEST_PROBE_S", 0.4)
    monkeypatch.setattr(steady, "DOUBT_S", 0.3)


def client(web: Web) -> Steady[str]:
    rules = tuple(f"dead{n}.test=127.0.0.1:9" for n in range(9))
    return Steady(WebSettings(resolve=(web.resolve, *rules), spacing_s=0.0, total_s=5.0))


def ask(client: Steady[str], *hosts: str) -> None:
    for host in hosts:
        client.start(host, Request(url=f"http://{host}/a"))


def outcomes(client: Steady[str], within_s: float = 10.0) -> dict[str, Fetched | Unheard]:
    found: dict[str, Fetched | Unheard] = {}
    end = time.monotonic() + within_s
    while client.in_flight and time.monotonic() < end:
        found.update(client.done(0.05))
    assert not client.in_flight
    return found


def until_up(client: Steady[str], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while client.is_down:
        assert time.monotonic() < end
        client.done(0.05)
        time.sleep(0.02)


def hosts(count: int, name: str = "live", top: str = "example") -> list[str]:
    return [f"{name}{n}.{top}" for n in range(count)]


def test_when_everybody_is_away_at_once_nobody_is_blamed_and_it_ends_by_itself(web: Web) -> None:
    client_ = client(web)
    ask(client_, *hosts(6))
    assert all(isinstance(one, Response) for one in outcomes(client_).values())
    web.stop()
    ask(client_, *hosts(6))
    assert {*outcomes(client_).values()} == {UNHEARD}
    assert client_.room() == 0
    [gone] = client_.changes()
    assert gone.is_down
    time.sleep(0.6)
    client_.done(0.05)
    assert client_.is_down
    web.start()
    until_up(client_)
    [back] = client_.changes()
    assert not back.is_down
    assert back.took_s > 0.5
    ask(client_, *hosts(6))  # their robots.txt, which could not be read meanwhile, is read again
    assert all(isinstance(one, Response) for one in outcomes(client_).values())
    client_.close()


def test_a_start_without_a_network_tries_a_few_now_and_then(web: Web) -> None:
    web.stop()
    client_ = client(web)
    ask(client_, *hosts(8))
    assert {*outcomes(client_).values()} == {UNHEARD}
    assert client_.room() == 0
    time.sleep(0.3)
    assert client_.room() == steady.TRIED
    ask(client_, *hosts(3))
    assert client_.room() == 0
    assert {*outcomes(client_).values()} == {UNHEARD}
    web.start()
    time.sleep(0.5)
    ask(client_, *hosts(2))
    assert all(isinstance(one, Response) for one in outcomes(client_).values())
    assert not client_.is_down
    client_.close()


def test_hosts_that_are_away_while_others_answer_are_themselves_away(web: Web) -> None:
    client_ = client(web)
    dead = hosts(7, "dead", "test")
    for host in dead:
        ask(client_, host, "live0.example")
        found = outcomes(client_)
        assert isinstance(found[host], Later)
    assert client_.changes() == []
    client_.close()


def test_a_row_of_dead_hosts_is_told_from_a_dead_network_by_asking_who_answered_before(
    web: Web,
) -> None:
    client_ = client(web)
    ask(client_, "live0.example")
    outcomes(client_)
    ask(client_, *hosts(8, "dead", "test"))
    found = outcomes(client_)
    assert all(isinstance(one, Later) for one in found.values())
    assert client_.changes() == []
    client_.close()


def test_one_host_that_is_away_alone_is_blamed_after_a_moment(web: Web) -> None:
    client_ = client(web)
    started = time.monotonic()
    ask(client_, "dead1.test")
    [found] = outcomes(client_).values()
    assert isinstance(found, Later)
    assert 0.25 < time.monotonic() - started < 3
    client_.close()


def test_without_a_witness_dead_hosts_are_not_given_the_benefit_of_doubt_for_ever(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady, "GIVE_UP_S", 0.5)
    client_ = client(web)
    ask(client_, *hosts(6, "dead", "test"))
    assert {*outcomes(client_).values()} == {UNHEARD}
    end = time.monotonic() + 5
    while client_.room() < 100:
        assert time.monotonic() < end
        client_.done(0.02)
        time.sleep(0.05)
    ask(client_, *hosts(6, "dead", "test"))
    assert all(isinstance(one, Later) for one in outcomes(client_).values())
    client_.close()


def test_silence_long_ago_and_answers_long_ago_tell_nothing() -> None:
    judge = reach.Reach()
    for n in range(3):
        judge.missed(f"old{n}", 0.0)
    for n in range(3):
        judge.missed(f"new{n}", reach.FORGET_S + 1)
    assert not judge.is_suspicious(reach.FORGET_S + 1)
    judge.heard("a", "http://a", 0.0)
    judge.heard("b", "http://b", 0.0)
    judge.missed("a", 1.0)
    judge.missed("b", 1.0)
    assert judge.is_suspicious(1.0)
    assert not judge.is_suspicious(reach.REMEMBER_S + 1)
    assert judge.witnesses(reach.REMEMBER_S + 1) == []


def test_witnesses_are_asked_in_turn_the_silent_ones_last() -> None:
    judge = reach.Reach()
    for name in "abcde":
        judge.heard(name, f"http://{name}", 0.0)
    judge.missed("a", 1.0)
    asked = [domain for _ in range(4) for domain, _ in judge.witnesses(1.0)]
    assert {*asked} == {*"bcde"}
