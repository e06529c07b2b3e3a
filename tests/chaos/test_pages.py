"""The pages of a run are what they say: the extractor makes of each what the run expects of it."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from chaos.pages import REASONS, ROUND, number_of, offer, output, shown_in
from newsmill.errors import BadRecord, TryLater
from newsmill.extractor.child import handle
from newsmill.records import Page, decode
from newsmill.topics import PAGES, partition_of

WHOLE = range(10 * ROUND)


def test_a_round_has_its_share_of_every_kind():
    kinds = Counter(offer(number).kind for number in range(ROUND))
    assert kinds == {"plain": 95, "spelled": 1, "amp": 1, "update": 1, "taken_back": 1, "poison": 1}


@pytest.mark.parametrize("number", [0, 9, 10, 30, 31, 60])
def test_the_extractor_makes_of_a_page_what_its_number_says(number):
    one = offer(number)
    headers = dict(output(one).headers)
    value, _ = handle([headers["page"], output(one).value or b""])
    made = orjson.loads(value)
    assert (made["page_id"], made["canonical_url"]) == (one.page_id, one.canonical)
    assert (number_of(made["fetched"]), shown_in(made["text"])) == (one.fetched, one.shows)


@pytest.mark.parametrize("sort", range(len(REASONS)))
def test_poison_dies_of_what_is_said_of_it(sort):
    spoiled = output(offer(sort * ROUND + 7))
    page = dict(spoiled.headers).get("page", b"")
    if spoiled.value is None or not page:  # the worker itself looks for these
        assert REASONS[sort] == "decode"
        return
    with pytest.raises(BadRecord) as bad:
        handle([page, spoiled.value])
    assert bad.value.reason == REASONS[sort]


def test_other_spellings_and_updates_are_of_the_page_before_and_an_amp_form_is_not():
    spelled, update, amp = offer(10), offer(30), offer(60)
    assert (spelled.page_id, spelled.fetched, spelled.shows) == (offer(9).page_id, 9, 9)
    assert (update.page_id, update.fetched, update.shows) == (offer(29).page_id, 30, 30)
    assert (offer(31).page_id, offer(31).shows) == (offer(29).page_id, 29)
    assert amp.page_id != offer(59).page_id
    assert amp.canonical == offer(59).canonical


def test_a_page_of_a_later_version_is_for_a_later_worker():
    header = dict(output(offer(0), version=2).headers)["page"]
    with pytest.raises(TryLater):
        decode(Page, header)


def test_pages_go_to_many_hosts_and_all_partitions():
    hosts = {offer(number).canonical.split("/")[2] for number in WHOLE}
    places = {partition_of(offer(number).page_id, PAGES.partitions) for number in WHOLE}
    assert (len(hosts), len(places)) == (97, PAGES.partitions)
