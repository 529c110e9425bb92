"""The store itself: connecting, health, collections, observers, time limits, and errors on their way out.

One file, since the tests share the faulty driver at its top.
"""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Self

import pytest
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.nosql import DocumentStore, InsertOne
from lexigram.nosql.backend import BackendConfig, BackendSpec, Capabilities
from lexigram.nosql.backends.base import AbstractDocumentStore
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import Batch, Call, Document, Driver, NativeRead
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLConnectionError,
    NoSQLError,
    NoSQLTimeoutError,
    StoreNotConnectedError,
    ThrottledError,
    WriteConflictError,
)
from lexigram.nosql.observing import Command, Finish, MetricsObserver, TracingObserver
from lexigram.nosql.testing.minimal import SPEC, MinimalCollection, MinimalDriver, MinimalError


class FaultyCollection(MinimalCollection):
    """Fails or waits where the driver is told to."""

    def __init__(self, driver: FaultyDriver, name: str) -> None:
        super().__init__(driver, name)
        self.faults = driver

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        await self.faults.meet("read", call)
        async for batch in super().read(read, call):
            yield batch
        await self.faults.meet("end", call)

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        await self.faults.meet("insert", call)
        return await super().insert(documents, ordered, call)

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        await self.faults.meet("replace", call)
        if self.faults.lose > 0:
            self.faults.lose -= 1
            return False
        return await super().replace(old, new, revision, whole, call)

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        if self.faults.lose > 0:
            self.faults.lose -= 1
            return False
        return await super().delete(old, revision, call)


class FaultyDriver(MinimalDriver):
    """A driver with an SDK that raises, waits, and loses races."""

    def __init__(self) -> None:
        super().__init__()
        self.raising: dict[str, Exception] = {}
        self.waiting: set[str] = set()
        self.waits = 0
        self.deadlines: list[float | None] = []
        self.lose = 0

    async def meet(self, where: str, call: Call) -> None:
        self.deadlines.append(call.deadline)
        if where in self.waiting:
            self.waits += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.waits -= 1
        if where in self.raising:
            raise self.raising[where]

    def collection(self, name: str) -> FaultyCollection:
        return FaultyCollection(self, name)

    async def ping(self) -> dict[str, Any]:
        await self.meet("ping", Call())
        return {"version": "1.2"}

    async def list_collections(self) -> list[str]:
        await self.meet("list", Call())
        return ["b", "a"]

    async def close(self) -> None:
        await self.meet("close", Call())
        await super().close()

    def classify(self, error: BaseException) -> NoSQLError | None:
        if isinstance(error, MinimalError) and error.code == "busy":
            return ThrottledError("the service is busy")
        return super().classify(error)


def faulty(config: BackendConfig | None = None) -> tuple[DocumentStore, FaultyDriver]:
    driver = FaultyDriver()

    async def connect(config: BackendConfig) -> FaultyDriver:
        driver.closed = False
        return driver

    return DocumentStore(spec(connect), config or BackendConfig(scan_policy="allow"), name="main"), driver


def spec(connect: Any, capabilities: Capabilities = SPEC.capabilities) -> BackendSpec:
    return BackendSpec(
        name="faulty",
        api=SPEC.api,
        config=BackendConfig,
        capabilities=capabilities,
        connect=connect,
        distribution="none",
    )


BUSY = MinimalError("busy", {})


# --- connecting


async def test_a_store_is_what_the_contract_says() -> None:
    """And abstractly named for the documents that call it so."""
    store = InMemoryDocumentStore()
    assert isinstance(store, DocumentStoreProtocol)
    assert AbstractDocumentStore is DocumentStore
    assert (store.backend, store.name) == ("memory", "memory")
    assert repr(store) == "<InMemoryDocumentStore 'memory' on memory, not connected>"


