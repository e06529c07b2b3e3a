"""Pictures with their captions and credits, taken out of the tree so that none is read as prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from newsmill import urls
from newsmill.extractor.core import structured
from newsmill.extractor.core.bylines import is_foreign
from newsmill.extractor.core.facts import Facts, remove, words
from newsmill.extractor.core.labels import (
    CREDIT_AT_END,
    CREDIT_IN_BRACKETS,
    CREDIT_LABEL,
    PHOTO_IN_BRACKETS,
    SOURCE_IN_BRACKETS,
)
from newsmill.extractor.core.metadata import Choice
from newsmill.records import Image

MAX_CAPTION = 1_200  # characters; more is text that a theme calls a caption
MAX_BESIDE = 300  # characters that may stand beside a caption in what holds it and its picture
MAX_PLAIN = 100  # pictures whose surroundings are looked at
MAX_IMAGES = 60
MIN_WIDTH = 120  # pixels; smaller pictures are icons and trackers

_UNSPOKEN = re.compile(r"[\W_]+")
_SPACE = re.compile(r"\s+")
_CREDIT_CLASS = re.compile(
    r"credit|copyright|(?:^|[\s_-])(?:source|photographer|byline|agency)(?:$|[\s_-])", re.I
)
_CAPTION_CLASS = re.compile(r"caption|credit", re.I)
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’»)]?\s*$")
_CAPTION_TAGS = (
    "figcaption", "p", "div", "span", "dd", "td", "small", "cite", "em", "i", "h4", "h5", "h6"
)  # fmt: skip
_SENTENCE = re.compile(r"[a-z]{3,}[.!?](?:\s|\Z)")
_FIRM_CREDIT = re.compile(r"[:：/／©]|\(c\)|\b(?:by|courtesy\s+of)\s", re.I)


def fold(text: str) -> str:
    """Text as two of the same are recognised: case, spacing and punctuation aside."""
    return _UNSPOKEN.sub("", text.casefold())


def split_credit(caption: str) -> tuple[str | None, str | None]:
    """A caption and its credit, without brackets and label; None for what is not there."""
    text = _SPACE.sub(" ", caption).strip()
    for pattern in (CREDIT_IN_BRACKETS, CREDIT_AT_END):
        found = pattern.search(text)
        if found:
            rest = text[: found.start()].strip(" |/–—-").strip()
            return rest or None, unlabelled(found[1])
    return text or None, None


def unlabelled(credit: str) -> str | None:
    """A credit without "Photo:", "Source:", "©"."""
    text = credit.strip(" ()[]（）【】|").strip()
    for _ in range(3):
        shorter = CREDIT_LABEL.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return text.strip(" .:|/").strip() or None


def reads_like_caption(line: str) -> bool:
    """Whether a line of text says by its credit that it is a caption: "… (Photo: somebody)"."""
    if len(line) > 400:
        return False
    if PHOTO_IN_BRACKETS.search(line):
        return True
    found = SOURCE_IN_BRACKETS.search(line)
    return found is not None and not _SENTENCE_END.search(line[: found.start()])


def is_credit(line: str) -> bool:
    """Whether a line is nothing but a picture's credit: "Photo: somebody"."""
    found = CREDIT_LABEL.match(line)
    if found is None or len(line) > 120 or len(line) - found.end() > 80:
        return False
    return not _SENTENCE.search(line[found.end() :]) and _FIRM_CREDIT.search(found[0]) is not None


def take(facts: Facts, choice: Choice) -> list[Image]:
    """The article's pictures; caption elements leave the tree."""
    base = facts.base_url
    found: list[Image] = []
    spent: dict[HtmlElement, None] = {}
    for holder in _holders(facts, spent):
        _take_holder(holder, base, found, spent)
    for picture in facts.pictures[:MAX_PLAIN]:
        if picture not in spent and not is_foreign(picture):
            _take_plain(picture, base, found, spent)
    for picture in facts.pictures:
        if picture not in spent and _in_article(picture) and not is_foreign(picture):
            source = _source(picture, base)
            if source:
                add(found, Image(url=source))
    for element in spent:
        if element.tag not in ("img", "amp-img") and element.getparent() is not None:
            remove(element)
    return _with_lead(found, facts, choice)[:MAX_IMAGES]


