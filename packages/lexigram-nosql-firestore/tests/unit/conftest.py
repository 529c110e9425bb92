"""A server of gRPC in this process that answers for Firestore as a test tells it to. For faults no emulator makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest_asyncio
from grpc import aio
from lexigram.nosql.backends.firestore.codec import messages

_PREFIX = "/google.firestore.v1.Firestore/"
_STREAMS = {"BatchGetDocuments", "RunQuery", "RunAggregationQuery"}
_REQUESTS = {
    "GetDocument": messages.GetDocumentRequest,
    "ListDocuments": messages.ListDocumentsRequest,
    "ListCollectionIds": messages.ListCollectionIdsRequest,
    "Commit": messages.CommitRequest,
    "BatchGetDocuments": messages.BatchGetDocumentsRequest,
    "RunQuery": messages.RunQueryRequest,
    "RunAggregationQuery": messages.RunAggregationQueryRequest,
}


class Service(grpc.GenericRpcHandler):
    """The server's end.

    Attributes:
        calls: Method, request, metadata and seconds left of every request.
        faults: Status codes that the next requests of a method are answered with.
        answers: What makes the answer to a method: a message, or a list of them for a stream.
        hold: Methods that are not answered until this is set.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any], float]] = []
        self.faults: dict[str, list[grpc.StatusCode]] = {}
        self.answers: dict[str, Callable[[Any], Any]] = {
            "ListDocuments": lambda _: messages.ListDocumentsResponse(),
            "ListCollectionIds": lambda _: messages.ListCollectionIdsResponse(),
            "Commit": self._committed,
            "GetDocument": lambda request: messages.Document(name=request.name),
            "BatchGetDocuments": lambda request: [
                messages.BatchGetDocumentsResponse(missing=name) for name in request.documents
            ],
            "RunQuery": lambda _: [messages.RunQueryResponse(done=True)],
        }
        self.hold: set[str] = set()
        self.place = ""
        self.server: aio.Server | None = None

    @staticmethod
    def _committed(request: Any) -> Any:
        response = messages.CommitResponse()
        response.commit_time.seconds = 1
        for _ in request.writes:
            response.write_results.add().update_time.seconds = 1
        return response

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self.server is not None:
            await self.server.stop(None)

    def sent(self, method: str) -> list[Any]:
        """The requests of a method."""
        return [request for name, request, _, _ in self.calls if name == method]

    async def _enter(self, method: str, request: Any, context: Any) -> Any:
        self.calls.append((method, request, dict(context.invocation_metadata()), context.time_remaining()))
        faults = self.faults.get(method)
        if faults:
            await context.abort(faults.pop(0), "told to fail")
        if method in self.hold:
            await asyncio.Event().wait()
        return self.answers[method](request)

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method."""
        method = handler_call_details.method.removeprefix(_PREFIX)
        if method not in _REQUESTS:
            return None

        async def unary(request: Any, context: Any) -> Any:
            return await self._enter(method, request, context)

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            for answer in await self._enter(method, request, context):
                yield answer

        make = grpc.unary_stream_rpc_method_handler if method in _STREAMS else grpc.unary_unary_rpc_method_handler
        return make(
            stream if method in _STREAMS else unary,
            request_deserializer=_REQUESTS[method].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )


@asynccontextmanager
async def running() -> AsyncIterator[Service]:
    """Start a server on a free port of this machine."""
    service = Service()
    server = service.server = aio.server()
    server.add_generic_rpc_handlers((service,))
    service.place = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield service
    finally:
        await server.stop(None)


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    """Yield a server that answers as it is told to."""
    async with running() as started:
        yield started
