"""Stores in an application: bound by name, connected together, announced, and closed in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from lexigram import Application
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.di import Named
from lexigram.di.module import Module, module
from lexigram.di.provider import Provider
from lexigram.nosql import (
    DocumentStore,
    NoSQLConfig,
    NoSQLConnectedEvent,
    NoSQLConnectedHook,
    NoSQLConnectionError,
    NoSQLDisconnectedEvent,
    NoSQLDisconnectedHook,
    NoSQLModule,
    NoSQLProvider,
)
from lexigram.nosql.backend import API, BACKENDS, BackendSpec
from lexigram.nosql.backends.memory.driver import MemoryDriver
from lexigram.nosql.backends.memory.spec import SPEC, MemoryConfig
from lexigram.nosql.exceptions import UnsupportedFeatureError

pytestmark = pytest.mark.allow_blocking("an application looks for plugins while it starts")


class ToyConfig(MemoryConfig):
    """What the toy backend is told to do."""

    name: str = ""
    fails: str = ""
    waits: bool = False


class Diary:
    """What happened to the toy backends, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gate = asyncio.Event()
        self.written = asyncio.Event()

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.written.set()

    async def until(self, count: int) -> None:
        """Wait until so many lines are written."""
        while len(self.lines) < count:
            self.written.clear()
            await self.written.wait()


class ToyDriver(MemoryDriver):
    """A memory driver that keeps a diary, and can fail."""

    def __init__(self, config: ToyConfig, diary: Diary) -> None:
        super().__init__(config)
        self.toy = config
        self.diary = diary

    async def ping(self) -> dict[str, Any]:
        if self.toy.fails == "ping":
            raise OSError("gone")
        return dict(await super().ping())

    async def close(self) -> None:
        self.diary.write(f"close {self.toy.name}")
        await super().close()
        if self.toy.fails == "close":
            raise OSError("cannot close")


@pytest.fixture
def diary() -> Iterator[Diary]:
    """A backend ``toy`` and what happens to it."""
    diary = Diary()

    async def connect(config: ToyConfig) -> ToyDriver:
        if config.waits:
            await diary.gate.wait()
        if config.fails == "connect":
            raise OSError("no route to host")
        diary.write(f"connect {config.name}")
        return ToyDriver(config, diary)

    spec = BackendSpec(
        name="toy",
        api=API,
        config=ToyConfig,
        capabilities=SPEC.capabilities,
        connect=connect,
        distribution="none",
    )
    undo = BACKENDS.register("toy", spec)
    yield diary
    undo()


def named(*entries: dict[str, Any]) -> NoSQLConfig:
    """Several toy backends, the first of them primary."""
    return NoSQLConfig.from_dict(
        {
            "backends": [
                {"name": entry["name"], "primary": not index, "driver": "toy", "toy": entry}
                for index, entry in enumerate(entries)
            ]
        }
    )


async def test_the_stub_is_a_store_in_memory() -> None:
    """Empty at each start, closed at the end."""
    for _ in range(2):
        async with Application.boot(modules=[NoSQLModule.stub()]) as app:
            store = await app.container.resolve(DocumentStoreProtocol)
            assert isinstance(store, DocumentStore)
            assert store.is_connected()
            assert store.backend == "memory"
            assert store.name == "default"
            assert await store.list_collections() == []
            await store.collection("things").insert_one({})
        assert not store.is_connected()


async def test_the_stub_keeps_the_names_and_memory_settings_of_a_configuration(diary: Diary) -> None:
    """So services that ask for named stores run in tests."""
    config = NoSQLConfig.from_dict(
        {
            "backends": [
                {"name": "main", "primary": True, "driver": "toy"},
                {"name": "log", "driver": "memory", "memory": {"change_history": 5}},
            ]
        }
    )
    async with Application.boot(modules=[NoSQLModule.stub(config)]) as app:
        main = await app.container.resolve(DocumentStoreProtocol)
        log = await app.container.resolve(Annotated[DocumentStoreProtocol, Named("log")])
        assert (main.backend, log.backend) == ("memory", "memory")  # type: ignore[attr-defined]
        assert log.config.change_history == 5  # type: ignore[attr-defined]
    single = NoSQLConfig.from_dict({"driver": "memory", "memory": {"change_history": 6}})
    async with Application.boot(modules=[NoSQLModule.stub(single)]) as app:
        assert (await app.container.resolve(DocumentStoreProtocol)).config.change_history == 6  # type: ignore[attr-defined]
    assert diary.lines == []


async def test_stores_are_found_by_name(diary: Diary) -> None:
    """By Named and by a plain text; without a name it is the primary; an unknown name lists the known ones."""
    async with Application.boot(modules=[NoSQLModule.configure(named({"name": "main"}, {"name": "analytics"}))]) as app:
        resolve = app.container.resolve
        main = await resolve(DocumentStoreProtocol)
        analytics = await resolve(Annotated[DocumentStoreProtocol, Named("analytics")])
        assert (main.name, analytics.name) == ("main", "analytics")  # type: ignore[attr-defined]
        assert await resolve(Annotated[DocumentStoreProtocol, Named("main")]) is main
        assert await resolve(Annotated[DocumentStoreProtocol, "analytics"]) is analytics
        config = await resolve(NoSQLConfig)
        assert [entry.name for entry in config.backends] == ["main", "analytics"]
        with pytest.raises(Exception, match="nowhere") as caught:
            await resolve(Annotated[DocumentStoreProtocol, Named("nowhere")])
        assert "main" in str(caught.value)
        assert "analytics" in str(caught.value)