def _holders(facts: Facts, spent: dict[HtmlElement, None]) -> Iterator[HtmlElement]:
    """Figures, then what serves as one around a caption that no figure has taken."""
    for figure in facts.figures:
        if not is_foreign(figure):
            yield figure
    for caption in facts.captions:
        if caption not in spent and caption.getparent() is not None and not is_foreign(caption):
            holder = _holder_of(caption)
            if holder is not None:
                yield holder


def _take_holder(
    holder: HtmlElement, base: str, found: list[Image], spent: dict[HtmlElement, None]
) -> None:
    """One picture from a figure (or what serves as one), with the captions that are in it."""
    pictures = list(holder.iter("img", "amp-img"))
    media = next(holder.iter("video", "iframe", "embed", "object", "audio"), None)
    if any(True for _ in holder.iter("table", "pre", "blockquote")) and not pictures:
        return
    captions: list[str] = []
    credits_: list[str] = []
    for element in _caption_elements(holder, bool(pictures)):
        if element in spent or any(ancestor in spent for ancestor in element.iterancestors()):
            continue
        text = words(element, MAX_CAPTION + 1)
        if len(text) > MAX_CAPTION or _is_prose(element):
            continue
        spent[element] = None
        if (
            element.tag != "figcaption"
            and _CREDIT_CLASS.search(element.get("class") or "")
            and "caption" not in (element.get("class") or "")
        ):
            credits_.append(text)
        else:
            captions.append(_without_credit_elements(element, text, credits_))
    spent.update(dict.fromkeys(pictures))
    caption, credit = _best(captions, credits_)
    source = next((url for p in pictures if (url := _source(p, base))), None)
    if caption or credit or (source and media is None):
        add(found, Image(url=source, caption=caption, credit=credit))
    for other in pictures[1:]:
        url = _source(other, base)
        if url and url != source and len(pictures) <= 12:
            add(found, Image(url=url))


def _take_plain(
    picture: HtmlElement, base: str, found: list[Image], spent: dict[HtmlElement, None]
) -> None:
    """A picture whose caption no markup names: a short text with a credit beside it says so."""
    for beside in _beside(picture):
        parts = [text for raw in beside.itertext() if (text := " ".join(raw.split()))]
        if not parts or sum(map(len, parts)) > MAX_BESIDE or beside in spent:
            continue
        credits_ = [part for part in parts if is_credit(part)]
        captions = [part for part in parts if part not in credits_]
        if not credits_ and split_credit(" ".join(captions))[1] is None:
            continue
        caption, credit = _best([" ".join(captions)] if captions else [], credits_)
        add(found, Image(url=_source(picture, base), caption=caption, credit=credit))
        spent.update({picture: None, beside: None})
        return


def _beside(picture: HtmlElement) -> Iterator[HtmlElement]:
    """The element after a picture, and the nearest ones around it that hold little else."""
    following = picture.getnext()
    while following is not None and following.tag == "br" and not (following.tail or "").strip():
        following = following.getnext()
    if following is not None and following.tag in ("i", "em", "small", "span", "font", "p", "div"):
        yield following
    for count, ancestor in enumerate(picture.iterancestors()):
        if count > 2 or ancestor.tag in ("article", "main", "body", "section", "td", "a"):
            return
        if len(words(ancestor, MAX_BESIDE + 1)) > MAX_BESIDE:
            return
        yield ancestor


def _caption_elements(holder: HtmlElement, has_picture: bool) -> list[HtmlElement]:
    """What in a holder is caption or credit: by tag, by class, in a figure its lone paragraph."""
    found = []
    plain = []
    for element in holder.iter(*_CAPTION_TAGS):
        if element is holder or next(element.iter("img", "amp-img"), None) is not None:
            continue
        if element.tag == "figcaption" or _CAPTION_CLASS.search(element.get("class") or ""):
            found.append(element)
        elif element.tag in ("p", "dd", "small") and has_picture:
            plain.append(element)
    if holder.tag == "dl" or (holder.tag == "figure" and len(plain) <= 2):
        found.extend(plain)
    return found


def _is_prose(element: HtmlElement) -> bool:
    """Whether a "caption" holds several paragraphs: then it is the article in a strange dress."""
    return sum(1 for _ in element.iter("p")) > 3


