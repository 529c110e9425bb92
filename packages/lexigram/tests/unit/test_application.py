"""The application: its life, its order, its failures, what it tells.

One file, since the tests share the providers at its top.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from lexigram import (
    Application,
    ApplicationStateError,
    AppState,
    BaseConfig,
    DomainEvent,
    Err,
    EventBus,
    HookRegistry,
    HookRegistryProtocol,
    LexigramConfig,
    LexigramError,
    Module,
    Provider,
    ProviderPriority,
    ProviderState,
    create_app,
    create_module,
    inject,
    module,
)
from lexigram.app.entries import DuplicateProviderError
from lexigram.app.events import (
    HOOKS,
    ApplicationStarted,
    ApplicationStarting,
    ApplicationStopped,
    ApplicationStopping,
    HealthCheckCompleted,
    LifecycleEvent,
    ProviderBooted,
    ProviderFailed,
    ProviderRegistered,
)
from lexigram.contracts.core.config import ConfigProtocol
from lexigram.contracts.core.di import ContainerRegistrarProtocol, ContainerResolverProtocol
from lexigram.contracts.core.provider import ProviderProtocol
from lexigram.contracts.events.protocols import EventBusProtocol
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.exceptions.container import ContainerError, ContainerValidationError
from lexigram.contracts.exceptions.provider import ProviderError, ProviderTimeoutError
from lexigram.di.provider import ProviderFactory

# Made here, since reading plugins would block the event loop.
CONFIG = LexigramConfig()
IMPATIENT = LexigramConfig(shutdown_timeout=0.02)

log: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    log.clear()
    yield
    log.clear()


class Part(Provider):
    """A provider that writes down what happens to it, and fails or hangs where it is told to."""

    def __init__(self, name: str, priority: int = ProviderPriority.NORMAL, fails: str = "", **settings: Any) -> None:
        super().__init__()
        self.name = name
        self.priority = priority
        self.fails = fails
        self.hangs = asyncio.Event()
        self.told: list[tuple[str, str]] = []
        for key, value in settings.items():
            setattr(self, key, value)

    async def step(self, what: str) -> None:
        log.append(f"{what} {self.name}")
        if self.fails == what:
            raise OSError(f"{self.name} is broken")
        if self.fails == f"hang {what}":
            self.hangs.set()
            await asyncio.Event().wait()

    async def register(self, container: ContainerRegistrarProtocol) -> None:
        await self.step("register")

    async def boot(self, container: ContainerResolverProtocol) -> None:
        await self.step("boot")

    async def shutdown(self) -> None:
        await self.step("shutdown")

    async def on_error(self, error: BaseException, phase: str) -> None:
        self.told.append((type(error).__name__, phase))


class Slow(Provider):
    """A provider whose boot waits for its neighbour, so that both must boot at the same time."""

    def __init__(self, name: str, barrier: asyncio.Barrier) -> None:
        super().__init__()
        self.name = name
        self.barrier = barrier

    async def boot(self, container: ContainerResolverProtocol) -> None:
        async with asyncio.timeout(10):
            await self.barrier.wait()


class Pool:
    """A service that is closed."""

    async def aclose(self) -> None:
        log.append("close pool")


class Session:
    """A service that needs the pool, and is closed."""

    def __init__(self, pool: Pool) -> None: ...

    async def aclose(self) -> None:
        log.append("close session")


class SearchConfig(BaseConfig):
    """A provider's section."""

    config_section = "search"

    url: str = "http://localhost"
    size: int = 1


class Search(Provider):
    """A provider with a section."""

    config_key = "search"
    config_model = SearchConfig


class Raw(Provider):
    """A provider with a section that no model reads."""

    config_key = "raw"


def application(*providers: Any, **settings: Any) -> Application:
    return Application("test", CONFIG, **settings).add_providers(*providers)


@pytest.fixture
async def telling() -> tuple[Callable[[Application], None], list[DomainEvent], list[tuple[str, Any]]]:
    """What writes down the events and hooks of an application."""
    events: list[DomainEvent] = []
    hooks: list[tuple[str, Any]] = []

    def listen(app: Application) -> None:
        app.events.subscribe(LifecycleEvent, events.append)
        for name in HOOKS.values():
            app.hooks.register_action(name, lambda payload, name=name: hooks.append((name, payload)))

    return listen, events, hooks


