"""What a worker holds in memory of a past of any length."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from contract.loops.driving import Loop, connect
from contract.workers.test_supervisor import article
from newsmill.bus.base import Place, Record
from newsmill.enricher import worker as enricher
from newsmill.enricher.worker import Enriching
from newsmill.topics import ARTICLES


def test_the_enricher_holds_no_more_of_a_long_past_than_of_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enricher, "REMEMBERED", 40)
    place = Place("articles", 0)
    with connect(tmp_path), Loop(tmp_path, "one") as loop:
        enriching = Enriching(loop.log)
        member = loop.bus.join("enricher", [ARTICLES])
        member.poll(0.0)
        enriching.assigned(place, member)

        def outcomes(revision: str) -> set[str]:
            found: set[str] = set()
            for first in range(0, 400, 40):
                made = []
                for number in range(first, first + 40):
                    value = orjson.dumps(orjson.loads(article(number)) | {"revision": revision})
                    made.append(enriching.step(Record("articles", 0, 0, 1, b"k", value, (), 0)))
                changes = [change for one in made for change in one.state]
                member.commit([], changes, {place: member.assignment[place]})
                found |= {one.outcome for one in made}
            return found

        assert outcomes("one") == {"published"}
        assert outcomes("one") == {"duplicate"}
        assert outcomes("another") == {"published"}
        assert len(enriching._revisions[place]._last) == 40
