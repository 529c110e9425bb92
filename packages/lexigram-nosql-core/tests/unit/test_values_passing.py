"""Documents that go to an encoder without a walk: which, and what is said of those that the encoder refuses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.testing.able import AbleDocumentStore
from lexigram.nosql.testing.strategies import anything, documents
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.passing import all_pass


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


class Text(str):
    __slots__ = ()


@pytest.fixture
async def able() -> AsyncIterator[AbleDocumentStore]:
    """A store whose driver's encoder refuses what documents may not hold."""
    async with AbleDocumentStore() as store:
        yield store


def deep(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(levels):
        document = {"a": document}
    return document


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": None, "b": True, "c": 1, "d": 1.5, "e": "text", "f": b"bytes", "g": UUID(int=1)},
        {"a": datetime(2024, 1, 1, tzinfo=UTC)},
        {"a": [1, [2, {"b": [3]}], {"c": {"d": None}}]},
    ],
    ids=["empty", "scalars", "date", "nested"],
)
def test_plain_documents_pass(document: dict[str, Any]) -> None:
    """An encoder makes the same of them as of their normalised copies."""
    assert all_pass([document])
    assert normalise_document(document) == document


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Size.LARGE,
        Text("text"),
        OrderedDict(a=1),
        (1, 2),
        {1},
        Decimal(1),
        object(),
        deep(60),
        {Text("a"): 1},
    ],
    ids=["enum", "int enum", "str subclass", "mapping", "tuple", "set", "decimal", "object", "deep", "name"],
)
@pytest.mark.parametrize("place", ["field", "object", "array"])
def test_what_an_encoder_might_change_or_not_know_does_not(value: Any, place: str) -> None:
    """Wherever it stands, and whatever stands beside it."""
    document = {"field": {"a": value}, "object": {"a": {"b": value}}, "array": {"a": [{}, [value]]}}[place]
    assert not all_pass([{"a": 1}, document])


def test_documents_that_are_no_dicts_do_not_pass() -> None:
    """The engine says what they are."""
    assert not all_pass([OrderedDict(a=1)])
    assert not all_pass([1])


def test_a_cycle_and_a_bomb_do_not_pass() -> None:
    """Looking at them ends soon."""
    cycle: dict[str, Any] = {}
    cycle["a"] = cycle
    assert not all_pass([cycle])
    bomb: list[Any] = []
    for _ in range(40):
        bomb = [bomb, bomb]
    assert not all_pass([{"a": bomb}])


@given(
    st.lists(st.one_of(documents(bson=True), st.dictionaries(st.text(max_size=2), anything(), max_size=3)), max_size=3)
)
def test_what_passes_is_normal_or_refused_for_what_an_encoder_refuses(given_documents: list[Any]) -> None:
    """Numbers too large, text that has no UTF-8 form, NUL in names."""
    if not all_pass(given_documents):
        return
    for document in given_documents:
        refusal = ""
        try:
            normal = normalise_document(document)
        except DocumentValidationError as error:
            refusal = error.message
        if refusal:
            assert any(word in refusal for word in ("64 bits", "surrogate", "NUL", "_id"))
        else:
            assert repr(normal) == repr(document) or "datetime" in repr(document)


@pytest.mark.parametrize("bad", [2**63, "\ud800", {"\0": 1}], ids=["int", "surrogate", "nul"])
async def test_what_the_encoder_refused_is_named(able: AbleDocumentStore, bad: Any) -> None:
    """Document and path, and nothing was inserted."""
    things = able.collection("things")
    given_documents: list[dict[str, Any]] = [{"n": n} for n in range(20)]
    given_documents[7]["deep"] = {"a": [bad]}
    with pytest.raises(DocumentValidationError) as caught:
        await things.insert_many(given_documents)
    assert caught.value.details["document_index"] == 7
    assert (caught.value.path or "").startswith("deep.a.0")
    assert caught.value.operation == "insert_many"
    assert await things.count_documents() == 0


@pytest.mark.parametrize("count", [1, 7, 8, 1000, 1001])
async def test_documents_get_their_ids_in_front_however_many_they_are(able: AbleDocumentStore, count: int) -> None:
    """Those that have one keep it; the caller's are not touched."""
    things = able.collection("things")
    given_documents: list[dict[str, Any]] = [{"n": n} for n in range(count)]
    given_documents[0] = {"n": 0, "_id": UUID(int=5)}
    result = await things.insert_many(given_documents)
    assert given_documents[-1] == ({"n": count - 1} if count > 1 else {"n": 0, "_id": UUID(int=5)})
    found = await things.find().to_list()
    assert [document["n"] for document in found] == list(range(count))
    assert all(next(iter(document)) == "_id" for document in found)
    assert [document["_id"] for document in found] == result.inserted_ids
    assert result.inserted_ids[0] == UUID(int=5)
    made = result.inserted_ids[1:]
    assert made == sorted(set(made))


@pytest.mark.parametrize("identity", [[1], {"$a": 1}, Colour.RED], ids=["array", "operator", "enum"])
async def test_an_id_that_documents_may_not_have_is_refused(able: AbleDocumentStore, identity: Any) -> None:
    """Also among many."""
    given_documents: list[dict[str, Any]] = [{"n": n} for n in range(20)]
    given_documents[3]["_id"] = identity
    with pytest.raises(DocumentValidationError) as caught:
        await able.collection("things").insert_many(given_documents)
    assert caught.value.details["document_index"] == 3
