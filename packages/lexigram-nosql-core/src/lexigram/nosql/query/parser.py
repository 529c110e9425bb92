"""From a filter as users write it to its tree.

Every complaint about a filter is made here, with MongoDB's code for it. Constants are taken out as they are met and
leave a :class:`~lexigram.nosql.query.ast.Slot`; the order in which they are met is the order of
:mod:`~lexigram.nosql.query.shape`.
"""

# Filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, cast

from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, NoSQLFilterError, PipelineError
from lexigram.nosql.query.ast import (
    All,
    Always,
    And,
    Bits,
    BitsTest,
    Compare,
    CompareOp,
    ElemMatch,
    Exists,
    Expr,
    In,
    JsonSchema,
    Mod,
    Never,
    Node,
    Nor,
    Not,
    Or,
    Regex,
    SampleRate,
    Size,
    Slot,
    Type,
)
from lexigram.nosql.query.guard import MAX_DEPTH, MAX_NODES, check_path, refuse_operator
from lexigram.nosql.query.jsonschema import compile_schema
from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.query.regex_syntax import regex_flags
from lexigram.nosql.query.shape import expression_putter
from lexigram.nosql.query.suggest import operator_hint, shown
from lexigram.nosql.query.text import parse_text
from lexigram.nosql.values.bson_compat import binary_parts, is_text, regex_parts
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.kinds import ALIASES, INT64_MAX, INT64_MIN, Kind, class_kind, kinds_named
from lexigram.nosql.values.order import number_value
from lexigram.nosql.values.slots import lift

__all__ = ["FIELD_OPERATORS", "TOP_LEVEL_OPERATORS", "Parser"]


def _kind(value: Any) -> Kind | None:
    """Say which BSON type a value has; None if it has none, which is complained about when it becomes a constant."""
    try:
        return class_kind(type(value))
    except DocumentValidationError:
        return None


def _is_number(value: Any) -> bool:
    return _kind(value) in {Kind.INT, Kind.LONG, Kind.DOUBLE, Kind.DECIMAL}


