"""Operations send as many requests as the service needs at least."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lexigram.nosql.backends.firestore import FirestoreDocumentStore
from lexigram.nosql.collection import Collection

LONG = 3_600_000
Act = Callable[[Collection, FirestoreDocumentStore], Awaitable[Any]]


async def _transaction(things: Collection, store: FirestoreDocumentStore) -> None:
    async with store.transaction():
        await things.update_one({"_id": "a1"}, {"$inc": {"n": 1}})
        await things.update_one({"_id": "a1"}, {"$inc": {"n": 1}})


async def _read_only(things: Collection, store: FirestoreDocumentStore) -> None:
    async with store.transaction():
        await things.find_one({"_id": "a1"})


CASES: dict[str, tuple[Act, dict[str, int]]] = {
    "insert": (lambda things, _: things.insert_one({"n": 1}), {"commit": 1}),
    "insert 500": (lambda things, _: things.insert_many([{"n": n} for n in range(500)]), {"commit": 1}),
    "insert 501": (lambda things, _: things.insert_many([{"n": n} for n in range(501)]), {"commit": 2}),
    "get": (lambda things, _: things.find_one({"_id": "a1"}), {"get": 1}),
    "get what is not there": (lambda things, _: things.find_one({"_id": "zz"}), {"get": 1}),
    "get 3": (lambda things, _: things.find({"_id": {"$in": ["a1", "a2", "zz"]}}).to_list(), {"batch_get": 1}),
    "get none": (lambda things, _: things.find({"_id": {"$in": []}}).to_list(), {}),
    "query": (lambda things, _: things.find({"kind": "x"}).to_list(), {"query": 1}),
    "query first": (lambda things, _: things.find_one({"kind": "x"}), {"query": 1}),
    "count": (lambda things, _: things.count_documents({"kind": "x"}), {"aggregate": 1}),
    "count all": (lambda things, _: things.count_documents({}), {"aggregate": 1}),
    "replace": (lambda things, _: things.replace_one({"_id": "a1"}, {"n": 9}), {"commit": 1}),
    "upsert of what is there": (
        lambda things, _: things.replace_one({"_id": "a1"}, {"n": 9}, upsert=True),
        {"commit": 1},
    ),
    "upsert of what is not": (
        lambda things, _: things.replace_one({"_id": "zz"}, {"n": 9}, upsert=True),
        {"commit": 2},
    ),
    "update": (lambda things, _: things.update_one({"_id": "a1"}, {"$inc": {"n": 1}}), {"get": 1, "commit": 1}),
    "update by hint": (lambda things, _: things.update_one({"_id": "a1"}, {"$set": {"kind": "y"}}), {"commit": 1}),
    "unset": (lambda things, _: things.update_one({"_id": "a1"}, {"$unset": {"n": 1}}), {"commit": 1}),
    "update many": (lambda things, _: things.update_many({"kind": "x"}, {"$inc": {"n": 1}}), {"query": 1, "commit": 1}),
    "delete": (lambda things, _: things.delete_one({"_id": "a1"}), {"commit": 1}),
    "delete many": (lambda things, _: things.delete_many({"kind": "x"}), {"query": 1, "commit": 1}),
    "transaction": (_transaction, {"batch_get": 1, "commit": 1}),
    "transaction that reads": (_read_only, {"batch_get": 1}),
}


@pytest.mark.parametrize("case", CASES)
async def test_no_request_is_sent_that_is_not_needed(case: str, open_store: Any, counted: Any) -> None:
    """But for the one that asks for the indexes every few seconds, which is not due here."""
    hints = {"things": {"kind": "required text"}}
    store = await open_store(index_refresh_ms=LONG, fields=hints)
    things = store.collection("things")
    await things.insert_many([{"_id": f"a{n}", "kind": "x", "n": n} for n in range(5)])
    act, expected = CASES[case]
    if case.startswith(("insert", "replace", "upsert")):
        # Those store documents that break the hint.
        things = store.collection("others")
        await things.insert_one({"_id": "a1", "n": 0})
    found = counted(store)
    await act(things, store)
    assert dict(found) == expected
