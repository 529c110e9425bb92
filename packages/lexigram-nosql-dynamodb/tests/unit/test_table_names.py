"""What requests call a table that was made elsewhere, with a client that writes down what it is asked."""

from __future__ import annotations

from typing import Any, cast

from lexigram.nosql.backends.dynamodb import DynamoDBConfig, ExistingTable
from lexigram.nosql.backends.dynamodb.client import DynamoClient
from lexigram.nosql.backends.dynamodb.layouts.homes import Homes
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.backends.dynamodb.reading.getting import batch_get

_ARN = "arn:aws:dynamodb:us-east-1:222222222222:table/orders"
_KEYS = [{"id": {"S": "1"}}, {"id": {"S": "2"}}]


class _Told:
    """Answers as the service does for one table of another account."""

    def __init__(self, named: str) -> None:
        self.named = named
        self.asked: list[dict[str, Any]] = []

    async def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if operation == "DescribeTable":
            return {
                "Table": {
                    "TableName": "orders",
                    "TableArn": _ARN,
                    "TableStatus": "ACTIVE",
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                }
            }
        if operation == "BatchGetItem":
            keys = request["RequestItems"][_ARN]["Keys"]
            left = {self.named: {"Keys": keys[1:]}} if len(keys) > 1 else {}
            return {"Responses": {self.named: keys[:1]}, "UnprocessedKeys": left}
        return {}


async def test_a_table_that_is_configured_by_arn_is_asked_for_by_arn() -> None:
    told = _Told("orders")
    config = DynamoDBConfig(region="us-east-1", existing_tables={"orders": ExistingTable(table=_ARN)})
    homes = Homes(cast("DynamoClient", told), config)
    home = await homes.find("orders")
    assert home.exists
    assert home.table == _ARN
    assert home.planner is homes.guess("orders").planner


async def test_items_are_taken_by_whichever_name_the_answer_has() -> None:
    for named in (_ARN, "orders"):
        told = _Told(named)
        client = cast("DynamoClient", told)
        reading = batch_get(client, _ARN, _KEYS, Counts(), consistent=True, attempts=2)
        assert [item async for items in reading for item in items] == _KEYS
        assert len(told.asked) == 2