async def test_an_application_goes_through_its_states() -> None:
    """Created, starting, running, stopping, stopped; each seen from inside."""
    seen: list[AppState] = []

    class Watcher(Provider):
        async def register(self, container: ContainerRegistrarProtocol) -> None:
            seen.append(app.state)

        async def shutdown(self) -> None:
            seen.append(app.state)

    app = application(Watcher)
    seen.append(app.state)
    await app.start()
    assert app.is_running
    seen.append(app.state)
    await app.stop()
    seen.append(app.state)

    assert not app.is_running
    assert seen == list(AppState)
    assert repr(app) == "<Application 'test' stopped>"


async def test_booting_is_starting_and_stopping() -> None:
    """boot() runs the application for a block, and stops it whatever happens there."""

    async def work() -> None:
        async with Application.boot("shop", [Part("a")], config=CONFIG) as app:
            assert app.is_running
            assert app.name == "shop"
            raise KeyError("work")

    with pytest.raises(KeyError):
        await work()
    assert log == ["register a", "boot a", "shutdown a"]

    async with application(Part("b")) as app:
        assert app.is_running
    assert app.state is AppState.STOPPED


async def test_an_application_starts_once() -> None:
    """Starting again, adding late and stopping while it starts are errors of the caller, and RuntimeErrors."""
    app = application()
    async with app:
        for misuse in (lambda: app.add_provider(Part("late")), lambda: app.add_module(create_module("late"))):
            with pytest.raises(ApplicationStateError, match="it is running"):
                misuse()
        with pytest.raises(RuntimeError, match="cannot start test: it is running"):
            await app.start()
    with pytest.raises(ApplicationStateError, match="it is stopped") as failure:
        await app.start()
    assert isinstance(failure.value, LexigramError)
    await app.stop()

    hanging = Part("hanging", fails="hang boot")
    app = application(hanging)
    starting = asyncio.create_task(app.start())
    await hanging.hangs.wait()
    with pytest.raises(ApplicationStateError, match="is being started"):
        await app.stop()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_an_application_that_never_started_can_be_stopped() -> None:
    """What was made in its container is closed."""
    app = application()
    app.container.singleton(Pool)
    await app.container.resolve(Pool)
    await app.stop()

    assert log == ["close pool"]
    assert app.state is AppState.STOPPED


async def test_stopping_twice_at_once_is_stopping_once() -> None:
    """The second caller waits for the first."""
    app = application(Part("a"))
    await app.start()
    await asyncio.gather(app.stop(), app.stop())

    assert log.count("shutdown a") == 1


async def test_the_application_offers_itself_and_its_tools() -> None:
    """Configuration, hooks, events and the application are there for all; a class of the caller's own as well."""

    class Own(Application):
        pass

    async with Own("own", CONFIG) as app:
        resolve = app.container.resolve
        assert await resolve(Application) is app
        assert await resolve(Own) is app
        assert await resolve(LexigramConfig) is await resolve(ConfigProtocol) is app.config is CONFIG
        assert await resolve(HookRegistryProtocol) is app.hooks
        assert await resolve(EventBusProtocol) is app.events
        assert isinstance(app.hooks, HookRegistry)
        assert app.logger.name == "own"


async def test_tools_of_the_callers_own_take_the_place() -> None:
    """A hook registry registered beforehand and an event bus of a provider are used for the application's own news."""
    hooks, bus = HookRegistry(), EventBus()
    seen: list[str] = []
    hooks.register_action("app.starting", lambda payload: seen.append("starting"))
    bus.subscribe(ApplicationStarted, lambda event: seen.append("started"))

    class Bus(Provider):
        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(EventBusProtocol, bus)

    app = application(Bus)
    app.container.singleton(HookRegistryProtocol, hooks)
    async with app:
        assert app.hooks is hooks
        assert app.events is bus

    assert seen == ["starting", "started"]


async def test_the_configuration_is_read_when_it_is_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Files and variables are read at the start, off the event loop; the name may come from there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEX_APP_NAME", "from-environment")
    app = Application()
    async with app:
        assert app.config.app_name == app.name == "from-environment"
    assert Application("given", app.config).name == "given"


