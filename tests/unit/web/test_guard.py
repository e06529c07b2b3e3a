"""Which addresses and URLs are refused before anything is asked."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.urls import normalise
from newsmill.web.guard import aim, forbidden
from newsmill.web.rules import Rules

PORTS = (80, 443)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"],
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert forbidden(address) is None


def test_public_ipv4_inside_ipv6_is_allowed_where_routers_make_it() -> None:
    assert forbidden("::ffff:1.1.1.1") is None
    assert forbidden("64:ff9b::101:101") is None


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.0.9", "100.64.0.1", "::1", "fd00::1"],
)
def test_private_addresses_open_with_the_switch(address: str) -> None:
    assert forbidden(address) is not None
    assert forbidden(address, allow_private=True) is None


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
        *(
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
            "fe80::1",
            "fe80::1%eth0",
            "fd00:ec2::254",
        ),
        *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001::1", "5f00::1"),
        *("64:ff9b:1::1", "::7f00:1", "127.1", "localhost", ""),
    ],
)
def test_some_addresses_never_open(address: str) -> None:
    assert forbidden(address, allow_private=True) is not None


@given(st.ip_addresses(v=4))
def test_whatever_python_calls_private_is_forbidden(ip: ipaddress.IPv4Address) -> None:
    if not ip.is_global or ip.is_multicast:
        assert forbidden(str(ip)) is not None
        assert forbidden(f"::ffff:{ip}") is not None
        assert forbidden(str(ipaddress.IPv6Address((0x64FF9B << 96) + int(ip)))) is not None


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_outside_of_what_was_given_out_is_allowed(
    ip: ipaddress.IPv6Address,
) -> None:
    if forbidden(str(ip)) is None:
        assert ip in ipaddress.ip_network("2000::/3") or ip.ipv4_mapped or str(ip).startswith("64:")


def test_the_query_goes_over_the_wire_whole() -> None:
    found = aim("HTTP://News.Example/a/../b?utm_source=x&q=é [1]#top", ports=PORTS, rules=Rules())
    assert found.url == "http://news.example/b?utm_source=x&q=%C3%A9%20[1]"
    assert (found.origin, found.host, found.domain) == (
        "http://news.example",
        "news.example",
        "news.example",
    )


@given(st.text(max_size=80), st.sampled_from([None, "http://base.example/a/b"]))
def test_any_text_is_a_safe_target_or_a_refusal(text: str, base: str | None) -> None:
    for candidate in (text, f"http://{text}", f"https://h.example/{text}", f"//h.example?{text}"):
        try:
            found = aim(candidate, base, ports=PORTS, rules=Rules())
        except BadRecord:
            continue
        assert found.url.isascii()
        assert found.url.startswith(f"{found.origin}/")
        assert normalise(found.url).startswith(f"{found.origin}/")
        again = aim(found.url, ports=PORTS, rules=Rules())
        assert again == found


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 9092, 81])
def test_other_ports_are_refused_unless_a_rule_brings_its_own(port: int) -> None:
    url = f"http://h.example:{port}/"
    with pytest.raises(BadRecord, match="scheme_forbidden"):
        aim(url, ports=PORTS, rules=Rules())
    assert aim(url, ports=PORTS, rules=Rules(["*.example=127.0.0.1:9"])).url == url
