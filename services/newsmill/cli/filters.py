"""The stages that only think, as filters: the lines of extraction, and ``enrich``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from newsmill.cli.lines import AHEAD, binary_lines, failed, passed, write_line
from newsmill.enricher.worker import enrich
from newsmill.errors import BadRecord, TryLater
from newsmill.extractor.worker import children
from newsmill.process.children import Children, Failure
from newsmill.process.pages import read_line
from newsmill.process.settings import Settings
from newsmill.records import Article, compress, decode, page_header


def extract_lines(lines: Iterable[bytes], settings: Settings) -> Iterator[bytes]:
    """One article line for each page line, in order, through child processes."""
    for frames in answers_to(lines, children(settings)):
        yield frames[0]


def answers_to(lines: Iterable[bytes], pool: Children) -> Iterator[list[bytes]]:
    """The frames that a child answers to each page line, in order; of a failure, its line alone.

    The pool is closed at the end.
    """
    answers: dict[int, list[bytes]] = {}
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
                    answers[number] = [failed(line, answer.error)]
                else:
                    answers[number] = answer
            while given in answers:
                yield answers.pop(given)
                given += 1
    finally:
        pool.close()


def _give(pool: Children, number: int, line: bytes, answers: dict[int, list[bytes]]) -> None:
    if error := passed(line):
        answers[number] = [error]
        return
    try:
        page, body = read_line(line)
        frames = [page_header(page), compress(body)]
    except (BadRecord, TryLater) as bad:
        answers[number] = [failed(line, bad)]
        return
    pool.start((number, line), frames)


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
