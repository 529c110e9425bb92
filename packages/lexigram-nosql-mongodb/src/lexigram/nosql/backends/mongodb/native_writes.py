"""Updates, replacements and deletions that the server carries out itself, alone and in bulk.

The engine's update language is the server's, so what was parsed goes down as it was written, with its operands checked.
What is left to the engine, since the server or the SDK would do something else:

* upserts whose ``_id`` would be made by the server: it makes an ``ObjectId``, the store a text. Where the update is
  made of operators, or of ``$set`` stages, the store's ``_id`` goes along; a replacement would give it to a document
  that is there, so the engine looks first;
* ``update_one`` and ``replace_one`` with an order before MongoDB 8.0, and hints of deletions before 4.4;
* pipelines with operators that the connected version lacks;
* updates without any field, such as ``{"$set": {}}``, which the SDK refuses.

A single update that the server cannot apply to the document it found is tried by the engine as well, so that its error
is the same on every backend; in a transaction the server has given up by then, and its own error is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lexigram.nosql.backends.mongodb.compiling import NativeFind, compile_filter
from lexigram.nosql.backends.mongodb.errors import write_failures
from lexigram.nosql.backends.mongodb.native import NativeCollection
from lexigram.nosql.backends.mongodb.projecting import native_projection
from lexigram.nosql.backends.mongodb.refusals import meaning
from lexigram.nosql.backends.mongodb.restoring import restore, restore_value
from lexigram.nosql.backends.mongodb.versions import Version, first_version
from lexigram.nosql.driver import BulkOutcome, BulkStep, Call, Document, Outcome, WriteRequest
from lexigram.nosql.update.apply import Update
from lexigram.nosql.update.replacement import Replacement
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, ReturnDocument, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.results import UpdateResult

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection

__all__ = ["NativeDelete", "NativeUpdate", "NativeWrites", "compile_delete", "compile_update"]

_SORTED_UPDATES: Final = (8, 0)
_EMPTY_OPERATORS: Final = (5, 0)
_HINTED_DELETES: Final = (4, 4)
_DUPLICATE: Final = 11000
_ANSWERED: Final = frozenset({"array_filters", "collation", "hint", "sort"})
_ADDING: Final = frozenset({"$set", "$addFields"})

_INAPPLICABLE: Final = frozenset(
    {
        2,  # BadValue
        9,  # FailedToParse
        14,  # TypeMismatch
        28,  # PathNotViable
        40,  # ConflictingUpdateOperators
        52,  # DollarPrefixedFieldName
        53,  # InvalidIdField
        54,  # NotSingleValueField
        55,  # InvalidDBRef
        56,  # EmptyFieldName
        57,  # DottedFieldName
        66,  # ImmutableField
        16836,  # a positional operator without a match in the filter
        16837,  # a value of a kind that the operator does not take
    }
)
"""Codes with which the server says that an update does not fit a document (manual, "Error Codes")."""


@dataclass(frozen=True, slots=True)
class NativeUpdate:
    """An update or replacement, ready for the SDK.

    Attributes:
        request: What was asked.
        find: The filter, with its collation and hint.
        change: Operators, stages, or the new document.
        replaces: True where *change* is the new document.
        array_filters: Filters for ``$[name]``, or None.
    """

    request: WriteRequest
    find: NativeFind
    change: Any
    replaces: bool = False
    array_filters: list[dict[str, Any]] | None = None

    def options(self) -> dict[str, Any]:
        """Everything but filter, change and session, as keyword arguments of the SDK's methods."""
        options = self.find.options()
        if self.find.sort is not None and self.request.returns is None:
            options["sort"] = dict(self.find.sort)
        if self.request.upsert:
            options["upsert"] = True
        if self.array_filters is not None:
            options["array_filters"] = self.array_filters
        return options


@dataclass(frozen=True, slots=True)
class NativeDelete:
    """A deletion, ready for the SDK.

    Attributes:
        request: What was asked.
        find: The filter, with its order, collation and hint.
    """

    request: WriteRequest
    find: NativeFind


