"""How long one waits for an index that somebody else makes: by what is seen of it; pauses are only counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from lexigram.nosql.backends.dynamodb.indexing import _Patience
from lexigram.nosql.backends.dynamodb.layouts.records import IndexRecord
from lexigram.nosql.indexes import IndexSpec

_INDEX = IndexRecord(IndexSpec((("k", 1),), "k_1"), "mark")


@pytest.fixture(autouse=True)
def _no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float, result: Any = None) -> Any:
        return result

    monkeypatch.setattr(asyncio, "sleep", sleep)


async def test_an_index_without_a_sign_of_life_is_given_up_after_the_time_that_is_set() -> None:
    patience = _Patience(3.0)
    for _ in range(3):
        await patience.pause(_INDEX, 1.0)
        assert not patience.has_ended(_INDEX)
    await patience.pause(_INDEX, 1.0)
    assert patience.has_ended(_INDEX)
    assert not patience.has_ended(replace(_INDEX, beat=1))


async def test_an_index_whose_heart_beats_is_never_given_up() -> None:
    patience = _Patience(3.0)
    for beat in range(20):
        for _ in range(3):
            await patience.pause(replace(_INDEX, beat=beat), 1.0)
    assert not any(patience.has_ended(replace(_INDEX, beat=beat)) for beat in range(20))


async def test_who_was_given_up_waits_twice_as_long() -> None:
    patience = _Patience(3.0)
    patience.grow()
    for _ in range(6):
        await patience.pause(_INDEX, 1.0)
    assert not patience.has_ended(_INDEX)
    await patience.pause(_INDEX, 1.0)
    assert patience.has_ended(_INDEX)
