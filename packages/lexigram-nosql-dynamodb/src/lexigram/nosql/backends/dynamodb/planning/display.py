"""Requests as ``explain()`` shows them: expressions with the names and values that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["MOST_SHOWN", "readable", "shown"]

MOST_SHOWN: Final = 3
"""Requests of one kind that are shown; of more, their number."""

_PLACEHOLDER: Final = re.compile(r"[#:][0-9a-f]+")
_SHORT: Final = 60
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")


def _value(value: Mapping[str, Any]) -> str:
    """A value on the wire, short enough to be read."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            text = repr(content)
        case "N":
            text = str(content)
        case "BOOL":
            text = "true" if content else "false"
        case "NULL":
            text = "null"
        case _:
            text = f"{kind} {content}"
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def readable(expression: str, names: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """Put names and values in the place of placeholders.

    Args:
        expression: The expression.
        names: Names by placeholder.
        values: Values by placeholder.

    Returns:
        The expression for a reader; it is not one that DynamoDB takes.
    """

    def stand_for(match: re.Match[str]) -> str:
        placeholder = match[0]
        if placeholder[0] == "#":
            name = names[placeholder]
            return name if _PLAIN_NAME.match(name) else f'"{name}"'
        return _value(values[placeholder])

    return _PLACEHOLDER.sub(stand_for, expression)


def shown(operation: str, requests: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Show requests.

    Args:
        operation: Name of DynamoDB's operation.
        requests: One or more; all of one kind.
        more: Further facts.

    Returns:
        Plain data: operation, table, index, key condition and filter, as far as there are.
    """
    parts = [_request(request) for request in requests[:MOST_SHOWN]]
    data: dict[str, Any] = {"operation": operation, **parts[0]} if parts else {"operation": operation}
    if len(requests) > 1:
        data["requests"] = len(requests)
        data["also"] = parts[1:]
    return {**data, **more}


def _request(request: Mapping[str, Any]) -> dict[str, Any]:
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    data: dict[str, Any] = {"table": request["TableName"]}
    if "IndexName" in request:
        data["index"] = request["IndexName"]
    for member, name in (
        ("KeyConditionExpression", "key_condition"),
        ("FilterExpression", "filter"),
        ("ConditionExpression", "condition"),
        ("UpdateExpression", "update"),
    ):
        if member in request:
            data[name] = readable(request[member], names, values)
    if request.get("ScanIndexForward") is False:
        data["backwards"] = True
    return data