async def test_connecting_and_disconnecting_twice_does_nothing() -> None:
    """And works in any order."""
    store = InMemoryDocumentStore()
    await store.disconnect()
    assert not store.is_connected()
    await store.connect()
    driver = store.driver
    await asyncio.gather(store.connect(), store.connect())
    assert store.driver is driver
    assert store.is_connected()
    assert repr(store).endswith("connected>")
    await store.disconnect()
    await store.disconnect()
    assert not store.is_connected()
    async with store as same:
        assert same is store
        assert store.driver is not driver
    assert not store.is_connected()


async def test_a_store_that_is_not_connected_says_so_whatever_is_asked() -> None:
    """Before connect and after disconnect; handles on collections can be made all the same."""
    store = InMemoryDocumentStore()
    things = store.collection("things")
    assert await store.get_collection("things") is things
    calls: list[Any] = [
        lambda: things.find_one(),
        lambda: things.find().to_list(),
        lambda: things.find().explain(),
        lambda: things.aggregate([]).to_list(),
        lambda: things.insert_one({}),
        lambda: things.insert_many([{}]),
        lambda: things.update_one({}, {"$set": {"a": 1}}),
        lambda: things.delete_many({}),
        lambda: things.bulk_write([InsertOne({})]),
        lambda: things.count_documents(),
        lambda: things.create_index("a"),
        lambda: things.list_indexes(),
        lambda: things.explain("find"),
        lambda: things.find_page(),
        lambda: store.list_collections(),
        lambda: store.drop_collection("things"),
        lambda: store.transaction().__aenter__(),
    ]
    for round_ in range(2):
        for call in calls:
            with pytest.raises(StoreNotConnectedError) as caught:
                await call()
            assert isinstance(caught.value, RuntimeError)
            assert caught.value.backend == "memory"
            assert not caught.value.retryable
        with pytest.raises(StoreNotConnectedError, match="not connected"):
            things.watch()
        with pytest.raises(StoreNotConnectedError):
            _ = store.native
        if not round_:
            await store.connect()
            await things.insert_one({})
            await store.disconnect()
    await store.connect()
    assert await things.count_documents() == 0
    await things.insert_one({})
    assert await things.count_documents() == 1
    await store.disconnect()


async def test_a_failed_connect_is_a_connection_error_without_secrets() -> None:
    """The SDK's error is the cause; what it says stays there."""

    async def refuse(config: BackendConfig) -> Driver:
        raise OSError("mongodb://user:hunter2@host refused")

    store = DocumentStore(spec(refuse), name="main")
    with pytest.raises(NoSQLConnectionError, match="connecting the document store 'main' failed: OSError") as caught:
        await store.connect()
    assert "hunter2" not in str(caught.value) + repr(caught.value) + caught.value.format()
    assert isinstance(caught.value.__cause__, OSError)
    assert (caught.value.backend, caught.value.operation) == ("faulty", "connect")
    assert not store.is_connected()

    async def refuse_by_name(config: BackendConfig) -> Driver:
        raise NoSQLConnectionError("no route")

    with pytest.raises(NoSQLConnectionError, match="no route") as caught:
        await DocumentStore(spec(refuse_by_name)).connect()
    assert caught.value.backend == "faulty"


async def test_closing_that_fails_is_translated_and_leaves_the_store_closed() -> None:
    """The driver is not asked twice."""
    store, driver = faulty()
    await store.connect()
    driver.raising["close"] = BUSY
    with pytest.raises(ThrottledError) as caught:
        await store.disconnect()
    assert caught.value.operation == "disconnect"
    assert not store.is_connected()
    await store.disconnect()


# --- collections


@pytest.mark.parametrize("name", ["", "$a", "a\0b", 5, None, ["a"], b"a"])
async def test_what_is_no_name_is_refused(memory: InMemoryDocumentStore, name: Any) -> None:
    """With MongoDB's code, before anything is asked."""
    with pytest.raises(DocumentValidationError) as caught:
        memory.collection(name)
    assert caught.value.mongo_code == 73
    with pytest.raises(DocumentValidationError):
        await memory.get_collection(name)
    with pytest.raises(DocumentValidationError):
        await memory.drop_collection(name)


