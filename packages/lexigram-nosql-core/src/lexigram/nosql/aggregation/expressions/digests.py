"""``$hash`` and ``$hexHash`` (manual, "Miscellaneous Operators"): MD5, SHA-256 and XXH64 of text or binary data."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.arguments import named, valued
from lexigram.nosql.aggregation.expressions.binary_data import parts_of
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.text import utf8
from lexigram.nosql.values.kinds import Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "xxh64"]

# The primes and rotations of XXH64 (xxHash fast digest algorithm, version 0.1.1).
_PRIME_1: Final = 0x9E3779B185EBCA87
_PRIME_2: Final = 0xC2B2AE3D27D4EB4F
_PRIME_3: Final = 0x165667B19E3779F9
_PRIME_4: Final = 0x85EBCA77C2B2AE63
_PRIME_5: Final = 0x27D4EB2F165667C5
_MASK: Final = 0xFFFFFFFFFFFFFFFF
_STRIPE: Final = 32


def _turned(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK


def _round(lane: int, word: int) -> int:
    return _turned((lane + word * _PRIME_2) & _MASK, 31) * _PRIME_1 & _MASK


def xxh64(data: bytes) -> bytes:
    """XXH64 with the seed 0.

    Args:
        data: What to digest.

    Returns:
        Eight bytes, the most significant first.
    """
    place = 0
    if len(data) >= _STRIPE:
        lanes = [(_PRIME_1 + _PRIME_2) & _MASK, _PRIME_2, 0, -_PRIME_1 & _MASK]
        while place + _STRIPE <= len(data):
            words = struct.unpack_from("<4Q", data, place)
            lanes = [_round(lane, word) for lane, word in zip(lanes, words, strict=True)]
            place += _STRIPE
        total = sum(map(_turned, lanes, (1, 7, 12, 18))) & _MASK
        for lane in lanes:
            total = ((total ^ _round(0, lane)) * _PRIME_1 + _PRIME_4) & _MASK
    else:
        total = _PRIME_5
    total = (total + len(data)) & _MASK
    while place + 8 <= len(data):
        (word,) = struct.unpack_from("<Q", data, place)
        total = (_turned(total ^ _round(0, word), 27) * _PRIME_1 + _PRIME_4) & _MASK
        place += 8
    if place + 4 <= len(data):
        (word,) = struct.unpack_from("<I", data, place)
        total = (_turned(total ^ word * _PRIME_1 & _MASK, 23) * _PRIME_2 + _PRIME_3) & _MASK
        place += 4
    for byte in data[place:]:
        total = _turned(total ^ byte * _PRIME_5 & _MASK, 11) * _PRIME_1 & _MASK
    total = (total ^ total >> 33) * _PRIME_2 & _MASK
    total = (total ^ total >> 29) * _PRIME_3 & _MASK
    return (total ^ total >> 32).to_bytes(8, "big")


_ALGORITHMS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "xxh64": xxh64,
}


def _operator(name: str, form: Callable[[bytes], Any]) -> Builder:
    def digest(value: Any, algorithm: Any) -> Any:
        if value is None or value is MISSING:
            return None
        kind = kind_of(value)
        if kind is Kind.STRING:
            data = utf8(value)
        elif kind is Kind.BINARY:
            data = parts_of(value)[1]
        else:
            raise fault(10754000, f"'input' of {name} must be a string or binary data, not {type_name(value)}")
        if not isinstance(algorithm, str):
            raise fault(10754001, f"'algorithm' of {name} must be a string, not {type_name(algorithm)}")
        compute = _ALGORITHMS.get(algorithm)
        if compute is None:
            raise fault(10754002, f"{name} has no algorithm {algorithm[:64]!r}", f"there are {', '.join(_ALGORITHMS)}")
        return form(compute(data))

    def build(spec: Any, scope: Scope) -> Compiled:
        required = {"input": FAILED_TO_PARSE, "algorithm": FAILED_TO_PARSE}
        arguments = named(name, spec, required=required, not_document=FAILED_TO_PARSE, unknown=FAILED_TO_PARSE)
        parts = [scope.compile(arguments[key]) for key in required]
        return combine(parts, valued(digest)(parts, scope))

    return build


OPERATORS: Mapping[str, Builder] = {
    "$hash": _operator("$hash", bytes),
    "$hexHash": _operator("$hexHash", lambda digest: digest.hex().upper()),
}
