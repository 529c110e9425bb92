"""Changes documents: read, compute, replace if nobody else was first, and try again when somebody was.

This is the portable way to write: it needs nothing of a backend but a conditional replace, and gives the same answer
everywhere because the engine computes every new document. Each attempt reads the document afresh, so an increment is
never lost; attempts are bounded, and inside a transaction a lost race is the transaction's conflict and is not retried.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from lexigram.nosql.driver import Call, Document, DriverCollection, Hint
from lexigram.nosql.exceptions import DuplicateKeyError, WriteConflictError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.plan import FindRequest, plan_read
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.reading import read_matching
from lexigram.nosql.update.parse import Replacement
from lexigram.nosql.values.order import hash_key

__all__ = ["Change", "Outcome", "Selection", "Writer"]

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1


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
        prepare: Checks and copies a document that is about to be stored, and gives it an ``_id``.
        attempts: How often a lost race is tried again.
        classify: Turns a driver's error into Lexigram's, or returns None.
    """

    def __init__(
        self,
        target: DriverCollection,
        prepare: Callable[[Mapping[str, Any]], Document],
        attempts: int,
        classify: Callable[[BaseException], BaseException | None],
    ) -> None:
        self._target = target
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
            await self._pause(attempt, call)
        raise self._given_up()

    async def change_many(self, selection: Selection, change: Change, upsert: bool, call: Call) -> Outcome:
        """Update every document that matches, each once, or insert one when told to and none matched."""
        outcome = Outcome()
        seen: set[Any] = set()
        plan = plan_read(self._target, FindRequest(selection.query, hint=selection.hint), revisions=True)
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
                        again = await self._again(old, selection, change, call)
                        outcome.matched += again.matched
                        outcome.modified += again.modified
        if outcome.matched or not upsert:
            return outcome
        return await self.change_one(selection, change, True, call)

    async def delete_one(self, selection: Selection, call: Call) -> Outcome:
        """Delete the first document that matches."""
        for attempt in range(self._attempts):
            found = await self._first(selection, call)
            if found is None:
                return Outcome()
            old, revision = found
            if await self._target.delete(old, revision, call):
                return Outcome(deleted=1, before=old)
            await self._pause(attempt, call)
        raise self._given_up()

    async def delete_many(self, selection: Selection, call: Call) -> Outcome:
        """Delete every document that matches."""
        outcome = Outcome()
        plan = plan_read(self._target, FindRequest(selection.query, hint=selection.hint), revisions=True)
        async with aclosing(read_matching(self._target, plan, call)) as batches:
            async for batch in batches:
                for old, revision in zip(batch.documents, batch.revisions or batch.documents, strict=True):
                    if await self._target.delete(old, revision, call):
                        outcome.deleted += 1
                    else:
                        outcome.deleted += (await self.delete_one(self._only(old, selection), call)).deleted
        return outcome

    async def _first(self, selection: Selection, call: Call) -> tuple[Document, Any] | None:
        """The first match with its revision."""
        sort = selection.sort
        plan = plan_read(self._target, FindRequest(selection.query, sort, None, 0, 1, selection.hint), revisions=True)
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
                    key = plan.sort.key(document)
                    if best is None or key < best_key:
                        best, best_key = (document, revision), key
        return best

    async def _again(self, old: Document, selection: Selection, change: Change, call: Call) -> Outcome:
        """Repeat an update of one document that somebody else changed."""
        await self._pause(0, call)
        return await self.change_one(self._only(old, selection), change, False, call)

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
        """Wait a random moment before the next attempt, longer each time."""
        if call.in_transaction:
            raise WriteConflictError(
                "another writer changed a document of this transaction", hint="Run the whole transaction again."
            )
        await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311 - jitter

    def _given_up(self) -> WriteConflictError:
        return WriteConflictError(
            f"other writers kept changing the document; gave up after {self._attempts} attempts",
            hint="Run it again, raise write_attempts, or spread the writes over more documents.",
        )
