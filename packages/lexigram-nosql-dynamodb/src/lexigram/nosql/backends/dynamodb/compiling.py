"""Turns what the planner says into what the driver runs."""

from __future__ import annotations

from typing import Final

from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.planning.access import GetKeys, Nothing, QueryPlan
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind, Reach
from lexigram.nosql.driver import Compiled, Hint
from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

__all__ = ["compile_find", "compile_reach"]

_INDEX_NOT_FOUND: Final = 27


def compile_find(home: Home, query: Query, sort: Sort | None, hint: Hint | None, *, consistent: bool) -> Compiled:
    """Compile a read.

    Args:
        home: Where the collection lies.
        query: The filter.
        sort: The order, or None.
        hint: The index to use, or None.
        consistent: Only by what can be read consistently.

    Raises:
        NoSQLIndexError: *hint* names no index, or one that cannot be read consistently.
        NoSQLFilterError: It searches text, and there is no text index.
    """
    bound: Query | None = None
    if query.text is not None:
        if home.shape.text_fields is None:
            raise NoSQLFilterError(
                f"$text needs a text index on {home.collection!r}",
                hint=f"collection({home.collection!r}).create_index([('field', 'text')])",
                mongo_code=_INDEX_NOT_FOUND,
            )
        # What is searched, and the scores, are those of the text index.
        query = bound = query.with_text_fields(home.shape.text_fields)
    reach = compile_reach(home, query, sort, hint, consistent=consistent)
    native = NativeFind(query, sort, hint, home, reach)
    return Compiled(reach.access, native, reach.residue, reach.ordered, False, reach.display, bound)


def compile_reach(home: Home, query: Query, sort: Sort | None, hint: Hint | None, *, consistent: bool) -> Reach:
    """How a read reaches its documents; see :func:`compile_find`."""
    if hint is not None and any(
        index.slot is None and hint in (index.spec.name, index.spec.keys) for index in home.record.indexes
    ):
        # It has no global index that could be read: see "indexing".
        hint = None
    plan = home.planner.plan(query, sort, hint, consistent=consistent)
    way = plan.way
    if isinstance(way, Nothing):
        return Reach("nothing", plan.access, (), (), None, True, display=plan.display)
    if isinstance(way, GetKeys):
        return Reach("keys", plan.access, way.keys, (), plan.residue, plan.ordered, display=plan.display)
    fetch = isinstance(way, QueryPlan) and way.fetch
    return Reach(
        "query" if isinstance(way, QueryPlan) else "scan",
        plan.access,
        (),
        way.requests if isinstance(way, QueryPlan) else (way.request,),
        plan.residue,
        plan.ordered,
        counts=plan.residue is None and not fetch,
        filtered=plan.filtered,
        fetch=fetch,
        again=query if fetch else None,
        display=plan.display,
    )
