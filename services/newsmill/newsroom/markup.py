"""Prints a story as HTML, in as many kinds of markup as the web has, and notes what it states.

A template is HTML with ``{{name}}`` in it. A line whose name has no value is left out.
``{{say.x}}`` is a phrase of the host that is no part of the article (cookie banner, newsletter box,
a comment), and ``{{hum.x}}`` one in such a place that its markup does not tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from newsmill.newsroom.stories import Block, Page, Story
from newsmill.newsroom.styles import STYLES, Style

_NAME = re.compile(r"\{\{([\w.]+)\}\}")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]*)\)")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_EMPHASIS = re.compile(r"\*([^*]+)\*")
_TIMED = frozenset({"date_iso", "jsonld", "jsonld_graph"})  # state the time, not only the day
_MODIFIED = frozenset({"modified_iso", "jsonld", "jsonld_graph"})  # state the time of a change


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """The small words of a language that pages put around a story."""

    by: str
    last: str  # between the last two names
    more: str
    photo: str
    date: str  # pattern of day, month, year
    months: tuple[str, ...]
    rtl: bool = False

    def day(self, story: Story) -> str:
        """The day of publication in words."""
        when = story.when()
        return self.date.format(day=when.day, month=self.months[when.month - 1], year=when.year)

    def names(self, authors: tuple[str, ...]) -> str:
        """The authors in one phrase."""
        if len(authors) < 2:
            return "".join(authors)
        return f"{', '.join(authors[:-1])}{self.last}{authors[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A page as printed, and what its markup really states of the story."""

    html: str
    noise: tuple[str, ...]  # phrases on the page that are no part of the article
    murmur: tuple[str, ...]  # the same, where the markup does not tell
    timed: bool  # states the time of publication, not only the day
    modified: bool  # states when the story was changed, if it was
    canonical: bool  # names its canonical URL


def inline(text: str) -> str:
    """Text with its inline marks, as HTML."""
    text = escape(text, quote=False)
    text = _LINK.sub(r'<a href="\2">\1</a>', text)
    text = _STRONG.sub(r"<strong>\1</strong>", text)
    return _EMPHASIS.sub(r"<em>\1</em>", text)


def fill(template: str, value: Callable[[str], str]) -> str:
    """The template with every name filled in; lines with a name that has no value are left out."""
    lines = (_fill_line(line, value) for line in template.splitlines())
    return "".join(f"{line}\n" for line in lines if line is not None)


def _fill_line(line: str, value: Callable[[str], str]) -> str | None:
    values = {name: value(name) for name in _NAME.findall(line)}
    if not all(values.values()):
        return None
    return _NAME.sub(lambda found: values[found[1]], line)


def print_page(
    page: Page, template: str, site: str, phrases: dict[str, str], tongue: Tongue
) -> Printed:
    """The page of a story: its template filled in."""
    sheet = _Sheet(page, site, phrases, tongue)
    html = fill(template, sheet.value)
    return Printed(
        html=html,
        noise=tuple(sheet.said["say"]),
        murmur=tuple(sheet.said["hum"]),
        timed=bool(_TIMED & sheet.used),
        modified=bool(_MODIFIED & sheet.used),
        canonical="canonical" in sheet.used and bool(page.canonical),
    )


