"""Expressions mean on a server what the planner takes them to mean, and what the interpreter of its unit tests says."""

from __future__ import annotations

import itertools
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError
from dynamodb.conftest import settings_for
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from lexigram.nosql.backends.dynamodb import DynamoDBConfig
from lexigram.nosql.backends.dynamodb.client import DynamoClient
from lexigram.nosql.backends.dynamodb.codec import decode_document, encode_item
from lexigram.nosql.backends.dynamodb.planning.access import AccessPlan, GetKeys, Nothing, QueryPlan
from lexigram.nosql.backends.dynamodb.planning.choose import Planner
from lexigram.nosql.backends.dynamodb.planning.shape import (
    ALL,
    ComputedIndex,
    IndexShape,
    KeyAttribute,
    TableShape,
)
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing.strategies import documents, filters, scalars, sorts, updates, values
from lexigram.nosql.update.parse import parse_update
from lexigram.nosql.values.normalise import normalise_document
from servers import Server

sys.path.insert(
    0, str(Path(__file__).parents[2] / "packages" / "lexigram-nosql-dynamodb" / "tests" / "unit" / "planning")
)
import dynamo_language as dynamo
from pretend_table import PretendTable, make_item

pytestmark = pytest.mark.asyncio(loop_scope="session")

_KEYS = ((("a", 1),), (("b", 1), ("a", -1)), (("a.b", -1), ("b", 1)))
_runs = itertools.count()

EXAMPLES = settings.default.max_examples // 2
"""Each of them asks a server up to ten times."""

Item = dict[str, Any]


class Bench:
    """A table on a server, of which each example has a partition.

    Args:
        client: The client.
        table: Name of the table.
        exact: True where the server orders empty text as DynamoDB does.
    """

    def __init__(self, client: DynamoClient, table: str, *, exact: bool) -> None:
        self.client = client
        self.table = table
        self.exact = exact

    async def create(self) -> None:
        names = ["_lxp", "id", *[f"_lx{number}{end}" for number in range(len(_KEYS)) for end in "ps"]]
        request = {
            "TableName": self.table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
            "KeySchema": _schema("_lxp", "id"),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": f"lexigram-{number}",
                    "KeySchema": _schema(f"_lx{number}p", f"_lx{number}s"),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for number in range(len(_KEYS))
            ],
        }
        await self.client.call("CreateTable", request)

    def shape(self) -> TableShape:
        """The table as a collection of its own."""
        run = f"run{next(_runs)}"
        indexes = [
            IndexShape(
                f"lexigram-{number}",
                "gsi",
                (KeyAttribute(f"_lx{number}p", "S"),),
                (KeyAttribute(f"_lx{number}s", "S"),),
                ALL,
                ComputedIndex(parse_index(list(keys)), len(keys) - 1, f"{run}-{number}", irregular=True),
                consistent_ok=False,
            )
            for number, keys in enumerate(_KEYS)
        ]
        primary = IndexShape(
            self.table,
            "table",
            (KeyAttribute("_lxp", "S", constant={"S": run}),),
            (KeyAttribute("id", "S", "_id", encoded=True),),
        )
        return TableShape(self.table, primary, tuple(indexes), renamed={"_id": "id"})

    async def put(self, items: Sequence[Item]) -> None:
        for item in items:
            await self.client.call("PutItem", {"TableName": self.table, "Item": item})

    async def pages(self, request: Item) -> list[Item]:
        found: list[Item] = []
        asked = dict(request)
        while True:
            answer = await self.client.call("Query", asked)
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def run(self, plan: AccessPlan) -> list[Item]:
        match plan.way:
            case Nothing():
                return []
            case GetKeys(keys):
                answers = [await self.client.call("GetItem", {"TableName": self.table, "Key": key}) for key in keys]
                return [answer["Item"] for answer in answers if "Item" in answer]
            case QueryPlan(requests):
                return [item for request in requests for item in await self.pages(request)]
        raise AssertionError("a collection with a partition of its own is not scanned")


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["dynamodb", "dynoxide"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Return a table on one server after the other."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    given = settings_for(server)
    client = DynamoClient(DynamoDBConfig(**given, table_name="expressions"))
    await client.open()
    made = Bench(client, f"expressions-{uuid.uuid4().hex[:8]}", exact=given.get("empty_values") != "marked")
    try:
        await made.create()
        yield made
        await client.call("DeleteTable", {"TableName": made.table})
    finally:
        await client.close()


def _has_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_empty(name) or _has_empty(item) for name, item in value.items())
    if isinstance(value, list | tuple):
        return any(map(_has_empty, value))
    return isinstance(value, str | bytes) and not value


def _numbered(stored: Sequence[Any]) -> list[dict[str, Any]]:
    return [normalise_document({"_id": f"d{number}", **document}) for number, document in enumerate(stored)]


