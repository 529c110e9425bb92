"""The entry: from an accumulator as users write it to one that makes running accumulators."""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from lexigram.nosql.aggregation.accumulators.base import Accumulator, CompiledAccumulator
from lexigram.nosql.aggregation.accumulators.collecting import AddToSet, ConcatArrays, MergeObjects, Push, SetUnion
from lexigram.nosql.aggregation.accumulators.extremes import Extreme, ExtremeN, First, FirstN, Last, LastN
from lexigram.nosql.aggregation.accumulators.ranking import Ranked, Ranking
from lexigram.nosql.aggregation.accumulators.statistics import Median, Percentile, StandardDeviation
from lexigram.nosql.aggregation.accumulators.sums import Average, Count, Sum
from lexigram.nosql.aggregation.expressions.compile import compile_expression
from lexigram.nosql.aggregation.expressions.compiled import Compiled, combine
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.numbers import as_double, as_int64, is_numeric
from lexigram.nosql.aggregation.expressions.ordering import ranking_key
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.order import hash_key, sort_key
from lexigram.nosql.values.path import MISSING

__all__ = ["ACCUMULATORS", "compile_accumulator", "percentile_shares", "positive_count", "share_reader"]

Compiler = Callable[[Any], Compiled]
Maker = Callable[[Any, Mapping[str, Any]], Accumulator]
_METHOD: Final = "approximate"


class _Context:
    """What compiling one accumulator needs."""

    __slots__ = ("collation", "expression", "in_window", "name", "spec")

    def __init__(
        self, name: str, spec: Any, expression: Compiler, collation: Collation | None, *, in_window: bool
    ) -> None:
        self.name = name
        self.in_window = in_window
        self.spec = spec
        self.expression = expression
        self.collation = collation

    @property
    def place(self) -> Callable[[Any], Any]:
        return sort_key if self.collation is None else self.collation.sort_key

    @property
    def identity(self) -> Callable[[Any], Any]:
        return hash_key if self.collation is None else self.collation.hash_key

    def named(
        self, *, required: Mapping[str, int], optional: Sequence[str], shape: int, unknown: int
    ) -> Mapping[str, Any]:
        spec = self.spec
        if not isinstance(spec, Mapping):
            raise fault(shape, f"{self.name} takes a document of named arguments, not {type(spec).__name__}")
        for key in spec:
            if key not in required and key not in optional:
                known = ", ".join([*required, *optional])
                raise fault(unknown, f"{self.name} has no argument {key!r}; it takes {known}")
        for key, code in required.items():
            if key not in spec:
                raise fault(code, f"{self.name} needs the argument {key!r}")
        return spec


def positive_count(value: Any) -> int:
    """Check the number of values that an accumulator keeps.

    Args:
        value: What ``n`` gave.

    Returns:
        The number.

    Raises:
        PipelineError: It is not a number (5787902), not whole (5787903), or not positive (5787908).
    """
    if not is_numeric(value):
        raise fault(5787902, "'n' must be a whole number")
    n = as_int64(value)
    if n is None:
        raise fault(5787903, f"'n' must be a whole number, not {value}")
    if n <= 0:
        raise fault(5787908, f"'n' must be greater than 0, not {n}")
    return n


def percentile_shares(value: Any) -> tuple[float, ...]:
    """Check the shares that ``$percentile`` is asked for.

    Args:
        value: The value of ``p``.

    Returns:
        The shares.

    Raises:
        PipelineError: It is not an array of numbers from 0 to 1 (7750301 to 7750303).
    """
    if not isinstance(value, list) or not value:
        raise fault(7750301, "'p' of $percentile must be an array of numbers from 0.0 to 1.0")
    shares: list[float] = []
    for item in value:
        if not is_numeric(item):
            raise fault(7750302, "'p' of $percentile must hold numbers only")
        if not 0 <= as_double(item) <= 1:
            raise fault(7750303, f"'p' of $percentile must hold numbers from 0.0 to 1.0, not {item}")
        shares.append(as_double(item))
    return tuple(shares)


def share_reader(part: Compiled) -> Callable[[Mapping[str, Any]], tuple[float, ...]]:
    """Make what gives the shares that ``$percentile`` is asked for; they may come from variables, not from documents.

    Args:
        part: The compiled ``p``.

    Returns:
        A function of the variables' values; where variables were read, it raises ``PipelineError`` for what is not an
        array of numbers from 0 to 1 (7750301 to 7750303).

    Raises:
        PipelineError: It reads documents (7750300), or it is constant and not such an array.
    """
    if part.is_constant:
        checked = percentile_shares(part.value)
        return lambda _variables: checked
    if part.fields_needed != frozenset():
        raise fault(7750300, "'p' of $percentile must be an array of constants")
    evaluate = part.evaluate
    return lambda variables: percentile_shares(evaluate({}, variables))


