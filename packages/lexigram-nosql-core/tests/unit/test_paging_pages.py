"""Pages by keyset: what they hold, what their tokens are good for, and what they cost."""

from __future__ import annotations

import base64
import string
from typing import Any

import pytest
from lexigram.contracts.domain.pagination import CursorPage
from lexigram.nosql import DocumentQueryBuilder
from lexigram.nosql.backend import BackendConfig
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import CursorError, PageTokenError
from lexigram.nosql.observing import Command
from lexigram.nosql.paging import PageTokens
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.store import DocumentStore
from pydantic import SecretStr


async def walk(things: Collection, *arguments: Any, **options: Any) -> list[list[Any]]:
    pages: list[list[Any]] = []
    token: str | None = None
    while True:
        page = await things.find_page(*arguments, token=token, **options)
        pages.append([document["_id"] for document in page.items])
        token = page.next_cursor
        if token is None:
            return pages


async def test_the_default_order_is_that_of_the_id(things: Collection) -> None:
    """Twenty to a page; the last says that it is."""
    await things.insert_many([{"_id": index} for index in reversed(range(45))])
    page = await things.find_page()
    assert page.items == [{"_id": index} for index in range(20)]
    assert page.has_more
    assert not page.has_previous
    assert page.prev_cursor is None
    second = await things.find_page(token=page.next_cursor)
    assert second.has_previous
    assert [len(ids) for ids in await walk(things)] == [20, 20, 5]
    last = await things.find_page(token=second.next_cursor)
    assert last == CursorPage([{"_id": index} for index in range(40, 45)], has_previous=True)
    assert (await things.find_page(size=45)).next_cursor is None
    assert await walk(things, {"_id": {"$gte": 40}}, size=2) == [[40, 41], [42, 43], [44]]
    assert await walk(things, {"_id": {"$gt": 99}}) == [[]]


async def test_ties_are_ordered_by_id(things: Collection) -> None:
    """So every document has one place; an order that ends with the id is taken as it is."""
    await things.insert_many([{"_id": index, "g": index % 2} for index in range(6)])
    assert await walk(things, sort=[("g", -1)], size=2) == [[1, 3], [5, 0], [2, 4]]
    assert await walk(things, sort=[("g", 1), ("_id", -1)], size=4) == [[4, 2, 0, 5], [3, 1]]
    assert await walk(things, sort={"_id": -1}, size=4) == [[5, 4, 3, 2], [1, 0]]
    query = DocumentQueryBuilder().where("g", 1).sort_by("_id", descending=True)
    assert await walk(things, query, size=2) == [[5, 3], [1]]
    assert await walk(things, query.build(), size=2) == [[5, 3], [1]]
    assert await walk(things, parse_filter({"g": 1}), size=2) == [[1, 3], [5]]


async def test_a_projection_does_not_hide_the_place(things: Collection) -> None:
    """The order may be by fields that are not shown."""
    await things.insert_many([{"_id": index, "n": -index, "x": [1, 2]} for index in range(4)])
    page = await things.find_page(sort=[("n", 1)], size=3, projection={"_id": 0, "x": {"$slice": 1}})
    assert page.items == [{"n": -3, "x": [1]}, {"n": -2, "x": [1]}, {"n": -1, "x": [1]}]
    page = await things.find_page(sort=[("n", 1)], size=3, projection={"_id": 1}, token=page.next_cursor)
    assert page.items == [{"_id": 0}]


async def test_a_token_that_was_altered_is_refused(things: Collection) -> None:
    """Every single character counts."""
    await things.insert_many([{"_id": index} for index in range(4)])
    token = (await things.find_page(size=2)).next_cursor
    assert token is not None
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    wrong: list[Any] = ["", "x", "ü", token + "A", token[:-1], f" {token}", f"{token}=", token[:9] + "!" + token[9:]]
    wrong += [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(len(token))]
    wrong += [base64.urlsafe_b64encode(b"0" * 40).decode().rstrip("="), 5, b"abc", [token]]
    for bad in wrong:
        with pytest.raises(PageTokenError) as caught:
            await things.find_page(size=2, token=bad)
        assert isinstance(caught.value, CursorError)
        assert caught.value.hint
    assert (await things.find_page(size=2, token=token)).items == [{"_id": 2}, {"_id": 3}]


async def test_a_token_belongs_to_its_query(things: Collection) -> None:
    """Collection, filter and order; the size of the page may change."""
    await things.insert_many([{"_id": index, "a": index} for index in range(9)])
    other = things.store.collection("others")
    token = (await things.find_page({"a": {"$gte": 0}}, sort=[("a", 1)], size=2)).next_cursor
    for given, order in (
        ({"a": {"$gte": 1}}, [("a", 1)]),
        ({}, [("a", 1)]),
        (None, [("a", 1)]),
        ({"a": {"$gte": 0}}, [("a", -1)]),
        ({"a": {"$gte": 0}}, None),
        ({"a": {"$gte": 0}}, [("a", 1), ("b", 1)]),
    ):
        with pytest.raises(PageTokenError, match="another query"):
            await things.find_page(given, sort=order, token=token)
    with pytest.raises(PageTokenError, match="another query"):
        await other.find_page({"a": {"$gte": 0}}, sort=[("a", 1)], token=token)
    page = await things.find_page({"a": {"$gte": 0}}, sort=[("a", 1)], token=token, size=5)
    assert [document["_id"] for document in page.items] == [2, 3, 4, 5, 6]


