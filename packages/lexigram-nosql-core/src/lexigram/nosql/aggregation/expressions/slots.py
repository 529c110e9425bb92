"""Constants of expressions as parameters: stages that differ in them only are compiled once.

:func:`lift_stage` puts slots in the place of constants, and a compiled slot reads its constant as it reads a variable.
Only constants that are operands of the operators below are lifted, and only beside an operand that reads a field: an
operator all of whose operands are constants is folded while it is compiled, with the errors that this may give.
All other constants stay where they are, and so in the key of what is kept.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.values.normalise import normalise_value

__all__ = ["LIFTED", "Slot", "lift_stage"]

_CONSTANTS: Final[frozenset[type]] = frozenset({str, int, float, bool, NoneType, datetime, Decimal})
_OPERATORS: Final = frozenset(
    {
        *("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp"),
        *("$add", "$subtract", "$multiply", "$divide", "$mod"),
        *("$and", "$or", "$not", "$cond", "$switch", "$ifNull", "$concat", "$in"),
    }
)
_ACCUMULATORS: Final = frozenset({"$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet"})
_MAX_DEPTH: Final = 40


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a constant.

    Attributes:
        name: Name of the variable that holds the constant; no user can write it.
        kind: The class of the constant.
    """

    name: str
    kind: type

    def compile(self) -> Compiled:
        """The expression that reads the constant."""
        name = self.name
        return Compiled(lambda _document, variables: variables[name], variables_needed=frozenset((name,)), slot=name)


@lru_cache(maxsize=2048)
def _slot(index: int, kind: type) -> Slot:
    return Slot(f"\0{index}", kind)


def lift_stage(name: str, specification: Any, constants: dict[str, Any]) -> Any:
    """Put slots in the place of the constants of a stage.

    Args:
        name: Name of the stage, one of :data:`LIFTED`.
        specification: What stands beside it; it is not changed.
        constants: Where to put the constants, by the names of their slots.

    Returns:
        The specification with slots; the one given where nothing is lifted.
    """
    return LIFTED[name](specification, constants)


def _lift(value: Any, constants: dict[str, Any]) -> Any:
    kind = type(value)
    if kind not in _CONSTANTS or (kind is str and value[:1] == "$"):
        return value
    if kind is not str or not value.isascii():
        try:
            value = normalise_value(value)
        except NoSQLError:  # whoever compiles it says what is wrong
            return value
    slot = _slot(len(constants), kind)  # type: ignore[arg-type]  # a class is hashable
    constants[slot.name] = value
    return slot


def _reads(value: Any, depth: int) -> bool:
    """Whether an expression certainly reads a field, and so is no constant."""
    if type(value) is str:
        return len(value) > 1 and value[0] == "$" and value[1] != "$"
    if type(value) is not dict or len(value) != 1 or depth > _MAX_DEPTH:
        return False
    ((name, spec),) = value.items()
    if name not in _OPERATORS:
        return False
    return any(_reads(item, depth + 1) for item in _operands(spec))


def _operands(spec: Any) -> list[Any]:
    found: list[Any] = []
    _mapped(spec, found.append)
    return found


def _mapped(spec: Any, change: Callable[[Any], Any]) -> Any:
    """The arguments of an operator with each operand changed."""
    kind = type(spec)
    if kind is list or kind is tuple:
        return [change(item) for item in spec]
    if kind is dict and spec.keys() == {"if", "then", "else"}:
        return {name: change(item) for name, item in spec.items()}
    if kind is dict and type(spec.get("branches")) is list and spec.keys() <= {"branches", "default"}:
        changed: dict[str, Any] = {}
        for name, item in spec.items():
            changed[name] = [_branch(branch, change) for branch in item] if name == "branches" else change(item)
        return changed
    return change(spec)


def _branch(branch: Any, change: Callable[[Any], Any]) -> Any:
    if type(branch) is not dict or branch.keys() != {"case", "then"}:
        return branch
    return {name: change(item) for name, item in branch.items()}


def _operation(value: Any, constants: dict[str, Any], depth: int = 0) -> Any:
    """Lift within an operator; anything else stays as it is."""
    if type(value) is not dict or len(value) != 1 or depth > _MAX_DEPTH:
        return value
    ((name, spec),) = value.items()
    if name not in _OPERATORS:
        return value
    put = _lift if any(_reads(item, depth + 1) for item in _operands(spec)) else _leave

    def change(operand: Any) -> Any:
        return _operation(operand, constants, depth + 1) if type(operand) is dict else put(operand, constants)

    return {name: _mapped(spec, change)}


def _leave(value: Any, _constants: dict[str, Any]) -> Any:
    return value


def _fields(specification: Any, constants: dict[str, Any], put: Callable[..., Any], depth: int = 0) -> Any:
    """Lift within the fields of a document, which may be documents of fields."""
    if type(specification) is not dict or depth > _MAX_DEPTH:
        return specification
    lifted: dict[Any, Any] = {}
    for name, value in specification.items():
        if type(name) is not str or name[:1] == "$":
            return _operation(specification, constants) if depth else specification
        lifted[name] = _fields(value, constants, put, depth + 1) if type(value) is dict else put(value, constants)
    return lifted


def _additions(specification: Any, constants: dict[str, Any]) -> Any:
    return _fields(specification, constants, _lift)


def _projection(specification: Any, constants: dict[str, Any]) -> Any:
    return _fields(specification, constants, _leave)  # a number or bool keeps a field or removes it


def _group(specification: Any, constants: dict[str, Any]) -> Any:
    if type(specification) is not dict:
        return specification
    lifted: dict[Any, Any] = {}
    for name, value in specification.items():
        if name == "_id":
            lifted[name] = _operation(value, constants) if _reads(value, 0) else _fields(value, constants, _leave)
        elif type(value) is dict and len(value) == 1 and _ACCUMULATORS.issuperset(value):
            ((accumulator, argument),) = value.items()
            lifted[name] = {accumulator: _operation(argument, constants)}
        else:
            lifted[name] = value
    return lifted


LIFTED: Final[Mapping[str, Callable[[Any, dict[str, Any]], Any]]] = {
    "$addFields": _additions,
    "$set": _additions,
    "$project": _projection,
    "$group": _group,
}
"""The stages whose constants are lifted, each with what does it."""
