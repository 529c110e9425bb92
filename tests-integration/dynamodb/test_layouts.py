"""Where collections lie: tables of their own, one table together, tables that exist already."""

from __future__ import annotations

from typing import Any

import pytest
from dynamodb.conftest import Opener, settings_for
from dynamodb.raw import drop_tables, request
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore, ExistingTable
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, NoSQLIndexError, UnsupportedFeatureError
from servers import Server

NAMES = ["a", "ab", "a-b", "a.b", "#catalogue", "ünï"]


async def test_collections_of_one_table_are_apart(open_store: Opener, layout: str, prefix: str) -> None:
    store = await open_store(layout=layout)
    for name in NAMES:
        things = store.collection(name)
        await things.insert_many([{"_id": number, "in": name} for number in range(5)])
        await things.create_index("in")
    for name in NAMES:
        things = store.collection(name)
        assert [document["in"] for document in await things.find().to_list()] == [name] * 5
        assert await things.count_documents({"in": name}) == 5
        assert await things.find({"in": {"$ne": name}}).to_list() == []
    await store.collection("a").delete_many({})
    await store.drop_collection("ab")
    assert await store.list_collections() == sorted(set(NAMES) - {"ab"})
    assert await store.collection("a.b").count_documents() == 5
    tables = await store.native.list_tables(ExclusiveStartTableName=prefix[:-1])
    own = [name for name in tables["TableNames"] if name.startswith(prefix)]
    assert (own == [prefix]) is (layout == "single-table")


async def test_stores_whose_names_begin_alike_are_apart(open_store: Opener, prefix: str) -> None:
    shop, other = await open_store(table_name=prefix), await open_store(table_name=f"{prefix}-eu")
    await other.collection("users").insert_one({"_id": 1})
    await other.collection("users").create_index("mail", unique=True)
    assert await shop.list_collections() == []
    assert await shop.collection("eu-users").find().to_list() == []
    await shop.collection("eu-users").insert_one({"_id": 2})
    await shop.drop_collection("eu-users")
    with pytest.raises(NoSQLError, match="catalogue of another store"):
        await shop.drop_collection("eu")
    with pytest.raises(NoSQLError, match="catalogue of another store"):
        await shop.collection("eu").insert_one({"_id": 3})
    await other.driver.homes.catalogue.read()
    assert "mail_1" in [index["name"] for index in await other.collection("users").list_indexes()]
    assert await other.collection("users").find().to_list() == [{"_id": 1}]
    assert await other.list_collections() == ["users"]


async def test_the_key_attribute_has_the_name_asked_for(open_store: Opener, layout: str) -> None:
    store = await open_store(layout=layout, pk_field="id")
    things = store.collection("things")
    document = {"_id": 1, "id": "own", "a": 1}
    await things.insert_one(document)
    assert await things.find_one({"id": "own"}) == document
    await things.update_one({"_id": 1}, {"$set": {"id": "new"}})
    assert await things.find_one({"_id": 1}) == {**document, "id": "new"}


async def test_a_table_that_may_not_be_made_says_how(open_store: Opener) -> None:
    store = await open_store(table_creation="require")
    with pytest.raises(NoSQLError) as caught:
        await store.collection("things").insert_one({"_id": 1})
    assert "table_creation" in str(caught.value)
    assert await store.collection("things").find().to_list() == []


