"""Which documents a filter selects. The expected ids are MongoDB's answers."""

# ruff: noqa: S101, PT017 - these are tests, not every backend raises

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from lexigram.nosql import DocumentQueryBuilder
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLError, NoSQLFilterError
from lexigram.nosql.testing.suite import Suite, ids_of, needs

__all__ = ["Filters"]

_DAY = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
_UUID = UUID("12345678-1234-5678-1234-567812345678")

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "n": 1, "s": "apple", "b": True, "o": {"x": 1, "y": {"z": 5}}, "when": _DAY},
    {"_id": 2, "n": 2, "s": "Banana", "b": False, "o": {"x": 2}, "when": _DAY.replace(day=22)},
    {"_id": 3, "n": 2.5, "s": "cherry", "o": {"y": {"z": 7}, "x": 1}, "u": _UUID},
    {"_id": 4, "n": None, "s": "", "b": None, "raw": b"\x01\x02"},
    {"_id": 5, "s": "apple pie\nwarm", "o": "text", "d": Decimal("0.1")},
    {"_id": 6, "n": "2", "s": 7, "b": 1, "o": None},
    {"_id": 7, "n": -3, "s": "äpfel", "a.b": "dot", "d": Decimal("12345678901234567890.5")},
    {"_id": 8, "n": 2**53 + 1, "tags": ["x", "y"], "f": float("inf")},
    {"_id": 9, "n": Decimal(2), "tags": [], "f": float("nan")},
]

