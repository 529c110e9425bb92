"""In which forms a constant may be stored, so that equality with it is equality with one of them.

The engine takes ``5``, ``5.0``, ``Decimal("5.0")`` and ``Int64(5)`` for equal. Firestore compares ints and doubles by
value, and knows nothing of the maps that stand for the others; those are found by the number that stands beside their
text (:data:`~lexigram.nosql.backends.firestore.codec.tags.NUMBER`), which selects a superset.
"""

# Messages of protobuf have no types, and neither have the values of documents.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from lexigram.nosql.backends.firestore.codec import tags
from lexigram.nosql.backends.firestore.codec.encoding import encode_value
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.planning.hints import ANYTHING, INDEXED_BYTES, FieldHint
from lexigram.nosql.backends.firestore.planning.terms import Conjunction, Term
from lexigram.nosql.values.bson_compat import BsonTag, binary_parts, bson_tag
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, NUMBER_KINDS, class_kind
from lexigram.nosql.values.order import number_value

__all__ = [
    "double",
    "elements_equal",
    "fits_index",
    "is_finite_number",
    "is_number",
    "long_value",
    "nearest_double",
    "plain_number",
    "scalar_equal",
    "tagged",
]

_EXACT_DOUBLES: Final = 2**53


def fits_index(value: str | bytes) -> bool:
    """True when an index holds all of a value, so that none that is cut compares equal to it."""
    if len(value) * 4 < INDEXED_BYTES:
        return True
    return len(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value) < INDEXED_BYTES


def is_number(value: Any) -> bool:
    """True for every number of BSON."""
    cls = type(value)
    return cls is int or cls is float or (cls is not bool and class_kind(cls) in NUMBER_KINDS)


def is_finite_number(value: Any) -> bool:
    """True for every number but NaN; infinities are counted in."""
    return is_number(value) and not _is_nan(number_value(value))


def _is_nan(number: float | Decimal) -> bool:
    return number.is_nan() if isinstance(number, Decimal) else number != number


def is_small(value: Any) -> bool:
    """True for a number that an int and a double both hold exactly, so that Firestore compares it exactly."""
    number = number_value(value)
    return -_EXACT_DOUBLES <= number <= _EXACT_DOUBLES


def plain_number(value: Any) -> Any | None:
    """The ``integer_value`` or ``double_value`` that equals a number exactly; None where there is none."""
    number = number_value(value)
    if isinstance(number, float):
        return double(number)
    if isinstance(number, Decimal):
        if not number.is_finite():
            return double(float(number))
        if number.adjusted() > 400 or number.adjusted() < -400:
            return double(0.0) if number == 0 else None
        if number == number.to_integral_value() and INT64_MIN <= number <= INT64_MAX:
            return Value(integer_value=int(number))
        nearest = float(number)
        return double(nearest) if math.isfinite(nearest) and Fraction(nearest) == Fraction(number) else None
    return Value(integer_value=int(number))


def double(number: float) -> Any:
    """A ``double_value``."""
    return Value(double_value=number)


def nearest_double(value: Any) -> float:
    """The double next to a number, as it stands beside a decimal."""
    number = number_value(value)
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def long_value(value: Any) -> int | None:
    """The int that a number is equal to, where there is one of 64 bits."""
    number = number_value(value)
    if not isinstance(number, int):
        if not math.isfinite(number) or not -(2.0**64) < number < 2.0**64 or number != math.floor(number):
            return None
        number = int(number)
    return number if INT64_MIN <= number <= INT64_MAX else None


def tagged(path: str, tag: str) -> str:
    """The path of an entry of a map that stands for a value."""
    return f"{path}.`{tag}`"