async def test_tokens_are_shared_where_the_secret_is() -> None:
    """page_token_secret; without one, each store has its own."""
    shared = MemoryConfig(page_token_secret=SecretStr("s3cret"))
    stores = [InMemoryDocumentStore(config) for config in (shared, shared, None, None)]
    tokens: list[str] = []
    for store in stores:
        await store.connect()
        await store.collection("things").insert_many([{"_id": index} for index in range(3)])
        token = (await store.collection("things").find_page(size=1)).next_cursor
        assert token is not None
        tokens.append(token)
    assert tokens[0] == tokens[1]
    assert (await stores[1].collection("things").find_page(size=1, token=tokens[0])).items == [{"_id": 1}]
    for store, token in ((stores[3], tokens[2]), (stores[2], tokens[0])):
        with pytest.raises(PageTokenError, match="altered, or signed by another process"):
            await store.collection("things").find_page(size=1, token=token)
    assert "s3cret" not in repr(shared) + str(shared) + repr(stores[0])
    for store in stores:
        await store.disconnect()


def test_a_token_shows_no_values_and_can_be_made_by_nobody_else() -> None:
    """It is covered and signed."""
    tokens = PageTokens(SecretStr("a"))
    token = tokens.write("digest", [(10, 5), (15, "x")])
    assert tokens.read(token, "digest") == ((10, 5), (15, "x"))
    assert b"secret value" not in base64.urlsafe_b64decode(tokens.write("digest", [(15, "secret value")]) + "==")
    with pytest.raises(PageTokenError):
        PageTokens(SecretStr("b")).read(token, "digest")
    with pytest.raises(PageTokenError):
        tokens.read(token, "other")


class Counting:
    """Counts what is examined by the reads of a memory store."""

    def __init__(self, store: InMemoryDocumentStore) -> None:
        self.store = store
        self.commands: list[Command] = []
        self.examined = 0
        self.reads = 0

    async def page(self, things: Collection, **options: Any) -> CursorPage[Any]:
        reached = things.reach()
        target: Any = reached.target
        read = type(target).read
        counting = self

        async def counted(read_request: Any, call: Any) -> Any:
            counting.reads += 1
            async for batch in read(target, read_request, call):
                counting.examined += batch.examined
                yield batch

        target.read = counted
        self.examined = self.reads = 0
        try:
            return await things.find_page(**options)
        finally:
            del target.read


@pytest.mark.parametrize("way", [1, -1])
async def test_every_page_costs_the_same(memory: InMemoryDocumentStore, kept: Collection, way: int) -> None:
    """With an index on the field alone, also under many ties; by id without any; the last as the first."""
    await kept.create_index("n")
    await kept.create_index("g")
    await kept.insert_many(
        [{"_id": index, "n": index * 7 % 1000, "g": index // 50, "m": None} for index in range(1000)]
    )
    counting = Counting(memory)
    for order, most in (([("n", way)], 25), ([("_id", way)], 25), ([("g", way)], 101)):
        token, examined = None, []
        for _ in range(50):
            page = await counting.page(kept, sort=order, size=20, token=token)
            token = page.next_cursor
            examined.append(counting.examined)
            assert counting.reads == 1
        assert token is None
        assert max(examined) <= most, (order, examined)


async def test_arrays_in_the_order_are_walked_to_the_end(things: Collection) -> None:
    """They match the narrowed filter by any element, so a page may take several reads."""
    await things.insert_many([{"_id": index, "a": [index, 100]} for index in range(30)])
    assert await walk(things, sort=[("a", 1)], size=7) == [
        list(range(start, min(start + 7, 30))) for start in range(0, 30, 7)
    ]
    assert [page for ids in await walk(things, sort=[("a", -1)], size=7) for page in ids] == list(range(30))


async def test_pages_take_part_in_a_transaction(memory: InMemoryDocumentStore, kept: Collection) -> None:
    """They show its own writes."""
    await kept.insert_many([{"_id": index} for index in range(4)])
    async with memory.transaction():
        await kept.insert_one({"_id": 1.5})
        await kept.delete_one({"_id": 2})
        assert await walk(kept, size=2) == [[0, 1], [1.5, 3]]
    assert BackendConfig().page_token_secret is None


@pytest.mark.parametrize("direction", [1, -1], ids=["rising", "falling"])
async def test_pages_over_arrays_ask_for_no_more_the_further_they_are(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch, direction: int
) -> None:
    """Every document has an element on either side of most places, and would match every page's filter."""
    things = store.collection("things")
    await things.insert_many([{"_id": n, "a": [n, 1000 + n, -1000 - n][:: 1 if n % 2 else -1]} for n in range(60)])
    asked: list[int] = []
    read = Collection.read

    async def counted(self: Collection, request: Any, call: Any) -> Any:
        asked.append(0)
        async for batch in read(self, request, call):
            asked[-1] += len(batch)
            yield batch

    monkeypatch.setattr(Collection, "read", counted)
    seen: list[int] = []
    token = None
    costs: list[int] = []
    while True:
        asked.clear()
        page = await things.find_page(sort=[("a", direction)], size=5, token=token)
        costs.append(sum(asked))
        seen += [item["_id"] for item in page.items]
        token = page.next_cursor
        if token is None:
            break

    everything = await things.find(sort=[("a", direction), ("_id", 1)]).to_list()
    assert seen == [document["_id"] for document in everything]
    assert max(costs) <= 2 * 6
