"""The one walk over a page's tree: no word is lost, joined or split; each block has a place."""

from __future__ import annotations

import html as entities

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, fromstring

from newsmill.errors import BadRecord
from newsmill.extractor.core import markup, reading
from newsmill.extractor.core.sheet import Sheet
from unit.extractor.sheets import sheet

_WORDS = st.text(st.sampled_from("abcdefgé漢 "), min_size=1, max_size=12)
_INLINE = ("span", "em", "b", "strong", "a", "code", "abbr", "u")
_BLOCK = ("div", "p", "section", "blockquote", "h2", "article", "li")


def texts(read: Sheet) -> list[str]:
    return [block.text for block in read.blocks]


def trees() -> st.SearchStrategy[str]:
    """Well-formed fragments of nested blocks, inline tags and words."""
    leaf = _WORDS.map(entities.escape)
    inline = st.recursive(
        leaf,
        lambda inner: st.tuples(st.sampled_from(_INLINE), inner, inner).map(
            lambda part: f"<{part[0]}>{part[1]}</{part[0]}>{part[2]}"
        ),
        max_leaves=6,
    )
    return st.recursive(
        inline,
        lambda inner: st.tuples(st.sampled_from(_BLOCK), inner, inner).map(
            lambda part: f"<{part[0]}>{part[1]}</{part[0]}>{part[2]}"
        ),
        max_leaves=8,
    )


def parsed(body: str) -> HtmlElement:
    return fromstring(f"<html><body>{body}</body></html>")


@given(trees())
def test_every_character_of_a_page_is_in_a_block_once_and_in_order(body: str) -> None:
    shown = "".join("".join(map(str, parsed(body).itertext())).split())
    read = reading.read(parsed(body))
    assert "".join("".join(texts(read)).split()) == shown


@given(trees())
def test_boxes_are_ranges_of_blocks_that_nest_and_hold_their_own(body: str) -> None:
    read = reading.read(parsed(body))
    for index, box in enumerate(read.boxes):
        assert box.parent < index
        if box.parent >= 0:
            around = read.boxes[box.parent]
            assert around.first <= box.first <= box.last <= around.last
    for number, block in enumerate(read.blocks):
        box = read.boxes[block.box]
        assert box.first <= number < box.last
        assert block.tag == box.tag
        assert 0 <= block.linked <= len(block.text)
        assert 0 <= block.strong <= len(block.text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>an <b>un</b>broken word</p>", ["an unbroken word"]),
        ("<p>two<span> </span>words</p>", ["two words"]),
        ("<p>one<br>two<br/>three</p>", ["one", "two", "three"]),
        ("<div>before<p>within</p>after</div>", ["before", "within", "after"]),
        ("<table><tr><td>left</td><td>right</td></tr></table>", ["left", "right"]),
        ("<pre>first line\n\nsecond   line</pre>", ["first line", "second line"]),
        ("<p>  much \n\t white   space </p>", ["much white space"]),
        ("<p>text<script>var a = 1</script><style>p {}</style> goes on</p>", ["text goes on"]),
        ("<p>text<!-- aside --> goes on</p>", ["text goes on"]),
        ("<p>a <a href='/x'>link</a> within</p>", ["a link within"]),
        ("<ul><li>one</li><li>two</li></ul>", ["one", "two"]),
    ],
)
def test_blocks_end_where_a_reader_sees_a_break(body: str, expected: list[str]) -> None:
    assert texts(sheet(body)) == expected


def test_a_link_is_counted_and_kept_with_its_address() -> None:
    block = sheet("<p>see <a href='/next'>the <i>next</i> page</a> now</p>").blocks[0]
    assert block.linked == len("the next page")
    assert [(link.text, link.href) for link in block.links] == [("the next page", "/next")]


def test_a_link_around_two_blocks_is_a_link_of_each() -> None:
    read = sheet("<a href='/x'><div>one</div><div>two</div></a>")
    assert [block.linked for block in read.blocks] == [3, 3]


