"""Wrong answers of brokers to a producer, at every call of a step: what the bus makes of each.

The proxy that forges them stands before a real broker: a *retold* answer is of a call that the
broker has done, a *made up* one of a call that it never saw. Whatever it is, every record must be
there once in the end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
import pytest

from brokers import collect_sockets
from chaos.answers import CALLS, CLASSES, ERRORS, WAYS, Way
from chaos.proxy import Fault, Proxy
from contract.bus.driving import SINK, SOURCE, copies, everything, marks, numbered, take
from contract.bus.transports import kafka_url
from newsmill.bus import connect
from newsmill.bus.base import (
    Bus,
    BusFull,
    BusUnknown,
    Fenced,
    Member,
    Output,
    Record,
    RecordTooLarge,
)
from newsmill.bus.kafka import burst
from newsmill.bus.kafka.burst import PlaceTaken
from newsmill.bus.kafka.member import REFUSALS
from newsmill.errors import Misconfigured
from newsmill.process.host import EXIT_FENCED, EXIT_UNKNOWN, serve
from newsmill.process.settings import load

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(90)]

BRIEF_S = 0.1
LONG_S = 60.0
IN_A_STEP = [call for call in CALLS if call != "init_producer_id"]


def wrong(call: str, error: str, way: Way, lasts_s: float = BRIEF_S) -> Fault:
    return Fault(f"{call} {error}", CALLS[call], way, code=ERRORS[error], lasts_s=lasts_s)


class Stage:
    """One worker of a stage in small: steps of what it took, and a new start where it must."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.partition(":")
        self.proxy = Proxy([(host, int(port))])
        url = kafka_url(bootstrap, stall_ms=20_000)  # a step may take all of its time
        self.direct: Bus = connect(url, "live")
        self.url = url.replace(bootstrap, f"127.0.0.1:{self.proxy.ports[0]}")
        self._bus: Bus | None = None
        self._member: Member | None = None
        self._feeder = self.direct.join("feeder", [])
        self.offered: list[bytes] = []

    def member(self) -> Member:
        """The member that takes part now; a new one in its place where there is none."""
        if self._member is None:
            self.begin_anew()
            self._bus = connect(self.url, "live")
            self._member = self._bus.join("copier", [SOURCE], slot=0)
        return self._member

    def begin_anew(self) -> None:
        """Be gone without a word, as a process that ended."""
        if self._bus is not None:
            self._bus.close()
        self._bus = self._member = None

    def offer(self, count: int = 4) -> list[bytes]:
        """So many new records, over the partitions."""
        values = numbered(count, len(self.offered))
        self.offered += values
        outputs = [Output(topic=SOURCE, key=v, value=v, routing=v.decode()) for v in values]
        self._feeder.commit(outputs, [], {})
        return values

    def take(self, values: list[bytes]) -> tuple[Member, list[Record]]:
        """These records, as the member has them delivered."""
        member = self.member()
        return member, take(member, len(values), within_s=20)

    def carry(self, *faults: Fault) -> list[type[Exception] | None]:
        """Carry new records through while answers are wrong; gives how each step ended."""
        values = self.offer()
        _, records = self.take(values)
        for fault in faults:
            self.proxy.at_next(fault)
        outcomes: list[type[Exception] | None] = []
        while records:
            outcomes.append(self._step(records))
            assert len(outcomes) < 5, outcomes
            records = self._left(records, outcomes[-1])
        self.proxy.forget()
        return outcomes

    def finish(self, values: list[bytes]) -> None:
        """What is left undone after a test of one step, by a member that starts anew."""
        self.proxy.forget()
        self.begin_anew()
        member, records = self.take(values)
        member.commit(copies(records), [], marks(member, records))

    def _step(self, records: list[Record]) -> type[Exception] | None:
        member = self.member()
        try:
            member.commit(copies(records), [], marks(member, records))
        except (BusFull, Fenced, BusUnknown) as error:
            return type(error)
        return None

    def _left(self, records: list[Record], outcome: type[Exception] | None) -> list[Record]:
        """What is left to do after a step that ended so."""
        if outcome is None:
            return []
        if issubclass(outcome, BusFull):
            time.sleep(BRIEF_S)
            return records
        if outcome is not Fenced:
            self.begin_anew()
        member, end = self.member(), time.monotonic() + 20
        found: list[Record] = []
        while time.monotonic() < end:
            found += member.poll(0.1)
            waiting = sum(lag.waiting for lag in self.direct.lag(["copier"]))
            if len(found) == waiting and len(member.assignment) == SOURCE.partitions:
                return found
        raise AssertionError(f"{waiting} wait, {len(found)} were delivered")

    def close(self) -> None:
        self.begin_anew()
        self.direct.close()
        self.proxy.close()


