"""Field paths and variables: ``"$a.b"``, ``"$$name.path"``, and the system variables.

A path that meets an array goes on in each element that is a document and collects what it finds, as MongoDB's manual
describes under "Field Paths"; numbers in a path are field names here, not positions.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, constant
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, OVERFLOW, fault
from lexigram.nosql.values.path import MISSING

__all__ = ["compile_reference", "field_names", "follow", "read_variable", "validate_variable_name"]

_MAX_PATH = 200
_READ_NAME = re.compile(r"[A-Za-z\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*")
_WRITE_NAME = re.compile(r"[a-z\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*")
_UNAVAILABLE = {
    "CLUSTER_TIME": "there is no cluster clock here; use $$NOW",
    "SEARCH_META": "search stages are not supported",
    "USER_ROLES": "there are no database users here; pass the roles as a variable",
}


def validate_variable_name(name: str) -> None:
    """Check the name of a variable that a user defines, in ``$let`` and wherever else variables are named.

    Args:
        name: The name.

    Raises:
        PipelineError: It is empty, does not begin with a lower-case letter, or holds a character that names may not
            hold (all 9).
    """
    if name == "CURRENT" or _WRITE_NAME.fullmatch(name):
        return
    _refuse_name(name, _WRITE_NAME)


def _refuse_name(name: str, pattern: re.Pattern[str]) -> None:
    if not name:
        raise fault(FAILED_TO_PARSE, "a variable's name may not be empty")
    if not pattern.match(name[0]):
        raise fault(FAILED_TO_PARSE, f"{name!r} begins with a character that a variable's name may not begin with")
    raise fault(
        FAILED_TO_PARSE,
        f"{name!r} holds a character that a variable's name may not hold: use letters, digits and underscores",
    )


def field_names(path: str) -> list[str]:
    """Split a dotted path into its field names.

    Args:
        path: The path, without the leading ``$``.

    Returns:
        The names, at least one.

    Raises:
        PipelineError: The path is empty (40352), ends with a dot (40353), or has a name that is empty (15998), begins
            with ``$`` (16410) or holds a NUL (16411); or it is too long (15).
    """
    if not path:
        raise fault(40352, "a field path may not be empty")
    if path.endswith("."):
        raise fault(40353, f"a field path may not end with a dot: {path!r}")
    names = path.split(".")
    if len(names) > _MAX_PATH:
        raise fault(OVERFLOW, f"a field path may have {_MAX_PATH} names at most")
    for name in names:
        check_field_name(name)
    return names


def check_field_name(name: str) -> None:
    """Check one name of a path.

    Args:
        name: The name.

    Raises:
        PipelineError: The name is empty (15998), begins with ``$`` (16410) or holds a NUL (16411).
    """
    if not name:
        raise fault(15998, "a field name in a path may not be empty")
    if name[0] == "$":
        raise fault(16410, f"a field name in a path may not begin with '$': {name!r}; use $getField for such fields")
    if "\0" in name:
        raise fault(16411, "a field name in a path may not hold a NUL")


def follow(value: Any, names: list[str] | tuple[str, ...], start: int = 0) -> Any:
    """Follow a path from a value.

    Args:
        value: Any value.
        names: The path's names.
        start: Position of the first name to follow.

    Returns:
        What is there; a list of what the elements have where the path meets an array; ``MISSING`` otherwise.
    """
    for index in range(start, len(names)):
        if type(value) is dict:
            value = value.get(names[index], MISSING)
        elif type(value) is list:
            found = [follow(item, names, index) for item in value if type(item) is dict]
            return [item for item in found if item is not MISSING]
        else:
            return MISSING
    return value


def _field(names: list[str]) -> Evaluator:
    first = names[0]
    if len(names) == 1:
        return lambda document, _variables: document.get(first, MISSING)
    rest = tuple(names[1:])
    if len(rest) == 1:
        second = rest[0]

        def two(document: Any, _variables: Any) -> Any:
            value = document.get(first, MISSING)
            if type(value) is dict:
                return value.get(second, MISSING)
            return follow(value, rest)

        return two
    return lambda document, _variables: follow(document.get(first, MISSING), rest)


def read_variable(name: str) -> Evaluator:
    """The closure that reads a variable.

    Args:
        name: The variable's name; its value must be given at each evaluation.

    Returns:
        The closure.
    """
    return lambda _document, variables: variables[name]


def _now(_document: Any, variables: Any) -> Any:
    now = variables.get("NOW")
    if now is None:
        clock = datetime.now(UTC)
        return clock.replace(microsecond=clock.microsecond // 1000 * 1000)
    return now


def _along(read: Evaluator, names: list[str]) -> Evaluator:
    if len(names) == 1:
        only = names[0]

        def one(document: Any, variables: Any) -> Any:
            value = read(document, variables)
            if type(value) is dict:
                return value.get(only, MISSING)
            return follow(value, names)

        return one
    return lambda document, variables: follow(read(document, variables), names)


def _root(document: Any, _variables: Any) -> Any:
    return document


def compile_reference(text: str, variables: frozenset[str], *, rebound: bool) -> Compiled:
    """Compile a string that begins with ``$``: a field path or a variable with or without a path.

    ``$$NOW`` is what the variables give for ``NOW``; evaluated without it, the clock is read.

    Args:
        text: The string.
        variables: Names of the user variables in sight.
        rebound: True where ``CURRENT`` is a variable of an enclosing ``$let``.

    Returns:
        The compiled reference.

    Raises:
        PipelineError: The path is not valid (16872 and the codes of ``field_names``), the variable's name is not
            (9), nobody defined it (17276), or it does not exist outside a cluster (51144).
    """
    if "\0" in text:
        raise fault(16419, "a field path may not hold a NUL")
    if text == "$":
        raise fault(16872, "'$' by itself is not a field path")
    if text[1] != "$":
        names = field_names(text[1:])
        if rebound:
            return Compiled(_along(read_variable("CURRENT"), names), variables_needed=frozenset({"CURRENT"}))
        return Compiled(
            _field(names), fields_needed=frozenset({names[0]}), field_name=names[0] if len(names) == 1 else None
        )
    name, _, path = text[2:].partition(".")
    if not _READ_NAME.fullmatch(name):
        _refuse_name(name, _READ_NAME)
    if text.endswith("."):
        raise fault(40353, f"a path may not end with a dot: {text!r}")
    names = field_names(path) if "." in text else []
    return _variable(name, names, variables, rebound=rebound)


def _variable(name: str, names: list[str], variables: frozenset[str], *, rebound: bool) -> Compiled:
    read: Evaluator
    if name == "ROOT" or (name == "CURRENT" and not rebound):
        if names:
            return Compiled(
                _field(names), fields_needed=frozenset({names[0]}), field_name=names[0] if len(names) == 1 else None
            )
        return Compiled(_root, fields_needed=None)
    if name == "REMOVE":
        return constant(MISSING)
    if name == "NOW":
        read = _now
    elif name in variables or name == "CURRENT":
        read = read_variable(name)
    elif name in _UNAVAILABLE:
        raise fault(51144, f"the variable $${name} is not available: {_UNAVAILABLE[name]}")
    else:
        known = ", ".join(f"$${other}" for other in sorted(variables)) or "none"
        raise fault(17276, f"the variable $${name} is not defined; defined here: {known}")
    return Compiled(_along(read, names) if names else read, variables_needed=frozenset({name}))
