"""How a repository is made, and how it reads. See :mod:`lexigram.nosql.repository.base`."""

from __future__ import annotations

import builtins
from typing import Any, ClassVar, Generic, TypeVar

from lexigram.contracts.data.nosql.nosql import CollectionProtocol, DocumentStoreProtocol
from lexigram.contracts.data.types import FilterExpression, is_filter_expression
from lexigram.contracts.domain.pagination import CursorPage, Page
from lexigram.contracts.domain.specification import SpecificationProtocol
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, NoSQLFilterError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.repository.mapping import EntityMapper, storable
from lexigram.nosql.repository.names import collection_name_of, type_argument
from lexigram.nosql.repository.scoping import (
    DELETED,
    DELETED_AT,
    TENANT,
    VERSION,
    as_filter,
    as_query,
    joined,
    keyword_condition,
    scoped_pipeline,
)
from lexigram.nosql.repository.tenancy import require_tenant
from lexigram.nosql.specification.document import equality, to_filter

__all__ = ["RepositoryReads"]

TEntity = TypeVar("TEntity")
TKey = TypeVar("TKey")


class RepositoryReads(Generic[TEntity, TKey]):
    """The reading half of :class:`~lexigram.nosql.repository.base.DocumentRepository`, which documents it."""

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
        own: Any = type(self)
        default: Any = RepositoryReads
        kind: Any = entity if entity is not None else type_argument(own, default)
        name = collection_name or own.collection_name or collection_name_of(kind)
        if not name:
            raise DocumentValidationError(
                f"{own.__name__} does not say in which collection its objects are",
                hint="Set collection_name; or write class Products(DocumentRepository[Product, str]), or pass entity=.",
            )
        self._store = store
        self._soft_delete = soft_delete
        self._multi_tenant = multi_tenant
        self._versioned = versioned
        self._collection: CollectionProtocol = store.collection(name)
        self._mapper: EntityMapper[TEntity] | None = None
        if (
            own._document_to_entity is default._document_to_entity
            or own._entity_to_document is default._entity_to_document
        ):
            self._mapper = self._made_mapper(kind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._collection.name!r}>"

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
            raise TypeError("a repository that overrides both mapping methods has no mapping of its own to call")
        return self._mapper

    def _made_mapper(self, kind: Any) -> EntityMapper[TEntity]:
        if kind is None:
            raise DocumentValidationError(
                f"{type(self).__name__} does not know the type of its objects",
                hint="Write DocumentRepository[Entity, Key], pass entity=, or override both mapping methods.",
            )
        mapper: EntityMapper[TEntity] = EntityMapper(kind, self.id_field, self.id_attribute)
        if self._versioned and not mapper.stores(VERSION):
            raise DocumentValidationError(
                f"{mapper.name} has no field {VERSION!r}, which a versioned repository keeps count in",
                hint=f"Add `{VERSION}: int = 0`.",
            )
        return mapper

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
        equal = {
            self._stored_path(name): keyword_condition(name, storable(value)) for name, value in equalities.items()
        }
        given = self._translated(filter) if is_filter_expression(filter) else as_filter(filter)
        return joined(self._base_filter(include_deleted=include_deleted), given, equal)

    def _translated(self, spec: FilterExpression) -> dict[str, Any]:
        """The filter of an expression, which speaks of the entity's attributes and their values."""
        return to_filter(spec, field=self._stored_path, value=storable)

    def _build_query(self, filter: Any, include_deleted: bool, **equalities: Any) -> DocumentQuery:
        """The same, with the order and limits that a query brings."""
        given = as_query(filter) if isinstance(filter, DocumentQuery | DocumentQueryBuilder) else DocumentQuery()
        wanted = self._build_filter(filter, include_deleted=include_deleted, **equalities)
        return DocumentQuery(wanted, None, given.sort, given.skip, given.limit)

    def _identified(self, document_id: Any) -> dict[str, Any]:
        """The filter for one id, in which nothing is taken for an operator."""
        return {self.id_field: equality(storable(document_id))}

    def _stored_path(self, name: str) -> str:
        """The path in documents of a path of the entity's attributes."""
        if self._mapper is not None:
            return self._mapper.stored_path(name)
        return self.id_field if name == self.id_attribute else name

    def _order(self, sort: Any) -> Any:
        """An order by attributes, as one by fields of documents."""
        order = None if sort is None else parse_sort(sort)
        if order is None or order.has_meta:
            return sort
        return [(self._stored_path(path), direction) for path, direction in order.fields]

    def _total_order(self, sort: Any) -> Any:
        """An order in which no two objects share a place, so that pages neither repeat nor miss one."""
        order = None if sort is None else parse_sort(sort)
        if order is None:
            return [(self.id_field, 1)]
        if order.has_meta or any(path == self.id_field for path, _ in order.fields):
            return sort
        return [*order.fields, (self.id_field, 1)]

    # --- reads

    async def get(self, document_id: TKey, *, include_deleted: bool = False) -> TEntity | None:
        """The object with this id, or None."""
        return await self.find_one(self._identified(document_id), include_deleted=include_deleted)

    async def find_one(self, filter: Any = None, *, sort: Any = None, include_deleted: bool = False) -> TEntity | None:
        """The first object that matches, or None."""
        wanted = self._build_query(filter, include_deleted)
        document = await self._collection.find_one(wanted, sort=self._order(sort))
        return None if document is None else await self._loaded(document)

    async def list(
        self, skip: int = 0, limit: int = 100, *, sort: Any = None, include_deleted: bool = False, **filters: Any
    ) -> builtins.list[TEntity]:
        """Objects whose fields equal *filters*, at most *limit* (0 for all) after the first *skip*."""
        wanted = self._build_filter(include_deleted=include_deleted, **filters)
        return await self._all(wanted, self._order(sort), skip, limit)

    async def find_by_filter(
        self, filter: Any, *, sort: Any = None, skip: int = 0, limit: int = 0, include_deleted: bool = False
    ) -> builtins.list[TEntity]:
        """The objects that match. A query may bring its own order and limits; arguments win over them."""
        return await self._all(self._build_query(filter, include_deleted), self._order(sort), skip, limit)

    async def find_by_spec(
        self, spec: FilterExpression | SpecificationProtocol[Any], *, include_deleted: bool = False
    ) -> builtins.list[TEntity]:
        """The objects that satisfy *spec*.

        A filter expression becomes a filter: it may speak of the entity's attributes and their values. Another
        specification with a ``to_filter()`` method is asked for its filter; one that only has ``is_satisfied_by`` is
        tested on every object of the collection, one after the other.

        Raises:
            NoSQLFilterError: *spec* is no specification, or its filter is not valid.
        """
        if is_filter_expression(spec):
            return await self.find_by_filter(spec, include_deleted=include_deleted)
        own = getattr(spec, "to_filter", None)
        if callable(own):
            return await self.find_by_filter(own(), include_deleted=include_deleted)
        if not callable(getattr(spec, "is_satisfied_by", None)):
            raise NoSQLFilterError(
                f"{type(spec).__name__} is no specification",
                hint="Use a filter expression, or an object with is_satisfied_by(); find_by_filter() takes filters.",
            )
        found: builtins.list[TEntity] = []
        async with self._collection.find(self._build_filter(include_deleted=include_deleted)) as documents:
            async for document in documents:
                entity = await self._loaded(document)
                if spec.is_satisfied_by(entity):
                    found.append(entity)
        return found

    async def exists(self, filter: Any = None, *, include_deleted: bool = False) -> bool:
        """True when at least one object matches."""
        return await self._collection.exists(self._build_query(filter, include_deleted))

    async def count(self, filter: Any = None, *, include_deleted: bool = False, **filters: Any) -> int:
        """How many objects match, and have fields that equal *filters*."""
        return await self._collection.count_documents(self._build_query(filter, include_deleted, **filters))

    async def distinct(self, field: str, filter: Any = None, *, include_deleted: bool = False) -> builtins.list[Any]:
        """The different values of a field among the objects that match, as documents hold them."""
        wanted = self._build_filter(filter, include_deleted=include_deleted)
        return await self._collection.distinct(self._stored_path(field), wanted)

    async def aggregate(self, pipeline: Any, *, include_deleted: bool = False) -> builtins.list[dict[str, Any]]:
        """What a pipeline makes of the objects' documents; the options' filter stands in front of it.

        Raises:
            PipelineError: It is not valid, or goes to collections that this filter does not bind: any, where there are
                tenants; its own once more, where documents are marked as deleted.
        """
        base = self._base_filter(include_deleted=include_deleted)
        stages = scoped_pipeline(
            pipeline,
            base,
            self._collection.name,
            tenants=self._multi_tenant,
            deleted=self._soft_delete and not include_deleted,
        )
        return await self._collection.aggregate(stages).to_list()

    async def paginate(
        self, page: int = 1, size: int = 20, *, filter: Any = None, sort: Any = None, include_deleted: bool = False
    ) -> Page[TEntity]:
        """One page by number, from 1, with the count of all objects that match.

        The id is added to the order as its last key. Use :meth:`find_page` where objects come and go meanwhile.

        Raises:
            QueryOptionError: *page* or *size* is less than 1, or the query brings limits of its own.
        """
        if parse_count("page", page) < 1 or parse_count("size", size) < 1:
            raise QueryOptionError(f"page and size are 1 or more, not {page} and {size}")
        wanted = self._build_query(filter, include_deleted)
        if wanted.skip or wanted.limit:
            raise QueryOptionError("paginate() takes a page and a size, so the query may carry no skip or limit")
        total = await self._collection.count_documents(wanted.filter)
        order = self._total_order(wanted.sort if sort is None else self._order(sort))
        items = await self._all(wanted.filter, order, (page - 1) * size, size)
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
        """One page by keyset: pass the ``next_cursor`` of the page before, and its filter and order, to go on.

        Raises:
            PageTokenError: The token was altered, or belongs to another query or tenant.
        """
        wanted = self._build_query(filter, include_deleted)
        found = await self._collection.find_page(wanted, sort=self._order(sort), size=size, token=token)
        items = [await self._loaded(document) for document in found.items]
        return CursorPage(
            items, next_cursor=found.next_cursor, has_more=found.has_more, has_previous=found.has_previous
        )

    # --- what the reads share

    async def _all(self, wanted: Any, sort: Any, skip: int, limit: int) -> builtins.list[TEntity]:
        found = self._collection.find(wanted, sort=sort, skip=skip, limit=limit)
        return [await self._loaded(document) for document in await found.to_list()]

    async def _loaded(self, document: dict[str, Any]) -> TEntity:
        """The object of a document, which need not know the options' fields."""
        if self._mapper is not None:
            unknown = [
                name
                for name in (DELETED, DELETED_AT, TENANT, VERSION)
                if name in document and self._adds(name) and not self._mapper.names.knows(name)
            ]
            if unknown:
                document = {name: value for name, value in document.items() if name not in unknown}
        try:
            return await self._document_to_entity(document)
        except NoSQLError as error:
            error.collection = error.collection or self._collection.name
            raise

    def _adds(self, field: str) -> bool:
        """True when a field is one of those that the options keep."""
        if field == TENANT:
            return self._multi_tenant
        return self._versioned if field == VERSION else self._soft_delete