@pytest.fixture(scope="module")
def stage(kafka: Any) -> Iterator[Stage]:
    with closing(Stage(kafka.bootstrap)) as stage:
        yield stage
    collect_sockets()


@pytest.fixture(autouse=True)
def _forget(stage: Stage) -> Iterator[None]:
    yield
    stage.proxy.forget()
    collect_sockets()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(6))
def test_a_call_that_may_go_well_a_moment_later_is_made_again(
    stage: Stage, number: int, way: Way
) -> None:
    told = {call: CLASSES["retriable"][call] for call in IN_A_STEP}
    faults = [
        wrong(call, errors[number % len(errors)], way, BRIEF_S / 2) for call, errors in told.items()
    ]
    before = stage.proxy.struck.total()
    assert stage.carry(*faults) == [None]
    assert stage.proxy.struck.total() - before == len(faults)


def _final() -> list[Any]:
    """Wrong answers that end a step: of each class at each call, retold and made up."""
    named = [
        (call, error)
        for kind in ("fenced", "abortable", "refused")
        for call, errors in CLASSES[kind].items()
        for error in errors
        if call in IN_A_STEP
    ]
    cases = [
        (call, error, way)
        for number, (call, error) in enumerate(named)
        for way in (WAYS if call in ("produce", "end_txn") else WAYS[number % 2 :][:1])
    ]
    return [pytest.param(*each, id=" ".join(each)) for each in cases]


def _must_end(call: str, error: str) -> type[Exception]:
    """How a step has to end in which that call was answered so; the table of docs/guarantees.md."""
    if call == "end_txn":
        return BusUnknown
    if error in CLASSES["fenced"]["produce"]:
        return PlaceTaken
    return Fenced if error == "illegal_generation" else BusFull


@pytest.mark.parametrize(("call", "error", "way"), _final())
def test_a_step_that_cannot_be_ended_is_undone_and_done_again(
    stage: Stage, call: str, error: str, way: Way
) -> None:
    outcomes = stage.carry(wrong(call, error, way))
    ended, wanted = outcomes[0], _must_end(call, error)
    assert ended is not None
    assert issubclass(ended, wanted) if wanted is BusFull else ended is wanted
    was_committed = call == "end_txn" and way == "retold"
    assert outcomes[1:] == ([] if was_committed else [None])


@pytest.mark.parametrize("call", ["produce", "txn_offset_commit", "end_txn"])
def test_an_answer_that_never_comes_costs_no_more_than_a_clients_patience(
    stage: Stage, call: str
) -> None:
    begun = time.monotonic()
    outcomes = stage.carry(Fault(call, CALLS[call], "unanswered"))
    assert time.monotonic() - begun < 12
    wanted = {"produce": None, "end_txn": BusUnknown}.get(call, BusFull)
    assert outcomes == ([wanted] if call in ("produce", "end_txn") else [wanted, None])


def test_an_error_that_outlasts_a_clients_patience_is_no_commit_without_its_records(
    stage: Stage,
) -> None:
    """The library fails the record alone then: its transaction could still be committed."""
    before = stage.proxy.forged
    outcomes = stage.carry(wrong("produce", "not_enough_replicas", "made_up", lasts_s=6.0))
    assert outcomes[0] is BusFull
    assert 10 < stage.proxy.forged - before < 2000  # it is tried again, and not without a pause


def test_who_is_fenced_while_he_still_sends_knows_that_his_place_is_taken(stage: Stage) -> None:
    """The next send tells only that something failed; to start again would put the new one out."""
    values = stage.offer(1)
    member, records = stage.take(values)
    stage.proxy.at_next(wrong("add_partitions", "producer_fenced", "made_up"))
    with pytest.raises(PlaceTaken):
        member.commit(copies(records) * 20_000, [], marks(member, records))
    stage.finish(values)


