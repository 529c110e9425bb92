"""Makes and removes indexes: their records, and the guards of those that are unique."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from grpc import StatusCode, aio
from lexigram.nosql.backends.firestore.catalogue import Indexes, Record, is_text, make_record
from lexigram.nosql.backends.firestore.codec import field_path, messages
from lexigram.nosql.backends.firestore.codec.names import TTL_FIELD
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.firestore.parts import CollectionPart
from lexigram.nosql.backends.firestore.writing import guards
from lexigram.nosql.backends.firestore.writing.changes import as_timestamp, revision_of
from lexigram.nosql.backends.firestore.writing.committing import CHANGED
from lexigram.nosql.driver import Call, Document
from lexigram.nosql.exceptions import NoSQLIndexError, UnsupportedFeatureError, WriteConflictError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.writing import backoff

__all__ = ["NativeIndexes"]

_ATTEMPTS: Final = 50
_BATCH: Final = 100


class NativeIndexes(CollectionPart):
    """The part of a collection that keeps its indexes."""

    async def list_indexes(self, call: Call) -> list[IndexSpec]:
        """All indexes but the one on ``_id``."""
        await self.driver.catalogue.load(call.deadline)
        return list(self.driver.catalogue.known(self.scope.name).ready)

    async def create_index(self, spec: IndexSpec, call: Call) -> None:
        """Make an index.

        One that refuses or hides something is recorded first, so that whoever writes keeps it; then every other process
        is given the time to learn of it, and what is stored is gone through.

        Raises:
            DuplicateKeyError: It is unique, and two documents have the same key; nothing is left of it.
            UnsupportedFeatureError: This is a group of collections.
        """
        if self.scope.is_group:
            raise UnsupportedFeatureError(
                "a group of collections has no indexes of its own",
                hint="Make the index on each collection.",
                feature="indexes",
            )
        catalogue = self.driver.catalogue
        made = make_record(spec)
        if not spec.unique and spec.expire_after_seconds is None:
            made = replace(made, ready=True)

        if is_text(spec) and any(is_text(other) for other in catalogue.known(self.scope.name).ready):
            raise NoSQLIndexError("a collection has at most one text index", mongo_code=85)

        def add(old: Sequence[Record]) -> Sequence[Record]:
            return (
                old
                if any(record.spec.same_as(spec) and record.spec.name == spec.name for record in old)
                else (*old, made)
            )

        records = await catalogue.change(self.scope.name, add, call.deadline)
        record = next(each for each in records if each.spec.name == spec.name and each.spec.same_as(spec))
        if record.ready:
            return
        try:
            if record is made:
                await catalogue.settle()
            await self._go_through(record, call)
        except BaseException:
            await asyncio.shield(self._unmake(record))
            raise
        await catalogue.change(
            self.scope.name,
            lambda old: [replace(each, ready=True) if each.mark == record.mark else each for each in old],
            call.deadline,
        )

    async def drop_index(self, name: str, call: Call) -> None:
        """Remove an index."""
        for record in self.driver.catalogue.known(self.scope.name).records:
            if record.spec.name == name:
                await self._unmake(record)

    async def _unmake(self, record: Record) -> None:
        await self.driver.catalogue.change(
            self.scope.name, lambda old: [each for each in old if each.mark != record.mark], None
        )
        expires = record.spec.expire_after_seconds is not None
        if record.spec.unique or expires:
            # Others make guards, and write when documents are due, until they have heard that nobody needs that.
            await self.driver.catalogue.settle()
        if record.spec.unique:
            await self.driver.remove_guards(record.mark)
        if expires:
            await self._put_right()

    async def _put_right(self) -> None:
        """Write into every document when it is due by the indexes that are left, or that it never is."""
        request = messages.RunQueryRequest(parent=self.scope.parent)
        request.structured_query.from_.add().collection_id = self.scope.collection_id
        async for found, _ in self.client.query(request, None, _BATCH):
            for message in found:
                await self._put_one_right(message)

    async def _put_one_right(self, message: Any) -> None:
        name: str = message.name
        for attempt in range(_ATTEMPTS):
            write = messages.Write()
            write.update.name = name
            write.update_mask.field_paths.append(field_path([TTL_FIELD]))
            as_timestamp(revision_of(message), write.current_document.update_time)
            held = messages.Document()
            if TTL_FIELD in message.fields:
                held.fields[TTL_FIELD].CopyFrom(message.fields[TTL_FIELD])
            indexes = await self.driver.catalogue.fresh(self.scope.name)
            indexes.put_due(self.decode(message), write.update.fields)
            if write.update.fields == held.fields:
                return
            try:
                await self.client.commit([write], None)
            except aio.AioRpcError as error:
                if code_of(error) not in CHANGED:
                    raise
            else:
                return
            await asyncio.sleep(backoff(attempt))
            again = await self.client.get(name, None)
            if again is None:
                return
            message = again
        raise WriteConflictError(
            "others kept changing a document while an index that made documents expire was removed"
        )

    async def _go_through(self, record: Record, call: Call) -> None:
        """Give every document what the index needs."""
        only = Indexes((record,))
        request = messages.RunQueryRequest(parent=self.scope.parent)
        request.structured_query.from_.add().collection_id = self.scope.collection_id
        async for found, _ in self.client.query(request, call.deadline, _BATCH):
            for message in found:
                await self._index_one(only, record, message, call)

    async def _index_one(self, only: Indexes, record: Record, message: Any, call: Call) -> None:
        name: str = message.name
        for attempt in range(_ATTEMPTS):
            revision = revision_of(message)
            document = self.decode(message)
            try:
                writes = self._upkeep(only, await self._with(record), name, document, revision)
                await self.client.commit(writes, call.deadline)
            except aio.AioRpcError as error:
                code = code_of(error)
                if code is StatusCode.ALREADY_EXISTS:
                    if await self._is_kept(only, name, document, call):
                        return
                    held = await self._holders(only, name, document, call)
                    if held:
                        raise guards.duplicate(self.scope.name, record, document) from error
                elif code not in CHANGED:
                    raise
            else:
                return
            await asyncio.sleep(backoff(attempt))
            again = await self.client.get(name, call.deadline)
            if again is None:
                return
            message = again
        raise WriteConflictError(f"others kept changing a document while the index {record.spec.name!r} was made")

    async def _with(self, record: Record) -> Indexes:
        """All indexes of the collection, one that is being made among them."""
        known = await self.driver.catalogue.fresh(self.scope.name)
        return Indexes((*[each for each in known.records if each.mark != record.mark], record))

    def _upkeep(
        self,
        only: Indexes,
        every: Indexes,
        name: str,
        document: Document,
        revision: tuple[int, int],
    ) -> list[Any]:
        """The writes that give a document what an index needs, if it is still as it was read."""
        own = messages.Write()
        own.update.name = name
        # A field that is never there: so the write changes nothing, and only checks the document's time.
        own.update_mask.field_paths.append(field_path(["~none"]))
        if only.expiring:
            # A document is due by whichever index comes first.
            every.put_due(document, own.update.fields)
            own.update_mask.field_paths.append(field_path([TTL_FIELD]))
        as_timestamp(revision, own.current_document.update_time)
        names = guards.guards_of(self.scope.root, only, document)
        return [own, *(guards.create(guard, record, name) for guard, record in names.items())]

    async def _owners(self, only: Indexes, document: Document, call: Call) -> dict[str, str]:
        names = list(guards.guards_of(self.scope.root, only, document))
        found, _ = await self.client.batch_get(names, call.deadline)
        return {guard: message.fields[guards.OWNER_FIELD].reference_value for guard, message in found.items()}

    async def _is_kept(self, only: Indexes, name: str, document: Document, call: Call) -> bool:
        """True where all guards of a document are there, and are its own."""
        owners = await self._owners(only, document, call)
        wanted = guards.guards_of(self.scope.root, only, document)
        return len(owners) == len(wanted) and set(owners.values()) == {name}

    async def _holders(self, only: Indexes, name: str, document: Document, call: Call) -> set[str]:
        """The other documents that have a guard which this one needs."""
        return {owner for owner in (await self._owners(only, document, call)).values() if owner != name}
