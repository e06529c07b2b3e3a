"""A web of many small newspapers on one loopback port, for runs that are to last.

Every host has a feed of its latest stories and publishes at a steady pace, so that all hosts
together publish ``rate`` stories a second from the start on until they are told to stop. A page has
the weight of a page of the web: navigation, scripts, JSON-LD, a dozen paragraphs that no other page
has. Instead, the pages of corpora may be served in turn.

Ask ``/control/stop`` on the address itself: publishing ends, and the answer says how many stories
there are and how long the server worked on them.

Run: python benchmarks/soak_site.py --port 8100 --rate 40 [--hosts 200] [--corpora DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import cycle, islice
from pathlib import Path

from aiohttp import web
from corpora import folders, samples

IN_FEED = 60  # stories that a feed lists
CORPUS_PAGES = 300
POLL_S = 10  # how often a feed asks to be polled
STOCK = (
    "harbour board council vote ferry line autumn budget school bridge river storm market bakery"
    " station museum garden doctor nurse strike union court judge appeal season coach league goal"
    " engine battery factory export tariff grain cattle vineyard orchard forest trail rescue pilot"
    " airport tunnel tram cyclist fine permit tenant landlord rent loan bank rate survey census"
)
WORDS = STOCK.split()
NAMES = ("Varga", "Okafor", "Lindqvist", "Moreau", "Castellano", "Haddad", "Novak", "Petrov")
SCRIPT = "window.dataLayer=window.dataLayer||[];" + "function t(e,n){return e[n]||(e[n]=[])};" * 400
NAVIGATION = "".join(
    f'<li class="menu-item"><a href="/section/{word}">{word.title()}</a></li>' for word in WORDS
)


def _drawn(*what: object) -> bytes:
    return hashlib.blake2b(repr(what).encode(), digest_size=64).digest()


def _sentence(*what: object) -> str:
    draw = _drawn(*what)
    words = [WORDS[byte % len(WORDS)] for byte in draw[: 10 + draw[-1] % 14]]
    words[3:3] = [NAMES[draw[-2] % len(NAMES)], "said", "the"]
    return f"{' '.join(words).capitalize()}."


def title_of(host: int, number: int) -> str:
    """The headline of a story."""
    return f"{_sentence('title', host, number)[:60].rsplit(' ', 1)[0]} in district {host}-{number}"


def page_of(host: int, number: int, at: datetime) -> bytes:
    """The page of a story, some 30 kB."""
    title = title_of(host, number)
    paragraphs = [
        " ".join(_sentence(host, number, p, s) for s in range(3 + p % 4)) for p in range(12)
    ]
    author = f"Ines {NAMES[host % len(NAMES)]}"
    data = {
        "@context": "https://schema.org", "@type": "NewsArticle", "headline": title,
        "datePublished": at.isoformat(), "author": {"@type": "Person", "name": author},
    }  # fmt: skip
    related = "".join(
        f'<li><a href="/story/{n}">{title_of(host, n)}</a></li>'
        for n in range(max(0, number - 8), number)
    )
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | Paper {host}'
        f'</title><meta name="author" content="{author}"><script>{SCRIPT}</script>'
        f'<script type="application/ld+json">{json.dumps(data)}</script></head><body><header><nav>'
        f"<ul>{NAVIGATION}</ul></nav></header><main><article><h1>{title}</h1><div class=text>{body}"
        f"</div></article><aside><h2>More stories</h2><ul>{related}</ul></aside></main><footer><ul>"
        f"{NAVIGATION}</ul><p>All rights reserved.</p></footer></body></html>"
    ).encode()


class Site:
    """All hosts; which story is out is a matter of the clock alone."""

    def __init__(self, rate: float, hosts: int, pages: list[bytes]) -> None:
        self.hosts = hosts
        self._every_s = hosts / rate  # between two stories of one host
        self._pages = pages
        self._started = time.time()
        self._stopped: float | None = None

    def out(self, host: int) -> int:
        """How many stories of a host are out; hosts take turns."""
        now = self._stopped or time.time()
        return max(0, int((now - self._started) / self._every_s - host / self.hosts + 1))

    def _at(self, host: int, number: int) -> datetime:
        due = self._started + (number + host / self.hosts) * self._every_s
        return datetime.fromtimestamp(due, UTC)

    def feed(self, host: int) -> bytes:
        """RSS of the latest stories."""
        out = self.out(host)
        items = "".join(
            f"<item><title>{title_of(host, n)}</title><link>http://paper{host}.example/story/{n}</link>"
            f"<pubDate>{format_datetime(self._at(host, n))}</pubDate></item>"
            for n in range(out - 1, max(-1, out - 1 - IN_FEED), -1)
        )
        return (
            f'<rss version="2.0"><channel><title>Paper {host}</title>'
            f"<link>http://paper{host}.example/</link>{items}</channel></rss>"
        ).encode()

    def page(self, host: int, number: int) -> bytes | None:
        """The page of a story that is out."""
        if number >= self.out(host):
            return None
        if self._pages:
            return self._pages[(number * self.hosts + host) % len(self._pages)]
        return page_of(host, number, self._at(host, number))

    def stop(self) -> dict[str, float]:
        """End publishing; how many stories there are, and the server's own CPU seconds."""
        self._stopped = self._stopped or time.time()
        stories = sum(self.out(host) for host in range(self.hosts))
        return {"stories": stories, "cpu_s": round(time.process_time(), 2)}


async def answer(site: Site, request: web.BaseRequest) -> web.Response:
    """One request."""
    path = request.path
    if path == "/control/stop":
        return web.json_response(site.stop())
    name = request.host.partition(".")[0].removeprefix("paper")
    if not name.isdecimal() or int(name) >= site.hosts:
        return web.Response(status=404)
    host = int(name)
    if path == "/feed":
        headers = {"Cache-Control": f"max-age={POLL_S}", "ETag": f'"{site.out(host)}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=site.feed(host), content_type="application/rss+xml", headers=headers
        )
    number = path.removeprefix("/story/")
    page = site.page(host, int(number)) if number.isdecimal() else None
    if page is None:
        return web.Response(status=404)
    return web.Response(body=page, content_type="text/html")


async def serve(site: Site, port: int) -> None:
    """Serve until killed."""

    async def handle(request: web.BaseRequest) -> web.Response:
        return await answer(site, request)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("serving", flush=True)
    await asyncio.Event().wait()


def pages_of(corpora: Path | None) -> list[bytes]:
    """Pages of corpora in turn, some of each; none where there are none."""
    found = [
        iter(samples(folder, CORPUS_PAGES)) for folder in folders([corpora] if corpora else [])
    ]
    turns = (next(each, None) for each in cycle(found)) if found else iter(())
    chosen = islice(turns, CORPUS_PAGES)
    return [sample.body() for sample in chosen if sample is not None]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="stories a second")
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--corpora", type=Path)
    given = parser.parse_args()
    asyncio.run(serve(Site(given.rate, given.hosts, pages_of(given.corpora)), given.port))


if __name__ == "__main__":
    main()
