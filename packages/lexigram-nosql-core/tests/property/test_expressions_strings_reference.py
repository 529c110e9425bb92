"""String operators, rounding and conversions against Python's own."""

from __future__ import annotations

import math
import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from lexigram.nosql.aggregation.expressions import compile_expression

TEXTS = st.text(alphabet="abcAB é€😀.-", max_size=12)
PARTS = st.text(alphabet="abé", max_size=3)
WHOLE = st.integers(-(2**63), 2**63 - 1)


def evaluate(expression: Any, *values: Any) -> Any:
    document = {f"v{number}": value for number, value in enumerate(values)}
    return compile_expression(expression)(document, {})


@given(TEXTS, st.integers(0, 14), st.integers(0, 14))
def test_slices(text: str, start: int, length: int) -> None:
    assert evaluate({"$substrCP": ["$v0", "$v1", "$v2"]}, text, start, length) == text[start : start + length]
    first, last = len(text[:start].encode()), len(text[: start + length].encode())
    expression = {"$substrBytes": ["$v0", "$v1", "$v2"]}
    assert evaluate(expression, text, first, last - first) == text[start : start + length]


@given(TEXTS, PARTS, st.integers(0, 14))
def test_positions(text: str, part: str, start: int) -> None:
    found = text.find(part, start)
    # An empty text is found up to the last character, and in an empty text at its start.
    assume(part or start < len(text))
    assert evaluate({"$indexOfCP": ["$v0", "$v1", "$v2"]}, text, part, start) == found
    assert evaluate({"$indexOfBytes": ["$v0", "$v1"]}, text, part) == text.encode().find(part.encode())


@given(TEXTS, PARTS, TEXTS)
def test_replacing_and_splitting(text: str, part: str, other: str) -> None:
    arguments = {"input": "$v0", "find": "$v1", "replacement": "$v2"}
    assert evaluate({"$replaceAll": arguments}, text, part, other) == text.replace(part, other)
    assert evaluate({"$replaceOne": arguments}, text, part, other) == text.replace(part, other, 1)
    if part:
        pieces = evaluate({"$split": ["$v0", "$v1"]}, text, part)
        assert pieces == text.split(part)
        assert part.join(pieces) == text


@given(TEXTS, PARTS)
def test_trimming_and_letters(text: str, chars: str) -> None:
    assert evaluate({"$trim": {"input": "$v0", "chars": "$v1"}}, text, chars) == text.strip(chars)
    assert evaluate({"$ltrim": {"input": "$v0", "chars": "$v1"}}, text, chars) == text.lstrip(chars)
    assert evaluate({"$rtrim": {"input": "$v0", "chars": "$v1"}}, text, chars) == text.rstrip(chars)
    assert evaluate({"$strLenCP": "$v0"}, text) == len(text)
    assert evaluate({"$strLenBytes": "$v0"}, text) == len(text.encode())
    assert evaluate({"$concat": ["$v0", "$v1"]}, text, chars) == text + chars
    swapped = re.sub("[a-z]", lambda found: found[0].upper(), text)
    assert evaluate({"$toUpper": "$v0"}, text) == swapped
    assert evaluate({"$strcasecmp": ["$v0", "$v1"]}, text, swapped) == 0


@given(TEXTS, st.sampled_from(["a", "[ab]+", "a|b", "(a)(b)?", "b$", "^.", "(?i)A"]))
def test_matches(text: str, pattern: str) -> None:
    expected = [{"match": m[0], "idx": m.start(), "captures": list(m.groups())} for m in re.finditer(pattern, text)]
    arguments = {"input": "$v0", "regex": "$v1"}
    assert evaluate({"$regexFindAll": arguments}, text, pattern) == expected
    assert evaluate({"$regexFind": arguments}, text, pattern) == (expected[0] if expected else None)
    assert evaluate({"$regexMatch": arguments}, text, pattern) is bool(expected)


@given(WHOLE, st.integers(-20, 5))
def test_rounding_whole_numbers(number: int, place: int) -> None:
    scale = Fraction(10) ** -place
    rounded = round(number / scale) * scale if place < 0 else number
    cut = int(number / scale) * scale if place < 0 else number
    for name, expected in (("$round", rounded), ("$trunc", cut)):
        if -(2**63) <= expected < 2**63:
            assert evaluate({name: ["$v0", place]}, number) == expected


@given(st.integers(-(2**50), 2**50).map(lambda number: number / 1024), st.integers(0, 6))
def test_rounding_doubles(number: float, place: int) -> None:
    quantum = Decimal(1).scaleb(-place)
    with localcontext(prec=60):
        for name, rounding in (("$round", ROUND_HALF_EVEN), ("$trunc", ROUND_DOWN)):
            expected = float(Decimal(number).quantize(quantum, rounding))
            assert str(evaluate({name: ["$v0", place]}, number)) == str(math.copysign(expected, number))


@given(WHOLE)
def test_whole_numbers_to_text_and_back(number: int) -> None:
    text = evaluate({"$toString": "$v0"}, number)
    assert int(text) == number
    assert evaluate({"$toLong": "$v0"}, text) == number
    for base, form in ((2, "b"), (8, "o"), (16, "X")):
        written = evaluate({"$convert": {"input": "$v0", "to": "string", "base": base}}, number)
        assert written == format(number, form)
        assert evaluate({"$convert": {"input": "$v0", "to": "long", "base": base}}, written) == number


@given(st.floats(allow_nan=False))
def test_doubles_to_text_and_back(number: float) -> None:
    text = evaluate({"$toString": "$v0"}, number)
    assert str(evaluate({"$toDouble": "$v0"}, text)) == str(number)


@given(st.decimals(allow_nan=False, places=6, min_value=-(10**20), max_value=10**20))
def test_decimals_to_text_and_back(number: Decimal) -> None:
    text = evaluate({"$toString": "$v0"}, number)
    assert str(evaluate({"$toDecimal": "$v0"}, text)) == str(number)
    whole = int(number.to_integral_value(ROUND_DOWN))
    if -(2**63) <= whole < 2**63:
        assert evaluate({"$toLong": "$v0"}, number) == whole


@given(st.binary(max_size=12), st.sampled_from(["base64", "base64url", "hex"]))
def test_binary_to_text_and_back(data: bytes, form: str) -> None:
    text = evaluate({"$convert": {"input": "$v0", "to": "string", "format": form}}, data)
    assert evaluate({"$convert": {"input": "$v0", "to": "binData", "format": form}}, text) == data


@given(WHOLE, st.sampled_from(["little", "big"]))
def test_whole_numbers_to_binary_and_back(number: int, order: str) -> None:
    data = evaluate({"$convert": {"input": "$v0", "to": "binData", "byteOrder": order}}, number)
    assert len(data) in (4, 8)
    assert evaluate({"$convert": {"input": "$v0", "to": "long", "byteOrder": order}}, data) == number
