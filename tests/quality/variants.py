"""One story of our own, in the many kinds of markup that real sites would put it in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

URL = "https://www.tidewater-courier.example/harbour/ferry-pier-reopens"
TITLE = "Ferry pier at Kestrel Point reopens after two years of repairs"
STANDFIRST = "The last of the storm damage is gone, and the morning boat is back."
SITE = "Tidewater Courier"
AUTHORS = ("Maren Oldfield", "Tobias Renn")
PUBLISHED = "2024-03-09T07:45:00-05:00"
DAY = "2024-03-09"
PARAGRAPHS = (
    "The ferry pier at Kestrel Point opened again on Saturday morning, two years and one month "
    "after "
    "a winter storm tore away its outer half. About four hundred people walked out to the new "
    "railing "
    "before the first boat left, many of them with dogs and thermos flasks.",
    "“We were told it would take six months,” said Ida Falkner, who runs the ticket booth. "
    "“Then the "
    "divers found that the old oak piles were hollow, and nobody could say any more how long "
    "it would "
    "be.” She sold the first ticket to her own grandson at ten minutes to seven.",
    "The county paid 4.2 million dollars for the work, a third more than planned. Most of the "
    "extra "
    "money went into steel piles, which engineers say will stand for eighty years, and into a ramp "
    "that wheelchairs can use at low tide.",
    "Not everybody is pleased. The owners of the mussel farm in the lee of the pier say that "
    "the new "
    "lamps keep the birds away from the flats, and that nobody asked them before the contract was "
    "signed. The harbour board has promised to dim the lamps after midnight.",
    "In the two years without a pier the island of Sorrel was served by a barge from the fish "
    "market. "
    "School began an hour later, the doctor came once a week, and the shop closed. It is to "
    "open again "
    "in April, under the daughter of the last owner.",
    "The first boat carried 112 passengers and a piano. The piano belongs to the island's "
    "school and "
    "had spent the two years in a barn on the mainland, where, its tuner reports, mice had "
    "eaten the "
    "felt of the lowest octave.",
)
CAPTION = "Passengers wait at the new railing of the pier"
CREDIT = "Lena Brandt/Tidewater Courier"
PICTURE = "/images/2024/pier-railing.jpg"
RELATED = (
    ("Island school finds a new teacher after a year of searching", "/harbour/island-teacher"),
    ("[Analysis] What the storm taught the county about old piers", "/analysis/old-piers"),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A page, and which of the story's fields it states at all."""

    name: str
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    url: str = URL
    published: str | None = PUBLISHED
    has_related: bool = True
    has_caption: bool = True
    site: str | None = SITE


def _head(extra: str = "", title: str = f"{TITLE} | {SITE}", charset: str = "utf-8") -> str:
    return (
        f'<!DOCTYPE html><html lang="en-US"><head><meta charset="{charset}"><title>{title}</title>'
        f'{extra}<style>p{{margin:0}}</style><script>var a = "<p>not '
        f'text</p>";</script></head><body>'
    )


_NAV = (
    '<header><div class="logo"><a href="/">Tidewater Courier</a></div><nav><ul><li><a '
    'href="/">Home</a>'
    '<li><a href="/harbour">Harbour</a><li><a href="/schools">Schools</a></ul></nav></header>'
)
_TAIL = (
    '<aside class="sidebar"><h3>Most read</h3><ul><li><a href="/x1">Baker wins the county scone '
    'contest</a></li><li><a href="/x2">Bridge tolls to rise in '
    "May</a></li></ul></aside><footer><p>© 2024 "
    "Tidewater Courier. All rights reserved.</p></footer></body></html>"
)
_LD = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": TITLE,
    "datePublished": PUBLISHED,
    "author": [{"@type": "Person", "name": name} for name in AUTHORS],
    "publisher": {"@type": "NewsMediaOrganization", "name": SITE},
}


def _ld(data: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(data)}</script>'


def _see_also(index: int, label: str = "SEE ALSO:") -> str:
    title, href = RELATED[index]
    return f'{label} <a href="{href}">{title}</a>'


def _order(see_also: Callable[[int], str], figure: str, wrap: Callable[[str], str]) -> str:
    """The story as real pages have it: two paragraphs doubled, links and a picture between."""
    first, second, third, fourth, *rest = map(wrap, PARAGRAPHS)
    return "\n".join(
        (first, second, see_also(0), third, fourth, third, fourth, figure, see_also(1), *rest)
    )