VALUES = st.one_of(scalars(bson=True), st.lists(scalars(), max_size=2))
SIMPLE = st.dictionaries(
    st.sampled_from(["a", "b", "a.b", "c"]),
    st.one_of(
        VALUES,
        st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]), VALUES, min_size=1, max_size=2),
        st.fixed_dictionaries({"$in": st.lists(VALUES, max_size=4)}),
        st.sampled_from([{"$exists": True}, {"$exists": False}, {"$regex": "^a"}, {"$regex": "b"}, {"$size": 1}]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.timeout(900)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    stored=st.lists(documents(bson=True), min_size=2, max_size=6),
    chosen=st.lists(filters(bson=True) | SIMPLE, min_size=2, max_size=6),
    order=st.none() | sorts(),
)
async def test_plans_give_on_a_server_what_the_engine_gives(
    bench: Bench, stored: list[Any], chosen: list[Any], order: Any
) -> None:
    held = _numbered(stored)
    shape = bench.shape()
    try:
        items = [make_item(shape, document) for document in held]
    except NoSQLError:
        return  # deeper than DynamoDB goes
    await bench.put(items)
    planner, pretended = Planner(shape), PretendTable(shape, items)
    by_id = {document["_id"]: document for document in held}
    for each in chosen:
        try:
            query = parse_filter(each)
            matches = [document for document in held if query.matches(document)]
            sort = parse_sort(order) if order else None
            expected = matches if sort is None else sort.sorted(list(matches))
        except NoSQLError:
            continue
        if not bench.exact and (_has_empty(each) or _has_empty(stored)):
            continue  # the mark for empty text has not the place of empty text
        plan = planner.plan(query, sort)
        found = [item["id"]["S"] for item in await bench.run(plan)]
        assert sorted(found) == sorted(item["id"]["S"] for item in pretended.run(plan)), plan.display
        kept = [by_id[name] for name in found if plan.residue is None or plan.residue.matches(by_id[name])]
        assert sorted(document["_id"] for document in kept) == sorted(document["_id"] for document in matches)
        if sort is not None and plan.ordered:
            assert [sort.key(document) for document in kept] == [sort.key(document) for document in expected]
        event(f"{plan.access.kind} {plan.access.index or ''}: {'exact' if plan.residue is None else 'superset'}")


INTS = st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)])
INNER = st.one_of(INTS, scalars(bson=True), st.lists(scalars(bson=True), max_size=3))
MAPS = st.fixed_dictionaries({"b": INNER, "c": INNER}) | st.fixed_dictionaries({"c": INNER, "b": INNER, "a": INNER})
STORED = st.fixed_dictionaries({"a": INNER | MAPS, "b": INNER | MAPS}, optional={"0": INNER})
OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    "$set": values(max_leaves=3),
    "$unset": st.just(""),
    "$inc": INTS,
    "$push": scalars() | st.lists(scalars(), max_size=2).map(lambda each: {"$each": each, "$position": 0}),
    "$addToSet": scalars(bson=True),
    "$pop": st.just(-1),
}
CHANGES = st.sampled_from(sorted(OPERANDS)).flatmap(
    lambda name: st.tuples(st.sampled_from(["a", "b", "a.b", "b.c"]), OPERANDS[name]).map(
        lambda pair: {name: {pair[0]: pair[1]}}
    )
)


def _exactly(value: Any) -> Any:
    """A value with the types and the order of fields that Python's equality does not see."""
    if isinstance(value, dict):
        return [(name, _exactly(item)) for name, item in value.items()]
    return [_exactly(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


@pytest.mark.timeout(900)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(stored=STORED, changes=st.lists(CHANGES | updates(), min_size=4, max_size=10))
async def test_native_updates_give_on_a_server_what_the_engine_gives(
    bench: Bench, stored: Any, changes: list[Any]
) -> None:
    shape = bench.shape()
    planner = Planner(TableShape(shape.table, shape.primary, (), renamed=shape.renamed))
    document = normalise_document({"_id": "k", **stored})
    key = {"_lxp": shape.primary.partition[0].constant, "id": {"S": "k"}}
    item = {**encode_item(document, "r"), **key}
    await bench.put([item])
    for number, change in enumerate(changes):
        try:
            query = parse_filter({"_id": "k"})
            update = parse_update(change)
        except NoSQLError:
            continue
        plan = planner.write(query, update.operations)
        if plan is None or (not bench.exact and (_has_empty(change) or _has_empty(document))):
            continue
        request = plan.request(f"r{number}")
        used = dynamo.Request(request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues"))
        holds = dynamo.holds(dynamo.parse_condition(request["ConditionExpression"], used), item)
        try:
            answer = await bench.client.call("UpdateItem", {**request, "ReturnValues": "ALL_NEW"})
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException" or holds:
                raise AssertionError(plan.display()) from error
            continue
        assert holds, plan.display()
        event(f"native {' '.join(sorted(change))}")
        item = answer["Attributes"]
        document, _ = update.apply(document, query)
        assert _exactly(decode_document(item, "k", frozenset(key))) == _exactly(document), plan.display()


async def test_limits_of_a_server_are_not_passed(bench: Bench) -> None:
    """The longest expressions that the planner writes are taken."""
    shape = bench.shape()
    planner = Planner(shape)
    for chosen in (
        {f"f{number}": {"$exists": True} for number in range(400)},
        {f"f{number}": f"v{number}" for number in range(400)},
        {f"f{number}": number for number in range(100)},
        {"a": {"$in": [f"v{number}" for number in range(700)]}},
        {"a": {"$in": list(range(1, 500))}, "b": {"$nin": [f"v{number}" for number in range(300)]}},
        {f"f{number}": {"$gt": 0.1 * number, "$lt": 10} for number in range(60)},
        {f"f{number}": "x" * 300_000 for number in range(3)},
    ):
        plan = planner.plan(parse_filter(chosen))
        assert await bench.run(plan) == []
