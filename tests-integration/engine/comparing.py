"""The same request to the engine and to a server, and what both say in a form that can be compared.

Compared are values with their types (int, float, the sign of zero, NaN), the order of fields and of documents, whether
a request is refused, and the code of a refusal. The server's integers have a width, Python's do not, so 1 and
``Int64(1)`` are the same here; requests that ask for the type tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128, Regex
from lexigram.nosql import DocumentStore
from lexigram.nosql.exceptions import NoSQLError
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError, WriteError

__all__ = ["Answer", "Case", "Sides", "aggregate", "comparable", "express", "find", "plain", "update"]

Document = dict[str, Any]

_SAME: Final[Mapping[int | None, int]] = {7158303: 40066}
"""Codes of MongoDB's second execution engine, which has some of its own for the faults of the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request to a collection that holds some documents.

    Attributes:
        name: What it is about.
        documents: What the collection holds; each is numbered from 0 by its ``_id`` where it has none.
        other: What the collection ``other`` holds.
        filter: The filter, of a read or an update.
        update: The update, or None.
        pipeline: The pipeline, or None.
        options: What else the request has: ``sort``, ``projection``, ``skip``, ``limit``, ``upsert``, ``many``,
            ``array_filters``, ``collation``.
    """

    name: str
    documents: Sequence[Document] = ()
    other: Sequence[Document] = ()
    filter: Document = field(default_factory=dict)
    update: Any = None
    pipeline: Sequence[Document] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        request = self.pipeline if self.pipeline is not None else [self.filter, self.update]
        return f"{self.name}: {request!r} {dict(self.options)!r} on {list(self.documents)!r}"


def find(name: str, filter: Document, *documents: Document, **options: Any) -> Case:
    """A read: the documents that match, with ``sort``, ``projection``, ``skip`` and ``limit``."""
    return Case(name=name, filter=filter, documents=documents, options=options)


def update(name: str, update: Any, *documents: Document, filter: Document | None = None, **options: Any) -> Case:
    """An update of the first match: what stands afterwards, and the counts."""
    return Case(name=name, filter=filter or {}, update=update, documents=documents, options=options)


def aggregate(
    name: str, pipeline: Sequence[Document], *documents: Document, other: Sequence[Document] = (), **options: Any
) -> Case:
    """A pipeline: its output."""
    return Case(name=name, pipeline=pipeline, documents=documents, other=other, options=options)


def express(name: str, expression: Any, **fields: Any) -> Case:
    """An expression over one document: its value, or that it is missing."""
    return aggregate(name, [{"$project": {"_id": 0, "is": expression}}], fields)


def plain(value: Any) -> Any:
    """A generated value as both sides take it: decimals become floats, since a server keeps exponents of its own."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def comparable(value: Any) -> Any:
    """A value in a form in which only equal ones of the same type are equal."""
    if isinstance(value, Mapping):
        return {"object": [(name, comparable(part)) for name, part in value.items()]}
    if isinstance(value, list | tuple):
        return [comparable(part) for part in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return {"int": int(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, Decimal128):
        return {"decimal": str(value.to_decimal())}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"date": value.isoformat()}
    if isinstance(value, Regex):
        return {"regex": (value.pattern, value.flags)}
    if isinstance(value, re.Pattern):
        return {"regex": (value.pattern, value.flags & ~re.UNICODE)}
    return {type(value).__name__: bytes(value) if isinstance(value, bytes) else str(value)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a side says.

    Attributes:
        value: The answer in comparable form, or None when it refused.
        refused: The error's text, or None.
        code: The error's code, or None.
    """

    value: Any
    refused: str | None = None
    code: int | None = None

    def agrees(self, other: Answer) -> bool:
        """Whether two sides say the same: equal answers, or a refusal with the same code."""
        return (
            (self.refused is None) == (other.refused is None) and self.value == other.value and self.code == other.code
        )

    def __str__(self) -> str:
        return repr(self.value) if self.refused is None else f"refuses with {self.code}: {self.refused}"


class Sides:
    """The engine and a server.

    Args:
        ours: A store of the engine.
        theirs: The server's database, of motor.
    """

    def __init__(self, ours: DocumentStore, theirs: Any) -> None:
        self._stores = (ours, theirs)
        self._held: tuple[Any, Any] | None = None

    async def ask(self, case: Case) -> tuple[Answer, Answer]:
        """Put a case to both.

        Args:
            case: The case.

        Returns:
            The engine's answer and the server's.
        """
        held = (repr(case.documents), repr(case.other))
        if held != self._held:
            self._held = None
            await self._hold("items", case.documents)
            await self._hold("other", case.other)
        # What a request wrote is written anew for the next.
        reads = case.update is None and not any(stage.keys() & {"$out", "$merge"} for stage in case.pipeline or ())
        self._held = held if reads else None
        ours, theirs = self._stores
        return await _ask_ours(ours, case), await _ask_theirs(theirs, case)

    async def _hold(self, name: str, documents: Sequence[Document]) -> None:
        numbered = [document if "_id" in document else {"_id": n, **document} for n, document in enumerate(documents)]
        for store in self._stores:
            collection = store.collection(name) if isinstance(store, DocumentStore) else store[name]
            await collection.delete_many({})
            if numbered:
                await collection.insert_many([dict(document) for document in numbered])


async def _ask_ours(store: DocumentStore, case: Case) -> Answer:
    items = store.collection("items")

    async def everything() -> Any:
        return await items.find().to_list()

    async def run() -> Any:
        if case.pipeline is not None:
            output = await items.aggregate(case.pipeline, **case.options).to_list()
            return await _written(case, output, lambda: store.collection("other").find().to_list())
        if case.update is not None:
            return await _updated(items, case, everything)
        return await items.find(case.filter, **case.options).to_list()

    try:
        return Answer(comparable(await run()))
    except NoSQLError as error:
        return Answer(None, str(error), error.mongo_code)


async def _ask_theirs(database: Any, case: Case) -> Answer:
    items = database["items"]

    async def everything() -> Any:
        return await items.find().to_list(None)

    async def run() -> Any:
        if case.pipeline is not None:
            output = await items.aggregate(case.pipeline, **case.options).to_list(None)
            return await _written(case, output, lambda: database["other"].find().to_list(None))
        if case.update is not None:
            return await _updated(items, case, everything)
        return await items.find(case.filter, **case.options).to_list(None)

    try:
        return Answer(comparable(await run()))
    except BulkWriteError as error:
        return Answer(None, str(error), error.details["writeErrors"][0]["code"])
    except (OperationFailure, WriteError) as error:
        return Answer(None, str(error), _SAME.get(error.code, error.code))
    except (PyMongoError, ValueError, TypeError) as error:
        # Refused by the driver, which knows no code.
        return Answer(None, str(error))


async def _written(case: Case, output: Any, other: Callable[[], Awaitable[Any]]) -> Any:
    writes = any(stage.keys() & {"$out", "$merge"} for stage in case.pipeline or ())
    if not writes:
        return output
    return {"output": output, "other": sorted(await other(), key=lambda document: repr(document["_id"]))}


async def _updated(items: Any, case: Case, everything: Callable[[], Awaitable[Any]]) -> Any:
    options = {name: value for name, value in case.options.items() if name != "many"}
    run = items.update_many if case.options.get("many") else items.update_one
    result = await run(case.filter, case.update, **options)
    documents = await everything()
    known = {document.get("_id", number) for number, document in enumerate(case.documents)}
    for document in documents:
        if type(document["_id"]).__name__ in {"ObjectId", "str"} and document["_id"] not in known:
            # Either side makes an id of its own.
            document["_id"] = "made"
    return {"matched": result.matched_count, "modified": result.modified_count, "documents": documents}