def _p(text: str) -> str:
    return f"<p>{text}</p>"


_FIGURE = (
    f'<figure><img src="{PICTURE}" width="900" alt="{CAPTION} (Photo: '
    f'{CREDIT})"><figcaption>{CAPTION} '
    f"(Photo: {CREDIT})</figcaption></figure>"
)


def _classic() -> Variant:
    body = _order(lambda i: f"<p><strong>{_see_also(i)}</strong></p>", _FIGURE, _p)
    page = (
        _head(f'<meta property="og:site_name" content="{SITE}">' + _ld(_LD))
        + _NAV
        + f'<main><article><h1>{TITLE}</h1><p class="standfirst">{STANDFIRST}</p><div '
        f'class="share"><a '
        + f'href="#">Share on Facebook</a></div>{body}<div class="newsletter"><h3>Get the news '
        f"to your "
        + "inbox</h3><form><input><button>Subscribe</button></form></div></article></main>"
        + _TAIL
    )
    return Variant("classic", page.encode())


def _breaks() -> Variant:
    """Paragraphs are only line breaks; the byline and the date are only to be seen."""
    figure = (
        f'<div class="photo"><img src="{PICTURE}" width="640"><span '
        f'class="photo-caption">{CAPTION}</span> '
        f'<span class="photo-credit">Photo by {CREDIT}</span></div>'
    )
    body = _order(
        lambda i: f"<b>{_see_also(i, 'Read more:')}</b><br><br>", figure, lambda t: f"{t}<br><br>"
    )
    page = (
        _head()
        + _NAV
        + f'<div id="content"><h1>{TITLE}</h1><div class="byline">By {AUTHORS[0]} and '
        f"{AUTHORS[1]}, Staff "
        + f'Writers | March 9, 2024, 7:45 a.m. EST</div><div class="story">{body}</div></div>'
        + _TAIL
    )
    return Variant("breaks", page.encode())


def _tables() -> Variant:
    """A layout of tables, and presentational tags."""
    figure = (
        f'<table align="right"><tr><td><img src="{PICTURE}" width="300" '
        f'height="200"></td></tr><tr><td '
        f'class="caption"><font size="1">{CAPTION} (Photo: {CREDIT})</font></td></tr></table>'
    )
    body = _order(lambda i: _p(f"<i>{_see_also(i, 'Related:')}</i>"), figure, _p)
    page = (
        _head(f'<meta name="author" content="{AUTHORS[0]}, {AUTHORS[1]}">')
        + '<table width="100%"><tr><td colspan="2"><a href="/">Tidewater '
        "Courier</a></td></tr><tr><td "
        + 'width="150"><a href="/a">Harbour</a><br><a href="/b">Schools</a><br><a '
        'href="/c">Weather</a>'
        + f'</td><td><font size="5"><h1>{TITLE}</h1></font><span class="date">9 March 2024 07:45 '
        + f"GMT-5</span>{body}</td></tr><tr><td colspan=2>Copyright 2024 Tidewater "
        f"Courier</td></tr></table>" + "</body></html>"
    )
    return Variant("tables", page.encode())


def _gallery() -> Variant:
    """Captions in a definition list, "see also" in quotes and boxes."""
    figure = (
        f'<dl class="wp-caption"><dt><img src="{PICTURE}" width="640"></dt><dd '
        f'class="wp-caption-text">'
        f"{CAPTION} (Photo: {CREDIT})</dd></dl>"
    )
    boxes = (
        f"<blockquote>{_see_also(0, 'READ ALSO |')}</blockquote>",
        f'<aside class="inline-box"><h4>Related stories</h4><ul><li><a '
        f'href="{RELATED[1][1]}">{RELATED[1][0]}'
        "</a></li></ul></aside>",
    )
    body = _order(lambda i: boxes[i], figure, _p)
    page = (
        _head(f'<meta property="og:site_name" content="{SITE}">')
        + _NAV
        + f'<article itemscope itemtype="https://schema.org/NewsArticle"><h1 '
        f'itemprop="headline">{TITLE}</h1>' + f'<span itemprop="author">{AUTHORS[0]}</span>, <span '
        f'itemprop="author">{AUTHORS[1]}</span>'
        + f'<meta itemprop="datePublished" content="{PUBLISHED}"><div '
        f'itemprop="articleBody">{body}</div>'
        + '</article><section id="comments"><h3>3 Comments</h3><ol><li><p>First! I have been '
        "waiting for this " + "for two whole years.</p></li></ol></section>" + _TAIL
    )
    return Variant("gallery", page.encode())


