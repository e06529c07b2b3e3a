"""Names in articles: found, typed, folded, and nothing that is no name."""

from __future__ import annotations

import pytest

from unit.enricher.articles import entities, names

STORY = (
    "The mayor of Lyon met Acme Robotics on Monday. The talks, which began in spring, go on.\n"
    "US Secretary of State Jane Holloway said on Tuesday that Norwind and Zephyra would take part. "
    "Holloway, who flew in from the United States, thanked founder Wei Lin. "
    '"It is a fair deal," Holloway said.\n'
    "The Administration was not there, said Norwind. The American side and the Chinese "
    "Communist Party did."
)


def test_people_bodies_and_places_are_told_apart() -> None:
    assert names(STORY, kind="PERSON") == {"Jane Holloway", "Wei Lin"}
    assert names(STORY, kind="ORG") == {
        "Acme Robotics",
        "Norwind",
        "Zephyra",
        "Chinese Communist Party",
    }
    assert names(STORY, kind="GPE") == {"Lyon", "US"}


def test_days_demonyms_and_titles_are_no_names() -> None:
    everything = " ".join(names(STORY))
    for word in ("Monday", "Tuesday", "American", "Secretary", "Administration", "The"):
        assert word not in everything


def test_a_surname_is_folded_into_the_full_name() -> None:
    (person,) = [e for e in entities(STORY) if e.name == "Jane Holloway"]
    assert [STORY[start:end] for start, end in person.spans] == [
        "Jane Holloway",
        "Holloway",
        "Holloway",
    ]


def test_the_names_of_a_country_are_one_entity() -> None:
    text = "Talks in the United States failed. The U.S. left, the US is away, the USA said."
    (country,) = entities(text)
    assert country.name in {"United States", "U.S.", "US", "USA"}
    assert [text[start:end] for start, end in country.spans] == [
        "United States",
        "U.S.",
        "US",
        "USA",
    ]


def test_an_acronym_is_folded_into_the_name_that_it_shortens() -> None:
    text = (
        "The Northern Fisheries Agency warned on Friday. The NFA has no boats, and the NFA said so."
    )
    (body,) = entities(text)
    assert (body.name, body.type, len(body.spans)) == ("Northern Fisheries Agency", "ORG", 3)


def test_entities_come_in_the_order_of_the_text() -> None:
    firsts = [e.spans[0] for e in entities(STORY)]
    assert firsts == sorted(firsts)


def test_a_word_that_the_text_also_writes_small_is_no_name() -> None:
    text = "He signed the Executive Order. An executive order is a decree; no other order is."
    assert names(text) == set()


def test_a_headline_in_the_text_names_only_what_the_text_names() -> None:
    text = "Ministers Agree To Build Brand New Harbour Near Oslo\nThe ministers agreed at night."
    assert names(text) == {"Oslo"}


def test_a_dateline_is_a_place() -> None:
    assert names("BERLIN (Reuters) - The town slept.", kind="GPE") == {"Berlin".upper()}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Hartwell Inc", "ORG"),
        ("University of Elmsford", "ORG"),
        ("Ministry of Fisheries", "ORG"),
        ("Elmsford Film Festival", "EVENT"),
        ("Lake Tarvo", "LOC"),
        ("Tarvo River", "LOC"),
        ("Elmsford County", "GPE"),
        ("J.K. Ferris", "PERSON"),
        ("Ludwig van Hoogen", "PERSON"),
        ("OpenCart", "ORG"),
        ("NRTC", "ORG"),
    ],
)
def test_the_form_of_a_name_tells_its_type(name: str, kind: str) -> None:
    assert (name, kind) in {(e.name, e.type) for e in entities(f"She wrote that {name} was late.")}


def test_german_nouns_are_no_names() -> None:
    text = (
        "Bundeskanzler Friedrich Hollmann hat am Montag in Berlin die Pläne vorgestellt. "
        "Der EU-Kommissar Lindqvist und die Nordstern GmbH sahen das Projekt mit Skepsis. "
        "US-Präsidentin Carter sagte, die Brücke werde teuer. Hollmann widersprach in Köln."
    )
    assert names(text, "de") == {
        "Friedrich Hollmann",
        "Berlin",
        "EU",
        "Lindqvist",
        "Nordstern GmbH",
        "US",
        "Carter",
        "Köln",
    }


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        (
            "fr",
            "Le président Martin Duval a rencontré mardi à Genève la ministre Anne Lefort. "
            "Selon M. Duval, l’Union européenne et la Norvège paieront le pont.",
            {"Martin Duval", "Genève", "Anne Lefort", "Union européenne", "Norvège"},
        ),
        (
            "es",
            "El presidente Carlos Rivas viajó el martes a Ginebra con la Unión Europea. "
            "Rivas dijo que Noruega pagará el puente.",
            {"Carlos Rivas", "Ginebra", "Unión Europea", "Noruega"},
        ),
        (
            "it",
            "Il presidente Marco Rinaldi ha incontrato martedì a Ginevra la ministra Anna Bassi. "
            "Secondo Rinaldi, la Norvegia pagherà il ponte.",
            {"Marco Rinaldi", "Ginevra", "Anna Bassi", "Norvegia"},
        ),
        (
            "ru",
            "Вчера президент США прибыл в город Минск. Владимир Орлов молчал.",
            {"США", "Минск", "Владимир Орлов"},
        ),
        ("zh", "中国和美国的代表在日内瓦会面。", {"中国", "美国", "日内瓦"}),
        ("ja", "日本と中国の代表がジュネーブで会った。", {"日本", "中国", "ジュネーブ"}),
        ("ko", "한국과 일본의 대표가 제네바에서 만났다.", {"한국", "일본", "제네바"}),
        ("ar", "التقى وفد من مصر ولبنان في جنيف أمس.", {"مصر", "لبنان", "جنيف"}),
        ("hi", "भारत और जापान के प्रतिनिधि मिले।", {"भारत", "जापान"}),
    ],
)
def test_other_languages_name_their_own(language: str, text: str, found: set[str]) -> None:
    assert names(text, language) == found


def test_a_name_is_not_found_inside_a_word() -> None:
    assert names("مصرف المدينة مغلق", "ar") == set()
