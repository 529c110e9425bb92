"""Window operators: what ``$setWindowFields`` computes for each document of a partition.

See the manual, "$setWindowFields". A partition is a list of documents in the order of the stage's ``sortBy``. An
operator is given the documents and, where it takes a window, for each of them the positions where its window begins
and ends; it gives a value for each.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from lexigram.nosql.aggregation.accumulators.compile import ACCUMULATORS, compile_accumulator
from lexigram.nosql.aggregation.accumulators.extremes import Extreme
from lexigram.nosql.aggregation.accumulators.series import Covariance, ExponentialAverage, Integral
from lexigram.nosql.aggregation.accumulators.windows import Bounds, Compute, Documents, over_windows
from lexigram.nosql.aggregation.expressions.arithmetic import add, divide, multiply, subtract
from lexigram.nosql.aggregation.expressions.compile import compile_expression
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.date_arithmetic import check_unit
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.numbers import DECIMAL128, as_decimal, as_int32, as_int64, is_numeric
from lexigram.nosql.aggregation.expressions.ordering import ranking_key
from lexigram.nosql.aggregation.expressions.units import unit_millis
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.kinds import Kind, kind_of, type_name
from lexigram.nosql.values.order import sort_key
from lexigram.nosql.values.path import MISSING

__all__ = ["Bounds", "SortKeys", "WindowOperator", "window_operator", "window_operator_names"]

SortKeys: TypeAlias = Sequence[tuple[str, int]]
"""The stage's ``sortBy``: paths, each with 1 or -1."""


@dataclass(frozen=True, slots=True)
class WindowOperator:
    """A window operator, checked and compiled.

    Attributes:
        name: Its name, such as ``$sum``.
        compute: Gives a value for each document from the documents of a partition, the bounds of their windows (ignored
            where ``takes_window`` is False) and the variables' values, one after the other as they are asked for.
            Values may share parts with the documents.
        takes_window: Whether a ``window`` may be given; without one the window is the whole partition.
        needs_window: Whether one must be given.
        fields_needed: Names of the top-level fields that are read; None when the whole document is.
        variables_needed: Names of the variables that are read.
        holds_values: Whether results may grow with the window, for limits on memory.
        includes_current: Whether every document's window must include the document itself.
    """

    name: str
    compute: Compute
    takes_window: bool
    needs_window: bool
    fields_needed: frozenset[str] | None
    variables_needed: frozenset[str]
    holds_values: bool = False
    includes_current: bool = False


