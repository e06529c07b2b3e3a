"""When a domain may be asked again: Retry-After, spacing, crawl delay, back-off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.web.retry_after import retry_after
from newsmill.web.spacing import LONGEST_BACKOFF_S, Spacing

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["120"], 120),
        ([" 120 "], 120),
        (["0"], 1),
        (["-1"], 1),
        (["2.5"], 2.5),
        (["1e9"], 86400),
        (["Fri, 31 Dec 1999 23:59:59 GMT"], 1),
        (["Tue, 14 Nov 2023 22:14:20 GMT"], 60),
        (["Tuesday, 14-Nov-23 22:14:20 GMT"], 60),
        (["Tue Nov 14 22:14:20 2023"], 60),
        (["Tue, 14 Nov 2023 23:14:20 +0100"], 60),
        (["Thu, 01 Jan 2099 00:00:00 GMT"], 86400),
        (["5", "7", "x"], 7),
        (["nan"], None),
        (["inf"], None),
        (["soon"], None),
        (["1_000"], None),
        ([""], None),
        (["9" * 1000], None),
        (["Fri, 99 Foo 1999"], None),
        ([], None),
    ],
)
def test_every_form_of_retry_after(values: list[str], seconds: float | None) -> None:
    assert retry_after(values, NOW) == seconds


@given(st.lists(st.text(max_size=70), max_size=3), st.floats(0, 4e9))
def test_any_text_is_a_clamped_wait_or_none(values: list[str], now: float) -> None:
    found = retry_after(values, now)
    assert found is None or 1 <= found <= 86400


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 50)), max_size=40))
def test_two_starts_of_a_domain_are_never_nearer_than_the_gap(
    asks: list[tuple[str, float]],
) -> None:
    spacing = Spacing(2.0)
    last: dict[str, float] = {}
    now = 0.0
    for domain, passed in asks:
        now += passed
        start = spacing.reserve(domain, now)
        assert start >= now
        if domain in last:
            assert start >= last[domain] + 2.0
        last[domain] = start


def test_an_unknown_domain_is_due() -> None:
    assert Spacing(2.0).due("a.example") == 0


def test_a_crawl_delay_counts_from_the_last_request_and_is_capped() -> None:
    spacing = Spacing(1.0)
    assert spacing.reserve("a", 100.0) == 100.0
    spacing.crawl_delay("a", 10.0, 100.0)
    assert spacing.due("a") == 110.0
    spacing.crawl_delay("a", 1e9, 100.0)
    assert spacing.due("a") == 160.0
    spacing.crawl_delay("a", 0.1, 100.0)
    assert spacing.due("a") == 101.0
    spacing.crawl_delay("a", None, 100.0)
    assert spacing.due("a") == 101.0


def test_back_off_doubles_with_a_jitter_and_ends_with_a_success() -> None:
    spacing = Spacing(1.0)
    waits = [spacing.failed("a", 0.0) for _ in range(40)]
    assert 30 <= waits[0] <= 45
    assert 60 <= waits[1] <= 90
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_BACKOFF_S
    spacing.succeeded("a")
    assert 7e5 + 30 <= spacing.failed("a", 7e5) <= 7e5 + 45


def test_back_off_is_the_same_for_the_same_name_and_differs_between_names() -> None:
    waits = {Spacing(1.0).failed(f"host{n}.example", 0.0) for n in range(100)}
    assert len(waits) > 90
    assert Spacing(1.0).failed("a", 0.0) == Spacing(1.0).failed("a", 0.0)


def test_what_the_server_asks_for_is_kept() -> None:
    spacing = Spacing(1.0)
    assert spacing.failed("a", 100.0, 7.0) == 107.0
    assert spacing.reserve("a", 100.0) == 107.0
    assert spacing.failed("a", 100.0, 3.0) == 108.0  # the gap after the start that is reserved


def test_memory_is_bounded_and_idle_domains_go_first() -> None:
    spacing = Spacing(1.0, max_domains=100)
    spacing.failed("sick", 0.0, 1e6)
    spacing.crawl_delay("slow", 60.0, 0.0)
    for n in range(10_000):
        spacing.reserve(f"host{n}", float(n) * 10)
        assert len(spacing) <= 100
    assert spacing.due("sick") == 1e6


def test_memory_is_bounded_when_nobody_is_idle() -> None:
    spacing = Spacing(1.0, max_domains=100)
    for n in range(1000):
        spacing.failed(f"host{n}", 0.0, 1000.0 + n)
        assert len(spacing) <= 100
    assert spacing.due("host999") == 1999.0