CASES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "nothing asked": ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    "id": ({"_id": 3}, [3]),
    "id as float": ({"_id": 3.0}, [3]),
    "id of another type": ({"_id": "3"}, []),
    "ids": ({"_id": {"$in": [1, 3, 99]}}, [1, 3]),
    "ids and more": ({"_id": {"$in": [1, 2, 3]}, "n": 2}, [2]),
    "range of ids": ({"_id": {"$gt": 3, "$lte": 6}}, [4, 5, 6]),
    "not an id": ({"_id": {"$ne": 5}}, [1, 2, 3, 4, 6, 7, 8, 9]),
    "two ids at once": ({"$and": [{"_id": 1}, {"_id": 2}]}, []),
    "either id": ({"$or": [{"_id": 1}, {"_id": 2}]}, [1, 2]),
    "equal int": ({"n": 2}, [2, 9]),
    "equal float": ({"n": 2.0}, [2, 9]),
    "equal decimal": ({"n": Decimal("2.50")}, [3]),
    "equal text": ({"s": "apple"}, [1]),
    "equal empty text": ({"s": ""}, [4]),
    "equal text with accents": ({"s": "äpfel"}, [7]),
    "text is no number": ({"n": "2"}, [6]),
    "true is not one": ({"b": True}, [1]),
    "one is not true": ({"b": 1}, [6]),
    "null is also missing": ({"n": None}, [4, 5]),
    "null of a path": ({"o.x": None}, [4, 5, 6, 7, 8, 9]),
    "equal date": ({"when": _DAY}, [1]),
    "equal uuid": ({"u": _UUID}, [3]),
    "equal bytes": ({"raw": b"\x01\x02"}, [4]),
    "equal large int": ({"n": 2**53 + 1}, [8]),
    "near a large int": ({"n": 2.0**53}, []),
    "equal nan": ({"f": float("nan")}, [9]),
    "equal infinity": ({"f": float("inf")}, [8]),
    "equal large decimal": ({"d": Decimal("12345678901234567890.50")}, [7]),
    "decimal is not its float": ({"d": 0.1}, []),
    "path": ({"o.y.z": 5}, [1]),
    "whole object": ({"o": {"x": 2}}, [2]),
    "whole object in its order": ({"o": {"x": 1, "y": {"z": 7}}}, []),
    "eq": ({"n": {"$eq": 2}}, [2, 9]),
    "ne keeps missing": ({"n": {"$ne": 2}}, [1, 3, 4, 5, 6, 7, 8]),
    "ne null": ({"n": {"$ne": None}}, [1, 2, 3, 6, 7, 8, 9]),
    "gt": ({"n": {"$gt": 2}}, [3, 8]),
    "gte": ({"n": {"$gte": 2}}, [2, 3, 8, 9]),
    "lt": ({"n": {"$lt": 2}}, [1, 7]),
    "lte decimal": ({"n": {"$lte": Decimal("1.0")}}, [1, 7]),
    "gte null": ({"n": {"$gte": None}}, [4, 5]),
    "gt null": ({"n": {"$gt": None}}, []),
    "gt text": ({"s": {"$gt": "apple"}}, [3, 5, 7]),
    "lt text": ({"s": {"$lt": "apple"}}, [2, 4]),
    "range of text": ({"s": {"$gte": "a", "$lt": "b"}}, [1, 5]),
    "gt date": ({"when": {"$gt": _DAY}}, [2]),
    "gte true": ({"b": {"$gte": True}}, [1]),
    "lt nan": ({"f": {"$lt": float("nan")}}, []),
    "gt of infinity": ({"f": {"$gte": 1e308}}, [8]),
    "range": ({"n": {"$gt": 0, "$lt": 2.5}}, [1, 2, 9]),
    "in": ({"n": {"$in": [1, "2", None]}}, [1, 4, 5, 6]),
    "in nothing": ({"n": {"$in": []}}, []),
    "in with a pattern": ({"s": {"$in": [re.compile("^B"), "cherry"]}}, [2, 3]),
    "nin": ({"n": {"$nin": [1, 2]}}, [3, 4, 5, 6, 7, 8]),
    "nin nothing": ({"n": {"$nin": []}}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    "nin null": ({"n": {"$nin": [None]}}, [1, 2, 3, 6, 7, 8, 9]),
    "exists": ({"n": {"$exists": True}}, [1, 2, 3, 4, 6, 7, 8, 9]),
    "missing": ({"n": {"$exists": False}}, [5]),
    "exists below": ({"o.y": {"$exists": True}}, [1, 3]),
    "type number": ({"n": {"$type": "number"}}, [1, 2, 3, 7, 8, 9]),
    "type double": ({"n": {"$type": "double"}}, [3]),
    "type string": ({"n": {"$type": "string"}}, [6]),
    "type null": ({"n": {"$type": "null"}}, [4]),
    "type object": ({"o": {"$type": "object"}}, [1, 2, 3]),
    "type array": ({"tags": {"$type": "array"}}, [8, 9]),
    "types": ({"b": {"$type": ["bool", "null"]}}, [1, 2, 4]),
    "not": ({"n": {"$not": {"$gt": 1}}}, [1, 4, 5, 6, 7]),
    "not a pattern": ({"s": {"$not": re.compile("^a")}}, [2, 3, 4, 6, 7, 8, 9]),
    "and": ({"$and": [{"n": {"$gt": 1}}, {"s": "cherry"}]}, [3]),
    "and of one field": ({"$and": [{"n": {"$gt": 1}}, {"n": {"$lt": 2.5}}]}, [2, 9]),
    "or": ({"$or": [{"n": 1}, {"s": "cherry"}, {"n": 1}]}, [1, 3]),
    "or beside a field": ({"b": True, "$or": [{"n": 1}, {"n": 2}]}, [1]),
    "nor": ({"$nor": [{"n": {"$exists": True}}, {"_id": {"$lt": 3}}]}, [5]),
    "deep logic": ({"$or": [{"$and": [{"n": 1}, {"b": True}]}, {"$nor": [{"s": {"$exists": True}}]}]}, [1, 8, 9]),
    "regex": ({"s": {"$regex": "^app"}}, [1, 5]),
    "regex with options": ({"s": {"$regex": "^b", "$options": "i"}}, [2]),
    "regex compiled": ({"s": re.compile("AN", re.IGNORECASE)}, [2]),
    "regex of lines": ({"s": {"$regex": "^warm$", "$options": "m"}}, [5]),
    "regex dot": ({"s": {"$regex": "pie.warm", "$options": "s"}}, [5]),
    "regex of accents": ({"s": {"$regex": "^ä"}}, [7]),
    "mod": ({"n": {"$mod": [2, 0]}}, [2, 3, 9]),
    "mod of negatives": ({"n": {"$mod": [2, -1]}}, [7]),
    "bits": ({"n": {"$bitsAllSet": 1}}, [1, 7, 8]),
    "bits clear": ({"n": {"$bitsAllClear": [0]}}, [2, 9]),
    "expr": ({"$expr": {"$gt": ["$o.x", 1]}}, [2]),
    "expr of two fields": ({"$expr": {"$eq": ["$n", "$o.x"]}}, [1, 2, 5]),
    "schema": ({"$jsonSchema": {"required": ["u"]}}, [3]),
    "comment": ({"n": 1, "$comment": "why"}, [1]),
    "a name with a dot": ({"$expr": {"$eq": [{"$getField": "a.b"}, "dot"]}}, [7]),
}

