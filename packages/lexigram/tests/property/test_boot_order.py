"""Random sets of providers: the order of booting, and the reverse."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram import Application, LexigramConfig, Provider
from lexigram.app.entries import Entry
from lexigram.app.ordering import boot_levels
from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.di.module.graph import ModuleGraph

CONFIG = LexigramConfig()


class Part(Provider):
    """A provider that writes down when it boots and shuts down."""

    def __init__(self, plan: Plan, log: list[str], *, fails: bool) -> None:
        super().__init__()
        self.name = plan.name
        self.priority = plan.priority
        self.dependencies = plan.needs
        self.optional_dependencies = plan.likes
        self.log = log
        self.fails = fails

    async def boot(self, container: ContainerResolverProtocol) -> None:
        if self.fails:
            raise OSError(self.name)
        self.log.append(f"+{self.name}")

    async def shutdown(self) -> None:
        self.log.append(f"-{self.name}")


@dataclass(frozen=True)
class Plan:
    """What is drawn for one provider."""

    name: str
    priority: int
    needs: tuple[str, ...]
    likes: tuple[str, ...]


@st.composite
def plans(draw: st.DrawFn) -> list[Plan]:
    """Up to eight providers, listed in any order, that need and like some of those drawn before them."""
    drawn: list[Plan] = []
    for number in range(draw(st.integers(1, 8))):
        before = [plan.name for plan in drawn]
        some = st.lists(st.sampled_from(before), unique=True, max_size=3) if before else st.just([])
        likes = (*draw(some), "absent")
        drawn.append(Plan(f"p{number}", draw(st.integers(0, 3)), tuple(draw(some)), likes))
    return draw(st.permutations(drawn))


def run(drawn: list[Plan], broken: str | None = None) -> list[str]:
    log: list[str] = []

    async def live() -> None:
        async with Application("test", CONFIG).add_providers(
            *(Part(plan, log, fails=plan.name == broken) for plan in drawn)
        ):
            log.append("running")

    asyncio.run(live())
    return log


@given(plans())
def test_the_order_respects_dependencies_and_priorities(drawn: list[Plan]) -> None:
    """Each level boots after what it needs or likes, and before what could have booted with it but may wait."""
    parts = [Part(plan, [], fails=False) for plan in drawn]
    levels = boot_levels([Entry(part, None, position) for position, part in enumerate(parts)], ModuleGraph())
    by_name = {plan.name: plan for plan in drawn}
    booted: set[str] = set()
    waiting = set(by_name)
    for level in levels:
        ready = {n for n in waiting if {*by_name[n].needs, *by_name[n].likes} - {"absent"} <= booted}
        lowest = min(by_name[n].priority for n in ready)
        assert {entry.name for entry in level} == {n for n in ready if by_name[n].priority == lowest}
        booted |= {entry.name for entry in level}
        waiting -= booted
    assert not waiting


@given(plans())
def test_the_shutdown_is_the_exact_reverse(drawn: list[Plan]) -> None:
    """What booted first stops last."""
    log = run(drawn)
    middle = log.index("running")

    assert [name[1:] for name in log[middle + 1 :]] == [name[1:] for name in log[:middle]][::-1]


@given(plans(), st.data())
def test_a_failure_stops_exactly_what_had_booted(drawn: list[Plan], data: st.DataObject) -> None:
    """In the reverse order, and nothing that depends on what failed."""
    broken = data.draw(st.sampled_from([plan.name for plan in drawn]))
    log: list[str] = []
    app = Application("test", CONFIG).add_providers(*(Part(plan, log, fails=plan.name == broken) for plan in drawn))

    with pytest.raises(ProviderError, match=f"'{broken}'"):
        asyncio.run(app.start())

    booted = [entry[1:] for entry in log if entry[0] == "+"]
    assert [entry[1:] for entry in log if entry[0] == "-"] == booted[::-1]
    assert broken not in booted
    assert not any(broken in plan.needs for plan in drawn if plan.name in booted)