def _amp() -> Variant:
    figure = (
        f'<figure><amp-img src="{PICTURE}" width="900" height="600" layout="responsive"></amp-img>'
        f"<figcaption>{CAPTION} <small>Credit: {CREDIT}</small></figcaption></figure>"
    )
    body = _order(
        lambda i: _p(f'<a href="{RELATED[i][1]}">Read next: {RELATED[i][0]}</a>'), figure, _p
    )
    head = _head(
        f'<link rel="canonical" href="{URL}">' + _ld({"@graph": [{"@type": "WebSite"}, _LD]})
    )
    page = (
        head.replace("<html ", "<html ⚡ ") + f"<article><h1>{TITLE}</h1>{body}</article>" + _TAIL
    )
    return Variant("amp", page.encode(), url=URL + "/amp")


def _divs() -> Variant:
    """Not one semantic tag; everything is a div with a meaningless class."""
    figure = (
        f'<div class="c9"><img src="{PICTURE}" width="700"><div class="c9 '
        f'caption-text">{CAPTION} | Photo: '
        f"{CREDIT}</div></div>"
    )
    body = _order(
        lambda i: f'<div class="c7"><span>{_see_also(i, "Don’t miss:")}</span></div>',
        figure,
        lambda t: f'<div class="c7"><span>{t}</span></div>',
    )
    page = (
        _head(
            f'<meta property="og:title" content="{TITLE}"><meta property="og:site_name" '
            f'content="{SITE}">'
        )
        + '<div class="c1"><a href="/">Home</a> <a href="/harbour">Harbour</a></div>'
        + f'<div class="c2"><div class="c3">{TITLE}</div><div class="author">Story by '
        f"{AUTHORS[0]} &amp; "
        + f'{AUTHORS[1]}</div><time datetime="{PUBLISHED}">Saturday</time><div '
        f'class="c5">{body}</div></div>'
        + '<div class="cookie-banner">We use cookies to make this site better. <a '
        'href="#">Accept all</a></div>'
        + '<div class="c8">© 2024 Tidewater Courier</div></body></html>'
    )
    return Variant("divs", page.encode())


def _sloppy() -> Variant:
    """Nothing is closed, the page ends in the middle, a control character stands in the text."""
    body = _order(lambda i: f"<p>{_see_also(i)}", _FIGURE, lambda t: f"<p>{t}")
    cut = len(body) // 2
    page = (
        f"<title>{TITLE} - {SITE}</title><h1>{TITLE}</h1><p class=author>By {AUTHORS[0]} and "
        f"{AUTHORS[1]}"
        f"<p class=date>Mar 9, 2024 7:45 AM EST<div>&#x1;{body[:cut]}</body></html>{body[cut:]}"
    )
    return Variant("sloppy", page.encode())


def _twice() -> Variant:
    """The whole body once for narrow and once for wide screens."""
    body = _order(lambda i: _p(_see_also(i)), _FIGURE, _p)
    page = (
        _head(_ld(_LD)) + _NAV + f'<article><h1>{TITLE}</h1><div class="wide">{body}</div><div '
        f'class="narrow">{body}</div></article>' + _TAIL
    )
    return Variant("twice", page.encode())


def _mislabelled() -> Variant:
    return Variant("mislabelled", _classic().body, content_type="text/html; charset=ISO-8859-1")


def _windows() -> Variant:
    text = _classic().body.decode().replace('charset="utf-8"', 'charset="windows-1252"')
    return Variant("windows-1252", text.encode("cp1252"), content_type="text/html")


def _utf16() -> Variant:
    return Variant("utf-16", _breaks().body.decode().encode("utf-16"), content_type="text/html")


VARIANTS = tuple(
    make()
    for make in (
        _classic, _breaks, _tables, _gallery, _amp, _divs, _sloppy, _twice, _mislabelled,
        _windows, _utf16,
    )
)  # fmt: skip