class Parser:
    """Parses one filter.

    Args:
        collation: How strings compare, for what is compiled already here.
        variables: Names of the variables that ``$expr`` may use.

    Attributes:
        constants: What was taken out, by slot.
        regexes: Slots that hold the source of a regular expression, and its options.
    """

    def __init__(self, collation: Collation | None, variables: Collection[str]) -> None:
        self.collation = collation
        self.variables = variables
        self.constants: list[Any] = []
        self.regexes: list[tuple[int, str]] = []
        self._nodes = 0
        self._negations = 0
        self._text_seen = False

    def parse(self, filter: Mapping[str, Any]) -> Node:
        """Parse a filter.

        Args:
            filter: A mapping.

        Returns:
            Its tree, with slots.

        Raises:
            NoSQLFilterError: It is not valid.
        """
        return self._document(filter, "", 0, nested=False)

    def _constant(self, value: Any) -> Slot:
        self.constants.append(value)
        return Slot(len(self.constants) - 1)

    def _enter(self, depth: int, path: str) -> None:
        if depth > MAX_DEPTH:
            raise NoSQLFilterError(
                f"a filter nests at most {MAX_DEPTH} levels; this one is deeper, or contains itself",
                path=path[:100],
                mongo_code=15,
            )
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise NoSQLFilterError(f"a filter has at most {MAX_NODES} conditions", path=path[:100], mongo_code=10334)

    # Documents

    def _document(self, filter: Mapping[str, Any], path: str, depth: int, *, nested: bool) -> Node:
        self._enter(depth, path)
        parts: list[Node] = []
        for name, value in filter.items():
            key = check_path(name, path)
            if key[:1] == "$":
                node = self._top_level(key, value, f"{path}.{key}" if path else key, depth, nested)
                if node is not None:
                    parts.append(node)
            else:
                parts.extend(self._field(key, value, path, depth, nested))
        return _conjunction(parts)

    def _top_level(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node | None:
        handler = _TOP_LEVEL.get(name)
        if handler is None:
            refuse_operator(name, path)
            hint = operator_hint(name, TOP_LEVEL_OPERATORS)
            if name == "$not":
                hint = "to negate a whole expression use $nor: [expression]"
            elif name in FIELD_OPERATORS:
                hint = f"{name} belongs inside a field: {{'field': {{'{name}': ...}}}}"
            raise NoSQLFilterError(f"unknown top level operator: {name[:64]}", hint=hint, path=path, mongo_code=2)
        return handler(self, name, value, path, depth, nested)

    def _logical(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        if not isinstance(value, list | tuple):
            raise NoSQLFilterError(f"{name} must be an array, not {shown(value)}", path=path, mongo_code=2)
        if not value:
            raise NoSQLFilterError(f"{name} must be a nonempty array", path=path, mongo_code=2)
        parts: list[Node] = []
        negated = name == "$nor"
        self._negations += negated
        for index, item in enumerate(value):
            if not isinstance(item, Mapping):
                raise NoSQLFilterError(
                    f"{name} entries need to be full objects, not {shown(item)}", path=f"{path}.{index}", mongo_code=2
                )
            parts.append(self._document(cast("Mapping[str, Any]", item), f"{path}.{index}", depth + 1, nested=nested))
        self._negations -= negated
        if name == "$and":
            return _conjunction(parts)
        return Or(tuple(parts)) if name == "$or" else Nor(tuple(parts))

    def _comment(self, name: str, value: Any, path: str, depth: int, nested: bool) -> None:
        return None

    def _expr(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        _top_only(name, path, nested)
        # Expressions live beside pipelines, which use filters in $match: the import has to wait until both are there.
        from lexigram.nosql.aggregation.expressions import compile_expression

        start = len(self.constants)
        slots: list[tuple[str, int]] = []
        lifted = lift(value, expression_putter(self.constants, slots))
        if slots:
            try:
                compiled = compile_expression(lifted, variables=self.variables, collation=self.collation)
                return Expr(lifted, compiled.evaluate, tuple(slots))
            except NoSQLError:  # what is told of an error is told of what was written
                del self.constants[start:]
        try:
            compiled = compile_expression(value, variables=self.variables, collation=self.collation)
        except (PipelineError, DocumentValidationError) as error:
            raise NoSQLFilterError(
                f"$expr: {error.message}", hint=error.hint, path=path, mongo_code=error.mongo_code
            ) from error
        return Expr(value, compiled.evaluate)

    def _json_schema(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        return JsonSchema(value, compile_schema(value, path))

    def _text(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        _top_only(name, path, nested)
        if self._negations:
            raise NoSQLFilterError("$text cannot stand in $nor", hint="search with '-word'", path=path, mongo_code=2)
        if self._text_seen:
            raise NoSQLFilterError("a filter has at most one $text", path=path, mongo_code=2)
        self._text_seen = True
        return parse_text(value)

    def _sample_rate(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        _top_only(name, path, nested)
        if not _is_number(value):
            raise NoSQLFilterError("argument to $sampleRate must be a number", path=path, mongo_code=2)
        rate = float(number_value(value))
        if not 0.0 <= rate <= 1.0:
            raise NoSQLFilterError("argument to $sampleRate must be from 0 to 1", path=path, mongo_code=2)
        return Never() if rate == 0.0 else Always() if rate == 1.0 else SampleRate(rate)

    def _always(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        if not _is_number(value) or number_value(value) != 1:
            raise NoSQLFilterError(f"{name} must be an integer value of 1", path=path, mongo_code=9)
        return Always() if name == "$alwaysTrue" else Never()

    def _reference(self, name: str, value: Any, path: str, depth: int, nested: bool) -> Node:
        return Compare(name, "$eq", self._constant(value))

    # Fields

    def _field(self, key: str, value: Any, path: str, depth: int, nested: bool) -> Iterator[Node]:
        where = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and _is_operators(value, complete=True):
            yield from self._operators(key, cast("Mapping[str, Any]", value), where, depth + 1)
        elif _kind(value) is Kind.REGEX:
            yield self._regex_value(key, value)
        else:
            yield Compare(key, "$eq", self._constant(value))

    def _regex_value(self, key: str | None, value: Any) -> Regex:
        source, options = regex_parts(value)
        compile_regex(source, options.replace("l", ""), boolean=True)
        return Regex(key, source, options.replace("l", ""))

    def _operators(self, key: str | None, operators: Mapping[str, Any], path: str, depth: int) -> Iterator[Node]:
        self._enter(depth, path)
        for name, value in operators.items():
            where = f"{path}.{name}"
            handler = _FIELD.get(name)
            if handler is None:
                self._unknown(name, where)
            else:
                node = handler(self, key, name, value, operators, where, depth)
                if node is not None:
                    yield node

    def _unknown(self, name: Any, path: str) -> None:
        check_path(name, path)
        refuse_operator(name, path)
        hint = operator_hint(name, FIELD_OPERATORS)
        if name[:1] != "$":
            hint = "operators and fields do not mix; write the field as a dotted path, or compare with $eq"
        elif name in _TOP_LEVEL:
            hint = f"{name} stands beside fields, not inside one"
        raise NoSQLFilterError(f"unknown operator: {name[:64]}", hint=hint, path=path, mongo_code=2)

    def _compare(
        self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int
    ) -> Node:
        if name != "$eq" and _kind(value) is Kind.REGEX:
            raise NoSQLFilterError(
                f"{name} cannot compare with a regular expression",
                hint="negate a regular expression with $not",
                path=path,
                mongo_code=2,
            )
        slot = self._constant(value)
        if name == "$ne":
            return Not(Compare(key, "$eq", slot))
        return Compare(key, cast("CompareOp", name), slot)

    def _in(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        if not isinstance(value, list | tuple):
            raise NoSQLFilterError(f"{name} needs an array, not {shown(value)}", path=path, mongo_code=2)
        regexes: list[Regex] = []
        plain: list[Any] = []
        for index, item in enumerate(value):
            if isinstance(item, Mapping) and _is_operators(item, complete=True):
                raise NoSQLFilterError(
                    f"cannot nest $ under {name}",
                    hint="write one condition per operator under $or",
                    path=f"{path}.{index}",
                    mongo_code=2,
                )
            if _kind(item) is Kind.REGEX:
                regexes.append(self._regex_value(key, item))
            else:
                plain.append(item)
        node = In(key, cast("Any", self._constant(plain if regexes else value)), tuple(regexes))
        return Not(node) if name == "$nin" else node

    def _exists(
        self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int
    ) -> Node:
        absent = value is None or value is False or (_is_number(value) and number_value(value) == 0)
        return Exists(key, not absent)

    def _type(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        kinds: set[Kind] = set()
        items = value if isinstance(value, list | tuple) else [value]
        if not items:
            raise NoSQLFilterError("$type must match at least one type", path=path, mongo_code=9)
        for item in items:
            kinds |= parse_kind(item, path)
        return Type(key, frozenset(kinds))

    def _regex(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        given: Any = context.get("$options", "")
        if not is_text(given):
            raise NoSQLFilterError("$options has to be a string", path=path, mongo_code=2)
        regex_flags(given)
        options = "".join(sorted(set(given)))
        if _kind(value) is Kind.REGEX:
            source, own = regex_parts(value)
            own = own.replace("l", "")
            if own and "$options" in context:
                first = next(name for name in context if name in {"$regex", "$options"})
                if given or first == "$regex":
                    raise NoSQLFilterError(
                        "options set in both $regex and $options",
                        path=path,
                        mongo_code=51075 if first == "$regex" else 51074,
                    )
            node = Regex(key, source, own or options)
            compile_regex(node.source, node.options, boolean=True)
            return node
        if type(value) is not str:
            raise NoSQLFilterError(f"$regex has to be a string, not {shown(value)}", path=path, mongo_code=2)
        slot = self._constant(value)
        self.regexes.append((slot.index, options))
        return Regex(key, cast("Any", slot), options)

    def _options(
        self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int
    ) -> None:
        if "$regex" not in context:
            raise NoSQLFilterError("$options needs a $regex", path=path, mongo_code=2)

    def _mod(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        if not isinstance(value, list | tuple):
            raise NoSQLFilterError("malformed mod, needs to be an array", path=path, mongo_code=2)
        if len(value) != 2:
            much = "not enough" if len(value) < 2 else "too many"
            raise NoSQLFilterError(f"malformed mod, {much} elements", path=path, mongo_code=2)
        numbers = [_truncated(item, what, path) for item, what in zip(value, ("divisor", "remainder"), strict=True)]
        if numbers[0] == 0:
            raise NoSQLFilterError("divisor cannot be 0", path=path, mongo_code=2)
        return Mod(key, numbers[0], numbers[1])

    def _size(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        size = _whole(value, "$size", path, 2)
        if size < 0:
            raise NoSQLFilterError(f"Failed to parse $size. {size} is negative", path=path, mongo_code=2)
        if size >= 2**31:
            raise NoSQLFilterError(f"Failed to parse $size. {size} does not fit in 32 bits", path=path, mongo_code=2)
        return Size(key, size)

    def _bits(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        positions: list[int] = []
        if isinstance(value, list | tuple):
            for item in value:
                position = _whole(item, f"{name}: a bit position", path, 2)
                if not 0 <= position < 2**31:
                    raise NoSQLFilterError(
                        f"{name}: bit positions are from 0 to 2**31 - 1, not {shown(item)}", path=path, mongo_code=2
                    )
                positions.append(position)
        elif _is_number(value):
            mask = _whole(value, f"{name}: a bit mask", path, 9)
            if mask < 0:
                raise NoSQLFilterError(f"{name}: a bit mask is not negative: {shown(value)}", path=path, mongo_code=9)
            positions = [bit for bit in range(63) if mask >> bit & 1]
        elif _kind(value) is Kind.BINARY:
            content: bytes = value.bytes if hasattr(value, "bytes") else binary_parts(value)[1]
            positions = [8 * at + bit for at, byte in enumerate(content) if byte for bit in range(8) if byte >> bit & 1]
        else:
            raise NoSQLFilterError(
                f"{name} takes an array of positions, a number or binary data, not {shown(value)}",
                path=path,
                mongo_code=2,
            )
        return Bits(key, cast("BitsTest", name), tuple(sorted(set(positions))))

    def _not(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        if _kind(value) is Kind.REGEX:
            return Not(self._regex_value(key, value))
        if not isinstance(value, Mapping):
            raise NoSQLFilterError(
                f"$not needs a regex or a document, not {shown(value)}", hint="use $ne", path=path, mongo_code=2
            )
        if not value:
            raise NoSQLFilterError("$not cannot be empty", path=path, mongo_code=2)
        return Not(_conjunction(list(self._operators(key, cast("Mapping[str, Any]", value), path, depth + 1))))

    def _elem_match(
        self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int
    ) -> Node:
        if not isinstance(value, Mapping):
            raise NoSQLFilterError(f"$elemMatch needs an Object, not {shown(value)}", path=path, mongo_code=2)
        condition = cast("Mapping[str, Any]", value)
        first = next(iter(condition), "")
        if _is_operators(condition, complete=False) and first not in _TOP_LEVEL:
            parts = list(self._operators(None, condition, path, depth + 1))
            return ElemMatch(key, _conjunction(parts), True)
        return ElemMatch(key, self._document(condition, path, depth + 1, nested=True), False)

    def _all(self, key: str | None, name: str, value: Any, context: Mapping[str, Any], path: str, depth: int) -> Node:
        if not isinstance(value, list | tuple):
            raise NoSQLFilterError(f"$all needs an array, not {shown(value)}", path=path, mongo_code=2)
        matches = bool(value) and _first_key(value[0]) == "$elemMatch"
        items: list[Node] = []
        for index, item in enumerate(value):
            where = f"{path}.{index}"
            if matches:
                if _first_key(item) != "$elemMatch":
                    raise NoSQLFilterError("$all/$elemMatch has to be consistent", path=where, mongo_code=2)
                items.append(self._elem_match(key, name, item["$elemMatch"], {}, where, depth))
            elif _kind(item) is Kind.REGEX:
                items.append(self._regex_value(key, item))
            elif _first_key(item) in _FIELD:
                raise NoSQLFilterError("no $ expressions in $all", path=where, mongo_code=2)
            else:
                items.append(Compare(key, "$eq", self._constant(item)))
        return All(key, tuple(items))


def _conjunction(parts: list[Node]) -> Node:
    flat: list[Node] = []
    for part in parts:
        if isinstance(part, And):
            flat.extend(part.parts)
        elif not isinstance(part, Always):
            flat.append(part)
    if not flat:
        return Always()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def _top_only(name: str, path: str, nested: bool) -> None:
    if nested:
        raise NoSQLFilterError(f"{name} can only be applied to the top-level document", path=path, mongo_code=2)


def _first_key(value: Any) -> Any:
    return next(iter(value), None) if isinstance(value, Mapping) else None


def _is_operators(value: Mapping[Any, Any], *, complete: bool) -> bool:
    """Say whether a document holds operators, rather than being a value to compare with.

    A database reference is such a value although its names begin with ``$``.

    Args:
        value: The document.
        complete: Whether a reference must have both ``$ref`` and ``$id``.
    """
    first = next(iter(value), None)
    if not isinstance(first, str) or first[:1] != "$":
        return False
    if complete:
        return not ("$ref" in value and "$id" in value)
    return not ("$ref" in value or "$id" in value or "$db" in value)


def parse_kind(value: Any, path: str) -> frozenset[Kind]:
    """Read one type as ``$type`` takes it.

    Args:
        value: A name or a number.
        path: Where it stands, for the error.

    Returns:
        The types meant.

    Raises:
        NoSQLFilterError: There is no such type.
    """
    if is_text(value):
        kinds = kinds_named(value)
        if kinds is None:
            raise NoSQLFilterError(
                f"Unknown type name alias: {value[:64]}",
                hint=operator_hint(value, _TYPE_NAMES),
                path=path,
                mongo_code=2,
            )
        return kinds
    if not _is_number(value):
        raise NoSQLFilterError(
            f"a type is a number or a name, not {shown(value)}", hint="such as 'string' or 2", path=path, mongo_code=14
        )
    number = number_value(value)
    if number not in _TYPE_NUMBERS:
        hint = "to find documents without a field use $exists: false" if number == 0 else None
        raise NoSQLFilterError(f"Invalid numerical type code: {shown(value)}", hint=hint, path=path, mongo_code=2)
    return frozenset({Kind(int(number))})


_TYPE_NUMBERS: Final = frozenset(Kind) - {Kind.MISSING}
_TYPE_NAMES: Final = (*ALIASES, "number")


def _whole(value: Any, what: str, path: str, code: int) -> int:
    """Read a number that must be a whole one within 64 bits."""
    if not _is_number(value):
        raise NoSQLFilterError(f"{what}: expected a number, not {shown(value)}", path=path, mongo_code=code)
    number = number_value(value)
    if isinstance(number, int):
        whole = int(number)
    else:
        if math.isnan(number):
            raise NoSQLFilterError(f"{what}: expected an integer, but found NaN", path=path, mongo_code=code)
        if not -(2**63) <= number < 2**63:
            raise NoSQLFilterError(f"{what}: cannot represent {shown(value)} in 64 bits", path=path, mongo_code=code)
        whole = int(number)
        if whole != number:
            raise NoSQLFilterError(f"{what}: expected an integer, not {shown(value)}", path=path, mongo_code=code)
    if not INT64_MIN <= whole <= INT64_MAX:
        raise NoSQLFilterError(f"{what}: cannot represent {shown(value)} in 64 bits", path=path, mongo_code=code)
    return whole


def _truncated(value: Any, what: str, path: str) -> int:
    if not _is_number(value):
        raise NoSQLFilterError(f"malformed mod, {what} not a number: {shown(value)}", path=path, mongo_code=2)
    number = number_value(value)
    if not isinstance(number, int) and not math.isfinite(number):
        raise NoSQLFilterError(
            f"malformed mod, {what} value is invalid: NaN and infinity are no integers", path=path, mongo_code=2
        )
    if not -(2**63) <= number < 2**63:
        raise NoSQLFilterError(f"malformed mod, {what} value is invalid: out of 64 bits", path=path, mongo_code=2)
    return int(number)


_TopLevel = Callable[[Parser, str, Any, str, int, bool], Node | None]
_Field = Callable[[Parser, str | None, str, Any, Mapping[str, Any], str, int], Node | None]

# pyright: reportPrivateUsage=false
_TOP_LEVEL: Final[Mapping[str, _TopLevel]] = {
    **dict.fromkeys(("$and", "$or", "$nor"), Parser._logical),
    "$comment": Parser._comment,
    "$expr": Parser._expr,
    "$jsonSchema": Parser._json_schema,
    "$text": Parser._text,
    "$sampleRate": Parser._sample_rate,
    **dict.fromkeys(("$alwaysTrue", "$alwaysFalse"), Parser._always),
    **dict.fromkeys(("$ref", "$id", "$db"), Parser._reference),
}
_FIELD: Final[Mapping[str, _Field]] = {
    **dict.fromkeys(("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), Parser._compare),
    **dict.fromkeys(("$in", "$nin"), Parser._in),
    "$exists": Parser._exists,
    "$type": Parser._type,
    "$regex": Parser._regex,
    "$options": Parser._options,
    "$mod": Parser._mod,
    "$size": Parser._size,
    **dict.fromkeys(("$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear"), Parser._bits),
    "$not": Parser._not,
    "$elemMatch": Parser._elem_match,
    "$all": Parser._all,
}

TOP_LEVEL_OPERATORS: Final = tuple(_TOP_LEVEL)
"""Operators that stand beside fields."""

FIELD_OPERATORS: Final = tuple(_FIELD)
"""Operators that stand inside a field."""
