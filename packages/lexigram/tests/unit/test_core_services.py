"""What the kernel offers besides: values that follow a task, loggers, a builder, discovery, and the core module."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lexigram import (
    Application,
    ApplicationStateError,
    ContainerBuilder,
    Context,
    ContextKey,
    CoreModule,
    LexigramConfig,
    get_logger,
)
from lexigram.app.states import ApplicationError
from lexigram.clock import SystemClock, UuidGenerator
from lexigram.contracts.core.clock import ClockProtocol
from lexigram.contracts.core.identity import IdGeneratorProtocol
from lexigram.contracts.core.logging import LoggerFactoryProtocol, LoggerProtocol
from lexigram.contracts.exceptions.container import ContainerValidationError

# Made here, since reading plugins would block the event loop.
CONFIG = LexigramConfig()


# --- context


async def test_a_value_holds_for_its_block_and_the_tasks_started_in_it() -> None:
    """Other tasks have their own."""
    tenant = ContextKey[str]("tenant")

    async def seen() -> str:
        await asyncio.sleep(0)
        return tenant.get("none")

    async def work(name: str) -> str:
        with tenant.bound(name):
            return await seen()

    with tenant.bound("outer") as value:
        assert value == tenant.get() == "outer"
        inherited = asyncio.create_task(seen())
        assert await asyncio.gather(work("a"), work("b")) == ["a", "b"]
        with tenant.bound("inner"):
            assert tenant.get() == "inner"
        assert tenant.get() == "outer"
    assert await inherited == "outer"
    assert await seen() == "none"


def test_a_value_that_is_not_bound_is_the_default_or_an_error() -> None:
    """The key says what to do."""
    assert ContextKey("language", default="en").get() == "en"
    assert ContextKey[str]("tenant").get(None) is None
    with pytest.raises(LookupError, match="nothing is bound to 'tenant' here; use"):
        ContextKey[str]("tenant").get()


def test_keys_of_one_name_are_different() -> None:
    """Two libraries may call theirs the same."""
    mine, theirs = ContextKey[int]("id"), ContextKey[int]("id")
    with mine.bound(1):
        assert theirs.get(2) == 2


def test_a_context_can_be_carried_to_another_place() -> None:
    """It is what it was when it was taken; values are not shown."""
    tenant, user = ContextKey[str]("tenant"), ContextKey[str]("user")
    with tenant.bound("a"):
        taken = Context.current().bind(user, "ada")

    assert Context.current().get(tenant) is None
    with taken.active() as context:
        assert (tenant.get(), user.get(), len(context), context[user]) == ("a", "ada", 2, "ada")
    assert repr(taken) == "Context(tenant, user)"


# --- loggers


def test_facts_stand_behind_the_message_and_in_the_record(caplog: pytest.LogCaptureFixture) -> None:
    """Those of the logger, of the entry, and of the context."""
    caplog.set_level(logging.DEBUG, "shop")
    request = ContextKey[str]("request_id", logged=True)
    private = ContextKey[str]("user")
    logger = get_logger("shop.orders", component="orders").bind(version=2)
    assert isinstance(logger, LoggerProtocol)

    with request.bound("r-17"), private.bound("ada"):
        logger.info("order %s placed", "o-1", total=12.5)

    (record,) = caplog.records
    assert record.getMessage() == "order o-1 placed request_id=r-17 component=orders version=2 total=12.5"
    assert record.facts == {"request_id": "r-17", "component": "orders", "version": 2, "total": 12.5}  # type: ignore[attr-defined]
    assert (record.name, record.levelname, record.filename) == ("shop.orders", "INFO", Path(__file__).name)
    json.dumps(record.facts)  # type: ignore[attr-defined]


def test_every_level_is_the_standard_librarys(caplog: pytest.LogCaptureFixture) -> None:
    """A level that is off costs nothing, and a lone percent sign is no format."""
    logger = get_logger("shop")
    caplog.set_level(logging.INFO, "shop")

    class Costly:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    logger.debug("x %s", Costly(), y=Costly())
    logger.info("100%")
    logger.warning("b", a=1)
    logger.error("c")
    try:
        raise KeyError("k")
    except KeyError:
        logger.exception("d")

    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("INFO", "100%"),
        ("WARNING", "b a=1"),
        ("ERROR", "c"),
        ("ERROR", "d"),
    ]
    assert "KeyError" in caplog.text


def test_secrets_among_the_facts_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    """By their names, and inside URLs."""
    get_logger("shop").warning("connecting", password="hunter2", url="mongodb://ada:hunter2@db/x")

    assert "hunter2" not in caplog.text
    assert "mongodb://ada:" in caplog.text


# --- builder


class Clock:
    """A service."""


class Needs:
    """A service that needs another."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock


