"""What a person is told at the end of a run: drawn from the run's own logs, and from its store."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from newsmill.archiver.sqlite import SqliteStore
from newsmill.archiver.stores import FINGERPRINTS
from newsmill.ops.read import Logs
from newsmill.ops.summary import Summary, summarise
from newsmill.process.settings import Settings
from newsmill.records import Enriched, decode

SAYS: dict[str, str] = {
    "no_body": "only an address; replay --fetch fetches it",
    "source_cut": "its source ends in the middle of it",
    "source_damaged": "a part of its source cannot be read",
    "robots": "robots.txt forbids it",
    "no_article": "no article: a listing, a login, a stub",
    "not_html": "no page of text",
    "http_status": "the server said no",
    "unreachable": "no answer after every attempt",
    "not_feed": "no feed",
    "too_large": "larger than the cap",
    "too_old": "older than the age limit",
    "over_limit": "past the limit of a first poll",
    "queue_full": "too many of one domain wait",
    "denied": "taken down, and stays away",
    "truncated": "ended before it was whole",
    "timeout": "did not end in time",
    "crash": "crashed its child process",
    "memory": "outgrew the memory of its child process",
    "address_forbidden": "an address that we do not connect to",
    "scheme_forbidden": "no web address",
    "redirects": "redirected too often, or in a ring",
    "encoding": "its encoding is broken or unknown",
    "decode": "no record of its topic",
    "record_too_large": "larger than its topic takes",
    "too_deep": "nested deeper than the parser's caps",
    "unparsable": "the parser could make nothing of it",
    "bug": "a fault of ours, please report it",
}


def report(settings: Settings, name: str, since_ms: int, took_s: float, waiting: int) -> str:
    """The summary of the run that started at ``since_ms``."""
    summary = summarise(_lines_since(settings.log_dir, since_ms))
    articles, example = 0, None
    if settings.store_path.exists():  # a run that was stopped at once has none yet
        with SqliteStore(settings.store_path, readonly=True) as store:
            articles, example = store.count(), next(iter(store.articles()), None)
    lines = [
        "",
        f"newsmill: done in {took_s:.0f} s",
        "",
        *_flow(summary, name, waiting),
        "",
        *_turned_away(summary),
        *_feeds(summary),
        *_alarm(summary),
        f"  {articles:,} {'article is' if articles == 1 else 'articles are'} in"
        f" {settings.store_path}; logs are in {settings.log_dir}",
        "",
        *_next(settings, example),
    ]
    return "\n".join(lines)


def _lines_since(log_dir: Path, since_ms: int) -> Iterator[bytes]:
    """The lines of the run, out of files that hold those of earlier ones too."""
    start = datetime.fromtimestamp(since_ms / 1000, UTC)
    first = f'{{"ts":"{start:%Y-%m-%dT%H:%M:%S}.{start.microsecond // 1000:03d}Z"'.encode()
    return (line for line in Logs([log_dir]) if line >= first)


def _flow(summary: Summary, name: str, waiting: int) -> Iterator[str]:
    verbs = {
        "producer": "entries found in feeds" if name == "run" else "pages read",
        "fetcher": "pages fetched",
        "extractor": "articles extracted",
        "enricher": "new or changed, annotated",
        "archiver": "archived",
    }
    for ledger in summary.stages:
        if ledger.store == FINGERPRINTS:
            continue  # the manifest tells of them
        counts = ledger.outcomes
        others = ", ".join(
            f"{counts[name]:,} {name}"
            for name in ("duplicate", "filtered", "refused", "dead")
            if counts[name]
        )
        text = (
            "pages kept as fetched"
            if ledger.store == "warc"
            else verbs.get(ledger.stage, ledger.stage)
        )
        yield f"  {ledger.stage:<10} {counts['published']:>6,}  {text:<28} {others}".rstrip()
    if not any(ledger.outcomes["published"] for ledger in summary.stages):
        yield "  Nothing new since the last run."
    if waiting:
        pages, them = ("page still waits", "it") if waiting == 1 else ("pages still wait", "them")
        yield f"  {waiting:,} {pages}; the next run goes on with {them}."


def _turned_away(summary: Summary) -> Iterator[str]:
    rows = [
        (count, reason, outcome, ledger.stage)
        for ledger in summary.stages
        for (outcome, reason), count in ledger.reasons.most_common()
        if outcome in ("refused", "dead", "filtered")
    ]
    if not rows:
        return
    yield "  Turned away:"
    for count, reason, outcome, stage in rows:
        kept = "kept in newsmill dead list" if outcome == "dead" else outcome
        yield f"    {count:>4}  {SAYS.get(reason, reason):<40} {stage}, {kept}"
    yield ""


def _feeds(summary: Summary) -> Iterator[str]:
    if not summary.feeds.failing:
        return
    yield "  Feeds that gave nothing:"
    for (_, feed), why in sorted(summary.feeds.failing.items()):
        yield f"    {feed}  {SAYS.get(why, why)}"
    yield ""


def _alarm(summary: Summary) -> Iterator[str]:
    if not summary.is_balanced:
        yield "  The logs cannot explain every record: see newsmill ops summary."
        yield ""


def _next(settings: Settings, example: bytes | None) -> Iterator[str]:
    data, lane = str(settings.data), settings.lane
    where = "" if data == "newsmill-data" else f" --data {shlex.quote(data)}"
    where += "" if lane == "live" else f" --lane {lane}"
    shown = decode(Enriched, example).id if example is not None else "ID"
    newsmill = _command()
    yield "  Try next:"
    yield f"    {newsmill} show {shown}{where}"
    yield f"    {newsmill} export{where} > articles.jsonl"
    yield f"    {newsmill} ops trace {shown}{where}"


def _command() -> str:
    """How newsmill is called here: by its name where the shell finds it, else as it was started."""
    if shutil.which("newsmill"):
        return "newsmill"
    started = Path(sys.argv[0])
    if started.name != "newsmill":
        return f"{shlex.quote(sys.executable)} -m newsmill"
    here = Path.cwd()
    shown = started.relative_to(here) if started.is_relative_to(here) else started
    return shlex.quote(str(shown))
