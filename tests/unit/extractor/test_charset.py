"""Bytes to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core.charset import decode

GERMAN = "<p>Größe und Maß: „schön“ über Äcker</p>"


@pytest.mark.parametrize(
    "label", ["text/html; charset=ISO-8859-1", "text/html; charset=windows-1251", None]
)
def test_utf8_is_seen_through_a_wrong_label(label: str | None) -> None:
    assert decode(GERMAN.encode(), label) == (GERMAN, "utf-8")


def test_a_server_label_outranks_the_page_and_latin_1_means_windows_1252() -> None:
    text = '<meta charset="koi8-r"><p>„Größe“ – 5 €</p>'
    assert decode(text.encode("cp1252"), "text/html; charset=iso-8859-1") == (text, "cp1252")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_and_marked_texts_are_recognised(codec: str) -> None:
    assert decode(GERMAN.encode(codec), None)[0] == GERMAN


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("<p>東京で新しい橋が開通した。住民は喜んでいる。</p>", "shift_jis"),
        ("<p>東京で新しい橋が開通した。住民は喜んでいる。</p>", "iso-2022-jp"),
        ("<p>서울에서 새로운 다리가 개통되었다.</p>", "euc-kr"),
        ("<p>北京新建的大桥通车了，居民非常高兴。</p>", "gb2312"),
        ("<p>Новый мост открыт для движения</p>", "windows-1251"),
    ],
)
def test_the_page_label_is_followed(text: str, codec: str) -> None:
    page = f'<meta charset="{codec}">{text}'
    assert decode(page.encode(codec), "text/html")[0] == page


def test_a_python_codec_that_is_no_charset_is_not_followed() -> None:
    body = b"<meta charset=rot_13><p>uryyb caf\xe9</p>"
    assert "uryyb" in decode(body, "text/html; charset=unicode_escape")[0]


def test_a_few_broken_bytes_do_not_unmake_utf8() -> None:
    text = "<p>" + "žluťoučký kůň " * 40 + "</p>"
    found, codec = decode(text.encode() + b"\xff", "text/html; charset=utf-8")
    assert codec == "utf-8"
    assert found.startswith(text)


@given(
    st.binary(max_size=400),
    st.sampled_from([None, "text/html; charset=big5", "text/html; charset=x"]),
)
def test_any_bytes_give_text_without_surrogates(body: bytes, label: str | None) -> None:
    decode(body, label)[0].encode()