def _without_credit_elements(element: HtmlElement, text: str, credits_: list[str]) -> str:
    """The caption's text without that of its credit element, which is noted."""
    for inner in element.iter("span", "small", "cite", "em", "i", "div", "p", "a", "strong", "b"):
        name = f"{inner.get('class') or ''} {inner.get('itemprop') or ''}"
        if inner is not element and _CREDIT_CLASS.search(name) and "caption" not in name.lower():
            credit = words(inner, 300)
            if credit and credit in text and len(credit) <= 200:
                credits_.append(credit)
                before, _, after = text.rpartition(credit)
                return f"{before.strip()} {after.strip()}".strip()
    return text


def _best(captions: list[str], credits_: list[str]) -> tuple[str | None, str | None]:
    """One caption and one credit of those a figure states, each said once."""
    caption: str | None = None
    credit = next((c for raw in credits_ if (c := unlabelled(raw))), None)
    for raw in captions:
        words_, stated = split_credit(raw)
        credit = credit or stated
        if words_ and caption is None:
            if is_credit(words_):
                credit = credit or unlabelled(words_)
            else:
                caption = words_
    return caption, credit


def _holder_of(caption: HtmlElement) -> HtmlElement | None:
    """The nearest element around a caption that also holds a picture and little else."""
    for count, ancestor in enumerate(caption.iterancestors()):
        if count > 3 or ancestor.tag in ("article", "main", "body", "section"):
            return None
        if next(ancestor.iter("img", "amp-img"), None) is not None:
            room = len(words(caption, MAX_CAPTION)) + MAX_BESIDE
            return ancestor if len(words(ancestor, room + 1)) <= room else None
    return None


def _in_article(picture: HtmlElement) -> bool:
    for ancestor in picture.iterancestors():
        if (
            ancestor.tag in ("article", "main")
            or "articlebody" in (ancestor.get("itemprop") or "").lower()
        ):
            return True
        if ancestor.tag in ("aside", "nav", "header", "footer", "li"):
            return False
    return False


def _source(picture: HtmlElement, base: str) -> str | None:
    """The picture's address, also where it is loaded late; None for icons."""
    for side in ("width", "height"):
        size = (picture.get(side) or "").removesuffix("px")
        if size.isdigit() and int(size) < MIN_WIDTH:
            return None
    for name in (
        "data-src",
        "data-original",
        "data-lazy-src",
        "data-url",
        "src",
        "srcset",
        "data-srcset",
    ):
        value = (picture.get(name) or "").strip()
        if not value or value.startswith("data:"):
            continue
        if "srcset" in name:
            value = value.partition(" ")[0].rstrip(",")
        try:
            return urls.normalise(value, base)
        except ValueError:
            continue
    return None


def add(found: list[Image], image: Image) -> None:
    """Add a picture once to those found; the same again only fills in what is missing of it."""
    for index, other in enumerate(found):
        same_url = image.url is not None and other.url == image.url
        same_caption = (
            image.caption and other.caption and fold(image.caption) == fold(other.caption)
        )
        if same_url or same_caption:
            found[index] = Image(
                url=other.url or image.url,
                caption=other.caption or image.caption,
                credit=other.credit or image.credit,
            )
            return
    if len(found) < MAX_IMAGES:
        found.append(image)


def _with_lead(found: list[Image], facts: Facts, choice: Choice) -> list[Image]:
    """The pictures; the one that the page states for previews in front, if not among them."""
    stated = [facts.meta("og:image", "og:image:url", "twitter:image", "twitter:image:src") or ""]
    stated += structured.urls((choice.article or {}).get("image"))
    for href in stated[:3]:
        try:
            lead = urls.normalise(href, facts.base_url) if href else None
        except ValueError:
            continue
        if lead and not any(_stem(image.url) == _stem(lead) for image in found):
            return [Image(url=lead), *found]
        if lead:
            break
    return found


def _stem(url: str | None) -> str:
    """The file name of a picture without its size, by which two renditions of one are known."""
    name = (url or "").partition("?")[0].rpartition("/")[2].lower()
    return re.sub(r"[-_]\d{2,4}x\d{2,4}(?=\.)", "", name) or (url or "")
