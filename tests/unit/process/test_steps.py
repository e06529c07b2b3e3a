"""Results, refusals and dead letters."""

from __future__ import annotations

from newsmill.bus.base import Output, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.steps import Result, buried, oversized, rejected
from newsmill.process.work import attempt, guarded
from newsmill.topics import ARTICLES, DEAD


def record(value: bytes = b"body") -> Record:
    return Record("pages", 3, 17, 18, b"key", value, (("page", b"{}"),), 0)


def test_a_policy_turns_a_record_away_without_a_letter() -> None:
    result = rejected(record(), "fetcher", BadRecord("robots", "forbidden"))
    assert (result.outcome, result.outputs, result.reason) == ("refused", (), "robots")


def test_a_dead_letter_keeps_the_record_as_it_came_and_says_why() -> None:
    bad = BadRecord("decode", "odd \udc80")
    (letter,) = rejected(record(), "fetcher", bad, attempts=2, trace="line\n").outputs
    assert (letter.key, letter.value, letter.partition) == (b"key", b"body", 3)
    assert dict(letter.headers) == {
        "page": b"{}",
        "dead-topic": b"pages",
        "dead-partition": b"3",
        "dead-offset": b"17",
        "dead-stage": b"fetcher",
        "dead-reason": b"decode",
        "dead-detail": b"odd ?",
        "dead-attempts": b"2",
        "dead-traceback": b"line\n",
    }


def test_a_letter_larger_than_its_topic_takes_is_cut_and_says_so() -> None:
    value = b"x" * (DEAD.max_bytes + 5)
    (letter,) = rejected(record(value), "producer", BadRecord("decode")).outputs
    assert len(letter.value or b"") == DEAD.max_bytes
    assert dict(letter.headers)["dead-cut"] == str(len(value)).encode()


def test_an_output_past_its_topics_limit_becomes_a_letter_of_its_own() -> None:
    huge = Output(topic=ARTICLES, key=b"k", value=b"x" * (ARTICLES.max_bytes + 1), routing="k")
    result = Result(outcome="published", outputs=(huge,))
    assert oversized(result) is huge
    dead = buried(result, "producer", huge)
    assert (dead.outcome, dead.reason) == ("dead", "record_too_large")
    assert oversized(dead) is None
    assert oversized(Result(outcome="published")) is None


def test_a_step_that_raises_costs_its_record_alone() -> None:
    def bug(record: Record) -> Result:
        raise KeyError("slip")

    def later(record: Record) -> Result:
        raise TryLater("not yet", 1.0)

    dead = attempt("extractor", bug, record())
    assert isinstance(dead, Result)
    assert (dead.outcome, dead.reason, dead.detail) == ("dead", "bug", "KeyError: 'slip'")
    assert isinstance(attempt("extractor", later, record()), TryLater)


def test_a_guarded_call_gives_its_answer_or_what_is_wrong_with_its_input() -> None:
    def slip() -> int:
        raise ZeroDivisionError("slip")

    assert guarded(lambda: 1) == 1
    bad = guarded(slip)
    assert isinstance(bad, BadRecord)
    assert bad.reason == "bug"
