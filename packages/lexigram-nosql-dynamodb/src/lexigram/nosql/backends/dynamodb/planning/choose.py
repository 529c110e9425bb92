"""Chooses the way to the documents of one collection, and keeps what it has chosen for filters of the same shape.

In order: look-ups by key; a partition of the table, of a local or of a global index, the more of the sort key is used
the better, then the order that is asked for, then the table before an index; and reading everything. What the key
condition does not say becomes a filter, as far as DynamoDB can say it and takes it; the engine tests the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product, repeat
from math import prod
from typing import Any, Final, cast

from lexigram.nosql.backends.dynamodb.codec import OURS, stored_field
from lexigram.nosql.backends.dynamodb.planning.access import AccessPlan
from lexigram.nosql.backends.dynamodb.planning.candidates import (
    Branch,
    Candidate,
    Impossible,
    key_constant,
    native_candidate,
    point_sets,
)
from lexigram.nosql.backends.dynamodb.planning.computed import computed_candidate
from lexigram.nosql.backends.dynamodb.planning.conditions import meaning_of
from lexigram.nosql.backends.dynamodb.planning.expressions import NEVER, Comparison, Value, all_of
from lexigram.nosql.backends.dynamodb.planning.identity import pair_operands, pairs_among
from lexigram.nosql.backends.dynamodb.planning.meanings import EVERY, Constants
from lexigram.nosql.backends.dynamodb.planning.recipes import (
    ConditionRecipe,
    KeyRecipe,
    NothingRecipe,
    QueryRecipe,
    Recipe,
    Recipes,
    ScanRecipe,
)
from lexigram.nosql.backends.dynamodb.planning.requests import (
    Limits,
    Term,
    are_small,
    branch_request,
    scan_request,
    weight,
)
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeType, IndexShape, TableShape
from lexigram.nosql.backends.dynamodb.planning.writes import WriteCondition, WritePlan, plan_write
from lexigram.nosql.driver import Access, Hint
from lexigram.nosql.exceptions import NoSQLIndexError
from lexigram.nosql.indexes import ID_INDEX
from lexigram.nosql.query.ast import Always, And, Compare, In, Node, Slot
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.update.ast import Operation

__all__ = ["Planner"]

_BAD_HINT: Final = 2
_MOST_KEYS: Final = 10_000
"""Keys that one look-up may have when they are combined of several parts."""

_SIZED: Final = frozenset({str, bytes, list, tuple, dict})
_NATURAL: Final = ((("$natural", 1),), (("$natural", -1),))


class Planner:
    """Plans reads of one collection. Makes no call, and keeps nothing but plans.

    Args:
        shape: The collection in its table.
        limits: Of expressions; only tests have others than DynamoDB's.
    """

    def __init__(self, shape: TableShape, limits: Limits | None = None) -> None:
        self._shape = shape
        self._limits = limits or Limits()
        self._recipes = Recipes[Recipe]()
        self._conditions = Recipes[ConditionRecipe]()
        self._indexes = tuple([index for index in shape.indexes if _is_usable(index)])
        self._typed = _typed_attributes(self._indexes)

    @property
    def hits(self) -> int:
        """How many reads were planned before, for another filter of the same shape."""
        return self._recipes.hits

    @property
    def misses(self) -> int:
        """How many reads were planned from the beginning, among those whose filters have a shape."""
        return self._recipes.misses

    def plan(
        self,
        query: Query,
        sort: Sort | None = None,
        hint: Hint | None = None,
        *,
        consistent: bool = False,
        needed: frozenset[str] | None = None,
    ) -> AccessPlan:
        """Plan a read.

        Args:
            query: The filter.
            sort: The order, or None.
            hint: Name or keys of an index of the shape that must be used, ``_id_`` or ``$natural``, or None.
            consistent: Read nothing that may be behind the writes.
            needed: Top-level fields that are wanted of each document, those that the engine tests or sorts by among
                them; None for whole documents.

        Returns:
            The plan.

        Raises:
            NoSQLIndexError: *hint* names no index of the shape, or one that cannot be read consistently.
        """
        constants = query.constants
        shape_key = query.shape
        if shape_key is None:
            return self._make(query, sort, hint, consistent, needed).plan(query, constants)
        key = (shape_key, sort, hint, consistent, needed)
        recipe = self._recipes.find(key, constants)
        if recipe is None:
            recipe = self._make(query, sort, hint, consistent, needed)
            self._recipes.keep(key, recipe)
        return recipe.plan(query, constants)

    def condition(self, query: Query) -> WriteCondition | None:
        """Find the key that a filter gives, and the condition that surely means the rest of it.

        Args:
            query: The filter.

        Returns:
            Key and condition; None where the filter gives no key, or several, or says what a condition cannot.
        """
        constants = query.constants
        key = ("condition", query.shape)
        recipe = None if query.shape is None else self._conditions.find(key, constants)
        if recipe is None:
            recipe = self._make_condition(query)
            if query.shape is not None:
                self._conditions.keep(key, recipe)
        return recipe.condition(query)

    def write(
        self, query: Query, operations: Sequence[Operation] | None = None, protected: Collection[str] = ()
    ) -> WritePlan | None:
        """Plan an update, or the deletion, of the one document that a filter names by its ``_id``.

        It means what the engine would do whenever its condition holds. When the condition fails, nothing has happened,
        and the engine must find out why.

        Args:
            query: The filter.
            operations: What the update does; None to delete.
            protected: Dotted paths whose change means more than a change of the field: all that is indexed by us,
                unique or expires, and what partial indexes ask for.

        Returns:
            The plan; None where the engine must do it.
        """
        found = self.condition(query)
        return None if found is None else plan_write(self._shape, found, operations, protected, self._limits)

    def _make_condition(self, query: Query) -> ConditionRecipe:
        constants = Constants(
            query.constants, self._typed, foreign=self._shape.foreign, collated=query.collation is not None
        )
        making = _Making(self._shape, self._limits, constants, query, None, None)
        try:
            recipe = making.condition()
        except Impossible:
            recipe = ConditionRecipe(None, NEVER)
        recipe.guards = tuple(constants.guards)
        return recipe

    def _make(
        self, query: Query, sort: Sort | None, hint: Hint | None, consistent: bool, needed: frozenset[str] | None
    ) -> Recipe:
        constants = Constants(
            query.constants, self._typed, foreign=self._shape.foreign, collated=query.collation is not None
        )
        sized = [Slot(place) for place, value in enumerate(query.constants) if type(value) in _SIZED]
        small = are_small(map(constants.ask, sized, repeat(weight)))
        making = _Making(self._shape, self._limits, constants, query, sort, None if small else query.constants)
        try:
            recipe = making.recipe(self._chosen(hint, consistent), _attributes(self._shape, needed))
        except Impossible:
            recipe = NothingRecipe()
        recipe.guards = tuple(constants.guards)
        recipe.keeps = small
        return recipe

    def _chosen(self, hint: Hint | None, consistent: bool) -> tuple[IndexShape, ...] | None:
        """The indexes that may be read, the table's own key first; None to read everything."""
        primary = self._shape.primary
        if hint is None:
            return (primary, *[index for index in self._indexes if index.consistent_ok or not consistent])
        if hint in (ID_INDEX.name, ID_INDEX.keys):
            return (primary,)
        if hint in _NATURAL:
            return None
        for index in self._shape.indexes:
            if hint in _names(index):
                if consistent and not index.consistent_ok:
                    raise NoSQLIndexError(
                        f"the index {hint!r} cannot be read consistently",
                        hint="Global secondary indexes follow the table with a delay: read without consistency.",
                        mongo_code=_BAD_HINT,
                    )
                return (index,)
        raise NoSQLIndexError(f"there is no index {hint!r}", mongo_code=_BAD_HINT)


