"""``bson.Code`` is a ``str`` to Python, but wherever text is asked for it is code, and has no hash."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bson import Code
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLError

CODE = Code("a")
SIGNAL = Decimal("sNaN")


@pytest.mark.parametrize(
    ("filter", "code"),
    [
        ({"a": {"$type": CODE}}, 14),
        ({"a": {"$type": ["int", CODE]}}, 14),
        ({"a": {"$regex": CODE}}, 2),
        ({"a": {"$regex": "a", "$options": Code("i")}}, 2),
        ({"$jsonSchema": {"bsonType": CODE}}, 14),
        ({"$jsonSchema": {"type": [CODE]}}, 14),
        ({"$jsonSchema": {"required": [CODE]}}, 14),
        ({"$jsonSchema": {"properties": {"a": {"pattern": CODE}}}}, 14),
        ({"$jsonSchema": {"title": CODE}}, 14),
        ({"$text": {"$search": CODE}}, 14),
        ({"$text": {"$search": "a", "$language": CODE}}, 14),
        # neither has a signaling NaN a hash, nor does it compare
        ({"a": {"$type": SIGNAL}}, 2),
        ({"a": {"$bitsAllSet": SIGNAL}}, 9),
        ({"$alwaysTrue": SIGNAL}, 9),
        ({"$sampleRate": SIGNAL}, 2),
    ],
    ids=str,
)
async def test_a_filter_takes_no_code_for_text(kept: Collection, filter: dict[str, Any], code: int) -> None:
    with pytest.raises(NoSQLError) as caught:
        await kept.find(filter).to_list()
    assert caught.value.mongo_code == code


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"$currentDate": {"b": {"$type": Code("date")}}}, 2),
        ({"$rename": {"a": Code("b")}}, 2),
    ],
    ids=str,
)
async def test_an_update_takes_no_code_for_text(kept: Collection, update: dict[str, Any], code: int) -> None:
    await kept.insert_one({"_id": 1, "a": 1})
    with pytest.raises(NoSQLError) as caught:
        await kept.update_one({"_id": 1}, update)
    assert caught.value.mongo_code == code
    assert await kept.find_one({"_id": 1}) == {"_id": 1, "a": 1}


async def test_orders_projections_collations_indexes_and_paths_take_no_code_for_text(kept: Collection) -> None:
    for options, code in (
        ({"sort": [("a", {"$meta": CODE})]}, 31138),
        ({"sort": [(CODE, 1)]}, 14),
        ({"sort": CODE}, 14),
        ({"sort": [("a", SIGNAL)]}, 15975),
        ({"projection": [CODE]}, 14),
        ({"projection": CODE}, 14),
        ({"collation": {"locale": CODE}}, 14),
        ({"collation": {"locale": "en", "alternate": Code("shifted")}}, 2),
        ({"hint": CODE}, 2),
    ):
        with pytest.raises(NoSQLError) as caught:
            await kept.find({}, **options).to_list()  # type: ignore[arg-type] - options of many types
        assert caught.value.mongo_code == code, options
    with pytest.raises(NoSQLError) as caught:
        await kept.distinct(CODE)
    assert caught.value.mongo_code == 14
    for arguments, code in (({"keys": CODE}, 14), ({"keys": "a", "name": CODE}, 67)):
        with pytest.raises(NoSQLError) as caught:
            await kept.create_index(**arguments)
        assert caught.value.mongo_code == code


async def test_a_signaling_nan_counts_as_not_a_number_where_one_is_asked_for(kept: Collection) -> None:
    await kept.insert_one({"_id": 1, "a": [1, 2]})
    assert await kept.find({"a": {"$exists": SIGNAL}}).to_list() == [{"_id": 1, "a": [1, 2]}]
    assert await kept.find({}, projection={"a": SIGNAL, "_id": 0}).to_list() == [{"a": [1, 2]}]
    assert await kept.find({}, projection={"a": {"$slice": SIGNAL}, "_id": 0}).to_list() == [{"a": []}]