async def test_a_service_gets_the_store_it_names(diary: Diary) -> None:
    """In its constructor."""

    class Report:
        def __init__(
            self,
            store: DocumentStoreProtocol,
            log: Annotated[DocumentStoreProtocol, Named("log")],
            same: Annotated[DocumentStoreProtocol, "log"],
        ) -> None:
            self.store, self.log, self.same = store, log, same

    globals()["Report"] = Report
    modules = [NoSQLModule.configure(named({"name": "main"}, {"name": "log"}))]
    async with Application.boot(modules=modules, providers=[Report]) as app:
        report = await app.container.resolve(Report)
        assert report.store.name == "main"  # type: ignore[attr-defined]
        assert report.log is report.same
        assert report.log.name == "log"  # type: ignore[attr-defined]
    del globals()["Report"]


async def test_configure_takes_a_mapping_and_validates_it(diary: Diary) -> None:
    """As well as a model; without any, the application's section holds."""
    module = NoSQLModule.configure({"driver": "toy", "toy": {"name": "x"}})
    async with Application.boot(modules=[module]):
        assert diary.lines == ["connect x"]
    assert diary.lines == ["connect x", "close x"]
    with pytest.raises(Exception, match="drivr"):
        NoSQLModule.configure({"drivr": "toy"})


