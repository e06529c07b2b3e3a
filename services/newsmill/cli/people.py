"""Records as people read them on a terminal."""

from __future__ import annotations

import textwrap

import click

from newsmill.records import Article, Enriched

WIDTH = 88


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
