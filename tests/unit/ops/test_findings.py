"""What lines add up to: hosts that turn us away, certificates, pages that die in a loop."""

from __future__ import annotations

from newsmill.ops.findings import SITES, Findings
from newsmill.ops.lines import parse
from unit.ops.journal import Journal


def found(journal: Journal) -> Findings:
    findings = Findings()
    for raw in journal.lines:
        line = parse(raw)
        assert line is not None
        findings.take(line)
    return findings


def test_a_host_that_turns_us_away_is_named_with_its_answers():
    journal = Journal()
    worker = journal.process("fetcher")
    for _ in range(30):
        worker.say("host.backoff", "warning", site="busy.example", status=429, after_s=60)
    worker.say("host.backoff", "warning", site="other.example", why="no route")
    first, second = found(journal).hosts
    assert first.startswith("busy.example answers 429 30 times, from 2026-03-01 08:00:00")
    assert second.startswith("other.example does not answer 1 time")


def test_a_certificate_that_ran_out_is_told_with_its_site():
    journal = Journal()
    worker = journal.process("fetcher")
    why = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (x)"
    for _ in range(3):
        worker.say("host.backoff", "warning", site="late.example", why=why)
    (told,) = found(journal)
    assert told.startswith("late.example: certificate has expired, since 2026-03-01")
    assert told.endswith("(3 lines)")


def test_a_page_that_dies_again_and_again_is_a_loop():
    journal = Journal()
    worker = journal.process("extractor")
    for number in range(3):
        worker.record(
            "dead", "pages", 0, offset=number, reason="child_killed", detail="x", page_id="ab" * 16
        )
        worker.record(
            "dead",
            "pages",
            0,
            offset=9 + number,
            reason="not_html",
            detail="x",
            page_id=f"{number}",
        )
    (told,) = found(journal)
    assert told == f"page {'ab' * 16} died 3 times: extractor: child_killed"


def test_what_is_remembered_is_bounded_and_what_comes_most_stays():
    journal = Journal()
    worker = journal.process("fetcher")
    findings = Findings()
    for number in range(3 * SITES):
        worker.say("host.backoff", "warning", site=f"s{number}.example", status=503)
        worker.say("host.backoff", "warning", site="busy.example", status=429)
    for raw in journal.lines:
        line = parse(raw)
        assert line is not None
        findings.take(line)
    hosts = list(findings.hosts)
    assert len(hosts) <= SITES
    assert hosts[0].startswith("busy.example")
