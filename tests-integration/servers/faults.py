"""An endpoint between a client of DynamoDB and a real server, which goes wrong as it is told.

::

    async with faulty(server.endpoint) as between:
        between.add(throttled("PutItem", times=3))
        ...  # a store on between.url
        assert between.count("PutItem") == 4

Faults are looked at in the order in which they were added; the first one that fits a request and is not used up is
applied to it. Everything else goes through. It runs on the event loop of the test, and ends with it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp import web

__all__ = [
    "Between",
    "Fault",
    "broken",
    "corrupted",
    "faulty",
    "held",
    "refused",
    "reset",
    "slow",
    "throttled",
    "unprocessed",
]

_OMITTED: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "keep-alive"})


@dataclass(slots=True)
class Answer:
    """What a server says.

    Attributes:
        status: Of HTTP.
        body: As it is sent.
        headers: Those that are passed on.
    """

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class Exchange:
    """A request on its way.

    Attributes:
        operation: Such as ``PutItem``.
        body: Its parameters.
        forward: Asks the real server, with these or other parameters.
        request: As it came.
    """

    operation: str
    body: dict[str, Any]
    forward: Callable[[dict[str, Any]], Awaitable[Answer]]
    request: web.BaseRequest


Act = Callable[[Exchange], Awaitable[Answer | web.StreamResponse]]


@dataclass(slots=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        act: What happens instead.
        operations: To which operations; empty for all.
        times: How often; None for always.
        skip: How many fitting requests go through before.
    """

    act: Act
    operations: frozenset[str] = frozenset()
    times: int | None = 1
    skip: int = 0

    def takes(self, operation: str) -> bool:
        """Say whether a request meets this fault, and count it."""
        if self.operations and operation not in self.operations:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass(slots=True)
class Between:
    """The endpoint.

    Attributes:
        url: Where it is.
        requests: Operation and parameters of each request, in the order in which they came.
        faults: Those that are left.
    """

    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, *faults: Fault) -> None:
        """Let things go wrong from now on."""
        self.faults.extend(faults)

    def count(self, operation: str | None = None) -> int:
        """How many requests came, of one operation or of all."""
        return sum(operation is None or operation == name for name, _ in self.requests)


def _error(code: str, message: str, status: int) -> Answer:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.0"})


def _fault(act: Act, operations: tuple[str, ...], times: int | None, skip: int) -> Fault:
    return Fault(act, frozenset(operations), times, skip)


def refused(code: str, *operations: str, status: int = 400, times: int | None = 1, skip: int = 0) -> Fault:
    """Refuse with a code of the service, without asking the server."""

    async def act(_: Exchange) -> Answer:
        return _error(code, f"{code}, said the endpoint between", status)

    return _fault(act, operations, times, skip)


def throttled(*operations: str, times: int | None = 1, skip: int = 0) -> Fault:
    """Refuse for load."""
    return refused("ProvisionedThroughputExceededException", *operations, times=times, skip=skip)


def broken(*operations: str, done: bool = False, times: int | None = 1, skip: int = 0) -> Fault:
    """Answer 500; with *done*, after the server did what it was asked to."""

    async def act(exchange: Exchange) -> Answer:
        if done:
            await exchange.forward(exchange.body)
        return _error("InternalServerError", "said the endpoint between", 500)

    return _fault(act, operations, times, skip)


def reset(*operations: str, done: bool = False, times: int | None = 1, skip: int = 0) -> Fault:
    """Cut the connection; with *done*, after the server did what it was asked to."""

    async def act(exchange: Exchange) -> web.StreamResponse:
        if done:
            await exchange.forward(exchange.body)
        transport = exchange.request.transport
        if transport is not None:
            transport.abort()
        return web.Response(status=500)

    return _fault(act, operations, times, skip)