def test_the_configuration_can_be_read_before_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Asking for it reads it once."""
    monkeypatch.chdir(tmp_path)
    app = create_app("shop", [Part("a")], [create_module("m")])

    assert app.config is app.config
    assert [provider.name for provider in app.providers] == ["a"]
    assert app.modules == ()


async def test_providers_get_their_section() -> None:
    """As their model, as plain data without one, as it was given where one was, with defaults where there is none."""
    config = await asyncio.to_thread(
        LexigramConfig.from_dict, {"search": {"url": "http://search", "size": 3}, "raw": {"a": 1}}
    )
    given = SearchConfig(url="http://given")
    search, raw, filled = Search(), Raw(), Search.from_config(given)
    filled.name = "filled"
    async with Application.boot(providers=[search, raw, filled], config=config):
        assert search.config == SearchConfig(url="http://search", size=3)
        assert raw.config == {"a": 1}
        assert filled.config is given

    plain = Search()
    async with application(plain):
        assert plain.config == SearchConfig()


async def test_a_section_that_does_not_fit_names_its_provider() -> None:
    """The error is the configuration's, with a note that says for whom it was read."""
    config = await asyncio.to_thread(LexigramConfig.from_dict, {"search": {"sise": 3}})
    app = Application(config=config).add_provider(Search)

    with pytest.raises(ConfigurationError, match="size") as failure:
        await app.start()
    assert "while reading the configuration of provider 'Search'" in failure.value.__notes__
    assert app.state is AppState.STOPPED


async def test_providers_boot_in_levels_and_stop_in_reverse() -> None:
    """Dependencies first, then the lowest priority; all register before any boots."""
    app = application(
        Part("web", ProviderPriority.PRESENTATION),
        Part("critical", ProviderPriority.CRITICAL, dependencies=("late",), optional_dependencies=("nobody",)),
        Part("store", ProviderPriority.INFRASTRUCTURE),
        Part("late", ProviderPriority.LOW),
        Part("cache", ProviderPriority.INFRASTRUCTURE, optional_dependencies=("store",)),
    )
    async with app:
        order = ["store", "cache", "web", "late", "critical"]
        assert [provider.name for provider in app.providers] == order
        assert log == [f"{step} {name}" for step in ("register", "boot") for name in order]
        assert {provider.state for provider in app.providers} == {ProviderState.BOOTED}
    assert log[10:] == [f"shutdown {name}" for name in reversed(order)]
    assert {provider.state for provider in app.providers} == {ProviderState.SHUTDOWN}


async def test_a_level_boots_in_parallel() -> None:
    """Two providers that wait for each other's boot to begin both finish it."""
    barrier = asyncio.Barrier(2)
    async with application(Slow("a", barrier), Slow("b", barrier)) as app:
        assert app.is_running


async def test_dependencies_may_be_named_by_class() -> None:
    """A provider's class stands for the provider of that class."""

    class Store(Part):
        pass

    app = application(
        Part("user", 0, dependencies=(Store,)), Part("asks", 0, optional_dependencies=(Search,)), Store("store", 50)
    )
    async with app:
        assert [provider.name for provider in app.providers] == ["asks", "store", "user"]


async def test_providers_of_imported_modules_come_first() -> None:
    """An importer's providers wait for those it imports, whatever the priorities."""
    base = create_module("base", [Part("base", ProviderPriority.LOW)])
    between = create_module("between", imports=[base])
    top = create_module("top", [Part("top", ProviderPriority.CRITICAL)], [between])
    async with Application.boot(modules=[top], config=CONFIG) as app:
        assert [provider.name for provider in app.providers] == ["base", "top"]


async def test_a_dependency_that_is_not_there_is_told() -> None:
    """The error lists the providers that are, and the near miss."""
    with pytest.raises(ProviderError, match=r"'web' depends on 'stor', .* 'store'; did you mean 'store'") as failure:
        await application(Part("web", dependencies=("stor",)), Part("store")).start()
    assert failure.value.provider == "web"
    with pytest.raises(ProviderError, match="depends on 'Search', which is not there; the others are none"):
        await application(Part("web", dependencies=(Search,))).start()


async def test_providers_that_wait_for_each_other_are_told() -> None:
    """The error names the circle, not those that only wait for it."""
    parts = [
        Part("before", dependencies=("a",)),
        Part("a", dependencies=("b",)),
        Part("b", dependencies=("c",)),
        Part("c", dependencies=("a",)),
    ]
    with pytest.raises(ProviderError, match="a -> b -> c -> a") as failure:
        await application(*parts).start()
    assert failure.value.cycle == ("a", "b", "c", "a")
    assert log == []


async def test_names_are_unique() -> None:
    """The same provider listed twice counts once; another of the same name is refused."""
    part = Part("a")
    async with application(part, part, Search, Search) as app:
        assert len(app.providers) == 2

    with pytest.raises(DuplicateProviderError, match="two providers are named 'a': Part and Part"):
        await application(Part("a"), Part("a")).start()
    with pytest.raises(ValueError, match="two providers"):
        await application(Search(), Search()).start()


async def test_what_is_no_provider_is_refused() -> None:
    """Objects belong into a provider's register()."""
    with pytest.raises(LexigramError, match="is no provider"):
        await application(5).start()