def _names(index: IndexShape) -> tuple[Hint, ...]:
    if index.computed is not None:
        return index.name, index.computed.spec.name, index.computed.spec.keys
    return index.name, tuple([(key.path or key.name, 1) for key in index.keys])


def _is_usable(index: IndexShape) -> bool:
    """True for an index of ours, and for one whose key attributes are fields that a filter can name."""
    if index.computed is not None:
        return True
    for key in index.keys:
        path = key.path
        if path is None or path.split(".")[0] == "_id":
            continue
        if "." in path or stored_field(path) != key.name:
            return False
    return True


def _typed_attributes(indexes: Sequence[IndexShape]) -> dict[str, AttributeType]:
    """Attributes that hold one type only: DynamoDB refuses to write another into a key of an index."""
    return {
        key.name: key.type
        for index in indexes
        if index.computed is None
        for key in index.keys
        if key.path is not None and key.path.split(".")[0] != "_id"
    }


def _attributes(shape: TableShape, fields: frozenset[str] | None) -> frozenset[str] | None:
    """The attributes that hold some fields, and what is ours beside them; those of the table's key are in any index."""
    if fields is None:
        return None
    names = frozenset([stored_field(shape.attribute(name)) for name in fields if name != "_id"])
    return names if shape.foreign else names | {OURS}


