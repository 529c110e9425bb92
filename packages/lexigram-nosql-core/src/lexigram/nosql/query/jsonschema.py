"""``$jsonSchema``: JSON Schema draft 4 as MongoDB takes it (manual, "$jsonSchema").

A schema is compiled once to a function from a value to whether it is valid. As in draft 4, a keyword speaks of one
type only and holds for values of all others: ``minimum`` of numbers, ``properties`` of objects, and so on. MongoDB
adds ``bsonType``, leaves out ``$ref``, ``$schema``, ``default``, ``definitions``, ``format`` and ``id``, and does not
know the type ``integer``. Unknown keywords are refused.
"""

# Schemas are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from lexigram.nosql.exceptions import DocumentValidationError, NoSQLFilterError
from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.kinds import NUMBER_KINDS, Kind, class_kind, kind_of, kinds_named
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.order import number_value, sort_key
from lexigram.nosql.values.path import MISSING

__all__ = ["KEYWORDS", "compile_schema"]

Check = Callable[[Any], bool]
Schema = Mapping[str, Any]

_MAX_DEPTH: Final = 100
_UNSUPPORTED: Final = frozenset({"$ref", "$schema", "default", "definitions", "format", "id"})
_TYPES: Final[Mapping[str, frozenset[Kind]]] = {
    "array": frozenset({Kind.ARRAY}),
    "boolean": frozenset({Kind.BOOL}),
    "null": frozenset({Kind.NULL}),
    "number": NUMBER_KINDS,
    "object": frozenset({Kind.OBJECT}),
    "string": frozenset({Kind.STRING}),
}


def compile_schema(schema: Any, path: str = "$jsonSchema") -> Check:
    """Compile a schema.

    Args:
        schema: A mapping of keywords.
        path: Where it stands, for errors.

    Returns:
        A function from a document to whether it is valid.

    Raises:
        NoSQLFilterError: The schema is not valid.
    """
    return _schema(schema, path, 0)


def _fail(message: str, path: str, code: int, hint: str | None = None) -> NoSQLFilterError:
    return NoSQLFilterError(f"$jsonSchema: {message}", hint=hint, path=path, mongo_code=code)


def _schema(schema: Any, path: str, depth: int) -> Check:
    if not isinstance(schema, Mapping):
        raise _fail(f"a schema is an object, not {type(schema).__qualname__}", path, 14)
    if depth > _MAX_DEPTH:
        raise _fail(f"schemas nest at most {_MAX_DEPTH} levels", path[:100], 15)
    checks: list[Check] = []
    for name, value in schema.items():
        compiler = _COMPILERS.get(name) if isinstance(name, str) else None
        if compiler is None:
            raise _unknown(name, path)
        check = compiler(value, schema, f"{path}.{name}", depth)
        if check is not None:
            checks.append(check)
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _unknown(name: Any, path: str) -> NoSQLFilterError:
    if isinstance(name, str) and name in _UNSUPPORTED:
        return _fail(f"the keyword {name!r} is not supported", path, 9)
    shown = str(name)[:64]
    return _fail(f"unknown keyword {shown!r}", path, 9, operator_hint(shown, KEYWORDS))


# Arguments


def _whole(value: Any, path: str) -> int:
    if not _is_number(value):
        raise _fail("the keyword takes a number", path, 9)
    number = number_value(value)
    if not math.isfinite(number) or number != int(number) or not 0 <= number < 2**63:
        raise _fail("the keyword takes a whole number, zero or more", path, 9)
    return int(number)


def _is_number(value: Any) -> bool:
    try:
        return class_kind(type(value)) in NUMBER_KINDS
    except DocumentValidationError:
        return False


def _bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _fail("the keyword is true or false", path, 14)
    return value


def _schemas(value: Any, path: str, depth: int) -> list[Check]:
    if not isinstance(value, list | tuple):
        raise _fail("the keyword takes an array of schemas", path, 14)
    if not value:
        raise _fail("the keyword takes at least one schema", path, 2)
    return [_schema(item, f"{path}.{index}", depth + 1) for index, item in enumerate(value)]


