"""The extractor's shell: pages in, articles out, each page in a child process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from newsmill.bus.base import Mark, Member, Output, Place, Record
from newsmill.errors import BadRecord, TryLater
from newsmill.process.children import Children, Failure, usable_cpus
from newsmill.process.drain import Drain
from newsmill.process.host import Desk, serve
from newsmill.process.settings import Settings
from newsmill.process.steps import Result, rejected
from newsmill.records import Page, decode, traceparent
from newsmill.topics import ARTICLES, PAGES
from newsmill.urls import host_of

STAGE: Final = "extractor"
HANDLER = "newsmill.extractor.child:handle"
Answer = tuple[Record, Result | TryLater]


class Extraction:
    """Extracts pages in children; a page whose child was killed under it is tried once more."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._answered: list[Answer] = []

    @property
    def free(self) -> int:
        """Idle children."""
        return self._children.free

    def start(self, record: Record) -> None:
        """Hand the page to a child, unless its header already says that it can never work."""
        try:
            header = record.header("page")
            if header is None:
                raise BadRecord("decode", "no page header")
            page = decode(Page, header)
            if record.value is None:
                raise BadRecord("decode", "a page without a body")
        except BadRecord as error:
            self._answered.append((record, rejected(record, STAGE, error)))
        except TryLater as later:
            self._answered.append((record, later))
        else:
            self._give(record, page, tries=1)

    def _give(self, record: Record, page: Page, tries: int) -> None:
        header, body = record.header("page") or b"", record.value or b""
        self._children.start((record, page, tries), [header, body])

    def done(self, timeout_s: float) -> Iterable[Answer]:
        """The articles, refusals and dead letters that have come."""
        answers, self._answered = self._answered, []
        for token, answer in self._children.done(0.0 if answers else timeout_s):
            record, page, tries = token
            facts = {"page_id": page.page_id, "url": page.url, "site": host_of(page.url)}
            if not isinstance(answer, Failure):
                answers.append((record, _article(record, page, answer, facts)))
            elif answer.error.reason == "crash" and tries == 1:
                self._give(record, page, tries=2)  # somebody may have killed an innocent child
            else:
                result = rejected(
                    record, STAGE, answer.error, facts, attempts=tries, trace=answer.trace
                )
                answers.append((record, result))
        return answers

    def assigned(self, place: Place, member: Member) -> None:
        """Nothing to restore: pages know nothing of each other."""

    def lost(self, place: Place) -> None:
        """Nothing to drop."""

    def seal(self, records: Mapping[Place, list[Result]], marks: Mapping[Place, Mark]) -> None:
        """Nothing to do before the bus commits."""

    def close(self) -> None:
        """End the children."""
        self._children.close()


def _article(record: Record, page: Page, answer: list[bytes], facts: dict[str, Any]) -> Result:
    article, told = answer
    output = Output(
        topic=ARTICLES,
        key=page.page_id.encode(),
        routing=page.page_id,
        value=article,
        headers=(("traceparent", traceparent(page.page_id, "articles")),),
    )
    facts = facts | orjson.loads(told) | {"bytes": len(record.value or b"")}
    return Result(outcome="published", outputs=(output,), facts=facts)


def children(settings: Settings, desk: Desk | None = None, handler: str = HANDLER) -> Children:
    """The pool of extraction children that the settings ask for; kills are logged at a desk."""

    def on_killed(reason: str, detail: str, took_ms: float) -> None:
        if desk is not None:
            desk.log.event("child.killed", reason=reason, detail=detail, took_ms=took_ms)

    count = settings.children or max(1, usable_cpus() // settings.workers)
    return Children(
        handler,
        count=count,
        timeout_s=settings.child_timeout_s,
        memory_mb=settings.child_memory_mb,
        on_killed=on_killed,
        profiles=None if desk is None else settings.log_dir,
    )


def run(settings: Settings) -> int:
    """Serve as an extractor until told to stop; gives the exit code."""

    def work(desk: Desk) -> None:
        pool = children(settings, desk)
        desk.life.profiler.followers.append(pool.signal)
        extraction = Extraction(pool)
        Drain(STAGE, desk.member, extraction, desk.bus.burst, desk.log, desk.life).run()

    return serve(STAGE, STAGE, [PAGES], settings, work)
