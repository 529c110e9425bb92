"""Groups of alternatives as protobuf messages."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lexigram.nosql.backends.firestore.planning.grouping import Group
from lexigram.nosql.backends.firestore.planning.messages import (
    AND,
    ASCENDING,
    DESCENDING,
    FIELD_OPERATORS,
    OR,
    UNARY_OPERATORS,
    StructuredQuery,
)
from lexigram.nosql.backends.firestore.planning.reading import Place
from lexigram.nosql.backends.firestore.planning.terms import Conjunction, Term

__all__ = ["build"]


def build(group: Group | None, place: Place, order: Sequence[tuple[str, int]]) -> Any:
    """One request.

    Args:
        group: What it selects; None for everything.
        place: The collection.
        order: Paths and directions.

    Returns:
        A ``StructuredQuery``.
    """
    query = StructuredQuery()
    source = query.from_.add()
    source.collection_id = place.collection_id
    if place.is_group:
        source.all_descendants = True
    present: list[str] = []
    if group is not None:
        _put_alternatives(group.alternatives, query, present)
    for path, direction in order:
        _put_order(query, path, direction)
    named = {path for path, _ in order}
    for path in present:
        if path not in named:
            _put_order(query, path, 1)
    return query


def _put_order(query: Any, path: str, direction: int) -> None:
    added = query.order_by.add()
    added.field.field_path = path
    added.direction = ASCENDING if direction > 0 else DESCENDING


def _put_alternatives(alternatives: Sequence[Conjunction], query: Any, present: list[str]) -> None:
    first, *others = alternatives
    common = [term for term in first if all(any(term.same(own) for own in other) for other in others)]
    rests = [[term for term in own if not any(term.same(held) for held in common)] for own in alternatives]
    present.extend([term.path for term in common if term.op == "present"])
    shared = [term for term in common if term.op != "present"]
    # An alternative that is only what all have in common selects as much as all together.
    branches = [rest for rest in rests if rest] if others and all(rests) else []
    count = len(shared) + bool(branches)
    if count == 0:
        return
    if count == 1 and shared:
        _put_term(shared[0], query.where)
        return
    if not shared:
        _put_branches(branches, query.where, present)
        return
    whole = query.where.composite_filter
    whole.op = AND
    for term in shared:
        _put_term(term, whole.filters.add())
    if branches:
        _put_branches(branches, whole.filters.add(), present)


def _put_branches(branches: Sequence[Sequence[Term]], target: Any, present: list[str]) -> None:
    composite = target.composite_filter
    composite.op = OR
    for terms in branches:
        for term in terms:
            if term.op == "present" and term.path not in present:
                present.append(term.path)
        asked = [term for term in terms if term.op != "present"]
        branch = composite.filters.add()
        if len(asked) == 1:
            _put_term(asked[0], branch)
            continue
        branch.composite_filter.op = AND
        for term in asked:
            _put_term(term, branch.composite_filter.filters.add())


def _put_term(term: Term, target: Any) -> None:
    unary = UNARY_OPERATORS.get(term.op)
    if unary is not None:
        target.unary_filter.op = unary
        target.unary_filter.field.field_path = term.path
        return
    condition = target.field_filter
    condition.field.field_path = term.path
    condition.op = FIELD_OPERATORS[term.op]
    if term.op in {"in", "not-in", "array-contains-any"}:
        condition.value.array_value.values.extend(term.values)
    else:
        condition.value.CopyFrom(term.values[0])
