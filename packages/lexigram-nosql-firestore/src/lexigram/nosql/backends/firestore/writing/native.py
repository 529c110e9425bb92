"""Changes and deletions that Firestore carries out itself, where they are exactly the engine's.

One document, known by its ``_id``, is replaced, deleted and in part updated
(:mod:`~lexigram.nosql.backends.firestore.writing.transforms`) by one request that does not read it. Many documents are
read, changed by the engine and written in commits of as many as one can hold, each on the condition that it is as it
was read; a document that somebody else changed meanwhile is read again.

A request that does not say what the document was is not sent again when its answer is lost: what another writer made
of it since would be undone. The document is read instead. One that is as it should be now needs nothing more; one that
is as old as before the request has not been reached by it, and the engine does the work; of any other, nobody knows.
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
from lexigram.nosql.backends.firestore.errors import UNANSWERED, classify, code_of, outcome_unknown, unanswered
from lexigram.nosql.backends.firestore.parts import CollectionPart
from lexigram.nosql.backends.firestore.planning import KeyRead
from lexigram.nosql.backends.firestore.writing.changes import Step, Target, revision_of
from lexigram.nosql.backends.firestore.writing.committing import CHANGED, MAX_REQUEST_BYTES, still_kept
from lexigram.nosql.backends.firestore.writing.transforms import put_update
from lexigram.nosql.driver import Batch, Call, Change, Compiled, Document, NativeRead, Outcome, WriteRequest
from lexigram.nosql.exceptions import NoSQLError, WriteConflictError
from lexigram.nosql.update.identical import identical
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
        change: What it does.
    """

    write: Any
    change: Update


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


@dataclass(frozen=True, slots=True)
class _Pending:
    """What is to happen to one document.

    Attributes:
        old: It, as it was read.
        revision: The version of that.
        step: The writes.
        target: What made them.
    """

    old: Document
    revision: Any
    step: Step
    target: Target


