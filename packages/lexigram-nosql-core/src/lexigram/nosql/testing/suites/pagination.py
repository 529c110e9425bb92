"""Pages by keyset, and their tokens."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import PageTokenError, QueryOptionError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, ids_of
from pydantic import SecretStr

__all__ = ["Pagination"]

_MIXED: list[Any] = [
    *(None, None, 1, 1.0, 2.5, Decimal("2.5"), "a", "a", "b", [3, 9], [], {"x": 1}, b"x", True, False),
    datetime(2026, 11, 21, tzinfo=UTC),
    float("nan"),
    2**53 + 1,
]


class Pagination(Suite, topic="pagination"):
    """Every document once, in order, whatever happens between two pages."""

    async def _all(self, things: Collection, **options: Any) -> list[Any]:
        """The ids of all pages, one after the other."""
        seen: list[Any] = []
        token: str | None = None
        while True:
            page = await things.find_page(token=token, **options)
            assert len(page.items) <= options["size"]
            assert page.has_previous is (token is not None)
            seen += ids_of(page.items)
            token = page.next_cursor
            assert page.has_more is (token is not None)
            if token is None:
                return seen

    @pytest.mark.parametrize("size", [1, 3, 7, 18, 50])
    @pytest.mark.parametrize("direction", [1, -1], ids=["up", "down"])
    async def test_pages_hold_every_document_once(self, things: Collection, size: int, direction: int) -> None:
        """Over values of all types, with ties. Check reads of ranges with a sort, and ``after`` of native reads."""
        await things.insert_many([{"_id": number, "v": value} for number, value in enumerate(_MIXED)])
        await things.insert_one({"_id": 99})
        whole = ids_of(await things.find(sort=[("v", direction), ("_id", 1)]).to_list())
        assert len(whole) == len(_MIXED) + 1
        assert await self._all(things, sort=[("v", direction)], size=size) == whole

    async def test_pages_have_an_order_by_default(self, things: Collection) -> None:
        """By ``_id``. Check reads of ranges of keys."""
        await things.insert_many([{"_id": number} for number in (5, 3, 9, 1, 7)])
        assert await self._all(things, size=2) == [1, 3, 5, 7, 9]

    async def test_pages_of_several_fields(self, things: Collection) -> None:
        """Mixed directions, many ties. Check reads of ranges with a sort."""
        await things.insert_many([{"_id": number, "a": number % 3, "b": number % 2} for number in range(20)])
        order = [("a", 1), ("b", -1)]
        whole = ids_of(await things.find(sort=[*order, ("_id", 1)]).to_list())
        assert await self._all(things, sort=order, size=3) == whole

    async def test_pages_of_a_filter(self, things: Collection) -> None:
        """Only what matches, pages full. Check that the limit is not applied before the filter."""
        await things.insert_many([{"_id": number, "a": [number % 4]} for number in range(40)])
        assert await self._all(things, filter={"a": {"$elemMatch": {"$eq": 1}}}, size=4) == list(range(1, 40, 4))

    async def test_inserts_before_the_place_change_nothing(self, things: Collection) -> None:
        """Nor do deletes of what was seen. Check that a token holds a place, not a number."""
        await things.insert_many([{"_id": number, "n": number} for number in range(10, 20)])
        first = await things.find_page(sort=[("n", 1)], size=4)
        await things.insert_many([{"_id": number, "n": number} for number in range(5)])
        await things.delete_one({"_id": 13})
        await things.insert_one({"_id": 13.5, "n": 13.5})
        second = await things.find_page(sort=[("n", 1)], size=4, token=first.next_cursor)
        assert ids_of(second.items) == [13.5, 14, 15, 16]

    async def test_a_page_shows_the_fields_asked(self, things: Collection) -> None:
        """The order may be by a field that is not shown. Check projections of pages."""
        await things.insert_many([{"_id": number, "n": -number, "a": 1} for number in range(4)])
        page = await things.find_page(sort=[("n", 1)], size=2, projection={"a": 1, "_id": 0})
        assert page.items == [{"a": 1}, {"a": 1}]
        assert page.next_cursor is not None
        page = await things.find_page(sort=[("n", 1)], size=2, projection={"_id": 1}, token=page.next_cursor)
        assert ids_of(page.items) == [1, 0]

    async def test_an_empty_collection_has_one_empty_page(self, things: Collection) -> None:
        """Without more. Check reads of nothing."""
        page = await things.find_page(size=5)
        assert (page.items, page.next_cursor, page.has_more) == ([], None, False)

    async def test_a_full_last_page_is_the_last(self, things: Collection) -> None:
        """No empty page follows. Check that one document more is read."""
        await things.insert_many([{"_id": number} for number in range(4)])
        page = await things.find_page(size=2)
        page = await things.find_page(size=2, token=page.next_cursor)
        assert not page.has_more

    @pytest.mark.parametrize("change", ["first", "last", "cut", "added", "other"])
    async def test_a_token_that_was_altered_is_refused(self, things: Collection, change: str) -> None:
        """It raises PageTokenError. Check that tokens are the portable ones."""
        await things.insert_many([{"_id": number} for number in range(4)])
        token = (await things.find_page(size=2)).next_cursor
        assert token is not None
        altered = {
            "first": ("B" if token[0] == "A" else "A") + token[1:],
            "last": token[:-4] + ("BBBB" if token[-4:] == "AAAA" else "AAAA"),
            "cut": token[:-5],
            "added": token + "AAAA",
            "other": "bm8gdG9rZW4",
        }[change]
        with pytest.raises(PageTokenError):
            await things.find_page(size=2, token=altered)

    async def test_a_token_belongs_to_its_query(self, things: Collection, store: DocumentStore) -> None:
        """Another filter, sort or collection refuses it. Check that tokens are the portable ones."""
        await things.insert_many([{"_id": number, "a": 1} for number in range(4)])
        token = (await things.find_page({"a": 1}, size=2)).next_cursor
        with pytest.raises(PageTokenError):
            await things.find_page({"a": 2}, size=2, token=token)
        with pytest.raises(PageTokenError):
            await things.find_page({"a": 1}, sort=[("a", 1)], size=2, token=token)
        with pytest.raises(PageTokenError):
            await store.collection("others").find_page({"a": 1}, size=2, token=token)

    async def test_a_token_shows_no_values(self, things: Collection) -> None:
        """It is opaque. Check that tokens are the portable ones."""
        await things.insert_many([{"_id": number, "name": f"confidential{number}"} for number in range(3)])
        token = (await things.find_page(sort=[("name", 1)], size=1)).next_cursor
        assert token is not None
        import base64

        assert b"confidential" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    async def test_a_shared_secret_makes_tokens_portable(self) -> None:
        """Another process with the same ``page_token_secret`` reads them. Check that the setting reaches the store."""
        secret = SecretStr("a secret of several processes")
        async with self.opened(page_token_secret=secret) as one, self.opened(page_token_secret=secret) as other:
            for store in (one, other):
                await store.collection("things").insert_many([{"_id": number} for number in range(3)])
            token = (await one.collection("things").find_page(size=2)).next_cursor
            assert ids_of((await other.collection("things").find_page(size=2, token=token)).items) == [2]

    @pytest.mark.parametrize("size", [0, -1, 10_001, 1.5], ids=["zero", "negative", "too large", "float"])
    async def test_the_size_of_a_page_is_a_count(self, things: Collection, size: Any) -> None:
        """Anything else is refused. Check that the portable layer parses it."""
        with pytest.raises(QueryOptionError):
            await things.find_page(size=size)
