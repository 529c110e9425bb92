"""Requests as they leave and answers as they arrive, on a local endpoint of HTTP."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from lexigram.nosql.backends.dynamodb.client import DynamoClient
from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
from lexigram.nosql.backends.dynamodb.wire import signing
from lexigram.nosql.backends.dynamodb.wire.signing import Signer
from lexigram.nosql.exceptions import NoSQLConnectionError, StoreNotConnectedError

Answer = Callable[[web.BaseRequest, bytes], web.StreamResponse]


def said(body: Any, status: int = 200, **headers: str) -> web.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sums = {"x-amz-crc32": str(zlib.crc32(content)), **headers}
    return web.Response(body=content, status=status, headers=sums, content_type="application/x-amz-json-1.0")


def refusal(code: str, status: int = 400, **fields: Any) -> web.Response:
    return said({"__type": f"com.amazonaws#{code}", "message": "no", **fields}, status)


class Endpoint:
    """Answers what it is given, in turn; the last answer again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Any] = [{}]
        self.requests: list[tuple[dict[str, str], bytes]] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer()
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer if isinstance(answer, web.StreamResponse) else said(answer)


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    served = Endpoint()
    runner = web.ServerRunner(web.Server(served.handle, access_log=None), shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = "http://{}:{}".format(*runner.addresses[0][:2])
        yield served
    finally:
        await runner.cleanup()


@pytest.fixture(params=["direct", "through"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the way to the service: the short one, or the one through all of botocore's stages."""
    chosen: str = request.param
    if chosen == "through":
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
    return chosen


Opened = Callable[..., Any]


@pytest_asyncio.fixture
async def opened(endpoint: Endpoint, way: str) -> AsyncIterator[Opened]:
    clients: list[DynamoClient] = []

    async def make(**settings: Any) -> DynamoClient:
        given = {"access_key": "AK", "secret_key": "SK", "session_token": "ST", "endpoint_url": endpoint.url}
        client = DynamoClient(DynamoDBConfig(**{**given, **settings}))
        clients.append(client)
        await client.open()
        assert client._dynamodb is not None
        assert (client._dynamodb.short is None) is (way == "through")
        return client

    yield make
    for client in clients:
        await client.close()


GET = {"TableName": "things", "Key": {"_id": {"S": "1"}}}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("BatchGetItem", {"RequestItems": {"things": {"Keys": []}}}),
        ("TransactGetItems", {"TransactItems": []}),
        ("ListTables", {}),
    ],
)
async def test_any_operation_may_be_the_first(
    endpoint: Endpoint, opened: Opened, operation: str, request_: dict[str, Any]
) -> None:
    client = await opened()
    assert await client.call(operation, request_) == {}
    assert endpoint.requests[0][0]["x-amz-target"] == f"DynamoDB_20120810.{operation}"


async def test_a_request_is_sent_as_it_is_and_its_answer_comes_back_so(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    item = {"_id": {"S": "é\U0001f600"}, "b": {"B": "AAE="}, "n": {"N": "1.50"}}
    endpoint.answers = [{"Item": item, "ConsumedCapacity": {"CapacityUnits": 0.5}}]
    assert await client.call("GetItem", GET) == {"Item": item, "ConsumedCapacity": {"CapacityUnits": 0.5}}
    ((headers, body),) = endpoint.requests
    assert json.loads(body) == GET
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert "boto" in headers["user-agent"].lower()
    assert headers["x-amz-security-token"] == "ST"
    assert client.requests == 1


async def test_what_is_signed_is_what_botocore_would_sign(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    await client.call("GetItem", GET)
    headers, body = endpoint.requests[0]
    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    signed = parts["SignedHeaders"].split(";")
    assert {"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(signed)
    request = AWSRequest("POST", endpoint.url + "/", {name: headers[name] for name in signed}, body)
    request.context["timestamp"] = headers["x-amz-date"]
    theirs = SigV4Auth(ReadOnlyCredentials("AK", "SK", "ST"), "dynamodb", "us-east-1")
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert scheme == "AWS4-HMAC-SHA256"
    assert parts["Signature"] == theirs.signature(text, request)
    assert parts["Credential"] == f"AK/{headers['x-amz-date'][:8]}/us-east-1/dynamodb/aws4_request"


@pytest.mark.parametrize("moment", [0, 1_790_000_000, 1_790_086_400])
def test_signatures_follow_the_day_and_the_credentials(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer("dynamodb", "eu-west-1", "localhost:8000", "/a b/../c")
    for keys in (ReadOnlyCredentials("A", "S", None), ReadOnlyCredentials("B", "T", "token")):
        for second in (moment, moment + 86_400):
            monkeypatch.setattr(signing.time, "time", lambda second=second: second + 0.9)
            headers = signer.headers(keys, b"{}", {"content-type": "x"}, "T.Op")
            given = headers.pop("Authorization")
            request = AWSRequest("POST", "http://localhost:8000/c", headers, b"{}")
            request.context["timestamp"] = datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
            theirs = SigV4Auth(keys, "dynamodb", "eu-west-1")
            text = theirs.string_to_sign(request, theirs.canonical_request(request))
            assert given.endswith(f"Signature={theirs.signature(text, request)}")


async def test_a_refusal_has_botocores_class_and_the_services_fields(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    endpoint.answers = [refusal("ConditionalCheckFailedException", Item={"b": {"B": "AAE="}})]
    with pytest.raises(ClientError) as caught:
        await client.call("PutItem", {"TableName": "things", "Item": {}})
    assert type(caught.value).__name__ == "ConditionalCheckFailedException"
    response: Any = caught.value.response
    assert response["Item"] == {"b": {"B": "AAE="}}
    assert response["TableNames"] == ["things"]
    assert client.requests == 1


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize(
    "fault",
    [
        lambda: refusal("ProvisionedThroughputExceededException"),
        lambda: refusal("InternalServerError", 500),
        lambda: said(b"<html></html>", 503),
        lambda: "cut",
        lambda: said(b"{}", **{"x-amz-crc32": "1"}),
    ],
    ids=["throttled", "500", "503 in HTML", "cut", "checksum"],
)
async def test_what_goes_away_is_tried_again_by_the_sdk(
    endpoint: Endpoint, opened: Opened, fault: Callable[[], Any], mode: str
) -> None:
    client = await opened(retry_mode=mode, max_attempts=3)
    endpoint.answers = [fault, fault, {"Item": {}}]
    assert await client.call("GetItem", GET) == {"Item": {}}
    assert len(endpoint.requests) == 3
    assert client.requests == 3
    tries = [headers["amz-sdk-request"] for headers, _ in endpoint.requests]
    assert [f"attempt={number}" in text for number, text in enumerate(tries, 1)] == [True, True, True]
    assert len({headers["amz-sdk-invocation-id"] for headers, _ in endpoint.requests}) == 1
    # Nothing is left of it in the next request.
    endpoint.answers = [{}]
    assert await client.call("GetItem", GET) == {}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lambda: refusal("ThrottlingException"), ClientError),
        (lambda: "cut", (ConnectionClosedError, EndpointConnectionError)),
        (lambda: said(b"{}", **{"x-amz-crc32": "1"}), ChecksumError),
    ],
    ids=["throttled", "cut", "checksum"],
)
async def test_attempts_are_bounded(endpoint: Endpoint, opened: Opened, fault: Any, kind: Any, way: str) -> None:
    if way == "through" and kind is ChecksumError:
        pytest.skip("botocore's standard retries let the last answer pass unchecked")
    client = await opened(retry_mode="standard", max_attempts=2)
    endpoint.answers = [fault]
    with pytest.raises(kind) as caught:
        await client.call("GetItem", GET)
    assert len(endpoint.requests) == 2
    assert "ST" not in repr(caught.value)
    if isinstance(caught.value, ClientError):
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1


async def test_what_stays_wrong_is_not_tried_again(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    endpoint.answers = [refusal("ValidationException")]
    with pytest.raises(ClientError):
        await client.call("GetItem", GET)
    assert len(endpoint.requests) == 1


async def test_an_answer_that_is_not_json_is_an_error_of_the_wire(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    endpoint.answers = [lambda: said(b"<html>hello</html>")]
    with pytest.raises(ResponseParserError):
        await client.call("GetItem", GET)


async def test_a_transaction_has_a_token_by_which_it_counts_once(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    endpoint.answers = [lambda: refusal("InternalServerError", 500), {}]
    await client.call("TransactWriteItems", {"TransactItems": []})
    first, second = (json.loads(body) for _, body in endpoint.requests)
    assert first["ClientRequestToken"] == second["ClientRequestToken"]
    await client.call("TransactWriteItems", {"TransactItems": [], "ClientRequestToken": "mine"})
    assert json.loads(endpoint.requests[-1][1])["ClientRequestToken"] == "mine"


async def test_silence_and_refused_connections_are_told_apart(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened(read_timeout=0.05, max_attempts=1)
    waiting = asyncio.Event()

    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        await waiting.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(silent, access_log=None), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://{}:{}".format(*runner.addresses[0][:2])
    late = await opened(endpoint_url=url, read_timeout=0.05, max_attempts=1)
    with pytest.raises(ReadTimeoutError):
        await late.call("GetItem", GET)
    waiting.set()
    await runner.cleanup()
    gone = await opened(endpoint_url=url, max_attempts=1)
    with pytest.raises(EndpointConnectionError):
        await gone.call("GetItem", GET)
    assert await client.call("GetItem", GET) == {}


async def test_streams_have_a_client_of_their_own(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    endpoint.answers = [{"Records": [{"dynamodb": {"ApproximateCreationDateTime": 1.5}}]}]
    answers = await asyncio.gather(*[client.streams_call("GetRecords", {"ShardIterator": "i"}) for _ in range(3)])
    assert answers[0]["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] == 1.5
    assert endpoint.requests[0][0]["x-amz-target"] == "DynamoDBStreams_20120810.GetRecords"
    assert client.requests == 3


async def test_empty_values_are_marked_for_servers_that_refuse_them(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened(empty_values="marked")
    item = {"a": {"S": ""}, "b": {"B": ""}, "c": {"S": '{"S":""}'}, "d": {"L": [{"S": ""}]}}
    await client.call("PutItem", {"TableName": "things", "Item": item})
    sent = json.loads(endpoint.requests[0][1])["Item"]
    assert sent["a"]["S"]
    assert sent["b"]["B"]
    assert sent["c"] == item["c"]
    endpoint.answers = [{"Item": sent}]
    assert (await client.call("GetItem", GET))["Item"] in (item, sent)


async def test_the_sdks_own_client_stays_as_it_is(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    endpoint.answers = [{"Item": {"b": {"B": "AAE="}}}]
    answer = await client.native.get_item(TableName="things", Key={"_id": {"S": "1"}})
    assert answer["Item"] == {"b": {"B": b"\0\1"}}


async def test_a_closed_client_says_so(opened: Opened) -> None:
    client = await opened()
    await client.close()
    await client.close()
    with pytest.raises(StoreNotConnectedError):
        await client.call("GetItem", GET)
    with pytest.raises(StoreNotConnectedError):
        await client.streams_call("GetRecords", {})


async def test_another_event_loop_is_refused(opened: Opened) -> None:
    client = await opened()

    def elsewhere() -> None:
        with pytest.raises(NoSQLConnectionError, match="another event loop") as caught:
            asyncio.run(client.call("GetItem", GET))
        assert not caught.value.retryable

    await asyncio.to_thread(elsewhere)


async def test_a_cancelled_request_leaves_the_client_usable(endpoint: Endpoint, opened: Opened) -> None:
    client = await opened()
    asked, go = asyncio.Event(), asyncio.Event()
    handle = endpoint.handle

    async def held(request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await go.wait()
        return await handle(request)

    runner = web.ServerRunner(web.Server(held, access_log=None), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slow = await opened(endpoint_url="http://{}:{}".format(*runner.addresses[0][:2]), max_pool_connections=1)
    task = asyncio.ensure_future(slow.call("GetItem", GET))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert await slow.call("GetItem", GET) == {}
    await slow.close()
    await runner.cleanup()
    assert await client.call("GetItem", GET) == {}


async def test_adaptive_retries_go_through_all_of_botocores_stages(endpoint: Endpoint) -> None:
    settings = {"access_key": "AK", "secret_key": "SK", "endpoint_url": endpoint.url, "retry_mode": "adaptive"}
    client = DynamoClient(DynamoDBConfig(**settings))
    await client.open()
    try:
        assert client._dynamodb is not None
        assert client._dynamodb.short is None
        assert await client.call("GetItem", GET) == {}
    finally:
        await client.close()


ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/things"


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("GetItem", {**GET, "TableName": ARN}),
        ("BatchGetItem", {"RequestItems": {ARN: {"Keys": []}}}),
        ("TransactGetItems", {"TransactItems": [{"Get": {**GET, "TableName": ARN}}]}),
    ],
)
async def test_a_table_named_by_its_arn_goes_to_its_own_account(
    endpoint: Endpoint, operation: str, request_: dict[str, Any]
) -> None:
    client = DynamoClient(DynamoDBConfig(access_key="AK", secret_key="SK", endpoint_url=endpoint.url))
    await client.open()
    try:
        await client.call(operation, request_)
        assert client._dynamodb is not None
        assert client._dynamodb.long.requests == 1
    finally:
        await client.close()
