"""What can be asked of Firestore, before it is written as a request: alternatives of conjunctions of simple terms.

A condition becomes a list of conjunctions (a disjunctive normal form), because that is how Firestore counts and limits
what it is asked: at most 30 alternatives after ``in`` and ``array-contains-any`` are multiplied out, one array term in
each. The empty list selects nothing; a list with an empty conjunction selects everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "ALWAYS",
    "EVERYTHING",
    "INEQUALITIES",
    "NAME",
    "NOTHING",
    "Conjunction",
    "Selected",
    "Term",
    "both",
    "either",
    "is_key",
    "weight",
]

NAME: Final = "__name__"
"""The path of the document's name, which holds its id."""

INEQUALITIES: Final = frozenset({"<", "<=", ">", ">=", "!=", "not-in", "is-not-null", "present"})
"""Terms that make Firestore order by their field, and so leave out documents without it."""

_EQUALITIES: Final = {"==": "in", "in": "in", "array-contains": "array-contains-any"}
_ARRAY: Final = frozenset({"array-contains", "array-contains-any"})
_NEGATIVE: Final = frozenset({"!=", "not-in", "is-not-null"})
MOST: Final = 600
"""Alternatives that are kept at all; whatever needs more is left to the engine."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on one field.

    Attributes:
        path: As requests write it.
        op: As Firestore's clients write it; ``present`` stands for an order by the field, which selects the documents
            that have it.
        values: Constants as protobuf messages: one, several for ``in``, ``array-contains-any`` and ``not-in``, none for
            terms without a constant.
    """

    path: str
    op: str
    values: tuple[Any, ...] = ()

    def same(self, other: Term) -> bool:
        """True when both ask the same."""
        return self.path == other.path and self.op == other.op and self.values == other.values


Conjunction = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """What a condition becomes.

    Attributes:
        alternatives: Together they select at least the matches.
        exact: They select nothing else.
    """

    alternatives: tuple[Conjunction, ...]
    exact: bool

    @property
    def is_everything(self) -> bool:
        """True when every document is selected."""
        return () in self.alternatives


EVERYTHING: Final = Selected(((),), False)
"""What cannot be asked: all documents, and the engine tests them."""

ALWAYS: Final = Selected(((),), True)
NOTHING: Final = Selected((), True)


def weight(conjunction: Conjunction) -> int:
    """As how many alternatives Firestore counts a conjunction."""
    count = 1
    for term in conjunction:
        if term.op == "in" or term.op == "array-contains-any":
            count *= len(term.values)
    return count


def either(parts: Iterable[Selected]) -> Selected:
    """What at least one of several selects."""
    alternatives: list[Conjunction] = []
    exact = True
    for part in parts:
        alternatives += part.alternatives
        exact = exact and part.exact
    if () in alternatives:
        return ALWAYS if exact else EVERYTHING
    alternatives = _merged(alternatives)
    if len(alternatives) > MOST:
        return EVERYTHING
    return Selected(tuple(alternatives), exact)


def _merged(alternatives: Sequence[Conjunction]) -> list[Conjunction]:
    """Alternatives that differ in the constant of a single term become one; doubles are left out."""
    kept: list[Conjunction] = []
    places: dict[tuple[str, str], int] = {}
    for conjunction in alternatives:
        if len(conjunction) == 1:
            (term,) = conjunction
            op = _EQUALITIES.get(term.op, term.op)
            key = (term.path, op)
            place = places.get(key)
            if op in {"in", "array-contains-any"} and place is not None:
                (held,) = kept[place]
                values = list(held.values)
                values += [value for value in term.values if value not in values]
                if len(values) > len(held.values):
                    kept[place] = (Term(term.path, op, tuple(values)),)
                continue
            places.setdefault(key, len(kept))
        if not any(_same(conjunction, other) for other in kept):
            kept.append(conjunction)
    return kept


def _same(a: Conjunction, b: Conjunction) -> bool:
    return len(a) == len(b) and all(x.same(y) for x, y in zip(a, b, strict=True))


def both(parts: Iterable[Selected]) -> Selected:
    """What all of several select; the parts that would multiply beyond all bounds are left out."""
    ordered = sorted(parts, key=lambda part: (len(part.alternatives), sum(map(weight, part.alternatives))))
    alternatives: tuple[Conjunction, ...] = ((),)
    exact = True
    for part in ordered:
        if not part.alternatives:
            return NOTHING
        exact = exact and part.exact
        if part.is_everything:
            continue
        if len(alternatives) * len(part.alternatives) > MOST:
            exact = False
            continue
        joined: list[Conjunction] = []
        for a in alternatives:
            for b in part.alternatives:
                conjunction, whole = join(a, b)
                exact = exact and whole
                joined.append(conjunction)
        alternatives = tuple(joined)
    if () in alternatives:
        return ALWAYS if exact else EVERYTHING
    return Selected(alternatives, exact)


def is_key(term: Term) -> bool:
    """True for a term that tells the ids of its documents."""
    return term.path == NAME and (term.op == "==" or term.op == "in")


def join(a: Conjunction, b: Conjunction) -> tuple[Conjunction, bool]:
    """Put two conjunctions together as far as Firestore takes them together.

    Returns:
        The conjunction, and whether nothing was left out. Left out are a second array term, what stands beside ids that
        are told, and negative terms and orders beside others: they would need a composite index, and narrow little.
    """
    terms = list(a)
    whole = True
    for term in b:
        if any(term.same(held) for held in terms):
            continue
        if term.op in _ARRAY and any(held.op in _ARRAY for held in terms):
            whole = False
            continue
        terms.append(term)
    keys = [term for term in terms if is_key(term)]
    if keys and len(keys) < len(terms):
        # Firestore refuses an inequality beside them, and one document is little enough to test.
        return tuple(keys), False
    if len(terms) > 1:
        positive = [term for term in terms if term.op not in _NEGATIVE and term.op != "present"]
        if len(positive) < len(terms):
            whole = False
            terms = positive or terms[:1]
    return tuple(terms), whole
