"""What a parser is never given, and the parse."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.extractor.core import markup

LAST = "<p>the last paragraph stands</p>"


def text_of(source: str) -> str:
    return "".join(map(str, markup.parse(markup.tame(source)).itertext()))


@pytest.mark.parametrize(
    "hazard",
    [
        "<p>one &#x1; two &#xD800; &#xFFFE; &#x110000; &#99999999999999; three</p>",
        "<p>raw \x00 and \x01 controls \ufffe</p>",
        "</body></html>",
        "<textarea>",
        "<iframe src=x>",
        "<xmp>",
        "<noembed>",
        "<plaintext>",
        "<noscript>",
        "<button>",
        "<b>" * 300,
        "<div>" * 1000,
        f"<img src='data:image/png;base64,{'A' * 200_000}'>",
        f"<p title='{'x' * 200_000}'>long</p>",
        "<p " + " ".join(f"a{i}=1" for i in range(5_000)) + ">many</p>",
        "<" * 50_000,
        "&" * 50_000,
        "<meta name=a content=b>" * 5_000,
    ],
)
def test_no_hazard_loses_what_follows(hazard: str) -> None:
    assert "the last paragraph stands" in text_of(f"<body><p>first</p>{hazard}{LAST}")


def test_a_title_that_is_not_closed_does_not_swallow_the_page() -> None:
    assert "the last paragraph stands" in text_of(f"<head><title>Harbour news<body>{LAST}")


def test_legal_references_are_kept() -> None:
    assert text_of("<p>&#233;&#x1F600;&amp;&#10;</p>").strip() == "é😀&"


def test_too_deep_is_refused_by_name() -> None:
    with pytest.raises(BadRecord) as caught:
        text_of("<div>" * 5_000 + LAST)
    assert caught.value.reason == "too_deep"


def test_too_many_elements_are_refused_by_name() -> None:
    with pytest.raises(BadRecord) as caught:
        markup.tame("<b>" * (markup.MAX_TAGS + 1))
    assert caught.value.reason == "too_deep"


def test_too_large_is_refused_by_name_but_not_for_a_picture_within() -> None:
    with pytest.raises(BadRecord) as caught:
        markup.tame("word " * 1_100_000)
    assert caught.value.reason == "too_large"
    assert len(markup.tame(f"<img src='data:image/png;base64,{'A' * 6_000_000}'>{LAST}")) < 1_000


def test_comments_that_never_close_take_linear_time() -> None:
    started = time.process_time()
    with pytest.raises(BadRecord):
        markup.tame("<!--" * 1_400_000)
    assert time.process_time() - started < 5


def test_tags_that_never_close_take_linear_time() -> None:
    started = time.process_time()
    markup.tame("<textarea " * 400_000)
    assert time.process_time() - started < 5


@given(
    st.lists(
        st.sampled_from(
            ("<p class='a'>", "<div ", "x" * 700, " a=1" * 300, "<", ">", "text ", "</p>")
        )
    ).map("".join)
)
def test_a_look_at_every_thousandth_byte_misses_no_long_tag(source: str) -> None:
    raw = source.encode()
    assert markup._without_long_tags(raw) == markup._LONG_TAG.sub(markup._short_tag, raw)


@given(st.integers(0, 0x120000), st.sampled_from(("&#{}", "&#{};", "&#x{:x};", "&#X0{:X};")))
def test_every_reference_that_is_no_character_is_looked_at(code: int, form: str) -> None:
    raw = form.format(code).encode()
    digits = markup._REFERENCE.findall(raw)[0]
    assert markup._is_legal(*digits) or markup._DOUBTFUL.search(raw)


def test_a_frame_that_is_closed_stays_where_a_script_speaks_of_one() -> None:
    script = "<script>document.write('<iframe src=x>')</script>"
    tree = markup.parse(markup.tame(f"<body>{script}<iframe>no frames</iframe>{LAST}"))
    assert len(tree.findall(".//iframe")) == 1


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused(source: str) -> None:
    reason = None
    try:
        text_of(source)
    except BadRecord as refusal:
        reason = refusal.reason
    assert reason in (None, "unparsable")
