"""An application's tracer, metrics and resilience are told of, and used for, what databases do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lexigram import Application
from lexigram.contracts.core.di import ContainerRegistrarProtocol
from lexigram.contracts.data.sql.database import ConnectionPoolProtocol, DatabaseProviderProtocol
from lexigram.contracts.infra.resilience import (
    CircuitBreakerConfig,
    ResiliencePipelineFactoryProtocol,
    RetryConfig,
    TimeoutConfig,
)
from lexigram.contracts.observability.metrics import MetricsCollectorProtocol
from lexigram.contracts.observability.tracing import TracerProtocol
from lexigram.di.provider import Provider
from lexigram.sql.config import DataConfig
from lexigram.sql.driver import SqlConnection
from lexigram.sql.exceptions import DatabaseConnectionError, TableNotFoundError
from lexigram.sql.module import DatabaseModule
from lexigram.sql.observing import DatabaseResilienceHandler
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import PredicateCompiler


class Span:
    def __init__(self, name: str, attributes: Mapping[str, Any]) -> None:
        self.name = name
        self.attributes = dict(attributes)
        self.status: tuple[str, str | None] | None = None
        self.failure: BaseException | None = None

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None) -> None: ...

    def record_exception(self, exception: BaseException) -> None:
        self.failure = exception

    def set_status(self, status: str, description: str | None = None) -> None:
        self.status = (status, description)

    def end(self) -> None: ...


class Tracer:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    @contextmanager
    def start_span(self, name: str, attributes: Mapping[str, Any] | None = None) -> Iterator[Span]:
        span = Span(name, attributes or {})
        self.spans.append(span)
        yield span


class Metrics:
    def __init__(self) -> None:
        self.taken: list[tuple[str, float, dict[str, str]]] = []

    def increment(self, name: str, value: float = 1.0, tags: Mapping[str, str] | None = None) -> None: ...
    def gauge(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None: ...

    def histogram(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        self.taken.append((name, value, dict(tags or {})))

    def create_counter(self, name: str, description: str = "", unit: str = "") -> Any: ...
    def create_gauge(self, name: str, description: str = "", unit: str = "") -> Any: ...
    def create_histogram(self, name: str, description: str = "", unit: str = "", buckets: Any = None) -> Any: ...


class Pipeline:
    """Tries as often as the settings say, without a pause."""

    def __init__(self, retry: RetryConfig, limits: TimeoutConfig) -> None:
        self.retry = retry
        self.limits = limits
        self.calls = 0

    async def execute(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        for left in reversed(range(self.retry.max_attempts)):
            try:
                return await func(*args, **kwargs)
            except self.retry.retryable_exceptions:
                if not left:
                    raise
        raise AssertionError


class Pipelines:
    def __init__(self) -> None:
        self.made: list[Pipeline] = []

    def __call__(
        self, retry_config: RetryConfig, circuit_config: CircuitBreakerConfig, timeout_config: TimeoutConfig
    ) -> Pipeline:
        assert circuit_config.failure_threshold == 5
        self.made.append(Pipeline(retry_config, timeout_config))
        return self.made[-1]


async def test_spans_hold_the_statement_and_its_failure_and_no_values() -> None:
    """One for each statement."""
    tracer = Tracer()
    async with DatabaseService(tracer=tracer) as db:
        await db.execute("CREATE TABLE t (a TEXT)")
        await db.execute("INSERT INTO t VALUES (?)", ["secret"])
        with pytest.raises(TableNotFoundError):
            await db.fetch("SELECT * FROM missing")
    assert [span.name for span in tracer.spans] == ["CREATE sqlite", "INSERT sqlite", "SELECT sqlite"]
    assert tracer.spans[1].attributes["db.query.text"] == "INSERT INTO t VALUES (?)"
    assert tracer.spans[1].status is None
    assert tracer.spans[2].status == ("error", "TableNotFoundError")
    assert isinstance(tracer.spans[2].failure, TableNotFoundError)


async def test_metrics_are_told_how_long_statements_took() -> None:
    """By operation, and whether they failed; and no longer once nobody asks."""
    metrics = Metrics()
    async with DatabaseService(metrics=metrics) as db:
        await db.fetch("SELECT 1")
        with pytest.raises(TableNotFoundError):
            await db.execute("DELETE FROM missing")
        db.set_metrics(None)
        await db.fetch("SELECT 2")
    (name, seconds, tags), (_, _, failed) = metrics.taken
    assert name == "db.client.operation.duration"
    assert 0 < seconds < 5
    assert tags == {"db.system.name": "sqlite", "db.namespace": "database", "db.operation.name": "SELECT"}
    assert (failed["db.operation.name"], failed["error.type"]) == ("DELETE", "error")


async def test_reads_are_tried_again_and_writes_and_transactions_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since only reads may be done twice without harm."""
    pipelines = Pipelines()
    db = DatabaseService(f"sqlite:///{tmp_path / 'a.db'}")
    db.set_resilience(DatabaseResilienceHandler(pipelines))
    async with db:
        assert pipelines.made[0].calls == 1  # connecting
        await db.execute("CREATE TABLE t (a INTEGER)")
        failures = 2
        lost: type[SqlConnection] = type(await db.get_primary_pool().pool_for(read_only=True).acquire())

        def refuse(connection: Any, *args: Any) -> Any:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise DatabaseConnectionError("lost")
            return own(connection, *args)

        own = lost.fetch
        monkeypatch.setattr(lost, "fetch", refuse)
        assert await db.fetch("SELECT count(*) AS n FROM t") == [{"n": 0}]
        assert pipelines.made[1].calls == 1
        failures = 1
        with pytest.raises(DatabaseConnectionError):
            await db.fetch("INSERT INTO t VALUES (1) RETURNING a")
        failures = 1
        with pytest.raises(DatabaseConnectionError):
            async with db.transaction():
                await db.fetch("SELECT 1")
        assert pipelines.made[1].calls == 1


async def test_without_a_factory_everything_is_done_once() -> None:
    """And costs nothing."""
    handler = DatabaseResilienceHandler()
    assert not handler.is_active

    async def work(number: int) -> int:
        return number + 1

    assert await handler.execute("any", work, 1) == 2


@pytest.mark.allow_blocking("an application looks for plugins while it starts")
async def test_an_application_wires_what_it_has(tmp_path: Path) -> None:
    """Without a word in the configuration."""
    tracer, metrics, pipelines = Tracer(), Metrics(), Pipelines()

    class Watching(Provider):
        name = "watching"

        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(TracerProtocol, tracer)
            container.singleton(MetricsCollectorProtocol, metrics)
            container.singleton(ResiliencePipelineFactoryProtocol, pipelines)

    settings = {"url": f"sqlite:///{tmp_path / 'a.db'}", "statement_timeout": 7, "data": {"default_page_size": 5}}
    configured = DatabaseModule.configure(settings, enable_query_logging=True)
    async with Application.boot(modules=[configured], providers=[Watching()]) as application:
        db = await application.container.resolve(DatabaseProviderProtocol)
        await db.execute_query("SELECT 1")
        assert len(tracer.spans) == len(metrics.taken) == 1
        assert [one.calls for one in pipelines.made] == [1, 1]
        assert pipelines.made[0].limits.timeout == 7
        pool = await application.container.resolve(ConnectionPoolProtocol)
        assert pool is db.get_primary_pool()
        assert (await pool.get_query_stats())["statements"] == 1
        assert (await application.container.resolve(DataConfig)).default_page_size == 5
        assert await application.container.resolve(PredicateCompiler)
