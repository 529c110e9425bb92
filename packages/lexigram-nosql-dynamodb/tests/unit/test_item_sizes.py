"""Items are counted as DynamoDB counts them, so that one that is too large is refused before it is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from lexigram.nosql.backends.dynamodb.codec import MAX_ITEM_BYTES, check_size, encode_item, item_size, value_size
from lexigram.nosql.backends.dynamodb.wire.bodies import Bodies
from lexigram.nosql.exceptions import DocumentTooLargeError
from lexigram.nosql.testing import strategies

# The rules of "DynamoDB item sizes and formats", one by one; DynamoDB Local refuses items at exactly these sizes.
SIZES: list[tuple[Any, int]] = [
    ({"S": "abc"}, 3),
    ({"S": ""}, 0),
    ({"S": "é\U0001f600"}, 6),
    ({"B": "YWI="}, 2),
    ({"B": "YQ=="}, 1),
    ({"B": "YWJj"}, 3),
    ({"B": ""}, 0),
    ({"NULL": True}, 1),
    ({"BOOL": False}, 1),
    ({"N": "0"}, 1),
    ({"N": "1"}, 2),
    ({"N": "12"}, 2),
    ({"N": "123"}, 3),
    ({"N": "12345"}, 4),
    ({"N": "-123"}, 4),
    ({"N": "-12"}, 3),
    ({"N": "100"}, 2),
    ({"N": "1000"}, 2),
    ({"N": "-100"}, 3),
    ({"N": "1.5"}, 3),
    ({"N": "0.001"}, 2),
    ({"N": "0.012"}, 3),
    ({"N": "10.01"}, 3),
    ({"N": "-0.5"}, 3),
    ({"N": "123456.789"}, 6),
    ({"N": "1E+20"}, 2),
    ({"N": "1E-20"}, 2),
    ({"N": "12345678901234567890123456789012345678"}, 20),
    ({"L": []}, 3),
    ({"M": {}}, 3),
    ({"L": [{"NULL": True}, {"BOOL": True}]}, 3 + 2 + 2),
    ({"M": {"a": {"S": "b"}}}, 3 + 1 + 2),
    ({"SS": ["a", "bc"]}, 3),
    ({"NS": ["1", "100"]}, 4),
    ({"BS": ["YWI="]}, 2),
]


@pytest.mark.parametrize(("value", "size"), SIZES, ids=str)
def test_a_value_is_counted(value: dict[str, Any], size: int) -> None:
    assert value_size(value) == size
    assert item_size({"né": value}) == 3 + size


def test_the_largest_item_passes_and_one_byte_more_does_not() -> None:
    item = {"_id": {"S": "1"}, "v": {"S": "x" * (MAX_ITEM_BYTES - 5)}}
    assert item_size(item) == MAX_ITEM_BYTES
    check_size([item])
    item["v"]["S"] += "x"
    with pytest.raises(DocumentTooLargeError) as caught:
        check_size([{"_id": {"S": "0"}}, item])
    assert (caught.value.size, caught.value.limit) == (MAX_ITEM_BYTES + 1, MAX_ITEM_BYTES)
    assert caught.value.details["document_index"] == 1


LARGE = {"_id": {"S": "1"}, "v": {"S": "x" * MAX_ITEM_BYTES}}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("PutItem", {"TableName": "things", "Item": LARGE}),
        ("BatchWriteItem", {"RequestItems": {"things": [{"DeleteRequest": {}}, {"PutRequest": {"Item": LARGE}}]}}),
        ("TransactWriteItems", {"TransactItems": [{"Delete": {}}, {"Put": {"TableName": "things", "Item": LARGE}}]}),
    ],
)
def test_no_request_is_written_with_an_item_that_is_too_large(operation: str, request_: dict[str, Any]) -> None:
    with pytest.raises(DocumentTooLargeError):
        Bodies(marked=False).write(operation, request_)


@given(strategies.documents(bson=True))
def test_an_item_takes_no_more_bytes_than_its_json(document: dict[str, Any]) -> None:
    # For this reason short requests need not be looked into.
    item = encode_item(document, "r")
    assert item_size(item) <= len(Bodies(marked=False).write("PutItem", item))
