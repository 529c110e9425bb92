"""How long services live, that each is made once, and how they are closed."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.exceptions.container import CircularDependencyError, ContainerError
from lexigram.di import Container, Named

closed: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    closed.clear()
    yield
    closed.clear()


class Pool:
    """Closed by aclose, which comes before close."""

    async def aclose(self) -> None:
        closed.append("pool")

    def close(self) -> None:
        closed.append("wrong")


class Session:
    """Closed by close; needs the pool."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def close(self) -> None:
        closed.append("session")


class Cache:
    """Closed by dispose."""

    async def dispose(self) -> None:
        closed.append("cache")


class Ticket:
    """A transient that is closed."""

    made = 0

    def __init__(self) -> None:
        Ticket.made += 1

    def close(self) -> None:
        closed.append("ticket")


class Holder:
    """A singleton with a transient."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket


class Job:
    """A scoped service with a transient of its own."""

    def __init__(self, ticket: Ticket, session: Session) -> None:
        self.ticket = ticket


class Failing:
    """Cannot be closed."""

    def close(self) -> None:
        raise OSError("stuck")


async def settle() -> None:
    """Let every other task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_singletons_are_closed_in_reverse_order() -> None:
    """What was made last is closed first; what was not made is not closed; twice is once."""
    container = Container()
    for service in (Cache, Session, Pool, Ticket):
        container.singleton(service)
    await container.resolve(Cache)
    await container.resolve(Session)

    await container.dispose()
    await container.dispose()

    assert closed == ["session", "pool", "cache"]


async def test_what_was_given_is_not_closed() -> None:
    """Objects that were registered, and those that a factory only hands on, are not the container's to close."""
    container = Container()
    container.singleton(Pool, Pool())
    container.singleton(Session)
    container.singleton(Session, handed_on, name="same")
    container.scoped(Session, handed_on_later, name="later")

    session = await container.resolve(Session)
    assert await container.resolve(Annotated[Session, "same"]) is session
    async with container.scope() as scope:
        assert await scope.resolve(Annotated[Session, "later"]) is session
    assert closed == []
    await container.dispose()

    assert closed == ["session"]


def handed_on(session: Session) -> Session:
    return session


async def handed_on_later(resolver: ContainerResolverProtocol) -> Session:
    return await resolver.resolve(Session)


async def test_generators_are_resumed() -> None:
    """Code after the yield runs at the end, sync and async, and learns what ended the scope."""
    seen: list[Any] = []

    async def later() -> AsyncIterator[Pool]:
        seen.append((yield Pool()))

    def now() -> Iterator[Cache]:
        seen.append((yield Cache()))

    container = Container()
    container.scoped(Pool, later)
    container.scoped(Cache, now)
    error = ValueError("the work failed")

    async def work() -> None:
        async with container.scope() as scope:
            await scope.resolve(Pool)
            await scope.resolve(Cache)
            raise error

    with pytest.raises(ValueError, match="the work failed"):
        await work()
    async with container.scope() as scope:
        await scope.resolve(Cache)

    assert seen == [error, error, None]
    assert closed == []
    await container.dispose()


async def test_a_generator_that_yields_twice_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The second yield is a mistake; the generator is ended all the same."""

    async def twice() -> AsyncIterator[Pool]:
        yield Pool()
        yield Pool()

    def twice_now() -> Iterator[Cache]:
        yield Cache()
        yield Cache()

    container = Container()
    container.singleton(Pool, twice)
    container.singleton(Cache, twice_now)
    await container.resolve(Pool)
    await container.resolve(Cache)
    await container.dispose()

    assert caplog.text.count("[LEX_ERR_DI_002] a factory that is a generator must yield once only") == 2


async def test_a_failure_to_close_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, the others are closed, and the error of the work goes on its way."""
    container = Container()
    container.scoped(Pool)
    container.scoped(Failing)
    container.scoped(Cache)

    async def work() -> None:
        async with container.scope() as scope:
            for service in (Pool, Failing, Cache):
                await scope.resolve(service)
            raise KeyError

    with pytest.raises(KeyError):
        await work()
    await container.dispose()

    assert closed == ["cache", "pool"]
    assert "closing Failing failed" in caplog.text
    assert "stuck" in caplog.text


