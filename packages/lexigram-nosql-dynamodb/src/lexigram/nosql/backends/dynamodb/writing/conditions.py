"""On what condition an item is written: that it is not there, or that it is still as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.layouts.reserved import META
from lexigram.nosql.backends.dynamodb.layouts.revisions import Mark, Revision
from lexigram.nosql.exceptions import UnsupportedFeatureError

__all__ = ["Condition", "absent", "absent_or_expired", "unchanged"]

_MOST_COMPARED: Final = 148
"""Attributes that a condition compares: two operators each and three more, of the 300 that an expression may have."""


class Condition:
    """A condition expression with its names and values.

    Args:
        expression: The expression.
        names: ``ExpressionAttributeNames``.
        values: ``ExpressionAttributeValues``.
    """

    __slots__ = ("expression", "names", "values")

    def __init__(self, expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self.expression = expression
        self.names = names
        self.values = values

    def to_request(self) -> dict[str, Any]:
        """The members that a request has for it."""
        request: dict[str, Any] = {"ConditionExpression": self.expression, "ExpressionAttributeNames": self.names}
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        return request


def absent(home: Home) -> Condition:
    """That there is no item with the key."""
    return Condition("attribute_not_exists(#k)", {"#k": home.partition_name}, {})


def absent_or_expired(home: Home, now: int) -> Condition:
    """That there is no item with the key, or one that has expired.

    Args:
        home: Where the item lies.
        now: Milliseconds from 1970.
    """
    if not home.expiring and not home.expires_natively:
        return absent(home)
    return Condition(
        "attribute_not_exists(#k) OR #t <= :t",
        {"#k": home.partition_name, "#t": home.expiry},
        {":t": {"N": str(now // 1000)}},
    )


def unchanged(home: Home, revision: Revision) -> Condition:
    """That an item is still as it was read.

    Items of ours have a revision. Of others, every attribute is compared, and that we have not written the item since.

    Raises:
        UnsupportedFeatureError: Another program wrote the item, and it has more attributes than a condition compares.
    """
    if isinstance(revision, Mark):
        return Condition("#m.#r = :r", {"#m": META, "#r": "r"}, {":r": {"S": revision.text}})
    names: dict[str, str] = {"#m": META, "#k": home.partition_name}
    values: dict[str, Any] = {}
    parts = ["attribute_exists(#k)", "attribute_not_exists(#m.r)"]
    compared = [(name, value) for name, value in revision.items() if name not in home.key_names and name != META]
    if len(compared) > _MOST_COMPARED:
        raise UnsupportedFeatureError(
            f"another program wrote this item, and it has {len(compared)} attributes; DynamoDB compares at most "
            f"{_MOST_COMPARED} in one condition, and without that a change by others would be lost",
            hint="Keep some of them in a map attribute, or change it with store.native.",
            feature="conditional_writes_of_wide_items",
        )
    for place, (name, value) in enumerate(compared):
        names[f"#{place}"] = name
        values[f":{place}"] = value
        parts.append(f"#{place} = :{place}")
    return Condition(" AND ".join(parts), names, values)
