"""Compiles filters and orders for the collections of one database."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lexigram.nosql.backends.firestore.codec.ids import encode_id
from lexigram.nosql.backends.firestore.planning.building import build
from lexigram.nosql.backends.firestore.planning.conditions import Translation, translate
from lexigram.nosql.backends.firestore.planning.grouping import Group, group
from lexigram.nosql.backends.firestore.planning.hints import NO_HINTS, CollectionHints
from lexigram.nosql.backends.firestore.planning.reading import KeyRead, Place, QueryRead
from lexigram.nosql.backends.firestore.planning.repeating import (
    Recipe,
    constants_of,
    marks_of,
    stand_ins,
    with_constants,
)
from lexigram.nosql.backends.firestore.planning.showing import Shown
from lexigram.nosql.backends.firestore.planning.terms import INEQUALITIES, NAME, Conjunction
from lexigram.nosql.driver import Access, Compiled
from lexigram.nosql.query.ast import In, Node
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.path import MISSING

__all__ = ["Planner"]

_MOST_KEPT: Final = 512
_KEY: Final = Access("key", "__name__", ("_id",))
_SCAN: Final = Access("scan")
_ORDERABLE: Final = (
    frozenset({"text"}),
    frozenset({"int"}),
    frozenset({"int", "float"}),
    frozenset({"bool"}),
    frozenset({"date"}),
)
"""Kinds whose values Firestore orders as the engine does, as long as no other stands between them."""

_Kept = tuple[Recipe | None, Compiled, Translation | None]


class Planner:
    """Compiles requests to one collection.

    Args:
        place: The collection.
        hints: What its fields hold.
    """

    def __init__(self, place: Place, hints: CollectionHints = NO_HINTS) -> None:
        self.place = place
        self.hints = hints
        self._required = frozenset(hints.required_paths())
        self._kept: dict[Any, _Kept] = {}

    def compile(self, query: Query, sort: Sort | None) -> Compiled:
        """Translate a filter and an order. Makes no call.

        Args:
            query: The filter.
            sort: The order, or None.

        Returns:
            The native part, a :class:`KeyRead` or a :class:`QueryRead`, and the residue.
        """
        by_key = self._by_key(query, sort)
        return self._by_shape(query, sort) if by_key is None else by_key

    # Shapes

    def _by_shape(self, query: Query, sort: Sort | None) -> Compiled:
        """What a recipe makes, where there is one for requests of this shape."""
        constants: list[Any] = []
        if query.shape is None or query.collation is not None or not constants_of(query.root, constants):
            return self._by_query(query.root, query, sort)
        marks = marks_of(constants)
        if marks is None:
            return self._by_query(query.root, query, sort)
        key = (query.shape, sort, marks)
        kept = self._kept.get(key)
        if kept is None:
            compiled = self._by_query(query.root, query, sort)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = self._recipe(query, sort, constants, compiled)
            return compiled
        recipe, model, about = kept
        if recipe is None:
            return self._by_query(query.root, query, sort)
        native = QueryRead(recipe.fill(constants), model.native.order)
        shown = Shown(self.place, native, about)
        return Compiled(model.access, native, None if model.exact else query, model.ordered, True, shown)

    def _recipe(self, query: Query, sort: Sort | None, constants: list[Any], compiled: Compiled) -> _Kept:
        """A recipe that has made what compiling made; none where there is none."""
        nothing: _Kept = (None, compiled, None)
        if not isinstance(compiled.native, QueryRead):
            return nothing
        others = stand_ins(constants)
        model = self._by_query(with_constants(query.root, iter(others)), query, sort)
        if not isinstance(model.native, QueryRead):
            return nothing
        name = None if self.place.is_group else self.place.name
        recipe = Recipe(model.native.queries, others, name)
        same = (model.access, model.exact, model.ordered, model.native.order) == (
            compiled.access,
            compiled.exact,
            compiled.ordered,
            compiled.native.order,
        )
        if not same or recipe.fill(constants) != compiled.native.queries:
            return nothing
        return recipe, model, model.display.about if isinstance(model.display, Shown) else None

    # Look-ups

    def _by_key(self, query: Query, sort: Sort | None) -> Compiled | None:
        """A look-up, where the filter fixes the ``_id``."""
        value = query.equality("_id", MISSING)
        if value is not MISSING:
            if type(value) is not str and not _is_scalar(value) and type(value) is not dict:
                return None
            if query.collation is not None and type(value) not in _UNCOLLATED:
                return None
            read = KeyRead((value,))
            whole = query.is_equality("_id")
            return Compiled(_KEY, read, None if whole else query, True, True, Shown.of_ids(self.place, read))
        for node in query.conjuncts:
            if not isinstance(node, In) or node.path != "_id" or node.regexes:
                continue
            if query.collation is not None and not _UNCOLLATED.issuperset(map(type, node.values)):
                continue
            ids = {encode_id(value): value for value in node.values if type(value) is not list}
            read = KeyRead(tuple(ids.values()))
            residue = None if len(query.conjuncts) == 1 else query
            ordered = sort is None or len(ids) <= 1
            return Compiled(_KEY, read, residue, ordered, True, Shown.of_ids(self.place, read))
        return None

    # Queries

    def _by_query(self, root: Node, query: Query, sort: Sort | None) -> Compiled:
        place = self.place
        about = Translation(self.hints, None if place.is_group else place.name, query.collation)
        selected = translate(root, about)
        if not selected.alternatives:
            read = KeyRead(())
            shown = Shown.of_ids(place, read, about)
            return Compiled(_KEY, read, None if selected.exact else query, True, True, shown)
        exact = selected.exact
        groups: list[Group] = []
        if not selected.is_everything:
            orders = 0 if sort is None else len(sort.fields)
            groups, whole = group(selected.alternatives, self._required.__contains__, orders)
            exact = exact and whole and bool(groups)
        order: Sequence[tuple[str, int]] = ()
        ordered = sort is None
        if sort is not None and len(groups) <= 1:
            native_order = self._order(sort, groups[0].alternatives if groups else [()], about)
            if native_order is not None:
                order, ordered = native_order, True
        queries = tuple([build(each, place, order) for each in groups]) or (build(None, place, order),)
        native = QueryRead(queries, tuple(order))
        return Compiled(
            _access(groups, order), native, None if exact else query, ordered, True, Shown(place, native, about)
        )

    def _order(
        self, sort: Sort, alternatives: Sequence[Conjunction], about: Translation
    ) -> list[tuple[str, int]] | None:
        """The order as Firestore takes it; None where its order would be another, or leave out documents."""
        if sort.has_meta or not sort.fields:
            return None
        found: list[tuple[str, int]] = []
        for path, direction in sort.fields:
            if path == "_id":
                if not self.hints.plain_ids or self.place.is_group or sort.collation is not None:
                    about.note("_id", "an order by ids, which may be of any type: the field hint text would tell")
                    return None
                ranges = {term.path for own in alternatives for term in own if term.op in INEQUALITIES}
                if not ranges <= {NAME, *[native for native, _ in found]}:
                    # Firestore orders by these fields as well, and takes none after the name.
                    about.note("_id", "an order by ids beside a range on a field that the order does not hold")
                    return None
                about.used["_id"] = "text"
                found.append((NAME, direction))
                return found  # no two documents have the same
            reached = about.reach(path)
            if reached is None:
                return None
            native, hint = reached
            if hint.kinds not in _ORDERABLE or (sort.collation is not None and "text" in hint.kinds):
                about.note(path, "an order by a field that may hold values of several types: a field hint would tell")
                return None
            if not hint.required and not all(any(term.path == native for term in own) for own in alternatives):
                about.notes[path] = (
                    "an order leaves out documents without the field: the field hint required would tell"
                )
                return None
            about.use(path, hint)
            found.append((native, direction))
        return found


_UNCOLLATED: Final = frozenset({int, float, bool, type(None), bytes})


def _is_scalar(value: Any) -> bool:
    return type(value) is not list


def _access(groups: Sequence[Group], order: Sequence[tuple[str, int]]) -> Access:
    if not groups:
        return Access("index", _index_name(order)) if order else _SCAN
    paths: dict[str, None] = {}
    for each in groups:
        for alternative in each.alternatives:
            for term in alternative:
                paths[term.path] = None
    fields = tuple(["_id" if path == NAME else path for path in paths])
    terms = [term for each in groups for alternative in each.alternatives for term in alternative]
    if fields == ("_id",) and all(term.op in {"==", "in"} for term in terms):
        return Access("key", "__name__", fields)
    return Access("index", _index_name([*[(path, 1) for path in paths], *order]), fields)


def _index_name(keys: Sequence[tuple[str, int]]) -> str:
    parts = dict.fromkeys([path for path, _ in keys])
    directions = dict(keys)
    return ", ".join([path if directions[path] > 0 else f"{path} desc" for path in parts])