async def test_a_cancellation_while_closing_leaves_nothing_open() -> None:
    """It is passed on once everything is closed."""
    stuck = asyncio.Event()

    async def hanging() -> AsyncIterator[Cache]:
        yield Cache()
        stuck.set()
        await asyncio.Event().wait()

    container = Container()
    container.singleton(Pool)
    container.singleton(Cache, hanging)
    await container.resolve(Pool)
    await container.resolve(Cache)
    task = asyncio.create_task(container.dispose())
    await stuck.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["pool"]


async def test_scoped_services_are_one_per_scope() -> None:
    """Each scope has its own, also one inside another, and closes them at its end."""
    container = Container()
    container.singleton(Pool)
    container.scoped(Session)
    async with container.scope() as one, container.scope() as two:
        async with one.scope() as inner:
            sessions = {await s.resolve(Session) for s in (one, two, inner, one)}
            assert len(sessions) == 3
            assert len({s.pool for s in sessions}) == 1
        assert closed == ["session"]
    assert closed == ["session"] * 3
    await container.dispose()
    assert closed == ["session"] * 3 + ["pool"]


async def test_a_scope_may_be_ended_by_hand() -> None:
    """create_scope() and dispose() do what async with does; scopes inside end first."""
    container = Container()
    container.singleton(Pool)
    container.scoped(Session)
    outer = container.create_scope()
    inner = outer.create_scope()
    await outer.resolve(Session)
    await inner.resolve(Session)

    await outer.dispose()
    await outer.dispose()

    assert inner.closed
    assert closed == ["session", "session"]
    with pytest.raises(ContainerError, match="Session was asked for after the scope was closed"):
        await outer.resolve(Session)
    with pytest.raises(ContainerError, match="a scope cannot be opened"):
        outer.scope()
    await container.dispose()


async def test_disposing_the_container_ends_open_scopes_first() -> None:
    """What scopes made is closed before what they stand on."""
    container = Container()
    container.singleton(Pool)
    container.scoped(Session)
    scope = container.create_scope()
    await scope.resolve(Session)

    await container.dispose()

    assert closed == ["session", "pool"]
    assert scope.closed


async def test_a_closed_container_refuses_everything() -> None:
    """Neither new services nor registrations, scopes or overrides."""
    container = Container(testing_mode=True)
    container.singleton(Pool)
    container.scoped(Session)
    async with container:
        pass

    assert container.is_closed
    with pytest.raises(ContainerError, match="Pool was asked for after the container was closed"):
        await container.resolve(Pool)
    for refused in (
        lambda: container.singleton(Cache),
        lambda: container.bind(Cache, Cache()),
        lambda: container.override(Cache, Cache()),
        container.freeze,
        container.scope,
    ):
        with pytest.raises(ContainerError, match="closed"):
            refused()


async def test_transients_are_made_for_each_request_and_closed_where_it_came_from() -> None:
    """A scope closes those it asked for; the container the others at its end."""
    container = Container()
    container.singleton(Pool)
    container.transient(Ticket)
    container.transient(Session)
    container.scoped(Job)
    container.singleton(Holder)
    async with container.scope() as scope:
        assert await scope.resolve(Ticket) is not await scope.resolve(Ticket)
        job = await scope.resolve(Job)
        assert (await scope.resolve(Job)).ticket is job.ticket
        holder = await scope.resolve(Holder)
        assert closed == []
    assert closed == ["session", "ticket", "ticket", "ticket"]
    assert (await container.resolve(Holder)).ticket is holder.ticket
    await container.dispose()
    assert closed[4:] == ["ticket", "pool"] or closed[4:] == ["pool", "ticket"]


async def test_concurrent_requests_make_a_singleton_once() -> None:
    """However many ask at once, it is made once, and so are the transients it needs."""
    made = 0
    go = asyncio.Event()
    Ticket.made = 0

    async def make(ticket: Ticket) -> Holder:
        nonlocal made
        made += 1
        await go.wait()
        return Holder(ticket)

    async with Container() as container:
        container.singleton(Holder, factory=lambda: None, validate=False)
        container.singleton(Holder, make_with(make))
        container.transient(Ticket)
        tasks = [asyncio.create_task(container.resolve(Holder)) for _ in range(50)]
        await settle()
        go.set()

        assert len(set(await asyncio.gather(*tasks))) == 1
        assert made == 1
        assert Ticket.made == 1


