"""``extract``: pages to articles, as a filter or for a person who may ask why."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill.cli.filters import answers_to, extract_lines
from newsmill.cli.lines import binary_lines, check_files, write_line
from newsmill.cli.options import WEB, read_settings, settings_flags
from newsmill.cli.people import show_article, show_difference, show_explanation
from newsmill.cli.web import fetch_lines
from newsmill.extractor import explain
from newsmill.extractor.worker import children
from newsmill.process.pages import TEXT
from newsmill.process.settings import Settings
from newsmill.records import Article, decode, splice


@click.command("extract")
@click.argument("sources", nargs=-1, metavar="[URL|FILE]...")
@click.option("--jsonl", is_flag=True, help="Page lines in, article lines out.")
@click.option("--json", "as_json", is_flag=True, help="Article lines, on a terminal too.")
@click.option(
    "--explain", "explained", is_flag=True, help="Say why: tier, container, what was cut."
)
@click.option("--diff", is_flag=True, help="Show the text beside that of trafilatura.")
@settings_flags("children", "child_timeout_s", "child_memory_mb", *WEB)
def extract_command(
    sources: tuple[str, ...], jsonl: bool, as_json: bool, explained: bool, diff: bool, **flags: Any
) -> int:
    """Extract articles from pages by URL, files of HTML or text, or page lines.

    What fails is a line with its "error", and the exit code is 0; told to a person, it is 1.

    \b
    Example: newsmill extract page.html
             newsmill extract --explain https://news.example/story.html
             newsmill extract --jsonl < pages.jsonl | newsmill enrich --jsonl
    """
    settings = read_settings(flags)
    asks_why = explained or diff
    if (jsonl or not sources) and asks_why:
        raise click.UsageError("--explain and --diff take URLs or files")
    if jsonl or not sources:
        for answer in extract_lines(binary_lines(tuple(map(Path, sources))), settings):
            write_line(answer)
        return 0
    lines = _page_lines(sources, settings)
    if asks_why:
        return _tell_why(sources, lines, settings, as_json, explained, diff)
    if as_json or not sys.stdout.isatty():
        for answer in extract_lines(lines, settings):
            write_line(answer)
        return 0
    return _tell(sources, extract_lines(lines, settings))


def _page_lines(sources: tuple[str, ...], settings: Settings) -> Iterator[bytes]:
    """A page line for each source; URLs are fetched first, all of them."""
    web = [source for source in sources if "://" in source]
    check_files(Path(source) for source in sources if "://" not in source)
    fetched = iter(fetch_lines(web, settings) if web else [])
    return (next(fetched) if "://" in source else _file_line(Path(source)) for source in sources)


def _file_line(path: Path) -> bytes:
    is_text = path.suffix.lower() in (".txt", ".text")
    fields = {
        "id": str(path),
        "url": f"http://file.invalid/{path.name}",
        "content_type": TEXT if is_text else None,
        "body_b64": base64.b64encode(path.read_bytes()).decode(),
    }
    return orjson.dumps(fields)


def _tell(sources: tuple[str, ...], answers: Iterable[bytes]) -> int:
    code = 0
    for source, answer in zip(sources, answers, strict=True):
        if _is_failure(source, answer):
            code = 1
        else:
            show_article(decode(Article, answer))
    return code


def _tell_why(
    sources: tuple[str, ...],
    lines: Iterable[bytes],
    settings: Settings,
    as_json: bool,
    explained: bool,
    diff: bool,
) -> int:
    """The article with its explanation, or beside another's, or both."""
    code = 0
    pool = children(settings, handler="newsmill.extractor.explain:handle")
    for source, frames in zip(sources, answers_to(lines, pool), strict=True):
        if len(frames) == 1:
            code |= _is_failure(source, frames[0]) and not as_json
            if as_json:
                write_line(frames[0])
            continue
        article, told, yardstick = frames
        if as_json:
            why = {"explanation": orjson.Fragment(told)} if explained else {}
            other = {"trafilatura": yardstick.decode()} if diff else {}
            write_line(splice(article, orjson.dumps(why | other)))
            continue
        record = decode(Article, article)
        if explained:
            show_explanation(record, explain.read(told))
        if diff:
            show_difference(record, yardstick.decode())
    return code


def _is_failure(source: str, answer: bytes) -> bool:
    """Whether the line stands for one that failed, which is then said."""
    error = orjson.loads(answer).get("error")
    if error:
        click.echo(f"newsmill: {source}: {error['reason']}: {error['detail']}", err=True)
    return bool(error)
