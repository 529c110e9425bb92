"""Nothing is sent that DynamoDB refuses for its size; what does not fit is left to the engine."""

from __future__ import annotations

import re
from typing import Any

import dynamo_language as dynamo
import pytest
from lexigram.nosql.backends.dynamodb.planning.access import AccessPlan, GetKeys, ScanPlan
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.requests import Limits
from lexigram.nosql.backends.dynamodb.planning.shape import IndexShape, KeyAttribute, TableShape
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update.parse import parse_update

SHAPE = TableShape("t", IndexShape("t", "table", (KeyAttribute("_id", "S", "_id", encoded=True),)))
PLANNER = Planner(SHAPE)


def plan(filter: Any) -> AccessPlan:
    found = PLANNER.plan(parse_filter(filter))
    if isinstance(found.way, ScanPlan) and "FilterExpression" in found.way.request:
        request = found.way.request
        used = dynamo.Request(request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues"))
        dynamo.parse_condition(request["FilterExpression"], used)  # raises where the service would refuse
        used.finish()
    return found


def filter_of(found: AccessPlan) -> str:
    assert isinstance(found.way, ScanPlan)
    return str(found.way.request.get("FilterExpression", ""))


def test_as_many_conditions_as_fit_go_down() -> None:
    # Each of them takes three operators (a comparison, OR, ...), so a hundred are too many.
    found = plan({f"field{number}": f"value {number}" for number in range(100)})
    assert found.residue is not None
    assert 3000 < len(filter_of(found)) <= dynamo.MAX_EXPRESSION_BYTES


def test_three_hundred_operators_fit_and_more_are_left() -> None:
    # Existence takes one operator, and an AND between each two of them.
    exactly = plan({f"f{number}": {"$exists": True} for number in range(150)})
    assert exactly.residue is None
    assert filter_of(exactly).count("attribute_exists") == 150
    more = plan({f"f{number}": {"$exists": True} for number in range(151)})
    assert more.residue is not None
    assert filter_of(more).count("attribute_exists") == 150


def test_alternatives_that_do_not_fit_together_are_left_as_a_whole() -> None:
    found = plan({"$or": [{f"f{number}": number} for number in range(1, 60)], "a": True})
    assert found.residue is not None
    assert found.display["filter"] == "a = true OR (attribute_type(a, 'L') AND contains(a, true))"


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_in_is_split_at_the_number_of_its_operands(count: int) -> None:
    found = plan({"a": {"$in": [f"v{number}" for number in range(count)]}})
    assert all(listed.count(",") < 99 for listed in re.findall(r" IN \(([^)]*)\)", filter_of(found)))
    assert len(found.way.request["ExpressionAttributeValues"]) == count + 1  # and the name of a type


def test_in_that_is_too_long_is_left() -> None:
    found = plan({"a": {"$in": [f"v{number}" for number in range(1500)]}, "b": {"$exists": True}})
    assert found.display["filter"] == "attribute_exists(b)"
    assert found.residue is not None


def test_in_on_the_key_becomes_as_many_keys_without_a_filter() -> None:
    found = plan({"_id": {"$in": [f"k{number % 400}" for number in range(1000)]}})
    assert isinstance(found.way, GetKeys)
    assert len(found.way.keys) == 400
    assert found.residue is None


def test_long_names_count() -> None:
    name = "n" * 200
    found = plan({f"{name}{number}": {"$exists": True} for number in range(120)})
    assert found.residue is None  # names stand for placeholders, which are short


def test_a_megabyte_of_values_in_place_and_two_of_them_in_all_are_the_most() -> None:
    large = "x" * 300_000
    found = plan({f"f{number}": f"{number}{large}" for number in range(10)})
    assert found.residue is not None
    assert isinstance(found.way, ScanPlan)
    # Each of them stands twice in the filter.
    assert len(found.way.request["ExpressionAttributeValues"]) == 1 + 1
    assert plan({"a": large}).residue is None
    wide = Limits(expanded=10**9)
    request = Planner(SHAPE, wide).plan(parse_filter({f"f{number}": f"{number}{large}" for number in range(10)})).way
    assert isinstance(request, ScanPlan)
    assert len(request.request["ExpressionAttributeValues"]) == 6 + 1


def test_names_that_expressions_cannot_have_are_left() -> None:
    for path in ("a." + ".".join("b" * 40), "x" * 300):
        found = plan({path: "v"})
        assert found.residue is not None, path
        assert filter_of(found) == ""


def test_updates_that_do_not_fit_are_the_engines() -> None:
    query = parse_filter({"_id": "k"})
    small = parse_update({"$set": {f"f{number}": number for number in range(60)}})
    assert PLANNER.write(query, small.operations) is not None
    large = parse_update({"$set": {f"f{number}": number for number in range(160)}})
    assert PLANNER.write(query, large.operations) is None
    heavy = parse_update({"$set": {f"f{number}": "x" * 300_000 for number in range(8)}})
    assert PLANNER.write(query, heavy.operations) is None
