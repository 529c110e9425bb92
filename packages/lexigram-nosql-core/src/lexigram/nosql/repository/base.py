"""The repository: objects in, objects out, over one collection of any store.

Typed by its entity, it needs no code::

    class Products(DocumentRepository[Product, str]):
        collection_name = "products"

    products = Products(store)
    widget = await products.save(Product(id="w", name="Widget"))

or without a class, ``DocumentRepository(store, entity=Product)``. A subclass that overrides ``_document_to_entity`` and
``_entity_to_document`` maps its objects itself.

Options, each for every read and write:

* ``soft_delete``: deleting marks (``_deleted``, ``_deleted_at``); marked documents are in no answer unless asked for
  with ``include_deleted``, and can be restored or purged. Saving an object whose document is marked is refused.
* ``multi_tenant``: every document carries ``tenant_id``, and every request is bound to the tenant of
  :func:`~lexigram.nosql.repository.tenancy.tenant_scope`; without one it is refused.
* ``versioned``: the entity's ``version`` counts its changes, from 1; saving an object that somebody else changed since
  raises ``VersionConflictError``.

Saving writes the fields that the entity has, None included, and leaves others of the document alone. An object is
mapped to a document and back before anything is written, so what could not be read again is never stored. An id is made
for an object that has none (None or empty text).

With an ``id_field`` other than ``_id``, only a unique index on it (after ``tenant_id``, where there are tenants) keeps
two writers that save a new object at the same time from making it twice.

Operations join the transaction of the running task by themselves.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from lexigram.contracts.data.nosql.operations import InsertOne, UpdateOne
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentNotFoundError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
    TransactionError,
    VersionConflictError,
)
from lexigram.nosql.ids import time_ordered_id
from lexigram.nosql.repository.mapping import storable
from lexigram.nosql.repository.reading import RepositoryReads
from lexigram.nosql.repository.scoping import DELETED, DELETED_AT, TENANT, VERSION
from lexigram.nosql.repository.tenancy import require_tenant
from lexigram.nosql.specification.document import equality
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.values.normalise import normalise_document

__all__ = ["DocumentRepository"]

TEntity = TypeVar("TEntity")
TKey = TypeVar("TKey")


@dataclass(frozen=True, slots=True)
class _Saving(Generic[TEntity]):
    """An object on its way into the store.

    Attributes:
        document: What will be stored.
        entity: What will be read.
        identity: The id.
        is_new: True when the id was made just now.
        had: The version that the object came with, 0 for none; None when the repository is not versioned.
    """

    document: dict[str, Any]
    entity: TEntity
    identity: Any
    is_new: bool
    had: int | None


class DocumentRepository(RepositoryReads[TEntity, TKey]):
    """Objects of one kind, stored as documents of one collection.

    Where a method takes *filter*, it is MongoDB's language or a query builder, and speaks of documents: fields are
    called there what they are stored as. It may also be a filter expression; such, keywords, *sort* and *field* may
    speak of the entity's attributes and of their values. Keywords are equalities.

    Attributes:
        collection_name: Name of the collection; made of the entity's name when missing.
        id_field: The documents' field that holds the id.
        id_attribute: The entity's field that holds it.

    Args:
        store: The store; need not be connected yet.
        entity: The type of the objects; the subclass's type argument when missing.
        collection_name: Overrides the class's.
        soft_delete: Mark instead of delete.
        multi_tenant: Bind everything to the current tenant.
        versioned: Refuse to save what somebody else changed.

    Raises:
        DocumentValidationError: The type of the objects or the collection is not known, or the type cannot be mapped.
    """

    collection_name: ClassVar[str] = ""
    id_field: ClassVar[str] = "_id"
    id_attribute: ClassVar[str] = "id"

    async def save(self, entity: TEntity) -> TEntity:
        """Store an object, new or known, and return it as stored, id included.

        Raises:
            VersionConflictError: The repository is versioned, and somebody else changed or removed the document.
            DocumentNotFoundError: The document is marked as deleted; restore it first.
            DuplicateKeyError: A unique index, or another tenant, has its key already.
            DocumentValidationError: The object cannot be stored, or what is stored could not be read again.
        """
        saving = await self._prepare(entity)
        await self._write(saving)
        return saving.entity

    async def save_many(self, entities: Iterable[TEntity]) -> builtins.list[TEntity]:
        """Store objects, new or known, and return them as stored, in order.

        All are mapped before the first is written. They are written in order, and the first failure ends it: those
        before it are stored. They go together in one bulk; versioned objects that were stored before go one by one,
        since only so it is known which of them somebody else changed.

        Raises:
            NoSQLError: One could not be stored; ``details["entity_index"]`` and ``details["document_id"]`` say which.
                ``DocumentValidationError``: nothing was written. ``BulkWriteError``: ``result`` says what was. Further
                as :meth:`save`.
        """
        savings: builtins.list[_Saving[TEntity]] = []
        _check_list("save_many", "objects", entities, "save")
        for index, entity in enumerate(entities):
            try:
                savings.append(await self._prepare(entity))
            except NoSQLError as error:
                error.with_details(entity_index=index)
                raise
        if any(map(self._goes_alone, savings)):
            for index, saving in enumerate(savings):
                try:
                    await self._write(saving)
                except NoSQLError as error:
                    error.with_details(entity_index=index, document_id=saving.identity)
                    raise
        else:
            await self._write_together(savings)
        return [saving.entity for saving in savings]

    async def delete(self, document_id: TKey) -> bool:
        """Remove (or mark) the object with this id; True when there was one."""
        return await self._delete_where(self._identified(document_id)) > 0

    async def delete_many(self, document_ids: Iterable[TKey]) -> int:
        """Remove (or mark) the objects with these ids, and return how many there were."""
        _check_list("delete_many", "ids", document_ids, "delete")
        ids = [storable(document_id) for document_id in document_ids]
        return await self._delete_where({self.id_field: {"$in": ids}}) if ids else 0

    async def delete_by_filter(self, filter: Any) -> int:
        """Remove (or mark) the objects that match, and return how many there were."""
        return await self._delete_where(filter)

    async def restore(self, document_id: TKey) -> bool:
        """Take the mark of deletion off; True when there was one."""
        marked = {**self._identified(document_id), DELETED: True}
        result = await self._collection.update_one(
            self._build_filter(marked, include_deleted=True), {"$unset": {DELETED: "", DELETED_AT: ""}}
        )
        return result.modified_count > 0

    async def purge(self, *, before: datetime | None = None) -> int:
        """Remove for good what is marked as deleted.

        Args:
            before: Only what was marked before this time; None for all.

        Returns:
            How many documents were removed.

        Raises:
            DocumentValidationError: *before* is not a datetime.
        """
        if before is not None and not isinstance(before, datetime):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            # Compared with the dates of the marks, anything else would match none of them.
            raise DocumentValidationError(
                f"purge() takes a datetime for `before`, not {type(before).__name__}",
                hint="For example datetime.now(UTC) - timedelta(days=30).",
            )
        marked: dict[str, Any] = {DELETED: True}
        if before is not None:
            marked[DELETED_AT] = {"$lt": before}
        result = await self._collection.delete_many(self._build_filter(marked, include_deleted=True))
        return result.deleted_count

    # --- how objects become documents

    async def _prepare(self, entity: TEntity) -> _Saving[TEntity]:
        """Everything about a save that needs no database."""
        document = normalise_document(await self._entity_to_document(entity))
        self._check_names(document)
        if self._soft_delete:
            document.pop(DELETED, None)
            document.pop(DELETED_AT, None)
        if self._multi_tenant:
            document[TENANT] = self._tenant_of(document)
        had = self._version_of(document) if self._versioned else None
        identity = document.get(self.id_field)
        is_new = identity is None or identity == ""
        if is_new:
            had = None if had is None else 0
            document = {**document, self.id_field: self._new_id()}
        if had is not None:
            document[VERSION] = had + 1
        try:
            stored = await self._loaded(dict(document))
        except DocumentValidationError as error:
            if is_new and error.path in (self.id_field, self.id_attribute):
                error.with_hint("Give the object an id before it is saved; the ids that are made are text.")
            raise
        if is_new:
            # What was made is text, which the entity may hold as something else, such as a UUID.
            known = normalise_document(await self._entity_to_document(stored))
            document[self.id_field] = known[self.id_field]
        return _Saving(document, stored, document[self.id_field], is_new, had)

    def _check_names(self, document: dict[str, Any]) -> None:
        for name in document:
            if not name or "." in name or name.startswith("$"):
                raise DocumentValidationError(
                    f"{name!r} cannot be the name of a field here: it is empty, or has a dot or a leading $",
                    hint="Store the field under another name.",
                    path=name,
                    collection=self._collection.name,
                )

    def _tenant_of(self, document: dict[str, Any]) -> str:
        """The current tenant, whose document this must be."""
        tenant = require_tenant(self._collection.name)
        if document.get(TENANT) not in (None, "", tenant):
            raise DocumentValidationError(
                f"this object of {self._collection.name!r} belongs to another tenant",
                hint="Save it inside that tenant's scope.",
                path=TENANT,
                collection=self._collection.name,
            )
        return tenant

    def _version_of(self, document: dict[str, Any]) -> int:
        """The version that an object came with, 0 for none."""
        if VERSION not in document and self._mapper is None:
            raise DocumentValidationError(
                f"the repository is versioned, but _entity_to_document() gives no {VERSION!r}", path=VERSION
            )
        version = document.get(VERSION)
        if version is None:
            return 0
        if not isinstance(version, int) or isinstance(version, bool) or version < 0:
            raise DocumentValidationError(f"{VERSION} is {version!r}, and must be an int of 0 or more", path=VERSION)
        return version

    def _new_id(self) -> str:
        """An id as the store makes them."""
        if isinstance(self._store, DocumentStore):
            return str(self._store.prepare({})["_id"])
        return time_ordered_id()

    # --- how documents are written

    def _own(self, saving: _Saving[TEntity]) -> dict[str, Any]:
        """The filter for the document of an object, within the tenant."""
        own = {self.id_field: equality(saving.identity)}
        return {**own, TENANT: saving.document[TENANT]} if self._multi_tenant else own

    def _target(self, saving: _Saving[TEntity]) -> dict[str, Any]:
        """The filter for the document, if it is there to be written to: not marked, of the version that is known."""
        target = self._own(saving)
        if saving.had is not None:
            target[VERSION] = saving.had or {"$in": [0, None]}
        if self._soft_delete:
            target[DELETED] = {"$ne": True}
        return target

    def _change(self, saving: _Saving[TEntity]) -> dict[str, Any]:
        """The update that stores an object's fields and leaves others alone."""
        fixed = {"_id", self.id_field, TENANT} if self._multi_tenant else {"_id", self.id_field}
        fields = {name: value for name, value in saving.document.items() if name not in fixed}
        change: dict[str, Any] = {"$set": fields} if fields else {}
        if self.id_field != "_id" and saving.document.get("_id") is not None:
            change["$setOnInsert"] = {"_id": saving.document["_id"]}
        return change or {"$setOnInsert": {}}

    def _insertion(self, saving: _Saving[TEntity]) -> dict[str, Any]:
        document = saving.document
        if document.get("_id", "") is None:
            return {name: value for name, value in document.items() if name != "_id"}
        return document

    def _goes_alone(self, saving: _Saving[TEntity]) -> bool:
        """True when it cannot be told from a bulk's result, or from a unique key, that somebody else was first."""
        return bool(saving.had) or (saving.had == 0 and not saving.is_new and self.id_field != "_id")

    async def _write(self, saving: _Saving[TEntity]) -> None:
        """Store one object."""
        collection = self._collection
        if saving.is_new:
            await collection.insert_one(self._insertion(saving))
            return
        target, change = self._target(saving), self._change(saving)
        if saving.had is not None or self._soft_delete:
            if (await collection.update_one(target, change)).matched_count:
                return
            await self._refuse_deleted([saving.identity])
            if saving.had or (saving.had == 0 and await collection.exists(self._own(saving))):
                raise self._version_conflict(saving)
        try:
            await collection.update_one(target, change, upsert=True)
        except DuplicateKeyError as error:
            if await self._lost_race(saving, error):
                raise self._version_conflict(saving) from error
            raise

    async def _write_together(self, savings: builtins.list[_Saving[TEntity]]) -> None:
        """Store objects in one bulk, of which none comes with a version."""
        await self._refuse_deleted([saving.identity for saving in savings if not saving.is_new])
        operations = [
            InsertOne(self._insertion(saving))
            if saving.is_new
            else UpdateOne(self._target(saving), self._change(saving), upsert=True)
            for saving in savings
        ]
        try:
            await self._collection.bulk_write(operations)
        except BulkWriteError as error:
            first = error.failures[0]
            saving = savings[first.index]
            place = {"entity_index": first.index, "document_id": saving.identity}
            if await self._lost_race(saving, first.error):
                raise self._version_conflict(saving).with_details(**place) from error
            error.with_details(**place)
            raise

    async def _lost_race(self, saving: _Saving[TEntity], error: NoSQLError) -> bool:
        """True when a version could not be the first because somebody else's is."""
        if saving.had is None or not isinstance(error, DuplicateKeyError):
            return False
        if error.index != "_id_" and self.id_field not in (error.key or {}):
            return False
        if not self._multi_tenant:
            return True
        # It may be another tenant's. After an error, a transaction answers no more questions.
        with suppress(TransactionError):
            return await self._collection.exists(self._own(saving))
        return False

    def _version_conflict(self, saving: _Saving[TEntity]) -> VersionConflictError:
        known = f"changed or removed since version {saving.had} was read" if saving.had else "stored by somebody else"
        return VersionConflictError(
            f"{self._collection.name} {saving.identity!r} was {known}",
            hint="Read it again, apply the change, and save.",
            document_id=saving.identity,
            expected=saving.had,
            collection=self._collection.name,
        )

    async def _refuse_deleted(self, ids: builtins.list[Any]) -> None:
        if not self._soft_delete or not ids:
            return
        marked = self._build_filter({self.id_field: {"$in": ids}, DELETED: True}, include_deleted=True)
        found = await self._collection.find_one(marked, projection={self.id_field: 1})
        if found is not None:
            identity = found.get(self.id_field)
            raise DocumentNotFoundError(
                f"{self._collection.name} {identity!r} was deleted",
                hint="restore() it before saving.",
                collection=self._collection.name,
                document_id=identity,
            )

    async def _delete_where(self, filter: Any) -> int:
        wanted = self._build_query(filter, include_deleted=False)
        if not self._soft_delete:
            return (await self._collection.delete_many(wanted)).deleted_count
        mark = {"$set": {DELETED: True, DELETED_AT: datetime.now(UTC)}}
        return (await self._collection.update_many(wanted, mark)).modified_count


def _check_list(method: str, what: str, given: Any, single: str) -> None:
    """Refuse what is no list of things; a text or a mapping would give its parts."""
    kind = type(given).__name__
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise DocumentValidationError(
            f"{method}() takes a list of {what}, not {kind}",
            hint=f"Use {single}() for one.",
        )
