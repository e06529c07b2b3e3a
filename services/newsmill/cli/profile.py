"""``profile``: what extraction costs on pages of one's own, and where the time goes."""

from __future__ import annotations

import contextlib
import gc
import gzip
import sys
import time
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from newsmill.cli.lines import binary_lines
from newsmill.errors import BadRecord, Misconfigured
from newsmill.extractor.core import extract
from newsmill.extractor.cost import Cost, counted, rows_of, timed
from newsmill.process.flame import Sampler, Stack
from newsmill.process.pages import page_of, read_line
from newsmill.process.profile import write
from newsmill.records import Page, PageLine

Work = tuple[str, Page, bytes]
_PAGES = (".html", ".htm", ".html.gz", ".htm.gz")
SLOWEST = 5
SAMPLED_S = 0.3  # of CPU at least, for a graph that says something


@click.command("profile")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--limit", type=click.IntRange(1), help="So many pages, evenly spread; default: all.")
@click.option(
    "--traced",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="How many of them to count allocations on, which is slow.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="profile.svg",
    show_default=True,
    help="The flame graph; its stacks go beside it, with .folded.",
)
def profile_command(corpus: Path, limit: int | None, traced: int, output: Path) -> int:
    """Time and allocations of extraction by tier and step, and a flame graph for a browser.

    CORPUS is a folder of pages (.html, also gzipped) or a file of page lines. Pages are read at
    least three times: for the clock, for the allocations, and for the samples.

    \b
    Example: newsmill profile saved-pages/ -o extract.svg
    """
    work = _spread(list(_works(corpus)), limit)
    if not work:
        raise Misconfigured(f"{corpus}: no pages (.html, .html.gz) in it")
    timed(*work[0])  # imports and caches are no page's cost
    gc.freeze()
    times = [timed(*each) for each in _told(work, "clock")]
    _show_times(times)
    if traced:
        _show_allocations(_counted(_spread(work, traced)))
    write(_sampled(work), output, f"extraction of {len(work)} pages")
    click.echo(f"\nflame graph: {output}")
    return 0


def _works(corpus: Path) -> Iterator[Work]:
    if corpus.is_dir():
        paths = (path for path in corpus.rglob("*") if path.name.lower().endswith(_PAGES))
        for path in sorted(paths):
            yield _of_file(path, path.relative_to(corpus))
        return
    for line in binary_lines((corpus,)):
        try:
            page, body = read_line(line)
        except BadRecord as error:
            click.echo(f"newsmill: {corpus}: a line is left out: {error}", err=True)
            continue
        yield page.input_id or page.url, page, body


def _of_file(path: Path, name: Path) -> Work:
    body = path.read_bytes()
    if path.suffix == ".gz":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as error:
            raise Misconfigured(f"{path}: {error}") from None
    page, body = page_of(PageLine(url=f"http://file.invalid/{name.name}", body_b64=body))
    return str(name), page, body


def _spread(work: list[Work], limit: int | None) -> list[Work]:
    if limit is None or limit >= len(work):
        return work
    return [work[at * len(work) // limit] for at in range(limit)]


def _told(work: list[Work], what: str) -> Iterator[Work]:
    is_shown = sys.stderr.isatty()
    for number, each in enumerate(work, 1):
        if is_shown:
            click.echo(f"\r{what} {number}/{len(work)} ", nl=False, err=True)
        yield each
    if is_shown:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)


def _counted(work: list[Work]) -> list[Cost]:
    tracemalloc.start()
    try:
        return [counted(*each) for each in _told(work, "allocations")]
    finally:
        tracemalloc.stop()


def _sampled(work: list[Work]) -> dict[Stack, float]:
    """Where the time goes; a few pages are read again until there is enough of it."""
    sampler, spent = Sampler(), 0.0
    sampler.start()
    while spent < SAMPLED_S:
        started = time.process_time()
        for _, page, body in _told(work, "samples"):
            with contextlib.suppress(BadRecord):
                extract(body, page)
        spent += max(time.process_time() - started, 1e-3)
    return sampler.stop()


def _show_times(costs: list[Cost]) -> None:
    spent = sum(cost.total for cost in costs)
    click.echo(f"{len(costs)} pages, {spent / len(costs):.2f} ms of CPU each\n")
    click.echo(f"{'CPU, ms':<26}{'pages':>7}{'mean':>9}{'median':>9}{'p95':>9}{'max':>9}")
    for tier, rows in rows_of(costs):
        for row in rows:
            name = tier if row.name == "all" else f"  {row.name}"
            figures = (row.mean, row.middle, row.high, row.most)
            click.echo(f"{name:<26}{row.pages:>7}" + "".join(f"{x:>9.2f}" for x in figures))
    click.echo("\nslowest pages")
    for cost in sorted(costs, key=lambda cost: -cost.total)[:SLOWEST]:
        worst = max(cost.steps, key=lambda step: step.value)
        click.echo(f"  {cost.total:8.1f} ms  {cost.name}  ({worst.name} {worst.value:.1f} ms)")


def _show_allocations(costs: Iterable[Cost]) -> None:
    click.echo(f"\n{'allocations':<26}{'pages':>7}{'blocks left':>13}{'peak, KiB':>11}  (medians)")
    for tier, rows in rows_of(costs):
        for row in rows:
            name = tier if row.name == "all" else f"  {row.name}"
            click.echo(f"{name:<26}{row.pages:>7}{row.middle:>13.0f}{row.peak_kib:>11.0f}")
