"""Menus, mastheads and feet are passed over; what only looks like one is read."""

from __future__ import annotations

import pytest

from newsmill.extractor.core import markup, reading
from newsmill.extractor.core.sheet import Sheet

LINKS = "".join(f'<li><a href="/s/{n}">Section {n}</a></li>' for n in range(8))
PROSE = "The harbour office opened the new quay on Monday, a year later than it had been planned. "
STORY = f"<main><h1>The quay opens</h1><p>{PROSE}</p><p>{PROSE}</p></main>"


def sheet_of(body: str) -> Sheet:
    return reading.read(markup.parse(f"<html><body>{body}</body></html>".encode()))


def shown(sheet: Sheet) -> str:
    return "\n".join(block.text for block in sheet.blocks)


@pytest.mark.parametrize(
    "menu",
    [
        f"<nav><ul>{LINKS}</ul></nav>",
        f"<header><div>Weather today</div><ul>{LINKS}</ul></header>",
        f"<footer><ul>{LINKS}</ul><p>All rights reserved.</p></footer>",
        f'<div class="site-navigation"><ul>{LINKS}</ul></div>',
        f'<div id="footer"><ul>{LINKS}</ul></div>',
        f'<section class="comments"><ul>{LINKS}</ul><p>Well said.</p></section>',
    ],
)
def test_a_menu_is_no_block_of_the_page(menu: str) -> None:
    before, after = sheet_of(menu + STORY), sheet_of(STORY + menu)
    assert shown(before) == shown(after) == shown(sheet_of(STORY))


@pytest.mark.parametrize(
    "kept",
    [
        f"<header><h1>The quay opens</h1><ul>{LINKS}</ul></header>",
        f"<header><h2>The quay opens</h2><ul>{LINKS}</ul></header>",
        f"<header><time>24 November</time><ul>{LINKS}</ul></header>",
        '<header>By <a href="/a/1">Ada Ferry</a>, at the quay</header>',
        f'<div class="page-header"><span class="author">Ada Ferry</span><ul>{LINKS}</ul></div>',
        f'<div class="page-header"><i class="post-date">24 November</i><ul>{LINKS}</ul></div>',
        f'<div class="post-header"><ul>{LINKS}</ul></div>',
        f"<nav><ul>{LINKS}</ul>" + f"<p>{PROSE}</p>" * 9 + "</nav>",
        f'<div class="menu"><ul>{LINKS}</ul>' + f"<div>{PROSE}</div>" * 9 + "</div>",
    ],
)
def test_what_tells_of_the_article_is_read(kept: str) -> None:
    assert "Section 7" in shown(sheet_of(kept + STORY)) or "Ada Ferry" in shown(sheet_of(kept))


def test_an_article_in_a_menu_that_was_not_closed_is_read() -> None:
    page = f"<nav><ul>{LINKS}</ul>{STORY}" + f"<p>{PROSE}</p>" * 9
    assert shown(sheet_of(page)).count("new quay") == 11


@pytest.mark.parametrize("box", ["<nav>{}</nav>", '<div class="navbar">{}</div>'])
def test_a_menu_tells_the_name_of_the_site_and_that_it_asks_for_a_password(box: str) -> None:
    inside = f'<a href="/">The <b>Harbour</b> Post</a><ul>{LINKS}</ul><input type="password"/>'
    sheet = sheet_of(box.format(inside) + STORY)
    assert sheet.home == "The Harbour Post"
    assert sheet.asks_password


@pytest.mark.parametrize("box", ["<nav>{}</nav>", '<div class="navbar">{}</div>'])
def test_text_before_and_after_a_menu_is_not_of_one_block(box: str) -> None:
    menu = box.format(f"<ul>{LINKS}</ul>")
    sheet = sheet_of(f"<div>The first line{menu}and the second</div>")
    assert [block.text for block in sheet.blocks] == ["The first line", "and the second"]
