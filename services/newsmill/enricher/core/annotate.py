"""Runs the annotators over an article: pure functions, each with a version and a bound on its work.

An annotator states what it reads (fields of the article, outputs of other annotators) and what it
writes; their order follows from that. One that fails costs its annotation, not the article: those
behind it read its outputs as empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from newsmill.enricher.core import entities, language, quotes
from newsmill.records import Article

EMPTY: Mapping[str, Any] = {"language": language.UNKNOWN, "entities": (), "quotes": ()}
"""Every annotation, in the order of the record, with what stands for one that could not be made."""

_DETAIL = 500  # characters of an error that are kept


@dataclass(frozen=True, slots=True)
class Annotator:
    """A pure function from ``inputs``, by position, to a tuple of ``outputs``.

    ``budget`` bounds its work: the characters of the article's text that it is given.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    function: Callable[..., tuple[Any, ...]]
    budget: int


@dataclass(frozen=True, slots=True)
class Annotations:
    """What the annotators say of an article.

    ``fields`` are those of an enriched record, in its order, ready to be spliced in; ``failures``
    are the names of annotators that failed, each with its error.
    """

    fields: dict[str, Any]
    failures: tuple[tuple[str, str], ...]


def ordered(annotators: Iterable[Annotator]) -> tuple[Annotator, ...]:
    """The annotators, each behind those whose outputs it reads, else in order of name.

    Raises ValueError where two write one output, one writes what is no annotation, or a circle of
    them waits for itself.
    """
    by_name = {annotator.name: annotator for annotator in sorted(annotators, key=lambda a: a.name)}
    writer: dict[str, str] = {}
    for annotator in by_name.values():
        for output in annotator.outputs:
            if output not in EMPTY or output in writer:
                raise ValueError(f"{annotator.name}: {output} is no annotation, or another's")
            writer[output] = annotator.name
    waits = {
        name: [writer[field] for field in annotator.inputs if field in writer]
        for name, annotator in by_name.items()
    }
    try:
        return tuple(by_name[name] for name in TopologicalSorter(waits).static_order())
    except CycleError as error:
        raise ValueError(f"annotators wait for each other: {error.args[1]}") from None


ANNOTATORS = ordered(
    (
        Annotator(
            name=language.NAME,
            version=language.VERSION,
            inputs=("text", "title", "declared_language"),
            outputs=("language",),
            function=language.language_of,
            budget=language.BUDGET,
        ),
        Annotator(
            name=entities.NAME,
            version=entities.VERSION,
            inputs=("text", "language"),
            outputs=("entities",),
            function=entities.entities_of,
            budget=entities.BUDGET,
        ),
        Annotator(
            name=quotes.NAME,
            version=quotes.VERSION,
            inputs=("text", "language", "entities"),
            outputs=("quotes",),
            function=quotes.quotes_of,
            budget=quotes.BUDGET,
        ),
    )
)


def annotate(article: Article, annotators: Iterable[Annotator] = ANNOTATORS) -> Annotations:
    """The annotations of an article, by annotators in an order that ``ordered`` made."""
    made: dict[str, Any] = {}
    versions_: dict[str, str] = {}
    failures: list[tuple[str, str]] = []
    for annotator in annotators:
        try:  # the one broad except of the enricher: what annotators raise is a stranger's
            values = annotator.function(*_inputs(article, annotator, made))
            made |= dict(zip(annotator.outputs, values, strict=True))
        except Exception as error:
            failures.append((annotator.name, f"{type(error).__name__}: {error}"[:_DETAIL]))
        else:
            versions_[annotator.name] = annotator.version
    fields = {name: made.get(name, empty) for name, empty in EMPTY.items()}
    fields["annotators"] = dict(sorted(versions_.items()))
    return Annotations(fields, tuple(failures))


def versions() -> dict[str, str]:
    """The version of every annotator, by its name."""
    return {
        annotator.name: annotator.version for annotator in sorted(ANNOTATORS, key=lambda a: a.name)
    }


def _inputs(article: Article, annotator: Annotator, made: Mapping[str, Any]) -> list[Any]:
    values: list[Any] = []
    for name in annotator.inputs:
        if name == "text":
            values.append(within(article.text, annotator.budget))
        elif name in EMPTY:
            values.append(made.get(name, EMPTY[name]))
        else:
            values.append(getattr(article, name))
    return values


def within(text: str, budget: int) -> str:
    """The text's first ``budget`` characters at most, cut between words where there are some."""
    if len(text) <= budget:
        return text
    cut = max(text.rfind(" ", budget - 200, budget), text.rfind("\n", budget - 200, budget))
    return text[: cut if cut > 0 else budget]
