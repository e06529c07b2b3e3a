"""Folds the mentions of a text into entities: surnames and acronyms into what they stand for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from newsmill.enricher.core.gazetteer import shared
from newsmill.enricher.core.names import PENDING, WEAK, Mention
from newsmill.records import Entity

_SMALL = shared("small")
_PARTS = re.compile(r"[^\s]+")


def fold(text: str, mentions: Sequence[Mention]) -> tuple[Entity, ...]:
    """The entities that the mentions name, by their first place in the text."""
    forms: dict[str, list[Mention]] = {}
    for mention in mentions:
        form = text[mention.start : mention.end]
        if not form.isalnum():
            form = " ".join(form.split())
        forms.setdefault(form, []).append(mention)
    types = {form: _type(found) for form, found in forms.items()}
    owner = _owners(forms, types)
    groups: dict[str, list[Mention]] = {}
    names: dict[str, dict[str, int]] = {}
    for form, found in forms.items():
        key = owner.get(form)
        if key is None:
            continue
        groups.setdefault(key, []).extend(found)
        names.setdefault(key, {})[form] = len(found)
    entities = [_entity(key, types, names[key], found) for key, found in groups.items()]
    return tuple(sorted(entities, key=lambda entity: (entity.spans[0], entity.name)))


def _type(found: list[Mention]) -> tuple[str, str, int]:
    """Type, key and strength of a form: what most of its surest mentions say."""
    if len(found) == 1:
        return found[0].type, found[0].key, found[0].strength
    surest = max(mention.strength for mention in found)
    votes = Counter((mention.type, mention.key) for mention in found if mention.strength == surest)
    type_, key = max(votes, key=lambda vote: votes[vote])
    return type_, key, surest


def _owners(
    forms: dict[str, list[Mention]], types: dict[str, tuple[str, str, int]]
) -> dict[str, str]:
    """Form → the key of the entity that it names; a form that names none is left out."""
    people = _people(forms, types)
    acronyms = _acronyms(forms, types)
    owner: dict[str, str] = {}
    for form in forms:
        type_, key, strength = types[form]
        person = people.get(form)
        if key:
            owner[form] = f"listed {key}"
        elif person is not None and (" " in form or type_ == "PERSON" or strength <= WEAK):
            owner[form] = f"person {person}"
        elif form in acronyms:
            owner[form] = acronyms[form]
        elif strength > PENDING and type_:
            owner[form] = f"{type_} {form}"
    return owner


def _people(
    forms: dict[str, list[Mention]], types: dict[str, tuple[str, str, int]]
) -> dict[str, str]:
    """Names and parts of names → the person's full name; one of several is the first's."""
    full: dict[tuple[str, str], str] = {}
    parts: dict[str, str] = {}
    surnames: dict[str, str] = {}
    for form in forms:
        if types[form][0] != "PERSON" or types[form][1]:
            continue
        words = [word for word in _PARTS.findall(form) if word.lower() not in _SMALL]
        if len(words) < 2:
            continue
        name = full.setdefault((words[0], words[-1]), form)
        parts[form] = name
        surnames.setdefault(words[-1], name)
        tail = form[form.index(" ") + 1 :]
        surnames.setdefault(tail, name)  # "de Gaulle", "Ocasio-Cortez"
        surnames.setdefault(tail[0].upper() + tail[1:], name)
        for word in words[:-1]:
            if len(word) > 2:
                parts.setdefault(word, name)
    parts |= surnames  # before a middle name or a first name of somebody else
    for form in forms:
        if types[form][0] == "PERSON" and form not in parts:
            parts[form] = form
    return parts


def _acronyms(
    forms: dict[str, list[Mention]], types: dict[str, tuple[str, str, int]]
) -> dict[str, str]:
    """Acronyms → the key of the organisation whose initials they are, where the text names it."""
    found: dict[str, str] = {}
    for form in forms:
        type_, key, strength = types[form]
        if type_ in ("ORG", "EVENT") and " " in form and strength > PENDING:
            words = [word for word in _PARTS.findall(form) if word.lower() not in _SMALL]
            initials = "".join(word[0] for word in words).upper()
            if len(initials) > 1:
                found.setdefault(initials, f"listed {key}" if key else f"{type_} {form}")
    return found


def _entity(
    owner: str,
    types: dict[str, tuple[str, str, int]],
    uses: dict[str, int],
    found: list[Mention],
) -> Entity:
    """The entity; a person by the full name, a body by no acronym, else by the most used name."""
    kind, _, name = owner.partition(" ")
    if kind != "person":
        name = _name(uses, kind)
    type_ = max((types[form] for form in uses), key=lambda typed: typed[2])[0]
    if kind == "person" or not type_:
        type_ = "PERSON"
    spans = tuple(sorted([(mention.start, mention.end) for mention in found]))
    return Entity(name=name, type=type_, spans=spans)


def _name(uses: dict[str, int], kind: str) -> str:
    """The form that is used most, one of several words before any of one."""
    if len(uses) == 1:
        return next(iter(uses))
    return max(uses, key=lambda form: (" " in form and kind != "listed", uses[form]))