def _names(value: Any, path: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(is_text(item) for item in value):
        raise _fail("the keyword takes an array of field names", path, 14)
    if not value:
        raise _fail("the keyword takes at least one field name", path, 9)
    if len(set(value)) < len(value):
        raise _fail("a field name stands twice", path, 9)
    return list(value)


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _fail("the keyword takes an object", path, 14)
    for name in value:
        if not isinstance(name, str):
            raise _fail("field names are text", path, 14)
    return value


# Types


def _type(value: Any, schema: Schema, path: str, depth: int) -> Check:
    if "bsonType" in schema:
        raise _fail("type and bsonType exclude each other", path, 9)
    kinds: set[Kind] = set()
    for name in _type_names(value, path):
        if name == "integer":
            raise _fail("the type 'integer' is not supported", path, 9, "use bsonType: ['int', 'long']")
        if name not in _TYPES:
            raise _fail(f"unknown type {name[:64]!r}", path, 2, operator_hint(name, _TYPES))
        kinds |= _TYPES[name]
    return _of_kinds(frozenset(kinds))


def _bson_type(value: Any, schema: Schema, path: str, depth: int) -> Check:
    kinds: set[Kind] = set()
    for name in _type_names(value, path):
        found = kinds_named(name)
        if found is None:
            raise _fail(f"unknown bsonType {name[:64]!r}", path, 2)
        kinds |= found
    return _of_kinds(frozenset(kinds))


def _type_names(value: Any, path: str) -> list[str]:
    names = value if isinstance(value, list | tuple) else [value]
    if not all(is_text(name) for name in names):
        raise _fail("a type is a name or an array of names", path, 14)
    if not names:
        raise _fail("the keyword takes at least one type", path, 9)
    if len(set(names)) < len(names):
        raise _fail("a type stands twice", path, 9)
    return list(names)


def _of_kinds(kinds: frozenset[Kind]) -> Check:
    return lambda value: kind_of(value) in kinds


# Numbers


def _limit(maximum: bool) -> Callable[[Any, Schema, str, int], Check]:
    exclusive_name = "exclusiveMaximum" if maximum else "exclusiveMinimum"

    def compiler(value: Any, schema: Schema, path: str, depth: int) -> Check:
        if not _is_number(value):
            raise _fail("the keyword takes a number", path, 14)
        exclusive = _bool(schema.get(exclusive_name, False), f"{path[: path.rfind('.')]}.{exclusive_name}")
        key = sort_key(value)

        def check(item: Any) -> bool:
            place = sort_key(item)
            if place[0] not in (9, 10):
                return True
            if place[0] != key[0]:
                return False  # NaN is neither above nor below
            if place == key:
                return not exclusive
            return place < key if maximum else place > key

        return check

    return compiler


def _exclusive(partner: str) -> Callable[[Any, Schema, str, int], None]:
    def compiler(value: Any, schema: Schema, path: str, depth: int) -> None:
        _bool(value, path)
        if partner not in schema:
            raise _fail(f"the keyword needs {partner} beside it", path, 9)

    return compiler


def _fraction(value: Any) -> Fraction | None:
    number = number_value(value)
    if not math.isfinite(number):
        return None
    # MongoDB divides decimals, and a double becomes a decimal of 15 digits: 0.3 is a multiple of 0.1.
    return Fraction(Decimal(f"{number:.15g}") if isinstance(number, float) else number)


def _multiple_of(value: Any, schema: Schema, path: str, depth: int) -> Check:
    if not _is_number(value):
        raise _fail("the keyword takes a number", path, 14)
    divisor = _fraction(value)
    if divisor is None or divisor <= 0:
        raise _fail("the keyword takes a number above zero", path, 9)

    def check(item: Any) -> bool:
        if not _is_number(item):
            return True
        number = _fraction(item)
        return number is not None and number % divisor == 0

    return check


# Text


def _length(minimum: bool, kind: type[Any]) -> Callable[[Any, Schema, str, int], Check]:
    def compiler(value: Any, schema: Schema, path: str, depth: int) -> Check:
        size = _whole(value, path)

        def check(item: Any) -> bool:
            return type(item) is not kind or (len(item) >= size if minimum else len(item) <= size)

        return check

    return compiler


def _pattern(value: Any, schema: Schema, path: str, depth: int) -> Check:
    if not is_text(value):
        raise _fail("the keyword takes a regular expression, as text", path, 14)
    matches = compile_regex(value, boolean=True).matches
    return lambda item: type(item) is not str or matches(item)


# Objects


def _required(value: Any, schema: Schema, path: str, depth: int) -> Check:
    names = frozenset(_names(value, path))
    return lambda item: type(item) is not dict or names <= item.keys()


def _properties(value: Any, schema: Schema, path: str, depth: int) -> Check:
    checks = {name: _schema(item, f"{path}.{name}", depth + 1) for name, item in _mapping(value, path).items()}

    def check(item: Any) -> bool:
        if type(item) is dict:
            for name, valid in checks.items():
                part = item.get(name, MISSING)
                if part is not MISSING and not valid(part):
                    return False
        return True

    return check


def _patterns(schema: Schema, path: str, depth: int) -> list[tuple[Callable[[str], bool], Check]]:
    patterns = _mapping(schema.get("patternProperties", {}), path)
    return [
        (compile_regex(source, boolean=True).matches, _schema(item, f"{path}.{source}", depth + 1))
        for source, item in patterns.items()
    ]


def _pattern_properties(value: Any, schema: Schema, path: str, depth: int) -> Check:
    patterns = _patterns(schema, path, depth)

    def check(item: Any) -> bool:
        return type(item) is not dict or all(
            valid(part) for name, part in item.items() for matches, valid in patterns if matches(name)
        )

    return check


def _additional_properties(value: Any, schema: Schema, path: str, depth: int) -> Check | None:
    if not isinstance(value, bool) and not isinstance(value, Mapping):
        raise _fail("the keyword is true, false or a schema", path, 14)
    if value is True:
        return None
    valid = None if value is False else _schema(value, path, depth + 1)
    known = frozenset(_mapping(schema.get("properties", {}), path))
    patterns = [matches for matches, _ in _patterns(schema, path, depth)]

    def check(item: Any) -> bool:
        if type(item) is not dict:
            return True
        for name, part in item.items():
            if name in known or any(matches(name) for matches in patterns):
                continue
            if valid is None or not valid(part):
                return False
        return True

    return check


def _dependencies(value: Any, schema: Schema, path: str, depth: int) -> Check:
    checks: dict[str, Check] = {}
    for name, item in _mapping(value, path).items():
        where = f"{path}.{name}"
        if isinstance(item, Mapping):
            checks[name] = _schema(item, where, depth + 1)
        else:
            checks[name] = _required(item, schema, where, depth)

    def check(item: Any) -> bool:
        return type(item) is not dict or all(valid(item) for name, valid in checks.items() if name in item)

    return check


# Arrays


def _items(value: Any, schema: Schema, path: str, depth: int) -> Check:
    if isinstance(value, list | tuple):
        checks = [_schema(item, f"{path}.{index}", depth + 1) for index, item in enumerate(value)]
        return lambda item: (
            type(item) is not list or all(valid(part) for valid, part in zip(checks, item, strict=False))
        )
    valid = _schema(value, path, depth + 1)
    return lambda item: type(item) is not list or all(valid(part) for part in item)


def _additional_items(value: Any, schema: Schema, path: str, depth: int) -> Check | None:
    if not isinstance(value, bool) and not isinstance(value, Mapping):
        raise _fail("the keyword is true, false or a schema", path, 14)
    valid = None if isinstance(value, bool) else _schema(value, path, depth + 1)
    given = schema.get("items")
    if value is True or not isinstance(given, list | tuple):
        return None
    start = len(given)
    if valid is None:
        return lambda item: type(item) is not list or len(item) <= start
    return lambda item: type(item) is not list or all(valid(part) for part in item[start:])


def _place(value: Any) -> Any:
    """Give something hashable that is equal for values equal to a schema, which ignores the order of fields."""
    if type(value) is dict:
        return 20, frozenset([(name, _place(item)) for name, item in value.items()])
    if type(value) is list:
        return 25, tuple([_place(item) for item in value])
    return sort_key(value)


def _unique_items(value: Any, schema: Schema, path: str, depth: int) -> Check | None:
    if not _bool(value, path):
        return None
    return lambda item: type(item) is not list or len({_place(part) for part in item}) == len(item)


def _enum(value: Any, schema: Schema, path: str, depth: int) -> Check:
    if not isinstance(value, list | tuple):
        raise _fail("the keyword takes an array of values", path, 14)
    if not value:
        raise _fail("the keyword takes at least one value", path, 9)
    try:
        values = [_place(normalise_value(item, path=path)) for item in value]
    except DocumentValidationError as error:
        raise _fail(error.message, path, 2, error.hint) from error
    allowed = frozenset(values)
    if len(allowed) < len(values):
        raise _fail("a value stands twice", path, 9)
    return lambda item: _place(item) in allowed


# Combinations and annotations


def _all_of(value: Any, schema: Schema, path: str, depth: int) -> Check:
    checks = _schemas(value, path, depth)
    return lambda item: all(check(item) for check in checks)


def _any_of(value: Any, schema: Schema, path: str, depth: int) -> Check:
    checks = _schemas(value, path, depth)
    return lambda item: any(check(item) for check in checks)


def _one_of(value: Any, schema: Schema, path: str, depth: int) -> Check:
    checks = _schemas(value, path, depth)
    return lambda item: sum([check(item) for check in checks]) == 1


def _not(value: Any, schema: Schema, path: str, depth: int) -> Check:
    check = _schema(value, path, depth + 1)
    return lambda item: not check(item)


def _annotation(value: Any, schema: Schema, path: str, depth: int) -> None:
    if not is_text(value):
        raise _fail("the keyword takes text", path, 14)


_COMPILERS: Final[Mapping[str, Callable[[Any, Schema, str, int], Check | None]]] = {
    "additionalItems": _additional_items,
    "additionalProperties": _additional_properties,
    "allOf": _all_of,
    "anyOf": _any_of,
    "bsonType": _bson_type,
    "dependencies": _dependencies,
    "description": _annotation,
    "enum": _enum,
    "exclusiveMaximum": _exclusive("maximum"),
    "exclusiveMinimum": _exclusive("minimum"),
    "items": _items,
    "maximum": _limit(True),
    "maxItems": _length(False, list),
    "maxLength": _length(False, str),
    "maxProperties": _length(False, dict),
    "minimum": _limit(False),
    "minItems": _length(True, list),
    "minLength": _length(True, str),
    "minProperties": _length(True, dict),
    "multipleOf": _multiple_of,
    "not": _not,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "properties": _properties,
    "required": _required,
    "title": _annotation,
    "type": _type,
    "uniqueItems": _unique_items,
}

KEYWORDS: Final = tuple(_COMPILERS)
"""Keywords that a schema may hold."""