def make_with(make: Any) -> Any:
    async def factory(ticket: Ticket) -> Holder:
        return await make(ticket)  # type: ignore[no-any-return]

    return factory


async def test_a_slow_service_does_not_keep_others_waiting() -> None:
    """One that is being made for long does not block requests for others."""
    never = asyncio.Event()

    async def slow() -> Cache:
        await never.wait()
        return Cache()

    async with Container() as container:
        container.singleton(Cache, slow)
        container.singleton(Pool)
        task = asyncio.create_task(container.resolve(Cache))
        await settle()

        assert isinstance(await container.resolve(Pool), Pool)
        never.set()
        await task


async def test_cancelling_one_who_waits_leaves_the_others() -> None:
    """Neither one who waits nor the one who makes takes the service away from the rest."""
    made = 0
    go = asyncio.Event()

    async def slow() -> Cache:
        nonlocal made
        made += 1
        await go.wait()
        return Cache()

    async with Container() as container:
        container.singleton(Cache, slow)
        maker, *waiters = [asyncio.create_task(container.resolve(Cache)) for _ in range(4)]
        await settle()
        waiters[0].cancel()
        await settle()
        assert made == 1
        maker.cancel()
        await settle()
        assert made == 2
        go.set()

        first, second = await asyncio.gather(*waiters[1:])
        assert first is second
        assert await container.resolve(Cache) is first
        for task in (maker, waiters[0]):
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_those_who_wait_share_a_failure_and_later_ones_try_anew() -> None:
    """A failing factory runs once for all who wait for it."""
    made = 0
    go = asyncio.Event()

    async def failing() -> Cache:
        nonlocal made
        made += 1
        await go.wait()
        raise ConnectionError("refused")

    async with Container() as container:
        container.singleton(Cache, failing)
        tasks = [asyncio.create_task(container.resolve(Cache)) for _ in range(3)]
        await settle()
        go.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        assert [type(o) for o in outcomes] == [ConnectionError] * 3
        assert made == 1
        with pytest.raises(ConnectionError):
            await container.resolve(Cache)
        assert made == 2


async def test_a_factory_may_ask_for_more() -> None:
    """Asking the container inside a factory, also in a task of its own, waits for nobody."""

    async def make(resolver: ContainerResolverProtocol) -> Session:
        pool = await asyncio.wait_for(resolver.resolve(Pool), timeout=5)
        await asyncio.gather(resolver.resolve(Cache), resolver.resolve(Cache))
        return Session(pool)

    async with Container() as container:
        container.singleton(Session, make)
        container.singleton(Pool)
        container.singleton(Cache)

        session = await container.resolve(Session)
        assert session.pool is await container.resolve(Pool)


async def test_a_factory_that_asks_for_itself_is_told() -> None:
    """A circle that only shows while services are made is an error, also for transients."""

    async def make_session(resolver: ContainerResolverProtocol) -> Session:
        return Session(await resolver.resolve(Pool))

    async def make_pool(resolver: ContainerResolverProtocol) -> Pool:
        return (await asyncio.wait_for(resolver.resolve(Session), timeout=5)).pool

    for lifetime in ("singleton", "transient"):
        async with Container() as container:
            getattr(container, lifetime)(Session, make_session)
            getattr(container, lifetime)(Pool, make_pool)

            with pytest.raises(CircularDependencyError) as failure:
                await container.resolve(Session)
            assert failure.value.chain == ("Session", "Pool", "Session")
            assert "while they are being made" in failure.value.message


async def test_two_tasks_that_wait_for_each_other_are_told() -> None:
    """A circle that closes between two tasks is an error of one of them, not a deadlock."""
    both = asyncio.Barrier(2)

    async def make_session(resolver: ContainerResolverProtocol) -> Session:
        await both.wait()
        return Session(await resolver.resolve(Pool))

    async def make_pool(resolver: ContainerResolverProtocol) -> Pool:
        await both.wait()
        await resolver.resolve(Session)
        return Pool()

    async with Container() as container:
        container.singleton(Session, make_session)
        container.singleton(Pool, make_pool)

        outcomes = await asyncio.gather(container.resolve(Session), container.resolve(Pool), return_exceptions=True)

    assert [type(o) for o in outcomes] == [CircularDependencyError] * 2


