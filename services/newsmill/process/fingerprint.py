"""Fingerprints of enriched records: whether two runs made the same bytes, and which field differs.

A fingerprint is small and keeps no text, so that a manifest can name the first record that differs
when the records themselves are long gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple
from zlib import crc32

import msgspec

from newsmill.records import decode

FIELD_BYTES = 4  # of the CRC-32 of one field: it tells which differs, not whether any does

_fields_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Enriched:
    """What a fingerprint needs to read of an enriched record; the rest is bytes to it."""

    v: int = 1
    page_id: str
    revision: str
    fetched: str | None = None


class Print(NamedTuple):
    """The fingerprint of one record; prints sort in the order in which the output is digested."""

    page_id: str
    revision: str
    fetched: str  # empty where the record does not say
    digest: bytes  # BLAKE2b-128 of the record
    names: str  # of its fields, in their order, joined by commas
    fields: bytes  # FIELD_BYTES of each
    times: int = 1  # how often this very record was made


class Output(NamedTuple):
    """What all records of a run come to."""

    records: int
    digest: str


class Difference(NamedTuple):
    """The first page of which two runs made different records."""

    page_id: str
    before: Print | None  # None: the run before has no such record
    after: Print | None
    fields: tuple[str, ...]  # that differ, where both have one


def fingerprint(record: bytes) -> Print:
    """The fingerprint of an enriched record; raises BadRecord and TryLater like ``decode``."""
    known = decode(Enriched, record)
    values = _fields_of(record)
    fields = b"".join(crc32(value).to_bytes(FIELD_BYTES, "big") for value in values.values())
    digest = hashlib.blake2b(record, digest_size=16).digest()
    names = ",".join(values)
    return Print(known.page_id, known.revision, known.fetched or "", digest, names, fields)


def output_of(prints: Iterable[Print]) -> Output:
    """The number of records and the digest of them all; ``prints`` are sorted.

    The digest is BLAKE2b-256 over one line a record: page id, revision, time of fetch, digest of
    the record, how often, with spaces between and a newline behind.
    """
    state = hashlib.blake2b(digest_size=32)
    number = 0
    for one in prints:
        line = f"{one.page_id} {one.revision} {one.fetched} {one.digest.hex()} {one.times}\n"
        state.update(line.encode("utf-8", "surrogatepass"))
        number += one.times
    return Output(number, state.hexdigest())


def first_difference(before: Iterable[Print], after: Iterable[Print]) -> Difference | None:
    """The first page, by id, of which the two sorted streams differ; None where they are equal."""
    left, right = _by_page(before), _by_page(after)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if one == other:
            one, other = next(left, None), next(right, None)
            continue
        if other is not None and (one is None or other[0] < one[0]):
            return _difference(other[0], [], other[1])
        if one is not None:
            same_page = other is not None and other[0] == one[0]
            return _difference(one[0], one[1], other[1] if other and same_page else [])
    return None


def _by_page(prints: Iterable[Print]) -> Iterator[tuple[str, list[Print]]]:
    for page_id, group in groupby(prints, key=lambda one: one.page_id):
        yield page_id, list(group)


def _difference(page_id: str, before: list[Print], after: list[Print]) -> Difference:
    """Of one page's records: the first that the other side has not, and what it has instead."""
    lost = [one for one in before if one not in after]
    new = [one for one in after if one not in before]
    one, other = next(iter(lost), None), next(iter(new), None)
    if one is not None:  # the same fetch, where there is one: what was made of the same page
        other = next((each for each in new if each.fetched == one.fetched), other)
    return Difference(page_id, one, other, differing(one, other))


def differing(before: Print | None, after: Print | None) -> tuple[str, ...]:
    """The names of the fields that differ between two records, in the order of the first."""
    if before is None or after is None:
        return ()
    one, other = _fields(before), _fields(after)
    names = dict.fromkeys((*one, *other))
    return tuple(name for name in names if one.get(name) != other.get(name))


def _fields(of: Print) -> dict[str, bytes]:
    return {
        name: of.fields[at * FIELD_BYTES : (at + 1) * FIELD_BYTES]
        for at, name in enumerate(of.names.split(","))
    }