async def _orders(server: Server, prefix: str) -> str:
    table = f"{prefix}-orders-of-old"
    await request(
        server.endpoint,
        "CreateTable",
        {
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in (("customer", "S"), ("number", "N"), ("state", "S"), ("total", "N"))
            ],
            "KeySchema": [
                {"AttributeName": "customer", "KeyType": "HASH"},
                {"AttributeName": "number", "KeyType": "RANGE"},
            ],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by-state",
                    "KeySchema": [
                        {"AttributeName": "state", "KeyType": "HASH"},
                        {"AttributeName": "total", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        },
    )
    for number in range(12):
        item: dict[str, Any] = {
            "customer": {"S": "ada" if number % 2 else "bob"},
            "number": {"N": str(number)},
            "state": {"S": "open" if number % 3 else "done"},
            "total": {"N": str(number * 10)},
            "tags": {"SS": ["x", f"t{number}"]},
        }
        await request(server.endpoint, "PutItem", {"TableName": table, "Item": item})
    return table


async def test_an_existing_table_is_used_by_its_own_keys(either_server: Server, prefix: str) -> None:
    table = await _orders(either_server, prefix)
    given = {**settings_for(either_server), "table_name": prefix, "scan_policy": "allow"}
    config = DynamoDBConfig(**given, existing_tables={"orders": ExistingTable(table=table)})
    try:
        async with DynamoDBDocumentStore(config) as store:
            orders = store.collection("orders")
            identity = {"customer": "ada", "number": 3}
            cursor = orders.find({"_id": identity})
            assert await cursor.to_list() == [{"_id": identity, "state": "done", "tags": ["t3", "x"], "total": 30}]
            assert (await cursor.explain()).access.kind == "key"

            cursor = orders.find({"_id.customer": "ada"}, sort=[("_id.number", -1)], limit=2)
            assert [document["_id"]["number"] for document in await cursor.to_list()] == [11, 9]
            plan = await cursor.explain()
            assert plan.access.kind == "index"

            cursor = orders.find({"state": "open", "total": {"$gte": 80}})
            assert sorted(document["total"] for document in await cursor.to_list()) == [80, 100, 110]
            plan = await cursor.explain()
            assert (plan.access.kind, plan.access.index) == ("index", "by-state")
            # An index without whole items is read, and the items are got from the table.
            assert all("tags" in document for document in await orders.find({"state": "open"}).to_list())

            assert (await orders.update_one({"_id": identity}, {"$inc": {"total": 1}})).modified_count == 1
            assert (await orders.update_one({"_id": identity}, {"$inc": {"total": 1}})).modified_count == 1
            assert await orders.find_one({"_id": identity}, projection={"total": 1}) == {"_id": identity, "total": 32}
            await orders.insert_one({"_id": {"customer": "eve", "number": 1}, "state": "new"})
            assert (await orders.delete_one({"_id": {"customer": "bob", "number": 0}})).deleted_count == 1
            assert await orders.count_documents() == 12
            with pytest.raises(DocumentValidationError):
                await orders.insert_one({"_id": "text"})
            with pytest.raises(UnsupportedFeatureError):
                await store.drop_collection("orders")
            assert "by-state" in [index["name"] for index in await orders.list_indexes()]
            with pytest.raises(NoSQLIndexError):
                await orders.drop_index("by-state")
    finally:
        await drop_tables(either_server.endpoint, prefix)


async def test_what_others_wrote_is_replaced_only_if_unchanged(either_server: Server, prefix: str) -> None:
    table = await _orders(either_server, prefix)
    given = {**settings_for(either_server), "table_name": prefix, "scan_policy": "allow", "write_attempts": 1}
    config = DynamoDBConfig(**given, existing_tables={"orders": ExistingTable(table=table)})
    try:
        async with DynamoDBDocumentStore(config) as store:
            target = store.driver.collection("orders")
            from lexigram.nosql.driver import NO_CALL, NativeRead
            from lexigram.nosql.query.parse import parse_filter

            identity = {"customer": "ada", "number": 1}
            read = NativeRead(target.compile(parse_filter({"_id": identity}), None, None), revisions=True)
            batches = [batch async for batch in target.read(read, NO_CALL)]
            (old,), (mark,) = batches[0].documents, batches[0].revisions
            key = {"customer": {"S": "ada"}, "number": {"N": "1"}}
            await request(
                either_server.endpoint,
                "UpdateItem",
                {
                    "TableName": table,
                    "Key": key,
                    "UpdateExpression": "SET #t = :t",
                    "ExpressionAttributeNames": {"#t": "total"},
                    "ExpressionAttributeValues": {":t": {"N": "99"}},
                },
            )
            assert not await target.replace(old, {**old, "total": 1}, mark, False, NO_CALL)
            assert (await store.collection("orders").find_one({"_id": identity}) or {})["total"] == 99
    finally:
        await drop_tables(either_server.endpoint, prefix)


async def test_a_key_that_is_named_wrongly_is_refused(either_server: Server, prefix: str) -> None:
    table = await _orders(either_server, prefix)
    given = {**settings_for(either_server), "table_name": prefix}
    wrong = ExistingTable(table=table, id_attributes=("customer",))
    try:
        with pytest.raises(NoSQLError) as caught:
            async with DynamoDBDocumentStore(DynamoDBConfig(**given, existing_tables={"orders": wrong})):
                pass
        assert "customer, number" in str(caught.value)
    finally:
        await drop_tables(either_server.endpoint, prefix)
