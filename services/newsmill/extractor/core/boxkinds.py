"""What the class and id of a box say that it is, as bits: looked up word by word."""

from __future__ import annotations

import functools

(
    BODY,
    COMMENT,
    NAV,
    FOOTER,
    RELATED,
    PROMO,
    SHARE,
    AD,
    CAPTION,
    AUTHOR,
    META,
    SIDE,
    NOTE,
    TAGS,
    HIDDEN,
    LIST,
) = (1 << n for n in range(16))

_WORDS: dict[int, str] = {
    BODY: "article articlebody body content entry post story text main maincontent bodytext copy "
    "richtext paragraph paywall inhalt texto artikel contenu corps cuerpo nota noticia news detail",
    COMMENT: "comment comments disqus respond reply replies kommentare commentaires comentarios "
    "discussion livefyre",
    NAV: "nav navigation menu navbar breadcrumb breadcrumbs pagination pager skip toolbar topbar "
    "header masthead burger",
    FOOTER: "footer foot colophon copyright legal imprint bottom",
    RELATED: "related more readmore seealso recommended recommendations recommend also trending "
    "popular mostread latest teaser teasers outbrain taboola next previous prev similar further "
    "weiterlesen mehr lire relacionadas relacionados verwandte thema suggest carousel card cards",
    PROMO: "promo promotion newsletter subscribe subscription signup optin campaign donate "
    "membership offer cta abo banner app download paywall upsell alert push notification",
    SHARE: "share sharing social facebook twitter whatsapp addthis sharedaddy follow",
    AD: "ad ads advert advertisement sponsor sponsored anzeige pub publicidad werbung dfp gpt "
    "adslot",
    CAPTION: "caption figcaption credit wpcaption legende bildunterschrift image photo picture "
    "media gallery thumbnail slideshow video player lightbox",
    AUTHOR: "author authors byline bio autor auteur writer contributor vcard profile",
    META: "meta date time timestamp published dateline info details category kicker topline "
    "overline label eyebrow",
    SIDE: "sidebar aside side rail widget column secondary complementary",
    NOTE: "note footnote disclaimer correction editor box infobox factbox summary highlights "
    "keypoints toc glossary poll quiz survey form login register cookie consent gdpr modal "
    "popup overlay",
    TAGS: "tag tags topics keywords categories themen etiquetas",
    HIDDEN: "hidden hide visuallyhidden sronly invisible screenreader",
    LIST: "list listing items feed river stream grid archive index",
}  # fmt: skip
KIND_OF_WORD = {word: bit for bit, words in _WORDS.items() for word in words.split()}
_TAGS = {
    "nav": NAV, "header": NAV, "footer": FOOTER, "aside": SIDE, "figcaption": CAPTION,
    "figure": CAPTION, "form": NOTE, "address": AUTHOR, "main": BODY, "article": BODY,
    "dialog": NOTE, "menu": NAV,
}  # fmt: skip


def bits_of_tag(tag: str, prop: str) -> int:
    """The bits of a box by its tag and what it states."""
    bits = _TAGS.get(tag, 0)
    if prop:
        if "articleBody" in prop or "articlebody" in prop:
            bits |= BODY
        elif "navigation" in prop or "banner" in prop:
            bits |= NAV
        elif "complementary" in prop:
            bits |= SIDE
        elif "contentinfo" in prop:
            bits |= FOOTER
        elif "comment" in prop.lower():
            bits |= COMMENT
        elif "author" in prop:
            bits |= AUTHOR
    return bits


# What class names call boxes that are no article: up to three parts of a word, hyphens aside.
_ASIDE_WORDS = (
    "newsletter newsletters signup subscribe subscribebox subscribeform subscribewidget "
    "subscription share sharing sharebar sharebuttons sharebutton socialshare socialsharing "
    "sociallinks socialmedia socialicons socialbar socialbuttons sharedaddy addtoany addthis "
    "cookie cookies cookiebanner cookienotice cookieconsent cookiebar cookiewall gdpr consent "
    "disqus comment comments commentlist commentrespond commentform commentsection commentarea "
    "respond relatedpost relatedposts relatedarticle relatedarticles relatedstories "
    "relatedcontent relatedlinks relatednews recommended mostread mostpopular trending "
    "breadcrumb breadcrumbs printonly screenreadertext visuallyhidden sronly advert "
    "advertisement adslot adunit adcontainer adwrapper sponsored"
)
_ASIDES = frozenset(_ASIDE_WORDS.split())
ASIDE_PARTS = _ASIDES | frozenset(
    ("sign", "social", "related", "most", "print", "screen", "visually", "sr", "ad")
)  # one is in every such name


def is_aside(name: str) -> bool:
    """Whether a class, in lower case, calls a box something beside the article."""
    words = name.split()
    parts = "-".join(words).replace("_", "-").split("-")
    return not ASIDE_PARTS.isdisjoint(parts) and any(map(_is_aside_word, words))


@functools.lru_cache(maxsize=4_096)
def _is_aside_word(word: str) -> bool:
    for piece in word.split("_"):
        parts = piece.split("-")
        for start in range(len(parts)):
            joined = ""
            for part in parts[start : start + 3]:
                joined += part
                if joined in _ASIDES:
                    return True
    return False
