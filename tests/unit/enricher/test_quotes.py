"""Quotations: their words, who says them, and by which verb."""

from __future__ import annotations

import pytest

from unit.enricher.articles import quotes


def told(text: str, language: str = "en") -> list[tuple[str, str | None, str | None]]:
    """The quotations without their offsets, which are checked here."""
    found = quotes(text, language)
    for quote in found:
        assert quote.span is not None
        assert text[quote.span[0] : quote.span[1]] == quote.text
    return [(quote.text, quote.speaker, quote.verb) for quote in found]


BRIDGE = "The bridge will be open before winter"


@pytest.mark.parametrize(
    ("text", "speaker", "verb"),
    [
        (f"“{BRIDGE},” Jane Holloway said.", "Jane Holloway", "said"),
        (f"“{BRIDGE},” said Jane Holloway.", "Jane Holloway", "said"),
        (f'"{BRIDGE}," said the state envoy, Jane Holloway.', "Jane Holloway", "said"),
        (f"Jane Holloway, who leads Norwind Ltd, said: “{BRIDGE}.”", "Jane Holloway", "said"),
        (f"Jane Holloway told reporters that “{BRIDGE}.”", "Jane Holloway", "told"),
        (f"According to Jane Holloway, “{BRIDGE}.”", "Jane Holloway", "According to"),
        (f"“{BRIDGE},” according to Jane Holloway.", "Jane Holloway", "according to"),
        (f"Jane Holloway came by boat. “{BRIDGE},” she said.", "Jane Holloway", "said"),
        (f"Norwind Ltd sold boats. “{BRIDGE},” the company said.", "Norwind Ltd", "said"),
        (f"Jane Holloway was on the boat. “{BRIDGE},” police said.", None, "said"),
        (f"Jane Holloway has no doubt: “{BRIDGE}.”", "Jane Holloway", None),
    ],
)
def test_the_speaker_stands_where_english_puts_it(
    text: str, speaker: str | None, verb: str | None
) -> None:
    ((words, found, by),) = told(text)
    assert words.rstrip(",.") == BRIDGE
    assert (found, by) == (speaker, verb)


def test_a_quotation_goes_on_behind_its_cue() -> None:
    text = f"“{BRIDGE},” Jane Holloway said. “Nobody will have to swim to work any more.”"
    assert [speaker for _, speaker, _ in told(text)] == ["Jane Holloway", "Jane Holloway"]


def test_a_quotation_goes_on_in_the_next_paragraph() -> None:
    text = f"“{BRIDGE},” Jane Holloway said.\n“Nobody will have to swim to work any more."
    assert [speaker for _, speaker, _ in told(text)] == ["Jane Holloway", "Jane Holloway"]


def test_the_sentence_before_may_name_the_speaker() -> None:
    text = "Norwind Ltd also said it had paid nothing. “We will go to court over every stone.”"
    ((_, speaker, _),) = told(text)
    assert speaker == "Norwind Ltd"


def test_the_next_sentence_is_not_the_speaker_s() -> None:
    text = f"Jane Holloway said “{BRIDGE}.” Wei Lin said nothing at all."
    assert told(text) == [(BRIDGE + ".", "Jane Holloway", "said")]


def test_scare_quotes_and_titles_quote_nobody() -> None:
    text = (
        "The “smart” bridge is part of the “Clean River” plan that the town, as Jane Holloway said "
        "on a long and rainy Wednesday in the old town hall, has had for years."
    )
    assert told(text) == []


@pytest.mark.parametrize(
    ("language", "text", "speaker", "verb"),
    [
        (
            "de",
            "„Die Brücke wird vor dem Winter fertig“, sagte Ministerin Eva Lorenz.",
            "Eva Lorenz",
            "sagte",
        ),
        ("de", "„Die Brücke wird vor dem Winter fertig“, so Eva Lorenz.", "Eva Lorenz", "so"),
        (
            "de",
            "Eva Lorenz erklärte: »Die Brücke wird vor dem Winter fertig.«",
            "Eva Lorenz",
            "erklärte",
        ),
        (
            "fr",
            "« Le pont sera ouvert avant l’hiver », a déclaré Anne Lefort.",
            "Anne Lefort",
            "déclaré",
        ),
        (
            "fr",
            "Anne Lefort est venue. « Le pont sera ouvert avant l’hiver », dit-elle.",
            "Anne Lefort",
            "dit",
        ),
        (
            "es",
            "«El puente estará abierto antes del invierno», dijo Carlos Rivas.",
            "Carlos Rivas",
            "dijo",
        ),
        (
            "it",
            "«Il ponte sarà aperto prima dell’inverno», ha detto Anna Bassi.",
            "Anna Bassi",
            "ha detto",
        ),
        (
            "sv",
            "”Bron blir klar före vintern och alla är glada”, säger Karin Lindqvist.",
            "Karin Lindqvist",
            "säger",
        ),
        ("zh", "中国表示：“这座桥将在冬天之前建成。”", "中国", "表示"),
    ],
)
def test_other_languages_quote_with_their_own_marks(
    language: str, text: str, speaker: str, verb: str
) -> None:
    ((_, found, by),) = told(text, language)
    assert (found, by) == (speaker, verb)


def test_corner_brackets_are_marks() -> None:
    ((words, _, verb),) = told("市長は「冬までに橋が完成します」と述べた。", "ja")
    assert (words, verb) == ("冬までに橋が完成します", "述べ")
