"""The hostile pages that ``hostile.py`` extracts: a hazard between the halves of an article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

HTML = "text/html; charset=utf-8"

WHAT = (
    "the council voted for the longer pier", "two members were on the ferry and late",
    "the architect brought a model of it in cork", "nobody could say what the crane would cost",
    "the fishermen asked for a second ladder", "the harbour master wanted wider steps",
    "a bank had offered to pay for the lamp", "the old pier would stay until the autumn",
    "the museum took the bollards of 1911", "the meeting ended when the tide was high",
)  # fmt: skip
PARAGRAPHS = tuple(
    f"On the evening of the {number + 3}th of May {what}, and the clerk wrote it down with care."
    for number, what in enumerate(WHAT)
)
HEAD = "<title>The pier will be longer</title><meta charset=utf-8>"
TITLE = "<h1>The pier will be longer</h1>"
BEFORE = "".join(f"<p>{text}</p>\n" for text in PARAGRAPHS[:5])
AFTER = "".join(f"<p>{text}</p>\n" for text in PARAGRAPHS[5:])


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile page: ``wanted`` is "full", or the reasons that it may be refused for."""

    name: str
    make: Callable[[], bytes]
    wanted: str = "full"
    content_type: str | None = HTML


def page(hazard: str = "", *, head: str = "", before: str = BEFORE, after: str = AFTER) -> bytes:
    """A page with something between its halves."""
    return (
        f"<!DOCTYPE html><html lang=en><head>{HEAD}{head}</head><body><article>{TITLE}{before}"
        f"{hazard}{after}</article></body></html>"
    ).encode("utf-8", "surrogatepass")


def _around(opening: str, closing: str = "") -> bytes:
    return page(after=f"{opening}{AFTER}{closing}")


def _nested(tag: str, depth: int, *, close: bool = True) -> bytes:
    return _around(f"<{tag}>" * depth, f"</{tag}>" * depth if close else "")


def _within(tag: str, depth: int) -> bytes:
    return page(before="", after=f"<{tag}>" * depth + BEFORE + AFTER + f"</{tag}>" * depth)


def _menus(tag: str) -> bytes:
    """Menus that are none, each in the next: a look into one is a look into all within it."""
    inside = "<a href=/e>one</a>" * 6 + "<i>a</i>" * 100_000 + "<h2>More</h2>"
    return page(after=f"{AFTER}{f'<{tag}>' * 200}{inside}{f'</{tag.split()[0]}>' * 200}")


def _charset(encoding: str, label: str) -> bytes:
    text = page(before=BEFORE.replace("with care", "mit etwas Mühe")).decode()
    return text.replace("<meta charset=utf-8>", f"<meta charset={label}>").encode(encoding)


def _many(text: str, count: int) -> bytes:
    return page(text * count)


def _table(rows: int, cell: str = "<td>12</td>", columns: int = 3) -> bytes:
    return page(f"<table>{f'<tr>{cell * columns}</tr>' * rows}</table>")


def _json_ld(text: str) -> bytes:
    return page(head=f'<script type="application/ld+json">{text}</script>')


def _attributes(count: int) -> str:
    return "<p " + " ".join(f"a{n}=1" for n in range(count)) + ">"


_MEGABYTE = 1_000_000
_SILENT = (
    Case("plain page", page),
    Case("div 240 deep", lambda: _nested("div", 240)),
    Case("div 300 deep", lambda: _nested("div", 300)),
    Case("div 1500 deep", lambda: _within("div", 1500)),
    Case("div 5000 deep", lambda: _nested("div", 5_000), "full too_deep"),
    Case("div 200,000 deep", lambda: _nested("div", 200_000), "full too_deep"),
    Case("300 unclosed b", lambda: _nested("b", 300, close=False)),
    Case("300 unclosed font", lambda: _nested("font", 300, close=False)),
    Case("1,000 unclosed span", lambda: _nested("span", 1_000, close=False)),
    Case("script of 3 MB", lambda: page(f"<script>{'x=1;' * 750_000}</script>")),
    Case("style of 3 MB", lambda: page(f"<style>{'a{b:c}' * 500_000}</style>")),
    Case(
        "data URI of 4 MB", lambda: page(f'<img src="data:image/png;base64,{"A" * 4 * _MEGABYTE}">')
    ),
    Case("comment of 11 MB", lambda: page(f"<!--{'x' * 11 * _MEGABYTE}-->")),
    Case("attribute of 4 MB", lambda: page(f'<i title="{"x" * 4 * _MEGABYTE}"></i>')),
    Case("text of 4 MB", lambda: page(f"<div>{'word ' * 800_000}</div>"), "full too_large"),
    Case("6 MB of markup", lambda: _many("<p>word</p>", 550_000), "too_large too_deep"),
    Case("&#x1;", lambda: page("<p>&#x1;</p>")),
    Case("&#xFFFE; in a paragraph", lambda: page(after=AFTER.replace("May", "&#xFFFE;May"))),
    Case("surrogate references", lambda: page("<p>&#xD800;&#xDFFF;</p>")),
    Case("references past Unicode", lambda: page("<p>&#x110000;&#99999999999;</p>")),
    Case("raw NUL and 0x01", lambda: page("<p>\x00\x01\x02</p>")),
    Case("</body></html> in mid-article", lambda: page("</body></html>")),
    Case("second <html><body>", lambda: page("<html><body>")),
    Case("unclosed noscript", lambda: _around("<noscript>")),
    Case("unclosed button", lambda: _around("<button>")),
    Case("unclosed textarea", lambda: _around("<textarea>")),
    Case("unclosed template", lambda: _around("<template>"), "suspect"),
    Case("unclosed iframe", lambda: _around("<iframe src=x>")),
    Case("unclosed select", lambda: _around("<select><option>1"), "suspect"),
    Case("unclosed form", lambda: _around("<form>")),
    Case("unclosed a", lambda: _around('<a href="/x">')),
    Case("unclosed title", lambda: page().replace(b"</title>", b"")),
    Case("unclosed comment", lambda: _around("<!-- "), "suspect"),
    Case("unclosed script", lambda: _around("<script>"), "suspect"),
    Case("plaintext", lambda: _around("<plaintext>")),
    Case("unclosed xmp", lambda: _around("<xmp>")),
    Case("nested forms and tables", lambda: _around("<table><form><tr><form><td>")),
    Case("unclosed attribute quote", lambda: page('<a href="/x>y</a><p>z</p>'), "suspect"),
)
"""Where parsers lose text without an error."""