@dataclass(frozen=True, slots=True)
class _Context:
    """What compiling one operator needs."""

    name: str
    spec: Any
    sort: SortKeys
    variables: Collection[str]
    collation: Collation | None
    parts: list[Compiled] = field(default_factory=list)

    def expression(self, value: Any) -> Compiled:
        part = compile_expression(value, variables=self.variables, collation=self.collation)
        self.parts.append(part)
        return part

    def done(
        self, compute: Compute, *, takes_window: bool, needs_window: bool = False, includes_current: bool = False
    ) -> WindowOperator:
        fields: frozenset[str] | None = frozenset()
        variables: frozenset[str] = frozenset()
        for part in self.parts:
            fields = None if fields is None or part.fields_needed is None else fields | part.fields_needed
            variables |= part.variables_needed
        return WindowOperator(
            self.name,
            compute,
            takes_window,
            needs_window,
            fields,
            variables,
            includes_current=includes_current,
        )

    def document(self, required: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
        spec = self.spec
        if not isinstance(spec, Mapping):
            raise fault(FAILED_TO_PARSE, f"{self.name} takes a document of named arguments, not {type(spec).__name__}")
        for key in spec:
            if key not in required and key not in optional:
                known = ", ".join([*required, *optional])
                raise fault(FAILED_TO_PARSE, f"{self.name} has no argument {key!r}; it takes {known}")
        for key in required:
            if key not in spec:
                raise fault(FAILED_TO_PARSE, f"{self.name} needs the argument {key!r}")
        return spec

    def sort_field(self, code: int) -> tuple[Compiled, int]:
        if len(self.sort) != 1:
            raise fault(code, f"{self.name} needs a 'sortBy' with exactly one field")
        path, direction = self.sort[0]
        return self.expression(f"${path}"), direction


def _accumulator(context: _Context) -> WindowOperator:
    compiled = compile_accumulator(
        context.name, context.spec, variables=context.variables, collation=context.collation, in_window=True
    )
    compute = over_windows(lambda variables: compiled.new({}, variables), compiled.argument.evaluate_many)
    return WindowOperator(
        context.name,
        compute,
        takes_window=True,
        needs_window=False,
        fields_needed=compiled.fields_needed,
        variables_needed=compiled.variables_needed,
        holds_values=context.name in _HOLDING,
    )


_HOLDING: Final = frozenset({"$push", "$addToSet", "$concatArrays", "$setUnion"})


def _covariance(*, sample: bool) -> Callable[[_Context], WindowOperator]:
    def build(context: _Context) -> WindowOperator:
        part = context.expression(context.spec)
        compute = over_windows(lambda _variables: Covariance(sample=sample), part.evaluate_many)
        return context.done(compute, takes_window=True)

    return build


def _scale_limit(context: _Context, spec: Mapping[str, Any], name: str, otherwise: int) -> Any:
    if name not in spec:
        return otherwise
    part = context.expression(spec[name])
    if not part.is_constant or not is_numeric(part.value):
        raise fault(FAILED_TO_PARSE, f"{name!r} of $minMaxScaler must be a constant number")
    return part.value


def _min_max_scaler(context: _Context) -> WindowOperator:
    spec: Any = context.spec
    named = isinstance(spec, Mapping) and not any(str(key).startswith("$") for key in spec)
    arguments = context.document(("input",), ("min", "max")) if named else {"input": spec}
    if ("min" in arguments) != ("max" in arguments):
        raise fault(FAILED_TO_PARSE, "$minMaxScaler takes both 'min' and 'max', or neither")
    low, high = _scale_limit(context, arguments, "min", 0), _scale_limit(context, arguments, "max", 1)
    if not as_decimal(low) < as_decimal(high):
        raise fault(FAILED_TO_PARSE, f"'max' of $minMaxScaler must be greater than 'min': {low}, {high}")
    part = context.expression(arguments["input"])
    size = subtract(high, low)

    def inputs(documents: Documents, variables: Mapping[str, Any]) -> list[Any]:
        values = part.evaluate_many(documents, variables)
        for value in values:
            if not is_numeric(value):
                raise fault(10487000, f"$minMaxScaler scales numbers, not {type_name(value)}")
        return values

    smallest = over_windows(lambda _variables: Extreme(largest=False), inputs)
    largest = over_windows(lambda _variables: Extreme(largest=True), inputs)

    def compute(documents: Documents, bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        values = inputs(documents, variables)
        least_of, most_of = (column(documents, bounds, variables) for column in (smallest, largest))
        for value, least, most in zip(values, least_of, most_of, strict=True):
            reach = subtract(most, least)
            if as_decimal(reach).is_zero():
                yield low
            else:
                yield add(multiply(divide(subtract(value, least), reach), size), low)

    return context.done(compute, takes_window=True, includes_current=True)


# Operators that see the field by which the stage sorts


def _unit(spec: Mapping[str, Any], name: str) -> int | None:
    if "unit" not in spec:
        return None
    if not isinstance(spec["unit"], str):
        raise fault(FAILED_TO_PARSE, f"'unit' of {name} must be a string, not {type(spec['unit']).__name__}")
    unit = check_unit(spec["unit"], name)
    if unit in ("year", "quarter", "month"):
        raise fault(5490710, f"'unit' of {name} must be 'week' or shorter, since {unit}s differ in length")
    return unit_millis(unit)


def _integral(context: _Context) -> WindowOperator:
    place = context.sort_field(FAILED_TO_PARSE)[0]
    spec = context.document(("input",), ("unit",))
    unit = _unit(spec, context.name)
    part = context.expression(spec["input"])

    def points(documents: Documents, variables: Mapping[str, Any]) -> list[Any]:
        xs, ys = place.evaluate_many(documents, variables), part.evaluate_many(documents, variables)
        return [[x, y] for x, y in zip(xs, ys, strict=True)]

    return context.done(over_windows(lambda _variables: Integral(unit), points), takes_window=True)


def _derivative(context: _Context) -> WindowOperator:
    place = context.sort_field(FAILED_TO_PARSE)[0]
    spec = context.document(("input",), ("unit",))
    unit = _unit(spec, context.name)
    part = context.expression(spec["input"])

    def compute(documents: Documents, bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        xs, ys = place.evaluate_many(documents, variables), part.evaluate_many(documents, variables)
        for start, end in bounds:
            yield _slope(xs[start], ys[start], xs[end - 1], ys[end - 1], unit) if end > start else None

    return context.done(compute, takes_window=True, needs_window=True)


def _slope(x1: Any, y1: Any, x2: Any, y2: Any, unit: int | None) -> Any:
    dates = [kind_of(x) is Kind.DATE for x in (x1, x2)]
    if unit is not None and not all(dates):
        raise fault(5624900, "$derivative with 'unit' needs a date in the field that sorts")
    if unit is None and any(dates):
        raise fault(5624901, "$derivative needs 'unit' where a date is in the field that sorts")
    if unit is None and not (is_numeric(x1) and is_numeric(x2)):
        raise fault(5624902, "$derivative without 'unit' needs a number in the field that sorts")
    run, rise = subtract(x2, x1), subtract(y2, y1)
    if rise is None:
        raise fault(5624903, "the input of $derivative must not be null or missing")
    if as_decimal(run).is_zero() if is_numeric(run) else False:
        return None
    slope = divide(rise, run)
    return slope if unit is None else multiply(slope, unit)


def _linear_fill(context: _Context) -> WindowOperator:
    place = context.sort_field(605001)[0]
    part = context.expression(context.spec)

    def compute(documents: Documents, _bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        xs, ys = place.evaluate_many(documents, variables), part.evaluate_many(documents, variables)
        _check_points(xs, ys)
        left: int | None = None
        right = 0
        for index, y in enumerate(ys):
            if y is not None and y is not MISSING:
                left = index
                yield y
                continue
            if right <= index:
                right = index + 1
                while right < len(ys) and (ys[right] is None or ys[right] is MISSING):
                    right += 1
            if left is None or right == len(ys):
                yield None
                continue
            share = divide(subtract(ys[right], ys[left]), subtract(xs[right], xs[left]))
            yield add(ys[left], multiply(subtract(xs[index], xs[left]), share))

    return context.done(compute, takes_window=False)


def _check_points(xs: Sequence[Any], ys: Sequence[Any]) -> None:
    previous: Any = MISSING
    dated: bool | None = None
    for x, y in zip(xs, ys, strict=True):
        if y is not None and y is not MISSING and not is_numeric(y):
            raise fault(TYPE_MISMATCH, f"$linearFill fills in numbers, not {type_name(y)}")
        is_date = isinstance(x, datetime) or kind_of(x) is Kind.DATE
        if not is_date and not is_numeric(x):
            raise fault(
                TYPE_MISMATCH, f"$linearFill needs numbers or dates in the field that sorts, not {type_name(x)}"
            )
        key = sort_key(x)
        if key == previous:
            raise fault(6050106, "$linearFill needs values in the field that sorts which do not repeat")
        if dated is not None and dated != is_date:
            raise fault(TYPE_MISMATCH, "$linearFill needs numbers or dates in the field that sorts, not both")
        previous, dated = key, is_date


# Operators that see one document after another


def _locf(context: _Context) -> WindowOperator:
    part = context.expression(context.spec)

    def compute(documents: Documents, _bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        last: Any = None
        for value in part.evaluate_many(documents, variables):
            if value is not None and value is not MISSING:
                last = value
            yield last

    return context.done(compute, takes_window=False)


def _moving_average(context: _Context) -> WindowOperator:
    spec = context.spec
    if not isinstance(spec, Mapping) or len(spec) != 2 or "input" not in spec or not ("N" in spec or "alpha" in spec):
        raise fault(FAILED_TO_PARSE, "$expMovingAvg takes a document with 'input' and either 'N' or 'alpha'")
    if not context.sort:
        raise fault(FAILED_TO_PARSE, "$expMovingAvg needs a 'sortBy'")
    part = context.expression(spec["input"])
    alpha = _alpha_of_count(spec["N"]) if "N" in spec else _alpha(spec["alpha"])

    def compute(documents: Documents, _bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        average = ExponentialAverage(alpha)
        for value in part.evaluate_many(documents, variables):
            average.add(value)
            yield average.result()

    return context.done(compute, takes_window=False)


def _alpha_of_count(value: Any) -> Decimal:
    number = as_int64(value)
    if number is None:
        raise fault(FAILED_TO_PARSE, "'N' of $expMovingAvg must be a whole number; use 'alpha' for others")
    if number <= 0:
        raise fault(FAILED_TO_PARSE, f"'N' of $expMovingAvg must be greater than 0, not {number}")
    return DECIMAL128.divide(Decimal(2), Decimal(number + 1))


def _alpha(value: Any) -> Decimal:
    if not is_numeric(value):
        raise fault(FAILED_TO_PARSE, f"'alpha' of $expMovingAvg must be a number, not {type_name(value)}")
    alpha = as_decimal(value)
    if alpha.is_nan() or not 0 < alpha < 1:
        raise fault(FAILED_TO_PARSE, f"'alpha' of $expMovingAvg must be between 0 and 1, not {value}")
    return alpha


def _shift(context: _Context) -> WindowOperator:
    spec = context.document(("output", "by"), ("default",))
    if not context.sort:
        raise fault(FAILED_TO_PARSE, "$shift needs a 'sortBy'")
    part = context.expression(spec["output"])
    by = as_int32(spec["by"])
    if by is None:
        raise fault(FAILED_TO_PARSE, "'by' of $shift must be a whole number")
    default = context.expression(spec.get("default"))
    if default.fields_needed != frozenset():
        raise fault(FAILED_TO_PARSE, "'default' of $shift must be a constant")

    def compute(documents: Documents, _bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
        values = [None if value is MISSING else value for value in part.evaluate_many(documents, variables)]
        size = len(values)
        given = default.evaluate({}, variables)
        otherwise = None if given is MISSING else given
        for index in range(by, size + by):
            yield values[index] if 0 <= index < size else copy_value(otherwise)

    return context.done(compute, takes_window=False)


def _ranked(count: Callable[[int, int, int], int]) -> Callable[[_Context], WindowOperator]:
    def build(context: _Context) -> WindowOperator:
        if not isinstance(context.spec, Mapping) or context.spec:
            raise fault(5371603, f"{context.name} takes no arguments: write {{{context.name!r}: {{}}}}")
        part, direction = context.sort_field(5371602)
        key = ranking_key([direction], sort_key if context.collation is None else context.collation.sort_key)

        def compute(documents: Documents, _bounds: Bounds, variables: Mapping[str, Any]) -> Iterator[Any]:
            previous: Any = None
            rank = dense = 0
            for number, value in enumerate(part.evaluate_many(documents, variables), 1):
                place = key([value])
                if previous is None or place != previous:
                    rank, dense, previous = number, dense + 1, place
                yield count(number, rank, dense)

        return context.done(compute, takes_window=False)

    return build


_OTHERS: Final[Mapping[str, Callable[[_Context], WindowOperator]]] = MappingProxyType(
    {
        "$covariancePop": _covariance(sample=False),
        "$covarianceSamp": _covariance(sample=True),
        "$denseRank": _ranked(lambda _number, _rank, dense: dense),
        "$derivative": _derivative,
        "$documentNumber": _ranked(lambda number, _rank, _dense: number),
        "$expMovingAvg": _moving_average,
        "$integral": _integral,
        "$linearFill": _linear_fill,
        "$locf": _locf,
        "$minMaxScaler": _min_max_scaler,
        "$rank": _ranked(lambda _number, rank, _dense: rank),
        "$shift": _shift,
    }
)
_NOT_WINDOWED: Final = frozenset({"$accumulator", "$mergeObjects"})


def window_operator_names() -> frozenset[str]:
    """Names of all operators that ``$setWindowFields`` knows.

    Returns:
        The names, each with its ``$``.
    """
    return frozenset({*_OTHERS, *ACCUMULATORS}) - _NOT_WINDOWED


def window_operator(
    name: str,
    spec: Any,
    *,
    sort: SortKeys = (),
    has_window: bool = False,
    variables: Collection[str] = (),
    collation: Collation | None = None,
) -> WindowOperator:
    """Compile a window operator.

    Args:
        name: Its name, such as ``$rank``.
        spec: What stands beside the name.
        sort: The stage's ``sortBy``; empty where there is none.
        has_window: Whether a ``window`` is given for this operator.
        variables: Names of the variables that will be given values.
        collation: How strings compare; None for comparison by code point.

    Returns:
        The operator; everything that can be wrong with it as such has been checked.

    Raises:
        PipelineError: There is no such operator (9), it is not valid, it does not take a window (9, 5371601) or needs
            one (9), or it needs another ``sortBy``.
    """
    if name not in window_operator_names():
        raise fault(
            FAILED_TO_PARSE, f"there is no window operator {name}", operator_hint(name, window_operator_names())
        )
    build = _OTHERS.get(name, _accumulator)
    operator = build(_Context(name, spec, sort, variables, collation))
    if has_window and not operator.takes_window:
        code = 5371601 if name in ("$rank", "$denseRank", "$documentNumber") else FAILED_TO_PARSE
        raise fault(code, f"{name} takes no 'window'")
    if operator.needs_window and not has_window:
        raise fault(FAILED_TO_PARSE, f"{name} needs a 'window'")
    return operator