def unprocessed(*operations: str, times: int | None = 1, skip: int = 0) -> Fault:
    """Do the first half of a batch, and give the rest back; of a batch of one, nothing is done."""

    async def act(exchange: Exchange) -> Answer:
        writes = exchange.operation == "BatchWriteItem"
        left: dict[str, Any] = {}
        done: dict[str, Any] = {}
        for table, given in exchange.body["RequestItems"].items():
            entries = given if writes else given["Keys"]
            half = len(entries) // 2
            for part, chosen in ((done, entries[:half]), (left, entries[half:])):
                if chosen:
                    part[table] = chosen if writes else {**given, "Keys": chosen}
        name = "UnprocessedItems" if writes else "UnprocessedKeys"
        if not done:
            empty = {name: left} if writes else {name: left, "Responses": {}}
            return Answer(200, json.dumps(empty).encode(), {"Content-Type": "application/x-amz-json-1.0"})
        answer = await exchange.forward({**exchange.body, "RequestItems": done})
        if answer.status != 200:
            return answer
        said = json.loads(answer.body)
        for table, entries in left.items():
            before = said.setdefault(name, {}).get(table)
            if before is None:
                said[name][table] = entries
            elif writes:
                before.extend(entries)
            else:
                before["Keys"].extend(entries["Keys"])
        return Answer(200, json.dumps(said).encode(), {"Content-Type": "application/x-amz-json-1.0"})

    return _fault(act, operations, times, skip)


def corrupted(*operations: str, times: int | None = 1, skip: int = 0) -> Fault:
    """Change the answer on its way, so that its checksum tells."""

    async def act(exchange: Exchange) -> Answer:
        answer = await exchange.forward(exchange.body)
        return Answer(answer.status, answer.body, {**answer.headers, "x-amz-crc32": "1"})

    return _fault(act, operations, times, skip)


def held(
    reached: asyncio.Event,
    go: asyncio.Event,
    *operations: str,
    done: bool = False,
    times: int | None = 1,
    skip: int = 0,
) -> Fault:
    """Hold a request until the test says; with *done*, the server has done it by then.

    Args:
        reached: Set when the request is held.
        go: Lets it go on.
        operations: To which operations.
        done: Hold the answer instead of the request.
        times: How often; None for always.
        skip: How many fitting requests go through before.
    """

    async def act(exchange: Exchange) -> Answer:
        if done:
            answer = await exchange.forward(exchange.body)
            reached.set()
            await go.wait()
            return answer
        reached.set()
        await go.wait()
        return await exchange.forward(exchange.body)

    return _fault(act, operations, times, skip)


def slow(reached: asyncio.Event, go: asyncio.Event, *operations: str, times: int | None = 1, skip: int = 0) -> Fault:
    """Send half of an answer, and the rest when the test says.

    Args:
        reached: Set when half of it was sent.
        go: Lets the rest follow.
        operations: To which operations.
        times: How often; None for always.
        skip: How many fitting requests go through before.
    """

    async def act(exchange: Exchange) -> web.StreamResponse:
        answer = await exchange.forward(exchange.body)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(exchange.request)
        half = len(answer.body) // 2
        await response.write(answer.body[:half])
        reached.set()
        await go.wait()
        await response.write(answer.body[half:])
        await response.write_eof()
        return response

    return _fault(act, operations, times, skip)


@asynccontextmanager
async def faulty(endpoint: str) -> AsyncIterator[Between]:
    """Open an endpoint in front of a server.

    Args:
        endpoint: Where the server is.

    Yields:
        The endpoint, which lets everything through until it is told otherwise.
    """
    between = Between()
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
            body = json.loads(await request.read() or b"{}")
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _OMITTED}

            async def forward(parameters: dict[str, Any]) -> Answer:
                async with session.post(endpoint, data=json.dumps(parameters), headers=headers) as answer:
                    passed = {n: v for n, v in answer.headers.items() if n.lower() not in _OMITTED}
                    return Answer(answer.status, await answer.read(), passed)

            between.requests.append((operation, body))
            fault = next((fault for fault in between.faults if fault.takes(operation)), None)
            exchange = Exchange(operation, body, forward, request)
            found = await (forward(body) if fault is None else fault.act(exchange))
            if isinstance(found, web.StreamResponse):
                return found
            return web.Response(status=found.status, body=found.body, headers=found.headers)

        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            between.url = f"http://{host}:{port}"
            yield between
        finally:
            await runner.cleanup()
