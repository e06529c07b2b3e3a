"""Writes a set of WARC files as a news crawl leaves them, of pages of the sample newsroom varied.

    python benchmarks/replay_set.py DIR [--pages 20000] [--files 8] [--seed 1] [--corpora DIR...]

A page is one of the newsroom's, printed anew: its story has another day, other numbers, paragraphs
of other stories of its language, and an address of its own. Around it stands what the pages of real
sites are mostly made of: style sheets, scripts, menus, lists of teasers, some 60 kB. Among a
hundred pages, one is a dead link, one is fetched again unchanged, one again with a correction, and
one is a revisit record. The same seed gives the same files. With ``--corpora`` the pages are those
of corpora, drawn evenly, each as it is.
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from corpora import folders, samples
from fastwarc.warc import WarcRecord, WarcRecordType

from newsmill.archiver.capture import payload_digest
from newsmill.newsroom.hosts import hosts, printed
from newsmill.newsroom.stories import Block, Page, Story

FIRST_DAY = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
DAYS = 366
STYLE_RULES, SCRIPT_ROWS, LINKS, TEASERS = 220, 260, 140, 60  # of one page, half to twice as many
_DIGITS = re.compile(r"\d+")
_BODY = re.compile(r"<body[^>]*>", re.I)
_REVISIT = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


@dataclass(frozen=True, slots=True)
class Capture:
    """One answer of the crawl."""

    url: str
    fetched: datetime
    body: bytes
    content_type: str
    status: int = 200
    is_revisit: bool = False


def captures(pages: int, seed: int) -> Iterator[Capture]:
    """The crawl, in the order of its times."""
    draw = random.Random(seed)
    bases = [page for host in hosts().values() for page in host.pages.values()]
    told = _paragraphs(bases)
    titles = sorted({page.story.title for page in bases})
    before: list[Capture] = []
    for number in range(pages):
        when = FIRST_DAY + timedelta(days=DAYS) * number / pages
        kind = number % 100
        if before and kind in (37, 61, 83):
            yield _again(draw.choice(before), when, kind, draw)
            continue
        page = _varied(draw.choice(bases), number, when, told, draw)
        fetched = when + timedelta(minutes=draw.randrange(5, 600))
        capture = _answer(page, fetched, lambda html: _dressed(html, titles, draw))
        if kind == 99:
            capture = replace(capture, status=404, body=b"<h1>Not here</h1>")
        else:
            before = [*before[-400:], capture]
        yield capture


def recorded(corpora: list[Path], pages: int, seed: int) -> Iterator[Capture]:
    """Pages of corpora, as if they had been crawled one a minute."""
    found = [
        sample
        for folder in folders(corpora)
        for sample in samples(folder)
        if sample.url.startswith(("http://", "https://"))
    ]
    random.Random(seed).shuffle(found)
    for number, sample in enumerate(found[:pages]):
        fetched = FIRST_DAY + timedelta(minutes=number)
        yield Capture(sample.url, fetched, sample.body(), "text/html")


def _paragraphs(bases: list[Page]) -> dict[str, list[Block]]:
    told: dict[str, list[Block]] = {}
    for page in bases:
        blocks = [block for block in page.story.blocks if block.kind == "paragraph"]
        told.setdefault(page.story.language, []).extend(blocks)
    return told


def _varied(
    base: Page, number: int, when: datetime, told: dict[str, list[Block]], draw: random.Random
) -> Page:
    story = base.story
    blocks = [_renumbered(block, draw) for block in story.blocks]
    for block in draw.choices(told[story.language], k=draw.randrange(1, 7)):
        at = draw.randrange(1, len(blocks) + 1)
        blocks.insert(at, _renumbered(block, draw))
    varied: Story = replace(
        story,
        title=f"{story.title} {draw.randrange(2, 999)}",
        published=when.isoformat(timespec="seconds"),
        modified="",
        blocks=tuple(blocks),
    )
    path = f"/{when:%Y/%m}/{number}-{base.slug}"
    canonical = f"http://{base.host}{path}" if base.canonical else ""
    return replace(base, path=path, story=varied, canonical=canonical, amp="", corrected=None)


def _renumbered(block: Block, draw: random.Random) -> Block:
    text = _DIGITS.sub(lambda found: str(draw.randrange(10 ** len(found[0]))), block.text)
    return replace(block, text=text)


def _dressed(html: str, titles: list[str], draw: random.Random) -> str:
    """The page with what a site puts around its story."""
    size = draw.uniform(0.5, 2.0)
    style = "".join(
        f".c{draw.randrange(9999)}-{n}{{margin:{n % 9}px 0;color:#{draw.getrandbits(24):06x}}}\n"
        for n in range(int(STYLE_RULES * size))
    )
    rows = ",".join(
        f'{{"id":{n},"k":"{draw.getrandbits(64):016x}","seen":false}}'
        for n in range(int(SCRIPT_ROWS * size))
    )
    menu = "".join(
        f'<li class="m-item"><a href="/section/{draw.randrange(999)}">Section {n}</a></li>'
        for n in range(int(LINKS * size))
    )
    teasers = "".join(
        f'<div class="teaser"><a href="/t/{draw.randrange(10**6)}"><img src="/i/{n}.jpg" alt="">'
        f"<h4>{draw.choice(titles)}</h4></a></div>"
        for n in range(int(TEASERS * size))
    )
    head = f"<style>{style}</style><script>window.state=[{rows}];</script></head>"
    nav = f'<nav class="site-menu"><ul>{menu}</ul></nav>'
    foot = f'<aside class="more-news">{teasers}</aside><footer>{nav}</footer></body>'
    html = html.replace("</head>", head, 1)
    html = _BODY.sub(lambda found: found[0] + nav, html, count=1)
    return html.replace("</body>", foot, 1)


def _answer(page: Page, fetched: datetime, dress: Callable[[str], str]) -> Capture:
    html = dress(printed(page).html)
    bom = b"\xef\xbb\xbf" if page.bom else b""
    body = bom + html.encode(page.encoding, "xmlcharrefreplace")
    return Capture(page.url, fetched.replace(microsecond=0), body, page.content_type)


def _again(one: Capture, when: datetime, kind: int, draw: random.Random) -> Capture:
    fetched = max(when, one.fetched + timedelta(hours=draw.randrange(1, 40)))
    again = replace(one, fetched=fetched.replace(microsecond=0), is_revisit=kind == 83)
    if kind != 61:
        return again
    body = one.body.replace(b"</p>", b" Corrected since.</p>", 1)
    return replace(again, body=body)


def write(folder: Path, crawl: Iterable[Capture], pages: int, files: int, seed: int) -> int:
    """Write the files; gives the bytes written."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(f"{seed} names")
    size = 0
    each = -(-pages // files)
    out: io.BufferedWriter | None = None
    for number, capture in enumerate(crawl):
        if number % each == 0:
            if out is not None:
                out.close()
            out = (folder / f"CRAWL-{capture.fetched:%Y%m%d}-{number // each:05}.warc.gz").open(
                "wb"
            )
            size += out.write(_info(draw, capture.fetched))
        if out is not None:
            size += out.write(_member(capture, draw))
    if out is not None:
        out.close()
    return size


def _info(draw: random.Random, when: datetime) -> bytes:
    record = _begun(WarcRecordType.warcinfo, draw, when)
    record.headers["Content-Type"] = "application/warc-fields"
    record.set_bytes_content(b"software: replay_set.py\r\nformat: WARC File Format 1.1\r\n")
    return _packed(record)


def _member(capture: Capture, draw: random.Random) -> bytes:
    kind = WarcRecordType.revisit if capture.is_revisit else WarcRecordType.response
    record = _begun(kind, draw, capture.fetched)
    record.headers["WARC-Target-URI"] = capture.url
    record.headers["Content-Type"] = "application/http; msgtype=response"
    record.headers["WARC-Payload-Digest"] = payload_digest(capture.body)
    status = "200 OK" if capture.status == 200 else f"{capture.status} -"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {capture.content_type}\r\n"
    content = f"{head}Content-Length: {len(capture.body)}\r\n\r\n".encode()
    if capture.is_revisit:
        record.headers["WARC-Profile"] = _REVISIT
    else:
        content += capture.body
    record.set_bytes_content(content)
    return _packed(record)


def _begun(kind: WarcRecordType, draw: random.Random, when: datetime) -> WarcRecord:
    name = f"{draw.getrandbits(128):032x}"
    parts = (name[:8], name[8:12], name[12:16], name[16:20], name[20:])
    record = WarcRecord()
    record.init_headers(record_type=kind, record_urn=f"uuid:{'-'.join(parts)}".encode())
    record.headers["WARC-Date"] = f"{when:%Y-%m-%dT%H:%M:%SZ}"
    return record


def _packed(record: WarcRecord) -> bytes:
    out = io.BytesIO()
    record.write(out, checksum_data=True)
    return gzip.compress(out.getvalue(), 6, mtime=0)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="made if missing; files are written over")
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpora", nargs="+", type=Path, metavar="DIR")
    options = parser.parse_args()
    if options.corpora:
        crawl = recorded(options.corpora, options.pages, options.seed)
    else:
        crawl = captures(options.pages, options.seed)
    size = write(options.folder, crawl, options.pages, options.files, options.seed)
    print(f"{options.pages} records in {options.files} files, {size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
