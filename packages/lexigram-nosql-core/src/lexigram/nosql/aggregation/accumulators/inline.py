"""Accumulators as expressions: over the elements of an array, or over several operands.

``$sum $avg $min $max $stdDevPop $stdDevSamp`` take one operand, whose elements count if it is an array, or several;
``$minN $maxN $firstN $lastN $median $percentile`` take named arguments.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.accumulators.base import Accumulator
from lexigram.nosql.aggregation.accumulators.compile import check_method, positive_count, share_reader
from lexigram.nosql.aggregation.accumulators.extremes import Extreme, ExtremeN, FirstN, LastN
from lexigram.nosql.aggregation.accumulators.statistics import Median, Percentile, StandardDeviation
from lexigram.nosql.aggregation.accumulators.sums import Average, Sum
from lexigram.nosql.aggregation.expressions.arguments import at_least, named
from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator, combine
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.scope import Builder, Scope
from lexigram.nosql.values.kinds import type_name
from lexigram.nosql.values.order import sort_key

__all__ = ["OPERATORS"]

Place = Callable[[Any], Any]


def _place(scope: Scope) -> Place:
    return sort_key if scope.collation is None else scope.collation.sort_key


def _over(name: str, make: Callable[[Place], Accumulator]) -> Builder:
    def build(parts: Sequence[Compiled], scope: Scope) -> Evaluator:
        place = _place(scope)
        closures = [part.evaluate for part in parts]
        if len(closures) == 1:
            only = closures[0]

            def one(document: Any, variables: Any) -> Any:
                accumulator = make(place)
                value = only(document, variables)
                if isinstance(value, list):
                    accumulator.add_many(value)
                else:
                    accumulator.add(value)
                return accumulator.result()

            return one

        def several(document: Any, variables: Any) -> Any:
            accumulator = make(place)
            accumulator.add_many([each(document, variables) for each in closures])
            return accumulator.result()

        return several

    return at_least(name, 0, 0, build)


def _keeping(name: str, shape: int, make: Callable[[int, Place], Accumulator]) -> Builder:
    def build(spec: Any, scope: Scope) -> Compiled:
        arguments = named(name, spec, required={"n": 5787906, "input": 5787907}, not_document=shape, unknown=5787901)
        size, source = scope.compile(arguments["n"]), scope.compile(arguments["input"])
        place = _place(scope)
        count, array = size.evaluate, source.evaluate

        def keep(document: Any, variables: Any) -> Any:
            accumulator = make(positive_count(count(document, variables)), place)
            values = array(document, variables)
            if not isinstance(values, list):
                raise fault(5788200, f"'input' of {name} must be an array, not {type_name(values)}")
            accumulator.add_many(values)
            return accumulator.result()

        return combine([size, source], keep)

    return build


def _quantile(parts: Sequence[Compiled], make: Callable[[Any], Accumulator]) -> Compiled:
    """Measure what the first of the parts gives with an accumulator made from the variables."""
    read = parts[0].evaluate

    def measure(document: Any, variables: Any) -> Any:
        value = read(document, variables)
        accumulator = make(variables)
        accumulator.add_many(value if isinstance(value, list) else [value])
        return accumulator.result()

    return combine(parts, measure)


def _percentile(spec: Any, scope: Scope) -> Compiled:
    arguments = named(
        "$percentile",
        spec,
        required={"input": 40414, "p": 40414, "method": 40414},
        not_document=7436200,
        unknown=40415,
    )
    source = scope.compile(arguments["input"])
    shares = scope.compile(arguments["p"])
    given = share_reader(shares)
    check_method(arguments["method"])
    return _quantile([source, shares], lambda variables: Percentile(given(variables)))


def _median(spec: Any, scope: Scope) -> Compiled:
    arguments = named("$median", spec, required={"input": 40414, "method": 40414}, not_document=7436201, unknown=40415)
    source = scope.compile(arguments["input"])
    check_method(arguments["method"])
    return _quantile([source], lambda _variables: Median())


OPERATORS: Mapping[str, Builder] = {
    "$sum": _over("$sum", lambda _place: Sum()),
    "$avg": _over("$avg", lambda _place: Average()),
    "$min": _over("$min", lambda place: Extreme(largest=False, key=place)),
    "$max": _over("$max", lambda place: Extreme(largest=True, key=place)),
    "$stdDevPop": _over("$stdDevPop", lambda _place: StandardDeviation(sample=False)),
    "$stdDevSamp": _over("$stdDevSamp", lambda _place: StandardDeviation(sample=True)),
    "$minN": _keeping("$minN", 5787900, lambda n, place: ExtremeN(n, largest=False, key=place)),
    "$maxN": _keeping("$maxN", 5787900, lambda n, place: ExtremeN(n, largest=True, key=place)),
    "$firstN": _keeping("$firstN", 5787801, lambda n, _place: FirstN(n)),
    "$lastN": _keeping("$lastN", 5787801, lambda n, _place: LastN(n)),
    "$percentile": _percentile,
    "$median": _median,
}
