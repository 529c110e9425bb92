"""Transactions: a snapshot to read, a list of writes, and one commit on the condition that nothing changed.

Firestore's own transactions lock what they read on the server, must read before they write, and see nothing of what
they wrote. MongoDB's, which this layer promises, read a snapshot that nobody can change, see their own writes, and fail
when somebody else was first to change a document that they change as well. That is done here with Firestore's own
means: the first read tells its time, and all further ones ask for the database as it was then (``read_time``); writes
are kept until the commit, and reads of the transaction see them; the commit makes all of them at once, each on the
condition that its document still has the time that the snapshot showed (``update_time``), or is still missing.

So nothing is locked while a transaction runs, none waits for another, and one without a conflict takes a request for
each read and one for all writes. A transaction that only reads makes no commit. As with MongoDB, two transactions that
read the same documents and change different ones both succeed.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from grpc import StatusCode
from lexigram.nosql.backends.firestore.catalogue import Record
from lexigram.nosql.backends.firestore.errors import code_of
from lexigram.nosql.backends.firestore.naming import Scope
from lexigram.nosql.backends.firestore.planning import KeyRead
from lexigram.nosql.backends.firestore.spec import MAX_TRANSACTION_WRITES
from lexigram.nosql.backends.firestore.writing import guards
from lexigram.nosql.backends.firestore.writing.changes import Step, Target, revision_of
from lexigram.nosql.backends.firestore.writing.committing import still_kept
from lexigram.nosql.driver import Call, Document, NativeRead
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLTimeoutError, TransactionError, WriteConflictError

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.collection import FirestoreCollection
    from lexigram.nosql.backends.firestore.driver import FirestoreDriver

__all__ = ["MAX_BYTES", "MAX_WRITES", "Transaction"]

MAX_WRITES: Final = MAX_TRANSACTION_WRITES
"""Most writes in one commit, guards of unique indexes included."""

MAX_BYTES: Final = 10_000_000
"""Most bytes of writes in one commit; the service takes requests of 10 MiB."""

_CONFLICTS: Final = frozenset(
    {StatusCode.FAILED_PRECONDITION, StatusCode.NOT_FOUND, StatusCode.ALREADY_EXISTS, StatusCode.ABORTED}
)


@dataclass(slots=True)
class _Own:
    """A document that the transaction has written.

    Attributes:
        scope: Its collection.
        target: What makes its writes.
        base: It, as the snapshot has it; None where it has none.
        revision: The version of that.
        after: It, as the transaction leaves it; None where it is removed.
    """

    scope: Scope
    target: Target
    base: Document | None
    revision: tuple[int, int] | None
    after: Document | None


class Transaction:
    """One transaction.

    Args:
        driver: The connection.
    """

    def __init__(self, driver: FirestoreDriver) -> None:
        self._driver = driver
        self._client = driver.client
        self._time: Any = None
        self._own: dict[str, _Own] = {}
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._orphans: dict[str, Any] = {}

    # --- reads

    def has_written(self, scope: Scope) -> bool:
        """True when documents of a collection, or of its group, have been written."""
        return any(_includes(scope, own.scope) for own in self._own.values())

    def _note(self, time: Any) -> None:
        if self._time is None:
            self._time = time

    async def put_time(self, request: Any, deadline: float | None) -> None:
        """Let a request read the snapshot.

        Args:
            request: A message with a ``read_time``.
            deadline: That of the call.
        """
        if self._time is None:
            # Any read tells the time; this one finds nothing.
            await self._snapshot([f"{self._client.root}/~ping/~"], deadline)
        request.read_time.CopyFrom(self._time)

    async def _snapshot(self, names: Sequence[str], deadline: float | None) -> dict[str, Any]:
        """Documents by name, as the snapshot has them."""
        found, time = await self._client.batch_get(names, deadline, at=self._time)
        self._note(time)
        return found

    async def read(
        self, collection: FirestoreCollection, read: NativeRead, call: Call
    ) -> AsyncGenerator[list[tuple[Document, Any]]]:
        """What a read finds, own writes included."""
        own = {name: each for name, each in self._own.items() if _includes(collection.scope, each.scope)}
        if not own:
            async with aclosing(collection.fetch(read, call.deadline, at=self._time, note=self._note)) as source:
                async for found in source:
                    yield [_with_revision(collection, message) for message in found]
            return
        native = read.compiled.native
        whole = replace(read, skip=0, limit=0, projection=None, after=None)
        if isinstance(native.read, KeyRead):
            # What has been written need not be asked for.
            asked = [each for each in native.read.ids if _name(collection.scope, each) not in own]
            whole.compiled = replace(read.compiled, native=replace(native, read=KeyRead(tuple(asked))))
        merged: list[tuple[Document, Any]] = []
        async for found in collection.fetch(whole, call.deadline, at=self._time, note=self._note):
            merged += [_with_revision(collection, message) for message in found if message.name not in own]
        for name, each in own.items():
            if each.after is None:
                continue
            document = each.after
            if collection.scope.is_group:
                document = {**document, "_id": collection.scope.identity(name)}
            if native.query.matches(document):
                merged.append((document, each.revision))
        if read.compiled.ordered and native.sort is not None:
            places = {id(document): revision for document, revision in merged}
            ordered = native.sort.sorted([document for document, _ in merged])
            merged = [(document, places[id(document)]) for document in ordered]
        merged = merged[read.skip :]
        if read.limit:
            merged = merged[: read.limit]
        if merged:
            yield merged

    # --- writes

    async def insert(
        self, collection: FirestoreCollection, prepared: Sequence[tuple[Target, Step]], ordered: bool, call: Call
    ) -> list[tuple[int, BaseException]]:
        """Keep new documents for the commit, but those that stand already."""
        asked = {name for _, step in prepared for name in step.creates if name not in self._own}
        found = await self._standing(sorted(asked), call.deadline)
        failures: list[tuple[int, BaseException]] = []
        held = self._guards()
        for place, (target, step) in enumerate(prepared):
            taken = self._taken(step, found, held)
            if taken is not None:
                failures.append((place, target.duplicate(step, taken)))
                if ordered:
                    break
                continue
            old = self._own.get(step.name)
            base, revision = (None, None) if old is None else (old.base, old.revision)
            self._keep(step.name, _Own(self._home(collection, step), target, base, revision, step.document), step)
            held = self._guards()
        return failures

    async def _standing(self, names: Sequence[str], deadline: float | None) -> dict[str, Any]:
        """Those of the names that the snapshot has; guards of documents that are gone are left out, and noted."""
        found = await self._snapshot(names, deadline)
        prefix = f"{self._client.root}/{guards.GUARDS}/"
        held = {name: message for name, message in found.items() if name.startswith(prefix)}
        if not held:
            return found
        owners = {name: message.fields[guards.OWNER_FIELD].reference_value for name, message in held.items()}
        documents = await self._snapshot(sorted(set(owners.values())), deadline)
        for name, message in held.items():
            if not self._driver.committer.is_needed(name, message, documents.get(owners[name])):
                self._orphans[name] = found.pop(name).update_time
        return found

    def _home(self, collection: FirestoreCollection, step: Step) -> Scope:
        if not collection.scope.is_group:
            return collection.scope
        return collection.scope.home(step.name[len(collection.scope.prefix) :])[0]

    def _taken(self, step: Step, found: dict[str, Any], held: dict[str, bool]) -> str | None:
        """The first name of a step that stands already, in the snapshot or by an own write."""
        for name, record in step.creates.items():
            if record is None:
                own = self._own.get(name)
                if (name in found) if own is None else (own.after is not None):
                    return name
            elif held.get(name, name in found):
                return name
        return None

    def _guards(self) -> dict[str, bool]:
        """The guards that own writes have changed, and whether they are there now."""
        changed: dict[str, bool] = {}
        for own in self._own.values():
            for name in own.target.guards(own.base):
                changed.setdefault(name, False)
            for name in own.target.guards(own.after):
                changed[name] = True
        return changed

    async def replace(
        self, collection: FirestoreCollection, target: Target, old: Document, new: Document, revision: Any, call: Call
    ) -> bool:
        """Keep a change for the commit."""
        name = target.name(new)
        own = self._own.get(name)
        step = target.replace(old, new, revision or (0, 0))
        added = dict(step.creates)
        if added:
            found = await self._standing(list(added), call.deadline)
            held = self._guards()
            for guard in added:
                if held.get(guard, guard in found):
                    raise target.duplicate(step, guard)
        whole: Step | None = step
        if own is None:
            own = _Own(target.scope, target, old, revision, new)
        else:
            own.after = new
            whole = _step(own)
        self._keep(name, own, whole)
        return True

    async def delete(
        self, collection: FirestoreCollection, target: Target, old: Document, revision: Any, call: Call
    ) -> bool:
        """Keep a removal for the commit."""
        name = target.name(old)
        own = self._own.get(name)
        if own is None:
            own = _Own(target.scope, target, old, revision, None)
        else:
            own.after = None
        self._keep(name, own, None)
        return True

    def _keep(self, name: str, own: _Own, step: Step | None) -> None:
        """Keep a write, if a commit can still hold all of them.

        Raises:
            TransactionError: There are too many.
        """
        size = 64 if step is None else step.size
        self._size += size - self._sizes.get(name, 0)
        self._sizes[name] = size
        self._own[name] = own
        if len(self._own) > MAX_WRITES or self._size > MAX_BYTES:
            raise _too_large()

    # --- the end

    async def commit(self) -> None:
        """Make all writes, or none.

        Raises:
            WriteConflictError: Somebody else was first, or made or removed an index.
            TransactionError: There are too many writes, or nobody knows whether they have been made.
        """
        writes = self._writes()
        if not writes:
            return
        if len(writes) > MAX_WRITES or sum([write.ByteSize() + 8 for write in writes]) > MAX_BYTES:
            raise _too_large()
        if not await still_kept(self._driver.catalogue, [own.target for own in self._own.values()]):
            raise WriteConflictError(
                "the indexes of a collection changed while this transaction wrote to it",
                hint="Run the transaction again; store.run_transaction() does it for you.",
            )
        self._client.check_loop()
        try:
            await self._driver.committer.send(writes, None)
        except Exception as error:
            code = code_of(error)
            if code in _CONFLICTS:
                raise WriteConflictError(
                    "another writer changed a document of this transaction",
                    hint="Run the transaction again; store.run_transaction() does it for you.",
                ) from error
            if isinstance(error, NoSQLConnectionError | NoSQLTimeoutError) and not error.retryable:
                raise TransactionError(
                    "nobody knows whether the transaction was committed",
                    hint="Look at the data before you run it again.",
                    retryable=False,
                ) from error
            raise

    def forget(self) -> None:
        """Drop all writes."""
        self._own.clear()
        self._sizes.clear()
        self._size = 0
        self._orphans.clear()

    def _writes(self) -> list[Any]:
        found: list[Any] = []
        made: dict[str, tuple[Record, str]] = {}
        gone: dict[str, None] = {}
        for name, own in self._own.items():
            step = _step(own)
            if step is None:
                continue
            found.append(step.writes[0])
            before, after = own.target.guards(own.base), own.target.guards(own.after)
            gone.update(dict.fromkeys(guard for guard in before if guard not in after))
            made.update({guard: (record, name) for guard, record in after.items() if guard not in before})
        for guard, (record, owner) in made.items():
            write = guards.create(guard, record, owner)
            if guard in gone:
                # It goes from one document to another, so it is there.
                write.current_document.exists = True
            elif guard in self._orphans:
                # It goes from a document that is gone, unless somebody else took it since.
                write.current_document.update_time.CopyFrom(self._orphans[guard])
            found.append(write)
        found += [guards.remove(guard) for guard in gone if guard not in made]
        return found


def _step(own: _Own) -> Step | None:
    """What is to be written of a document; None for nothing."""
    revision = own.revision or (0, 0)
    if own.base is None:
        return None if own.after is None else own.target.insert(own.after)
    if own.after is None:
        return own.target.delete(own.base, revision)
    return own.target.replace(own.base, own.after, revision)


def _includes(scope: Scope, other: Scope) -> bool:
    return scope.collection_id == other.collection_id if scope.is_group else scope.path == other.path


def _name(scope: Scope, identity: Any) -> str:
    """Full name of the document with an ``_id``; empty where that can be none."""
    return scope.document(identity) if scope.may_hold(identity) else ""


def _with_revision(collection: FirestoreCollection, message: Any) -> tuple[Document, Any]:
    revision = revision_of(message)
    return collection.decode(message), revision


def _too_large() -> TransactionError:
    return TransactionError(
        f"a transaction holds at most {MAX_WRITES} writes of {MAX_BYTES} bytes in all",
        hint="Split the work; each key in a unique index is a write of its own.",
        retryable=False,
    )
