"""Cheap looks before costly patterns: what a pattern knows, the look before it lets through."""

from __future__ import annotations

import pytest

from newsmill.extractor.core import clean, flags, moments


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