def test_a_right_that_is_denied_again_and_again_is_a_misconfiguration(stage: Stage) -> None:
    values = stage.offer()
    member, records = stage.take(values)
    stage.proxy.at_next(wrong("produce", "topic_forbidden", "made_up", lasts_s=LONG_S))
    for _ in range(REFUSALS - 1):
        with pytest.raises(BusFull, match="TopicAuthorizationFailed"):
            member.commit(copies(records), [], marks(member, records))
    with pytest.raises(Misconfigured, match="TopicAuthorizationFailed"):
        member.commit(copies(records), [], marks(member, records))
    stage.finish(values)


def test_a_record_is_too_large_when_the_broker_says_so_twice(stage: Stage) -> None:
    values = stage.offer(1)
    member, records = stage.take(values)
    stage.proxy.at_next(wrong("produce", "message_too_large", "made_up", lasts_s=LONG_S))
    with pytest.raises(BusFull):
        member.commit(copies(records), [], marks(member, records))
    with pytest.raises(RecordTooLarge):
        member.commit(copies(records), [], marks(member, records))
    stage.finish(values)


def test_a_tool_that_is_denied_a_right_is_told_at_once(stage: Stage) -> None:
    with closing(connect(stage.url, "live")) as bus:
        tool = bus.join("publisher", [])
        stage.proxy.at_next(wrong("produce", "topic_forbidden", "made_up"))
        with pytest.raises(Misconfigured, match="TopicAuthorizationFailed"):
            tool.commit([Output(topic=SOURCE, key=b"k", value=b"v", routing="r")], [], {})


# -- at the start of a worker


def test_a_coordinator_that_changes_places_is_asked_again_at_the_start(stage: Stage) -> None:
    for error in CLASSES["retriable"]["init_producer_id"]:
        stage.begin_anew()
        stage.proxy.at_next(wrong("init_producer_id", error, "retold"))
        assert stage.member().slot == 0


@pytest.mark.parametrize("way", WAYS)
def test_who_is_fenced_at_the_start_has_no_place(stage: Stage, way: Way) -> None:
    stage.begin_anew()
    stage.proxy.at_next(wrong("init_producer_id", "producer_fenced", way))
    with pytest.raises(PlaceTaken):
        stage.member()


def test_a_coordinator_that_never_answers_at_the_start_is_away_and_nothing_is_misconfigured(
    stage: Stage,
) -> None:
    stage.begin_anew()
    stage.proxy.at_next(Fault("start", CALLS["init_producer_id"], "unanswered"))
    with pytest.raises(BusUnknown, match="transactional id"):
        stage.member()


def test_a_coordinator_that_goes_on_loading_is_away_and_nothing_is_misconfigured(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burst, "GRACE_S", -3.0)  # of a transaction's five
    stage.begin_anew()
    stage.proxy.at_next(wrong("init_producer_id", "coordinator_loads", "made_up", LONG_S))
    with pytest.raises(BusUnknown, match="no end within"):
        stage.member()


@pytest.mark.parametrize(
    ("error", "code"), [("coordinator_loads", EXIT_UNKNOWN), ("producer_fenced", EXIT_FENCED)]
)
def test_a_worker_that_is_not_let_in_says_why_and_is_to_be_started_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: Any, error: str, code: int
) -> None:
    monkeypatch.setattr(burst, "GRACE_S", -3.0)
    stage.begin_anew()
    stage.proxy.at_next(wrong("init_producer_id", error, "made_up", LONG_S))
    settings = load({"bus": stage.url, "log_level": "info"})
    assert serve("extractor", "extractor", [SOURCE], settings, lambda desk: None) == code
    said = [orjson.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["exit_code"] for line in said if line["event"] == "worker.stop"] == [code]


def test_after_all_of_it_every_record_is_there_once(stage: Stage) -> None:
    if not stage.offered:
        stage.carry()
    found = Counter(record.value for record in everything(stage.direct, SINK))
    assert found == Counter(stage.offered)
