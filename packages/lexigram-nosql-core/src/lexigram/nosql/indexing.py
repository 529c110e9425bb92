"""Index operations: what is asked is checked against what there is and what the backend offers, then passed down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lexigram.nosql.driver import Call, Document, DriverCollection, SupportsIndexes
from lexigram.nosql.exceptions import NoSQLIndexError
from lexigram.nosql.indexes import ID_INDEX, IndexSpec
from lexigram.nosql.query.suggest import shown

if TYPE_CHECKING:
    from lexigram.nosql.store import DocumentStore

__all__ = ["create_index", "drop_index", "list_indexes"]

_CONFLICTING_OPTIONS = 85
_CONFLICTING_NAME = 86
_NOT_FOUND = 27
_INVALID = 72


async def create_index(
    store: DocumentStore, target: DriverCollection, spec: IndexSpec, *, named: bool, call: Call
) -> str:
    """Make an index, or find the same one; see :meth:`Collection.create_index`.

    Args:
        store: The store.
        target: The backend's collection.
        spec: The index.
        named: True when the caller chose its name.
        call: The deadline.
    """
    if spec.keys == ID_INDEX.keys:
        return ID_INDEX.name
    _check_offered(store, spec)
    if not isinstance(target, SupportsIndexes):
        raise store.unsupported("indexes")
    for present in await target.list_indexes(call):
        if present.same_as(spec) and (present.name == spec.name or not named):
            return present.name
        # As in MongoDB, indexes on the same keys may stand beside each other where they index other documents.
        if present.name == spec.name and present.keys != spec.keys:
            raise NoSQLIndexError(
                f"the name {spec.name!r} belongs to an index on {list(present.keys)}",
                hint="Choose another name, or drop that index first.",
                mongo_code=_CONFLICTING_NAME,
            )
        # The time after which documents go is no part of what an index is: such two are the same one.
        twin = present.same_as(replace(spec, expire_after_seconds=present.expire_after_seconds))
        if twin or present.name == spec.name:
            raise NoSQLIndexError(
                f"the index {present.name!r} has the same keys and other options",
                hint=f"Drop it first with drop_index({present.name!r}), or name this one otherwise.",
                mongo_code=_CONFLICTING_OPTIONS if twin else _CONFLICTING_NAME,
            )
    await target.create_index(spec, call)
    return spec.name


async def drop_index(store: DocumentStore, target: DriverCollection, name: str, call: Call) -> None:
    """Remove an index; see :meth:`Collection.drop_index`."""
    if name == ID_INDEX.name:
        raise NoSQLIndexError("the index on _id cannot be dropped", mongo_code=_INVALID)
    if not isinstance(target, SupportsIndexes):
        raise store.unsupported("indexes")
    names = [spec.name for spec in await target.list_indexes(call)]
    if name not in names:
        raise NoSQLIndexError(
            f"there is no index {shown(name)}", hint=f"There are: {', '.join(names) or 'none'}.", mongo_code=_NOT_FOUND
        )
    await target.drop_index(name, call)


async def list_indexes(target: DriverCollection, call: Call) -> list[Document]:
    """All indexes in MongoDB's form."""
    specs = await target.list_indexes(call) if isinstance(target, SupportsIndexes) else []
    return [spec.to_document() for spec in (ID_INDEX, *specs)]


def _check_offered(store: DocumentStore, spec: IndexSpec) -> None:
    """Refuse a property that the backend does not keep."""
    offered = store.spec.capabilities
    store.require("indexes", offered.indexes)
    store.require("unique_indexes", offered.unique_indexes or not spec.unique)
    store.require("sparse_indexes", offered.sparse_indexes or not spec.sparse)
    store.require("partial_indexes", offered.partial_indexes or spec.partial_filter is None)
    store.require("ttl_indexes", spec.expire_after_seconds is None or (offered.ttl_indexes and store.enable_ttl))
    store.require("wildcard_indexes", offered.wildcard_indexes or not spec.is_wildcard)
    store.require("collations", offered.collations or spec.collation is None)
    store.require("text_search", offered.text_search or all(way != "text" for _, way in spec.keys))
