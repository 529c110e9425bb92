"""What nobody should pass, and what is said then; limits that the portable layer keeps for a backend."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from lexigram.contracts.core.health import HealthStatus
from lexigram.nosql import InsertOne, MigrationManager, UpdateOne
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.memory.spec import SPEC
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentTooLargeError,
    DocumentValidationError,
    MigrationError,
    NoSQLError,
    NoSQLIndexError,
    QueryOptionError,
    ScanDeniedError,
)
from lexigram.nosql.repository import DocumentRepository
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.minimal import SPEC as MINIMAL
from lexigram.nosql.values.size import bson_size


@dataclass
class Thing:
    """An entity."""

    id: str
    name: str


@pytest.fixture
def repository(memory: DocumentStore) -> DocumentRepository[Thing, str]:
    """A repository whose objects are marked when they are deleted."""
    return DocumentRepository(memory, entity=Thing, soft_delete=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s, r: s.collection("c").explain(None), QueryOptionError, "takes the name of a method, not NoneType"),
        (lambda s, r: r.save_many(None), DocumentValidationError, "takes a list of objects, not NoneType"),
        (lambda s, r: r.save_many({"a": 1}), DocumentValidationError, "takes a list of objects, not dict"),
        (lambda s, r: r.delete_many(None), DocumentValidationError, "takes a list of ids, not NoneType"),
        (lambda s, r: r.delete_many("abc"), DocumentValidationError, "takes a list of ids, not str"),
        (lambda s, r: r.purge(before="x"), DocumentValidationError, "takes a datetime for `before`, not str"),
        (lambda s, r: MigrationManager(s).apply(target=3), MigrationError, "a version as text, not int"),  # type: ignore[call-overload]
        (lambda s, r: MigrationManager(s).rollback(3), MigrationError, "a version as text, not int"),  # type: ignore[call-overload]
        (lambda s, r: s.collection("c").create_index({"a": 1 + 0j}), NoSQLIndexError, "direction of 'a' is"),
        (lambda s, r: s.collection("c").create_index({"a": [1]}), NoSQLIndexError, "direction of 'a' is"),
        (lambda s, r: s.health_check(timeout="5"), QueryOptionError, "timeout is a number of seconds, not '5'"),
        (lambda s, r: s.health_check(timeout=float("nan")), QueryOptionError, "timeout is a number of seconds"),
    ],
    ids=[
        "explain",
        "save-nothing",
        "save-mapping",
        "delete-nothing",
        "delete-text",
        "purge",
        "apply",
        "rollback",
        "index-complex",
        "index-list",
        "health-text",
        "health-nan",
    ],
)
async def test_an_argument_of_the_wrong_kind_is_an_error_that_says_what_to_pass(
    memory: DocumentStore,
    repository: DocumentRepository[Thing, str],
    call: Callable[[Any, Any], Any],
    error: type[NoSQLError],
    message: str,
) -> None:
    """And not a TypeError from the depths, or an answer that looks right."""
    with pytest.raises(error, match=message):
        await call(memory, repository)


@pytest.mark.parametrize("timeout", [0, -1, 0.0])
async def test_a_health_check_without_time_is_unhealthy(memory: DocumentStore, timeout: float) -> None:  # noqa: ASYNC109 - the parameter's name
    """Even of a store that would answer at once."""
    result = await memory.health_check(timeout=timeout)

    assert (result.status, result.error) == (HealthStatus.UNHEALTHY, "timeout")


async def test_a_scan_on_a_backend_without_indexes_is_not_told_to_make_one(caplog: pytest.LogCaptureFixture) -> None:
    """It could not be made."""
    caplog.set_level(logging.WARNING, "lexigram.nosql")
    async with DocumentStore(MINIMAL, MINIMAL.config(scan_policy="warn")) as store:
        await store.collection("things").find({"a": 1}).to_list()
    assert "This backend has no indexes" in caplog.text
    assert "create_index" not in caplog.text

    async with DocumentStore(MINIMAL, MINIMAL.config(scan_policy="deny")) as store:
        with pytest.raises(ScanDeniedError) as caught:
            await store.collection("things").find({"a": 1}).to_list()
    assert "create_index" not in str(caught.value.hint)
    assert caught.value.suggested_index == ()


# --- the size of documents


LIMIT = 200
LIMITED = replace(MINIMAL, capabilities=replace(MINIMAL.capabilities, max_document_bytes=LIMIT))


@pytest.fixture
async def limited() -> AsyncIterator[DocumentStore]:
    """A store whose backend says that it takes small documents only, and does not check."""
    async with DocumentStore(LIMITED) as store:
        yield store


def of_size(size: int) -> dict[str, Any]:
    """A document that takes so many bytes in BSON."""
    document = {"_id": 1, "text": ""}
    document["text"] = "x" * (size - bson_size(document))
    return document


async def test_a_document_of_the_largest_size_is_stored_and_one_byte_more_is_not(limited: DocumentStore) -> None:
    """The error has both numbers."""
    things = limited.collection("things")
    with pytest.raises(DocumentTooLargeError, match="takes 201 bytes, and minimal stores at most 200") as caught:
        await things.insert_one(of_size(LIMIT + 1))
    assert (caught.value.size, caught.value.limit, caught.value.mongo_code) == (201, 200, 10334)
    assert await things.count_documents() == 0

    await things.insert_one(of_size(LIMIT))
    assert await things.count_documents() == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda things: things.insert_many([{"_id": 2}, of_size(201) | {"_id": 3}]),
        lambda things: things.update_one({"_id": 1}, {"$set": {"more": "x" * 200}}),
        lambda things: things.update_many({}, {"$set": {"more": "x" * 200}}),
        lambda things: things.replace_one({"_id": 1}, {"text": "x" * 200}),
        lambda things: things.update_one({"_id": 9}, {"$set": {"more": "x" * 200}}, upsert=True),
        lambda things: things.find_one_and_update({"_id": 1}, {"$set": {"more": "x" * 200}}),
        lambda things: things.aggregate([{"$set": {"_id": 5, "m": "x" * 200}}, {"$merge": "things"}]).to_list(),
    ],
    ids=["insert_many", "update_one", "update_many", "replace_one", "upsert", "find_and_update", "merge"],
)
async def test_no_write_makes_a_document_larger_than_the_backend_stores(
    limited: DocumentStore, write: Callable[[Any], Any]
) -> None:
    """What was there stays as it was."""
    things = limited.collection("things")
    await things.insert_one({"_id": 1})

    with pytest.raises(DocumentTooLargeError):
        await write(things)

    assert await things.find().to_list() == [{"_id": 1}]


async def test_a_bulk_with_a_document_that_is_too_large_is_refused_as_a_whole(limited: DocumentStore) -> None:
    """An insert is checked before the first is carried out; an update when it is its turn."""
    things = limited.collection("things")
    with pytest.raises(DocumentTooLargeError) as caught:
        await things.bulk_write([InsertOne({"_id": 1}), InsertOne(of_size(201) | {"_id": 2})])
    assert caught.value.details["operation_index"] == 1
    assert await things.count_documents() == 0

    with pytest.raises(BulkWriteError) as failed:
        await things.bulk_write([InsertOne({"_id": 1}), UpdateOne({"_id": 1}, {"$set": {"m": "x" * 200}})])
    assert isinstance(failed.value.failures[0].error, DocumentTooLargeError)


async def test_a_backend_may_count_in_its_own_way() -> None:
    """Its own unit is what its limit means."""

    def keys(document: Mapping[str, Any]) -> int:
        return len(document)

    capabilities = replace(SPEC.capabilities, max_document_bytes=2)
    async with DocumentStore(replace(SPEC, capabilities=capabilities, document_size=keys)) as store:
        await store.collection("things").insert_one({"_id": 1, "a": "x" * 1000})
        with pytest.raises(DocumentTooLargeError, match="takes 3 bytes"):
            await store.collection("things").insert_one({"_id": 2, "a": 1, "b": 1})


async def test_nothing_is_counted_where_there_is_no_limit_or_the_encoder_knows_it() -> None:
    """The check costs only those who need it."""
    assert InMemoryDocumentStore().fits is None
    trusting = replace(SPEC.capabilities, max_document_bytes=2, encoder_validates=True)
    assert DocumentStore(replace(SPEC, capabilities=trusting)).fits is None
