"""A table that answers requests by the interpreter: Query, Scan and GetItem on items held in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dynamo_language as dynamo
from lexigram.nosql.backends.dynamodb.codec import encode_item, encode_key
from lexigram.nosql.backends.dynamodb.planning.access import AccessPlan, GetKeys, Nothing, QueryPlan, ScanPlan
from lexigram.nosql.backends.dynamodb.planning.index_keys import index_entry
from lexigram.nosql.backends.dynamodb.planning.shape import ALL, IndexShape, TableShape

Item = dict[str, Any]


def make_item(shape: TableShape, document: Mapping[str, Any]) -> Item:
    """A document as its layout would store it: the key attributes, the fields, and the keys of our indexes."""
    item = encode_item(document, "r")
    for key in shape.primary.keys:
        if key.constant is not None:
            item[key.name] = key.constant
        else:
            part = (key.path or "").partition(".")[2]
            value = document["_id"][part] if part else document["_id"]
            item[key.name] = encode_key(value, key.type) if key.encoded or key.type != "S" else {"S": value}
    for index in shape.indexes:
        if index.computed is not None:
            entry = index_entry(index.computed, document, str(document["_id"]))
            if entry is not None:
                item[index.partition[0].name], item[index.sort[0].name], _ = entry
    return item


class PretendTable:
    """Items, and the answers to requests about them.

    Args:
        shape: Keys and indexes.
        items: The items.
    """

    def __init__(self, shape: TableShape, items: Sequence[Item]) -> None:
        self.shape = shape
        self.items = list(items)

    def _index(self, name: str | None) -> IndexShape:
        if name is None:
            return self.shape.primary
        return next(index for index in self.shape.indexes if index.name == name)

    def query(self, request: Mapping[str, Any]) -> list[Item]:
        index = self._index(request.get("IndexName"))
        names = request.get("ExpressionAttributeNames")
        used = dynamo.Request(names, request.get("ExpressionAttributeValues"))
        partition, sort = [key.name for key in index.partition], [key.name for key in index.sort]
        tests = dynamo.parse_key_condition(request["KeyConditionExpression"], used, partition, sort)
        condition = None
        if "FilterExpression" in request:
            condition = dynamo.parse_condition(request["FilterExpression"], used)
            if dynamo.names_of(condition) & {*partition, *sort}:
                raise dynamo.ValidationError("Filter Expression can only contain non-primary key attributes")
        used.finish()
        held = [item for item in self.items if _is_in(index, item)]
        found = [item for item in held if dynamo.key_holds(tests, item)]
        found.sort(
            key=lambda item: [dynamo.comparable(item[name]) for name in sort],
            reverse=request.get("ScanIndexForward") is False,
        )
        shown = [self._projected(index, item) for item in found]
        return [item for item in shown if condition is None or dynamo.holds(condition, item)]

    def _projected(self, index: IndexShape, item: Item) -> Item:
        if index.projection == ALL:
            return item
        names = {key.name for key in (*index.keys, *self.shape.primary.keys)}
        names |= index.projection if isinstance(index.projection, frozenset) else set()
        return {name: value for name, value in item.items() if name in names}

    def scan(self, request: Mapping[str, Any]) -> list[Item]:
        if "FilterExpression" not in request:
            assert "ExpressionAttributeValues" not in request
            return list(self.items)
        used = dynamo.Request(request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues"))
        condition = dynamo.parse_condition(request["FilterExpression"], used)
        used.finish()
        return [item for item in self.items if dynamo.holds(condition, item)]

    def get(self, key: Mapping[str, Any]) -> Item | None:
        assert set(key) == {each.name for each in self.shape.primary.keys}
        return next((item for item in self.items if all(dynamo.same(item[name], key[name]) for name in key)), None)

    def run(self, plan: AccessPlan) -> list[Item]:
        """The items that a plan's requests give, in their order."""
        match plan.way:
            case Nothing():
                return []
            case GetKeys(keys):
                return [item for item in map(self.get, keys) if item is not None]
            case ScanPlan(request):
                return self.scan(request)
            case QueryPlan(requests, fetch):
                found = [item for request in requests for item in self.query(request)]
                if not fetch:
                    return found
                keys = [{key.name: item[key.name] for key in self.shape.primary.keys} for item in found]
                return [item for item in map(self.get, keys) if item is not None]


def _is_in(index: IndexShape, item: Item) -> bool:
    return all(key.name in item and key.type in item[key.name] for key in index.keys)
