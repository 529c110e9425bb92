"""The collection's methods with a ``Result`` instead of an exception.

``collection.attempt.insert_one(document)`` gives ``Ok(DocumentResult)`` or ``Err(NoSQLError)``. Only
:class:`~lexigram.nosql.exceptions.NoSQLError` becomes an ``Err``: a bug or a cancellation is never hidden in a result.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from lexigram.contracts.core.result import Err, Ok, Result
from lexigram.nosql.collection import Collection
from lexigram.nosql.cursor import Cursor
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.following import ChangeStream
from lexigram.nosql.query.plan import Plan

__all__ = ["Attempt", "AttemptCursor"]

P = ParamSpec("P")
T = TypeVar("T")


class AttemptCursor:
    """A cursor whose methods return results; the request itself may already be an error.

    Args:
        cursor: The cursor, or why there is none.
    """

    def __init__(self, cursor: Result[Cursor, NoSQLError]) -> None:
        self._cursor = cursor

    async def to_list(self, length: int | None = None) -> Result[list[Document], NoSQLError]:
        """All remaining documents, or the next *length*."""
        return await self._try(lambda cursor: cursor.to_list(length))

    async def first(self) -> Result[Document | None, NoSQLError]:
        """The first remaining document, or None; closes the cursor."""
        return await self._try(lambda cursor: cursor.first())

    async def explain(self) -> Result[Plan, NoSQLError]:
        """How the request runs."""
        return await self._try(lambda cursor: cursor.explain())

    async def aclose(self) -> None:
        """Release what the cursor holds."""
        if isinstance(self._cursor, Ok):
            await self._cursor.unwrap().aclose()

    async def _try(self, method: Callable[[Cursor], Awaitable[T]]) -> Result[T, NoSQLError]:
        match self._cursor:
            case Ok(cursor):
                try:
                    return Ok(await method(cursor))
                except NoSQLError as error:
                    return Err(error)
            case Err(error):
                return Err(error)


def _attempted(
    method: Callable[Concatenate[Collection, P], Awaitable[T]],
) -> Callable[Concatenate[Attempt, P], Coroutine[Any, Any, Result[T, NoSQLError]]]:
    """A method of :class:`Collection`, returning its outcome as a result."""

    @functools.wraps(method)
    async def attempted(self: Attempt, /, *args: P.args, **kwargs: P.kwargs) -> Result[T, NoSQLError]:
        try:
            return Ok(await method(self.collection, *args, **kwargs))
        except NoSQLError as error:
            return Err(error)

    return attempted


def _attempted_cursor(
    method: Callable[Concatenate[Collection, P], Cursor],
) -> Callable[Concatenate[Attempt, P], AttemptCursor]:
    """A method of :class:`Collection` that gives a cursor, with a cursor of results."""

    @functools.wraps(method)
    def attempted(self: Attempt, /, *args: P.args, **kwargs: P.kwargs) -> AttemptCursor:
        try:
            return AttemptCursor(Ok(method(self.collection, *args, **kwargs)))
        except NoSQLError as error:
            return AttemptCursor(Err(error))

    return attempted


def _attempted_feed(
    method: Callable[Concatenate[Collection, P], ChangeStream],
) -> Callable[Concatenate[Attempt, P], Result[ChangeStream, NoSQLError]]:
    """A method of :class:`Collection` that gives a change feed, returning it as a result."""

    @functools.wraps(method)
    def attempted(self: Attempt, /, *args: P.args, **kwargs: P.kwargs) -> Result[ChangeStream, NoSQLError]:
        try:
            return Ok(method(self.collection, *args, **kwargs))
        except NoSQLError as error:
            return Err(error)

    return attempted


class Attempt:
    """The methods of one collection, returning results.

    Args:
        collection: The collection.
    """

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    insert_one = _attempted(Collection.insert_one)
    insert_many = _attempted(Collection.insert_many)
    find_one = _attempted(Collection.find_one)
    find = _attempted_cursor(Collection.find)
    find_page = _attempted(Collection.find_page)
    exists = _attempted(Collection.exists)
    count_documents = _attempted(Collection.count_documents)
    estimated_document_count = _attempted(Collection.estimated_document_count)
    distinct = _attempted(Collection.distinct)
    aggregate = _attempted_cursor(Collection.aggregate)
    update_one = _attempted(Collection.update_one)
    update_many = _attempted(Collection.update_many)
    replace_one = _attempted(Collection.replace_one)
    delete_one = _attempted(Collection.delete_one)
    delete_many = _attempted(Collection.delete_many)
    find_one_and_update = _attempted(Collection.find_one_and_update)
    find_one_and_replace = _attempted(Collection.find_one_and_replace)
    find_one_and_delete = _attempted(Collection.find_one_and_delete)
    bulk_write = _attempted(Collection.bulk_write)
    create_index = _attempted(Collection.create_index)
    drop_index = _attempted(Collection.drop_index)
    list_indexes = _attempted(Collection.list_indexes)
    watch = _attempted_feed(Collection.watch)
    explain = _attempted(Collection.explain)