async def test_a_builder_makes_containers_that_share_no_services() -> None:
    """Each makes its own; the later of two registrations counts."""
    builder = ContainerBuilder().singleton(Clock).transient(Needs).register(Frozen)
    async with builder.build() as first, builder.build() as second:
        assert first.is_frozen
        assert await first.resolve(Clock) is not await second.resolve(Clock)
        assert await first.resolve(Needs) is not await first.resolve(Needs)

    fixed = Clock()
    async with builder.singleton(Clock, fixed).build() as third:
        assert (await third.resolve(Needs)).clock is fixed


def test_a_builder_tells_what_is_missing() -> None:
    """When it builds."""
    builder = ContainerBuilder().scoped(Needs)
    with pytest.raises(ContainerValidationError, match="Clock"):
        builder.build()
    assert builder.build(validate=False).is_frozen


# --- core module


async def test_the_core_module_offers_time_identifiers_and_loggers() -> None:
    """To every module, without importing it; tests may replace them."""
    async with Application.boot(modules=[CoreModule], config=CONFIG, testing=True) as app:
        clock = await app.container.resolve(ClockProtocol)
        assert abs(datetime.now(UTC) - clock.now()) < timedelta(minutes=1)
        assert clock.now().tzinfo is UTC
        assert clock.monotonic() <= clock.monotonic()
        assert abs(clock.timestamp() - datetime.now(UTC).timestamp()) < 60

        ids = await app.container.resolve(IdGeneratorProtocol)
        assert len({ids.generate() for _ in range(100)}) == 100

        factory = await app.container.resolve(LoggerFactoryProtocol)
        assert factory.get_logger("shop", a=1).bind(b=2) is not None

    async with Application.boot(modules=[CoreModule.stub()], config=CONFIG, testing=True) as app:
        with app.container.override(ClockProtocol, Frozen()):
            assert (await app.container.resolve(ClockProtocol)).now().year == 2020


class Frozen(SystemClock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2020, 1, 1, tzinfo=UTC)


def test_the_real_services_have_the_contracts_forms() -> None:
    """So type checkers and the container agree."""
    assert isinstance(SystemClock(), ClockProtocol)
    assert isinstance(UuidGenerator(), IdGeneratorProtocol)


# --- discovery


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Writes a package ``shop_found`` that can be imported, and forgets it afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "shop_found"]:
        monkeypatch.delitem(sys.modules, name)

    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / "shop_found" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


PROVIDERS = """
from lexigram import Provider, singleton
from shop_found.other import OtherProvider

class StockProvider(Provider):
    async def register(self, container):
        container.singleton(dict, {"stock": 1})

class _Base(Provider): ...

@singleton
class Stock:
    pass

class Plain: ...
"""


@pytest.mark.allow_blocking("modules are imported")
async def test_providers_and_marked_classes_of_a_package_are_found(shop: Any) -> None:
    """With all modules inside it, each once, and nothing that was only imported there."""
    other = "from lexigram import Provider\nclass OtherProvider(Provider): ...\n"
    shop({"__init__.py": "", "providers/__init__.py": PROVIDERS, "other.py": other})
    app = Application(config=CONFIG).discover_providers("shop_found", "shop_found.providers")
    async with app:
        assert sorted(provider.name for provider in app.providers) == ["OtherProvider", "StockProvider"]
        found = sys.modules["shop_found.providers"]
        assert isinstance(await app.container.resolve(found.Stock), found.Stock)
        assert not app.container.has(found.Plain)
        with pytest.raises(ApplicationStateError):
            app.discover_providers(found)


def test_a_module_that_cannot_be_imported_is_named(shop: Any) -> None:
    """Instead of being passed over."""
    shop({"__init__.py": "", "broken.py": "import nothing_like_this\n"})

    with pytest.raises(ApplicationError, match=r"shop_found\.broken cannot be imported.*ModuleNotFoundError") as caught:
        Application(config=CONFIG).discover_providers("shop_found")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    with pytest.raises(ApplicationError, match="no_such_package cannot be imported"):
        Application(config=CONFIG).discover_providers("no_such_package")