REFUSED: dict[str, dict[str, Any]] = {
    "unknown operator": {"n": {"$foo": 1}},
    "unknown top operator": {"$foo": []},
    "in without list": {"n": {"$in": 1}},
    "nin without list": {"n": {"$nin": "a"}},
    "and of nothing": {"$and": []},
    "or without list": {"$or": {"n": 1}},
    "or of no filters": {"$or": [1]},
    "operators mixed with fields": {"n": {"$gt": 1, "x": 2}},
    "mod of one": {"n": {"$mod": [2]}},
    "mod of zero": {"n": {"$mod": [0, 1]}},
    "size of text": {"n": {"$size": "1"}},
    "size below zero": {"n": {"$size": -1}},
    "exists of a list": {"n": {"$type": "nothing"}},
    "pattern that is none": {"s": {"$regex": "("}},
    "options without pattern": {"s": {"$options": "i"}},
    "all without list": {"n": {"$all": 1}},
    "elemMatch without filter": {"n": {"$elemMatch": 1}},
    "not of a value": {"n": {"$not": 1}},
    "where": {"$where": "this.n == 1"},
    "expr that is none": {"$expr": {"$foo": 1}},
    "a set": {"n": {1, 2}},
    "a function": {"n": print},
}


class Filters(Suite, topic="filters"):
    """The answers do not depend on what the backend can do itself."""

    @pytest.mark.parametrize("case", CASES)
    async def test_a_filter_selects(self, things: Collection, case: str) -> None:
        """Exactly the documents that MongoDB selects.

        Check ``compile()``: its native part may select more, never less, and ``residue`` is None only where it is
        exact.
        """
        asked, expected = CASES[case]
        await things.insert_many(DOCUMENTS)
        cursor = things.find(asked)
        assert sorted(ids_of(await cursor.to_list())) == expected
        plan = await cursor.explain()
        if plan.access.kind == "key":
            self.observe("keys", native=True)
        elif asked:
            self.observe("filters", native=plan.residue is None)

    @pytest.mark.parametrize("case", REFUSED)
    async def test_a_filter_is_refused(self, things: Collection, case: str) -> None:
        """For reads and writes, before anything is sent. Check that the portable layer parses filters."""
        await things.insert_many(DOCUMENTS)
        with pytest.raises(NoSQLError) as caught:
            await things.find(REFUSED[case]).to_list()
        assert isinstance(caught.value, ValueError)
        with pytest.raises(NoSQLError):
            await things.delete_many(REFUSED[case])
        assert await things.count_documents() == len(DOCUMENTS)

    @pytest.mark.parametrize("size", [31, 101, 350])
    async def test_many_ids_are_looked_up(self, things: Collection, size: int) -> None:
        """More values than a service takes at once are split, each document comes once, and the limit holds.

        Check the splitting of ``$in``: 30 values on Firestore, 100 keys on DynamoDB.
        """
        await things.insert_many([{"_id": number} for number in range(0, size, 5)])
        wanted = [*range(size), *range(0, size, 10)]
        found = await things.find({"_id": {"$in": wanted}}, sort=[("_id", 1)]).to_list()
        assert ids_of(found) == list(range(0, size, 5))
        some = await things.find({"_id": {"$in": wanted}}, sort=[("_id", -1)], limit=2).to_list()
        assert ids_of(some) == sorted(range(0, size, 5))[:-3:-1]

    @pytest.mark.parametrize("size", [31, 101])
    async def test_many_values_are_looked_up(self, things: Collection, size: int) -> None:
        """The same for a field that is no key. Check the splitting of ``$in``."""
        await things.insert_many([{"_id": number, "n": number * 2} for number in range(40)])
        found = await things.find({"n": {"$in": list(range(size))}}).to_list()
        assert sorted(ids_of(found)) == [number for number in range(40) if number * 2 < size]

    async def test_many_conditions_are_taken(self, things: Collection) -> None:
        """More operators than a service takes in one expression. Check what ``compile()`` does beyond its limits."""
        await things.insert_many([{"_id": number, "n": number} for number in range(10)])
        unlike = {"$and": [{"n": {"$ne": number}} for number in range(1, 320)]}
        assert ids_of(await things.find(unlike).to_list()) == [0]
        like = {"$or": [{"n": number, "m": {"$exists": False}} for number in range(5, 320)]}
        assert sorted(ids_of(await things.find(like).to_list())) == [5, 6, 7, 8, 9]

    async def test_long_values_are_compared(self, things: Collection) -> None:
        """A text that is longer than a service's expressions. Check what ``compile()`` does beyond its limits."""
        long = "x" * 9000
        await things.insert_many([{"_id": 1, "s": long}, {"_id": 2, "s": long[:-1]}])
        assert ids_of(await things.find({"s": long}).to_list()) == [1]
        assert ids_of(await things.find({"s": {"$lt": long}}).to_list()) == [2]

    @pytest.mark.parametrize(
        "name", ["a b", "ünï", "$price", "a-b", "0", "select", "_x", "a'b", 'a"b', "#n", ":v", "`"]
    )
    async def test_fields_have_such_names(self, things: Collection, name: str) -> None:
        """They are stored, filtered and changed. Check how ``compile()`` writes names in the service's language."""
        await things.insert_many([{"_id": 1, name: 1}, {"_id": 2, name: 2}])
        condition = {"$expr": {"$eq": [{"$getField": {"$literal": name}}, 2]}} if name[0] == "$" else {name: 2}
        assert await things.find(condition).to_list() == [{"_id": 2, name: 2}]

    async def test_a_dot_in_a_name_is_not_a_path(self, things: Collection) -> None:
        """``{"a.b": 1}`` as a stored name is another field than ``b`` in ``a``. Check the codec's field names."""
        await things.insert_many([{"_id": 1, "a.b": 5}, {"_id": 2, "a": {"b": 5}}])
        assert ids_of(await things.find({"a.b": 5}).to_list()) == [2]
        assert await things.find_one({"_id": 1}) == {"_id": 1, "a.b": 5}

    async def test_a_built_query_means_the_same(self, things: Collection) -> None:
        """A builder is taken wherever a filter is. Check that the portable layer parses it."""
        await things.insert_many(DOCUMENTS)
        query = DocumentQueryBuilder().where_gte("n", 1).where_lte("n", 2).sort([("_id", -1)])
        assert ids_of(await things.find(query).to_list()) == [9, 2, 1]

    async def test_a_filter_holds_for_updates_and_deletes(self, things: Collection) -> None:
        """Negations select what lacks the field there too. Check the native forms of writes."""
        await things.insert_many(DOCUMENTS)
        assert (await things.update_many({"n": {"$ne": 2}}, {"$set": {"hit": 1}})).modified_count == 7
        assert sorted(ids_of(await things.find({"hit": 1}).to_list())) == [1, 3, 4, 5, 6, 7, 8]
        assert (await things.delete_many({"b": {"$nin": [True, None]}})).deleted_count == 2
        assert sorted(ids_of(await things.find().to_list())) == [1, 3, 4, 5, 7, 8, 9]

    async def test_a_collation_of_a_read_is_applied(self, things: Collection) -> None:
        """Case does not count at strength 2. Check that ``compile()`` looks at ``query.collation``."""
        await things.insert_many([{"_id": 1, "s": "Ada"}, {"_id": 2, "s": "ada"}, {"_id": 3, "s": "bob"}])
        loose = {"locale": "en", "strength": 2}
        assert sorted(ids_of(await things.find({"s": "ADA"}, collation=loose).to_list())) == [1, 2]
        assert await things.count_documents({"s": "ADA"}) == 0

    @needs("indexes", "text_search")
    async def test_text_is_searched(self, things: Collection) -> None:
        """Words, phrases and exclusions. Check ``$text`` and text indexes, or declare no ``text_search``."""
        await things.insert_many(
            [{"_id": 1, "t": "red apples"}, {"_id": 2, "t": "green apples"}, {"_id": 3, "t": "red cars"}]
        )
        await things.create_index([("t", "text")])
        assert sorted(ids_of(await things.find({"$text": {"$search": "apples"}}).to_list())) == [1, 2]
        assert sorted(ids_of(await things.find({"$text": {"$search": "apples -green"}}).to_list())) == [1]
        assert sorted(ids_of(await things.find({"$text": {"$search": '"red cars"'}}).to_list())) == [3]
        await self.observe_plan("text_search", things.find({"$text": {"$search": "apples"}}))

    @needs("text_search")
    async def test_text_is_searched_only_with_an_index(self, things: Collection) -> None:
        """Without a text index it is an error. Check ``$text`` where there is none."""
        await things.insert_one({"_id": 1, "t": "red"})
        try:
            await things.find({"$text": {"$search": "red"}}).to_list()
        except NoSQLFilterError as error:
            assert error.mongo_code == 27
        except NoSQLError as error:
            if error.mongo_code != 27:
                raise
        else:
            pytest.fail("$text without an index was answered")