def compile_update(request: WriteRequest, version: Version) -> NativeUpdate | None:
    """Write an update or replacement for the SDK.

    Args:
        request: What is asked; its filter is exact.
        version: Of the server.

    Returns:
        The update, or None where the server would do anything else than the engine.
    """
    find: NativeFind = request.compiled.native
    change = request.change
    if find.sort is not None and not _can_sort(request, find, version):
        return None
    if isinstance(change, Replacement):
        document = change.document
        if request.new_id is not None and "_id" not in document:
            return None
        return NativeUpdate(request, find, document, replaces=True)
    if not isinstance(change, Update):
        return None
    if change.is_pipeline:
        stages = _stages(change.to_document(), request.new_id, version)
        return None if stages is None else NativeUpdate(request, find, stages)
    operators = _operators(change, request.new_id, version)
    if operators is None:
        return None
    filters: list[dict[str, Any]] | None = None
    if change.array_filters:
        filters = []
        for item in change.array_filters:
            native, exact = compile_filter(item.query, version)
            if not exact:
                return None
            filters.append(native)
    return NativeUpdate(request, find, operators, array_filters=filters)


def compile_delete(request: WriteRequest, version: Version) -> NativeDelete | None:
    """Write a deletion for the SDK; see :func:`compile_update`."""
    find: NativeFind = request.compiled.native
    if find.hint is not None and version < _HINTED_DELETES:
        return None
    if find.sort is not None and (request.many or _is_odd(find)):
        return None
    return NativeDelete(request, find)


def _can_sort(request: WriteRequest, find: NativeFind, version: Version) -> bool:
    """Whether the server takes the first match in this order."""
    if request.many or _is_odd(find):
        return False
    return request.returns is not None or version >= _SORTED_UPDATES


def _is_odd(find: NativeFind) -> bool:
    """True for orders that only reads know: by place and by score."""
    return any(path == "$natural" or isinstance(way, Mapping) for path, way in find.sort or ())


def _operators(change: Update, new_id: str | None, version: Version) -> dict[str, Any] | None:
    document: dict[str, Any] = change.to_document()
    if not document or (version < _EMPTY_OPERATORS and not all(document.values())):
        return None
    if new_id is None:
        return document
    gives_id = False
    for fields in document.values():
        for path in fields:
            if path == "_id":
                gives_id = True
            elif path.startswith("_id."):
                return None
    if not gives_id:
        document["$setOnInsert"] = {"_id": new_id, **document.get("$setOnInsert", {})}
    elif not any("_id" in document.get(operator, ()) for operator in ("$set", "$setOnInsert")):
        return None
    return document


def _stages(stages: list[dict[str, Any]], new_id: str | None, version: Version) -> list[dict[str, Any]] | None:
    if first_version(stages) > version:
        return None
    if new_id is None:
        return stages
    if not all(_ADDING.issuperset(stage) for stage in stages):
        return None
    return [*stages, {"$set": {"_id": {"$ifNull": ["$_id", new_id]}}}]


