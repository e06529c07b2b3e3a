"""Bylines to names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import byline


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("By Ann Lee and Bo Chen", ("Ann Lee", "Bo Chen")),
        ("By Ann Lee, Bo Chen & Carl Diaz", ("Ann Lee", "Bo Chen", "Carl Diaz")),
        ("Written by Ann Lee, Senior Reporter | Aug 7, 2020", ("Ann Lee",)),
        ("Posted by Ann Lee on August 7, 2020", ("Ann Lee",)),
        ("Von Anna Müller, Berlin", ("Anna Müller",)),
        ("Propos recueillis par Jean Dupont", ("Jean Dupont",)),
        ("Por María José Ruiz y Pedro Sanz", ("María José Ruiz", "Pedro Sanz")),
        ("作者：王小明", ("王小明",)),
        ("山田太郎、佐藤花子", ("山田太郎", "佐藤花子")),
        ("By Associated Press", ("Associated Press",)),
        ("Dr. Ann Lee (Agency)", ("Dr. Ann Lee",)),
        ("Ann Lee ann@paper.example @annlee", ("Ann Lee",)),
        ("Ann Lee, Jr.", ("Ann Lee, Jr",)),
        ("Dior Smith", ("Dior Smith",)),
        ("Byron Lee", ("Byron Lee",)),
        ("Andrew Anders and Wendy Andersson", ("Andrew Anders", "Wendy Andersson")),
        ("Staff", ()),
        ("The Editors", ()),
        ("admin", ()),
        ("12345", ()),
        ("{{ author.name }}", ()),
        ("5 minute read", ()),
        ("Michael Laurel in Valve", ("Michael Laurel",)),
    ],
)
def test_a_byline_gives_its_names(raw: str, want: tuple[str, ...]) -> None:
    assert byline.names(raw) == want


def test_a_name_with_a_joining_word_stays_whole_in_a_field() -> None:
    assert byline.names("José Ortega y Gasset", structured=True) == ("José Ortega y Gasset",)


def test_a_long_text_is_no_byline() -> None:
    assert byline.names("By " + "word " * 200) == ()


def test_only_a_labelled_name_is_a_visible_byline() -> None:
    assert byline.is_byline("By Ann Lee")
    assert byline.is_byline("Von Anna Müller und Bo Chen | 3. März 2021")
    assert not byline.is_byline("PORT ARDEN – The ferries will sail, the operator said")
    assert not byline.is_byline("By Tuesday the boats were back in the harbour.")
    assert not byline.is_byline("By the river the boats wait for the tide, which is late.")


@given(st.text(max_size=600))
def test_any_text_gives_short_distinct_names(text: str) -> None:
    found = byline.names(text)
    assert len(found) == len({name.casefold() for name in found})
    assert all(0 < len(name) <= byline.MAX_NAME + 8 for name in found)