_CHARSETS = (
    Case("latin-1 labelled utf-8", lambda: _charset("latin-1", "utf-8"), content_type=None),
    Case("utf-8 labelled latin-1", lambda: _charset("utf-8", "iso-8859-1"), content_type=None),
    Case("utf-16 without a mark", lambda: _charset("utf-16-le", "utf-8"), content_type=None),
    Case("utf-8 labelled utf-16", lambda: _charset("utf-8", "utf-16"), content_type=None),
    Case("label that is no charset", lambda: _charset("utf-8", "klingon"), content_type=None),
    Case("label rot13", lambda: _charset("utf-8", "rot_13"), content_type=None),
    Case("label idna", lambda: page(), content_type="text/html; charset=idna"),
)
"""Where the label lies."""

_SLOW = (
    Case(
        "200,000 short paragraphs",
        lambda: _many("<p>word word word</p>", 200_000),
        "full too_large too_deep",
    ),
    Case("20,000 short paragraphs", lambda: _many("<p>word word word</p>", 20_000)),
    Case("300,000 br", lambda: _many("a<br>", 300_000), "full too_large too_deep"),
    Case("table of 20,000 rows", lambda: _table(20_000), "full too_large"),
    Case("table of 60,000 cells", lambda: _table(20, columns=3_000), "full too_large"),
    Case(
        "table, every cell spans 1,000",
        lambda: _table(1_000, "<td rowspan=1000 colspan=1000>1</td>", 1),
    ),
    Case(
        "1,000 nested tables", lambda: _nested("table><tr><td", 1_000, close=False), "full too_deep"
    ),
    Case("200 nested nav, 100,000 spans", lambda: _menus("nav")),
    Case("200 nested menus, 100,000 spans", lambda: _menus("div class=menu")),
    Case("100,000 options", lambda: page(f"<select>{'<option>1' * 100_000}</select>")),
    Case("100,000 metas", lambda: page(head='<meta name="a" content="b">' * 100_000)),
    Case("100,000 links", lambda: _many('<a href="/e1">one</a> ', 100_000), "full too_large"),
    Case("100,000 pictures", lambda: _many('<img src="/a.jpg">', 100_000)),
    Case(
        "20,000 figures",
        lambda: _many("<figure><img src=a.jpg><figcaption>A boat</figcaption></figure>", 20_000),
    ),
    Case(
        "20,000 see-also lines",
        lambda: _many("<p>See also: <a href=/a>The old lamp of the pier</a></p>", 20_000),
    ),
    Case(
        "20,000 named boxes",
        lambda: _many('<div class="newsletter share author date">x</div>', 20_000),
    ),
    Case(
        "50,000 distinct classes",
        lambda: page("".join(f'<i class="c{n} date{n}">x</i>' for n in range(50_000))),
    ),
    Case("tag of 20,000 attributes", lambda: page(_attributes(20_000))),
    Case("tag of 200,000 attributes", lambda: page(_attributes(200_000))),
    Case("500 tags of 250 attributes", lambda: page(_attributes(250) * 500)),
    Case("500,000 entities", lambda: _many("&amp;&lt;&#x41;", 170_000), "full too_large"),
    Case(
        "billion laughs",
        lambda: (
            b'<!DOCTYPE html [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + page("<p>&b;</p>")
        ),
    ),
    Case("JSON-LD string without an end", lambda: _json_ld('{"a":"' + '\\"' * 200_000)),
    Case("JSON-LD 50,000 deep", lambda: _json_ld("[" * 50_000)),
    Case(
        "JSON-LD of 100,000 nodes", lambda: _json_ld("[" + '{"@type":"Person"},' * 99_999 + "{}]")
    ),
    Case("paragraph of 200,000 spaces", lambda: page(f"<p>a{' ' * 200_000}b</p>")),
    Case(
        "title of 1 MB", lambda: page(head=f"<meta property=og:title content='{'t - ' * 250_000}'>")
    ),
    Case(
        "byline of 500 kB",
        lambda: page(f'<p class="byline">{"By Ann Lee and " * 33_000}</p>'),
        "full",
    ),
    Case("class of 1 MB", lambda: page(f'<div class="{"date author " * 20_000}">x</div>')),
    Case("brackets and credits", lambda: page("<p>" + "(Photo: " * 20_000 + "</p>"), "full"),
    Case("date digits", lambda: page("<p>" + "2024-05-14 " * 40_000 + "</p>"), "full"),
    Case("empty", lambda: b"", "unparsable no_article not_html"),
    Case("white space", lambda: b" \n" * 500_000, "unparsable no_article not_html"),
    Case("a PDF", lambda: b"%PDF-1.7\n" + b"\x00\xff" * 50_000, "not_html"),
)
"""Where time or memory goes."""

CASES = (*_SILENT, *_CHARSETS, *_SLOW)
