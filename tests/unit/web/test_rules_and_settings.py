"""What a user sets: resolve rules, the contact, and whether a contact is needed at all."""

from __future__ import annotations

import pytest

from newsmill.errors import Misconfigured
from newsmill.web.rules import Endpoint, Rules
from newsmill.web.settings import WebSettings, is_loopback_only


def test_the_nearest_rule_wins() -> None:
    rules = Rules(
        [
            "*=127.0.0.1:1",
            "*.example=127.0.0.1:2",
            "*.news.example=127.0.0.1:3",
            "a.news.example=[::1]:4",
            " BÜCHER.example=127.0.0.1:5 ",
        ]
    )
    assert rules.find("other.org") == Endpoint("127.0.0.1", 1)
    assert rules.find("example") == Endpoint("127.0.0.1", 1)
    assert rules.find("x.example") == Endpoint("127.0.0.1", 2)
    assert rules.find("a.b.news.example") == Endpoint("127.0.0.1", 3)
    assert rules.find("a.news.example") == Endpoint("::1", 4)
    assert rules.find("xn--bcher-kva.example") == Endpoint("127.0.0.1", 5)
    assert Rules(["*.example=127.0.0.1:2"]).find("example.org") is None
    assert Rules().find("a.example") is None


@pytest.mark.parametrize(
    "rule",
    [
        *("", "a.example", "a.example=", "a.example=127.0.0.1", "=127.0.0.1:80", "a.example=:80"),
        *("a.example=host:80", "a.example=127.1:80", "a.example=127.0.0.1:0", "a=1.1.1.1:65536"),
        *("a.example=127.0.0.1:x", "a.example=127.0.0.1:-1", "a.example=127.0.0.1:²"),
        *("a/b=127.0.0.1:80", "a.*.example=127.0.0.1:80", "**.example=127.0.0.1:80"),
        *("http://a.example=127.0.0.1:80", "a@b.example=127.0.0.1:80", "1.2.3.4=127.0.0.1:80"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_one_line(rule: str) -> None:
    with pytest.raises(Misconfigured, match="resolve rule") as caught:
        WebSettings(resolve=(rule,))
    assert "\n" not in str(caught.value)
    assert repr(rule) in str(caught.value)


@pytest.mark.parametrize("contact", ["", "a\r\nX: y", "ü@example.org", "a b@c", "(x)", "x" * 300])
def test_a_contact_that_is_none_is_refused(contact: str) -> None:
    with pytest.raises(Misconfigured, match="contact"):
        WebSettings(contact=contact)


def test_limits_of_nothing_are_refused() -> None:
    with pytest.raises(Misconfigured, match="total_s"):
        WebSettings(total_s=0)
    with pytest.raises(Misconfigured, match="spacing_s"):
        WebSettings(spacing_s=-1)


def test_the_user_agent_names_us_and_the_contact() -> None:
    agent = WebSettings(contact="desk@paper.example").user_agent
    assert agent.startswith("newsmill/")
    assert agent.endswith("(+desk@paper.example)")
    assert "(" not in WebSettings().user_agent


def test_what_stays_on_this_machine_is_known_without_asking_anyone() -> None:
    settings = WebSettings(resolve=("*.example=127.0.0.1:8000", "far.test=203.0.113.1:80"))
    here = [
        "http://a.example/feed",
        "http://127.0.0.1:8080/x",
        "http://[::1]/",
        "http://localhost/",
    ]
    assert is_loopback_only([], settings)
    assert is_loopback_only(here, settings)
    assert is_loopback_only(["ftp://never.asked/", "http://127.1/"], settings)
    for there in ("http://example/", "https://news.org/", "http://far.test/", "http://10.0.0.1/"):
        assert not is_loopback_only([*here, there], settings)
