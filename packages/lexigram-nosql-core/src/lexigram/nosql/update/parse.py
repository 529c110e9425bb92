"""Reads updates and replacements.

An update is split into its shape (operators, paths, identifiers of array filters, collation) and its constants. Shapes
are checked and compiled once and kept; for a shape that is known only the constants are checked. All that can be found
wrong without a document is found here, so that an update that is not valid changes nothing.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.stages.registry import TRANSFORMS
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.update.apply import OperatorUpdate, Shape, Update
from lexigram.nosql.update.array_filters import ArrayFilter, parse_array_filters
from lexigram.nosql.update.ast import UpdatePath
from lexigram.nosql.update.compile import compile_root, refuse_dollar
from lexigram.nosql.update.errors import BAD_VALUE, FAILED_TO_PARSE, fault, show
from lexigram.nosql.update.operators import OPERATORS
from lexigram.nosql.update.operators.base import Bind, Operator, Setting
from lexigram.nosql.update.operators.fields import RENAMED_AWAY
from lexigram.nosql.update.paths import parse_path
from lexigram.nosql.update.pipeline import parse_pipeline_update
from lexigram.nosql.update.replacement import Replacement, parse_replacement
from lexigram.nosql.update.tree import Branch, Leaf, graft
from lexigram.nosql.values.collation import Collation, parse_collation

__all__ = ["Replacement", "Update", "parse_replacement", "parse_update"]

_MOST_SHAPES: Final = 1024
_MOST_KEPT_FIELDS: Final = 64
_END: Final = object()
_shapes: dict[tuple[Any, ...], Shape] = {}


def parse_update(update: Any, *, array_filters: Any = None, collation: Any = None) -> Update:
    """Read an update.

    Args:
        update: A mapping of operators, or a list of pipeline stages; an :class:`Update` is returned as it is.
        array_filters: Filters for ``$[identifier]``, or None.
        collation: How text is compared, as :func:`~lexigram.nosql.values.collation.parse_collation` takes it.

    Returns:
        The update, ready to be applied.

    Raises:
        UpdateError: It is not a valid update.
        DocumentValidationError: It holds a value that documents do not hold.
    """
    if collation is not None:
        collation = parse_collation(collation)
    if type(update) is not dict and not isinstance(update, Mapping):
        return _parse_other(update, array_filters, collation)
    filters = () if array_filters is None else parse_array_filters(array_filters, collation)
    key: tuple[Any, ...] | None
    try:
        key = _shape_key(update, filters, collation)
        shape = _shapes.get(key)
    except (TypeError, AttributeError):  # a name that is not hashable, or fields that are no mapping
        key = shape = None
    if shape is None:
        shape = _build(update, filters, collation)
        if key is not None and len(shape.binds) <= _MOST_KEPT_FIELDS:
            if len(_shapes) >= _MOST_SHAPES:
                del _shapes[next(iter(_shapes))]
            _shapes[key] = shape
    binds = iter(shape.binds)
    operands = [next(binds)(value) for fields in update.values() for value in fields.values()]
    return OperatorUpdate(shape, operands, filters, collation)


def _parse_other(update: Any, array_filters: Any, collation: Collation | None) -> Update:
    """Read what is no mapping."""
    if isinstance(update, Update):
        if array_filters is not None:
            raise fault(FAILED_TO_PARSE, "the update is parsed already; give array_filters when it is parsed")
        return update
    if isinstance(update, Sequence) and not isinstance(update, str | bytes):
        if array_filters is not None:
            raise fault(FAILED_TO_PARSE, "array_filters cannot be used with an update by pipeline")
        return parse_pipeline_update(update, collation)
    raise fault(
        FAILED_TO_PARSE,
        f"an update is a mapping of operators or a list of stages, not {show(update)}",
        hint="for example {'$set': {'field': 1}}",
    )


def _shape_key(
    update: Mapping[Any, Any], filters: tuple[ArrayFilter, ...], collation: Collation | None
) -> tuple[Any, ...]:
    """What the shape is kept under."""
    key: list[Any] = [collation]
    for operator, fields in update.items():
        key += (operator, *fields.keys(), _END)
        if operator == "$rename":
            key += fields.values()
    if filters:
        key.append(frozenset([item.identifier for item in filters]))
    return tuple(key)


def _build(update: Mapping[Any, Any], filters: tuple[ArrayFilter, ...], collation: Collation | None) -> Shape:
    """Check and compile everything but the constants."""
    if not update:
        raise fault(FAILED_TO_PARSE, "the update is empty", hint="for example {'$set': {'field': 1}}")
    setting = Setting.of(collation)
    root = Branch()
    operators: list[tuple[Operator, UpdatePath]] = []
    binds: list[Bind] = []
    renames = False
    for name, fields in update.items():
        operator = _operator(name, fields)
        for text, value in fields.items():
            path = parse_path(text)
            _check_identifiers(path, filters)
            bind = operator.binder(path, setting)
            place = path
            if operator.name == "$rename":
                graft(root, path, Leaf(RENAMED_AWAY, path, len(binds)))
                place = bind(value)
                bind = _constant(place)
                renames = True
            if operator.creates and not operator.insert_only:
                refuse_dollar(place, operator.name)
            graft(root, place, Leaf(operator, path, len(binds)))
            operators.append((operator, path))
            binds.append(bind)
    paths = [path for _, path in operators]
    used = {identifier for path in paths for identifier in path.identifiers}
    for item in filters:
        if item.identifier not in used:
            raise fault(FAILED_TO_PARSE, f"no path of the update uses the array filter for {item.identifier!r}")
    positional = any(path.is_positional for path in paths)
    return Shape(
        tuple(operators), tuple(binds), compile_root(root, setting), positional, not (positional or used or renames)
    )


def _constant(operand: Any) -> Bind:
    """An operand that belongs to the shape."""
    return lambda value: operand


def _operator(name: Any, fields: Any) -> Operator:
    operator = OPERATORS.get(name) if isinstance(name, str) else None
    if operator is None:
        if not isinstance(name, str) or not name.startswith("$"):
            raise fault(
                FAILED_TO_PARSE,
                f"{show(name)} is not an update operator",
                hint="put fields under an operator, such as {'$set': {...}}, or use replace_one",
            )
        hint = operator_hint(name, OPERATORS)
        if name in TRANSFORMS:
            hint = f"{name} is a stage; stages are given in a list: [{{'{name}': ...}}]"
        raise fault(FAILED_TO_PARSE, f"{show(name)} is not an update operator", hint=hint)
    if not isinstance(fields, Mapping):
        raise fault(
            FAILED_TO_PARSE,
            f"{operator.name} takes a mapping of fields, not {show(fields)}",
            hint=f"for example {{'{operator.name}': {{'field': ...}}}}",
        )
    return operator


def _check_identifiers(path: UpdatePath, filters: tuple[ArrayFilter, ...]) -> None:
    for identifier in path.identifiers:
        if all(item.identifier != identifier for item in filters):
            raise fault(
                BAD_VALUE,
                f"no array filter describes {identifier!r} of the path {path.text!r}",
                hint=f"add {{'{identifier}...': condition}} to array_filters",
            )
