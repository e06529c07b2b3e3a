"""Cheap looks before costly patterns: what a pattern knows, the look before it lets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import clean, credit, flags, labels, markup, moments, walk


@pytest.mark.parametrize(
    "line",
    [
        "© 2024 The Paper. All rights reserved.",
        "Alle Rechte vorbehalten",
        "Tous droits réservés",
        "Todos los derechos reservados",
        "Todos os direitos reservados",
        "Tutti i diritti riservati",
        "Все права защищены",
        "The Paper 版权所有",
        "無断転載を禁じます",
        "무단 전재 및 재배포 금지",
        "جميع الحقوق محفوظة",
        "सर्वाधिकार सुरक्षित",
        "Tüm hakları saklıdır",
        "Wszelkie prawa zastrzeżone",
        "Με επιφύλαξη παντός δικαιώματος",
        "Our best stories delivered to your inbox",
        "SIGN UP FOR OUR DAILY NEWSLETTER",
    ],
)
def test_a_line_of_furniture_is_known_in_every_language(line: str) -> None:
    assert clean._is_furniture(line.lower())


@pytest.mark.parametrize(
    "line",
    [
        "Subscribe to continue",
        "Sign in to read the full story",
        "Continue reading with a free trial",
        "This article is only available to subscribers",
        "Exclusive to members",
        "Jetzt weiterlesen mit Abo",
        "Mit Paper+ Abo alles lesen",
        "Article réservé aux abonnés",
        "Il vous reste 60 % de cet article à lire",
        "Contenido exclusivo para suscriptores",
        "Articolo riservato agli abbonati",
        "Conteúdo para assinantes",
        "Alleen voor abonnees",
        "Endast för prenumeranter",
        "Dla subskrybentów",
        "Только для подписчиков",
        "会員限定記事",
        "付费阅读",
        "訂閱會員",
        "구독자 전용",
        "للمشتركين فقط",
    ],
)
def test_a_prompt_to_subscribe_is_known_in_every_language(line: str) -> None:
    assert flags._is_prompt(line)


@pytest.mark.parametrize("word", moments._UPDATED.pattern.split("|"))
def test_every_word_for_updated_is_seen(word: str) -> None:
    found = moments._update_in(f"12:00 {word.upper()} 13:00")
    assert found is not None
    assert found.start() == 6


_PIECES = (
    "Photo photo: Foto: Bild von image by © (c) (Photo: Source: via Quelle : ： Ann Lee Reuters) "
    "AP] （写真：共同） picture courtesy of illustration by March. ) . | – Credit"
)
lines = st.lists(st.sampled_from(_PIECES.split(" ")), max_size=9).map(" ".join)


@given(lines)
def test_a_look_for_a_credit_misses_none(line: str) -> None:
    if labels.CREDIT_AT_END.search(line):
        assert any(cue in line.lower() for cue in labels.CREDIT_CUES)
    if labels.CREDIT_IN_BRACKETS.search(line):
        assert credit._ends_in_bracket(line)
    label = labels.CREDIT_LABEL.match(line)
    lower = labels.CREDIT_LABEL_LOWER.match(labels.lowered(line))
    assert (label and label.span()) == (lower and lower.span())


@given(st.text() | st.text(alphabet="ab ’“\u0301\u00a0_-éＡ1\n"))
def test_text_is_folded_as_the_slow_way_does(text: str) -> None:
    assert walk._folded(text) == " ".join(text.split())
    assert credit.fold(text) == re.sub(r"[\W_]+", "", text.casefold())


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.sampled_from(("x", "<p>", "<br ", "a>b")))
def test_a_tag_of_too_many_attributes_is_shortened_wherever_it_stands(
    before: int, behind: int, filler: str
) -> None:
    attributes = "".join(f" a{number}='1'" for number in range(markup.MAX_ATTRIBUTES + 1))
    front = f"<p>{filler * (before // len(filler))}>"
    rest = filler * (behind // len(filler))
    tamed = markup._without_long_tags(f"{front}<div{attributes}>{rest}".encode()).decode()
    assert tamed == f"{front}<div >{rest}"
