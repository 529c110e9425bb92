"""Vectors as binary data and back, and how alike two of them are: ``$similarityCosine`` and its relatives.

Binary data of subtype 9 holds a vector (specification, "BSON Binary Subtype 9 - Vector"): a byte for the kind of its
elements, a byte for how many bits at its end count for nothing, and the elements. The relatives are
``$similarityDotProduct`` and ``$similarityEuclidean`` (manual, "Vector Similarity Operators").
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.arguments import named, operands, valued
from lexigram.nosql.aggregation.expressions.binary_data import make_binary, parts_of
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import CONVERSION_FAILURE, FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.numbers import as_double, is_numeric
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "VECTOR", "array_to_vector", "vector_to_array"]

VECTOR: Final = 9
"""The subtype of binary data that holds a vector."""

_BITS: Final = 0x10
_BYTES: Final = 0x03
_FLOATS: Final = 0x27
_KINDS: Final = (_BITS, _BYTES, _FLOATS)


def vector_to_array(content: bytes, order: str = "little") -> list[Any]:
    """Read a vector.

    Args:
        content: Content of binary data of the subtype 9.
        order: ``little`` or ``big``, for the bytes of each number.

    Returns:
        Bools, ints or doubles, by the kind of the vector.

    Raises:
        PipelineError: It is too short (10506601), of an unknown kind (10506600), says that bits are left over where
            none can be (10506606), or ends within a number (10506602).
    """
    if not content:
        return []
    if len(content) < 2:
        raise fault(10506601, "binary data that holds a vector has at least two bytes")
    kind, padding, data = content[0], content[1], content[2:]
    if kind not in _KINDS:
        raise fault(10506600, f"a vector holds bits (0x10), bytes (0x03) or floats (0x27), not 0x{kind:02x}")
    if padding and (kind != _BITS or padding > 7):
        raise fault(10506606, "only a vector of bits has bits that count for nothing at its end, up to 7")
    if kind == _BYTES:
        return list(struct.unpack(f"{len(data)}b", data))
    if kind == _FLOATS:
        if len(data) % 4:
            raise fault(10506602, "the length of a vector of floats is a multiple of 4")
        return list(struct.unpack(f"{'>' if order == 'big' else '<'}{len(data) // 4}f", data))
    bits = [bool(byte >> place & 1) for byte in data for place in range(7, -1, -1)]
    return bits[: len(bits) - padding]


def _kind_of_element(value: Any) -> int:
    """Place in :data:`_KINDS` of the smallest kind of vector that holds a number or bool."""
    kind = kind_of(value)
    if kind is Kind.BOOL or (kind is Kind.INT and value in (0, 1)):
        return 0
    if (kind is Kind.INT or (kind is Kind.DOUBLE and float(value).is_integer())) and -128 <= value <= 127:
        return 1
    if kind is Kind.DOUBLE:
        return 2
    raise fault(CONVERSION_FAILURE, f"a vector holds bools, doubles and ints of 8 bits, not {type_name(value)}")


def array_to_vector(values: Sequence[Any], order: str = "little") -> Any:
    """Write a vector, of the smallest kind that holds all of its elements.

    Args:
        values: The elements.
        order: ``little`` or ``big``, for the bytes of each number.

    Returns:
        Binary data of the subtype 9.

    Raises:
        PipelineError: An element is no bool or number, or an int of more than 8 bits (241).
    """
    kind = _KINDS[max(map(_kind_of_element, values), default=0)]
    if kind == _BYTES:
        return make_binary(VECTOR, bytes((kind, 0)) + struct.pack(f"{len(values)}b", *map(int, values)))
    if kind == _FLOATS:
        sign = ">" if order == "big" else "<"
        return make_binary(VECTOR, bytes((kind, 0)) + b"".join([_float(sign, float(value)) for value in values]))
    padding = -len(values) % 8
    bits = sum(1 << (len(values) - 1 - place) for place, value in enumerate(values) if value) << padding
    return make_binary(VECTOR, bytes((kind, padding)) + bits.to_bytes((len(values) + padding) // 8, "big"))


def _float(sign: str, value: float) -> bytes:
    try:
        return struct.pack(f"{sign}f", value)
    except OverflowError:  # as a cast to a float gives it
        return struct.pack(f"{sign}f", math.copysign(math.inf, value))


def _elements(name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    if kind_of(value) is Kind.BINARY:
        subtype, content = parts_of(value)
        if subtype == VECTOR:
            return vector_to_array(content)
    raise fault(10413200, f"{name} takes arrays and vectors, not {type_name(value)}")


def _numbers(values: Sequence[Any], name: str, which: str, code: int) -> list[float]:
    for value in values:
        if not isinstance(value, bool) and not is_numeric(value):
            raise fault(code, f"the {which} argument of {name} must hold numbers and bools only")
    return [float(value) if isinstance(value, bool) else as_double(value) for value in values]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    total = 0.0
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    size = math.sqrt(_dot(left, left)) * math.sqrt(_dot(right, right))
    return _dot(left, right) / size if size else 0.0


def _distance(left: Sequence[float], right: Sequence[float]) -> float:
    apart = [a - b for a, b in zip(left, right, strict=True)]
    return math.sqrt(_dot(apart, apart))


def _half(value: float) -> float:
    return (1 + value) / 2


def _operator(
    name: str, measure: Callable[[Sequence[float], Sequence[float]], float], norm: Callable[[float], float]
) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        score = False
        if isinstance(spec, Mapping) and next(iter(spec), "$")[:1] != "$":
            arguments = named(
                name,
                spec,
                required={"vectors": FAILED_TO_PARSE},
                optional=("score",),
                not_document=FAILED_TO_PARSE,
                unknown=FAILED_TO_PARSE,
            )
            score = arguments.get("score", False)
            if not isinstance(score, bool):
                raise fault(FAILED_TO_PARSE, f"'score' of {name} must be true or false")
            spec = arguments["vectors"]
        parts = operands(spec, scope)
        if len(parts) != 2:
            raise fault(16020, f"{name} takes exactly 2 arguments, but {len(parts)} were given")

        def compare(left: Any, right: Any) -> Any:
            if left is None or left is MISSING or right is None or right is MISSING:
                return None
            first, second = _elements(name, left), _elements(name, right)
            if len(first) != len(second):
                raise fault(10413202, f"{name} takes vectors of one size, not of {len(first)} and {len(second)}")
            found = measure(_numbers(first, name, "first", 10413203), _numbers(second, name, "second", 10413204))
            return norm(found) if score else found

        return combine(parts, valued(compare)(parts, scope))

    return build


OPERATORS: Mapping[str, Builder] = {
    "$similarityCosine": _operator("$similarityCosine", _cosine, _half),
    "$similarityDotProduct": _operator("$similarityDotProduct", _dot, _half),
    "$similarityEuclidean": _operator("$similarityEuclidean", _distance, lambda found: 1 / (1 + found)),
}
