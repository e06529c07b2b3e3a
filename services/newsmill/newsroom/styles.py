"""The ways to mark up a body that the sample newsroom knows, from today's to the hopeless."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """A way to mark up a body: a form for each kind of block, and what runs of it stand in."""

    forms: dict[str, str]
    starts: dict[str, str]
    ends: dict[str, str]


def _style(**forms: str) -> Style:
    starts = {name.removeprefix("start_"): forms[name] for name in forms if name[:6] == "start_"}
    ends = {name.removeprefix("end_"): forms[name] for name in forms if name[:4] == "end_"}
    return Style(forms | {"echo": forms["paragraph"]}, starts, ends)


_FIGURE = (
    '<figure class="wp-caption"><img src="{url}" alt="{alt}" width="640" height="360">'
    '<figcaption>{text} <span class="credit">{credit}</span></figcaption></figure>'
)
_LISTS = {"start_item": "<ul>", "end_item": "</ul>", "start_row": "<table>", "end_row": "</table>"}

STYLES: dict[str, Style] = {
    "p": _style(
        paragraph="<p>{text}</p>",
        box='<div class="newsletter-signup"><h4>Newsletter</h4><p>{text}</p></div>',
        heading="<h2>{text}</h2>",
        quote="<blockquote><p>{text}</p></blockquote>",
        item="<li>{text}</li>",
        row="<tr>{cells}</tr>",
        image=_FIGURE,
        related='<p class="see-also"><strong>{more} <a href="{url}">{text}</a></strong></p>',
        **_LISTS,
    ),
    "amp": _style(
        paragraph="<p>{text}</p>",
        box='<aside class="newsletter"><p>{text}</p></aside>',
        heading="<h2>{text}</h2>",
        quote="<blockquote>{text}</blockquote>",
        item="<li>{text}</li>",
        row="<tr>{cells}</tr>",
        image='<figure><amp-img src="{url}" width="640" height="360" layout="responsive"'
        ' alt="{alt}"></amp-img><figcaption>{text} {credit}</figcaption></figure>',
        related='<p>{more} <a href="{url}">{text}</a></p>',
        **_LISTS,
    ),
    "div": _style(
        paragraph='<div class="par">{text}</div>',
        box='<div class="promo newsletter"><b>{text}</b></div>',
        heading='<div class="crosshead"><b>{text}</b></div>',
        quote='<div class="par quote"><i>{text}</i></div>',
        item='<div class="par bullet">{text}</div>',
        row="<tr>{cells}</tr>",
        image='<div class="pic"><img src="{url}"><div class="pic-text">{text}</div>'
        '<div class="pic-by">{credit}</div></div>',
        related='<div class="par">{more} <a href="{url}">{text}</a></div>',
        start_row="<table>",
        end_row="</table>",
    ),
    "span": _style(
        paragraph="<section><div><span><span>{text}</span></span></div></section>",
        box='<section class="newsletter-teaser"><div><span>{text}</span></div></section>',
        heading='<section><div><h3 class="t3"><span>{text}</span></h3></div></section>',
        quote="<section><div><blockquote><span>{text}</span></blockquote></div></section>",
        item="<li><span>{text}</span></li>",
        row="<tr>{cells}</tr>",
        image='<section><div><picture><source srcset="{url}"><img src="{url}" alt=""></picture>'
        "<small>{text}</small><small>{credit}</small></div></section>",
        related='<section><aside><a href="{url}"><span>{more}</span> <span>{text}</span></a>'
        "</aside></section>",
        **_LISTS,
    ),
    "br": _style(
        paragraph="{text}<br><br>",
        box='<table border="1" class="newsletter"><tr><td>{text}</td></tr></table><br>',
        heading="<b>{text}</b><br><br>",
        quote="<i>{text}</i><br><br>",
        item="&bull; {text}<br>",
        row="{text}<br>",
        image='<img src="{url}" align="left"><br><i><small>{text} {credit}</small></i><br><br>',
        related='{more} <a href="{url}">{text}</a><br><br>',
        end_item="<br>",
        end_row="<br>",
    ),
    "open": _style(  # as HTML 3.2 allowed it: nothing is ever closed
        paragraph="<P>{text}",
        box='<TABLE BORDER=1 CLASS=newsletter><TR><TD>{text}</TABLE>',
        heading="<H3>{text}</H3>",
        quote="<BLOCKQUOTE>{text}</BLOCKQUOTE>",
        item="<LI>{text}",
        row="<TR>{cells}",
        image='<P><IMG SRC={url} ALT=picture><BR><FONT SIZE=1>{text} {credit}</FONT>',
        related='<P>{more} <A HREF={url}>{text}</A>',
        start_item="<UL>",
        end_item="</UL>",
        start_row="<TABLE>",
        end_row="</TABLE>",
    ),
    "tangled": _style(  # tags that close in the wrong order, attributes that never end well
        paragraph='<p class=text"><font face="Verdana"><span>{text}</font></span></p></div></p>',
        box='<div class="newsletter"><p>{text}</div></p>',
        heading="<b><h4>{text}</b></h4>",
        quote="<p><i><q>{text}</i></q>",
        item="<li><p>{text}</li></p>",
        row="<tr>{cells}</table>",
        image='<p><center><img src="{url}" alt="{alt}"><br><small>{text} {credit}'
        "</center></small></p>",
        related='<p><b>{more} <a href="{url}">{text}</b></a></p>',
        start_item="<ul>",
        end_item="</ol></ul>",
        start_row="<table>",
        end_row="</table>",
    ),
}  # fmt: skip
