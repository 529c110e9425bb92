"""String operators (manual, "String Expression Operators"), but those that are about regular expressions.

``$split``, ``$replaceOne`` and ``$replaceAll`` look for text or for a regular expression. Letters change case in ASCII
only; lengths and positions count bytes of UTF-8 or code points, as the names say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import at_least, between, exactly, named, until_null, valued
from lexigram.nosql.aggregation.expressions.arrays import bound, whole
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.growth import check_text
from lexigram.nosql.aggregation.expressions.numbers import as_decimal, is_numeric
from lexigram.nosql.aggregation.expressions.regex import found_in
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.aggregation.expressions.text import as_text, utf8
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN, Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS"]

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_WHITESPACE = "\0 \t\n\v\f\r\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"


def _nullish(value: Any) -> bool:
    return value is None or value is MISSING


def _is_string(value: Any) -> bool:
    return type(value) is str or kind_of(value) is Kind.STRING


def _concat(*values: Any) -> Any:
    for value in values:
        if _nullish(value):
            return None
        if not _is_string(value):
            raise fault(16702, f"$concat takes strings, not {type_name(value)}")
    check_text(sum(map(len, values)))
    return "".join(values)


def _lower(value: Any) -> str:
    text = as_text(value)
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _upper(value: Any) -> str:
    text = as_text(value)
    return text.upper() if text.isascii() else text.translate(_UPPER)


def _strcasecmp(left: Any, right: Any) -> int:
    first, second = _upper(left), _upper(right)
    return (first > second) - (first < second)


def _long(value: Any, code: int, what: str) -> int:
    """A number cut to a whole one, as MongoDB's coercion does."""
    if not is_numeric(value):
        raise fault(code, f"{what} must be a number, not {type_name(value)}")
    number = as_decimal(value) if kind_of(value) is Kind.DECIMAL else value
    if not math.isfinite(number) or not INT64_MIN <= number <= INT64_MAX:
        raise fault(31109, f"{what} does not fit in 64 bits")
    return int(number)


def _substr_bytes(value: Any, start: Any, length: Any) -> str:
    data = utf8(as_text(value))
    first = _long(start, 16034, "the start of $substrBytes")
    size = _long(length, 16035, "the length of $substrBytes")
    if first < 0:
        raise fault(50752, f"the start of $substrBytes must not be negative, not {first}")
    end = len(data) if size < 0 else first + size
    if first < len(data) and data[first] & 0xC0 == 0x80:
        raise fault(28656, "$substrBytes would start inside a character; use $substrCP")
    if end < len(data) and data[end] & 0xC0 == 0x80:
        raise fault(28657, "$substrBytes would end inside a character; use $substrCP")
    return data[first:end].decode("utf-8", "surrogatepass")


def _substr_code_points(value: Any, start: Any, length: Any) -> str:
    text = as_text(value)
    first = whole(start, 34450, 34451, "the start of $substrCP")
    size = whole(length, 34452, 34453, "the length of $substrCP")
    if size < 0:
        raise fault(34454, f"the length of $substrCP must not be negative, not {size}")
    if first < 0:
        raise fault(34455, f"the start of $substrCP must not be negative, not {first}")
    return text[first : first + size]


def _length(name: str, code: int, measure: Callable[[str], int]) -> Builder:
    def compute(value: Any) -> int:
        if not _is_string(value):
            raise fault(code, f"{name} takes a string, not {type_name(value)}")
        return measure(value)

    return exactly(name, 1, valued(compute))


def _checked(name: str, codes: tuple[int, int], value: Any, token: Any) -> None:
    if not _is_string(value):
        raise fault(codes[0], f"{name} takes a string, not {type_name(value)}")
    if not _is_string(token):
        raise fault(codes[1], f"{name} searches for a string, not {type_name(token)}")


def _index_of_bytes(value: Any, token: Any, *bounds: Any) -> Any:
    if _nullish(value):
        return None
    _checked("$indexOfBytes", (40091, 40092), value, token)
    data = utf8(value)
    start = bound(bounds[0], "$indexOfBytes", "start") if bounds else 0
    end = bound(bounds[1], "$indexOfBytes", "end") if len(bounds) > 1 else len(data)
    if start > len(data) or min(end, len(data)) < start:
        return -1
    return data.find(utf8(token), start, min(end, len(data)))


def _index_of_code_points(value: Any, token: Any, *bounds: Any) -> Any:
    if _nullish(value):
        return None
    _checked("$indexOfCP", (40093, 40094), value, token)
    start = bound(bounds[0], "$indexOfCP", "start") if bounds else 0
    end = bound(bounds[1], "$indexOfCP", "end") if len(bounds) > 1 else len(value)
    if not value and not token:
        return 0 if start == 0 else -1
    # The end limits where the text that is found begins, not where it ends.
    found = value.find(token, start)
    return found if found < min(end, len(value)) else -1


