"""Alternatives as requests that Firestore takes: as few as its limits and its treatment of missing fields allow.

A request with an inequality orders by that field, and so leaves out documents without it, also those that another
alternative selects. Alternatives share a request only where each of them rules out that the field is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lexigram.nosql.backends.firestore.planning.terms import INEQUALITIES, NAME, Conjunction, Term, is_key, weight

__all__ = ["MOST_ALTERNATIVES", "MOST_FILTERS", "MOST_REQUESTS", "Group", "group"]

MOST_ALTERNATIVES: Final = 30
"""In one request, counted after ``in`` and its like are multiplied out (Firestore, "Query data", limitations)."""

MOST_FILTERS: Final = 100
"""Filters, orders and the parent's path in one request, the filters counted in each alternative by itself."""

MOST_INEQUALITIES: Final = 10
"""Fields with inequalities in one request."""

MOST_REQUESTS: Final = 20
"""A condition that takes more requests is left to the engine."""

_ALWAYS_COUNTED: Final = 2
"""The parent's path, and the order by name that ends every other."""

_ALONE: Final = frozenset({"!=", "not-in", "is-not-null"})


@dataclass(slots=True)
class Group:
    """The alternatives of one request.

    Attributes:
        alternatives: At least one.
        inequalities: Paths with an inequality, in the order of their names.
        weight: As how many alternatives Firestore counts them.
        filters: As how many filters.
    """

    alternatives: list[Conjunction]
    inequalities: frozenset[str] = frozenset()
    weight: int = field(default=0)
    filters: int = field(default=0)


def group(
    alternatives: Sequence[Conjunction], is_required: Callable[[str], bool], orders: int = 0
) -> tuple[list[Group], bool]:
    """Share alternatives out among requests.

    Args:
        alternatives: What is to be selected.
        is_required: Whether every document has the field at a path.
        orders: By how many fields the requests may have to order.

    Returns:
        The groups, and whether they select no more than the alternatives. No groups at all where the alternatives
        cannot be asked for.
    """
    groups: list[Group] = []
    exact = True
    room = MOST_FILTERS - orders - _ALWAYS_COUNTED
    for conjunction in alternatives:
        bounded, whole = _bounded(conjunction, room)
        exact = exact and whole
        if not bounded:
            return [], False
        for part in _split(bounded, room):
            _put(part, groups, is_required, room)
            if len(groups) > MOST_REQUESTS:
                return [], False
    return groups, exact


def _bounded(conjunction: Conjunction, room: int) -> tuple[Conjunction, bool]:
    """A conjunction with no more inequalities, lists and filters than one request takes."""
    terms: list[Term] = []
    fields: set[str] = set()
    size = 1
    whole = True
    for term in sorted(conjunction, key=lambda term: _length(term)):
        added = term.op in INEQUALITIES and term.path not in fields
        if len(terms) + len(fields) + 1 + added > room:
            whole = False
            continue
        if added:
            if len(fields) == MOST_INEQUALITIES:
                whole = False
                continue
            fields.add(term.path)
        length = _length(term)
        if length > 1 and size > MOST_ALTERNATIVES:  # only the longest list is cut
            whole = False
            continue
        size *= length
        terms.append(term)
    return tuple(terms), whole


def _length(term: Term) -> int:
    return len(term.values) if term.op in {"in", "array-contains-any"} else 1


def _split(conjunction: Conjunction, room: int) -> list[Conjunction]:
    """Parts of a conjunction that each fit in a request: the longest list is cut, and if need be the next."""
    size = weight(conjunction)
    most = min(MOST_ALTERNATIVES, max((room - len(_ordered(conjunction))) // len(conjunction), 1))
    if size <= most:
        return [conjunction]
    longest = max(conjunction, key=_length)
    step = max(most // (size // _length(longest)), 1)
    rest = tuple([term for term in conjunction if term is not longest])
    parts: list[Conjunction] = []
    for start in range(0, len(longest.values), step):
        parts += _split((*rest, Term(longest.path, longest.op, longest.values[start : start + step])), room)
    return parts


def _ordered(conjunction: Conjunction) -> frozenset[str]:
    """The fields by which Firestore orders of itself."""
    return frozenset([term.path for term in conjunction if term.op in INEQUALITIES and term.path != NAME])


def _put(conjunction: Conjunction, groups: list[Group], is_required: Callable[[str], bool], room: int) -> None:
    own = _ordered(conjunction)
    size = weight(conjunction)
    filters = size * len(conjunction)
    alone = any(term.op in _ALONE for term in conjunction)
    for candidate in groups:
        if alone or candidate.weight + size > MOST_ALTERNATIVES or _is_alone(candidate):
            continue
        together = own | candidate.inequalities
        if candidate.filters + filters + len(together) > room:
            continue
        if together and any(is_key(term) for each in (conjunction, *candidate.alternatives) for term in each):
            continue  # which Firestore refuses in one request
        if len(together) <= MOST_INEQUALITIES and all(
            _has(alternative, together, is_required) for alternative in (conjunction, *candidate.alternatives)
        ):
            candidate.alternatives.append(conjunction)
            candidate.inequalities = together
            candidate.weight += size
            candidate.filters += filters
            return
    groups.append(Group([conjunction], own, size, filters))


def _is_alone(candidate: Group) -> bool:
    return any(term.op in _ALONE for term in candidate.alternatives[0])


def _has(conjunction: Conjunction, paths: frozenset[str], is_required: Callable[[str], bool]) -> bool:
    """True when every document of an alternative has the fields."""
    held = {term.path for term in conjunction}
    return all(path in held or is_required(path) for path in paths)
