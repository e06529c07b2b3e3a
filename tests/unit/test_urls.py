"""The normal form of URLs, which ids are made of: frozen, so every case here holds for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsmill.urls import MAX_URL, domain_of, host_of, identity, normalise, registrable

A = "http://a.example"

NORMAL = [
    # scheme, host and port
    ("http://a.example", "http://a.example/"),
    ("HTTP://A.Example/Path", "http://a.example/Path"),
    ("https://a.example/", "https://a.example/"),
    ("http://www.a.example/", "http://www.a.example/"),
    ("http://a.example:80/x", "http://a.example/x"),
    ("http://a.example:/x", "http://a.example/x"),
    ("https://a.example:443/x", "https://a.example/x"),
    ("http://a.example:443/x", "http://a.example:443/x"),
    ("https://a.example:80/x", "https://a.example:80/x"),
    ("http://a.example:8080/x", "http://a.example:8080/x"),
    ("http://a.example:0080/x", "http://a.example/x"),
    ("http://a.example./x", "http://a.example/x"),
    ("http://a_b.example/", "http://a_b.example/"),
    ("http://localhost/", "http://localhost/"),
    ("http://192.0.2.7/x", "http://192.0.2.7/x"),
    ("http://192.0.2.7:8000/x", "http://192.0.2.7:8000/x"),
    ("http://4chan.example/", "http://4chan.example/"),
    ("http://24.example/", "http://24.example/"),
    ("http://[2001:DB8::1]/x", "http://[2001:db8::1]/x"),
    ("http://[2001:db8:0:0:0:0:0:1]:80/x", "http://[2001:db8::1]/x"),
    ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
    ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
    ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
    ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
    ("http://bu\u0308cher.example/", "http://xn--bcher-kva.example/"),
    ("http://faß.example/", "http://xn--fa-hia.example/"),
    ("http://новости.example/", "http://xn--b1amnebsh.example/"),
    ("http://ニュース.example/", "http://xn--zck9awe6d.example/"),
    ("http://a。example/", "http://a.example/"),
    ("http://ａ.example/", "http://a.example/"),
    ("http://a\u00ad.example/", "http://a.example/"),
    # space around and within
    (" http://a.example/x\n", "http://a.example/x"),
    ("http://a.exam\nple/x\ty", "http://a.example/xy"),
    ("http://a.example/x y", "http://a.example/x%20y"),
    ("http://a.example/x\u00a0y", "http://a.example/x%C2%A0y"),
    # fragments
    ("http://a.example/x#top", "http://a.example/x"),
    ("http://a.example/x#", "http://a.example/x"),
    ("http://a.example/#!/x", "http://a.example/"),
    ("http://a.example#@b.example/", "http://a.example/"),
    ("http://a.example/x?a=1#b?c", "http://a.example/x?a=1"),
    # dots
    ("http://a.example/a/../b", "http://a.example/b"),
    ("http://a.example/a/./b", "http://a.example/a/b"),
    ("http://a.example/a/..", "http://a.example/"),
    ("http://a.example/a/b/..", "http://a.example/a/"),
    ("http://a.example/a/.", "http://a.example/a/"),
    ("http://a.example/../../a", "http://a.example/a"),
    ("http://a.example/%2e%2E/b", "http://a.example/b"),
    ("http://a.example/a/%2E/b", "http://a.example/a/b"),
    ("http://a.example/.well-known/x", "http://a.example/.well-known/x"),
    ("http://a.example/a/..b/.c", "http://a.example/a/..b/.c"),
    ("http://a.example/...", "http://a.example/..."),
    # paths: what a server may tell apart is left apart
    ("http://a.example/a//b", "http://a.example/a//b"),
    ("http://a.example//a", "http://a.example//a"),
    ("http://a.example/a/", "http://a.example/a/"),
    ("http://a.example/index.html", "http://a.example/index.html"),
    ("http://a.example/A", "http://a.example/A"),
    ("http://a.example/a;x=1", "http://a.example/a;x=1"),
    ("http://a.example/(a)!$*,:@'", "http://a.example/(a)!$*,:@'"),
    ("http://a.example/a\\b", "http://a.example/a%5Cb"),
    ('http://a.example/"<>`{}|^[]', "http://a.example/%22%3C%3E%60%7B%7D%7C%5E%5B%5D"),
    ("http://a.example/\x00\x1f", "http://a.example/%00%1F"),
    # percent-encoding
    ("http://a.example/%41%2d%5F%7e%2E", "http://a.example/A-_~."),
    ("http://a.example/%7Euser", "http://a.example/~user"),
    ("http://a.example/%2f", "http://a.example/%2F"),
    ("http://a.example/a%3fb", "http://a.example/a%3Fb"),
    ("http://a.example/a%23b", "http://a.example/a%23b"),
    ("http://a.example/%25", "http://a.example/%25"),
    ("http://a.example/%2541", "http://a.example/%2541"),
    ("http://a.example/%", "http://a.example/%25"),
    ("http://a.example/%zz%4", "http://a.example/%25zz%254"),
    ("http://a.example/100%", "http://a.example/100%25"),
    ("http://a.example/é", "http://a.example/%C3%A9"),
    ("http://a.example/%c3%a9", "http://a.example/%C3%A9"),
    ("http://a.example/caf%e9", "http://a.example/caf%E9"),
    ("http://a.example/%e6%97%a5本", "http://a.example/%E6%97%A5%E6%9C%AC"),
    ("http://a.example/\U0001f5de", "http://a.example/%F0%9F%97%9E"),
    ("http://a.example/e\u0301", "http://a.example/e%CC%81"),
    ("http://a.example/%2C%3A%40", "http://a.example/%2C%3A%40"),
    ("http://a.example/a+b%20c", "http://a.example/a+b%20c"),
    # queries: order, repeats and empty values are the server's
    ("http://a.example?b=1", "http://a.example/?b=1"),
    ("http://a.example/?", "http://a.example/"),
    ("http://a.example/x?", "http://a.example/x"),
    ("http://a.example/?b=2&a=1", "http://a.example/?b=2&a=1"),
    ("http://a.example/?a=1&a=1", "http://a.example/?a=1&a=1"),
    ("http://a.example/?a", "http://a.example/?a"),
    ("http://a.example/?a=", "http://a.example/?a="),
    ("http://a.example/?=a", "http://a.example/?=a"),
    ("http://a.example/?&a=1&&b=2&", "http://a.example/?a=1&b=2"),
    ("http://a.example/?a=1;b=2", "http://a.example/?a=1;b=2"),
    ("http://a.example/?a=b+c", "http://a.example/?a=b+c"),
    ("http://a.example/?a=b%20c", "http://a.example/?a=b%20c"),
    ("http://a.example/?a=b c", "http://a.example/?a=b%20c"),
    ("http://a.example/?a=%26%3D", "http://a.example/?a=%26%3D"),
    ("http://a.example/?a[]=1", "http://a.example/?a%5B%5D=1"),
    ("http://a.example/?q=é", "http://a.example/?q=%C3%A9"),
    ("http://a.example/?q=caf%e9", "http://a.example/?q=caf%E9"),
    ("http://a.example/?q=%7e", "http://a.example/?q=~"),
    ("http://a.example/?a=/?:@", "http://a.example/?a=/?:@"),
    ("http://a.example/?u=http://b.example/?x", "http://a.example/?u=http://b.example/?x"),
    ("http://a.example/?a=\\", "http://a.example/?a=%5C"),
    ("http://a.example?@b.example/", "http://a.example/?@b.example/"),
    ("http://a.example/x?a=../b", "http://a.example/x?a=../b"),
    # what only counts readers
    ("http://a.example/?utm_source=x&a=1&utm_medium=y", "http://a.example/?a=1"),
    ("http://a.example/x?utm_source=rss", "http://a.example/x"),
    ("http://a.example/x?UTM_Campaign=rss", "http://a.example/x"),
    ("http://a.example/x?%75tm_source=rss", "http://a.example/x"),
    ("http://a.example/?fbclid", "http://a.example/"),
    ("http://a.example/?id=1&gclid=2&page=3", "http://a.example/?id=1&page=3"),
    ("http://a.example/?at_medium=RSS&at_campaign=KARANGA", "http://a.example/"),
    ("http://a.example/?mc_cid=1&mc_eid=2&_hsenc=3&_ga=4", "http://a.example/"),
    ("http://a.example/?xtor=RSS-1&ns_source=x&wt_mc=y", "http://a.example/"),
    ("http://a.example/?guce_referrer=x&guccounter=1&srsltid=2", "http://a.example/"),
    ("http://a.example/?itm_source=box&INTCMP=1&p=2", "http://a.example/?p=2"),
    # and what only looks like it
    ("http://a.example/?utm=1", "http://a.example/?utm=1"),
    ("http://a.example/?my_utm_source=1", "http://a.example/?my_utm_source=1"),
    ("http://a.example/?fbclid2=1", "http://a.example/?fbclid2=1"),
    ("http://a.example/?at_home=1", "http://a.example/?at_home=1"),
    ("http://a.example/?ref=home", "http://a.example/?ref=home"),
    ("http://a.example/?a=utm_source=1", "http://a.example/?a=utm_source=1"),
    ("http://a.example/utm_source=1", "http://a.example/utm_source=1"),
    ("http://a.example/a;utm_source=1", "http://a.example/a;utm_source=1"),
]

JOINED = [
    ("x", f"{A}/b/c", f"{A}/b/x"),
    ("/x", f"{A}/b/c", f"{A}/x"),
    ("./x", f"{A}/b/c", f"{A}/b/x"),
    ("../x", f"{A}/b/c/d", f"{A}/b/x"),
    ("../../../x", f"{A}/b/c/d", f"{A}/x"),
    ("//b.example/x", "https://a.example/", "https://b.example/x"),
    ("http://b.example", f"{A}/b", "http://b.example/"),
    ("?q=1", f"{A}/b?c", f"{A}/b?q=1"),
    ("#top", f"{A}/b?c", f"{A}/b?c"),
    ("", f"{A}/b?c#d", f"{A}/b?c"),
    (" x\n", f"{A}/", f"{A}/x"),
    ("a\nb", f"{A}/", f"{A}/ab"),
    ("a b", f"{A}/", f"{A}/a%20b"),
    ("x?utm_source=1", f"{A}/b/", f"{A}/b/x"),
    ("/\\b.example", f"{A}/b", f"{A}/%5Cb.example"),
]

REFUSED = [
    # no web addresses
    "", " ", "a.example/x", "//a.example/x", "/x", "ftp://a.example/", "file:///etc/passwd",
    "javascript:alert(1)", "data:text/html,x", "mailto:a@a.example", "gopher://a.example/",
    "http:", "http://", "http:///x", "http:a.example", "http:/a.example", "https://?x", "http://#",
    # the authority is not what it seems
    "http://user@a.example/", "http://user:pass@a.example/", "http://a.example@b.example/",
    "http://@a.example/", "http://a.example\\@b.example/", "http:\\\\a.example\\",
    "http://a.example\\.b.example/", "http://a b.example/", "http://a.example%00.b.example/",
    "http://a\x00.example/", "http://%61.example/", "http://a.example%2F@b.example/",
    "http://a.example\u2100b.example/",
    # ports
    "http://a.example:0/", "http://a.example:65536/", "http://a.example:-1/", "http://a.example:x/",
    "http://a.example:+80/", "http://a.example:８0/",
    # hosts
    "http://.a.example/", "http://a..example/", "http://-a.example/", "http://a-.example/",
    "http://a,b.example/", "http://☃.example/", f"http://{'a' * 64}.example/",
    f"http://{'a.' * 130}example/", f"http://{'é' * 5000}.example/",
    # addresses in disguise
    "http://2130706433/", "http://0x7f000001/", "http://0x7F.1/", "http://0x/", "http://127.1/",
    "http://127.0.1/", "http://0177.0.0.1/", "http://127.0.0.01/", "http://127.0.0.0x1/",
    "http://1.2.3.4.5/", "http://256.1.1.1/", "http://１27.1/", "http://127。1/", "http://a.1/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/", "http://[v1.x]/", "http://[::1/", "http://[]/", "http://[a.example]/",
    "http://[127.0.0.1]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[::1]a.example/",
    # traps
    f"{A}/{'x' * MAX_URL}", f"{A}/{'é' * (MAX_URL // 4)}",
]  # fmt: skip


@pytest.mark.parametrize(("given_url", "normal"), NORMAL)
def test_the_normal_form_is(given_url: str, normal: str) -> None:
    assert normalise(given_url) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(("given_url", "base", "normal"), JOINED)
def test_joined_to_its_base_the_normal_form_is(given_url: str, base: str, normal: str) -> None:
    assert normalise(given_url, base) == normal


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: ascii(url)[:40])
def test_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as error:
        normalise(url)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("base", ["", "not a base", "mailto:a@b", "http://[::1"])
def test_a_relative_url_on_no_web_base_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        normalise("x", base)


def frozen() -> list[tuple[str, str]]:
    table = Path(__file__).with_name("data") / "ids.u1.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()
    return [(url, ident) for ident, _, url in (line.partition("\t") for line in lines)]


@pytest.mark.parametrize(("url", "ident"), frozen())
def test_ids_are_frozen(url: str, ident: str) -> None:
    assert identity(url) == ident


def test_an_id_is_the_hash_that_the_documents_say() -> None:
    whole = b"u1\0http://a.example/x\0"
    assert identity("HTTP://a.example:80/x#y") == hashlib.blake2b(whole, digest_size=16).hexdigest()


SIGNS = "aZ09.-_~%/?#&=+;:@!$'()*,[]|\\ \t\n\x00\x7fé中ß。ⓔ１\u00ad\u200d\U0001f5de"
PIECES = ("%41", "%2e", "%2F", "%c3%a9", "utm_source=", "..", "//", "xn--", "0x7f", "%75tm_x=")
ODD = st.sampled_from([*SIGNS, *PIECES])
ODDITIES = st.lists(ODD, max_size=10).map("".join)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["http://", "https://", "HTTP://a.example/", "http://a.example/?", "", "//"]),
    ODDITIES,
    st.none() | st.just("http://a.example/b/c?d"),
)
@example("http://a.example/?", "%75tm_source=1", None)
@example("", "é" * 700, "http://a.example/")
def test_whatever_is_taken_has_one_plain_stable_form(
    start: str, rest: str, base: str | None
) -> None:
    try:
        normal = normalise(start + rest, base)
    except ValueError:
        return
    assert normalise(normal) == normalise(normal, base) == normal
    assert normal.isascii()
    assert len(normal) <= MAX_URL
    parts = urlsplit(normal)
    assert parts.scheme in ("http", "https")
    assert parts.path.startswith("/")
    assert not parts.fragment
    assert parts.username is None
    assert host_of(normal) == host_of(normal).lower()
    assert domain_of(normal)
    assert identity(normal) == identity(start + rest if base is None else normal)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["a=1", "b", "c=%C3%A9", "id=utm_source"]), max_size=4),
    st.lists(st.sampled_from(["utm_x=1", "FBCLID=2", "gclid", "%6dsclkid=3"]), max_size=4),
    st.randoms(use_true_random=False),
)
def test_tracking_parameters_never_tell_pages_apart(
    kept: list[str], tracking: list[str], chance: object
) -> None:
    assert hasattr(chance, "randint")
    mixed = list(kept)
    for pair in tracking:
        mixed.insert(chance.randint(0, len(mixed)), pair)
    assert normalise(f"{A}/?{'&'.join(mixed)}") == normalise(f"{A}/?{'&'.join(kept)}")


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.example", "a.example"),
        ("www.news.a.example", "a.example"),
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("blog.github.io", "github.io"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("WWW.Example.COM.", "example.com"),
        ("www.xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_politeness_counts_by_the_registrable_domain(host: str, domain: str) -> None:
    assert registrable(host) == domain


def test_the_domain_of_a_url_is_that_of_its_host_whatever_the_port() -> None:
    assert domain_of("https://www.a.example:8443/x") == "a.example"
    assert host_of("https://www.a.example:8443/x") == "www.a.example"
    assert domain_of("http://[2001:db8::1]:81/") == "2001:db8::1"