def _document_for(group: Any) -> dict[str, Any]:
    return group if isinstance(group, dict) else {}


def _plain(make: Callable[[_Context], Callable[[], Accumulator]]) -> Callable[[_Context], CompiledAccumulator]:
    def build(context: _Context) -> CompiledAccumulator:
        if isinstance(context.spec, list | tuple) and not context.in_window:
            raise fault(40237, f"{context.name} takes one argument, not an array of them")
        argument = context.expression(context.spec)
        new = make(context)
        return CompiledAccumulator(
            context.name,
            argument,
            lambda _group, _variables: new(),
            argument.fields_needed,
            argument.variables_needed,
        )

    return build


def _count(context: _Context) -> CompiledAccumulator:
    if not isinstance(context.spec, Mapping) or context.spec:
        raise fault(TYPE_MISMATCH, "$count takes no arguments: write {'$count': {}}")
    argument = context.expression(1)
    return CompiledAccumulator("$count", argument, lambda _group, _variables: Count(), frozenset(), frozenset())


def _keeping(make: Callable[[_Context, int], Accumulator], shape: int) -> Callable[[_Context], CompiledAccumulator]:
    def build(context: _Context) -> CompiledAccumulator:
        spec = context.named(required={"n": 5787906, "input": 5787907}, optional=(), shape=shape, unknown=5787901)
        size = context.expression(spec["n"])
        argument = context.expression(spec["input"])
        if size.is_constant:
            positive_count(size.value)

        def new(group: Any, variables: Mapping[str, Any]) -> Accumulator:
            return make(context, positive_count(size.evaluate(_document_for(group), variables)))

        return CompiledAccumulator(
            context.name,
            argument,
            new,
            argument.fields_needed,
            argument.variables_needed | size.variables_needed,
            reads_group=size.fields_needed != frozenset(),
        )

    return build


def _sort_parts(context: _Context, sort_by: Any) -> tuple[list[Compiled], list[int]]:
    if not isinstance(sort_by, Mapping):
        raise fault(10065, f"'sortBy' of {context.name} must be a document, not {type(sort_by).__name__}")
    if not sort_by:
        raise fault(15976, f"'sortBy' of {context.name} needs at least one field")
    parts: list[Compiled] = []
    directions: list[int] = []
    for path, direction in sort_by.items():
        if not isinstance(path, str):
            raise fault(BAD_VALUE, f"a field of 'sortBy' must be a string, not {type(path).__name__}")
        if isinstance(direction, Mapping):
            if set(direction) != {"$meta"}:
                raise fault(17312, f"{context.name} sorts by 1, -1 or a $meta, not by another document")
            parts.append(context.expression(dict(direction)))
            directions.append(-1)
            continue
        if not is_numeric(direction):
            raise fault(15974, f"the direction of {path!r} must be 1 or -1, not {type(direction).__name__}")
        sign = as_int64(direction)
        if sign not in (1, -1):
            raise fault(15975, f"the direction of {path!r} must be 1 or -1, not {direction}")
        parts.append(context.expression(f"${path}"))
        directions.append(sign)
    return parts, directions


def _ranked(*, last: bool, single: bool) -> Callable[[_Context], CompiledAccumulator]:
    def build(context: _Context) -> CompiledAccumulator:
        required = {"output": 5788004, "sortBy": 5788005}
        if not single:
            required = {"n": 5788003, **required}
        spec = context.named(required=required, optional=(), shape=5788001, unknown=5788002)
        size = context.expression(1 if single else spec["n"])
        if size.is_constant:
            positive_count(size.value)
        output = context.expression(spec["output"])
        parts, directions = _sort_parts(context, spec["sortBy"])
        closures = [part.evaluate for part in parts]
        give = output.evaluate

        def rank(document: Any, variables: Any) -> Ranked:
            value = give(document, variables)
            return Ranked([each(document, variables) for each in closures], None if value is MISSING else value)

        # Marked volatile, since a Ranked is no value that could stand as a constant.
        argument = combine([output, *parts], rank, volatile=True)
        key = ranking_key(directions, context.place)

        def new(group: Any, variables: Mapping[str, Any]) -> Accumulator:
            n = positive_count(size.evaluate(_document_for(group), variables))
            return Ranking(n, key, last=last, single=single)

        return CompiledAccumulator(
            context.name,
            argument,
            new,
            argument.fields_needed,
            argument.variables_needed | size.variables_needed,
            reads_group=size.fields_needed != frozenset(),
        )

    return build


