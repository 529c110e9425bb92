"""The document store's result types and protocols."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest
from lexigram.contracts.data import nosql
from lexigram.contracts.data.nosql import (
    BulkWriteResult,
    ChangeEvent,
    CollectionProtocol,
    DeleteMany,
    DeleteOne,
    DocumentRepositoryProtocol,
    DocumentResult,
    DocumentStoreProtocol,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)

# The documented methods with their documented parameters; ours may have more, by name and with a default.
COLLECTION = {
    "insert_one": ["document"],
    "insert_many": ["documents"],
    "find_one": ["filter", "projection"],
    "find": ["filter", "projection", "sort", "skip", "limit"],
    "update_one": ["filter", "update", "upsert"],
    "update_many": ["filter", "update"],
    "delete_one": ["filter"],
    "delete_many": ["filter"],
    "replace_one": ["filter", "replacement", "upsert"],
    "find_one_and_update": ["filter", "update", "upsert", "return_document"],
    "count_documents": ["filter"],
    "create_index": ["keys", "unique", "name"],
    "aggregate": ["pipeline"],
    "list_indexes": [],
    "distinct": ["key", "filter"],
    "bulk_write": ["operations"],
}
STORE = {
    "connect": [],
    "disconnect": [],
    "is_connected": [],
    "collection": ["name"],
    "session": [],
    "list_collections": [],
    "drop_collection": ["name"],
    "health_check": ["timeout"],
}
REPOSITORY = {
    "get": ["document_id"],
    "list": ["skip", "limit", "sort", "filters"],
    "find_by_filter": ["filter"],
    "find_by_spec": ["spec"],
    "count": ["filters"],
    "save": ["entity"],
    "delete": ["document_id"],
    "save_many": ["entities"],
    "delete_many": ["document_ids"],
}


@pytest.mark.parametrize(
    ("protocol", "methods"),
    [(CollectionProtocol, COLLECTION), (DocumentStoreProtocol, STORE), (DocumentRepositoryProtocol, REPOSITORY)],
    ids=["collection", "store", "repository"],
)
def test_documented_methods_are_there(protocol: Any, methods: dict[str, list[str]]) -> None:
    """With the documented parameters, and nothing else that must be given."""
    for method, documented in methods.items():
        parameters = inspect.signature(getattr(protocol, method)).parameters
        assert [name for name in documented if name not in parameters] == []
        further = [p for name, p in parameters.items() if name not in {"self", *documented}]
        assert all(p.default is not inspect.Parameter.empty for p in further), method


def test_what_is_awaited_and_what_is_not() -> None:
    """Finding and aggregating give a cursor at once; connecting and writing are awaited."""
    awaited = {name for name, _ in inspect.getmembers(CollectionProtocol, inspect.iscoroutinefunction)}

    assert {"insert_one", "update_many", "bulk_write", "find_one"} <= awaited
    assert not {"find", "aggregate", "watch"} & awaited
    assert not inspect.iscoroutinefunction(DocumentStoreProtocol.is_connected)


def test_results_have_documented_defaults() -> None:
    """A write that did nothing."""
    assert dataclasses.astuple(DocumentResult())[:5] == (None, 0, 0, None, True)
    assert dataclasses.astuple(BulkWriteResult())[:5] == (0, 0, 0, 0, [])
    assert BulkWriteResult().upserted_ids is not BulkWriteResult().upserted_ids


@pytest.mark.parametrize(
    "value",
    [
        DocumentResult("1"),
        BulkWriteResult(1),
        ChangeEvent("insert", "users", 1, {"_id": 1}, "token"),
        InsertOne({"a": 1}),
        UpdateOne({}, {"$set": {"a": 1}}),
        UpdateMany({}, {"$set": {"a": 1}}),
        ReplaceOne({}, {"a": 1}),
        DeleteOne({}),
        DeleteMany({}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_frozen(value: Any) -> None:
    """Nobody changes a result that someone else holds."""
    name = dataclasses.fields(value)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)
    assert not hasattr(value, "__dict__")
    assert type(value).__name__ in nosql.__all__


def test_a_collection_must_have_every_method() -> None:
    """The protocols can be checked at run time."""

    class Half:
        name = "users"

        async def insert_one(self, document: Any) -> None: ...

    assert not isinstance(Half(), CollectionProtocol)
    assert not isinstance(Half(), DocumentStoreProtocol)
