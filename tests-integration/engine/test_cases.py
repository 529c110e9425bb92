"""The engine and a server give the same answers to cases written by hand, which know every operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from engine import cases_expressions, cases_filters, cases_shrunk, cases_stages, cases_updates
from engine.comparing import Answer, Case, Sides
from engine.known_faults import FAULTS
from lexigram.nosql.aggregation.accumulators.compile import ACCUMULATORS
from lexigram.nosql.aggregation.expressions.compile import operators
from lexigram.nosql.aggregation.stages.registry import OFFERED
from lexigram.nosql.aggregation.window_operators import window_operator_names
from lexigram.nosql.query.parser import FIELD_OPERATORS, TOP_LEVEL_OPERATORS
from lexigram.nosql.update.operators import OPERATORS
from servers import Server

ROOMS = (cases_filters, cases_updates, cases_stages, cases_expressions, cases_shrunk)
CASES: list[Case] = [case for room in ROOMS for case in room.CASES]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
async def test_a_case_has_the_same_answer(
    case: Case, sides: Sides, judge: Callable[[Case, Answer, Answer], str | None], mongodb_server: Server
) -> None:
    """If this fails: does MongoDB's manual agree with the server, or with the engine?"""
    ours, theirs = await sides.ask(case)
    product = mongodb_server.product
    listed = [fault.says for fault in FAULTS if fault.product == product.name and case.name in fault.cases]

    excused = judge(case, ours, theirs)

    assert excused is not None or not listed, f"{product} does this right now: delete it from known_faults.py: {listed}"


def test_the_names_of_cases_tell_them_apart() -> None:
    """A fault names its cases, and each of them is there."""
    names = [case.name for case in CASES]

    assert len(set(names)) == len(names)
    assert {name for fault in FAULTS for name in fault.cases} <= set(names)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _names(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _names(part)


# These read what an index of MongoDB or chance gives, run JavaScript, or are in no manual: there is nothing to compare.
APART = {
    *("$text", "$sampleRate", "$createObjectId", "$accumulator", "$function", "$where"),
    *("$alwaysTrue", "$alwaysFalse", "$const"),
}


@pytest.mark.parametrize(
    ("known", "part"),
    [
        (FIELD_OPERATORS, "filter"),
        (TOP_LEVEL_OPERATORS, "filter"),
        (OPERATORS, "update"),
        (OFFERED, "pipeline"),
        (operators(), "pipeline"),
        (ACCUMULATORS, "pipeline"),
        (window_operator_names(), "pipeline"),
    ],
    ids=["fields", "filters", "updates", "stages", "expressions", "accumulators", "windows"],
)
def test_every_operator_has_a_case(known: Any, part: str) -> None:
    """An operator that the engine learns comes with a case here."""
    asked = {name for case in CASES for name in _names(getattr(case, part))}

    assert sorted(set(known) - asked - APART) == []