async def test_a_service_that_comes_after_the_end_is_closed_at_once() -> None:
    """Who was making one while the container was disposed gets an error, and nothing is left open."""
    go = asyncio.Event()

    async def slow() -> Pool:
        await go.wait()
        return Pool()

    container = Container()
    container.singleton(Pool, slow)
    task = asyncio.create_task(container.resolve(Pool))
    await settle()
    await container.dispose()
    go.set()

    with pytest.raises(ContainerError, match="after the container was closed"):
        await task
    assert closed == ["pool"]


async def test_nobody_takes_over_after_the_end() -> None:
    """Who waits for a service whose maker is cancelled after the end gets an error."""
    never = asyncio.Event()

    async def slow() -> Pool:
        await never.wait()
        return Pool()

    container = Container()
    container.singleton(Pool, slow)
    maker, waiter = (asyncio.create_task(container.resolve(Pool)) for _ in range(2))
    await settle()
    await container.dispose()
    maker.cancel()

    with pytest.raises(ContainerError, match="after the container was closed"):
        await waiter
    with pytest.raises(asyncio.CancelledError):
        await maker


async def test_a_container_that_is_forgotten_open_warns() -> None:
    """What is left to close is named; with nothing to close there is nothing to warn of."""
    container = Container()
    container.singleton(Pool)
    container.singleton(Session)
    await container.resolve(Session)

    del container
    with pytest.warns(ResourceWarning, match="the container was not closed; still open: Pool, Session"):
        gc.collect()

    quiet = Container()
    quiet.singleton(Pool, Pool())
    quiet.singleton(Session, Session(Pool()))
    await quiet.resolve(Session)
    del quiet
    gc.collect()


async def test_a_warning_names_a_few_services_once_each() -> None:
    """However many were made."""
    container = Container()
    container.transient(Pool)
    for number in range(12):
        container.singleton(Pool, lambda: Pool(), name=f"p{number:02}")
        await container.resolve(Annotated[Pool, Named(f"p{number:02}")])
        await container.resolve(Pool)

    del container
    with pytest.warns(ResourceWarning, match=r"still open: Pool named 'p00', Pool, .*Pool named 'p08', …$"):
        gc.collect()


async def test_a_scope_that_is_forgotten_open_warns() -> None:
    """Scopes are no different."""
    async with Container() as container:
        container.scoped(Cache)
        scope = container.create_scope()
        await scope.resolve(Cache)

        del scope
        with pytest.warns(ResourceWarning, match="the scope was not closed; still open: Cache"):
            gc.collect()


async def test_services_outlive_changes_of_the_container() -> None:
    """Binding more does not make anything anew, neither in the container nor in an open scope."""
    async with Container() as container:
        container.singleton(Pool)
        container.scoped(Session)
        container.scoped(Job)
        container.transient(Ticket)
        container.freeze()
        async with container.scope() as scope:
            pool, session = await scope.resolve(Pool), await scope.resolve(Session)
            container.bind(int, 1)
            await scope.resolve(Job)
            assert await scope.resolve(Session) is session
            assert await container.resolve(Pool) is pool


async def test_closing_can_stop_half_way() -> None:
    """The application closes what was made since a provider booted, and leaves the rest."""
    async with Container() as container:
        container.singleton(Pool)
        container.singleton(Cache)
        container.scoped(Session)
        await container.resolve(Pool)
        depth = container.depth
        await container.resolve(Cache)
        scope = container.create_scope()
        await scope.resolve(Session)

        await container.close_down_to(depth)
        assert closed == ["session", "cache"]
    assert closed == ["session", "cache", "pool"]


async def test_leaving_a_scope_in_another_context_is_allowed(caplog: pytest.LogCaptureFixture) -> None:
    """Test fixtures are set up and torn down in different contexts."""
    container = Container()
    scope = container.scope()
    await asyncio.create_task(scope.__aenter__())
    with caplog.at_level(logging.DEBUG):
        await asyncio.create_task(scope.__aexit__(None, None, None))
    await container.dispose()

    assert caplog.text == ""
