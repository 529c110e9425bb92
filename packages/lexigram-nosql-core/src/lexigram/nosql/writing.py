"""Changes documents: natively where the backend can do it exactly, else by reading, computing and replacing.

The portable way needs nothing of a backend but a conditional replace, and gives the same answer everywhere because the
engine computes every new document. Each attempt reads the document afresh, so an increment is never lost; attempts are
bounded, and inside a transaction a lost race is the transaction's conflict and is not retried.

A write is offered to the backend when its filter leaves nothing for the engine (see
:class:`~lexigram.nosql.abilities.SupportsUpdate`); what the backend declines goes the portable way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from lexigram.nosql.driver import (
    Call,
    Change,
    Document,
    DriverCollection,
    Hint,
    NativeRead,
    Outcome,
    SupportsBulk,
    SupportsDelete,
    SupportsUpdate,
    WriteRequest,
)
from lexigram.nosql.exceptions import DocumentValidationError, DuplicateKeyError, NoSQLError, WriteConflictError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.plan import FindRequest, ReadPlan
from lexigram.nosql.query.projection import Projection
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.reading import read_matching
from lexigram.nosql.update.parse import Replacement
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.order import hash_key
from lexigram.nosql.values.path import MISSING

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


@dataclass(slots=True)
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


class Writer:
    """Writes to one collection.

    Args:
        target: The backend's collection.
        plan: Splits a read whose documents will be written, or refuses it.
        finds_one: The backend's own way to read one document, if it has one.
        prepare: Checks and copies a document that is about to be stored, and gives it an ``_id``.
        make_id: Makes the ``_id`` of a document that comes without one.
        attempts: How often a write is tried, 1 or more.
        classify: Turns a driver's error into Lexigram's, or returns None.
        fits: Refuses a document that is larger than the backend stores; None where nothing has to be counted.

    Attributes:
        bulks: The backend's collection again where it takes many writes at once, else None.
    """

    def __init__(
        self,
        target: DriverCollection,
        plan: Callable[[FindRequest], ReadPlan],
        finds_one: Finder | None,
        prepare: Callable[[Mapping[str, Any]], Document],
        make_id: Callable[[], str],
        attempts: int,
        classify: Callable[[BaseException], BaseException | None],
        fits: Callable[[Document], None] | None = None,
    ) -> None:
        self._target = target
        self._plan = plan
        self._finds_one = finds_one
        self._prepare = prepare
        self._make_id = make_id
        self._attempts = attempts
        self._classify = classify
        self._fits = fits
        self._updates = target if isinstance(target, SupportsUpdate) else None
        self._deletes = target if isinstance(target, SupportsDelete) else None
        self.bulks = target if isinstance(target, SupportsBulk) else None

    def classified(self, failures: Sequence[tuple[int, BaseException]]) -> list[tuple[int, BaseException]]:
        """Failures of single documents or writes, translated."""
        return [(index, self._classify(error) or error) for index, error in failures]

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Insert prepared documents.

        Returns:
            Position and error of those that failed.

        Raises:
            DocumentValidationError: The backend's encoder refused one; nothing was inserted.
        """
        try:
            failures = await self._target.insert(documents, ordered, call)
        except Exception as error:
            if isinstance(self._classify(error), DocumentValidationError):
                _find_culprit(documents)
            raise
        return self.classified(failures) if failures else ()

    def compile_change(
        self,
        selection: Selection,
        change: Change,
        *,
        many: bool,
        upsert: bool,
        returns: Literal["before", "after"] | None = None,
        projection: Projection | None = None,
    ) -> Any | None:
        """What the backend would run to carry out an update or a replacement, or None if it would not be the same.

        Raises:
            ScanDeniedError: It would read the whole collection.
        """
        if self._updates is None or selection.also is not None:
            return None
        new_id: str | None = None
        query = selection.query
        if upsert and query.equality("_id", MISSING) is MISSING:
            # Other conditions on the _id may or may not give it; the engine knows.
            if any(path == "_id" or path.startswith("_id.") for path in query.paths):
                return None
            new_id = self._make_id()
        plan = self._plan(FindRequest(query, selection.sort, projection, 0, 0 if many else 1, selection.hint))
        if not plan.direct:
            return None
        compiled = plan.read.compiled
        fields = projection if compiled.projects else None
        return self._updates.compile_update(
            WriteRequest(query, compiled, selection.sort, selection.hint, change, many, upsert, new_id, returns, fields)
        )

    def compile_delete(
        self,
        selection: Selection,
        *,
        many: bool,
        returns: Literal["before"] | None = None,
        projection: Projection | None = None,
    ) -> Any | None:
        """What the backend would run to carry out a deletion, or None if it would not be the same.

        Raises:
            ScanDeniedError: It would read the whole collection.
        """
        if self._deletes is None or selection.also is not None:
            return None
        query = selection.query
        plan = self._plan(FindRequest(query, selection.sort, projection, 0, 0 if many else 1, selection.hint))
        if not plan.direct:
            return None
        compiled = plan.read.compiled
        fields = projection if compiled.projects else None
        return self._deletes.compile_delete(
            WriteRequest(query, compiled, selection.sort, selection.hint, many=many, returns=returns, projection=fields)
        )

    async def change_one(
        self,
        selection: Selection,
        change: Change,
        upsert: bool,
        call: Call,
        returns: Literal["before", "after"] | None = None,
        projection: Projection | None = None,
    ) -> Outcome:
        """Update or replace the first document that matches, or insert one when told to.

        Args:
            selection: Which document.
            change: The update or replacement.
            upsert: Insert what it makes when nothing matches.
            call: Session and deadline.
            returns: Which document the caller wants to see; without it, the outcome may hold neither.
            projection: Fields the caller wants to see; whether they were chosen already, the outcome says.
        """
        if self._updates is not None:
            native = self.compile_change(
                selection, change, many=False, upsert=upsert, returns=returns, projection=projection
            )
            if native is not None:
                outcome = await self._updates.run_update(native, call)
                if outcome is not None:
                    return outcome
        for attempt in range(self._attempts):
            if attempt:
                await self._pause(attempt, call)
            found = await self._first(selection, call)
            if found is None:
                if not upsert:
                    return Outcome()
                shows = projection if returns == "after" else None
                inserted = await self._upsert(selection, change, call, shows, last=attempt + 1 == self._attempts)
                if inserted is not None:
                    return inserted
            else:
                old, revision = found
                new, changed = change.apply(old, selection.also or selection.query)
                if not changed:
                    return Outcome(matched=1, before=old, after=old)
                if self._fits is not None:
                    self._fits(new)
                outcome = _outcome(old, new, returns, projection)
                if await self._target.replace(old, new, revision, isinstance(change, Replacement), call):
                    return outcome
        raise self._given_up(call)

    async def change_many(self, selection: Selection, change: Change, upsert: bool, call: Call) -> Outcome:
        """Update every document that matches, each once, or insert one when told to and none matched.

        Raises:
            NoSQLError: It went wrong in the middle; its details say how many documents were done by then.
        """
        if self._updates is not None:
            native = self.compile_change(selection, change, many=True, upsert=upsert)
            if native is not None:
                done = await self._updates.run_update(native, call)
                if done is not None:
                    return done
        outcome = Outcome()
        seen: set[Any] = set()
        plan = self._plan(FindRequest(selection.query, hint=selection.hint))
        with self._telling(outcome, call):
            async with aclosing(read_matching(self._target, plan, call)) as batches:
                async for batch in batches:
                    for old, revision in zip(batch.documents, batch.revisions or batch.documents, strict=True):
                        # A scan may meet a document again at the place where this very update has moved it.
                        key = hash_key(old["_id"])
                        if key in seen:
                            continue
                        seen.add(key)
                        new, changed = change.apply(old, selection.query)
                        if changed and self._fits is not None:
                            self._fits(new)
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

    async def delete_one(
        self,
        selection: Selection,
        call: Call,
        returns: Literal["before"] | None = None,
        projection: Projection | None = None,
    ) -> Outcome:
        """Delete the first document that matches; see :meth:`change_one` for *returns* and *projection*."""
        if self._deletes is not None:
            native = self.compile_delete(selection, many=False, returns=returns, projection=projection)
            if native is not None:
                outcome = await self._deletes.run_delete(native, call)
                if outcome is not None:
                    return outcome
        for attempt in range(self._attempts):
            if attempt:
                await self._pause(attempt, call)
            found = await self._first(selection, call)
            if found is None:
                return Outcome()
            old, revision = found
            shown = old if projection is None else projection.apply(old)
            if await self._target.delete(old, revision, call):
                return Outcome(deleted=1, before=shown, projected=projection is not None)
        raise self._given_up(call)

    async def delete_many(self, selection: Selection, call: Call) -> Outcome:
        """Delete every document that matches; see :meth:`change_many` for what goes wrong in the middle."""
        if self._deletes is not None:
            native = self.compile_delete(selection, many=True)
            if native is not None:
                done = await self._deletes.run_delete(native, call)
                if done is not None:
                    return done
        outcome = Outcome()
        plan = self._plan(FindRequest(selection.query, hint=selection.hint))
        with self._telling(outcome, call):
            async with aclosing(read_matching(self._target, plan, call)) as batches:
                async for batch in batches:
                    for old, revision in zip(batch.documents, batch.revisions or batch.documents, strict=True):
                        if await self._target.delete(old, revision, call):
                            outcome.deleted += 1
                        else:
                            await self._pause(1, call)
                            outcome.deleted += (await self.delete_one(self._only(old, selection), call)).deleted
        return outcome

    @contextmanager
    def _telling(self, outcome: Outcome, call: Call) -> Generator[None]:
        """Have an error tell how many documents were written before it; in a transaction none of them stays."""
        try:
            yield
        except Exception as error:
            done = {"matched": outcome.matched, "modified": outcome.modified, "deleted": outcome.deleted}
            found = error if isinstance(error, NoSQLError) else self._classify(error)
            if call.in_transaction or not any(done.values()) or not isinstance(found, NoSQLError):
                raise
            found.with_details(**done)
            if found is error:
                raise
            raise found from error

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

    async def _upsert(
        self, selection: Selection, change: Change, call: Call, projection: Projection | None, *, last: bool
    ) -> Outcome | None:
        """Insert what the upsert makes; None when somebody else inserted a match first."""
        document = self._prepare(change.build_upsert(selection.query))
        shown = document if projection is None else projection.apply(document)
        failures = await self.insert([document], True, call)
        if not failures:
            return Outcome(upserted=document, after=shown, projected=projection is not None)
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


def _outcome(
    old: Document, new: Document, returns: Literal["before", "after"] | None, projection: Projection | None
) -> Outcome:
    """What a change of one document will have done. The projection is applied here: it may fail, the write not yet."""
    if projection is None:
        return Outcome(matched=1, modified=1, before=old, after=new)
    if returns == "after":
        return Outcome(matched=1, modified=1, after=projection.apply(new), projected=True)
    return Outcome(matched=1, modified=1, before=projection.apply(old), projected=True)


def _find_culprit(documents: Sequence[Document]) -> None:
    """Say which value of which document an encoder refused, if the engine refuses it as well."""
    for index, document in enumerate(documents):
        try:
            normalise_document(document)
        except DocumentValidationError as error:
            if len(documents) > 1:
                error.with_details(document_index=index)
            raise
