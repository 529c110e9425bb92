"""Checks what stands beside a filter: skip, limit, hint, and queries that carry their own sort and projection.

Wherever a filter is accepted, so are a ``DocumentQueryBuilder`` and the ``DocumentQuery`` it builds.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.nosql.driver import Hint
from lexigram.nosql.exceptions import NoSQLFilterError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.plan import FindRequest
from lexigram.nosql.query.projection import parse_projection
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.readable import unreadable

__all__ = ["DEFAULT_BATCH_SIZE", "parse_find", "parse_flag", "parse_hint", "parse_selection_filter", "parse_upsert"]

DEFAULT_BATCH_SIZE = 1000


def parse_find(
    filter: Any = None,
    projection: Any = None,
    sort: Any = None,
    skip: int = 0,
    limit: int = 0,
    hint: Any = None,
    collation: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
) -> FindRequest:
    """Check a read as the user describes it; arguments win over what a built query carries.

    Raises:
        NoSQLFilterError: The filter is not valid.
        QueryOptionError: Another part is not valid.
    """
    given = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
    if isinstance(given, DocumentQuery):
        projection = given.projection if projection is None else projection
        sort = given.sort if sort is None else sort
        skip = skip or given.skip
        limit = limit or given.limit
        given = given.filter
    query = parse_filter(given, collation=collation)
    order = None if sort is None else parse_sort(sort, collation=query.collation, query=query)
    if query.text is not None and (hint is not None or (order is not None and order.natural)):
        raise QueryOptionError("a filter with $text takes no hint, and no order of storage", mongo_code=2)
    if hint is not None and order is not None and order.natural and parse_hint(hint) != (("$natural", order.natural),):
        raise QueryOptionError("the order of storage and a hint exclude each other", mongo_code=2)
    return FindRequest(
        query,
        order,
        None if projection is None else parse_projection(projection, query=query, sort=order),
        skip if skip == 0 else parse_count("skip", skip),
        limit if limit == 0 else parse_count("limit", limit),
        None if hint is None else parse_hint(hint),
        DEFAULT_BATCH_SIZE if batch_size is None else parse_count("batch_size", batch_size) or DEFAULT_BATCH_SIZE,
    )


def parse_selection_filter(filter: Any, collation: Mapping[str, Any] | None = None) -> Query:
    """Check the filter of a write, which takes a query's filter and refuses its limits.

    Raises:
        NoSQLFilterError: The filter is not valid.
        QueryOptionError: A built query carries a skip, limit or projection, which a write would ignore.
    """
    given = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
    if isinstance(given, DocumentQuery):
        if given.skip or given.limit or given.projection is not None or given.sort is not None:
            raise QueryOptionError(
                "this operation takes a filter only, but the query carries a sort, skip, limit or projection",
                hint="Build the query without them, or pass its .filter.",
            )
        given = given.filter
    return parse_filter(given, collation=collation)


def parse_flag(name: str, value: Any) -> bool:
    """Check a choice that is True or False; a text that happens to be true is probably meant otherwise.

    Raises:
        QueryOptionError: It is neither.
    """
    if not isinstance(value, bool):
        raise QueryOptionError(f"{name} is True or False, not {shown(value)}", mongo_code=14)
    return value


def parse_upsert(upsert: Any, query: Query) -> bool:
    """Check whether to insert when nothing matches; a filter with ``$expr`` does not say what the document would hold.

    Raises:
        QueryOptionError: It is neither True nor False.
        NoSQLFilterError: The filter of an upsert uses ``$expr`` (code 224).
    """
    if parse_flag("upsert", upsert) and query.uses_expressions:
        raise NoSQLFilterError(
            "the filter of an upsert cannot use $expr",
            hint="compare fields in an update pipeline, with $cond",
            path="$expr",
            mongo_code=224,
        )
    return bool(upsert)


def parse_hint(hint: Any) -> Hint | None:
    """What a hint means: the name of an index, or its keys.

    Raises:
        QueryOptionError: It is neither.
    """
    told = unreadable(hint)
    if told is not None:
        raise QueryOptionError(f"hint: {told}")
    if hint is None or (is_text(hint) and hint):
        return hint
    pairs: Any = list(hint.items()) if isinstance(hint, Mapping) else hint
    if isinstance(pairs, list | tuple) and pairs and all(map(_is_key, pairs)):
        return tuple([(path, direction) for path, direction in pairs])
    raise QueryOptionError(f"{shown(hint)} is not a hint", hint="Use the name of an index, or its keys.")


def _is_key(pair: Any) -> bool:
    """True for a field and a direction."""
    return (
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], int | str)
        and not isinstance(pair[1], bool)
    )
