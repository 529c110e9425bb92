"""Whatever is saved comes back equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.repository import DocumentRepository


class Colour(StrEnum):
    """An enum."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    """Something nested."""

    name: str
    day: date | None
    lasting: timedelta


@dataclass(frozen=True)
class Thing:
    """Fields of many types."""

    id: str | int | UUID
    text: str | None
    number: int
    price: float
    exact: Decimal
    raw: bytes
    at: datetime
    colours: frozenset[Colour]
    parts: list[Part]
    by_colour: dict[Colour, Part]
    pair: tuple[int, str] | None
    anything: Any = field(default=None)


_TEXT = st.text(st.characters(codec="utf-8"), max_size=4)
_INTS = st.integers(-(2**63), 2**63 - 1)
_ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), _INTS, st.floats(allow_nan=False), _TEXT, st.binary(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_TEXT.filter(lambda name: "\0" not in name), inner, max_size=3)
    ),
    max_leaves=5,
)
_PARTS = st.builds(
    Part,
    _TEXT,
    st.none() | st.dates(),
    st.integers(-(10**12), 10**12).map(lambda micros: timedelta(microseconds=micros)),
)
_THINGS = st.builds(
    Thing,
    id=st.one_of(st.text("abc", min_size=1, max_size=3), _INTS, st.uuids()),
    text=st.none() | _TEXT,
    number=_INTS,
    price=st.floats(allow_nan=False),
    exact=st.decimals(-100, 100, places=3),
    raw=st.binary(max_size=5),
    at=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001 - the time zone follows
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    colours=st.frozensets(st.sampled_from(Colour)),
    parts=st.lists(_PARTS, max_size=2),
    by_colour=st.dictionaries(st.sampled_from(Colour), _PARTS),
    pair=st.none() | st.tuples(_INTS, _TEXT),
    anything=_ANYTHING,
)


@settings(max_examples=100)
@given(_THINGS)
async def test_what_is_saved_comes_back_equal(thing: Thing) -> None:
    """From the save, and from the store."""
    async with InMemoryDocumentStore() as store:
        things = DocumentRepository[Thing, Any](store, entity=Thing)

        saved = await things.save(thing)

        assert saved == thing
        assert await things.get(thing.id) == thing
        assert await things.list(text=thing.text, at=thing.at, colours=thing.colours, pair=thing.pair) == [thing]
