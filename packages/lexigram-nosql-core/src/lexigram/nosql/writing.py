"""Changes documents: read, compute, replace if nobody else was first, and try again when somebody was.

This is the portable way to write: it needs nothing of a backend but a conditional replace, and gives the same answer
everywhere because the engine computes every new document. Each attempt reads the document afresh, so an increment is
never lost; attempts are bounded, and inside a transaction a lost race is the transaction's conflict and is not retried.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from lexigram.nosql.driver import Call, Document, DriverCollection, Hint, NativeRead
from lexigram.nosql.exceptions import DuplicateKeyError, WriteConflictError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.plan import FindRequest, ReadPlan
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.reading import read_matching
from lexigram.nosql.update.parse import Replacement
from lexigram.nosql.values.order import hash_key

__all__ = ["Change", "Finder", "Outcome", "Selection", "Writer", "backoff"]

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1

Finder = Callable[[NativeRead, Call], Awaitable[tuple[Document, Any] | None]]


def backoff(attempt: int) -> float:
    """Seconds to wait after a lost race: a random part of a time that doubles with each attempt, up to 0.1 s.

    Args:
        attempt: How often it was lost before, from 0.
    """
    return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10)))  # noqa: S311 - jitter


class Change(Protocol):
    """An update or a replacement, parsed."""

    def apply(self, document: Document, query: Query | None = None) -> tuple[Document, bool]:
        """The new document, and whether it differs."""
        ...

    def build_upsert(self, query: Query) -> Document:
        """The document an upsert inserts; it may lack an ``_id``."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents a write concerns.

    Attributes:
        query: The filter.
        sort: Which of the matching documents is first; None for the backend's order.
        hint: Name or keys of the index to use.
        also: A further filter that the documents must match.
    """

    query: Query
    sort: Sort | None = None
    hint: Hint | None = None
    also: Query | None = None


@dataclass(slots=True)
class Outcome:
    """What a write did.

    Attributes:
        matched: Documents the filter selected.
        modified: Documents that really changed.
        deleted: Documents deleted.
        upserted: The document an upsert inserted, or None.
        before: For single writes, the document as it was.
        after: For single writes, the document as it is.
    """

    matched: int = 0
    modified: int = 0
    deleted: int = 0
    upserted: Document | None = None
    before: Document | None = None
    after: Document | None = None


class Writer:
    """Writes to one collection.

    Args:
        target: The backend's collection.
        plan: Splits a read whose documents will be written, or refuses it.
        finds_one: The backend's own way to read one document, if it has one.
        prepare: Checks and copies a document that is about to be stored, and gives it an ``_id``.
        attempts: How often a write is tried, 1 or more.
        classify: Turns a driver's error into Lexigram's, or returns None.
    """

    def __init__(
        self,
        target: DriverCollection,
        plan: Callable[[FindRequest], ReadPlan],
        finds_one: Finder | None,
        prepare: Callable[[Mapping[str, Any]], Document],
        attempts: int,
        classify: Callable[[BaseException], BaseException | None],
    ) -> None:
        self._target = target
        self._plan = plan
        self._finds_one = finds_one
        self._prepare = prepare
        self._attempts = attempts
        self._classify = classify

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert prepared documents.

        Returns:
            Position and error of those that failed.
        """
        failures = await self._target.insert(documents, ordered, call)
        return [(index, self._classify(error) or error) for index, error in failures]

    async def change_one(self, selection: Selection, change: Change, upsert: bool, call: Call) -> Outcome:
        """Update or replace the first document that matches, or insert one when told to."""
        for attempt in range(self._attempts):
            if attempt:
                await self._pause(attempt, call)
            found = await self._first(selection, call)
            if found is None:
                if not upsert:
                    return Outcome()
                inserted = await self._upsert(selection, change, call, last=attempt + 1 == self._attempts)
                if inserted is not None:
                    return inserted
            else:
                old, revision = found
                new, changed = change.apply(old, selection.also or selection.query)
                if not changed:
                    return Outcome(matched=1, before=old, after=old)
                if await self._target.replace(old, new, revision, isinstance(change, Replacement), call):
                    return Outcome(matched=1, modified=1, before=old, after=new)
        raise self._given_up(call)

    async def change_many(self, selection: Selection, change: Change, upsert: bool, call: Call) -> Outcome:
        """Update every document that matches, each once, or insert one when told to and none matched."""
        outcome = Outcome()
        seen: set[Any] = set()
        plan = self._plan(FindRequest(selection.query, hint=selection.hint))
        async with aclosing(read_matching(self._target, plan, call)) as batches:
            async for batch in batches:
                for old, revision in zip(batch.documents, batch.revisions or batch.documents, strict=True):
                    # A scan may meet a document again at the place where this very update has moved it.
                    key = hash_key(old["_id"])
                    if key in seen:
                        continue
                    seen.add(key)
                    new, changed = change.apply(old, selection.query)
                    if not changed:
                        outcome.matched += 1
                    elif await self._target.replace(old, new, revision, isinstance(change, Replacement), call):
                        outcome.matched += 1
                        outcome.modified += 1
                    else:
                        await self._pause(1, call)
                        again = await self.change_one(self._only(old, selection), change, False, call)
                        outcome.matched += again.matched
                        outcome.modified += again.modified
        if outcome.matched or not upsert:
            return outcome
        return await self.change_one(selection, change, True, call)

    async def delete_one(self, selection: Selection, call: Call) -> Outcome:
        """Delete the first document that matches."""
        for attempt in range(self._attempts):
            if attempt:
                await self._pause(attempt, call)
            found = await self._first(selection, call)
            if found is None:
                return Outcome()
            old, revision = found
            if await self._target.delete(old, revision, call):
                return Outcome(deleted=1, before=old)
        raise self._given_up(call)

    async def delete_many(self, selection: Selection, call: Call) -> Outcome:
        """Delete every document that matches."""
        outcome = Outcome()
        plan = self._plan(FindRequest(selection.query, hint=selection.hint))
        async with aclosing(read_matching(self._target, plan, call)) as batches:
            async for batch in batches:
                for old, revision in zip(batch.documents, batch.revisions or batch.documents, strict=True):
                    if await self._target.delete(old, revision, call):
                        outcome.deleted += 1
                    else:
                        await self._pause(1, call)
                        outcome.deleted += (await self.delete_one(self._only(old, selection), call)).deleted
        return outcome

    async def _first(self, selection: Selection, call: Call) -> tuple[Document, Any] | None:
        """The first match with its revision."""
        plan = self._plan(FindRequest(selection.query, selection.sort, None, 0, 1, selection.hint))
        if self._finds_one is not None and plan.direct and selection.also is None:
            return await self._finds_one(plan.read, call)
        best: tuple[Document, Any] | None = None
        best_key: Any = None
        async with aclosing(read_matching(self._target, plan, call)) as batches:
            async for batch in batches:
                revisions = batch.revisions or batch.documents
                for document, revision in zip(batch.documents, revisions, strict=True):
                    if selection.also is not None and not selection.also.matches(document):
                        continue
                    if plan.sort is None:
                        return document, revision
                    key = None if plan.sort.natural else plan.sort.key(document)
                    if best is None or plan.sort.natural < 0 or (key is not None and key < best_key):
                        best, best_key = (document, revision), key
        return best

    @staticmethod
    def _only(document: Document, selection: Selection) -> Selection:
        """The same selection, narrowed to one document."""
        return Selection(parse_filter({"_id": {"$eq": document["_id"]}}), also=selection.query)

    async def _upsert(self, selection: Selection, change: Change, call: Call, *, last: bool) -> Outcome | None:
        """Insert what the upsert makes; None when somebody else inserted a match first."""
        document = self._prepare(change.build_upsert(selection.query))
        failures = await self.insert([document], True, call)
        if not failures:
            return Outcome(upserted=document, after=document)
        error = failures[0][1]
        # A match that appeared meanwhile is updated; a conflict with another document is the caller's error.
        retry = isinstance(error, DuplicateKeyError) and not last and not call.in_transaction
        if retry and await self._first(selection, call) is not None:
            return None
        raise error

    async def _pause(self, attempt: int, call: Call) -> None:
        """Wait before attempt number *attempt*, the first being 0; a transaction has one only."""
        if call.in_transaction:
            raise self._given_up(call)
        await asyncio.sleep(backoff(attempt - 1))

    def _given_up(self, call: Call) -> WriteConflictError:
        if call.in_transaction:
            return WriteConflictError(
                "another writer changed a document of this transaction",
                hint="Run the whole transaction again; store.run_transaction() does.",
            )
        tries = "1 attempt" if self._attempts == 1 else f"{self._attempts} attempts"
        return WriteConflictError(
            f"other writers kept changing the document; gave up after {tries}",
            hint="Run it again, raise write_attempts, or spread the writes over more documents.",
        )