class NativeWrites(NativeCollection):
    """The abilities ``SupportsUpdate``, ``SupportsDelete`` and ``SupportsBulk`` of a collection."""

    def compile_update(self, request: WriteRequest) -> NativeUpdate | None:
        """Translate an update or replacement."""
        return compile_update(request, self.driver.server.version)

    async def run_update(self, native: NativeUpdate, call: Call) -> Outcome | None:
        """Run an update or replacement."""
        try:
            with self.within(call):
                return await self._update(native, call)
        except OperationFailure as error:
            request = native.request
            meant = await meaning(self, error, native.find.hint)
            if meant is not None:
                raise meant from error
            if call.in_transaction:
                raise
            # One document was meant and did not change, so the engine can say what is wrong with it; and where an
            # upsert was not the first, what the other one made may be a match.
            if (error.code in _INAPPLICABLE and not request.many) or (error.code == _DUPLICATE and request.upsert):
                return None
            raise

    async def _update(self, native: NativeUpdate, call: Call) -> Outcome:
        request, session = native.request, self.session(call)
        if request.returns is not None:
            return await self._update_and_return(native, call)
        selection, options = native.find.filter, native.options()
        collection = self._collection(options, call)
        if session is not None:
            options["session"] = session
        if native.replaces:
            result = await collection.replace_one(selection, native.change, **options)
        elif request.many:
            result = await collection.update_many(selection, native.change, **options)
        else:
            result = await collection.update_one(selection, native.change, **options)
        return _outcome(result)

    async def _update_and_return(self, native: NativeUpdate, call: Call) -> Outcome:
        request = native.request
        options, finish = native.options(), None
        if request.projection is not None:
            options["projection"], finish = native_projection(request.projection)
        after = request.returns == "after"
        options["return_document"] = ReturnDocument.AFTER if after else ReturnDocument.BEFORE
        method = self.answering.find_one_and_replace if native.replaces else self.answering.find_one_and_update
        document: Document | None = await method(
            native.find.filter, native.change, session=self.session(call), **options
        )
        if document is not None:
            restore(document)
            document = document if finish is None else finish(document)
        outcome = Outcome(matched=int(document is not None), projected=request.projection is not None)
        if after:
            outcome.after = document
        else:
            outcome.before = document
        return outcome

    def _collection(self, options: Iterable[str], call: Call) -> AsyncCollection[Document]:
        """The collection to write to; the SDK refuses these options where nobody waits for the answer."""
        return self.answering if _ANSWERED.intersection(options) else self.writing(call)

    def compile_delete(self, request: WriteRequest) -> NativeDelete | None:
        """Translate a deletion."""
        return compile_delete(request, self.driver.server.version)

    async def run_delete(self, native: NativeDelete, call: Call) -> Outcome:
        """Run a deletion."""
        try:
            return await self._delete(native, call)
        except OperationFailure as error:
            meant = await meaning(self, error, native.find.hint)
            if meant is None:
                raise
            raise meant from error

    async def _delete(self, native: NativeDelete, call: Call) -> Outcome:
        request, find, session = native.request, native.find, self.session(call)
        options = find.options()
        with self.within(call):
            if request.returns is not None or find.sort is not None:
                finish = None
                if request.projection is not None:
                    options["projection"], finish = native_projection(request.projection)
                document: Document | None = await self.answering.find_one_and_delete(
                    find.filter, session=session, **options
                )
                if document is None:
                    return Outcome()
                restore(document)
                shown = document if finish is None else finish(document)
                return Outcome(deleted=1, before=shown, projected=request.projection is not None)
            collection = self._collection(options, call)
            method = collection.delete_many if request.many else collection.delete_one
            result = await method(find.filter, session=session, **options)
        return Outcome(deleted=result.deleted_count) if result.acknowledged else Outcome(acknowledged=False)

    async def bulk(self, steps: Sequence[BulkStep], ordered: bool, call: Call) -> BulkOutcome:
        """Run many writes in as few requests as the server takes."""
        requests = [_request(step) for step in steps]
        collection = self._collection([name for step in steps for name in _options(step)], call)
        failures: Sequence[tuple[int, BaseException]] = ()
        with self.within(call):
            try:
                result = await collection.bulk_write(requests, ordered=ordered, session=self.session(call))
            except BulkWriteError as error:
                failures = write_failures(error)
                if not failures:
                    raise
                counts: Mapping[str, Any] = error.details
            else:
                if not result.acknowledged:
                    return BulkOutcome(acknowledged=False)
                counts = result.bulk_api_result
        upserted = {int(made["index"]): restore_value(made["_id"]) for made in counts["upserted"]}
        return BulkOutcome(counts["nMatched"], counts["nModified"], counts["nRemoved"], upserted, failures)


def _outcome(result: UpdateResult) -> Outcome:
    raw = result.raw_result
    if not result.acknowledged or raw is None:
        return Outcome(acknowledged=False)
    if "upserted" in raw:
        return Outcome(upserted={"_id": restore_value(raw["upserted"])})
    return Outcome(matched=raw["n"], modified=raw["nModified"])


def _options(step: BulkStep) -> Mapping[str, Any]:
    if step.kind == "insert":
        return {}
    native: NativeUpdate | NativeDelete = step.native
    return native.options() if isinstance(native, NativeUpdate) else native.find.options()


def _request(step: BulkStep) -> Any:
    """One write of a bulk as the SDK takes it."""
    if step.kind == "insert":
        return InsertOne(step.native)
    if step.kind == "delete":
        delete: NativeDelete = step.native
        kind = DeleteMany if delete.request.many else DeleteOne
        return kind(delete.find.filter, **delete.find.options())
    update: NativeUpdate = step.native
    if update.replaces:
        return ReplaceOne(update.find.filter, update.change, **update.options())
    many = UpdateMany if update.request.many else UpdateOne
    return many(update.find.filter, update.change, **update.options())
