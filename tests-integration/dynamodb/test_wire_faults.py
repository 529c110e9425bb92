"""The client and the codec on real servers, with an endpoint between that goes wrong as it is told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import ChecksumError, ClientError, ConnectionClosedError, EndpointConnectionError
from lexigram.nosql.backends.dynamodb.client import DynamoClient
from lexigram.nosql.backends.dynamodb.codec import (
    MAX_ITEM_BYTES,
    decode_document,
    decode_id,
    encode_item,
    encode_key,
    item_size,
)
from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
from lexigram.nosql.backends.dynamodb.errors import cancellation_reasons, classify, error_code
from lexigram.nosql.exceptions import AuthenticationFailedError, DocumentTooLargeError, NoSQLError
from lexigram.nosql.testing.comparing import assert_same
from lexigram.nosql.testing.suites.values import VALUES
from servers import Server
from servers.dynamodb import settings
from servers.faults import Between, broken, corrupted, faulty, held, refused, reset, slow, throttled, unprocessed

Client = DynamoClient


@asynccontextmanager
async def opened(server: Server, **changed: Any) -> AsyncIterator[Client]:
    client = DynamoClient(DynamoDBConfig(**{**settings(server), **changed}))
    await client.open()
    try:
        yield client
    finally:
        await client.close()


@pytest_asyncio.fixture
async def table(either_server: Server) -> AsyncIterator[str]:
    """Return a table with a text key, which is gone after the test."""
    name = f"wire-{uuid.uuid4().hex[:12]}"
    async with opened(either_server) as client:
        await client.call(
            "CreateTable",
            {
                "TableName": name,
                "KeySchema": [{"AttributeName": "_id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "_id", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )
        yield name
        await client.call("DeleteTable", {"TableName": name})


@pytest_asyncio.fixture
async def between(either_server: Server) -> AsyncIterator[Between]:
    """Return an endpoint in front of the server."""
    async with faulty(either_server.endpoint) as endpoint:
        yield endpoint


@pytest_asyncio.fixture
async def client(either_server: Server, between: Between) -> AsyncIterator[Client]:
    """Return a client that goes by the endpoint between."""
    async with opened(either_server, endpoint_url=between.url) as made:
        yield made


def put(table: str, identity: str, **fields: Any) -> dict[str, Any]:
    return {"TableName": table, "Item": {"_id": {"S": identity}, **fields}}


async def stored(client: Client, table: str) -> dict[str, dict[str, Any]]:
    """What is in the table, by key."""
    answer = await client.call("Scan", {"TableName": table, "ConsistentRead": True})
    return {item["_id"]["S"]: item for item in answer["Items"]}


async def test_every_type_comes_back_from_a_real_server(client: Client, table: str) -> None:
    for number, (name, value) in enumerate(VALUES.items()):
        document = {"_id": number, "v": value, "l": [value], "o": {"z": value, "a": 1}}
        key = {"_id": encode_key(number)}
        await client.call("PutItem", {"TableName": table, "Item": {**encode_item(document, "r"), **key}})
        item = (await client.call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}))["Item"]
        found = decode_document(item, decode_id(item["_id"], item), frozenset(key))
        assert_same(found, document)
        assert found, name


async def test_an_item_of_400_kb_is_stored_and_one_byte_more_refused_before_it_is_sent(
    client: Client, between: Between, table: str
) -> None:
    fields = {"n": {"N": "-12.5"}, "l": {"L": [{"NULL": True}, {"M": {"k": {"S": "é"}}}]}, "b": {"B": "YWI="}}
    item = {"_id": {"S": "1"}, **fields, "x": {"S": ""}}
    item["x"] = {"S": "x" * (MAX_ITEM_BYTES - item_size(item))}
    await client.call("PutItem", {"TableName": table, "Item": item})
    sent = between.count("PutItem")
    item["x"] = {"S": item["x"]["S"] + "x"}
    with pytest.raises(DocumentTooLargeError):
        await client.call("PutItem", {"TableName": table, "Item": item})
    assert between.count("PutItem") == sent


@pytest.mark.parametrize(
    "fault",
    [throttled, broken, reset, lambda *names, times: refused("ServiceUnavailable", *names, status=503, times=times)],
    ids=["throttled", "500", "reset", "503"],
)
async def test_a_burst_of_faults_is_outlived(client: Client, between: Between, table: str, fault: Any) -> None:
    between.add(fault("PutItem", times=3))
    await client.call("PutItem", put(table, "1", a={"N": "1"}))
    assert between.count("PutItem") == 4
    assert (await stored(client, table)).keys() == {"1"}


@pytest.mark.parametrize("fault", [broken, reset], ids=["500", "reset"])
async def test_a_write_whose_answer_was_lost_is_there_once(
    client: Client, between: Between, table: str, fault: Any
) -> None:
    await client.call("PutItem", put(table, "1", n={"N": "0"}))
    between.add(fault("TransactWriteItems", done=True))
    update = {
        "Update": {
            "TableName": table,
            "Key": {"_id": {"S": "1"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    await client.call("TransactWriteItems", {"TransactItems": [update]})
    assert between.count("TransactWriteItems") == 2
    tokens = {body["ClientRequestToken"] for name, body in between.requests if name == "TransactWriteItems"}
    assert len(tokens) == 1
    assert (await stored(client, table))["1"]["n"] == {"N": "1"}


async def test_a_corrupted_answer_is_read_again(client: Client, between: Between, table: str) -> None:
    await client.call("PutItem", put(table, "1"))
    between.add(corrupted("GetItem", times=2))
    answer = await client.call("GetItem", {"TableName": table, "Key": {"_id": {"S": "1"}}})
    assert answer["Item"] == {"_id": {"S": "1"}}
    assert between.count("GetItem") == 3


async def test_what_does_not_end_is_an_error_of_ours(either_server: Server, between: Between, table: str) -> None:
    async with opened(either_server, endpoint_url=between.url, max_attempts=2) as client:
        for fault, kinds in (
            (throttled("GetItem", times=2), (ClientError,)),
            (reset("GetItem", times=2), (ConnectionClosedError, EndpointConnectionError)),
            (corrupted("GetItem", times=2), (ChecksumError,)),
        ):
            between.faults[:] = [fault]
            with pytest.raises(kinds) as caught:
                await client.call("GetItem", {"TableName": table, "Key": {"_id": {"S": "1"}}})
            made = classify(caught.value)
            assert isinstance(made, NoSQLError)
            assert made.retryable


async def test_a_slow_body_is_waited_for_and_a_silent_one_is_not(
    either_server: Server, between: Between, table: str
) -> None:
    async with opened(either_server, endpoint_url=between.url) as client:
        await client.call("PutItem", put(table, "1", a={"S": "x" * 1000}))
        reached, go = asyncio.Event(), asyncio.Event()
        between.add(slow(reached, go, "GetItem"))
        reading = asyncio.ensure_future(client.call("GetItem", {"TableName": table, "Key": {"_id": {"S": "1"}}}))
        await reached.wait()
        go.set()
        assert (await reading)["Item"]["a"]["S"] == "x" * 1000
    async with opened(either_server, endpoint_url=between.url, read_timeout=0.1, max_attempts=1) as hasty:
        reached, never = asyncio.Event(), asyncio.Event()
        between.add(slow(reached, never, "GetItem"))
        with pytest.raises(Exception, match="timeout") as caught:
            await hasty.call("GetItem", {"TableName": table, "Key": {"_id": {"S": "1"}}})
        assert isinstance(classify(caught.value), TimeoutError)
        never.set()


async def test_a_cancelled_write_leaves_no_connection_behind(client: Client, between: Between, table: str) -> None:
    reached, go = asyncio.Event(), asyncio.Event()
    between.add(held(reached, go, "PutItem"))
    writing = asyncio.ensure_future(client.call("PutItem", put(table, "1")))
    await reached.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go.set()
    await client.call("PutItem", put(table, "2"))
    assert "2" in await stored(client, table)


async def test_half_of_a_batch_is_given_back(client: Client, between: Between, table: str) -> None:
    between.add(unprocessed("BatchWriteItem"), unprocessed("BatchGetItem"))
    writes = [{"PutRequest": {"Item": {"_id": {"S": str(number)}}}} for number in range(4)]
    answer = await client.call("BatchWriteItem", {"RequestItems": {table: writes}})
    assert answer["UnprocessedItems"][table] == writes[2:]
    assert (await stored(client, table)).keys() == {"0", "1"}
    keys = [{"_id": {"S": str(number)}} for number in range(2)]
    found = await client.call("BatchGetItem", {"RequestItems": {table: {"Keys": keys}}})
    assert len(found["Responses"][table]) == 1
    assert found["UnprocessedKeys"][table]["Keys"] == keys[1:]


async def test_the_services_own_refusals_are_told_apart(client: Client, table: str) -> None:
    await client.call("PutItem", put(table, "1"))
    with pytest.raises(ClientError) as caught:
        await client.call("PutItem", {**put(table, "1"), "ConditionExpression": "attribute_not_exists(#k)",
                                      "ExpressionAttributeNames": {"#k": "_id"}})  # fmt: skip
    assert error_code(caught.value) == "ConditionalCheckFailedException"
    with pytest.raises(ClientError) as caught:
        await client.call("GetItem", {"TableName": "no-such-table", "Key": {"_id": {"S": "1"}}})
    made = classify(caught.value)
    assert made is not None
    assert "'no-such-table'" in str(made)
    check = {"TableName": table, "Key": {"_id": {"S": "9"}}, "ConditionExpression": "attribute_exists(x)"}
    with pytest.raises(ClientError) as caught:
        await client.call(
            "TransactWriteItems",
            {"TransactItems": [{"Put": put(table, "2")}, {"ConditionCheck": check}]},
        )
    assert [(reason.index, reason.code) for reason in cancellation_reasons(caught.value)] == [
        (1, "ConditionalCheckFailed")
    ]
    assert "2" not in await stored(client, table)


async def test_credentials_that_are_refused_say_so(client: Client, between: Between, table: str) -> None:
    for code in ("UnrecognizedClientException", "ExpiredTokenException", "AccessDeniedException"):
        between.faults[:] = [refused(code, "GetItem")]
        with pytest.raises(ClientError) as caught:
            await client.call("GetItem", {"TableName": table, "Key": {"_id": {"S": "1"}}})
        assert isinstance(classify(caught.value), AuthenticationFailedError)