async def test_classes_may_be_listed_as_services() -> None:
    """A plain class among the providers becomes a service of the application."""
    async with application(Session, Pool) as app:
        assert isinstance(await app.container.resolve(Session), Session)


async def test_the_container_is_checked_before_anything_boots() -> None:
    """A graph with faults keeps providers from booting; after that nothing is registered."""
    with pytest.raises(ContainerValidationError, match="Pool is not registered"):
        await application(Session, Part("a")).start()
    assert log == ["register a"]

    class Late(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            assert isinstance(container, ContainerRegistrarProtocol)
            container.bind(Pool, Pool())
            with pytest.raises(ContainerError, match="frozen"):
                container.singleton(Session)

    async with application(Late) as app:
        assert await app.container.resolve(Pool)


async def test_a_failure_to_boot_stops_what_has_started() -> None:
    """What booted before is shut down in reverse; the error names the provider and chains the failure."""
    broken = Part("broken", 30, fails="boot")
    app = application(Part("one", 10), Part("two", 20), broken, Part("after", 40))

    with pytest.raises(ProviderError, match="provider 'broken' failed to boot: OSError: broken is broken") as failure:
        await app.start()

    assert isinstance(failure.value.__cause__, OSError)
    assert (failure.value.provider, failure.value.phase) == ("broken", "boot")
    assert broken.told == [("OSError", "boot")]
    assert log[4:] == ["boot one", "boot two", "boot broken", "shutdown two", "shutdown one"]
    assert app.state is AppState.STOPPED
    assert app.container.is_closed


async def test_a_failure_cancels_the_rest_of_its_level() -> None:
    """A neighbour that is still booting is cancelled; one that has booted is shut down."""
    app = application(Part("quick"), Part("slow", fails="hang boot"), Part("broken", fails="boot"))

    with pytest.raises(ProviderError, match="'broken'"):
        await app.start()
    assert log[6:] == ["shutdown quick"]


async def test_failures_of_one_level_are_all_told(caplog: pytest.LogCaptureFixture) -> None:
    """The first is raised, the others are logged."""
    barrier = asyncio.Barrier(2)

    class Both(Part):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            await barrier.wait()
            raise OSError(self.name)

    with pytest.raises(ProviderError, match=r"'a'|'b'"):
        await application(Both("a"), Both("b")).start()
    assert "failed as well" in caplog.text


async def test_a_provider_that_hangs_is_given_up() -> None:
    """After its boot_timeout the start fails, saying who hung and for how long."""
    app = application(Part("one", 10), Part("stuck", fails="hang boot", boot_timeout=0.01))

    with pytest.raises(ProviderTimeoutError, match=r"provider 'stuck' did not boot within 0.01 s") as failure:
        await app.start()
    assert isinstance(failure.value, TimeoutError)
    assert failure.value.timeout == 0.01
    assert isinstance(failure.value.__cause__, TimeoutError)
    assert log[-1] == "shutdown one"


async def test_a_provider_that_ignores_its_time_limit_is_stopped_and_refused() -> None:
    """One that swallows the cancellation has hung all the same, and what it started is stopped."""

    class Stubborn(Part):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("went on")

    with pytest.raises(ProviderTimeoutError, match="'stubborn' did not boot within"):
        await application(Part("one", 10), Stubborn("stubborn", boot_timeout=0.01), Part("last", 1000)).start()
    assert log[-3:] == ["went on", "shutdown stubborn", "shutdown one"]
    assert "boot last" not in log


@pytest.mark.parametrize("method", ["register", "boot"])
async def test_a_method_that_is_not_async_is_told(method: str) -> None:
    """A forgotten ``async`` is not a riddle about NoneType."""
    wrong = type("Wrong", (Provider,), {method: lambda _self, _container: None})

    with pytest.raises(ProviderError, match=rf"{method}\(\) is not async; write it with `async def`"):
        await application(wrong).start()


async def test_a_timeout_inside_a_provider_is_an_ordinary_failure() -> None:
    """Only the limit of the provider itself counts as hanging."""

    class Inner(Provider):
        boot_timeout = 60

        async def boot(self, container: ContainerResolverProtocol) -> None:
            raise TimeoutError("of a connection")

    with pytest.raises(ProviderError, match="TimeoutError: of a connection") as failure:
        await application(Inner).start()
    assert not isinstance(failure.value, ProviderTimeoutError)


async def test_a_hanging_factory_does_not_hang_the_neighbours() -> None:
    """Providers of one level that make different services do not wait for each other."""

    async def never() -> Pool:
        await asyncio.Event().wait()
        raise AssertionError

    class Hanging(Provider):
        boot_timeout = 0.05

        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(Pool, never)

        async def boot(self, container: ContainerResolverProtocol) -> None:
            await container.resolve(Pool)

    class Fine(Provider):
        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(Search, Search())

        async def boot(self, container: ContainerResolverProtocol) -> None:
            await container.resolve(Search)
            log.append("fine")

    with pytest.raises(ProviderTimeoutError, match="'Hanging'"):
        await application(Hanging, Fine).start()
    assert log == ["fine"]


async def test_a_stray_cancellation_is_a_failure() -> None:
    """A provider that raises CancelledError of its own accord has not booted."""

    class Stray(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            raise asyncio.CancelledError

    with pytest.raises(ProviderError, match="provider 'Stray' failed to boot: CancelledError"):
        await application(Stray).start()


async def test_an_interruption_is_no_failure_of_a_provider() -> None:
    """What is no Exception passes through as it is."""

    class Interrupted(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            raise GeneratorExit

    app = application(Interrupted)
    with pytest.raises(GeneratorExit):
        await app.start()
    assert app.state is AppState.STOPPED


async def test_cancelling_the_start_stops_what_has_started() -> None:
    """The cancellation is passed on when everything is stopped."""
    stuck = Part("stuck", fails="hang boot")
    app = application(Part("one", 10), stuck)
    task = asyncio.create_task(app.start())
    await stuck.hangs.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert log[-2:] == ["boot stuck", "shutdown one"]
    assert app.state is AppState.STOPPED


async def test_cancelling_the_start_while_it_is_announced_stops_it() -> None:
    """Nobody would stop it otherwise: the start has not returned."""
    app = application(Part("one"))
    told = asyncio.Event()

    async def linger(event: ApplicationStarted) -> None:
        told.set()
        await asyncio.Event().wait()

    app.events.subscribe(ApplicationStarted, linger)
    task = asyncio.create_task(app.start())
    await told.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert log[-1] == "shutdown one"
    assert app.state is AppState.STOPPED


async def test_stopping_from_within_the_stop_does_not_wait_for_itself() -> None:
    """A provider that asks for the end while it is shut down."""

    class Eager(Provider):
        async def shutdown(self) -> None:
            await app.stop()
            log.append("asked")

    app = application(Eager)
    await app.start()
    async with asyncio.timeout(10):
        await app.stop()
    assert log == ["asked"]
    assert app.state is AppState.STOPPED


async def test_a_provider_is_in_one_application_at_a_time() -> None:
    """A second one would take it from the first, and its end would stop the first one's work."""
    shared = Part("shared")
    async with Application.boot("first", [shared], config=CONFIG) as first:
        with pytest.raises(ProviderError, match="'shared' belongs to the application 'first', which has not stopped"):
            await application(shared).start()
        assert first.is_running
        assert log == ["register shared", "boot shared"]
    async with application(shared):
        assert log[-2:] == ["register shared", "boot shared"]


async def test_a_provider_of_a_factory_is_made_for_each_application() -> None:
    """So a module that holds one may be in two at once; within one application it is made once."""
    made: list[Provider] = []

    class Shared(Provider):
        name = "shared"

    def make() -> Provider:
        made.append(Shared())
        return made[-1]

    factory = ProviderFactory(make)

    @module(providers=[factory, factory])
    class SharedModule(Module): ...

    async with Application.boot("first", modules=[SharedModule], config=CONFIG) as first:
        async with Application.boot("second", modules=[SharedModule], config=CONFIG) as second:
            assert [*first.providers, *second.providers] == made
        assert first.providers[0].state is ProviderState.BOOTED


async def test_a_shutdown_that_hangs_is_given_up_and_named(caplog: pytest.LogCaptureFixture) -> None:
    """The provider's own limit counts before the application's; the others are still shut down."""
    closed: list[str] = []

    class Hangs(Provider):
        def __init__(self, name: str, timeout: float | None) -> None:
            super().__init__()
            self.name = name
            self.shutdown_timeout = timeout

        async def shutdown(self) -> None:
            await asyncio.Event().wait()

    class Closes(Provider):
        name = "closes"

        async def shutdown(self) -> None:
            closed.append(self.name)

    app = Application(config=IMPATIENT)
    app.add_providers(Closes(), Hangs("own", 0.01), Hangs("common", None))
    async with app:
        pass

    assert closed == ["closes"]
    assert sorted(str(error.message) for error in app.shutdown_errors) == [
        "provider 'common' did not shut down within 0.02 s",
        "provider 'own' did not shut down within 0.01 s",
    ]
    assert {type(error) for error in app.shutdown_errors} == {ProviderTimeoutError}
    assert "provider 'own' did not shut down within 0.01 s" in caplog.text


async def test_a_shutdown_that_ignores_its_time_limit_is_left_alone() -> None:
    """It swallows its cancellation; the application stops all the same."""
    released = asyncio.Event()

    class Stubborn(Provider):
        shutdown_timeout = 0.01

        async def shutdown(self) -> None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

    async with Application.boot(providers=[Stubborn()], config=CONFIG) as app:
        pass

    assert isinstance(app.shutdown_errors[0], ProviderTimeoutError)
    released.set()


async def test_a_timeout_inside_a_shutdown_is_an_ordinary_failure() -> None:
    """It is not the limit that passed."""

    class Slow(Provider):
        async def shutdown(self) -> None:
            raise TimeoutError("the server's")

    async with Application.boot(providers=[Slow()], config=CONFIG) as app:
        pass

    assert not isinstance(app.shutdown_errors[0], ProviderTimeoutError)
    assert "TimeoutError: the server's" in str(app.shutdown_errors[0])


async def test_a_provider_is_free_after_a_failed_start() -> None:
    """Also one that had not booted."""
    shared = Part("shared")
    with pytest.raises(ProviderError):
        await application(Part("bad", 1, fails="boot"), shared).start()
    async with application(shared):
        assert log[-1] == "boot shared"


async def test_each_application_gives_a_provider_its_own_section() -> None:
    """A provider that a module's decorator lists as an object outlives the application."""
    search = Search()
    sizes: list[int] = []
    for size in (1, 2):
        config = await asyncio.to_thread(LexigramConfig.from_dict, {"search": {"size": size}})
        async with Application.boot(providers=[search], config=config):
            sizes.append(search.config.size)
    assert sizes == [1, 2]


async def test_a_failure_to_register_names_the_provider() -> None:
    """Nothing boots, and nothing is shut down."""
    broken = Part("broken", fails="register")
    with pytest.raises(ProviderError, match="provider 'broken' failed to register") as failure:
        await application(Part("one", 10), broken).start()

    assert failure.value.phase == "register"
    assert broken.told == [("OSError", "register")]
    assert log == ["register one", "register broken"]


async def test_the_hint_of_a_failure_is_kept() -> None:
    """What the failure says to do about it is said by the provider's error as well."""

    class Broken(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            raise LexigramError("no route", hint="Plug it in.")

    with pytest.raises(ProviderError, match="LexigramError: no route") as failure:
        await application(Broken).start()
    assert failure.value.hint == "Plug it in."


async def test_an_application_can_do_without_some_providers(caplog: pytest.LogCaptureFixture) -> None:
    """One that is not required is logged and leaves the application degraded; it is not shut down."""
    extra = Part("extra", 10, fails="boot", required=False)
    user = Part("user", optional_dependencies=("extra",))
    async with application(extra, user) as app:
        assert app.is_running
        assert "the application runs without provider 'extra'" in caplog.text
        health = await app.health_check()
        assert health.status == "degraded"
        assert [(r.component, r.status) for r in health.components] == [("extra", "degraded"), ("user", "healthy")]
        assert health.components[0].error == "OSError: extra is broken"
    assert "shutdown extra" not in log


async def test_who_depends_on_a_provider_that_failed_fails_too() -> None:
    """A dependency is needed even if the application could do without it."""
    parts = Part("extra", 10, fails="boot", required=False), Part("user", dependencies=("extra",))
    with pytest.raises(ProviderError, match=r"'user' failed to boot: .* depends on 'extra', which failed to boot"):
        await application(*parts).start()


async def test_errors_while_stopping_are_collected(caplog: pytest.LogCaptureFixture) -> None:
    """Each is logged and kept, and keeps nothing else from stopping, nor hides the error of the work."""
    app = application(Part("one", 10), Part("broken", 20, fails="shutdown"), Part("three", 30))

    async def work() -> None:
        async with app:
            raise KeyError("work")

    with pytest.raises(KeyError):
        await work()

    assert log[6:] == ["shutdown three", "shutdown broken", "shutdown one"]
    (error,) = app.shutdown_errors
    assert (error.provider, error.phase) == ("broken", "shutdown")
    assert error.message == "provider 'broken' failed to shut down: OSError: broken is broken"
    assert "provider 'broken' failed to shut down" in caplog.text
    assert application().shutdown_errors == ()


async def test_a_cancelled_stop_still_stops_everything() -> None:
    """The cancellation is passed on at the end."""
    stuck = Part("stuck", 20, fails="hang shutdown")
    app = application(Part("one", 10), stuck)
    await app.start()
    task = asyncio.create_task(app.stop())
    await stuck.hangs.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert log[-1] == "shutdown one"
    assert app.state is AppState.STOPPED


async def test_an_error_of_on_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It does not take the place of the failure."""

    class Clumsy(Part):
        async def on_error(self, error: BaseException, phase: str) -> None:
            raise ValueError("clumsy")

    with pytest.raises(ProviderError, match="OSError"):
        await application(Clumsy("a", fails="boot")).start()
    assert "on_error of provider 'a' failed" in caplog.text


async def test_services_are_closed_between_the_providers_they_came_after() -> None:
    """What was made after a provider booted is closed before it is shut down; what came before, after."""

    class Store(Part):
        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(Pool)
            container.singleton(Session)

        async def boot(self, container: ContainerResolverProtocol) -> None:
            await container.resolve(Pool)

    async with application(Store("store", 10), Part("web")) as app:
        await app.container.resolve(Session)
    assert log[2:] == ["close session", "shutdown web", "shutdown store", "close pool"]


async def test_the_life_of_an_application_is_told(telling: Any) -> None:
    """Each step is an event on the bus and a hook with the event as payload, in order."""
    listen, events, hooks = telling
    app = application(Part("a"), Part("extra", fails="boot", required=False))
    listen(app)
    async with app:
        await app.health_check()

    assert [type(event) for event in events] == [
        ApplicationStarting,
        ProviderRegistered,
        ProviderRegistered,
        *sorted([ProviderBooted, ProviderFailed], key=[type(e) for e in events].index),
        ApplicationStarted,
        HealthCheckCompleted,
        ApplicationStopping,
        ApplicationStopped,
    ]
    assert [(HOOKS[type(event)], event) for event in events] == hooks
    assert {event.app_name for event in events} == {"test"}
    booted = next(event for event in events if isinstance(event, ProviderBooted))
    failed = next(event for event in events if isinstance(event, ProviderFailed))
    health = next(event for event in events if isinstance(event, HealthCheckCompleted))
    assert booted.provider == "a"
    assert booted.duration_ms >= 0
    assert (failed.provider, failed.phase, type(failed.error)) == ("extra", "boot", OSError)
    assert health.status == "degraded"
    assert health.components == {"a": "healthy", "extra": "degraded"}


async def test_a_failed_start_is_told(telling: Any) -> None:
    """Who listens learns of the failure and of the stop, and not of a start."""
    listen, events, _ = telling
    app = application(Part("a", fails="boot"))
    listen(app)
    with pytest.raises(ProviderError):
        await app.start()

    assert [type(event) for event in events] == [
        ApplicationStarting,
        ProviderRegistered,
        ProviderFailed,
        ApplicationStopping,
        ApplicationStopped,
    ]


async def test_listeners_that_fail_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a hook's handler, nor an event's, nor a bus that raises keeps the application from running."""

    class Breaking(EventBus):
        async def publish(self, event: DomainEvent) -> Any:
            if isinstance(event, ApplicationStarted):
                raise OSError("no broker")
            return await super().publish(event)

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a listener")

    app = application()
    bus = Breaking()
    bus.subscribe(ApplicationStarting, fail)
    app.container.singleton(EventBusProtocol, bus)
    app.hooks.register_action("app.starting", fail)
    async with app:
        assert app.is_running

    assert "a handler of the action 'app.starting' failed" in caplog.text
    assert "a handler of ApplicationStarting failed" in caplog.text
    assert "publishing ApplicationStarted failed" in caplog.text
    assert isinstance(await bus.publish(ApplicationStarting(app_name="x")), Err)


async def test_injected_functions_take_from_the_running_application() -> None:
    """@inject finds the application's services where no scope is open, and only while it runs."""

    @inject
    async def find(app: Application) -> Application:
        return app

    async with application() as app:
        assert await find() is app
        assert await asyncio.create_task(find()) is app
    with pytest.raises(ContainerError):
        await find()


async def test_services_can_be_overridden_in_tests() -> None:
    """A testing application takes overrides before and after the start."""
    app = application(Session, Pool, testing=True)
    fake = Pool()
    app.container.override(Pool, fake)
    async with app:
        assert await app.container.resolve(Pool) is fake
    async with Application.boot(providers=[Pool], config=CONFIG, testing=True) as app:
        with app.container.override(Pool, fake):
            assert await app.container.resolve(Pool) is fake
        assert await app.container.resolve(Pool) is not fake


async def test_an_error_while_modules_are_told_is_an_error_of_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """What has booted is stopped; an error while a module is told of the end is logged."""
    module = create_module("broken", [Part("a")])

    class Broken(module.module):  # type: ignore[misc, name-defined]
        fails: ClassVar[bool] = True

        @classmethod
        async def on_module_booted(cls, container: ContainerResolverProtocol) -> None:
            if cls.fails:
                raise ValueError("module")

        @classmethod
        async def on_module_shutdown(cls) -> None:
            raise ValueError("module end")

    app = Application(config=CONFIG).add_module(Broken).add_provider(Part("a"))
    with pytest.raises(ValueError, match="module"):
        await app.start()
    assert log == ["register a", "boot a", "shutdown a"]
    with caplog.at_level(logging.ERROR):
        Broken.fails = False
        async with Application(config=CONFIG).add_module(Broken):
            pass
    assert "module end" in caplog.text


class Inherited(Search):
    """A provider without a name of its own, below one without."""


class Named(Provider):
    """A provider with a name."""

    name = "named"


class BelowNamed(Named):
    """A provider that keeps its base's name."""


async def test_providers_have_defaults() -> None:
    """A provider without any method is one; its name is the class's, or its named base's."""
    assert [cls.name for cls in (Search, Inherited, Named, BelowNamed)] == ["Search", "Inherited", "named", "named"]
    provider = Named()
    assert isinstance(provider, ProviderProtocol)
    assert repr(provider) == "<Named 'named' created>"
    assert provider.enabled
    assert (await provider.health_check()).status == "unhealthy"
    provider.config = type("Off", (), {"enabled": False})()
    assert not provider.enabled
    async with application(provider):
        assert (await provider.health_check()).is_healthy()
    await provider.on_error(ValueError(), "boot")


class Listening:
    """A service that is told of the application's life; some of its methods are not async."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def on_module_init(self) -> None:
        self.heard.append("module")

    def on_application_bootstrap(self) -> None:
        self.heard.append("bootstrap")

    async def on_before_shutdown(self) -> None:
        self.heard.append("before")

    async def on_application_shutdown(self, signal: str | None = None) -> None:
        self.heard.append(f"after {signal} {'shutdown a' in log}")


class Late(Listening):
    """One that is made while the application runs."""


class DeafAtTheEnd(Listening):
    """One that fails when it is told."""

    async def on_before_shutdown(self) -> None:
        raise OSError("deaf")


async def test_services_are_told_of_the_applications_life(caplog: pytest.LogCaptureFixture) -> None:
    """Those that exist at the start, with modules' own first told of the module; later ones of the end only."""
    given, own = Listening(), DeafAtTheEnd()

    class Store(Part, Listening):
        def __init__(self) -> None:
            Part.__init__(self, "a")
            Listening.__init__(self)

        async def register(self, container: ContainerRegistrarProtocol) -> None:
            container.singleton(DeafAtTheEnd, own)

    store = Store()
    app = Application("test", CONFIG).add_module(create_module("m", [store])).add_provider(Late)
    app.container.singleton(Listening, given)
    app.container.bind(Listening, given, name="again")
    async with app:
        assert (given.heard, own.heard) == (["bootstrap"], ["module", "bootstrap"])
        late = await app.container.resolve(Late)

    assert given.heard == ["bootstrap", "before", "after None True"]
    assert store.heard == ["module", "bootstrap", "before", "after None True"]
    assert own.heard == ["module", "bootstrap", "after None True"]
    assert late.heard == ["before", "after None True"]
    assert "on_before_shutdown of DeafAtTheEnd failed" in caplog.text


async def test_a_service_that_cannot_start_keeps_the_application_from_it() -> None:
    """An error of on_application_bootstrap is one of the start; what has booted is stopped."""

    class Refusing(Listening):
        def on_application_bootstrap(self) -> None:
            raise OSError("not today")

    app = application(Part("a"))
    app.container.singleton(Refusing, Refusing())
    with pytest.raises(OSError, match="not today"):
        await app.start()
    assert log[-1] == "shutdown a"


async def test_the_configuration_is_read_off_the_event_loop(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Files, .env and all: starting without a configuration blocks nobody."""
    await asyncio.to_thread((tmp_path / "application.yaml").write_text, "app_name: shop\nsearch: {size: 4}\n")
    await asyncio.to_thread((tmp_path / ".env").write_text, "LEX_SEARCH__URL=http://dotenv\n")
    monkeypatch.chdir(tmp_path)
    search = Search()
    async with Application.boot(providers=[search]) as app:
        assert app.name == "shop"
        assert search.config == SearchConfig(url="http://dotenv", size=4)
        assert app.config is await app.container.resolve(LexigramConfig)
