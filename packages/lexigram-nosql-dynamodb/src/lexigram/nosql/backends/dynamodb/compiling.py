"""Turns what the planner says into what the driver runs."""

from __future__ import annotations

from typing import Final

from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind, Reach
from lexigram.nosql.driver import Access, Compiled, Hint
from lexigram.nosql.exceptions import NoSQLIndexError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.path import MISSING

__all__ = ["compile_find", "compile_reach"]

_BAD_HINT: Final = 2


def compile_find(home: Home, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
    """Compile a read.

    Args:
        home: Where the collection lies.
        query: The filter.
        sort: The order, or None.
        hint: The index to use, or None.

    Raises:
        NoSQLIndexError: *hint* names no index.
    """
    found = compile_reach(home, query, sort, hint)
    native = NativeFind(query, sort, hint, home, found)
    return Compiled(found.access, native, found.residue, found.ordered, False, found.display)


def compile_reach(home: Home, query: Query, sort: Sort | None, hint: Hint | None, *, strict: bool = False) -> Reach:
    """How a read reaches its documents.

    Args:
        home: Where the collection lies.
        query: The filter.
        sort: The order, or None.
        hint: The index to use, or None.
        strict: Only by what can be read consistently.

    Raises:
        NoSQLIndexError: *hint* names no index.
    """
    if hint is not None:
        _check_hint(home, hint)
    residue = None if query.is_empty else query
    identity = query.equality("_id", MISSING)
    if identity is not MISSING:
        if isinstance(identity, list):
            return Reach("nothing", Access("key", fields=("_id",)), ordered=True)
        return Reach(
            "keys", Access("key", fields=("_id",)), (home.key(identity),), residue=residue, ordered=sort is None
        )
    if home.shape.primary.partition[0].constant is not None:
        key = home.shape.primary.partition[0]
        request = {
            "TableName": home.table,
            "KeyConditionExpression": "#p = :p",
            "ExpressionAttributeNames": {"#p": key.name},
            "ExpressionAttributeValues": {":p": key.constant},
        }
        return Reach("query", Access("scan"), (), (request,), residue, sort is None, residue is None)
    return Reach("scan", Access("scan"), (), ({"TableName": home.table},), residue, sort is None, residue is None)


def _check_hint(home: Home, hint: Hint) -> None:
    if hint in ("_id_", (("_id", 1),), (("$natural", 1),), (("$natural", -1),)):
        return
    for index in home.record.indexes:
        if hint in (index.spec.name, index.spec.keys):
            return
    raise NoSQLIndexError(f"there is no index {hint!r}", mongo_code=_BAD_HINT)
