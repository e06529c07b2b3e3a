"""The enricher's shell: articles in, annotated ones out, unchanged re-fetches dropped."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import orjson

from newsmill.bus.base import MAX_RECORDS, Change, Fenced, Member, Output, Place, Record
from newsmill.enricher.core import annotate
from newsmill.errors import BadRecord, TryLater
from newsmill.process.drain import Drain
from newsmill.process.host import Desk, serve
from newsmill.process.lanes import LANE_RECORDS
from newsmill.process.settings import Settings
from newsmill.process.steps import Result
from newsmill.process.telemetry import Telemetry
from newsmill.process.work import Inline
from newsmill.records import Article, decode, splice, traceparent
from newsmill.topics import ARTICLES, ENRICHED, REVISIONS
from newsmill.urls import host_of

STAGE: Final = "enricher"
# Revisions of a partition that are held in memory: more than records of it can be uncommitted.
REMEMBERED = 2 * (LANE_RECORDS + MAX_RECORDS)
FENCED_S = 1.0


def enrich(value: bytes, article: Article) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The article's own bytes with its annotations spliced in, and the annotators that failed."""
    annotations = annotate(article)
    return splice(value, orjson.dumps(annotations.fields)), annotations.failures


class _Revisions:
    """The last revision of every page of a partition: those seen last here, all others on the bus.

    What no step has committed yet is always among the last, and is not on the bus.
    """

    def __init__(self, member: Member, partition: int) -> None:
        self._member = member
        self._partition = partition
        self._last: OrderedDict[bytes, bytes] = OrderedDict()
        self.of(b"")  # a transport that must read them all for it does so before the first record

    def of(self, page_id: bytes) -> bytes | None:
        """The page's last revision, None for a new page; raises TryLater where that is unknown."""
        revision = self._last.get(page_id)
        if revision is None:
            try:
                revision = self._member.recall(REVISIONS, self._partition, page_id)
            except Fenced as fenced:  # no fault of the record: it is another's by now
                raise TryLater(str(fenced), FENCED_S) from None
        return revision

    def note(self, page_id: bytes, revision: bytes) -> None:
        """Remember what a page's last revision is from here on."""
        self._last[page_id] = revision
        self._last.move_to_end(page_id)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)


class Enriching(Inline):
    """Remembers the last revision of every page of its partitions."""

    def __init__(self, log: Telemetry) -> None:
        super().__init__(STAGE, self.step)
        self._log = log
        self._revisions: dict[Place, _Revisions] = {}

    def assigned(self, place: Place, member: Member) -> None:
        """Look revisions up as this member from now on."""
        self._revisions[place] = _Revisions(member, place.partition)

    def lost(self, place: Place) -> None:
        """Forget them: they may hold those of a step that failed."""
        self._revisions.pop(place, None)

    def step(self, record: Record) -> Result:
        """Annotate the article, unless its page already had this revision."""
        value = record.value or b""
        article = decode(Article, record.value)
        facts: dict[str, Any] = {
            "page_id": article.page_id,
            "article_id": article.id,
            "url": article.url,
            "site": host_of(article.url),
        }
        page_id, revision = article.page_id.encode(), article.revision.encode()
        revisions = self._revisions[record.place]
        if revisions.of(page_id) == revision:
            return Result(outcome="duplicate", facts=facts)
        enriched, failures = enrich(value, article)
        for annotator, detail in failures:
            self._log.add("annotator.failed", annotator=annotator, detail=detail, **facts)
        if len(enriched) > ENRICHED.max_bytes:  # before it counts as the page's last revision
            raise BadRecord("record_too_large", f"{len(enriched)} bytes with its annotations")
        revisions.note(page_id, revision)
        output = Output(
            topic=ENRICHED,
            key=article.id.encode(),
            routing=article.id,
            value=enriched,
            headers=(("traceparent", traceparent(article.page_id, "enriched")),),
        )
        change = Change(REVISIONS, record.partition, page_id, revision)
        return Result(outcome="published", outputs=(output,), state=(change,), facts=facts)


def run(settings: Settings) -> int:
    """Serve as an enricher until told to stop; gives the exit code."""

    def work(desk: Desk) -> None:
        Drain(STAGE, desk.member, Enriching(desk.log), desk.bus.burst, desk.log, desk.life).run()

    return serve(STAGE, STAGE, [ARTICLES], settings, work)