@dataclass(slots=True)
class _Maker:
    """Makes the writes of a change of many documents, and counts them.

    Attributes:
        native: The change.
        target: What makes the writes of its collection.
        outcome: What has been done.
    """

    native: NativeMany
    target: Target
    outcome: Outcome

    def make(self, old: Document, revision: Any) -> _Pending | None:
        """What is to happen to a document; None where the change leaves it as it is."""
        change, target = self.native.change, self.target
        if change is None:
            return _Pending(old, revision, target.delete(old, revision), target)
        new, changed = change.apply(old, self.native.compiled.native.query)
        if not changed:
            self.outcome.matched += 1
            return None
        return _Pending(old, revision, target.replace(old, new, revision), target)

    def done(self, count: int) -> None:
        """Count documents that have been written."""
        if self.native.change is None:
            self.outcome.deleted += count
        else:
            self.outcome.matched += count
            self.outcome.modified += count


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
        exact = put_update(change, self.hints, write) and write.ByteSize() < _LARGE
        return NativeUpdate(write, change) if exact else None

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
            return await self._update_one(native, call)
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
        before = self.client.now()
        try:
            await self.client.commit([write], call.deadline)
        except aio.AioRpcError as error:
            code = code_of(error)
            if code is StatusCode.NOT_FOUND:
                return Outcome()
            if code not in UNANSWERED:
                raise
            return await self._look(native.name, None, before, error, call)
        return Outcome(deleted=1)

    async def _look(
        self, name: str, holds: Callable[[Document], bool] | None, before: int | None, lost: aio.AioRpcError, call: Call
    ) -> Outcome | None:
        """See what became of a write whose answer was lost.

        Args:
            name: Full name of the document.
            holds: Says of the document whether there is nothing left to write; None where it was to be removed.
            before: The service's time before the write was sent, or a little earlier; None where it was not known.
            lost: How the request ended.
            call: The deadline.

        Returns:
            What was done; None where nothing was.

        Raises:
            NoSQLError: Nobody knows.
        """
        try:
            message = await self.client.get(name, call.deadline)
        except (aio.AioRpcError, NoSQLError) as error:
            raise unanswered(error) from lost
        if message is not None:
            changed_at = message.update_time.seconds * 1_000_000 + message.update_time.nanos // 1000
            if before is not None and changed_at <= before:
                return None
            if holds is not None and holds(self.decode(message)):
                return Outcome(matched=1, modified=1)
        raise outcome_unknown() from lost

    async def _update_one(self, native: NativeUpdate, call: Call) -> Outcome | None:
        before = self.client.now()
        try:
            response = await self.client.commit([native.write], call.deadline)
        except aio.AioRpcError as error:
            code = code_of(error)
            if code is StatusCode.NOT_FOUND:
                return Outcome()
            if code is StatusCode.INVALID_ARGUMENT:
                # The engine knows what is wrong with the document that it would become.
                return None
            if code not in UNANSWERED:
                raise
            return await self._look(
                native.write.update.name, lambda stored: not native.change.apply(stored)[1], before, error, call
            )
        changed = response.write_results[0].update_time == response.commit_time
        return Outcome(matched=1, modified=int(changed))

    async def _replace_one(self, target: Target, native: NativeReplace, call: Call) -> Outcome | None:
        for _ in range(_TURNS):
            step = target.set(native.document)
            before = self.client.now()
            try:
                response = await self.client.commit(step.writes, call.deadline)
            except aio.AioRpcError as error:
                code = code_of(error)
                if code in UNANSWERED:
                    return await self._look(
                        step.name, lambda stored: identical(stored, native.document), before, error, call
                    )
                if code is not StatusCode.NOT_FOUND:
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
        """Change or remove all documents of a request, in commits of many.

        Raises:
            NoSQLError: It went wrong in the middle; the details say how many documents were done by then.
        """
        outcome = Outcome()
        try:
            await self._change_batches(_Maker(native, target, outcome), native, call)
        except (aio.AioRpcError, NoSQLError) as error:
            done = {"matched": outcome.matched, "modified": outcome.modified, "deleted": outcome.deleted}
            found = error if isinstance(error, NoSQLError) else classify(error)
            if found is None or not any(done.values()):
                raise
            found.with_details(**done)
            if found is error:
                raise
            raise found from error
        if native.upsert and not outcome.matched:
            return None
        return outcome

    async def _change_batches(self, maker: _Maker, native: NativeMany, call: Call) -> None:
        limit = self.driver.config.max_writes
        # Where nothing depends on what a document held, its name is enough to remove it.
        names_only = (
            native.change is None and maker.target.is_plain and type(native.compiled.native.read) is not KeyRead
        )
        read = NativeRead(native.compiled, batch_size=limit, revisions=True)
        source = self._names(read, call) if names_only else self.read(read, call)
        async with aclosing(source) as batches:
            async for batch in batches:
                await self._renew(maker)
                if names_only and not maker.target.is_plain:
                    batch = await self._whole(batch, native, call)
                pending: list[_Pending] = []
                failure: NoSQLError | None = None
                for old, revision in zip(batch.documents, batch.revisions or (), strict=True):
                    try:
                        made = maker.make(old, revision)
                    except NoSQLError as error:
                        # What came before it has been changed when the error is told, as one by one.
                        failure = error
                        break
                    if made is not None:
                        pending.append(made)
                await self._commit_all(maker, pending, call)
                if failure is not None:
                    raise failure

    async def _renew(self, maker: _Maker) -> None:
        """Let further writes keep what the indexes are now: others may make some meanwhile."""
        if not await still_kept(self.driver.catalogue, [maker.target]):
            maker.target = await self.target()

    async def _whole(self, batch: Batch, native: NativeMany, call: Call) -> Batch:
        """The documents of which only the names were asked for, as they are now, if they still match."""
        names = [revision.name for revision in batch.revisions or ()]
        found, _ = await self.client.batch_get(names, call.deadline)
        pairs = [(revision_of(message), self.decode(message)) for message in found.values()]
        pairs = [pair for pair in pairs if native.compiled.native.query.matches(pair[1])]
        return Batch([document for _, document in pairs], [revision for revision, _ in pairs])

    async def _names(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """The ``_id`` of each document of a read, with its revision."""
        only = NativeRead(read.compiled, batch_size=read.batch_size)
        async with aclosing(self.fetch(only, call.deadline, fields=("__name__",))) as source:
            async for found in source:
                documents = [{"_id": self.scope.identity(message.name)} for message in found]
                yield Batch(documents, [revision_of(message) for message in found])

    async def _commit_all(self, maker: _Maker, pending: Sequence[_Pending], call: Call) -> None:
        """Send steps in as few commits as can be; where one is refused, its steps one by one."""
        chunks = self._in_chunks(pending)
        while chunks:
            if any(each.target is not maker.target for each in chunks[0]):
                anew = [maker.make(each.old, each.revision) for chunk in chunks for each in chunk]
                chunks = self._in_chunks([each for each in anew if each is not None])
                if not chunks:
                    return
            chunk = chunks.pop(0)
            try:
                await self.driver.committer.send([write for each in chunk for write in each.step.writes], call.deadline)
            except aio.AioRpcError as error:
                if code_of(error) not in CHANGED | {StatusCode.ALREADY_EXISTS}:
                    raise
                for each in chunk:
                    if await self._commit_one(maker, each, call):
                        maker.done(1)
            else:
                maker.done(len(chunk))
            if chunks:
                await self._renew(maker)

    def _in_chunks(self, pending: Sequence[_Pending]) -> list[list[_Pending]]:
        limit = self.driver.config.max_writes
        chunks: list[list[_Pending]] = []
        writes, size = limit, 0
        touched: set[str] = set()
        for each in pending:
            own, touches = each.step.size, each.step.touches
            full = writes + len(touches) > limit or size + own > MAX_REQUEST_BYTES
            if full or not touched.isdisjoint(touches):
                chunks.append([])
                writes, size = 0, 0
                touched.clear()
            chunks[-1].append(each)
            writes += len(touches)
            size += own
            touched.update(touches)
        return chunks

    async def _commit_one(self, maker: _Maker, pending: _Pending, call: Call) -> bool:
        """Send one step, made again where its document was changed meanwhile; False where it matches no more."""
        query = maker.native.compiled.native.query
        for attempt in range(self.driver.config.write_attempts):
            await self._renew(maker)
            if pending.target is not maker.target:
                again = maker.make(pending.old, pending.revision)
                if again is None:
                    return False
                pending = again
            if await self.conditionally(pending.target, pending.step, call):
                return True
            await asyncio.sleep(backoff(attempt))
            message = await self.client.get(pending.step.name, call.deadline)
            if message is None:
                return False
            revision = revision_of(message)
            old = self.decode(message)
            if not query.matches(old):
                return False
            again = maker.make(old, revision)
            if again is None:
                return False
            pending = again
        raise WriteConflictError(
            f"other writers kept changing the document; gave up after {self.driver.config.write_attempts} attempts",
            hint="Run it again, raise write_attempts, or spread the writes over more documents.",
        )
