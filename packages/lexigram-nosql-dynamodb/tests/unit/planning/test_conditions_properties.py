"""Whatever document and filter: the native part selects a superset, what is sure is so, and exact means exact."""

from __future__ import annotations

from typing import Any

import dynamo_language as dynamo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb.codec import encode_item
from lexigram.nosql.backends.dynamodb.planning.conditions import meaning_of
from lexigram.nosql.backends.dynamodb.planning.expressions import ALWAYS, NEVER, Expression, Writer
from lexigram.nosql.backends.dynamodb.planning.meanings import Constants, Meaning
from lexigram.nosql.backends.dynamodb.planning.shape import IndexShape, KeyAttribute, TableShape
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.testing.strategies import documents, filters, numbers, values
from lexigram.nosql.values.normalise import normalise_document

EXAMPLES = settings.default.max_examples
SLOW = [HealthCheck.too_slow]  # many things are drawn at once, on machines that do other things as well
OPERATORS = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]
SHAPE = TableShape(
    "t", IndexShape("t", "table", (KeyAttribute("_id", "S", "_id", encoded=True),)), renamed={"_id": "_id"}
)


def meaning(query: Query) -> tuple[Meaning, Constants]:
    constants = Constants(query.constants, collated=query.collation is not None)
    return meaning_of(query.pattern, constants, SHAPE), constants


def select(expression: Expression, constants: Constants, item: dict[str, Any]) -> bool:
    if expression == ALWAYS:
        return True
    if expression == NEVER:
        return False
    writer = Writer()
    text = writer.write(expression)
    wire = {**writer.fixed}
    for placeholder, operand in writer.operands:
        wire[placeholder] = operand.make(constants.values[operand.slot], operand.part)
    return dynamo.evaluate(text, item, writer.names, wire or None)


def check(document: dict[str, Any], filter: dict[str, Any]) -> None:
    document = normalise_document({"_id": "k", **document})
    try:
        item = {"_id": {"S": "k"}, **encode_item(document, "r")}
    except NoSQLError:
        return  # deeper than DynamoDB goes
    try:
        query = parse_filter(filter)
        matches = query.matches(document)
    except NoSQLError:
        return
    found, constants = meaning(query)
    if matches:
        assert select(found.superset, constants, item), (found.superset, item)
    else:
        assert not select(found.sure, constants, item), (found.sure, item)


@given(
    documents=st.lists(documents(bson=True), min_size=1, max_size=8),
    filters=st.lists(filters(bson=True), min_size=1, max_size=8),
)
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_native_part_selects_a_superset_and_sure_is_sure(
    documents: list[dict[str, Any]], filters: list[dict[str, Any]]
) -> None:
    for document in documents:
        for each in filters:
            check(document, each)


@given(
    stored=st.lists(numbers(), min_size=1, max_size=12),
    constants=st.lists(numbers(), min_size=1, max_size=4),
)
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_numbers_of_all_forms_compare_as_in_the_engine(stored: list[Any], constants: list[Any]) -> None:
    for value in stored:
        for constant in (*constants, value):
            for operator in OPERATORS:
                check({"a": value}, {"a": {operator: constant}})
                check({"a": {"b": value}}, {"a.b": {operator: constant}})
    check({"a": stored}, {"a": {operator: constants[0]}})


@given(stored=st.lists(values(bson=True), min_size=1, max_size=6), constant=values(bson=True))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_values_of_all_types_compare_as_in_the_engine(stored: list[Any], constant: Any) -> None:
    for value in stored:
        for operator in OPERATORS:
            check({"a": value}, {"a": {operator: constant}})
            check({"a": value}, {"a": {operator: value}})
            check({"a": [value]}, {"a": {operator: value}})


@given(value=values(bson=True), constants=st.lists(values(bson=True), max_size=4))
@settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
def test_in_and_nin_select_as_in_the_engine(value: Any, constants: list[Any]) -> None:
    check({"a": value}, {"a": {"$in": constants}})
    check({"a": value}, {"a": {"$nin": constants}})
    check({"a": value}, {"a": {"$in": [*constants, value]}})
