"""``extract|enrich``: the stages that only think, as filters or for a person."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill.cli.lines import AHEAD, binary_lines, check_files, failed, passed, write_line
from newsmill.cli.options import read_settings, settings_flags
from newsmill.cli.people import show_article
from newsmill.enricher.worker import enrich
from newsmill.errors import BadRecord, TryLater
from newsmill.extractor.worker import children
from newsmill.process.children import Failure
from newsmill.process.pages import TEXT, read_line
from newsmill.process.settings import Settings
from newsmill.records import Article, compress, decode, page_header


@click.command("extract")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--jsonl", is_flag=True, help="Page lines in, article lines out.")
@click.option("--json", "as_json", is_flag=True, help="Article lines, on a terminal too.")
@settings_flags("children", "child_timeout_s", "child_memory_mb")
def extract_command(files: tuple[Path, ...], jsonl: bool, as_json: bool, **flags: Any) -> int:
    """Extract articles from files of HTML or text, or from page lines.

    What fails is a line with its "error", and the exit code is 0; told to a person, it is 1.

    \b
    Example: newsmill extract page.html
             newsmill extract --jsonl < pages.jsonl | newsmill enrich --jsonl
    """
    settings = read_settings(flags)
    if files and not jsonl:
        for_people = not as_json and sys.stdout.isatty()
        return _extract_files(files, settings, for_people)
    for answer in extract_lines(binary_lines(files), settings):
        write_line(answer)
    return 0


def extract_lines(lines: Iterable[bytes], settings: Settings) -> Iterator[bytes]:
    """One article line for each page line, in order, through child processes."""
    pool = children(settings)
    answers: dict[int, bytes] = {}
    taken = given = 0
    try:
        source = iter(lines)
        ended = False
        while not ended or given < taken:
            while not ended and pool.free and taken - given < AHEAD:
                line = next(source, None)
                if line is None:
                    ended = True
                    break
                _give(pool, taken, line, answers)
                taken += 1
            for (number, line), answer in pool.done(0.2 if pool.busy else 0.0):
                if isinstance(answer, Failure):
                    answers[number] = failed(line, answer.error)
                else:
                    answers[number] = answer[0]
            while given in answers:
                yield answers.pop(given)
                given += 1
    finally:
        pool.close()


def _give(pool: Any, number: int, line: bytes, answers: dict[int, bytes]) -> None:
    if error := passed(line):
        answers[number] = error
        return
    try:
        page, body = read_line(line)
        frames = [page_header(page), compress(body)]
    except (BadRecord, TryLater) as bad:
        answers[number] = failed(line, bad)
        return
    pool.start((number, line), frames)


def _extract_files(files: tuple[Path, ...], settings: Settings, for_people: bool) -> int:
    check_files(files)
    lines = (_file_line(path) for path in files)
    code = 0
    for path, answer in zip(files, extract_lines(lines, settings), strict=True):
        if not for_people:
            write_line(answer)
        elif error := orjson.loads(answer).get("error"):
            click.echo(f"newsmill: {path}: {error['reason']}: {error['detail']}", err=True)
            code = 1
        else:
            show_article(decode(Article, answer))
    return code


def _file_line(path: Path) -> bytes:
    is_text = path.suffix.lower() in (".txt", ".text")
    fields = {
        "id": str(path),
        "url": f"http://file.invalid/{path.name}",
        "content_type": TEXT if is_text else None,
        "body_b64": base64.b64encode(path.read_bytes()).decode(),
    }
    return orjson.dumps(fields)


@click.command("enrich")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--jsonl", is_flag=True, help="Article lines in, enriched lines out (the default).")
def enrich_command(files: tuple[Path, ...], jsonl: bool) -> int:
    """Annotate article lines: language, entities, quotes.

    \b
    Example: newsmill extract --jsonl < pages.jsonl | newsmill enrich --jsonl
    """
    for line in binary_lines(files):
        write_line(_enriched(line.rstrip(b"\r\n")))
    return 0


def _enriched(line: bytes) -> bytes:
    if error := passed(line):
        return error
    try:
        article = decode(Article, line)
        return enrich(line, article)[0]
    except (BadRecord, TryLater) as bad:
        return failed(line, bad)
