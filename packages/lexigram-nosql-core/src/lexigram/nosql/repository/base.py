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
* ``versioned``: the entity's ``version`` counts its changes; saving an object that somebody else changed since raises
  ``VersionConflictError``.

What these add to a filter is joined to the caller's with ``$and``, so no key of the caller's can undo it.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

from lexigram.contracts.data.nosql.nosql import CollectionProtocol, DocumentStoreProtocol
from lexigram.contracts.data.nosql.operations import InsertOne, UpdateOne
from lexigram.contracts.data.types import FilterExpression, is_filter_expression
from lexigram.contracts.domain.pagination import CursorPage, Page
from lexigram.contracts.domain.specification import SpecificationProtocol
from lexigram.nosql.exceptions import DocumentNotFoundError, DocumentValidationError, VersionConflictError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.repository.mapping import EntityMapper, collection_name_of
from lexigram.nosql.repository.tenancy import require_tenant
from lexigram.nosql.specification.document import to_filter

__all__ = ["DocumentRepository"]

TEntity = TypeVar("TEntity")
TKey = TypeVar("TKey")

DELETED = "_deleted"
DELETED_AT = "_deleted_at"
TENANT = "tenant_id"
VERSION = "version"


class DocumentRepository(Generic[TEntity, TKey]):
    """Objects of one kind, stored as documents of one collection.

    Where a method takes *filter*, it is MongoDB's language, a query builder or a filter expression; keywords are
    equalities. *sort* is as for ``Collection.find``.

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
    """

    collection_name: ClassVar[str] = ""
    id_field: ClassVar[str] = "_id"
    id_attribute: ClassVar[str] = "id"

    def __init__(
        self,
        store: DocumentStoreProtocol,
        *,
        entity: type[TEntity] | None = None,
        collection_name: str | None = None,
        soft_delete: bool = False,
        multi_tenant: bool = False,
        versioned: bool = False,
    ) -> None:
        kind = entity if entity is not None else _entity_of(type(self))
        name = collection_name or type(self).collection_name or (collection_name_of(kind) if kind is not None else "")
        if not name:
            raise DocumentValidationError(
                f"{type(self).__name__} names no collection", hint="Set collection_name, or the type of its entities."
            )
        self._store = store
        self._soft_delete = soft_delete
        self._multi_tenant = multi_tenant
        self._versioned = versioned
        self._collection: CollectionProtocol = store.collection(name)
        self._mapper: EntityMapper[TEntity] | None = None
        if kind is not None:
            self._mapper = EntityMapper(kind, self.id_field, self.id_attribute)
        elif type(self)._document_to_entity is DocumentRepository._document_to_entity:
            raise DocumentValidationError(
                f"{type(self).__name__} does not know the type of its entities",
                hint="Write DocumentRepository[Entity, Key], pass entity=, or override the two mapping methods.",
            )

    @property
    def collection(self) -> CollectionProtocol:
        """The collection itself, without what the options add."""
        return self._collection

    # --- mapping, to be overridden for one's own

    async def _document_to_entity(self, document: dict[str, Any]) -> TEntity:
        """The object of a document."""
        return self._mapped().to_entity(document)

    async def _entity_to_document(self, entity: TEntity) -> dict[str, Any]:
        """The document of an object."""
        return self._mapped().to_document(entity)

    def _mapped(self) -> EntityMapper[TEntity]:
        if self._mapper is None:
            raise DocumentValidationError(f"{type(self).__name__} overrides one mapping method, but not the other")
        return self._mapper

    # --- filters

    def _base_filter(self, *, include_deleted: bool = False) -> dict[str, Any]:
        """What the options add to every filter."""
        base: dict[str, Any] = {}
        if self._multi_tenant:
            base[TENANT] = require_tenant(self._collection.name)
        if self._soft_delete and not include_deleted:
            base[DELETED] = {"$ne": True}
        return base

    def _build_filter(self, filter: Any = None, *, include_deleted: bool = False, **equalities: Any) -> dict[str, Any]:
        """The caller's filter and equalities, within what the options allow."""
        parts = [self._base_filter(include_deleted=include_deleted), _plain(filter), self._stored_names(equalities)]
        wanted = [part for part in parts if part]
        return {"$and": wanted} if len(wanted) > 1 else wanted[0] if wanted else {}

    def _stored_names(self, equalities: Mapping[str, Any]) -> dict[str, Any]:
        return {self._stored_name(name): value for name, value in equalities.items()}

    def _stored_name(self, name: str) -> str:
        declared = self._mapper is not None and self._mapper.declares(self.id_field)
        return self.id_field if name == self.id_attribute and not declared else name

    # --- reads

    async def get(self, document_id: TKey, *, include_deleted: bool = False) -> TEntity | None:
        """The object with this id, or None."""
        return await self.find_one({self.id_field: document_id}, include_deleted=include_deleted)

    async def find_one(self, filter: Any = None, *, sort: Any = None, include_deleted: bool = False) -> TEntity | None:
        """The first object that matches, or None."""
        document = await self._collection.find_one(
            self._build_filter(filter, include_deleted=include_deleted), sort=sort
        )
        return None if document is None else await self._loaded(document)

    async def list(
        self, skip: int = 0, limit: int = 100, *, sort: Any = None, include_deleted: bool = False, **filters: Any
    ) -> builtins.list[TEntity]:
        """Objects whose fields equal *filters*, at most *limit* (0 for all) after the first *skip*."""
        wanted = self._build_filter(include_deleted=include_deleted, **filters)
        return await self._all(wanted, sort=sort, skip=skip, limit=limit)

    async def find_by_filter(
        self, filter: Any, *, sort: Any = None, skip: int = 0, limit: int = 0, include_deleted: bool = False
    ) -> builtins.list[TEntity]:
        """The objects that match. A query builder may bring its own order and limits."""
        query = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
        if isinstance(query, DocumentQuery):
            sort, skip, limit = sort or query.sort, skip or query.skip, limit or query.limit
        wanted = self._build_filter(query, include_deleted=include_deleted)
        return await self._all(wanted, sort=sort, skip=skip, limit=limit)

    async def find_by_spec(
        self, spec: FilterExpression | SpecificationProtocol[Any], *, include_deleted: bool = False
    ) -> builtins.list[TEntity]:
        """The objects that satisfy *spec*.

        A filter expression becomes a filter. Another specification with a ``to_filter()`` method is asked for its
        filter; one that only has ``is_satisfied_by`` is tested on every object of the collection.
        """
        if is_filter_expression(spec):
            return await self.find_by_filter(to_filter(spec), include_deleted=include_deleted)
        own = getattr(spec, "to_filter", None)
        if own is not None:
            return await self.find_by_filter(own(), include_deleted=include_deleted)
        everything = await self.find_by_filter({}, include_deleted=include_deleted)
        return [entity for entity in everything if spec.is_satisfied_by(entity)]

    async def exists(self, filter: Any = None, *, include_deleted: bool = False) -> bool:
        """True when at least one object matches."""
        return await self._collection.exists(self._build_filter(filter, include_deleted=include_deleted))

    async def count(self, filter: Any = None, *, include_deleted: bool = False, **filters: Any) -> int:
        """How many objects match."""
        return await self._collection.count_documents(
            self._build_filter(filter, include_deleted=include_deleted, **filters)
        )

    async def distinct(self, field: str, filter: Any = None, *, include_deleted: bool = False) -> builtins.list[Any]:
        """The different values of a field among the objects that match."""
        wanted = self._build_filter(filter, include_deleted=include_deleted)
        return await self._collection.distinct(self._stored_name(field), wanted)

    async def aggregate(self, pipeline: Any, *, include_deleted: bool = False) -> builtins.list[dict[str, Any]]:
        """What a pipeline makes of the objects' documents; the options' filter stands in front of it."""
        stages = pipeline.build() if hasattr(pipeline, "build") else builtins.list(pipeline)
        base = self._base_filter(include_deleted=include_deleted)
        return await self._collection.aggregate([{"$match": base}, *stages] if base else stages).to_list()

    async def paginate(
        self, page: int = 1, size: int = 20, *, filter: Any = None, sort: Any = None, include_deleted: bool = False
    ) -> Page[TEntity]:
        """One page by number, from 1, with the count of all objects that match."""
        if page < 1 or size < 1:
            raise DocumentValidationError(f"page and size are 1 or more, not {page} and {size}")
        wanted = self._build_filter(filter, include_deleted=include_deleted)
        total = await self._collection.count_documents(wanted)
        items = await self._all(wanted, sort=sort or [(self.id_field, 1)], skip=(page - 1) * size, limit=size)
        return Page(items, total, page, size)

    async def find_page(
        self,
        token: str | None = None,
        size: int = 20,
        *,
        filter: Any = None,
        sort: Any = None,
        include_deleted: bool = False,
    ) -> CursorPage[TEntity]:
        """One page by keyset: pass the ``next_cursor`` of the page before, and its filter and order, to go on."""
        wanted = self._build_filter(filter, include_deleted=include_deleted)
        found = await self._collection.find_page(wanted, sort=sort, size=size, token=token)
        items = [await self._loaded(document) for document in found.items]
        return CursorPage(
            items, next_cursor=found.next_cursor, has_more=found.has_more, has_previous=found.has_previous
        )

    # --- writes

    async def save(self, entity: TEntity) -> TEntity:
        """Store an object, new or known, and return it as stored, id included.

        Raises:
            VersionConflictError: The repository is versioned, and somebody else changed or removed the document.
            DocumentNotFoundError: The document is marked as deleted; restore it first.
            DuplicateKeyError: A unique index, or another tenant, has its key already.
        """
        document = await self._stored(entity)
        if not document.get(self.id_field):
            return await self._insert(document)
        if self._versioned:
            return await self._save_version(document)
        await self._refuse_deleted([document[self.id_field]])
        await self._collection.update_one(self._only(document), self._set(document), upsert=True)
        return await self._loaded(document)

    async def save_many(self, entities: Iterable[TEntity]) -> builtins.list[TEntity]:
        """Store objects, new or known, and return them as stored, in order.

        Raises:
            BulkWriteError: Some could not be stored; it says which and why.
        """
        given = builtins.list(entities)
        if self._versioned:
            return [await self.save(entity) for entity in given]
        documents = [await self._stored(entity) for entity in given]
        await self._refuse_deleted([d[self.id_field] for d in documents if d.get(self.id_field)])
        operations: builtins.list[InsertOne | UpdateOne] = []
        for document in documents:
            if document.get(self.id_field):
                operations.append(UpdateOne(self._only(document), self._set(document), upsert=True))
            else:
                operations.append(InsertOne(self._without_id(document)))
        result = await self._collection.bulk_write(operations)
        inserted = iter(result.inserted_ids)
        for document, operation in zip(documents, operations, strict=True):
            if isinstance(operation, InsertOne):
                document["_id"] = next(inserted)
        return [await self._loaded(document) for document in documents]

    async def delete(self, document_id: TKey) -> bool:
        """Remove (or mark) the object with this id; True when there was one."""
        return bool(await self.delete_many([document_id]))

    async def delete_many(self, document_ids: Iterable[TKey]) -> int:
        """Remove (or mark) the objects with these ids, and return how many there were."""
        ids = builtins.list(document_ids)
        return await self._delete_where({self.id_field: {"$in": ids}}) if ids else 0

    async def delete_by_filter(self, filter: Any) -> int:
        """Remove (or mark) the objects that match, and return how many there were."""
        return await self._delete_where(filter)

    async def restore(self, document_id: TKey) -> bool:
        """Take the mark of deletion off; True when there was one."""
        result = await self._collection.update_one(
            self._build_filter({self.id_field: document_id, DELETED: True}, include_deleted=True),
            {"$unset": {DELETED: "", DELETED_AT: ""}},
        )
        return result.modified_count > 0

    async def purge(self, *, before: datetime | None = None) -> int:
        """Remove for good what is marked as deleted.

        Args:
            before: Only what was marked before this time; None for all.

        Returns:
            How many documents were removed.
        """
        marked: dict[str, Any] = {DELETED: True}
        if before is not None:
            marked[DELETED_AT] = {"$lt": before}
        result = await self._collection.delete_many(self._build_filter(marked, include_deleted=True))
        return result.deleted_count

    # --- below: the parts that the methods share

    async def _all(self, filter: dict[str, Any], *, sort: Any, skip: int, limit: int) -> builtins.list[TEntity]:
        found = self._collection.find(filter, sort=sort, skip=skip, limit=limit)
        return [await self._loaded(document) for document in await found.to_list()]

    async def _loaded(self, document: dict[str, Any]) -> TEntity:
        """The object of a document, which need not know the options' fields."""
        if self._mapper is not None:
            for field in (DELETED, DELETED_AT, TENANT, VERSION if self._versioned else TENANT):
                if field in document and not self._mapper.declares(field):
                    document = {name: value for name, value in document.items() if name != field}
        return await self._document_to_entity(document)

    async def _stored(self, entity: TEntity) -> dict[str, Any]:
        """The document of an object, with what the options keep in it."""
        document = dict(await self._entity_to_document(entity))
        if self._soft_delete:
            document.pop(DELETED, None)
            document.pop(DELETED_AT, None)
        if self._multi_tenant:
            document[TENANT] = require_tenant(self._collection.name)
        return document

    def _only(self, document: Mapping[str, Any], **further: Any) -> dict[str, Any]:
        """The filter for the document of one object, within the tenant."""
        only = {self.id_field: document[self.id_field], **further}
        return {**only, TENANT: document[TENANT]} if self._multi_tenant else only

    def _set(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The update that stores an object's fields and leaves others alone."""
        fixed = {"_id", self.id_field, TENANT} if self._multi_tenant else {"_id", self.id_field}
        fields = {name: value for name, value in document.items() if name not in fixed}
        return {"$set": fields} if fields else {"$setOnInsert": {}}

    async def _insert(self, document: dict[str, Any]) -> TEntity:
        document = self._without_id(document)
        if self._versioned:
            document[VERSION] = 1
        result = await self._collection.insert_one(document)
        return await self._loaded({"_id": result.raw_id, **document})

    def _without_id(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document of a new object, to which the store gives an id."""
        if self.id_field != "_id":
            raise DocumentValidationError(
                f"an object of {self._collection.name!r} has no {self.id_field!r}, which is its id", path=self.id_field
            )
        return {name: value for name, value in document.items() if name != "_id"}

    async def _save_version(self, document: dict[str, Any]) -> TEntity:
        """Store one more version of an object, if its document still has the version that the object has."""
        identity = document[self.id_field]
        had = document.get(VERSION) or 0
        if isinstance(had, bool) or not isinstance(had, int):
            raise DocumentValidationError(f"version is {had!r}, but must be an int", path=VERSION)
        new = {**document, VERSION: had + 1}
        if had == 0:
            if await self._collection.exists(self._only(document)):
                raise self._version_conflict(identity, had)
            await self._collection.insert_one(new)
            return await self._loaded(new)
        live: dict[str, Any] = {DELETED: {"$ne": True}} if self._soft_delete else {}
        result = await self._collection.update_one(self._only(document, **{VERSION: had}, **live), self._set(new))
        if not result.matched_count:
            raise self._version_conflict(identity, had)
        return await self._loaded(new)

    def _version_conflict(self, identity: Any, had: int) -> VersionConflictError:
        return VersionConflictError(
            f"{self._collection.name} {identity!r} was changed or removed since version {had} was read",
            hint="Read it again, apply the change, and save.",
            document_id=identity,
            expected=had,
            collection=self._collection.name,
        )

    async def _refuse_deleted(self, ids: builtins.list[Any]) -> None:
        if not self._soft_delete or not ids:
            return
        marked = self._build_filter({self.id_field: {"$in": ids}, DELETED: True}, include_deleted=True)
        found = await self._collection.find_one(marked, projection={self.id_field: 1})
        if found is not None:
            raise DocumentNotFoundError(
                f"{self._collection.name} {found.get(self.id_field)!r} was deleted",
                hint="restore() it before saving.",
                collection=self._collection.name,
            )

    async def _delete_where(self, filter: Any) -> int:
        wanted = self._build_filter(filter)
        if not self._soft_delete:
            return (await self._collection.delete_many(wanted)).deleted_count
        mark = {"$set": {DELETED: True, DELETED_AT: datetime.now(UTC)}}
        return (await self._collection.update_many(wanted, mark)).modified_count


def _plain(filter: Any) -> dict[str, Any]:
    """A filter as a mapping, of whatever describes one."""
    given = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
    if isinstance(given, DocumentQuery):
        return given.filter
    return to_filter(given) if is_filter_expression(given) else dict(given or {})


def _entity_of(repository: type[Any]) -> Any:
    """The entity in ``class Repository(DocumentRepository[Entity, Key])``, or None."""
    for cls in repository.__mro__:
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, DocumentRepository):
                entity = get_args(base)[0]
                if not isinstance(entity, TypeVar):
                    return cast("Any", entity)
    return None