def _percentile(context: _Context) -> CompiledAccumulator:
    spec = context.named(
        required={"input": 40414, "p": 40414, "method": 40414}, optional=(), shape=7429703, unknown=40415
    )
    argument = context.expression(spec["input"])
    shares = context.expression(spec["p"])
    read = share_reader(shares)
    check_method(spec["method"])
    return CompiledAccumulator(
        context.name,
        argument,
        lambda _group, variables: Percentile(read(variables)),
        argument.fields_needed,
        argument.variables_needed | shares.variables_needed,
    )


def _median(context: _Context) -> CompiledAccumulator:
    spec = context.named(required={"input": 40414, "method": 40414}, optional=(), shape=7436100, unknown=40415)
    argument = context.expression(spec["input"])
    check_method(spec["method"])
    return CompiledAccumulator(
        context.name, argument, lambda _group, _variables: Median(), argument.fields_needed, argument.variables_needed
    )


def check_method(method: Any) -> None:
    """Check the method of ``$percentile`` and ``$median``.

    Args:
        method: As written.

    Raises:
        PipelineError: It is not a string (14), or not ``approximate`` (2).
    """
    if not isinstance(method, str):
        raise fault(TYPE_MISMATCH, f"'method' must be a string, not {type(method).__name__}")
    if method != _METHOD:
        raise fault(BAD_VALUE, f"'method' must be 'approximate', not {method!r}")


def _refused(context: _Context) -> CompiledAccumulator:
    raise fault(BAD_VALUE, f"{context.name} runs JavaScript on the server, which is not supported: use other operators")


ACCUMULATORS: Mapping[str, Callable[[_Context], CompiledAccumulator]] = MappingProxyType(
    {
        "$sum": _plain(lambda _context: Sum),
        "$avg": _plain(lambda _context: Average),
        "$min": _plain(lambda context: lambda: Extreme(largest=False, key=context.place)),
        "$max": _plain(lambda context: lambda: Extreme(largest=True, key=context.place)),
        "$first": _plain(lambda _context: First),
        "$last": _plain(lambda _context: Last),
        "$push": _plain(lambda _context: Push),
        "$addToSet": _plain(lambda context: lambda: AddToSet(context.identity)),
        "$concatArrays": _plain(lambda _context: ConcatArrays),
        "$setUnion": _plain(lambda context: lambda: SetUnion(context.identity)),
        "$mergeObjects": _plain(lambda _context: MergeObjects),
        "$stdDevPop": _plain(lambda _context: lambda: StandardDeviation(sample=False)),
        "$stdDevSamp": _plain(lambda _context: lambda: StandardDeviation(sample=True)),
        "$count": _count,
        "$minN": _keeping(lambda context, n: ExtremeN(n, largest=False, key=context.place), 5787900),
        "$maxN": _keeping(lambda context, n: ExtremeN(n, largest=True, key=context.place), 5787900),
        "$firstN": _keeping(lambda _context, n: FirstN(n), 5787801),
        "$lastN": _keeping(lambda _context, n: LastN(n), 5787801),
        "$top": _ranked(last=False, single=True),
        "$bottom": _ranked(last=True, single=True),
        "$topN": _ranked(last=False, single=False),
        "$bottomN": _ranked(last=True, single=False),
        "$percentile": _percentile,
        "$median": _median,
        "$accumulator": _refused,
    }
)
"""Every accumulator, by name."""


def compile_accumulator(
    name: str,
    spec: Any,
    *,
    variables: Collection[str] = (),
    collation: Collation | None = None,
    in_window: bool = False,
) -> CompiledAccumulator:
    """Compile an accumulator.

    Args:
        name: Its name, such as ``$sum``.
        spec: What stands beside the name.
        variables: Names of the variables that will be given values.
        collation: How strings compare; None for comparison by code point.
        in_window: It stands in ``$setWindowFields``, where a list is an array of expressions and not a wrong argument.

    Returns:
        The compiled accumulator; everything that can be wrong with it as such has been checked.

    Raises:
        PipelineError: There is no such accumulator (15952), or it is not valid.
    """
    build = ACCUMULATORS.get(name)
    if build is None:
        raise fault(15952, f"there is no accumulator {name}", operator_hint(name, ACCUMULATORS))

    def expression(part: Any) -> Compiled:
        return compile_expression(part, variables=variables, collation=collation)

    return build(_Context(name, spec, expression, collation, in_window=in_window))
