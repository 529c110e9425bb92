"""DynamoDB's expression language, as Amazon documents it, on items as on the wire.

Sources: Amazon DynamoDB Developer Guide, "Comparison operator and function reference", "Using update expressions" and
"Key conditions for the Query operation"; and the answers of the service that ScyllaDB's Alternator notes in its tests
(`test_condition_expression.py`, `test_update_expression.py`): a missing attribute makes every comparison false but
``<>``; values of two types are different and have no order; constants of a type that an operator does not take, limits
that are passed, names and values that are not used, and redundant parentheses are errors.

It is written for being checked by eye, not for speed, and knows nothing of the planner.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

MISSING = None
_TOKEN = re.compile(r"\s*(#[A-Za-z0-9_]+|:[A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*|<>|<=|>=|[=<>(),.\[\]+-]|\d+)")
_TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL")
_ORDERED = ("S", "N", "B")
_FUNCTIONS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300
MAX_IN_OPERANDS = 100
MAX_SUBSTITUTION_BYTES = 2 * 1024 * 1024


class ValidationError(Exception):
    """What the service answers with ValidationException."""


class ConditionFailed(Exception):
    """What the service answers with ConditionalCheckFailedException."""


# Values


def type_of(value: Mapping[str, Any]) -> str:
    (name,) = value
    return name


def comparable(value: Mapping[str, Any]) -> Any:
    """Something that compares as DynamoDB compares values of one type."""
    name = type_of(value)
    content = value[name]
    match name:
        case "N":
            return Decimal(content)
        case "S":
            return content.encode()
        case "B":
            return b64decode(content)
        case "BOOL" | "NULL":
            return content
        case "SS":
            return frozenset([text.encode() for text in content])
        case "NS":
            return frozenset(map(Decimal, content))
        case "BS":
            return frozenset(map(b64decode, content))
        case "L":
            return [(type_of(item), comparable(item)) for item in content]
        case "M":
            return {key: (type_of(item), comparable(item)) for key, item in content.items()}
    raise ValidationError(f"no such type: {name}")


def same(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> bool:
    if a is MISSING or b is MISSING:
        return False
    return type_of(a) == type_of(b) and comparable(a) == comparable(b)


def ordered(a: Mapping[str, Any] | None, operator: str, b: Mapping[str, Any] | None) -> bool:
    if a is MISSING or b is MISSING or type_of(a) != type_of(b) or type_of(a) not in _ORDERED:
        return False
    left, right = comparable(a), comparable(b)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]


def contains(value: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> bool:
    if value is MISSING or wanted is MISSING:
        return False
    name, kind = type_of(value), type_of(wanted)
    if name in ("S", "B"):
        return kind == name and comparable(wanted) in comparable(value)
    if name in ("SS", "NS", "BS"):
        return kind == name[0] and comparable(wanted) in comparable(value)
    return name == "L" and any(same(item, wanted) for item in value["L"])


def size(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if value is MISSING:
        return MISSING
    name = type_of(value)
    if name in ("N", "BOOL", "NULL"):
        return MISSING
    return {"N": str(len(value[name]) if name not in ("S", "B") else len(comparable(value)))}


def begins(value: Mapping[str, Any] | None, start: Mapping[str, Any] | None) -> bool:
    if value is MISSING or start is MISSING or type_of(value) != type_of(start) or type_of(value) not in ("S", "B"):
        return False
    return comparable(value).startswith(comparable(start))


# Paths


def follow(item: Mapping[str, Any], path: tuple[str | int, ...]) -> Mapping[str, Any] | None:
    value: Mapping[str, Any] | None = {"M": item}
    for part in path:
        if value is MISSING:
            return MISSING
        if isinstance(part, int):
            value = value["L"][part] if type_of(value) == "L" and part < len(value["L"]) else MISSING
        else:
            value = value["M"].get(part) if type_of(value) == "M" else MISSING
    return value


# The parser, common to all expressions of a request


class Request:
    """Names and values of one request, and which of them were used."""

    def __init__(self, names: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None) -> None:
        self.names = names or {}
        self.values = values or {}
        self.used: set[str] = set()
        total = sum(len(name.encode()) for name in self.names.values())
        total += sum(len(repr(value)) for value in self.values.values())
        if total > MAX_SUBSTITUTION_BYTES:
            raise ValidationError("names and values are too large")
        if names == {} or values == {}:
            raise ValidationError("ExpressionAttributeNames and ExpressionAttributeValues must not be empty")

    def name(self, token: str) -> str:
        if token[0] != "#":
            return token
        if token not in self.names:
            raise ValidationError(f"{token} is not defined")
        self.used.add(token)
        return self.names[token]

    def value(self, token: str) -> Any:
        if token not in self.values:
            raise ValidationError(f"{token} is not defined")
        self.used.add(token)
        return self.values[token]

    def finish(self) -> None:
        unused = {*self.names, *self.values} - self.used
        if unused:
            raise ValidationError(f"not used: {sorted(unused)}")


class Tokens:
    def __init__(self, text: str, request: Request) -> None:
        if not text.strip():
            raise ValidationError("the expression is empty")
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise ValidationError(f"the expression has {len(text.encode())} bytes")
        self.request = request
        self.tokens: list[str] = []
        self.position = 0
        self.operators = 0
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValidationError(f"syntax error near {text[at : at + 20]!r}")
            self.tokens.append(match[1])
            at = match.end()

    def peek(self, ahead: int = 0) -> str:
        place = self.position + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token.upper() not in expected):
            raise ValidationError(f"expected {expected}, found {token!r}")
        self.position += 1
        return token

    def is_next(self, *expected: str) -> bool:
        return self.peek().upper() in expected

    def operator(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise ValidationError("more than 300 operators")

    def path(self) -> tuple[str | int, ...]:
        parts: list[str | int] = [self._name()]
        while self.peek() in (".", "["):
            if self.take() == ".":
                parts.append(self._name())
            else:
                parts.append(int(self.take()))
                self.take("]")
        if len(parts) > 32:
            raise ValidationError("nested deeper than 32 levels")
        return tuple(parts)

    def _name(self) -> str:
        token = self.take()
        if token[0] != "#" and not token[0].isalpha():
            raise ValidationError(f"{token!r} is no name")
        name = self.request.name(token)
        if not name:
            raise ValidationError("a name is empty")
        return name


Operand = tuple[str, Any]
Condition = tuple[Any, ...]


def parse_condition(text: str, request: Request) -> Condition:
    tokens = Tokens(text, request)
    condition = _or(tokens)
    if tokens.peek():
        raise ValidationError(f"syntax error at {tokens.peek()!r}")
    return condition


def _or(tokens: Tokens) -> Condition:
    parts = [_and(tokens)]
    while tokens.is_next("OR"):
        tokens.take()
        tokens.operator()
        parts.append(_and(tokens))
    return parts[0] if len(parts) == 1 else ("or", parts)


def _and(tokens: Tokens) -> Condition:
    parts = [_not(tokens)]
    while tokens.is_next("AND"):
        tokens.take()
        tokens.operator()
        parts.append(_not(tokens))
    return parts[0] if len(parts) == 1 else ("and", parts)


def _not(tokens: Tokens) -> Condition:
    if tokens.is_next("NOT"):
        tokens.take()
        tokens.operator()
        return ("not", _not(tokens))
    if tokens.peek() == "(":
        tokens.take()
        if tokens.peek() == "(" and _closes_at_end(tokens):
            raise ValidationError("the expression has redundant parentheses")
        inner = _or(tokens)
        tokens.take(")")
        return inner
    return _test(tokens)


def _closes_at_end(tokens: Tokens) -> bool:
    """Two parentheses that enclose the same."""
    depth = 0
    for place in range(tokens.position, len(tokens.tokens)):
        depth += {"(": 1, ")": -1}.get(tokens.tokens[place], 0)
        if depth == 0:
            return place + 1 < len(tokens.tokens) and tokens.tokens[place + 1] == ")"
    return False


def _operand(tokens: Tokens) -> Operand:
    token = tokens.peek()
    if token[:1] == ":":
        return ("value", tokens.request.value(tokens.take()))
    if token == "size" and tokens.peek(1) == "(":
        tokens.take()
        tokens.take("(")
        tokens.operator()
        path = tokens.path()
        tokens.take(")")
        return ("size", path)
    return ("path", tokens.path())


def _check_ordered(operand: Operand, operator: str) -> None:
    if operand[0] == "value" and type_of(operand[1]) not in _ORDERED:
        raise ValidationError(f"incorrect operand type; operator: {operator}, operand type: {type_of(operand[1])}")


def _test(tokens: Tokens) -> Condition:
    name = tokens.peek()
    if name in _FUNCTIONS and tokens.peek(1) == "(":
        return _function(tokens)
    left = _operand(tokens)
    tokens.operator()
    operator = tokens.take("=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN").upper()
    if operator == "BETWEEN":
        low = _operand(tokens)
        tokens.take("AND")
        high = _operand(tokens)
        for operand in (left, low, high):
            _check_ordered(operand, operator)
        if low[0] == high[0] == "value" and not ordered(low[1], "<=", high[1]):
            raise ValidationError("BETWEEN requires its upper bound to be of the same type and not below the lower one")
        return ("between", left, low, high)
    if operator == "IN":
        tokens.take("(")
        operands = [_operand(tokens)]
        while tokens.peek() == ",":
            tokens.take()
            operands.append(_operand(tokens))
        tokens.take(")")
        if 1 + len(operands) > MAX_IN_OPERANDS:
            raise ValidationError("too many operands of IN")
        return ("in", left, operands)
    right = _operand(tokens)
    if operator not in ("=", "<>"):
        _check_ordered(left, operator)
        _check_ordered(right, operator)
    return ("compare", left, operator, right)


def _function(tokens: Tokens) -> Condition:
    name = tokens.take()
    tokens.operator()
    tokens.take("(")
    path = tokens.path()
    operand: Operand | None = None
    if _FUNCTIONS[name] == 2:
        tokens.take(",")
        operand = _operand(tokens)
    tokens.take(")")
    if operand is not None and operand[0] == "value":
        kind = type_of(operand[1])
        if name == "attribute_type" and (kind != "S" or operand[1]["S"] not in _TYPES):
            raise ValidationError("attribute_type takes the name of a type")
        if name == "begins_with" and kind not in ("S", "B"):
            raise ValidationError(f"incorrect operand type; operator: begins_with, operand type: {kind}")
    return (name, path, operand)


def _resolve(operand: Operand, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    kind, content = operand
    if kind == "value":
        return content
    value = follow(item, content)
    return size(value) if kind == "size" else value


def holds(condition: Condition, item: Mapping[str, Any]) -> bool:
    """Whether a parsed condition holds for an item."""
    match condition:
        case ("or", parts):
            return any(holds(part, item) for part in parts)
        case ("and", parts):
            return all(holds(part, item) for part in parts)
        case ("not", part):
            return not holds(part, item)
        case ("compare", left, operator, right):
            a, b = _resolve(left, item), _resolve(right, item)
            if operator == "=":
                return same(a, b)
            return not same(a, b) if operator == "<>" else ordered(a, operator, b)
        case ("between", left, low, high):
            value = _resolve(left, item)
            return ordered(value, ">=", _resolve(low, item)) and ordered(value, "<=", _resolve(high, item))
        case ("in", left, operands):
            value = _resolve(left, item)
            return any(same(value, _resolve(operand, item)) for operand in operands)
        case ("attribute_exists", path, None):
            return follow(item, path) is not MISSING
        case ("attribute_not_exists", path, None):
            return follow(item, path) is MISSING
        case ("attribute_type", path, operand):
            value = follow(item, path)
            return value is not MISSING and type_of(value) == operand[1]["S"]
        case ("begins_with", path, operand):
            return begins(follow(item, path), _resolve(operand, item))
        case ("contains", path, operand):
            return contains(follow(item, path), _resolve(operand, item))
    raise AssertionError(condition)


def names_of(condition: Condition) -> set[str]:
    """The top-level attributes that a condition looks at."""
    match condition:
        case ("or" | "and", parts):
            return set().union(*map(names_of, parts))
        case ("not", part):
            return names_of(part)
        case ("compare", left, _, right):
            operands = [left, right]
        case ("between", *operands):
            pass
        case ("in", left, others):
            operands = [left, *others]
        case (_, path, operand):
            operands = [("path", path), *([] if operand is None else [operand])]
    return {content[0] for kind, content in operands if kind != "value"}


def evaluate(
    expression: str, item: Mapping[str, Any], names: Mapping[str, str] | None, values: Mapping[str, Any] | None
) -> bool:
    """Whether an expression, the only one of its request, holds for an item."""
    request = Request(names, values)
    condition = parse_condition(expression, request)
    request.finish()
    return holds(condition, item)


# Key conditions


def parse_key_condition(
    text: str, request: Request, partition: list[str], sort: list[str]
) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """The tests of a key condition, checked: equality on all partition attributes, and on sort attributes from the
    left, of which only the last may have another test."""
    tokens = Tokens(text, request)
    tests: list[tuple[str, str, list[Mapping[str, Any]]]] = []
    while True:
        if tokens.peek() == "begins_with":
            tokens.take()
            tokens.take("(")
            (name,) = tokens.path()
            tokens.take(",")
            value = request.value(tokens.take())
            tokens.take(")")
            if type_of(value) not in ("S", "B"):
                raise ValidationError("begins_with takes text or bytes")
            tests.append((str(name), "begins_with", [value]))
        else:
            (name,) = tokens.path()
            operator = tokens.take("=", "<", "<=", ">", ">=", "BETWEEN").upper()
            values = [request.value(tokens.take())]
            if operator == "BETWEEN":
                tokens.take("AND")
                values.append(request.value(tokens.take()))
                if not ordered(values[0], "<=", values[1]):
                    raise ValidationError("BETWEEN requires its upper bound to be not below the lower one")
            tests.append((str(name), operator, values))
        if not tokens.peek():
            break
        tokens.take("AND")
    named = [name for name, _, _ in tests]
    if len(set(named)) != len(named):
        raise ValidationError("KeyConditionExpressions must only contain one condition per key")
    if not set(partition) <= set(named) or not set(named) <= {*partition, *sort}:
        raise ValidationError("Query condition missed key schema element")
    by_name = {name: operator for name, operator, _ in tests}
    if any(by_name[name] != "=" for name in partition):
        raise ValidationError("Query key condition not supported")
    used = [name in by_name for name in sort]
    if used != sorted(used, reverse=True):
        raise ValidationError("sort attributes are given from the left")
    given = [by_name[name] for name in sort if name in by_name]
    if any(operator != "=" for operator in given[:-1]):
        raise ValidationError("only the last sort attribute may have a range")
    for name, _, values in tests:
        if any(
            type_of(value) not in _ORDERED or (name in partition and comparable(value) in ("", b"")) for value in values
        ):
            raise ValidationError("key attributes hold text, numbers and bytes")
    return tests


def key_holds(tests: list[tuple[str, str, list[Mapping[str, Any]]]], item: Mapping[str, Any]) -> bool:
    """Whether an item meets the tests of a key condition."""
    for name, operator, values in tests:
        value = item.get(name)
        if operator == "begins_with":
            met = begins(value, values[0])
        elif operator == "BETWEEN":
            met = ordered(value, ">=", values[0]) and ordered(value, "<=", values[1])
        else:
            met = same(value, values[0]) if operator == "=" else ordered(value, operator, values[0])
        if not met:
            return False
    return True


# Updates


def update(
    expression: str, item: Mapping[str, Any], request: Request, keys: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """What an update expression makes of an item."""
    tokens = Tokens(expression, request)
    actions: list[tuple[str, tuple[str | int, ...], Any]] = []
    seen: set[str] = set()
    while tokens.peek():
        clause = tokens.take("SET", "REMOVE", "ADD", "DELETE").upper()
        if clause in seen:
            raise ValidationError(f"{clause} stands twice")
        seen.add(clause)
        while True:
            path = tokens.path()
            if clause == "SET":
                tokens.take("=")
                tokens.operator()
                actions.append((clause, path, _set_value(tokens)))
            elif clause == "REMOVE":
                actions.append((clause, path, None))
            else:
                actions.append((clause, path, request.value(tokens.take())))
            if tokens.peek() != ",":
                break
            tokens.take()
    _check_paths([path for _, path, _ in actions], keys)
    computed = [
        (clause, path, _compute(operand, item) if clause == "SET" else operand) for clause, path, operand in actions
    ]
    result: dict[str, Any] = deepcopy(dict(item))
    removals: list[tuple[str | int, ...]] = []
    for clause, path, operand in computed:
        if clause == "SET":
            _assign(result, path, operand)
        elif clause == "REMOVE":
            removals.append(path)
        elif clause == "ADD":
            _add(result, path, operand)
        else:
            _take_out(result, path, operand)
    # Positions in lists are those of before, so the later ones go first.
    for path in sorted(
        removals, key=lambda path: [(-part, "") if isinstance(part, int) else (0, part) for part in path]
    ):
        _remove(result, path)
    return result


def _set_value(tokens: Tokens) -> Any:
    left = _set_operand(tokens)
    if tokens.peek() in ("+", "-"):
        operator = tokens.take()
        tokens.operator()
        return (operator, left, _set_operand(tokens))
    return left


def _set_operand(tokens: Tokens) -> Any:
    name = tokens.peek()
    if name in ("if_not_exists", "list_append") and tokens.peek(1) == "(":
        tokens.take()
        tokens.operator()
        tokens.take("(")
        first = _set_operand(tokens)
        tokens.take(",")
        second = _set_operand(tokens)
        tokens.take(")")
        if name == "if_not_exists" and first[0] != "path":
            raise ValidationError("if_not_exists requires a document path")
        if name == "list_append" and "list_append" in (first[0], second[0]):
            raise ValidationError("list_append is not allowed inside of list_append")
        return (name, first, second)
    if name[:1] == ":":
        return ("value", tokens.request.value(tokens.take()))
    return ("path", tokens.path())


def _compute(operand: Any, item: Mapping[str, Any]) -> Mapping[str, Any]:
    match operand:
        case ("value", value):
            return value
        case ("path", path):
            value = follow(item, path)
            if value is MISSING:
                raise ValidationError("the expression refers to an attribute that does not exist in the item")
            return value
        case ("if_not_exists", ("path", path), other):
            value = follow(item, path)
            return _compute(other, item) if value is MISSING else value
        case ("list_append", first, second):
            parts = [_compute(first, item), _compute(second, item)]
            if any(type_of(part) != "L" for part in parts):
                raise ValidationError("an operand in the update expression has an incorrect data type")
            return {"L": [*parts[0]["L"], *parts[1]["L"]]}
        case ("+" | "-" as operator, first, second):
            parts = [_compute(first, item), _compute(second, item)]
            if any(type_of(part) != "N" for part in parts):
                raise ValidationError("an operand in the update expression has an incorrect data type")
            a, b = (Decimal(part["N"]) for part in parts)
            return {"N": _number(a + b if operator == "+" else a - b)}
    raise AssertionError(operand)


def _number(value: Decimal) -> str:
    if len(value.normalize().as_tuple().digits) > 38:
        raise ValidationError("number overflow: attempting to store a number with more than 38 digits")
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def _check_paths(paths: list[tuple[str | int, ...]], keys: frozenset[str]) -> None:
    for place, path in enumerate(paths):
        if path[0] in keys:
            raise ValidationError(f"cannot update attribute {path[0]}: it is part of the key")
        for other in paths[place + 1 :]:
            short, long = sorted((path, other), key=len)
            if long[: len(short)] == short:
                raise ValidationError("two document paths overlap with each other")
            for a, b in zip(path, other, strict=False):
                if type(a) is not type(b):
                    raise ValidationError("two document paths conflict with each other")
                if a != b:
                    break


def _parent(item: dict[str, Any], path: tuple[str | int, ...]) -> Mapping[str, Any]:
    value = follow(item, path[:-1])
    if value is MISSING or type_of(value) != ("L" if isinstance(path[-1], int) else "M"):
        raise ValidationError("the document path provided in the update expression is invalid for update")
    return value


def _assign(item: dict[str, Any], path: tuple[str | int, ...], value: Mapping[str, Any]) -> None:
    content = _parent(item, path)
    last = path[-1]
    if isinstance(last, int):
        if last < len(content["L"]):
            content["L"][last] = value
        else:
            content["L"].append(value)
    elif len(path) == 1:
        item[str(last)] = value
    else:
        content["M"][last] = value


def _remove(item: dict[str, Any], path: tuple[str | int, ...]) -> None:
    content = _parent(item, path)
    last = path[-1]
    if isinstance(last, int):
        del content["L"][last : last + 1]
    elif len(path) == 1:
        item.pop(str(last), None)
    else:
        content["M"].pop(last, None)


def _add(item: dict[str, Any], path: tuple[str | int, ...], value: Mapping[str, Any]) -> None:
    if type_of(value) not in ("N", "SS", "NS", "BS"):
        raise ValidationError(f"incorrect operand type; operator: ADD, operand type: {type_of(value)}")
    old = follow(item, path)
    if old is MISSING:
        _assign(item, path, value)
    elif type_of(old) != type_of(value):
        raise ValidationError("an operand in the update expression has an incorrect data type")
    elif type_of(value) == "N":
        _assign(item, path, {"N": _number(Decimal(old["N"]) + Decimal(value["N"]))})
    else:
        name = type_of(value)
        _assign(item, path, {name: [*dict.fromkeys([*old[name], *value[name]])]})


def _take_out(item: dict[str, Any], path: tuple[str | int, ...], value: Mapping[str, Any]) -> None:
    name = type_of(value)
    if name not in ("SS", "NS", "BS"):
        raise ValidationError(f"incorrect operand type; operator: DELETE, operand type: {name}")
    old = follow(item, path)
    if old is MISSING:
        return
    if type_of(old) != name:
        raise ValidationError("an operand in the update expression has an incorrect data type")
    left = [each for each in old[name] if each not in value[name]]
    if left:
        _assign(item, path, {name: left})
    else:
        _remove(item, path)
