"""Plans without constants, kept by the shape of the filter.

A plan depends on the shape of the filter, the order and the hint, and sometimes on more of a constant than its class:
whether a number has digits to spare, or a text is too long for a key. What was asked is kept with the plan as *guards*;
it serves again where the answers are the same, and a few plans with other answers are kept beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from lexigram.nosql.backends.dynamodb.planning.access import (
    NOTHING,
    AccessPlan,
    Display,
    GetKeys,
    Key,
    QueryPlan,
    Request,
    RequestTemplate,
    ScanPlan,
)
from lexigram.nosql.backends.dynamodb.planning.display import MOST_SHOWN, shown
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    NEVER,
    Composite,
    Constant,
    Expression,
    Operand,
    Text,
    Value,
)
from lexigram.nosql.backends.dynamodb.planning.meanings import Guard
from lexigram.nosql.backends.dynamodb.planning.shape import AttributeValue
from lexigram.nosql.backends.dynamodb.planning.writes import WriteCondition
from lexigram.nosql.driver import Access
from lexigram.nosql.query.parse import Query

__all__ = ["ConditionRecipe", "KeyRecipe", "NothingRecipe", "QueryRecipe", "Recipe", "Recipes", "ScanRecipe"]

_MOST_RECIPES: Final = 1024
_MOST_VARIANTS: Final = 8

_NO_ACCESS: Final = Access("key", None, ("_id",))


class Guarded:
    """Something that was worked out for a shape, and depends on what was asked about constants.

    Attributes:
        guards: What it depends on.
        keeps: False where it serves these constants only.
    """

    __slots__ = ("guards", "keeps")

    def __init__(self) -> None:
        self.guards: tuple[Guard, ...] = ()
        self.keeps = True

    def serves(self, constants: Sequence[Any]) -> bool:
        """Say whether it is the plan for these constants."""
        for slot, question, answer in self.guards:  # noqa: SIM110 - a generator takes twice as long
            if question(constants[slot]) != answer:
                return False
        return True


class Recipe(Guarded, ABC):
    """A plan without constants."""

    __slots__ = ()

    @abstractmethod
    def plan(self, query: Query, constants: Sequence[Any]) -> AccessPlan:
        """Make the plan for a filter."""


class NothingRecipe(Recipe):
    """No document can match."""

    __slots__ = ()

    def plan(self, query: Query, constants: Sequence[Any]) -> AccessPlan:
        """Make the plan for a filter."""
        return AccessPlan(NOTHING, _NO_ACCESS, None, True, False, {"operation": "none"})


class KeyRecipe(Recipe):
    """Items by key.

    Args:
        keys: For each key, its attributes and their values.
        access: For plans.
        settled: True when the keys say all.
        ordered: True when they come in the order of the sort.
        table: Name of the table.
    """

    __slots__ = ("_access", "_keys", "_ordered", "_settled", "_table")

    def __init__(
        self,
        keys: tuple[tuple[tuple[str, Value], ...], ...],
        access: Access,
        settled: bool,
        *,
        ordered: bool,
        table: str,
    ) -> None:
        super().__init__()
        self._keys = keys
        self._access = access
        self._settled = settled
        self._ordered = ordered
        self._table = table

    def plan(self, query: Query, constants: Sequence[Any]) -> AccessPlan:
        """Make the plan for a filter."""
        keys = self.keys(constants)
        way = GetKeys(tuple(keys))
        table = self._table
        return AccessPlan(
            way,
            self._access,
            None if self._settled else query,
            self._ordered or len(keys) == 1,
            False,
            Display(lambda: _shown_keys(table, keys)),
        )

    def keys(self, constants: Sequence[Any]) -> list[Key]:
        """Make the keys, each once."""
        keys: list[Key] = []
        for attributes in self._keys:
            key: Key = {}
            for name, value in attributes:
                key[name] = (
                    value.make(constants[value.slot], value.part) if type(value) is Operand else _fill(value, constants)
                )
            keys.append(key)
        if len(keys) > 1:
            keys = list({tuple([tuple(value.items()) for value in key.values()]): key for key in keys}.values())
        return keys


def _shown_keys(table: str, keys: Sequence[dict[str, AttributeValue]]) -> dict[str, Any]:
    return {
        "operation": "GetItem" if len(keys) == 1 else "BatchGetItem",
        "table": table,
        "keys": list(keys[: MOST_SHOWN * 10]),
        **({} if len(keys) <= MOST_SHOWN * 10 else {"key_count": len(keys)}),
    }


def _fill(value: Value, constants: Sequence[Any]) -> AttributeValue:
    match value:
        case Operand(slot, make, part):
            return make(constants[slot], part)
        case Composite(parts, make):
            return make([constants[slot] if place is None else constants[slot][place] for slot, place in parts])
        case Text(text):
            return {"S": text}
        case Constant(kind, content):
            return {kind: content}


class QueryRecipe(Recipe):
    """Partitions of the table or of an index.

    Args:
        templates: The requests.
        access: For plans.
        settled: True when they say all.
        ordered: True when items come in the order of the sort.
        fetch: True when items must be got from the table.
    """

    __slots__ = ("_access", "_fetch", "_filtered", "_ordered", "_settled", "_templates")

    def __init__(
        self, templates: tuple[RequestTemplate, ...], access: Access, settled: bool, *, ordered: bool, fetch: bool
    ) -> None:
        super().__init__()
        self._templates = templates
        self._access = access
        self._settled = settled
        self._ordered = ordered
        self._fetch = fetch
        self._filtered = any("FilterExpression" in template.fixed for template in templates)

    def plan(self, query: Query, constants: Sequence[Any]) -> AccessPlan:
        """Make the plan for a filter."""
        requests: list[Request] = []
        for template in self._templates:
            request = template.fill(constants)
            # Equal values of one ``$in`` make equal requests.
            if request is not None and (len(self._templates) == 1 or request not in requests):
                requests.append(request)
        if not requests:
            return NothingRecipe().plan(query, constants)
        more = {"fetch": "BatchGetItem"} if self._fetch else {}
        return AccessPlan(
            QueryPlan(tuple(requests), self._fetch),
            self._access,
            None if self._settled else query,
            self._ordered,
            self._filtered,
            Display(lambda: shown("Query", requests, **more)),
        )


class ScanRecipe(Recipe):
    """The whole table.

    Args:
        template: The request.
        access: For plans.
        settled: True when it says all.
        ordered: True when no order was asked.
        segments: How many parts are read at the same time.
    """

    __slots__ = ("_access", "_ordered", "_segments", "_settled", "_template")

    def __init__(
        self, template: RequestTemplate, access: Access, settled: bool, *, ordered: bool, segments: int
    ) -> None:
        super().__init__()
        self._template = template
        self._access = access
        self._settled = settled
        self._ordered = ordered
        self._segments = segments

    def plan(self, query: Query, constants: Sequence[Any]) -> AccessPlan:
        """Make the plan for a filter."""
        request: Request = self._template.fill(constants) or {}
        segments = self._segments
        return AccessPlan(
            ScanPlan(request, segments),
            self._access,
            None if self._settled else query,
            self._ordered,
            "FilterExpression" in request,
            Display(lambda: shown("Scan", [request], **({"segments": segments} if segments > 1 else {}))),
        )


class ConditionRecipe(Guarded):
    """The key of one document, and the condition on which a filter selects it.

    Args:
        keys: The keys; None where the filter gives none.
        sure: The rest of the filter.
    """

    __slots__ = ("_kept", "_keys", "_sure")

    def __init__(self, keys: KeyRecipe | None, sure: Expression) -> None:
        super().__init__()
        self._keys = keys
        self._sure = sure
        self._kept: dict[Hashable, Any] = {}

    def condition(self, query: Query) -> WriteCondition | None:
        """Make the condition of a filter; None where there is none."""
        if self._keys is None or self._sure == NEVER:
            return None
        keys = self._keys.keys(query.constants)
        return WriteCondition(keys[0], self._sure, query.constants, self._kept) if len(keys) == 1 else None


R = TypeVar("R", bound=Guarded)


class Recipes(Generic[R]):
    """The plans of one collection, the last used of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, list[R]] = OrderedDict()
        self._lock = Lock()
        self.hits = self.misses = 0

    def find(self, key: Hashable, constants: Sequence[Any]) -> R | None:
        """Find the plan for a shape and these constants."""
        for recipe in self._kept.get(key, ()):
            if recipe.serves(constants):
                self.hits += 1
                return recipe
        self.misses += 1
        return None

    def keep(self, key: Hashable, recipe: R) -> None:
        """Keep a plan."""
        if not recipe.keeps:
            return
        with self._lock:
            variants = self._kept.get(key, [])
            self._kept[key] = [recipe, *variants[: _MOST_VARIANTS - 1]]
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_RECIPES:
                self._kept.popitem(last=False)