def test_hidden_text_is_marked_and_not_dropped() -> None:
    read = sheet("<div style='display: none'><p>kept</p></div><p>seen</p>")
    hidden = {block.text: read.boxes[block.box].hidden for block in read.blocks}
    assert hidden == {"kept": True, "seen": False}


def test_an_unclosed_noscript_or_button_does_not_swallow_the_prose_after_it() -> None:
    prose = "".join(f"<p>Paragraph {n} of the article goes on and on.</p>" for n in range(4))
    for tag in ("noscript", "button"):
        read = sheet(f"<div><{tag}>{prose}</div>")
        assert sum(block.text.startswith("Paragraph") for block in read.blocks) == 4


def test_a_lazy_picture_in_noscript_is_found_and_its_text_is_none() -> None:
    read = sheet("<figure><noscript><img src='/p.jpg' alt='A tower'></noscript></figure>")
    assert [picture.sources for picture in read.pictures] == [("/p.jpg",)]
    assert texts(read) == []


def test_a_button_that_is_closed_says_nothing_and_what_follows_it_does() -> None:
    assert texts(sheet("<p>before <button>Share <b>this</b></button> after</p>")) == [
        "before after"
    ]


def test_a_tag_with_a_sign_of_markup_in_its_name_loses_no_text() -> None:
    read = sheet("<p>one</p><div <p class='x'>two</div><foo<bar>three</foo<bar><p>four</p>")
    assert " ".join(texts(read)) == "one two three four"
    assert texts(sheet("<p>one</p><x<>two</x<><p>three</p>")) == ["one", "two", "three"]


def test_what_is_written_with_references_is_read_as_it_was() -> None:
    read = sheet("<p title='a&quot;b'>1 &lt; 2 &amp;amp; <a href='/?a&amp;b'>R&amp;D</a></p>")
    assert texts(read) == ["1 < 2 &amp; R&D"]
    assert read.blocks[0].links[0].href == "/?a&b"


def test_the_title_of_a_page_is_no_block_and_its_tags_are_text() -> None:
    read = sheet("<p>text</p>", head="<title>Harbour &lt;b&gt; bridge</title>")
    assert read.head_title == "Harbour <b> bridge"
    assert texts(read) == ["text"]


def test_what_an_embed_falls_back_to_is_no_text_and_its_source_is_its_address() -> None:
    video = "<video><source src='/v.mp4'><p>No video for <i>you</i>.</p></video>"
    read = sheet(f"<p>before</p>{video}<p>after</p>")
    assert texts(read) == ["before", "after"]
    assert [(embed.tag, embed.url, embed.block) for embed in read.embeds] == [
        ("video", "/v.mp4", 1)
    ]


def test_a_page_with_a_doctype_of_xhtml_is_read_as_any_other() -> None:
    kind = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"'
        ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">'
    )
    body = "<p>one<br />two</p><p id='a'></p><img src='/i.jpg' /><a id='b'>three</a>"
    tree = markup.parse(markup.tame(f"{kind}<html><body>{body}</body></html>"))
    read = reading.read(tree)
    assert texts(read) == ["one", "two", "three"]
    assert [picture.sources for picture in read.pictures] == [("/i.jpg",)]


def test_a_time_and_a_byline_are_mentioned_where_they_stand() -> None:
    read = sheet(
        "<h1>Title</h1><p class='byline'>By Ann Lee <time datetime='2024-06-01'>1 June</time></p>"
    )
    found = {mention.kind: mention for mention in read.mentions}
    assert found["time"].value == "2024-06-01"
    assert found["byline"].text == "By Ann Lee 1 June"
    assert found["byline"].block == found["time"].block == 1


def test_a_page_deeper_than_python_recurses_is_walked() -> None:
    top = inner = parsed("")
    for _ in range(5000):
        deeper = inner.makeelement("div")
        inner.append(deeper)
        inner = deeper
    inner.text = "at the bottom"
    assert texts(reading.read(top)) == ["at the bottom"]


def test_a_page_of_too_many_blocks_is_refused_by_name() -> None:
    with pytest.raises(BadRecord) as refusal:
        reading.read(parsed("<p>x</p>" * (reading.MAX_BLOCKS + 1)))
    assert refusal.value.reason == "too_large"