class _Sheet:
    """The values of one page's names."""

    def __init__(self, page: Page, site: str, phrases: dict[str, str], tongue: Tongue) -> None:
        self.page, self.story, self.tongue = page, page.story, tongue
        self.phrases = phrases
        self.used: set[str] = set()
        self.said: dict[str, list[str]] = {"say": [], "hum": []}
        story = page.story
        names = tongue.names(story.authors)
        self.values = {
            "title": story.title,
            "subtitle": story.subtitle,
            "summary": story.summary(),
            "names": names,
            "authors": ", ".join(story.authors),
            "author": story.authors[0],
            "byline": f"{tongue.by}{names}",
            "date_iso": story.published,
            "date_day": story.published[:10],
            "date_text": tongue.day(story),
            "clock": story.published[11:16],
            "modified_iso": story.modified,
            "lang": story.language,
            "dir": "rtl" if tongue.rtl else "ltr",
            "section": story.section,
            "tags": ", ".join(story.tags),
            "site": site,
            "url": page.url,
            "host": page.host,
            "canonical": page.canonical,
            "amp": f"http://{page.host}{page.amp}" if page.amp else "",
            "label": page.label,
        }

    def value(self, name: str) -> str:
        """The value of a name, as HTML; empty where the page has none."""
        self.used.add(name)
        kind, _, rest = name.partition(".")
        if kind in self.said:
            return self._say(kind, rest)
        if kind == "body":
            return "\n".join(self._body(STYLES[rest]))
        if name == "jsonld":
            return _script(self._newsarticle())
        if name == "jsonld_graph":
            return _script(self._graph())
        if name == "bulk":
            return _bulk(self.story)
        return escape(self.values[name])

    def _say(self, kind: str, name: str) -> str:
        phrase = self.phrases.get(name, "")
        if phrase:
            self.said[kind].append(phrase)
        return escape(phrase, quote=False)

    def _body(self, style: Style) -> list[str]:
        lines: list[str] = []
        before = ""
        for block in self.story.blocks:
            if before != block.kind:
                lines += filter(
                    None, [style.ends.get(before, ""), style.starts.get(block.kind, "")]
                )
            before = block.kind
            lines.append(style.forms[block.kind].format(**self._parts(block)))
        return [*lines, style.ends.get(before, "")]

    def _parts(self, block: Block) -> dict[str, str]:
        return {
            "text": inline(block.text),
            "url": escape(block.url),
            "alt": escape(block.text),
            "credit": escape(f"{self.tongue.photo}{block.credit}", quote=False),
            "more": self.tongue.more.strip(),
            "cells": "".join(f"<td>{inline(cell.strip())}</td>" for cell in block.text.split("|")),
        }

    def _newsarticle(self) -> dict[str, object]:
        story, page = self.story, self.page
        article: dict[str, object] = {
            "@type": "NewsArticle",
            "headline": story.title,
            "datePublished": story.published,
            "inLanguage": story.language,
            "author": [{"@type": "Person", "name": name} for name in story.authors],
            "publisher": {"@type": "NewsMediaOrganization", "name": self.values["site"]},
            "mainEntityOfPage": page.canonical or page.url,
        }
        if story.modified:
            article["dateModified"] = story.modified
        if story.subtitle:
            article["description"] = story.subtitle
        if story.section:
            article["articleSection"] = story.section
        return article

    def _graph(self) -> dict[str, object]:
        """Metadata as some plugins write it: a graph whose nodes point at one another."""
        home = f"http://{self.page.host}/"
        people = [
            {"@type": "Person", "@id": f"{home}#/person/{number}", "name": name}
            for number, name in enumerate(self.story.authors, 1)
        ]
        article = self._newsarticle() | {
            "@id": f"{self.page.url}#article",
            "author": [{"@id": person["@id"]} for person in people],
            "publisher": {"@id": f"{home}#organization"},
        }
        publisher = {
            "@type": "NewsMediaOrganization",
            "@id": f"{home}#organization",
            "name": self.values["site"],
        }
        website = {"@type": "WebSite", "@id": f"{home}#website", "name": self.values["site"]}
        return {"@graph": [website, publisher, *people, article]}


def _script(data: dict[str, object]) -> str:
    return json.dumps({"@context": "https://schema.org", **data}, ensure_ascii=False).replace(
        "</", "<\\/"
    )


def _bulk(story: Story) -> str:
    """The state of a single-page application, as large and as useless as they are."""
    rows = ",".join(
        f'{{"id":{n},"slot":"{story.section}-{n % 17}","seen":[]}}' for n in range(6000)
    )
    return f"window.__STATE__={{rows:[{rows}]}};if(1<2&&3>2){{document.title+=''}}"
