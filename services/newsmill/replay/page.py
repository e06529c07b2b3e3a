"""A diff as one page of HTML that stands alone: no script, no asset, nothing from elsewhere."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from html import escape

from newsmill.replay.diff import FOLLOWING, Diff
from newsmill.replay.samples import LEFT_OUT, Sample
from newsmill.replay.style import STYLE
from newsmill.replay.summary import often, pages_, summary

MOST_SITES = 25
ALIKE = 0.5  # two values less alike have words in common by chance: no word of them is marked
_EMPTY = "<span class=none>(empty)</span>"
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
SHOWN_FIELDS = 7  # columns of the table of sites


def html(found: Diff, before: str, after: str) -> str:
    """The page; ``before`` and ``after`` name the two sides."""
    title = f"{escape(before)} → {escape(after)}"
    told = "".join(f"<li>{escape(line)}</li>" for line in summary(found))
    told = told or "<li>Nothing: both sides say the same.</li>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f'<header><p class="kicker">newsmill lane diff</p><h1>{title}</h1>'
        f"<p>What became of {pages_(found.both + found.new + found.gone)}.</p></header>"
        f"{_counts(found)}<section><h2>What stands out</h2><ul class=told>{told}</ul></section>"
        f"{_fields(found)}{_sites(found)}{_lines(found)}{_samples(found)}"
        "</main></body></html>\n"
    )


def _counts(found: Diff) -> str:
    rows = [
        ("same", "same bytes", found.same),
        ("alike", "same content", found.alike),
        ("changed", "changed", found.changed),
        ("new", "new", found.new),
        ("gone", "gone", found.gone),
    ]
    total = max(1, sum(number for *_, number in rows))
    bar = "".join(
        f'<i class="{kind}" style="flex-grow:{number}" title="{number:,} {name}"></i>'
        for kind, name, number in rows
        if number
    )
    tiles = "".join(
        f'<li class="{kind}"><b>{number:,}</b>{name}<small>{number / total:.1%}</small></li>'
        for kind, name, number in rows
    )
    return f"<div class=bar>{bar}</div><ul class=tiles>{tiles}</ul>"


def _fields(found: Diff) -> str:
    if not found.fields:
        return ""
    most = max(found.fields.values())
    rows = "".join(
        f'<tr><th><a href="#{escape(name)}">{escape(name)}</a></th><td class=n>{number:,}</td>'
        f"<td class=n>{_or_none(found.appeared[name])}</td>"
        f"<td class=n>{_or_none(found.vanished[name])}</td>"
        f'<td class=w><span class=meter style="width:{number / most:.2%}"></span></td></tr>'
        for name, number in _ranked(found)
    )
    return (
        "<section><h2>By field</h2><div class=scroll><table><tr><th>field<th class=n>pages"
        "<th class=n>had none<th class=n>has none now<th></tr>"
        f"{rows}</table></div></section>"
    )


def _ranked(found: Diff) -> list[tuple[str, int]]:
    """The fields by how many pages changed in them; those that follow from others last."""
    return sorted(found.fields.items(), key=lambda each: (each[0] in FOLLOWING, -each[1], each[0]))


def _or_none(number: int) -> str:
    return f"{number:,}" if number else "<span class=none>·</span>"


def _sites(found: Diff) -> str:
    ranked = sorted(found.changed_of.items(), key=lambda each: (-each[1], each[0]))[:MOST_SITES]
    if not ranked:
        return ""
    names = [name for name, _ in _ranked(found)][:SHOWN_FIELDS]
    head = "".join(f"<th class=n>{escape(name)}" for name in names)
    rows = "".join(
        f"<tr><th>{escape(site)}</th><td class=n>{number:,} of {found.pages_of[site]:,}</td>"
        + "".join(_heat(found.sites[name, site], number) for name in names)
        + "</tr>"
        for site, number in ranked
    )
    rest = len(found.changed_of) - len(ranked)
    more = f"<p class=note>and {rest:,} sites more</p>" if rest > 0 else ""
    return (
        "<section><h2>By site</h2><div class=scroll><table><tr><th>site<th class=n>changed"
        f"{head}</tr>{rows}</table></div>{more}</section>"
    )


def _heat(number: int, of: int) -> str:
    return f'<td class="n heat" style="--share:{number / max(1, of):.2f}">{_or_none(number)}</td>'


def _lines(found: Diff) -> str:
    parts = []
    for tally, tag, says in (
        (found.lines_gone, "del", "Lines that went, on several pages of a site"),
        (found.lines_new, "ins", "Lines that came, on several pages of a site"),
    ):
        rows = "".join(
            f"<tr><td><{tag}>{escape(line.text)}</{tag}></td><td>{escape(line.site)}</td>"
            f"<td class=n>{line.pages:,}</td></tr>"
            for line in often(tally)
        )
        if rows:
            parts.append(
                f"<section><h2>{says}</h2><div class=scroll><table>{rows}</table></div></section>"
            )
    return "".join(parts)


def _samples(found: Diff) -> str:
    names = [name for name in ("gone", "new") if found.samples.of(name)]
    names += [name for name, _ in _ranked(found)]
    return "".join(
        f'<section id="{escape(name)}"><h2>{_heading(found, name)}</h2>'
        f"{''.join(map(_sample, found.samples.of(name)))}</section>"
        for name in names
    )


def _heading(found: Diff, name: str) -> str:
    number = {"gone": found.gone, "new": found.new}.get(name, found.fields[name])
    shown = len(found.samples.of(name))
    some = "" if shown == number else f", {shown} of them"
    return f"{escape(name)} <small>{pages_(number)}{some}</small>"


def _sample(sample: Sample) -> str:
    was, now = _marked(_told(sample.before), _told(sample.after))
    before = "" if was is None else f"<del>{was}</del>"
    after = "" if now is None else f"<ins>{now}</ins>"
    title = escape(sample.title or "(no title)")
    return (
        f"<article><h3>{title}</h3><p class=id>{escape(sample.url)}"
        f" <code>{escape(sample.page_id)}</code></p>"
        f'<div class="pair">{before}{after}</div></article>'
    )


def _told(value: str | None) -> str | None:
    """The value, unless nothing of it is left but what both sides have."""
    return None if value == LEFT_OUT else value


def _marked(was: str | None, now: str | None) -> tuple[str | None, str | None]:
    """Both values, escaped, with the words in which they differ marked where both are there."""
    if was is None or now is None:
        return (None if was is None else escape(was)), (None if now is None else escape(now))
    one, other = _WORDS.findall(was), _WORDS.findall(now)
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.ratio() < ALIKE:
        return escape(was) or _EMPTY, escape(now) or _EMPTY
    codes = matcher.get_opcodes()
    left = "".join(_run(one[a:b], tag) for tag, a, b, _, _ in codes)
    right = "".join(_run(other[c:d], tag) for tag, _, _, c, d in codes)
    return left or _EMPTY, right or _EMPTY


def _run(words: list[str], tag: str) -> str:
    text = escape("".join(words))
    return text if tag == "equal" or not text else f"<mark>{text}</mark>"