async def test_collections_are_listed_and_dropped(store: DocumentStore) -> None:
    """Sorted; an emptied one is still there, a dropped one is not."""
    for name in ("b", "a.c", "a"):
        await store.collection(name).insert_one({"_id": 1})
    await store.collection("b").delete_many({})
    assert await store.list_collections() == ["a", "a.c", "b"]
    await store.drop_collection("b")
    await store.drop_collection("b")
    await store.drop_collection("never")
    assert await store.list_collections() == ["a", "a.c"]
    assert await store.collection("a").count_documents() == 1


async def test_the_native_handle_of_the_memory_store_is_a_copy(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """What it holds, by collection; changing it changes nothing."""
    await kept.insert_one({"_id": 1, "l": [1]})
    native = memory.native
    assert native == {"things": [{"_id": 1, "l": [1]}]}
    native["things"][0]["l"].append(2)
    assert await kept.find_one() == {"_id": 1, "l": [1]}


# --- health


async def test_health_tells_backend_facts_and_latency(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Healthy, with what the driver told."""
    await kept.insert_many([{}, {}])
    result = await memory.health_check()
    assert result.status is HealthStatus.HEALTHY
    assert result.component == "nosql:memory"
    assert result.details == {"backend": "memory", "collections": 1, "documents": 2, "transactions": 0}
    assert result.duration_ms >= 0
    assert result.error is None


async def test_health_never_raises() -> None:
    """It tells what is wrong, and no secrets."""
    store, driver = faulty()
    result = await store.health_check()
    assert (result.status, result.error) == (HealthStatus.UNHEALTHY, "LEX_ERR_NOSQL_008")
    await store.connect()
    assert (await store.health_check()).details == {"backend": "faulty", "version": "1.2"}
    driver.raising["ping"] = BUSY
    result = await store.health_check()
    assert (result.status, result.message, result.error) == (
        HealthStatus.UNHEALTHY,
        "the service is busy",
        "LEX_ERR_NOSQL_029",
    )
    driver.raising["ping"] = ValueError("password=hunter2")
    result = await store.health_check()
    assert (result.status, result.error) == (HealthStatus.UNHEALTHY, "ValueError")
    assert "hunter2" not in repr(result)
    driver.waiting.add("ping")
    result = await store.health_check(timeout=0.01)
    assert (result.status, result.error, result.message) == (
        HealthStatus.UNHEALTHY,
        "timeout",
        "no answer within 0.01 s",
    )
    assert driver.waits == 0


# --- errors on their way out


async def test_errors_of_the_sdk_become_lexigrams_with_names_and_cause() -> None:
    """By the driver's classification, filled with backend, collection and operation."""
    store, driver = faulty()
    await store.connect()
    things = store.collection("things")
    driver.raising["read"] = driver.raising["insert"] = driver.raising["list"] = BUSY
    calls: list[tuple[str, str | None, Any]] = [
        ("find_one", "things", lambda: things.find_one()),
        ("find", "things", lambda: things.find().to_list()),
        ("aggregate", "things", lambda: things.aggregate([{"$match": {}}]).to_list()),
        ("insert_one", "things", lambda: things.insert_one({})),
        ("update_one", "things", lambda: things.update_one({}, {"$set": {"a": 1}})),
        ("delete_many", "things", lambda: things.delete_many({})),
        ("count_documents", "things", lambda: things.count_documents()),
        ("estimated_document_count", "things", lambda: things.estimated_document_count()),
        ("distinct", "things", lambda: things.distinct("a")),
        ("find_page", "things", lambda: things.find_page()),
        ("list_collections", None, lambda: store.list_collections()),
    ]
    for operation, collection, call in calls:
        with pytest.raises(ThrottledError) as caught:
            await call()
        error = caught.value
        assert (error.backend, error.collection, error.operation) == ("faulty", collection, operation)
        assert error.__cause__ is BUSY
        assert error.retryable
    with pytest.raises(ThrottledError):
        await things.bulk_write([InsertOne({})])


async def test_an_error_at_the_end_of_a_read_is_translated_too() -> None:
    """After documents have come."""
    store, driver = faulty()
    await store.connect()
    things = store.collection("things")
    await things.insert_many([{"_id": 1}, {"_id": 2}])
    driver.raising["end"] = BUSY
    cursor = things.find(batch_size=1)
    assert await anext(cursor) == {"_id": 1}
    with pytest.raises(ThrottledError) as caught:
        await cursor.to_list()
    assert caught.value.operation == "find"


async def test_errors_of_positions_are_translated_each() -> None:
    """What a driver returns for single documents, as well as what it raises."""
    store, _ = faulty()
    await store.connect()
    things = store.collection("things")
    await things.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError) as single:
        await things.insert_one({"_id": 1})
    assert single.value.key == {"_id": 1}
    with pytest.raises(BulkWriteError) as caught:
        await things.insert_many([{"_id": 1}, {"_id": 2}], ordered=False)
    assert isinstance(caught.value.failures[0].error, DuplicateKeyError)
    assert caught.value.failures[0].error.backend == "faulty"


async def test_what_is_not_the_backends_passes_as_it_is() -> None:
    """A mistake in the program is not an error of the store."""
    store, driver = faulty()
    await store.connect()
    driver.raising["read"] = driver.raising["insert"] = KeyError("mine")
    with pytest.raises(KeyError, match="mine"):
        await store.collection("things").find_one()
    with pytest.raises(KeyError, match="mine"):
        await store.collection("things").insert_many([{}])


async def test_errors_survive_pickling(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """With everything that a service reads of them."""
    await kept.insert_one({"_id": 1})
    with pytest.raises(BulkWriteError) as caught:
        await kept.insert_many([{"_id": 1}])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert (copy.message, copy.backend, copy.collection, copy.operation) == (
        caught.value.message,
        "memory",
        "things",
        "insert_many",
    )
    assert copy.result == caught.value.result
    assert copy.failures[0].index == 0
    assert copy.failures[0].error.key == {"_id": 1}
    with pytest.raises(NoSQLError) as other:
        await kept.find_one({"a": {"$regexx": 1}})
    assert str(pickle.loads(pickle.dumps(other.value))) == str(other.value)


# --- lost races


async def test_a_lost_race_is_run_again_from_the_beginning() -> None:
    """Until it is won; every kind of write."""
    store, driver = faulty(BackendConfig(scan_policy="allow", write_attempts=4))
    await store.connect()
    things = store.collection("things")
    await things.insert_many([{"_id": 1, "n": 0}, {"_id": 2, "n": 0}])
    driver.lose = 3
    assert (await things.update_one({"_id": 1}, {"$inc": {"n": 1}})).modified_count == 1
    driver.lose = 3
    assert (await things.update_many({}, {"$inc": {"n": 1}})).modified_count == 2
    driver.lose = 2
    assert await things.find_one_and_replace({"_id": 2}, {"n": 5}) == {"_id": 2, "n": 5}
    assert await things.find().to_list() == [{"_id": 1, "n": 2}, {"_id": 2, "n": 5}]
    driver.lose = 3
    assert (await things.delete_one({"_id": 1})).deleted_count == 1
    driver.lose = 1
    assert (await things.delete_many({})).deleted_count == 1


async def test_races_that_are_always_lost_end_with_a_conflict() -> None:
    """After write_attempts tries."""
    store, driver = faulty(BackendConfig(scan_policy="allow", write_attempts=2))
    await store.connect()
    things = store.collection("things")
    await things.insert_one({"_id": 1, "n": 0})
    for call in (
        lambda: things.update_one({}, {"$inc": {"n": 1}}),
        lambda: things.delete_one({}),
        lambda: things.update_many({}, {"$inc": {"n": 1}}),
        lambda: things.delete_many({}),
    ):
        driver.lose = 99
        with pytest.raises(WriteConflictError, match="gave up after 2 attempts") as caught:
            await call()
        assert 99 - driver.lose in (2, 3)
        assert caught.value.retryable
    assert await things.find_one() == {"_id": 1, "n": 0}


class RacingCollection(MinimalCollection):
    """Lets another writer in between the read of an upsert and its insert."""

    rival: Any = None

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        if self.rival is not None:
            rival, self.rival = self.rival, None
            await super().insert([rival], True, call)
        return await super().insert(documents, ordered, call)


async def test_an_upsert_that_is_overtaken_updates_what_came_first() -> None:
    """Where it matches; a conflict with another document is the caller's error."""
    store, driver = faulty()
    await store.connect()
    target = RacingCollection(driver, "things")
    driver.collection = lambda name: target  # type: ignore[method-assign,assignment,return-value]
    things = store.collection("things")
    target.rival = {"_id": 1, "n": 10}
    assert (await things.update_one({"_id": 1}, {"$inc": {"n": 1}}, upsert=True)).modified_count == 1
    assert await things.find_one() == {"_id": 1, "n": 11}
    target.rival = {"_id": 2, "k": "other"}
    with pytest.raises(DuplicateKeyError):
        await things.update_one({"k": "mine"}, {"$setOnInsert": {"_id": 2}}, upsert=True)


async def test_of_many_upserts_of_one_key_one_inserts(store: DocumentStore) -> None:
    """The others update what it made."""
    things = store.collection("things")
    results = await asyncio.gather(
        *(things.update_one({"_id": "x"}, {"$inc": {"n": 1}}, upsert=True) for _ in range(20))
    )
    assert [result.upserted_id for result in results].count("x") == 1
    assert await things.find_one() == {"_id": "x", "n": 20}


# --- time limits


async def test_an_operation_has_its_time() -> None:
    """The error says which and how long; nothing is left waiting."""
    store, driver = faulty()
    await store.connect()
    things = store.collection("things")
    driver.waiting |= {"read", "insert"}
    for operation, call in (
        ("find_one", lambda: things.find_one(timeout=0.01)),
        ("insert_one", lambda: things.insert_one({}, timeout=0.01)),
        ("insert_many", lambda: things.insert_many([{}], timeout=0.01)),
        ("update_one", lambda: things.update_one({}, {"$set": {"a": 1}}, timeout=0.01)),
        ("update_many", lambda: things.update_many({}, {"$set": {"a": 1}}, timeout=0.01)),
        ("replace_one", lambda: things.replace_one({}, {}, timeout=0.01)),
        ("delete_one", lambda: things.delete_one({}, timeout=0.01)),
        ("delete_many", lambda: things.delete_many({}, timeout=0.01)),
        ("find_one_and_update", lambda: things.find_one_and_update({}, {"$set": {"a": 1}}, timeout=0.01)),
        ("find_one_and_replace", lambda: things.find_one_and_replace({}, {}, timeout=0.01)),
        ("find_one_and_delete", lambda: things.find_one_and_delete({}, timeout=0.01)),
        ("count_documents", lambda: things.count_documents(timeout=0.01)),
        ("estimated_document_count", lambda: things.estimated_document_count(timeout=0.01)),
        ("distinct", lambda: things.distinct("a", timeout=0.01)),
        ("exists", lambda: things.exists(timeout=0.01)),
        ("find_page", lambda: things.find_page(timeout=0.01)),
        ("bulk_write", lambda: things.bulk_write([InsertOne({})], timeout=0.01)),
    ):
        with pytest.raises(NoSQLTimeoutError, match=re.escape(f"{operation} did not finish within 0.01 s")) as caught:
            await call()
        assert (caught.value.timeout, caught.value.operation, caught.value.mongo_code) == (0.01, operation, 50)
        assert driver.waits == 0
        assert driver.deadlines[-1] is not None
    driver.waiting.clear()
    await things.insert_one({}, timeout=60)
    assert await things.create_index("_id", timeout=60) == "_id_"
    assert await things.list_indexes(timeout=60)


async def test_the_stores_time_limit_holds_where_the_call_has_none() -> None:
    """operation_timeout of the backend's section."""
    store, driver = faulty(BackendConfig(scan_policy="allow", operation_timeout=0.01))
    await store.connect()
    driver.waiting.add("read")
    with pytest.raises(NoSQLTimeoutError):
        await store.collection("things").find_one()
    with pytest.raises(NoSQLTimeoutError):
        await store.collection("things").estimated_document_count()
    driver.waiting.clear()
    assert await store.collection("things").find_one(timeout=5) is None


# --- observers


class Notes:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.started: list[Command] = []
        self.ended: list[tuple[str, str | None]] = []

    def start(self, command: Command) -> Finish:
        self.started.append(command)

        def finish(error: BaseException | None) -> None:
            self.ended.append((command.operation, None if error is None else type(error).__name__))

        return finish


async def test_observers_are_told_of_every_operation(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Once each, with how it ended, until they are taken away."""
    notes, second = Notes(), Notes()
    stop = memory.observe(notes)
    memory.observe(second)
    await kept.insert_one({"_id": 1})
    await kept.find({}, batch_size=1).to_list()
    await kept.aggregate([{"$match": {}}]).to_list()
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"_id": 1})
    with pytest.raises(NoSQLError):
        await kept.find(hint="nope").to_list()
    await kept.create_index("a")
    await kept.estimated_document_count()
    assert notes.ended == [
        ("insert_one", None),
        ("find", None),
        ("aggregate", None),
        ("insert_one", "DuplicateKeyError"),
        ("find", "NoSQLIndexError"),
        ("create_index", None),
        ("estimated_document_count", None),
    ]
    assert notes.started[0] == Command("insert_one", "things", "memory", "memory")
    stop()
    stop()
    await kept.find_one()
    assert len(notes.ended) == 7
    assert len(second.ended) == 8


async def test_observers_see_lexigrams_errors_not_the_sdks() -> None:
    """Translated before they are told."""
    store, driver = faulty()
    await store.connect()
    notes = Notes()
    store.observe(notes)
    driver.raising["read"] = BUSY
    for call in (store.collection("x").find_one, store.collection("x").find().to_list):
        with pytest.raises(ThrottledError):
            await call()
    driver.raising["read"] = KeyError()
    with pytest.raises(KeyError):
        await store.collection("x").find_one()
    assert [error for _, error in notes.ended] == ["ThrottledError", "ThrottledError", "KeyError"]


async def test_an_observer_that_fails_breaks_nothing(
    memory: InMemoryDocumentStore, kept: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the operation and the other observers go on."""

    class Broken(Notes):
        def __init__(self, at_start: bool) -> None:
            super().__init__()
            self.at_start = at_start

        def start(self, command: Command) -> Finish:
            if self.at_start:
                raise RuntimeError("start")

            def finish(error: BaseException | None) -> None:
                raise RuntimeError("end")

            return finish

    notes = Notes()
    for observer in (Broken(True), Broken(False), notes):
        memory.observe(observer)
    await kept.insert_one({"_id": 1})
    assert notes.ended == [("insert_one", None)]
    assert "an observer failed at the start of insert_one" in caplog.text
    assert "an observer failed at the end of insert_one" in caplog.text


class Span:
    def __init__(self, name: str, attributes: Any, tracer: Tracer) -> None:
        self.name, self.attributes, self.tracer = name, dict(attributes), tracer
        self.recorded: list[BaseException] = []
        self.status: str | None = None

    def __enter__(self) -> Self:
        self.tracer.current.append(self)
        return self

    def __exit__(self, *details: object) -> None:
        assert self.tracer.current.pop() is self
        self.tracer.spans.append(self)

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def add_event(self, name: str, attributes: Any = None) -> None: ...

    def record_exception(self, exception: BaseException) -> None:
        self.recorded.append(exception)

    def set_status(self, status: str, description: str | None = None) -> None:
        self.status = status

    def end(self) -> None: ...


class Tracer:
    """Keeps the spans that were ended."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.current: list[Span] = []

    def start_span(self, name: str, attributes: Any = None) -> Span:
        return Span(name, attributes, self)


async def test_spans_follow_the_semantic_conventions(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """Named by operation and collection; a failed one has the error. A cursor's span ends with its first batch."""
    tracer = Tracer()
    memory.observe(TracingObserver(tracer))
    await kept.insert_many([{"_id": index} for index in range(5000)])
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"_id": 1})
    async for _ in kept.find():
        assert tracer.current == []
    assert [span.name for span in tracer.spans] == ["insert_many things", "insert_one things", "find things"]
    first, failed, _ = tracer.spans
    assert first.attributes == {
        "db.system.name": "memory",
        "db.namespace": "memory",
        "db.collection.name": "things",
        "db.operation.name": "insert_many",
    }
    assert first.status is None
    assert failed.attributes["error.type"] == "DuplicateKeyError"
    assert failed.status == "error"
    assert isinstance(failed.recorded[0], DuplicateKeyError)


class Metrics:
    """Keeps what was measured."""

    def __init__(self) -> None:
        self.measured: list[tuple[str, float, dict[str, str]]] = []

    def histogram(self, name: str, value: float, tags: Any = None) -> None:
        self.measured.append((name, value, dict(tags)))

    def increment(self, name: str, value: float = 1.0, tags: Any = None) -> None: ...
    def gauge(self, name: str, value: float, tags: Any = None) -> None: ...
    def create_counter(self, name: str, description: str = "", unit: str = "") -> Any: ...
    def create_gauge(self, name: str, description: str = "", unit: str = "") -> Any: ...
    def create_histogram(self, name: str, description: str = "", unit: str = "", buckets: Any = None) -> Any: ...


async def test_durations_are_measured_in_seconds(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """One value for each operation, tagged with what it was and how it failed."""
    metrics = Metrics()
    memory.observe(MetricsObserver(metrics))
    await kept.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError):
        await kept.insert_one({"_id": 1})
    assert [name for name, _, _ in metrics.measured] == ["db.client.operation.duration"] * 2
    assert all(0 < value < 60 for _, value, _ in metrics.measured)
    assert metrics.measured[0][2]["db.operation.name"] == "insert_one"
    assert "error.type" not in metrics.measured[0][2]
    assert metrics.measured[1][2]["error.type"] == "DuplicateKeyError"


# --- settings


async def test_ids_are_random_where_growing_ones_make_hot_spots() -> None:
    """As the backend's capabilities say."""

    async def connect(config: BackendConfig) -> MinimalDriver:
        return MinimalDriver()

    async with DocumentStore(spec(connect, Capabilities(random_ids=True))) as store:
        result = await store.collection("things").insert_one({})
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", str(result.raw_id))


async def test_documents_may_nest_as_deep_as_the_backend_takes() -> None:
    """max_nesting of its capabilities."""

    async def connect(config: BackendConfig) -> MinimalDriver:
        return MinimalDriver()

    async with DocumentStore(spec(connect, Capabilities(max_nesting=3))) as store:
        things = store.collection("things")
        await things.insert_one({"_id": 1, "a": {"b": {}}})
        with pytest.raises(DocumentValidationError, match="nested deeper than 3 levels"):
            await things.insert_one({"a": {"b": {"c": {}}}})


async def test_attempts_of_writes_are_what_the_settings_say() -> None:
    """write_attempts 1 means once."""
    store, driver = faulty(BackendConfig(scan_policy="allow", write_attempts=1))
    await store.connect()
    await store.collection("things").insert_one({"_id": 1})
    driver.lose = 1
    with pytest.raises(WriteConflictError, match="gave up after 1 attempt\n"):
        await store.collection("things").update_one({}, {"$set": {"a": 1}})


def test_every_setting_of_the_memory_backend_is_tested() -> None:
    """A new setting needs a test that shows what it changes; these name where each is."""
    assert set(MemoryConfig.model_fields) == {
        "scan_policy",  # test_indexes_planner: denied, warned, allowed
        "operation_timeout",  # here, and test_cursor_forms
        "write_attempts",  # here
        "memory_limit_bytes",  # test_cursor_forms
        "page_token_secret",  # test_paging_pages
        "change_history",  # test_change_feed_events
        "sweep_seconds",  # test_indexes_kinds
        "max_document_bytes",  # test_store_regressions
    }
