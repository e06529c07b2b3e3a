"""No URL, no redirect and no answer of a name server leads the client into a private network."""

from __future__ import annotations

import asyncio

import pytest

from contract.web.hostile import moved, serving, text
from newsmill.errors import BadRecord
from newsmill.web.client import Client
from newsmill.web.messages import Later, Request
from newsmill.web.settings import WebSettings

# fmt: off
HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1",
    "0177.0.0.1", "127.0.0.1.", "0", "0x0", "0.0.0.0", "00.0.0.0", "[::]", "[::1]",
    "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::80ff:fffe]", "[fe80::1%25eth0]",
    "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
    "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "100.64.0.1",
    "10.0.0.1", "10.1", "172.16.1", "172.31.255.255", "192.168.257", "192.168.1.1",
    "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "203.0.113.9",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "localhost", "LOCALHOST.", "ⓛocalhost",
    "sub.localhost", "localhost.localdomain", "printer.local", "metadata.google.internal",
    "intranet", "metadata", "1.2.3.4.5", "256.1.1.1", "a.0x1",
]
# fmt: on

URLS = [
    "http://good.example@127.0.0.1/",
    "http://127.0.0.1#@good.example/",
    "http://good.example\\@127.0.0.1/",
    "http://127.0.0.1:80\\@good.example/",
    "http://%31%32%37.0.0.1/",
    "http://good.example:99999/",
    "http://h.example:0/",
    "http://[::1",
    "http://[v1.x]/",
    "http://a\u200bb.example@127.0.0.1/",
    "http://" + "x" * 64 + ".example/",
    "http://good.example/" + "x" * 5000,
]
SCHEMES = [
    "http://h.example:22/",
    "http://h.example:9092/",
    "file:///etc/passwd",
    "ftp://h.example/",
    "gopher://127.0.0.1:6379/_x",
    "dict://h.example/",
    "unix:///run/x.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "data:text/html,x",
    "jar:http://h.example!/",
    "javascript:alert(1)",
    "blob:http://h.example/x",
]
REFUSED = [
    *((f"http://{host}/", "address_forbidden") for host in HOSTS),
    *((url, "address_forbidden") for url in URLS),
    *((url, "scheme_forbidden") for url in SCHEMES),
]


async def refused(client: Client, url: str) -> str:
    try:
        found = await client.get(Request(url=url))
    except BadRecord as error:
        return error.reason
    except Later as error:
        return f"later: {error}"
    return f"{found.status} from {found.final_url}"


def no_name(host: str) -> list[str]:
    raise OSError(f"{host}: no such name")


def test_no_hostile_url_is_asked() -> None:
    async def run() -> list[str]:
        async with Client(WebSettings(spacing_s=0), lookup=no_name) as client:
            return [await refused(client, url) for url, _ in REFUSED]

    found = asyncio.run(run())
    assert list(zip((url for url, _ in REFUSED), found, strict=True)) == REFUSED


def test_no_redirect_leads_to_a_hostile_url() -> None:
    routes = {f"/{n}": moved(url) for n, (url, _) in enumerate(REFUSED)}
    with serving(routes) as server:

        async def run() -> list[str]:
            settings = WebSettings(spacing_s=0, resolve=(server.rule("start.test"),))
            async with Client(settings, lookup=no_name) as client:
                return [
                    await refused(client, f"http://start.test/{n}") for n in range(len(REFUSED))
                ]

        found = asyncio.run(run())
        assert server.connections < 5
        assert len(server.asked) == len(REFUSED) + 1
    assert list(zip((url for url, _ in REFUSED), found, strict=True)) == REFUSED


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("//127.0.0.1/", "address_forbidden"),
        ("\\\\127.0.0.1/", "http_status"),  # a path of the same host
        ("http:127.0.0.1/", "http_status"),
        ("http:/127.0.0.1/", "http_status"),
        ("http:///127.0.0.1/", "http_status"),
        ("ht\ttp://127.0.0.1/", "address_forbidden"),
    ],
)
def test_a_half_url_leads_nowhere_else(location: str, wanted: str) -> None:
    with serving({"/": moved(location)}) as server:

        async def run() -> list[str]:
            settings = WebSettings(spacing_s=0, resolve=(server.rule("start.test"),))
            async with Client(settings, lookup=no_name) as client:
                return [await refused(client, url) for url in ("http://start.test/", location)]

        found = asyncio.run(run())
        assert {asked.host for asked in server.asked} == {"start.test"}
    assert found[0] == wanted
    assert found[1] in ("address_forbidden", "scheme_forbidden")


PRIVATE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_public_name_with_a_private_address_is_refused_at_connect(address: str) -> None:
    async def run() -> str:
        async with Client(WebSettings(), lookup=lambda host: [address]) as client:
            return await refused(client, "http://rebound.example/")

    assert asyncio.run(run()) == "address_forbidden"


def test_a_name_that_changes_its_address_between_two_lookups_is_refused() -> None:
    with serving({"/": text("secret")}) as server:
        answers = iter([["192.0.2.1"], ["127.0.0.1"], ["127.0.0.1"]])

        async def run() -> list[str]:
            settings = WebSettings(spacing_s=0, ports=(server.port,))
            url = f"http://rebound.example:{server.port}/"
            found = []
            for _ in range(3):
                async with Client(settings, lookup=lambda host: next(answers)) as client:
                    found.append(await refused(client, url))
            return found

        assert asyncio.run(run()) == ["address_forbidden"] * 3
        assert server.connections == 0


def test_a_rule_opens_its_address_to_its_own_hosts_only() -> None:
    with serving({"/": text("secret")}) as server:

        async def run() -> list[str]:
            settings = WebSettings(
                spacing_s=0, ports=(server.port,), resolve=(server.rule("mine.example"),)
            )
            urls = [
                "http://mine.example/",
                f"http://other.example:{server.port}/",
                f"http://127.0.0.1:{server.port}/",
            ]
            async with Client(settings, lookup=lambda host: ["127.0.0.1"]) as client:
                return [await refused(client, url) for url in urls]

        assert asyncio.run(run()) == [
            "200 from http://mine.example/",
            "address_forbidden",
            "address_forbidden",
        ]


def test_private_addresses_are_asked_where_that_is_allowed() -> None:
    with serving({"/": text("here")}) as server:

        async def run() -> list[str]:
            settings = WebSettings(spacing_s=0, allow_private=True, ports=(server.port, 80))
            urls = [
                f"http://127.0.0.1:{server.port}/",
                f"http://localhost:{server.port}/",
                "http://169.254.169.254/",
                "http://127.1/",
                "http://0.0.0.0/",
            ]
            addresses = [
                "169.254.169.254",
                "ff02::1",
                "127.0.0.1",
            ]  # only the last one may be tried
            async with Client(settings, lookup=lambda host: addresses) as client:
                return [await refused(client, url) for url in urls]

        assert asyncio.run(run()) == [
            f"200 from http://127.0.0.1:{server.port}/",
            f"200 from http://localhost:{server.port}/",
            *["address_forbidden"] * 3,
        ]


def test_a_name_without_an_address_is_later() -> None:
    async def run() -> list[str]:
        found = []
        for lookup in (no_name, lambda host: []):
            async with Client(WebSettings(), lookup=lookup) as client:
                found.append(await refused(client, "http://gone.example/"))
        return found

    assert all(why.startswith("later: ") for why in asyncio.run(run()))
