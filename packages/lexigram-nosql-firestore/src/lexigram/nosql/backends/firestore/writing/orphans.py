"""Guards whose documents are gone, and how they stop to stand in the way.

Whatever this backend writes takes the guards of a document along. Firestore's own policy of expiry, its console and
other programs do not: they leave guards behind that would refuse their keys for ever. So before a key is called taken,
the document that its guard names is looked at. Where that is gone, or has another key by now, the guard is removed, on
the condition that it is still as it was read: one that a document was given meanwhile stays.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grpc import aio
from lexigram.nosql.backends.firestore.catalogue import Catalogue, Indexes
from lexigram.nosql.backends.firestore.client import Client
from lexigram.nosql.backends.firestore.codec import decode_document, decode_id, messages
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.firestore.writing import guards
from lexigram.nosql.backends.firestore.writing.committing import CHANGED, Committer
from lexigram.nosql.exceptions import NoSQLIndexError

__all__ = ["FreeingCommitter"]


class FreeingCommitter(Committer):
    """Commits of one database, which no guard of a document that is gone refuses.

    Args:
        client: The connection.
        max_writes: Most writes in one commit.
        attempts: How often a commit is sent again after its answer was lost.
        catalogue: The indexes.
    """

    def __init__(self, client: Client, max_writes: int, attempts: int, catalogue: Catalogue) -> None:
        super().__init__(client, max_writes, attempts)
        self._asked = client
        self._catalogue = catalogue

    async def taken(self, names: Sequence[str], deadline: float | None) -> set[str]:
        """Which of these documents are there; guards that nobody needs are removed, and are not.

        Args:
            names: Full names.
            deadline: That of the call.
        """
        found = await super().taken(names, deadline)
        prefix = f"{self._asked.root}/{guards.GUARDS}/"
        held = sorted(name for name in found if name.startswith(prefix))
        if not held:
            return found
        standing, _ = await self._asked.batch_get(held, deadline)
        owners = {guard: message.fields[guards.OWNER_FIELD].reference_value for guard, message in standing.items()}
        documents, _ = await self._asked.batch_get(sorted(set(owners.values())), deadline) if owners else ({}, None)
        needed = {
            guard: self.is_needed(guard, standing[guard], documents.get(owner)) for guard, owner in owners.items()
        }
        for guard in held:
            if not needed.get(guard, False):
                if guard in standing:
                    await self._free(standing[guard], deadline)
                found.discard(guard)
        return found

    def is_needed(self, guard: str, standing: Any, stored: Any | None) -> bool:
        """Say whether a guard stands for a key that its document has.

        Args:
            guard: Its full name.
            standing: Its message.
            stored: That of the document that it names, which is not used up; None where there is none.
        """
        if stored is None:
            return False
        record = self._catalogue.record(standing.fields[guards.MARK_FIELD].string_value)
        if record is None:
            return True
        # One document may own several of them, and decoding a message uses it up.
        own = messages.Document()
        own.CopyFrom(stored)
        document = decode_document(decode_id(own.name.rpartition("/")[2]), own.fields)
        try:
            return guard in guards.guards_of(self._asked.root, Indexes((record,)), document)
        except NoSQLIndexError:
            return False

    async def _free(self, standing: Any, deadline: float | None) -> None:
        write = messages.Write(delete=standing.name)
        write.current_document.update_time.CopyFrom(standing.update_time)
        try:
            await self._asked.commit([write], deadline)
        except aio.AioRpcError as error:
            # Somebody else has removed or renewed it, which the next attempt of whoever asks will see.
            if code_of(error) not in CHANGED:
                raise