class _Making:
    """The making of one plan."""

    def __init__(
        self,
        shape: TableShape,
        limits: Limits,
        constants: Constants,
        query: Query,
        sort: Sort | None,
        sizes: Sequence[Any] | None,
    ) -> None:
        self._shape = shape
        self._limits = limits
        self._constants = constants
        self._sort = sort
        self._sizes = sizes
        root = query.pattern
        self._nodes: tuple[Node, ...] = root.parts if isinstance(root, And) else (root,)
        self._terms = [Term(id(node), meaning_of(node, constants, shape)) for node in self._nodes]
        self._empty = isinstance(root, Always)
        self._by_key: frozenset[int] = frozenset()

    def recipe(self, indexes: Sequence[IndexShape] | None, needed: frozenset[str] | None) -> Recipe:
        """The plan.

        Args:
            indexes: What may be read; None for nothing but the whole table.
            needed: Attributes that are wanted of each item; None for all.

        Raises:
            Impossible: No document can match.
        """
        if any(term.meaning.superset == NEVER for term in self._terms):
            raise Impossible
        if indexes is None:
            return self._everything()
        if self._shape.primary in indexes:
            keys = self._keys()
            if keys is not None:
                return keys
        best = self._best(indexes, needed)
        return self._everything() if best is None else self._query(best)

    def _keys(self) -> KeyRecipe | None:
        """Look-ups by key, where the filter gives whole keys."""
        found = self._whole_ids() or self._combined_keys()
        if found is None:
            return None
        keys, self._by_key = found
        if not keys:
            raise Impossible
        names = [key.name for key in self._shape.primary.keys]
        return KeyRecipe(
            tuple([tuple(zip(names, values, strict=True)) for values in keys]),
            Access("key", ID_INDEX.name, ("_id",)),
            self._is_settled(self._by_key),
            ordered=len(keys) == 1 or self._sort is None,
            table=self._shape.table,
        )

    def _combined_keys(self) -> tuple[list[tuple[Value, ...]], frozenset[int]] | None:
        """Keys whose attributes are given one by one."""
        found = point_sets(self._shape.primary.keys, self._nodes, self._constants)
        if found is None:
            return None
        sets, settled = found
        open_sets = [len(values) for values in sets if len(values) > 1]
        if len(open_sets) > 1 and prod(open_sets) > _MOST_KEYS:
            return None
        return list(product(*sets)), settled

    def _whole_ids(self) -> tuple[list[tuple[Value, ...]], frozenset[int]] | None:
        """Keys of an ``_id`` that is a document of several parts."""
        parts = self._shape.id_attributes
        if len(parts) < 2:
            return None
        for node in self._nodes:
            if not isinstance(node, Compare | In) or node.path != "_id":
                continue
            if isinstance(node, In):
                if node.regexes:
                    continue
                found = pairs_among(cast("Slot", node.values), self._constants, parts)
            elif node.op == "$eq":
                one = pair_operands(cast("Slot", node.value), self._constants, parts)
                found = [] if one is None else [one]
            else:
                continue
            return [self._complete(operands) for operands in found], frozenset([id(node)])
        return None

    def _complete(self, operands: Sequence[Value]) -> tuple[Value, ...]:
        """A key of which the parts that hold the ``_id`` are given."""
        given = iter(operands)
        return tuple(
            [next(given) if key.constant is None else key_constant(key.constant) for key in self._shape.primary.keys]
        )

    def condition(self) -> ConditionRecipe:
        """The key of the one document, and what surely means the rest of the filter."""
        keys = self._keys()
        if keys is None:
            return ConditionRecipe(None, NEVER)
        return ConditionRecipe(
            keys, all_of([term.meaning.sure for term in self._terms if term.key not in self._by_key])
        )

    def _best(self, indexes: Sequence[IndexShape], needed: frozenset[str] | None) -> Candidate | None:
        found: list[Candidate] = []
        for index in indexes:
            if index.computed is not None:
                candidate = computed_candidate(index, self._nodes, self._constants, self._sort)
            else:
                candidate = native_candidate(index, self._nodes, self._constants, self._sort, needed)
                if candidate is not None and not candidate.fields and index.kind == "table":
                    # All of a collection is no access by an index, unless its order is wanted.
                    candidate = None if self._sort is None or candidate.direction == 0 else candidate
            if candidate is not None:
                found.append(candidate)
        ordered = self._sort is not None
        return min(found, key=lambda candidate: candidate.rank(ordered=ordered), default=None)

    def _query(self, candidate: Candidate) -> Recipe:
        made = [
            branch_request(self._shape, candidate, branch, self._terms, self._limits, self._sizes)
            for branch in candidate.branches
        ]
        said = made[0][1].intersection(*[settled for _, settled in made])
        index = candidate.index
        name = index.name if index.computed is None else index.computed.spec.name
        access = Access("index", ID_INDEX.name if index.kind == "table" else name, candidate.fields)
        return QueryRecipe(
            tuple([template for template, _ in made]),
            access,
            self._is_settled(said),
            ordered=candidate.direction != 0,
            fetch=candidate.fetch,
        )

    def _everything(self) -> Recipe:
        primary = self._shape.primary
        ordered = self._sort is None or self._sort.natural == 1
        access = Access("scan")
        if primary.partition[0].constant is not None and len(primary.partition) == 1:
            key = primary.partition[0]
            condition = Comparison((key.name,), "=", key_constant(cast("Any", key.constant)))
            whole = Candidate(primary, (Branch((condition,)),), (), 1, 0)
            template, said = branch_request(
                self._shape, whole, whole.branches[0], self._terms, self._limits, self._sizes
            )
            return QueryRecipe((template,), access, self._is_settled(said), ordered=ordered, fetch=False)
        template, said = scan_request(self._shape, self._terms, self._limits, self._sizes)
        return ScanRecipe(template, access, self._is_settled(said), ordered=ordered, segments=self._shape.segments)

    def _is_settled(self, said: frozenset[int]) -> bool:
        return self._empty or all(term.key in said or term.meaning == EVERY for term in self._terms)
