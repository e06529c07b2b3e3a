"""The language of an article: its text, its headline, what its page declares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.enricher.core.language import code_of, language_of

ENGLISH = (
    "The council met on Tuesday evening to talk about the new bridge over the river and its cost."
)
GERMAN = "Der Gemeinderat hat am Dienstagabend über die neue Brücke und ihre Kosten beraten."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        (
            "Le conseil municipal s'est réuni mardi pour parler du nouveau pont et de son coût.",
            "fr",
        ),
        (
            "El ayuntamiento se reunió el martes para hablar del puente nuevo y de su coste.",
            "es",
        ),
        (
            "Il consiglio comunale si è riunito martedì per parlare del nuovo ponte sul fiume.",
            "it",
        ),
        (
            "Городской совет собрался во вторник вечером, чтобы обсудить новый мост через реку.",
            "ru",
        ),
        (
            "市議会は火曜日の夜に集まり、川に架かる新しい橋とその費用について話し合いました。",
            "ja",
        ),
        ("市议会星期二晚上开会，讨论横跨河流的新桥及其费用问题，居民也参加了会议。", "zh"),
        (
            "시의회는 화요일 저녁에 모여 강을 가로지르는 새 다리와 그 비용에 대해 논의했습니다.",
            "ko",
        ),
        ("اجتمع مجلس المدينة مساء الثلاثاء لمناقشة الجسر الجديد فوق النهر وتكلفته.", "ar"),
    ],
)
def test_a_text_tells_its_language(text: str, code: str) -> None:
    assert language_of(text, None, None) == (code,)


def test_a_long_text_is_believed_before_its_page() -> None:
    assert language_of(GERMAN * 3, None, "en-US") == ("de",)


def test_a_short_text_counts_less_than_its_page() -> None:
    assert language_of("Kiosk Zentral, Taxi, Hotel, Radio", None, "pl") == ("pl",)


def test_a_headline_helps_a_short_text() -> None:
    assert language_of("", ENGLISH, None) == ("en",)


def test_too_few_letters_are_no_language_unless_one_is_declared() -> None:
    assert language_of("4:1 (2:0)", "Live", None) == ("und",)
    assert language_of("4:1 (2:0)", "Live", "sv") == ("sv",)


def test_a_few_characters_of_a_script_of_syllables_are_enough() -> None:
    assert language_of("", "市議会は新しい橋について話し合う", None) == ("ja",)


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("en-US", "en"),
        ("DE_at", "de"),
        ("zh-Hant", "zh"),
        ("iw", "he"),
        ("nb-NO", "no"),
        ("nn", "no"),
        ("deu", "de"),
        ("xx", None),
        ("english", None),
        ("", None),
        (None, None),
    ],
)
def test_a_declared_tag_becomes_two_letters(declared: str | None, code: str | None) -> None:
    assert code_of(declared) == code


@pytest.mark.parametrize(
    "odd", ["\x00", "\ud800", "\ufdd0", "\U0001fffe", "\x0b", "\x85", "\u200b"]
)
def test_characters_that_the_detector_refuses_do_no_harm(odd: str) -> None:
    assert language_of(odd.join(ENGLISH.split(" ")) + f" {ENGLISH}", None, None) == ("en",)


@given(st.text(alphabet=st.characters()), st.none() | st.text(), st.none() | st.text(max_size=8))
def test_any_text_has_an_answer_of_letters(
    text: str, title: str | None, declared: str | None
) -> None:
    (code,) = language_of(text, title, declared)
    assert code == "und" or (len(code) == 2 and code.isalpha())
