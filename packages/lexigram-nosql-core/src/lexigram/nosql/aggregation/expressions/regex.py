"""``$regexFind $regexFindAll $regexMatch`` (manual, "String Expression Operators").

Expressions are rewritten, limited and judged as in filters: one that could take too long on a text is refused for
that text.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.arguments import named
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.exceptions import NoSQLFilterError, PipelineError
from lexigram.nosql.query.regex import SafeRegex, compile_regex
from lexigram.nosql.values.bson_compat import regex_parts
from lexigram.nosql.values.kinds import Kind, kind_of
from lexigram.nosql.values.path import MISSING

__all__ = ["OPERATORS", "found_in"]

_OPTION_CODE = 51108
_EXECUTION_CODE = 51156


def _refused(name: str, error: NoSQLFilterError, code: int) -> PipelineError:
    keep = error.mongo_code if error.mongo_code in (_OPTION_CODE, _EXECUTION_CODE) else code
    return fault(keep, f"{name}: {error.message}", error.hint)


def _expression(name: str, regex: Any, options: Any, *, boolean: bool) -> SafeRegex | None:
    """The expression that the operands describe; None where there is none."""
    kind = kind_of(regex)
    if kind not in (Kind.NULL, Kind.MISSING, Kind.STRING, Kind.REGEX):
        raise fault(51105, f"'regex' of {name} must be a string or a regular expression")
    letters = None if options is None or options is MISSING else options
    if letters is not None and not isinstance(letters, str):
        raise fault(51106, f"'options' of {name} must be a string")
    source: str | None = None
    if kind is Kind.REGEX:
        source, own = regex_parts(regex)
        if own and letters is not None:
            raise fault(51107, f"{name} takes options in 'regex' or in 'options', not in both")
        letters = own or letters
    elif kind is Kind.STRING:
        source = regex
    if source is not None and "\0" in source:
        raise fault(51109, f"'regex' of {name} may not hold a NUL")
    if letters is not None and "\0" in letters:
        raise fault(51110, f"'options' of {name} may not hold a NUL")
    if source is None:
        return None
    try:
        return compile_regex(source, letters or "", boolean=boolean)
    except NoSQLFilterError as error:
        raise _refused(name, error, 51111) from error


def _found(match: re.Match[str]) -> dict[str, Any]:
    return {"match": match[0], "idx": match.start(), "captures": list(match.groups())}


def _checked(name: str, expression: SafeRegex, text: str) -> re.Pattern[str]:
    try:
        expression.check(text)
    except NoSQLFilterError as error:
        raise _refused(name, error, _EXECUTION_CODE) from error
    return expression.pattern


def _find(expression: SafeRegex | None, text: str | None) -> Any:
    if expression is None or text is None:
        return None
    match = _checked("$regexFind", expression, text).search(text)
    return None if match is None else _found(match)


def _find_all(expression: SafeRegex | None, text: str | None) -> list[Any]:
    found: list[Any] = []
    if expression is None or text is None:
        return found
    search = _checked("$regexFindAll", expression, text).search
    position = 0
    while (match := search(text, position)) is not None:
        found.append(_found(match))
        # After an empty match the search goes on one character further; at the end of the text it is over.
        position = match.end() if match.end() > match.start() else match.end() + 1
        if position >= len(text):
            break
    return found


def found_in(name: str, regex: Any, text: str) -> Iterator[re.Match[str]]:
    """Look for a regular expression in a text, one match after another, the empty ones at its end included.

    Args:
        name: The operator that looks.
        regex: The regular expression, no string.
        text: The text.

    Yields:
        The matches.

    Raises:
        PipelineError: The expression is not valid (51111), or could take too long on this text (51156).
    """
    expression = _expression(name, regex, None, boolean=False)
    if expression is None:  # only a null gives none
        return
    search = _checked(name, expression, text).search
    position = 0
    while position <= len(text) and (match := search(text, position)) is not None:
        yield match
        position = match.end() if match.end() > match.start() else match.end() + 1


def _match(expression: SafeRegex | None, text: str | None) -> bool:
    if expression is None or text is None:
        return False
    try:
        return expression.matches(text)
    except NoSQLFilterError as error:
        raise _refused("$regexMatch", error, _EXECUTION_CODE) from error


def _operator(name: str, apply: Callable[[SafeRegex | None, str | None], Any], *, boolean: bool = False) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        arguments = named(
            name,
            spec,
            required={"input": 31022, "regex": 31023},
            optional=("options",),
            not_document=51103,
            unknown=31024,
        )
        source = scope.compile(arguments["input"])
        regex = scope.compile(arguments["regex"])
        options = scope.compile(arguments.get("options"))
        read, pattern, letters = source.evaluate, regex.evaluate, options.evaluate
        fixed = regex.is_constant and options.is_constant
        ready = _expression(name, regex.value, options.value, boolean=boolean) if fixed else None

        def evaluate(document: Any, variables: Any) -> Any:
            text = read(document, variables)
            if text is None or text is MISSING:
                text = None
            elif not isinstance(text, str):
                raise fault(51104, f"'input' of {name} must be a string")
            expression = ready
            if not fixed:
                expression = _expression(
                    name, pattern(document, variables), letters(document, variables), boolean=boolean
                )
            return apply(expression, text)

        return combine([source, regex, options], evaluate)

    return build


OPERATORS: Mapping[str, Builder] = {
    "$regexFind": _operator("$regexFind", _find),
    "$regexFindAll": _operator("$regexFindAll", _find_all),
    "$regexMatch": _operator("$regexMatch", _match, boolean=True),
}
