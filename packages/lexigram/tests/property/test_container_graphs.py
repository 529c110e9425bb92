"""Random graphs of services: faults found, order of making and closing, concurrent requests."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.exceptions.container import CircularDependencyError, UnresolvableDependencyError
from lexigram.di import Container

Edges = dict[int, list[int]]


class Service:
    """What factories make; written down when it is made and closed."""

    def __init__(self, number: int, log: list[tuple[str, int]]) -> None:
        self.number = number
        self.log = log
        log.append(("made", number))

    async def aclose(self) -> None:
        self.log.append(("closed", self.number))


@dataclass
class World:
    """A container with a service type for each number, some of them not registered."""

    edges: Edges
    missing: set[int] = field(default_factory=set)
    pauses: bool = False
    log: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        numbers = {*self.edges, *(n for needs in self.edges.values() for n in needs)}
        self.types = {n: type(f"S{n}", (Service,), {}) for n in numbers}
        self.container = Container()
        for number, needs in self.edges.items():
            if number not in self.missing:
                self.container.singleton(self.types[number], self.factory(number, needs), validate=False)

    def factory(self, number: int, needs: list[int]) -> Callable[..., Any]:
        async def make(**services: Any) -> Service:
            if self.pauses:
                await asyncio.sleep(0)
            return Service(number, self.log)

        make.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(f"p{n}", inspect.Parameter.KEYWORD_ONLY, annotation=self.types[n]) for n in needs]
        )
        return make


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool = False) -> Edges:
    """Any graph of up to eight services; edges of acyclic ones lead to smaller numbers."""
    size = draw(st.integers(1, 8))
    edges: Edges = {}
    for number in range(size):
        targets = range(number) if acyclic else range(size)
        edges[number] = draw(st.lists(st.sampled_from(targets), unique=True, max_size=4)) if targets else []
    return edges


def circular(edges: Edges) -> bool:
    """Whether there is a circle, found by taking away what needs nothing."""
    left = {n: set(needs) for n, needs in edges.items()}
    while done := {n for n, needs in left.items() if not needs & set(left)}:
        left = {n: needs for n, needs in left.items() if n not in done}
    return bool(left)


def reachable(edges: Edges, start: int) -> set[int]:
    """What a service needs, itself included."""
    found: set[int] = set()
    waiting = [start]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += edges[current]
    return found


@given(graphs(), st.sets(st.integers(0, 7), max_size=3))
def test_validation_finds_every_missing_dependency(edges: Edges, missing: set[int]) -> None:
    """Each service that needs an unregistered one is told, once for each, and nothing else is called missing."""
    issues = World(edges, missing).container.validate()
    told = {
        (chain.split(" -> ")[-1], rest.split(" ")[0])
        for issue in issues
        if "is not registered" in issue
        for chain, rest in [issue.split(": ", 1)]
    }

    expected = {(f"S{n}", f"S{m}") for n, needs in edges.items() if n not in missing for m in needs if m in missing}
    assert told == expected


@given(graphs())
def test_validation_finds_every_circle(edges: Edges) -> None:
    """What is told are circles, and without one edge of each there are no others."""
    issues = World(edges).container.validate()
    circles = [[int(name[1:]) for name in issue.split(": ")[0].split(" -> ")] for issue in issues]

    left = {n: list(needs) for n, needs in edges.items()}
    for circle in circles:
        assert circle[0] == circle[-1]
        assert len(set(circle)) == len(circle) - 1
        for one, other in pairwise(circle):
            assert other in edges[one]
        if circle[-1] in left[circle[-2]]:
            left[circle[-2]].remove(circle[-1])
    assert not circular(left)
    assert bool(circles) == circular(edges)


@given(graphs(), st.sets(st.integers(0, 7), max_size=3), st.data())
def test_a_request_fails_exactly_where_the_graph_has_a_fault(edges: Edges, missing: set[int], data: Any) -> None:
    """A service is made if all it needs is there and in no circle, else the request says which of the two it is."""
    world = World(edges, missing)
    wanted = data.draw(st.sampled_from(sorted(edges)))
    trimmed = {n: ([] if n in missing else needs) for n, needs in edges.items()}
    needed = reachable(trimmed, wanted)

    async def ask() -> Any:
        async with world.container:
            return await world.container.resolve(world.types[wanted])

    try:
        asyncio.run(ask())
    except UnresolvableDependencyError:
        assert needed & missing
    except CircularDependencyError:
        assert circular({n: trimmed[n] for n in needed})
    else:
        assert not needed & missing
        assert not circular({n: trimmed[n] for n in needed})
        assert {n for what, n in world.log if what == "made"} == needed


@given(graphs(acyclic=True), st.lists(st.integers(0, 7), min_size=1, max_size=5))
def test_services_are_made_in_order_and_closed_in_reverse(edges: Edges, wanted: list[int]) -> None:
    """Each once, after all it needs; closed in the exact reverse."""
    world = World(edges)

    async def use() -> None:
        async with world.container as container:
            container.freeze()
            for number in wanted:
                await container.resolve(world.types[number % len(edges)])

    asyncio.run(use())
    made = [n for what, n in world.log if what == "made"]
    closed = [n for what, n in world.log if what == "closed"]

    assert len(made) == len(set(made))
    assert set(made) == set().union(*(reachable(edges, n % len(edges)) for n in wanted))
    for position, number in enumerate(made):
        assert set(edges[number]) <= set(made[:position])
    assert closed == made[::-1]


@given(
    graphs(acyclic=True),
    st.lists(st.tuples(st.integers(0, 7), st.one_of(st.none(), st.integers(0, 6))), min_size=1, max_size=12),
)
def test_cancellations_leave_each_service_made_once(edges: Edges, requests: list[tuple[int, int | None]]) -> None:
    """Whoever is cancelled, whenever: the others get one and the same service, and all that was made is closed."""
    world = World(edges, pauses=True)

    async def use() -> None:
        async with world.container as container:
            tasks = [asyncio.create_task(container.resolve(world.types[n % len(edges)])) for n, _ in requests]
            for step in range(7):
                for task, (_, when) in zip(tasks, requests, strict=True):
                    if when == step:
                        task.cancel()
                await asyncio.sleep(0)
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for (number, when), outcome in zip(requests, outcomes, strict=True):
                if when is None:
                    assert outcome is await container.resolve(world.types[number % len(edges)])
                else:
                    assert isinstance(outcome, (Service, asyncio.CancelledError))

    asyncio.run(use())
    made = [n for what, n in world.log if what == "made"]
    assert len(made) == len(set(made))
    assert sorted(n for what, n in world.log if what == "closed") == sorted(made)
