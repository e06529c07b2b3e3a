"""Records as people read them on a terminal."""

from __future__ import annotations

import difflib
import re
import textwrap
from typing import TYPE_CHECKING

import click

from newsmill.records import Article, Enriched

if TYPE_CHECKING:  # an export must not pay for an extractor
    from newsmill.extractor.explain import Explanation

WIDTH = 88
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOURS = {"-": "red", "+": "green"}


def show_article(article: Article) -> None:
    """Print an article: its head, its text, and what was found around it."""
    click.echo(click.style(article.title or "(no title)", bold=True))
    if article.subtitle:
        click.echo(textwrap.fill(article.subtitle, WIDTH))
    about = [article.site, ", ".join(article.authors), article.published, article.section]
    click.echo(click.style(" · ".join(part for part in about if part), dim=True))
    click.echo(click.style(article.canonical_url, dim=True))
    for line in article.text.split("\n"):
        click.echo()
        click.echo(textwrap.fill(line, WIDTH))
    click.echo()
    for image in article.images:
        parts = [image.caption, f"({image.credit})" if image.credit else None, image.url]
        _fact("image", " ".join(part for part in parts if part))
    for related in article.related:
        _fact("related", " ".join(part for part in (related.title, related.url) if part))
    if article.flags:
        _fact("flags", ", ".join(article.flags))
    if isinstance(article, Enriched):
        _fact("language", article.language or "und")
        _fact("entities", ", ".join(f"{e.name} ({e.type})" for e in article.entities[:20]))
        for quote in article.quotes:
            _fact("quote", f"{quote.speaker or 'somebody'}: “{textwrap.shorten(quote.text, 120)}”")
    if article.quality is not None:
        _fact("quality", f"{article.quality.score:.2f}, by {article.quality.tier}")


def _fact(name: str, text: str) -> None:
    if text:
        indent = " " * 11
        click.echo(textwrap.fill(f"{name:<9}  {text}", WIDTH, subsequent_indent=indent))


def show_explanation(article: Article, told: Explanation) -> None:
    """Print how an article was found: tier, container, every block's fate, sources of fields."""
    click.echo(click.style(article.title or "(no title)", bold=True))
    score = article.quality.score if article.quality is not None else 0.0
    _fact("tier", f"{told.tier}, quality {score:.2f}: {told.because}")
    if told.steps:
        _fact("container", f"{told.text_share:.0%} of the text, {told.link_share:.0%} of it linked")
    for depth, step in enumerate(told.steps):
        click.echo(f"{'':11}{'  ' * min(depth, 20)}{harmless(step.box)}  {step.share:.0%}")
    click.echo()
    for fate in told.blocks:
        sign = "-" if fate.why else "+"
        said = fate.why if fate.why != "unlikely" else ""
        head = f"{sign} {fate.likely:4.0%} {fate.tag:<10.10} {said:<12} "
        text = textwrap.shorten(harmless(fate.text), WIDTH - len(head), placeholder="…")
        click.echo(click.style(head + text, fg=_COLOURS[sign]))
    if told.elsewhere:
        click.echo(f"  and {told.elsewhere} blocks elsewhere, {told.elsewhere_chars} characters")
    click.echo()
    for name, source in article.provenance.items():
        _fact(name, source)


def harmless(text: str) -> str:
    """What a page wrote, without what a terminal would obey."""
    return " ".join(_CONTROL.sub(" ", text).split())


def show_difference(article: Article, other: str) -> None:
    """Print where trafilatura's text (-) and ours (+) part, paragraph by paragraph."""
    theirs = [harmless(line) for line in other.split("\n") if line.strip()]
    ours = [harmless(line) for line in article.text.split("\n")]
    click.echo("--- trafilatura\n+++ newsmill")
    lines = list(difflib.unified_diff(theirs, ours, n=1, lineterm=""))[2:]
    if not lines:
        click.echo("  (the same paragraphs)")
    for line in lines:
        sign, text = line[0], line[1:]
        if sign == "@":
            click.echo(click.style(line, fg="cyan"))
            continue
        if sign == " ":  # said by both: enough to know the place by
            text = textwrap.shorten(text, WIDTH - 2, placeholder="…")
        shown = textwrap.fill(text, WIDTH, initial_indent=f"{sign} ", subsequent_indent=f"{sign} ")
        click.echo(click.style(shown, fg=_COLOURS.get(sign), dim=sign == " "))
