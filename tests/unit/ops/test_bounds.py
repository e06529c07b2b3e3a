"""Memory follows what waits, and not how much was written, whatever the logs leave out."""

from __future__ import annotations

from newsmill.ops.balance import MOST_OPEN
from newsmill.ops.commits import MERGED
from newsmill.ops.journeys import Journeys
from newsmill.ops.ledger import Ledger
from newsmill.ops.lines import Line, parse
from newsmill.ops.summary import summarise
from unit.ops.journal import Journal


def line(**fields) -> Line:
    made = {"ts": "2026-03-01T08:00:00.000Z", "event": "record", "service": "x", "run": "r"}
    return Line(**{"seq": 1} | made | fields)


def test_lines_whose_commits_were_filtered_out_do_not_pile_up() -> None:
    ledger = Ledger("live", "extractor", None)
    for offset in range(5 * MOST_OPEN):
        ledger.record(line(topic="pages", partition=0, offset=offset, outcome="published"))
        waiting = len(ledger._places["pages/0"]._lines)
        assert waiting <= 2 * MOST_OPEN
    ledger.close()
    assert ledger.finished + ledger.waiting == 5 * MOST_OPEN


def test_commits_that_wait_to_be_taken_as_one_are_few_and_count_in_the_end() -> None:
    journal = Journal()
    worker = journal.process("extractor")
    worker.say("partition.assigned", positions={"pages/0": 0, "pages/1": 0})
    ledger = Ledger("live", "extractor", None)
    for number in range(3 * MERGED + 1):
        for partition in range(2):
            worker.record("published", "pages", partition, offset=number)
        worker.say("step.commit", positions={"pages/0": number + 1}, records=1)
        worker.say("step.commit", positions={"pages/1": number + 1}, records=1)
    feed = {"record": ledger.record, "step.commit": ledger.commit}
    feed["partition.assigned"] = ledger.assigned
    for raw in journal.lines[1:]:
        parsed = parse(raw)
        feed[parsed.event](parsed)
        assert 2 * len(ledger._places) >= len(ledger._commits)
        assert sum(commit.commits for commit in ledger._commits.values()) < MERGED

    ledger.close()

    assert (ledger.finished, ledger.unexplained) == (2 * (3 * MERGED + 1), 0)


def test_of_too_many_journeys_the_same_few_are_followed_in_every_reading() -> None:
    journeys = Journeys(most=100)
    producer, archiver = Ledger("live", "producer", None), Ledger("live", "archiver", None)
    pages = [f"{number * 2654435761 % (1 << 32):032x}" for number in range(5000)]
    for page in pages:
        journeys.heard(producer, [line(outcome="published", page_id=page)])
    later = "2026-03-01T08:00:04.000Z"
    for page in pages:
        journeys.heard(archiver, [line(outcome="published", page_id=page, ts=later)])

    assert journeys.share == 1 / 256
    assert 5 <= journeys.end_to_end.count <= 60
    assert round(journeys.end_to_end.quantile(0.5) or 0, -2) == 4000


def test_the_clocks_of_two_machines_may_differ() -> None:
    journal = Journal()
    producer = journal.process("producer")
    producer.say("partition.assigned", positions={"feeds.state/0": 0}, steps={})
    journal.now_ms += 5000
    producer.record("published", "feeds.state", 0, step=1, page_id="0" * 32)
    producer.say("step.commit", steps={"feeds.state/0": 1}, records=1)
    journal.now_ms -= 4000
    archiver = journal.process("archiver", host="b")
    archiver.say("partition.assigned", positions={"enriched/0": 0})
    archiver.record("published", "enriched", 0, offset=0, page_id="0" * 32)
    archiver.say("step.commit", positions={"enriched/0": 1}, records=1)

    summary = summarise(journal.lines)

    assert summary.is_balanced
    assert summary.journeys.end_to_end.count == 1
    assert 3 < summary.journeys.backwards_s < 5
