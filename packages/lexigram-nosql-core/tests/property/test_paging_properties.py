"""Walking the pages gives every document once, in order, whatever stands in them and whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.testing.minimal import MinimalDocumentStore
from lexigram.nosql.testing.strategies import documents, filters, paths, scalars, sorts

Documents = list[dict[str, Any]]


async def walk(things: Collection, given_filter: Any, order: Any, size: int) -> Documents | None:
    """All pages, one after the other; None where the order is an error for some document."""
    found: Documents = []
    token: str | None = None
    try:
        while True:
            page = await things.find_page(given_filter, sort=order, size=size, token=token)
            assert len(page.items) <= size
            assert page.has_more is (page.next_cursor is not None)
            assert page.has_previous is (token is not None)
            found += page.items
            if page.next_cursor is None:
                return found
            assert len(page.items) == size
            token = page.next_cursor
    except NoSQLError:
        return None


def identified() -> st.SearchStrategy[Documents]:
    """Documents with ids of all types."""
    keys = st.one_of(st.integers(0, 30), scalars(bson=True))
    return st.lists(st.tuples(keys, documents(bson=True)), max_size=12).map(
        lambda pairs: [{"_id": key, **document} for key, document in pairs]
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(identified(), filters(bson=True), sorts(), st.integers(1, 4), st.lists(paths(), max_size=2, unique=True))
def test_all_pages_together_are_the_whole(
    given_documents: Documents, given_filter: Any, order: Any, size: int, indexed: list[str]
) -> None:
    """Under ties, mixed types, arrays, missing fields; with indexes and without; on both drivers."""

    async def check(store: InMemoryDocumentStore | MinimalDocumentStore, *, with_indexes: bool) -> None:
        async with store:
            things = store.collection("things")
            stored: Documents = []
            for path in indexed if with_indexes else ():
                await things.create_index([(path, 1)])
            for document in given_documents:
                try:
                    await things.insert_one(document)
                except NoSQLError:
                    continue  # equal ids of different types, or a document that the index cannot hold
                stored.append(document)
            total = [*order, *([] if any(path == "_id" for path, _ in order) else [("_id", 1)])]
            try:
                expected = await things.find(given_filter, sort=total).to_list()
            except NoSQLError:
                return
            found = await walk(things, given_filter, order, size)
            assert repr(found) == repr(expected)

    async def work() -> None:
        await check(InMemoryDocumentStore(), with_indexes=False)
        await check(InMemoryDocumentStore(), with_indexes=True)
        await check(MinimalDocumentStore(), with_indexes=False)

    run(work())


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=20, unique_by=lambda pair: pair[1]),
    st.sampled_from([1, -1]),
    st.integers(1, 4),
    st.data(),
)
def test_what_comes_and_goes_between_pages_moves_nothing_else(
    pairs: list[tuple[int, int]], direction: int, size: int, data: st.DataObject
) -> None:
    """Every document that stays is seen exactly once; none twice."""

    async def work() -> None:
        async with InMemoryDocumentStore() as store:
            things = store.collection("things")
            if data.draw(st.booleans()):
                await things.create_index("g")
            await things.insert_many([{"_id": key, "g": group} for group, key in pairs])
            stayed = {key for _, key in pairs}
            seen: list[int] = []
            token: str | None = None
            while True:
                page = await things.find_page(sort=[("g", direction)], size=size, token=token)
                seen += [document["_id"] for document in page.items]
                token = page.next_cursor
                if token is None:
                    break
                gone = data.draw(st.sampled_from(sorted(stayed)) if stayed else st.just(-1))
                await things.delete_one({"_id": gone})
                stayed.discard(gone)
                new = data.draw(st.integers(100, 200))
                await things.update_one({"_id": new}, {"$set": {"g": data.draw(st.integers(0, 3))}}, upsert=True)
            assert stayed <= set(seen)
            old = [key for key in seen if key < 100]  # what is moved meanwhile may be met again at its new place
            assert len(old) == len(set(old))

    run(work())
