"""The engine and a server give the same answers to generated requests on generated documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from engine.comparing import Answer, Case, Sides, plain
from engine.known_faults import GENERATED
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from lexigram.nosql.testing.strategies import documents, filters, pipelines, projections, sorts, updates

pytestmark = pytest.mark.asyncio(loop_scope="session")

Judge = Callable[[Case, Answer, Answer], str | None]

REQUESTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "filters": filters().map(lambda drawn: {"filter": drawn}),
    "sorts": st.tuples(filters(), sorts()).map(lambda pair: {"filter": pair[0], "options": {"sort": pair[1]}}),
    "orders": sorts().map(lambda sort: {"options": {"sort": sort}}),
    "projections": projections().map(lambda projection: {"options": {"projection": projection}}),
    "updates": updates().map(lambda update: {"update": update}),
    "many": updates().map(lambda update: {"update": update, "options": {"many": True}}),
    "upserts": st.tuples(filters(), updates()).map(
        lambda pair: {"filter": pair[0], "update": pair[1], "options": {"upsert": True}}
    ),
    "pipelines": pipelines().map(lambda pipeline: {"pipeline": pipeline}),
}


def cases(kind: str) -> st.SearchStrategy[list[Case]]:
    """A few requests to the same documents, so that these are written once."""
    held = st.lists(documents(bson=False), min_size=1, max_size=6)
    asked = st.lists(REQUESTS[kind], min_size=2, max_size=5)
    return st.tuples(held, asked).map(
        lambda pair: [
            Case(name=f"{GENERATED}_{kind}", documents=plain(pair[0]), **plain(request)) for request in pair[1]
        ]
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", sorted(REQUESTS))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
async def test_generated_requests_have_the_same_answers(
    kind: str, sides: Sides, judge: Judge, data: st.DataObject
) -> None:
    """If this fails: does MongoDB's manual agree with the server, or with the engine?"""
    for case in data.draw(cases(kind)):
        ours, theirs = await sides.ask(case)
        excused = judge(case, ours, theirs)
        event("refused by both" if theirs.refused and not excused else excused or "the same answer")
