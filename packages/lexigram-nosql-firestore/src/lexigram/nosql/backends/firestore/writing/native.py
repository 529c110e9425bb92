"""Changes and deletions that Firestore carries out itself, where they are exactly the engine's."""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grpc import StatusCode, aio
from lexigram.nosql.backends.firestore.codec import messages
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.firestore.planning import KeyRead
from lexigram.nosql.driver import Call, Document, Outcome, WriteRequest
from lexigram.nosql.update.parse import Replacement

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.collection import FirestoreCollection

__all__ = ["NativeDelete", "NativeReplace", "NativeWrites"]

_TURNS = 10


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
class NativeDelete:
    """The removal of one document.

    Attributes:
        name: Its full name.
    """

    name: str


class NativeWrites:
    """The part of a collection that writes without reading first."""

    def _single_key(self: FirestoreCollection, request: WriteRequest) -> Any:
        """The only ``_id`` that a request selects, in a tuple; None where it selects otherwise."""
        keys = request.compiled.native.read
        if (
            type(keys) is not KeyRead
            or len(keys.ids) != 1
            or self.scope.is_group
            or request.compiled.residue is not None
        ):
            return None
        return keys.ids

    def compile_update(self: FirestoreCollection, request: WriteRequest) -> Any | None:
        """Take replacements of one document by its ``_id``, whose old content nobody asks for."""
        change = request.change
        if not isinstance(change, Replacement) or request.many or request.returns is not None:
            return None
        keys = self._single_key(request)
        if keys is None:
            return None
        given = change.document.get("_id", keys[0])
        if type(given) is not str or given != keys[0]:
            # The id of another type may be equal to the stored one, and yet another.
            return None
        return NativeReplace({"_id": given, **{k: v for k, v in change.document.items() if k != "_id"}}, request.upsert)

    async def run_update(self: FirestoreCollection, native: Any, call: Call) -> Outcome | None:
        """Replace a document; None where its old content matters after all."""
        target = await self.target()
        if call.in_transaction or not target.is_plain:
            return None
        for _ in range(_TURNS):
            step = target.set(native.document)
            try:
                response = await self.client.commit(step.writes, call.deadline)
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

    def compile_delete(self: FirestoreCollection, request: WriteRequest) -> Any | None:
        """Take the deletion of one document by its ``_id``, whose content nobody asks for."""
        if request.returns is not None:
            return None
        keys = self._single_key(request)
        return None if keys is None else NativeDelete(self.scope.document(keys[0]))

    async def run_delete(self: FirestoreCollection, native: Any, call: Call) -> Outcome | None:
        """Remove a document; None where its content matters after all."""
        target = await self.target()
        if call.in_transaction or not target.is_plain:
            return None
        write = messages.Write(delete=native.name)
        write.current_document.exists = True
        try:
            await self.client.commit([write], call.deadline)
        except aio.AioRpcError as error:
            if code_of(error) is not StatusCode.NOT_FOUND:
                raise
            return Outcome()
        return Outcome(deleted=1)
