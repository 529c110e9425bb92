"""Changes and deletions that Firestore carries out itself, where they are exactly the engine's.

One document, known by its ``_id``, is replaced, deleted and in part updated
(:mod:`~lexigram.nosql.backends.firestore.writing.transforms`) by one request that does not read it. Many documents are
read, changed by the engine and written in commits of as many as one can hold, each on the condition that it is as it
was read; a document that somebody else changed meanwhile is read again.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from grpc import StatusCode, aio
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.firestore.parts import CollectionPart
from lexigram.nosql.backends.firestore.planning import KeyRead
from lexigram.nosql.backends.firestore.writing.changes import Step, Target, revision_of
from lexigram.nosql.backends.firestore.writing.committing import CHANGED, MAX_REQUEST_BYTES
from lexigram.nosql.backends.firestore.writing.transforms import put_update
from lexigram.nosql.driver import Batch, Call, Change, Compiled, Document, NativeRead, Outcome, WriteRequest
from lexigram.nosql.exceptions import NoSQLError, WriteConflictError
from lexigram.nosql.update.parse import Replacement, Update
from lexigram.nosql.writing import backoff

__all__ = ["NativeDelete", "NativeMany", "NativeReplace", "NativeUpdate", "NativeWrites"]

_TURNS: Final = 10
_LARGE: Final = 100_000
"""Bytes of a change from which on the engine makes it, since it knows how large the whole becomes."""


@dataclass(frozen=True, slots=True)
class NativeReplace:
    """A whole document in place of another.

    Attributes:
        document: The new one.
        upsert: Store it also where there is none.
    """

    document: Document
    upsert: bool


@dataclass(frozen=True, slots=True)
class NativeUpdate:
    """Some fields of one document.

    Attributes:
        write: The ``Write`` message.
    """

    write: Any


@dataclass(frozen=True, slots=True)
class NativeDelete:
    """The removal of one document.

    Attributes:
        name: Its full name.
    """

    name: str


@dataclass(frozen=True, slots=True)
class NativeMany:
    """A change or removal of every document that an exact request selects.

    Attributes:
        compiled: The request.
        change: The change; None to remove.
        upsert: Insert where there is none.
    """

    compiled: Compiled
    change: Change | None
    upsert: bool


class NativeWrites(CollectionPart):
    """The part of a collection that writes without the portable layer's reading first."""

    # --- what can be done

    def _single_key(self, request: WriteRequest) -> Any:
        """The only ``_id`` that a request selects, in a tuple; None where it selects otherwise."""
        keys = request.compiled.native.read
        if type(keys) is not KeyRead or len(keys.ids) != 1 or self.scope.is_group or not request.compiled.exact:
            return None
        return keys.ids

    def compile_update(self, request: WriteRequest) -> Any | None:
        """Take what one request can do, and changes of many documents."""
        change = request.change
        if change is None or request.returns is not None or self.scope.is_group:
            return None
        if request.many:
            return NativeMany(request.compiled, change, request.upsert)
        keys = self._single_key(request)
        if keys is None:
            return None
        if isinstance(change, Replacement):
            given = change.document.get("_id", keys[0])
            if type(given) is not str or given != keys[0]:
                # An id of another type may be equal to the stored one, and yet another.
                return None
            rest = {name: value for name, value in change.document.items() if name != "_id"}
            return NativeReplace({"_id": given, **rest}, request.upsert)
        if not isinstance(change, Update) or request.upsert:
            return None
        write = messages.Write()
        write.update.name = self.scope.document(keys[0])
        write.current_document.exists = True
        return NativeUpdate(write) if put_update(change, self.hints, write) and write.ByteSize() < _LARGE else None

    def compile_delete(self, request: WriteRequest) -> Any | None:
        """Take the deletion of one document by its ``_id``, and deletions of many."""
        if request.returns is not None or self.scope.is_group:
            return None
        keys = self._single_key(request)
        if keys is not None:
            return NativeDelete(self.scope.document(keys[0]))
        return NativeMany(request.compiled, None, False) if request.many else None

    # --- doing it

    async def run_update(self, native: Any, call: Call) -> Outcome | None:
        """Run what :meth:`compile_update` gave; None where the old content matters after all."""
        if call.in_transaction:
            return None
        target = await self.target()
        if isinstance(native, NativeMany):
            return await self._change_all(target, native, call)
        if not target.is_plain:
            return None
        if isinstance(native, NativeUpdate):
            return await self._update_one(native.write, call)
        return await self._replace_one(target, native, call)

    async def run_delete(self, native: Any, call: Call) -> Outcome | None:
        """Run what :meth:`compile_delete` gave; None where the old content matters after all."""
        if call.in_transaction:
            return None
        target = await self.target()
        if isinstance(native, NativeMany):
            return await self._change_all(target, native, call)
        if not target.is_plain:
            return None
        write = messages.Write(delete=native.name)
        write.current_document.exists = True
        try:
            await self.driver.committer.send([write], call.deadline)
        except aio.AioRpcError as error:
            if code_of(error) is not StatusCode.NOT_FOUND:
                raise
            return Outcome()
        return Outcome(deleted=1)

    async def _update_one(self, write: Any, call: Call) -> Outcome | None:
        try:
            response = await self.client.commit([write], call.deadline, again=not write.update_transforms)
        except aio.AioRpcError as error:
            code = code_of(error)
            if code is StatusCode.NOT_FOUND:
                return Outcome()
            if code is StatusCode.INVALID_ARGUMENT:
                # The engine knows what is wrong with the document that it would become.
                return None
            raise
        changed = response.write_results[0].update_time == response.commit_time
        return Outcome(matched=1, modified=int(changed))

    async def _replace_one(self, target: Target, native: NativeReplace, call: Call) -> Outcome | None:
        for _ in range(_TURNS):
            step = target.set(native.document)
            try:
                response = await self.client.commit(step.writes, call.deadline, again=True)
            except aio.AioRpcError as error:
                if code_of(error) is not StatusCode.NOT_FOUND:
                    raise
                if not native.upsert:
                    return Outcome()
            else:
                changed = response.write_results[0].update_time == response.commit_time
                return Outcome(matched=1, modified=int(changed))
            failures = await self.driver.committer.each(
                [target.insert(native.document)], True, call.deadline, target.duplicate
            )
            if not failures:
                return Outcome(upserted=native.document)
        return None

    # --- many documents

    async def _change_all(self, target: Target, native: NativeMany, call: Call) -> Outcome | None:
        """Change or remove all documents of a request, in commits of many."""
        outcome = Outcome()
        limit = self.driver.config.max_writes
        # Where nothing depends on what a document held, its name is enough to remove it.
        names_only = native.change is None and target.is_plain and type(native.compiled.native.read) is not KeyRead
        read = NativeRead(native.compiled, batch_size=limit, revisions=True)
        source = self._names(read, call) if names_only else self.read(read, call)
        make = self._step_maker(target, native, outcome)
        async with aclosing(source) as batches:
            async for batch in batches:
                pending: list[tuple[Document, Step]] = []
                failure: NoSQLError | None = None
                for old, revision in zip(batch.documents, batch.revisions or (), strict=True):
                    try:
                        step = make(old, revision)
                    except NoSQLError as error:
                        # What came before it has been changed when the error is told, as one by one.
                        failure = error
                        break
                    if step is not None:
                        pending.append((old, step))
                await self._commit_all(target, native, pending, make, outcome, call)
                if failure is not None:
                    raise failure
        if native.upsert and not outcome.matched:
            return None
        return outcome

    def _step_maker(
        self, target: Target, native: NativeMany, outcome: Outcome
    ) -> Callable[[Document, Any], Step | None]:
        change, query = native.change, native.compiled.native.query

        def remove(old: Document, revision: Any) -> Step | None:
            return target.delete(old, revision)

        def replace(old: Document, revision: Any) -> Step | None:
            assert change is not None  # noqa: S101 - for the checker
            new, changed = change.apply(old, query)
            if not changed:
                outcome.matched += 1
                return None
            return target.replace(old, new, revision)

        return remove if change is None else replace

    async def _names(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """The ``_id`` of each document of a read, with its revision."""
        only = NativeRead(read.compiled, batch_size=read.batch_size)
        async for found in self.fetch(only, call.deadline, fields=("__name__",)):
            documents = [{"_id": self.scope.identity(message.name)} for message in found]
            yield Batch(documents, [revision_of(message) for message in found])

    async def _commit_all(
        self,
        target: Target,
        native: NativeMany,
        pending: Sequence[tuple[Document, Step]],
        make: Callable[[Document, Any], Step | None],
        outcome: Outcome,
        call: Call,
    ) -> None:
        """Send steps in as few commits as can be; where one is refused, its steps one by one."""

        def done(count: int) -> None:
            if native.change is None:
                outcome.deleted += count
            else:
                outcome.matched += count
                outcome.modified += count

        for chunk in self._in_chunks(pending):
            try:
                await self.driver.committer.send([write for _, step in chunk for write in step.writes], call.deadline)
            except aio.AioRpcError as error:
                if code_of(error) not in CHANGED | {StatusCode.ALREADY_EXISTS}:
                    raise
                for old, step in chunk:
                    if await self._commit_one(target, native, old, step, make, call):
                        done(1)
            else:
                done(len(chunk))

    def _in_chunks(self, pending: Sequence[tuple[Document, Step]]) -> list[list[tuple[Document, Step]]]:
        limit = self.driver.config.max_writes
        chunks: list[list[tuple[Document, Step]]] = []
        writes, size = limit, 0
        touched: set[str] = set()
        for pair in pending:
            own, touches = pair[1].size, pair[1].touches
            full = writes + len(touches) > limit or size + own > MAX_REQUEST_BYTES
            if full or not touched.isdisjoint(touches):
                chunks.append([])
                writes, size = 0, 0
                touched.clear()
            chunks[-1].append(pair)
            writes += len(touches)
            size += own
            touched.update(touches)
        return chunks

    async def _commit_one(
        self,
        target: Target,
        native: NativeMany,
        old: Document,
        step: Step,
        make: Callable[[Document, Any], Step | None],
        call: Call,
    ) -> bool:
        """Send one step, made again where its document was changed meanwhile; False where it matches no more."""
        query = native.compiled.native.query
        for attempt in range(self.driver.config.write_attempts):
            if await self.conditionally(target, step, call):
                return True
            await asyncio.sleep(backoff(attempt))
            message = await self.client.get(step.name, call.deadline)
            if message is None:
                return False
            revision = revision_of(message)
            old = self.decode(message)
            if not query.matches(old):
                return False
            again = make(old, revision)
            if again is None:
                return False
            step = again
        raise WriteConflictError(
            f"other writers kept changing the document; gave up after {self.driver.config.write_attempts} attempts",
            hint="Run it again, raise write_attempts, or spread the writes over more documents.",
        )
