"""The client behind its thread: outcomes under their keys, an end at once, and nothing leaks."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import cast

import pytest

from contract.web.hostile import Server, serving, text
from newsmill.errors import BadRecord
from newsmill.web.messages import Later, Request, Response
from newsmill.web.settings import WebSettings
from newsmill.web.thread import Fetched, Fetching, RobotsRead


def settings(server: Server) -> WebSettings:
    return WebSettings(resolve=(server.rule(),), spacing_s=0.0, total_s=5.0)


def drained(fetching: Fetching[str]) -> dict[str, Fetched]:
    outcomes: dict[str, Fetched] = {}
    end = time.monotonic() + 10
    while fetching.in_flight and time.monotonic() < end:
        outcomes.update(fetching.done(1.0))
    return outcomes


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


def test_every_request_comes_back_once_under_its_key() -> None:
    routes = {"/a": text("a"), "/busy": text("", 503), "/robots.txt": text("")}
    paths = ["a", "missing", "busy"]
    with serving(routes) as server, Fetching[str](settings(server)) as fetching:
        for path in paths:
            for n in range(20):
                request = Request(url=f"http://h{n}.example/{path}")
                fetching.start(f"{path} {n}", request)
        assert fetching.in_flight == 60
        outcomes = drained(fetching)
        assert fetching.in_flight == 0
        assert len(fetching.robots_read()) == 20
        assert fetching.robots_read() == []
    kinds = {"a": Response, "missing": BadRecord, "busy": Later}
    assert len(outcomes) == 60
    assert all(isinstance(found, kinds[key.split()[0]]) for key, found in outcomes.items())


def test_robots_reads_are_kept_for_the_callers_log() -> None:
    with serving({"/a": text("a")}) as server, Fetching[str](settings(server)) as fetching:
        fetching.start("a", Request(url="http://h.example/a"))
        drained(fetching)
        assert fetching.robots_read() == [RobotsRead("http://h.example", 404, "none")]


def test_done_does_not_wait_when_nothing_is_in_flight() -> None:
    with serving({}) as server, Fetching[str](settings(server)) as fetching:
        begun = time.monotonic()
        assert fetching.done(5.0) == []
        assert time.monotonic() - begun < 0.5


def test_done_waits_no_longer_than_asked() -> None:
    with serving({"/a": silent}) as server, Fetching[str](settings(server)) as fetching:
        fetching.start("a", Request(url="http://h.example/a"))
        begun = time.monotonic()
        assert fetching.done(0.2) == []
        assert 0.15 < time.monotonic() - begun < 1


def test_the_caller_is_woken() -> None:
    woken = threading.Event()
    with (
        serving({"/a": text("a")}) as server,
        Fetching[str](settings(server), wake=woken.set) as fetching,
    ):
        fetching.start("a", Request(url="http://h.example/a"))
        assert woken.wait(5)
        assert [key for key, _ in fetching.done()] == ["a"]


def test_closing_drops_what_is_in_flight_at_once() -> None:
    before = threading.active_count()
    with serving({"/a": silent}) as server:
        fetching = Fetching[str](settings(server))
        for n in range(30):
            fetching.start(str(n), Request(url=f"http://h{n}.example/a"))
        fetching.done(0.2)
        begun = time.monotonic()
        fetching.close()
        fetching.close()
        assert time.monotonic() - begun < 1
        assert fetching.in_flight == 0
        assert fetching.done(5.0) == []
        with pytest.raises(RuntimeError):
            fetching.start("late", Request(url="http://h.example/a"))
    assert threading.active_count() == before


def test_a_lookup_that_hangs_holds_up_neither_others_nor_the_end() -> None:
    stuck = threading.Event()

    def lookup(host: str) -> list[str]:
        stuck.wait(20)
        return []

    with serving({"/a": text("a")}) as server:
        usual = WebSettings(resolve=(server.rule("*.example"),), spacing_s=0.0)
        with Fetching[str](usual, lookup=lookup) as fetching:
            fetching.start("stuck", Request(url="http://stuck.test/a"))
            fetching.start("a", Request(url="http://h.example/a"))
            assert [key for key, _ in fetching.done(5.0)] == ["a"]
            begun = time.monotonic()
        assert time.monotonic() - begun < 1
        stuck.set()


def test_a_bug_is_delivered_as_itself() -> None:
    with serving({}) as server, Fetching[str](settings(server)) as fetching:
        fetching.start("bug", Request(url=cast(str, None)))
        (key, found) = fetching.done(5.0)[0]
        assert key == "bug"
        assert isinstance(found, AttributeError)
        assert fetching.in_flight == 0
