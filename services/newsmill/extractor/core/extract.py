"""The recipe: page bytes to article, read top to bottom.

Pure: the article is a function of the bytes, the page's metadata and the version. Work is bounded
by counts; a page past a cap is refused by name, never cut in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from lxml.etree import _Element

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import (
    about,
    addresses,
    authors,
    blocks,
    charset,
    clean,
    container,
    furniture,
    markup,
    moments,
    pictures,
    plain,
    reading,
    revision,
    seealso,
    sniff,
    tiers,
    verdict,
)
from newsmill.extractor.core import flags as flags_of
from newsmill.extractor.core.embeds import Embedded
from newsmill.extractor.core.sheet import Sheet
from newsmill.extractor.core.trace import Seen, Trace
from newsmill.records import Article, Block, Image, Page, Quality, Related

VERSION = "3"

Probe = Callable[[str], None]

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]"
)


def extract(
    body: bytes, page: Page, *, probe: Probe | None = None, trace: Trace | None = None
) -> Article:
    """The article that a page holds; ``probe`` is called with the name of each step as it ends.

    A ``trace`` is filled with what the decisions were made from.

    Raises BadRecord: ``no_article`` for listings, errors, walls and empty pages; ``not_html``,
    ``encoding``, ``unparsable``, ``too_deep`` and ``too_large`` for what cannot be read whole;
    ``decode`` where the page's own URL is none.
    """
    done = probe or _ignore
    sniff.refuse_binary(body)
    text, encoding = charset.decode(body, page.content_type)
    done("decode")
    if sniff.form_of(text, page.content_type) == "plain":
        return _plain_article(text, page, done)
    is_utf8 = encoding == "utf-8" and "\ufffd" not in text
    source = markup.tame(text, body if is_utf8 else None)
    tree = markup.parse(source)
    done("parse")
    sheet = reading.read(tree)
    done("read")
    suspect = markup.swallowed(source, sheet.blocks)
    article = _html_article(tree, sheet, page, encoding, done, trace)
    return _suspected(article) if suspect else article


def _ignore(step: str) -> None:
    """No probe: nobody asks where the time goes."""


def _html_article(
    tree: _Element,
    sheet: Sheet,
    page: Page,
    encoding: str,
    done: Probe,
    trace: Trace | None,
) -> Article:
    try:
        choice = about.choose(sheet, page)
    except ValueError as error:
        raise BadRecord("decode", f"the page's URL: {error}") from None
    here = addresses.normal(page.final_url or page.url)
    if about.is_nowhere(here):
        here = choice.canonical_url
    base = seealso.address(sheet.base, here) or here
    layout = container.lay_out(sheet)
    marked = furniture.mark(sheet, choice, layout, base)
    if trace is not None:
        trace.seen = Seen(sheet, choice, layout, marked)
    if marked.subtitle is not None:
        choice.subtitle = marked.subtitle
        choice.provenance["subtitle"] = marked.subtitle_source or ""
    done("furniture")
    names, names_source, names_raw = authors.choose(choice, sheet, page)
    published = moments.published(choice, sheet, page)
    modified = moments.modified(choice, sheet, page)
    done("metadata")
    body = tiers.body_of(tree, sheet, choice, layout, marked)
    done("body")
    heads = (*choice.titles, choice.title or "", choice.subtitle or "", *names)
    cleaned = clean.clean(body.lines, heads, marked.images, marked.related)
    is_listing = verdict.judge(sheet, choice, cleaned.lines, page)
    done("clean")
    provenance = choice.provenance | {"encoding": encoding, "text": body.tier}
    _note(provenance, "authors", names_source, names_raw)
    _note(provenance, "published", published[1], published[2])
    _note(provenance, "modified", modified[1], modified[2])
    article = _assembled(
        page, choice.canonical_url, choice.title, choice.subtitle, cleaned,
        marked.images, marked.related, marked.embeds,
    )  # fmt: skip
    return replace(
        article,
        site=_tidy(choice.site),
        authors=tuple(name for raw in names if (name := _tidy(raw))),
        published=published[0],
        modified=modified[0],
        declared_language=_tidy(choice.declared_language),
        section=_tidy(choice.section),
        tags=tuple(tag for raw in choice.tags if (tag := _tidy(raw))),
        flags=flags_of.of(sheet, choice, marked.area, cleaned.lines, is_listing),
        quality=Quality(score=round(body.score, 2), tier=body.tier),
        provenance={name: _tidy(value) or "" for name, value in provenance.items()},
    )


def _suspected(article: Article) -> Article:
    """The article marked as perhaps cut: the parse lost the end of the page."""
    quality = article.quality or Quality(score=0.0, tier="")
    return replace(
        article,
        quality=replace(quality, score=round(quality.score / 2, 2)),
        provenance=article.provenance | {"text_suspect": "the end of the page was swallowed"},
    )


def _note(provenance: dict[str, str], name: str, source: str | None, raw: str | None) -> None:
    """Say where a field came from, or what could not be read of it."""
    if source is not None:
        provenance[name] = source
    elif raw:
        provenance[f"{name}_raw"] = raw


def _plain_article(text: str, page: Page, done: Probe) -> Article:
    try:
        url = addresses.normal(page.final_url or page.url)
    except ValueError as error:
        raise BadRecord("decode", f"the page's URL: {error}") from None
    title, lines = plain.read(text)
    cleaned = clean.clean(lines, (title,), [], [])
    if not any(line.kind == "paragraph" for line in cleaned.lines):
        raise BadRecord("no_article", "a text of nothing but furniture")
    done("plain")
    article = _assembled(page, url, title, None, cleaned, [], [], [])
    stated = plain.stated(page)
    return replace(
        article,
        authors=stated.authors,
        published=stated.published,
        declared_language=_tidy(stated.language),
        tags=tuple(tag for raw in stated.tags if (tag := _tidy(raw))),
        quality=Quality(score=0.9, tier="plain"),
        provenance={"title": "first line", "text": "plain"} | stated.provenance,
    )


def _assembled(
    page: Page,
    canonical: str,
    title: str | None,
    standfirst: str | None,
    cleaned: clean.Cleaned,
    images: list[Image],
    stated: list[Related],
    embedded: list[Embedded],
) -> Article:
    """What articles of both forms have: identity, text, blocks, pictures, links, revision."""
    lines = [
        line if text == line.text else replace(line, text=text)
        for line in cleaned.lines
        if (text := _tidy_block(line.text))
    ]
    text, parts = blocks.record(lines)
    pictures = tuple(_tidy_image(image) for image in _once((*images, *cleaned.images)))
    captions = [Block(kind="caption", text=i.caption, url=i.url) for i in pictures if i.caption]
    links = seealso.unique([*stated, *cleaned.related])
    title, standfirst = _tidy(title), _tidy(standfirst)
    framed = [Block(kind="embed", text=_tidy(e.text) or e.platform, url=e.url) for e in embedded]
    return Article(
        id=urls.identity(canonical),
        page_id=page.page_id,
        revision=revision.of(title, standfirst, text, pictures),
        url=page.url,
        canonical_url=canonical,
        title=title,
        subtitle=standfirst,
        fetched=page.fetched,
        text=text,
        blocks=(*parts, *captions, *framed),
        images=pictures,
        related=tuple(Related(url=link.url, title=_tidy(link.title)) for link in links),
        extractor=VERSION,
        input_id=page.input_id,
    )


def _once(images: tuple[Image, ...]) -> list[Image]:
    """Pictures each once: one that repeats another fills in what that one lacks."""
    found: list[Image] = []
    for image in images:
        pictures.add(found, image)
    return found


def _tidy_image(image: Image) -> Image:
    return Image(url=image.url, caption=_tidy(image.caption), credit=_tidy(image.credit))


def _tidy(value: str | None) -> str | None:
    """A field on one line, without what no reader sees and no store takes."""
    if value is None:
        return None
    if value.isprintable() and "  " not in value:  # as nearly all are
        return value.strip() or None
    return " ".join(_UNSEEN.sub("", value).split()) or None


def _tidy_block(value: str) -> str:
    """The lines of a block (a table has several), each tidied."""
    if "\n" not in value:
        return _tidy(value) or ""
    return "\n".join(line for raw in value.split("\n") if (line := _tidy(raw)))
