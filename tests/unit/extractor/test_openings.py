"""What start tags say: the quick looks find all that the patterns behind them would find."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill import urls
from newsmill.extractor.core import addresses, boxkinds, embeds, kinds, openings, sites
from newsmill.extractor.core.names import ASIDE, KINDS, POST, said_by

_WORDS = (
    "by by-line byline author authors authorname post-author autoren writer date post-date pub "
    "publish published posted posted-on time stamp timestamp meta dek stand first stand-first sub "
    "title sub-title headline subheadline article intro article-summary caption credit related "
    "box menu col md 12 post-123 x1 Author pubDate postMeta share sign up sign-up social links "
    "cookie banner sr only screen reader text ad slot most read é"
)
names = st.lists(
    st.lists(st.sampled_from(_WORDS.split()), min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from(("-", "_", "")).map(lambda sign: sign.join(parts))
    ),
    max_size=4,
).map(" ".join)


@given(names, st.sampled_from(("", "author", "datePublished", "nofollow", "alternativeHeadline")))
def test_a_look_at_the_words_of_a_class_misses_no_kind(name: str, prop: str) -> None:
    box = openings.OfBox("div", name, prop, False)
    openings.make_out(box)
    assert box.kinds == kinds._kinds_of(name.lower(), prop.lower())


@given(names)
def test_a_look_at_the_words_of_a_class_misses_no_box_that_is_aside(name: str) -> None:
    found = said_by(name) & ASIDE > 0
    assert found == any(map(boxkinds._is_aside_word, name.lower().split()))


@given(names)
def test_the_bits_of_a_class_are_those_of_its_words(name: str) -> None:
    whole = 0
    for part in re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name):
        whole |= boxkinds.KIND_OF_WORD.get(part.lower(), 0)
    assert said_by(name) & KINDS == whole


@given(names)
def test_a_look_at_the_words_of_a_class_misses_no_post(name: str) -> None:
    for post in ("twitter-tweet", "fb-post", "text-post-media", "reddit-embed-bq", "threads-post"):
        whole = f"{name} {post}".strip()
        assert embeds._POST.search(whole)
        assert said_by(whole) & POST


@pytest.mark.parametrize(
    ("name", "aside"),
    [
        ("share-buttons", True),
        ("article_share", True),
        ("c-related-posts wide", True),
        ("sr-only", True),
        ("shareholders", False),
        ("related", False),
        ("article-body", False),
    ],
)
def test_a_box_is_aside_by_whole_words(name: str, aside: bool) -> None:
    assert (said_by(name) & ASIDE > 0) is aside


def test_a_tag_gives_back_what_was_written_with_references() -> None:
    head = 'a class="x" href="/?a=1&amp;amp;b=&lt;2&gt;" title="&quot;q&quot;&#10;"'
    assert openings.attributes(head) == {
        "class": "x",
        "href": "/?a=1&amp;b=<2>",
        "title": '"q"\n',
    }
    assert openings.of_link(head)[0] == "/?a=1&amp;b=<2>"


@pytest.mark.parametrize(
    ("head", "hidden"),
    [
        ('div style="display: none"', True),
        ('div style="color: red"', False),
        ('div aria-hidden="true"', True),
        ('div aria-hidden="false"', False),
        ('div hidden=""', True),
        ('div data-hidden="true"', False),
    ],
)
def test_a_box_is_hidden_by_its_own_word(head: str, hidden: bool) -> None:
    assert openings.of_box("div", head).hidden is hidden


_HOST = st.from_regex(r"\A[a-z0-9-]{1,6}(?:\.[a-z0-9-]{1,4}){1,2}\Z")
_PATH = st.text("abcXYZ019._~/-%?&=;:é", max_size=24)


@given(st.sampled_from(("http", "https", "HTTP", "ftp")), _HOST, _PATH)
def test_an_address_that_is_taken_as_it_is_was_in_its_normal_form(
    scheme: str, host: str, path: str
) -> None:
    href = f"{scheme}://{host}/{path}"
    base = "https://www.paper.example/news/"
    try:
        expected = urls.normalise(href, base)
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            addresses.normal(href, base)
    else:
        assert addresses.normal(href, base) == expected


@given(st.text(alphabet="ab-|_:/~– \u00e9é»", max_size=20).map(lambda raw: " ".join(raw.split())))
def test_a_look_for_a_separator_misses_no_part_of_a_title(title: str) -> None:
    if not sites.may_part(title):
        assert not sites.SEPARATOR.search(title)