def _split(value: Any, separator: Any) -> Any:
    if _nullish(value) or _nullish(separator):
        return None
    if kind_of(separator) is Kind.REGEX:
        _checked("$split", (40085, 40086), value, "")
        return _split_at(value, list(found_in("$split", separator, value)))
    _checked("$split", (40085, 40086), value, separator)
    if not separator:
        raise fault(40087, "$split needs a separator that is not empty")
    return value.split(separator)


def _split_at(text: str, matches: Sequence[re.Match[str]]) -> list[Any]:
    """The text between matches, and what their groups captured."""
    parts: list[Any] = []
    rest = 0
    for match in matches:
        parts.append(text[rest : match.start()])
        parts += ["" if group is None else group for group in match.groups()]
        rest = match.end()
    return [*parts, text[rest:]]


def _trim(name: str, cut: Callable[[str, str], str]) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        arguments = named(name, spec, required={"input": 50695}, optional=("chars",), not_document=50696, unknown=50694)
        source = scope.compile(arguments["input"])
        chars = scope.compile(arguments["chars"]) if "chars" in arguments else None
        read = source.evaluate
        choose = None if chars is None else chars.evaluate

        def trim(document: Any, variables: Any) -> Any:
            text = read(document, variables)
            if _nullish(text):
                return None
            if not _is_string(text):
                raise fault(50699, f"{name} takes a string, not {type_name(text)}")
            if choose is None:
                return cut(text, _WHITESPACE)
            which = choose(document, variables)
            if _nullish(which):
                return None
            if not _is_string(which):
                raise fault(50700, f"'chars' of {name} must be a string, not {type_name(which)}")
            return cut(text, which)

        return combine([source] if chars is None else [source, chars], trim)

    return build


def _replace_matches(text: str, matches: Iterable[re.Match[str]], replacement: str) -> str:
    parts: list[str] = []
    rest = size = 0
    for match in matches:
        parts += (text[rest : match.start()], replacement)
        rest = match.end()
        size += len(replacement)
        check_text(len(text) + size)
    return "".join([*parts, text[rest:]])


def _replace(name: str, count: int) -> Builder:
    def replace(value: Any, find: Any, replacement: Any) -> Any:
        for argument, given, code in (
            ("input", value, 51746),
            ("find", find, 51745),
            ("replacement", replacement, 51744),
        ):
            regex = argument == "find" and kind_of(given) is Kind.REGEX
            if not _nullish(given) and not _is_string(given) and not regex:
                raise fault(code, f"{argument!r} of {name} must be a string, not {type_name(given)}")
        if _nullish(value) or _nullish(find) or _nullish(replacement):
            return None
        if kind_of(find) is Kind.REGEX:
            return _replace_matches(
                value, islice(found_in(name, find, value), count if count > 0 else None), replacement
            )
        times = 1 if count == 1 else value.count(find)
        check_text(len(value) + times * (len(replacement) - len(find)))
        return value.replace(find, replacement, count)

    def build(spec: Any, scope: Scope) -> Compiled:
        required = {"input": 51749, "find": 51748, "replacement": 51747}
        arguments = named(name, spec, required=required, not_document=51751, unknown=51750)
        parts = [scope.compile(arguments[key]) for key in required]
        return combine(parts, valued(replace)(parts, scope))

    return build


OPERATORS: Mapping[str, Builder] = {
    "$concat": at_least("$concat", 0, 0, until_null(_concat)),
    "$toLower": exactly("$toLower", 1, valued(_lower)),
    "$toUpper": exactly("$toUpper", 1, valued(_upper)),
    "$strcasecmp": exactly("$strcasecmp", 2, valued(_strcasecmp)),
    "$substr": exactly("$substr", 3, valued(_substr_bytes)),
    "$substrBytes": exactly("$substrBytes", 3, valued(_substr_bytes)),
    "$substrCP": exactly("$substrCP", 3, valued(_substr_code_points)),
    "$strLenBytes": _length("$strLenBytes", 34473, lambda text: len(utf8(text))),
    "$strLenCP": _length("$strLenCP", 34471, len),
    "$indexOfBytes": between("$indexOfBytes", 2, 4, valued(_index_of_bytes)),
    "$indexOfCP": between("$indexOfCP", 2, 4, valued(_index_of_code_points)),
    "$split": exactly("$split", 2, valued(_split)),
    "$trim": _trim("$trim", str.strip),
    "$ltrim": _trim("$ltrim", str.lstrip),
    "$rtrim": _trim("$rtrim", str.rstrip),
    "$replaceOne": _replace("$replaceOne", 1),
    "$replaceAll": _replace("$replaceAll", -1),
}