def scalar_equal(path: str, value: Any, hint: FieldHint) -> tuple[list[Conjunction], bool] | None:
    """Ask whether a field holds a constant, not counting elements of arrays.

    Args:
        path: Of the field, as requests write it.
        value: A constant, neither null nor a container.
        hint: What the field may hold.

    Returns:
        Alternatives, and whether they are exact; None where Firestore cannot be asked.
    """
    kinds = hint.kinds
    if is_number(value):
        if not is_finite_number(value):
            return _nan_equal(path, kinds)
        found: list[Conjunction] = []
        exact = True
        if kinds & {"int", "float"}:
            plain = plain_number(value)
            if plain is not None:
                found.append((Term(path, "==", (plain,)),))
                exact = is_small(value)
        if kinds & {"decimal", "other"}:
            found.append((Term(tagged(path, tags.NUMBER), "==", (double(nearest_double(value)),)),))
            exact = False
        if "other" in kinds and (long := long_value(value)) is not None:
            found.append((Term(tagged(path, tags.LONG), "==", (Value(integer_value=long),)),))
        return found, exact
    forms = _forms(value, kinds)
    if forms is None:
        return None
    return [(Term(path, "==", (form,)),) for form in forms], True


def _nan_equal(path: str, kinds: frozenset[str]) -> tuple[list[Conjunction], bool] | None:
    if kinds & {"decimal", "other"}:
        return None  # an equality with NaN finds no double beside a decimal
    return ([(Term(path, "is-nan"),)], True) if "nan" in kinds else ([], True)


def elements_equal(path: str, value: Any, hint: FieldHint) -> tuple[list[Conjunction], bool] | None:
    """Ask whether a field holds an array with a constant among its elements; see :func:`scalar_equal`."""
    kinds = hint.elements
    forms: list[Any] | None
    exact = True
    if is_number(value):
        if not is_finite_number(value):
            return None if kinds & {"nan", "decimal", "other"} else ([], True)
        forms = []
        if kinds & {"int", "float"} and (plain := plain_number(value)) is not None:
            forms.append(plain)
            exact = is_small(value)
        if kinds & {"decimal", "other"}:
            forms.append(decimals_mark())
            exact = False
        if "other" in kinds and (long := long_value(value)) is not None:
            form = Value()
            form.map_value.fields[tags.LONG].integer_value = long
            forms.append(form)
    else:
        forms = _forms(value, kinds)
    if forms is None:
        return None
    return [(Term(path, "array-contains", (form,)),) for form in forms], exact


def decimals_mark() -> Any:
    """The element that stands in arrays which hold a decimal."""
    form = Value()
    form.map_value.fields[tags.DECIMALS].boolean_value = True
    return form


def _may_be_reference(text: str) -> bool:
    """True for what a reference to a document, which another program may have stored, is read as."""
    return text.count("/") % 2 == 1


def _forms(value: Any, kinds: frozenset[str]) -> list[Any] | None:
    """All forms in which a value may be stored that is no number; none where the kinds rule it out."""
    cls = type(value)
    if cls is str:
        if "text" not in kinds:
            return []
        if not fits_index(value) or (kinds is ANYTHING.kinds and _may_be_reference(value)):
            return None
        return [encode_value(value)]
    if cls is bool:
        return [encode_value(value)] if "bool" in kinds else []
    if cls is datetime:
        if "other" in kinds:
            return None  # others may have stored microseconds, which are cut when they are read
        return [encode_value(value)] if "date" in kinds else []
    if cls is bytes:
        return _binary_forms(value, 0, kinds)
    if cls is UUID:
        return _binary_forms(value.bytes, 4, kinds)
    tag = bson_tag(cls)
    if tag is BsonTag.BINARY:
        subtype, content = binary_parts(value)
        return _binary_forms(content, subtype, kinds)
    if tag is BsonTag.OBJECT_ID or tag is BsonTag.TIMESTAMP or tag is BsonTag.MIN_KEY or tag is BsonTag.MAX_KEY:
        return [encode_value(value)] if "other" in kinds else []
    return None


def _binary_forms(content: bytes, subtype: int, kinds: frozenset[str]) -> list[Any] | None:
    """Bytes are equal to a ``bson.Binary`` of subtype 0, a UUID of one to subtype 4."""
    if not fits_index(content):
        return None
    forms: list[Any] = []
    if subtype == 0 and "bytes" in kinds:
        forms.append(encode_value(content))
    if subtype == 4 and len(content) == 16 and "uuid" in kinds:
        forms.append(encode_value(UUID(bytes=content)))
    if "other" in kinds:
        form = Value()
        form.map_value.fields[tags.BINARY].bytes_value = content
        form.map_value.fields[tags.SUBTYPE].integer_value = subtype
        forms.append(form)
    return forms
