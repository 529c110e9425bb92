"""Laws of migrations: order, checksums, and that crashes at any moment change nothing in the end."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.migration import AddField, Compound, MigrationManager, MigrationOperation, RenameField
from lexigram.nosql.migration.versions import check_version, version_key

versions = st.text(st.sampled_from("0123456789abv.-_"), min_size=1, max_size=8)
fields = st.sampled_from(["a", "b", "c", "d.e", "d.f"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    max_leaves=4,
)
renames = st.tuples(fields, fields).filter(lambda pair: pair[0] != pair[1])
operations = st.one_of(
    st.builds(lambda field, value: AddField("t", field, default=value), fields, values),
    renames.map(lambda pair: RenameField("t", *pair)),
)
documents = st.lists(
    st.fixed_dictionaries({}, optional={"a": values, "b": values, "c": values}), min_size=1, max_size=4
)


@given(st.lists(versions, min_size=1, max_size=8))
def test_natural_order_is_total_and_reads_numbers(texts: list[str]) -> None:
    """Any two versions compare, numbers by their value; equal keys differ only in leading zeros."""
    keys = [version_key(text) for text in texts]
    for text, key in zip(texts, keys, strict=True):
        assert check_version(text) == text
        assert [other < key for other in keys] == [not (other > key or other == key) for other in keys]
        assert version_key(f"{text}x2") < version_key(f"{text}x10")
        assert key == version_key(re.sub(r"(?<![0-9])(?=[0-9])", "00", text))


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=10))
def test_numbers_are_in_the_order_of_numbers(numbers: list[int]) -> None:
    """As text they would not be."""
    assert sorted(map(str, numbers), key=version_key) == [str(number) for number in sorted(numbers)]


@given(fields, values)
def test_equal_operations_have_equal_checksums(field: str, value: Any) -> None:
    """However often they are made."""
    assert AddField("t", field, default=value).fingerprint() == AddField("t", field, default=value).fingerprint()
    assert AddField("t", field, default=value).fingerprint() != AddField("s", field, default=value).fingerprint()


class Crash(BaseException):
    """The end of the process."""


async def _state(store: InMemoryDocumentStore) -> list[dict[str, Any]]:
    return await store.collection("t").find(sort=[("_id", 1)]).to_list()


async def _apply(rows: list[dict[str, Any]], todo: list[MigrationOperation], crashes: list[int]) -> Any:
    """The documents after all migrations, when the process ends at these writes and is started again each time."""
    async with InMemoryDocumentStore() as store:
        await store.collection("t").insert_many([{"_id": number, **row} for number, row in enumerate(rows)])
        left = iter(crashes)
        countdown: int | None = None

        class Crashing:
            def start(self, command: Any) -> Any:
                nonlocal countdown
                if countdown is not None and command.operation.startswith("update"):
                    countdown -= 1
                    if countdown < 0:
                        countdown = None
                        raise Crash
                return lambda error: None

        store.observe(Crashing())
        while True:
            countdown = next(left, None)
            manager = MigrationManager(store)
            for operation in todo:
                manager.add(operation)
            try:
                await manager.apply()
            except Crash:
                # The dead process releases nothing.
                await store.collection("_migrations").delete_one({"_id": "_lock"})
                continue
            except NoSQLError as error:
                return type(error)
            return await _state(store)


@given(documents, st.lists(operations, min_size=1, max_size=3), st.lists(st.integers(0, 8), max_size=3))
def test_crashes_change_nothing_in_the_end(
    rows: list[dict[str, Any]], todo: list[MigrationOperation], crashes: list[int]
) -> None:
    """A run that ends at any write, and is repeated until it gets through, leaves what an undisturbed run leaves."""
    undisturbed = asyncio.run(_apply(rows, todo, []))
    assert asyncio.run(_apply(rows, todo, crashes)) == undisturbed


@given(documents, st.lists(operations, min_size=1, max_size=3))
def test_rolling_back_and_applying_again_gives_the_same(
    rows: list[dict[str, Any]], todo: list[MigrationOperation]
) -> None:
    """Up, down, up is up, where the operations do not write over each other's fields."""

    async def run() -> None:
        async with InMemoryDocumentStore() as store:
            await store.collection("t").insert_many([{"_id": number} for number, _ in enumerate(rows)])
            names = iter(["p", "q", "r"])
            compound = Compound(*(AddField("t", next(names), default=index) for index, _ in enumerate(todo)))
            manager = MigrationManager(store).add(compound).add(RenameField("t", "p", "s"))
            await manager.apply()
            applied = await _state(store)
            await manager.rollback(steps=2)
            assert await _state(store) == [{"_id": number} for number, _ in enumerate(rows)]
            await manager.apply()
            assert await _state(store) == applied

    asyncio.run(run())