async def test_expiry_can_be_switched_off_for_all_stores(diary: Diary) -> None:
    """enable_ttl of the module."""
    module = NoSQLModule.configure({"driver": "toy"}, enable_ttl=False)
    async with Application.boot(modules=[module]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        with pytest.raises(UnsupportedFeatureError):
            await store.collection("things").create_index("at", expire_after_seconds=1)


async def test_stores_connect_together_and_close_in_reverse(diary: Diary) -> None:
    """No store waits for another to connect."""
    config = named({"name": "a", "waits": True}, {"name": "b"}, {"name": "c"})

    async def boot() -> None:
        async with Application.boot(modules=[NoSQLModule.configure(config)]):
            pass

    task = asyncio.create_task(boot())
    await diary.until(2)
    assert diary.lines == ["connect b", "connect c"]
    diary.gate.set()
    await task
    assert diary.lines == ["connect b", "connect c", "connect a", "close c", "close b", "close a"]


async def test_one_store_that_fails_closes_the_others(diary: Diary) -> None:
    """All or nothing; the error names store, provider and cause."""
    config = named({"name": "a"}, {"name": "b", "fails": "connect"}, {"name": "c", "waits": True})
    with pytest.raises(ProviderError) as caught:
        async with Application.boot(modules=[NoSQLModule.configure(config)]):
            pytest.fail("it booted")
    assert diary.lines == ["connect a", "close a"]
    assert "nosql" in str(caught.value)
    cause = caught.value.__cause__
    assert isinstance(cause, NoSQLConnectionError)
    assert "'b'" in cause.message
    assert isinstance(cause.__cause__, OSError)


async def test_a_boot_that_is_cancelled_closes_what_was_open(diary: Diary) -> None:
    """Whether it waits for a connection or for a hook."""
    config = named({"name": "a"}, {"name": "b", "waits": True})
    provider = NoSQLProvider(config)
    app = Application("test")
    app.add_provider(provider)
    task = asyncio.create_task(app.start())
    await diary.until(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert diary.lines == ["connect a", "close a"]


async def test_a_boot_that_is_cut_off_while_it_tells_closes_all(diary: Diary) -> None:
    """Connected stores do not stay open behind a hook that hangs."""
    reached = asyncio.Event()

    async def hang(payload: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    app = Application("test")
    app.add_provider(NoSQLProvider(named({"name": "a"})))
    app.hooks.register_action("nosql.connected", hang)
    task = asyncio.create_task(app.start())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert diary.lines == ["connect a", "close a"]


async def test_a_store_that_cannot_be_closed_does_not_keep_the_others_open(
    diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged."""
    config = named({"name": "a"}, {"name": "b", "fails": "close"}, {"name": "c"})
    async with Application.boot(modules=[NoSQLModule.configure(config)]):
        pass
    assert diary.lines[3:] == ["close c", "close b", "close a"]
    assert "closing the document store 'b' failed" in caplog.text


async def test_hooks_and_events_are_fired(diary: Diary) -> None:
    """For each store, when it has connected and when it has closed."""
    told: list[Any] = []
    app = Application("test")
    app.add_module(NoSQLModule.configure(named({"name": "a"}, {"name": "b"})))
    for name in ("nosql.connected", "nosql.disconnected"):
        app.hooks.register_action(name, lambda payload: told.append(payload))
    for event in (NoSQLConnectedEvent, NoSQLDisconnectedEvent):
        app.events.subscribe(event, lambda event: told.append(event))
    await app.start()
    assert [type(item) for item in told] == [NoSQLConnectedHook, NoSQLConnectedEvent] * 2
    assert [item.backend for item in told[::2]] == ["a", "b"]
    assert [(item.database, item.host) for item in told[1::2]] == [("a", "toy"), ("b", "toy")]
    told.clear()
    await app.stop()
    assert [type(item) for item in told] == [NoSQLDisconnectedHook, NoSQLDisconnectedEvent] * 2
    assert [item.backend for item in told[::2]] == ["b", "a"]
    assert [item.database for item in told[1::2]] == ["b", "a"]


async def test_a_handler_that_fails_is_logged(diary: Diary, caplog: pytest.LogCaptureFixture) -> None:
    """The application starts all the same."""
    app = Application("test")
    app.add_module(NoSQLModule.configure({"driver": "toy"}))

    def fail(event: Any) -> None:
        raise RuntimeError("handler")

    app.events.subscribe(NoSQLConnectedEvent, fail)
    caplog.set_level(logging.ERROR)
    await app.start()
    assert "a handler of NoSQLConnectedEvent failed" in caplog.text
    await app.stop()


async def test_health_is_that_of_the_worst_store(diary: Diary) -> None:
    """With the state of each by its name."""
    provider = NoSQLProvider(named({"name": "a"}, {"name": "b", "fails": "ping"}))
    assert (await provider.health_check()).status is HealthStatus.DEGRADED
    async with Application.boot(providers=[provider]) as app:
        result = await provider.health_check()
        assert result.status is HealthStatus.UNHEALTHY
        assert result.component == "nosql"
        assert list(result.details) == ["nosql:a", "nosql:b"]
        assert result.details["nosql:a"]["status"] == "healthy"
        assert result.error == "OSError"
        assert (await app.health_check()).status is HealthStatus.UNHEALTHY
    assert (await provider.health_check()).message == "no document store is connected"


async def test_a_disabled_section_binds_no_store() -> None:
    """And says so in its health."""
    provider = NoSQLProvider(NoSQLConfig(enabled=False))
    async with Application.boot(providers=[provider]) as app:
        assert await app.container.resolve_optional(DocumentStoreProtocol) is None
        assert not (await app.container.resolve(NoSQLConfig)).enabled
        result = await provider.health_check()
    assert (result.status, result.message) == (HealthStatus.DEGRADED, "nosql is not enabled")


async def test_a_driver_that_is_not_installed_stops_the_start() -> None:
    """With what is installed."""
    with pytest.raises(ProviderError) as caught:
        async with Application.boot(modules=[NoSQLModule.configure({"driver": "couchdb"})]):
            pytest.fail("it booted")
    assert "no 'couchdb' in group 'lexigram.nosql.backends'" in str(caught.value.__cause__)


class Spans:
    """A tracer and a collector, as far as they are used."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.measured: list[str] = []

    def start_span(self, name: str, attributes: Any = None) -> Any:
        self.names.append(name)
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *details: object) -> None: ...

    def histogram(self, name: str, value: float, tags: Any = None) -> None:
        self.measured.append(name)


async def test_tracer_and_collector_of_the_application_are_used(diary: Diary) -> None:
    """Where it has them."""
    spans = Spans()

    class Observability(Provider):
        name = "observability"

        async def register(self, container: Any) -> None:
            container.singleton(TracerProtocol, spans, validate=False)
            container.singleton(MetricsCollectorProtocol, spans, validate=False)

    modules = [NoSQLModule.configure({"driver": "toy"})]
    async with Application.boot(modules=modules, providers=[Observability()]) as app:
        await (await app.container.resolve(DocumentStoreProtocol)).collection("things").insert_one({})
    assert spans.names == ["insert_one things"]
    assert spans.measured == ["db.client.operation.duration"]


async def test_a_provider_can_start_again(diary: Diary) -> None:
    """In a second application, with stores of its own."""
    provider = NoSQLProvider(NoSQLConfig.from_dict({"driver": "toy", "toy": {"name": "x"}}))
    stores = []
    for _ in range(2):
        async with Application.boot(providers=[provider]) as app:
            stores.append(await app.container.resolve(DocumentStoreProtocol))
    assert stores[0] is not stores[1]
    assert diary.lines == ["connect x", "close x"] * 2


async def test_a_decorated_module_that_holds_a_stub_runs_in_two_applications_at_once() -> None:
    """Each has a store of its own."""

    @module(imports=[NoSQLModule.stub()])
    class ShopModule(Module): ...

    async with (
        Application.boot("first", modules=[ShopModule]) as first,
        Application.boot("second", modules=[ShopModule]) as second,
    ):
        stores = [await app.container.resolve(DocumentStoreProtocol) for app in (first, second)]
        await stores[0].collection("things").insert_one({"_id": 1})

        assert await stores[0].collection("things").count_documents() == 1
        assert await stores[1].collection("things").count_documents() == 0
