"""``$bucket`` (manual, "$bucket"): groups by ranges, in the order of their lower ends."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from lexigram.nosql.aggregation.expressions.compiled import Compiled, Evaluator
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import Stage
from lexigram.nosql.aggregation.stages.group import Group, Key, identity_of, parse_outputs
from lexigram.nosql.aggregation.stages.parsing import Env, as_list, shown
from lexigram.nosql.aggregation.stages.sort import SortStage, check_sort
from lexigram.nosql.values.order import sort_key, type_rank
from lexigram.nosql.values.path import MISSING

__all__ = ["check_group_by", "parse_bucket"]


def check_group_by(stage: str, specification: Any, code: int) -> None:
    """Check that buckets are made by a path or an operator.

    Args:
        stage: Name of the stage.
        specification: The ``groupBy`` as written.
        code: MongoDB's code for anything else.

    Raises:
        PipelineError: It is neither.
    """
    if isinstance(specification, Mapping):
        first = next(iter(specification), None)
        if isinstance(first, str) and first[:1] == "$":
            return
    elif isinstance(specification, str) and specification[:1] == "$" and len(specification) > 1:
        return
    raise fault(code, f"'groupBy' of {stage} must be a path with '$' or an operator in a document")


def _boundaries(specification: Any, env: Env, place: Callable[[Any], Any]) -> list[Any]:
    items = as_list(specification)
    if items is None:
        raise fault(40200, f"'boundaries' of $bucket must be an array, not {shown(specification)}")
    values: list[Any] = []
    for item in items:
        compiled = env.expression(item)
        if not compiled.is_constant:
            raise fault(40191, "'boundaries' of $bucket must hold constants only")
        values.append(compiled.value)
    if len(values) < 2:
        raise fault(40192, f"'boundaries' of $bucket must hold at least 2 values, not {len(values)}")
    for lower, upper in pairwise(values):
        if type_rank(lower) != type_rank(upper):
            raise fault(40193, f"'boundaries' of $bucket must be of one type, not {shown(lower)} and {shown(upper)}")
        if not place(lower) < place(upper):
            raise fault(40194, "'boundaries' of $bucket must ascend")
    return values


def parse_bucket(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$bucket``.

    Args:
        specification: ``groupBy``, ``boundaries``, ``default``, ``output``.
        env: Where it stands.

    Returns:
        A group and a sort. The group raises ``PipelineError`` (40066) for a value outside, where there is no default.

    Raises:
        PipelineError: It is not a document (40201), an option is unknown (40197) or missing (40198), or is not valid
            (40191 to 40202).
    """
    if not isinstance(specification, Mapping):
        raise fault(40201, f"$bucket takes a document of options, not {shown(specification)}")
    place = sort_key if env.collation is None else env.collation.sort_key
    boundaries: list[Any] = []
    default: Any = MISSING
    outputs: Mapping[Any, Any] = {"count": {"$sum": 1}}
    for name, value in specification.items():
        if name == "groupBy":
            check_group_by("$bucket", value, 40202)
        elif name == "boundaries":
            boundaries = _boundaries(value, env, place)
        elif name == "default":
            compiled = env.expression(value)
            if not compiled.is_constant:
                raise fault(40195, "'default' of $bucket must be a constant")
            default = compiled.value
        elif name == "output":
            if not isinstance(value, Mapping):
                raise fault(40196, f"'output' of $bucket must be a document, not {shown(value)}")
            outputs = value
        else:
            raise fault(40197, f"$bucket has no option {str(name)[:64]!r}")
    if "groupBy" not in specification or not boundaries:
        raise fault(40198, "$bucket needs 'groupBy' and 'boundaries'")
    if default is not MISSING and type_rank(default) == type_rank(boundaries[0]):
        where = place(default)
        if place(boundaries[0]) <= where < place(boundaries[-1]):
            raise fault(
                40199, "'default' of $bucket must be less than the lowest boundary or not less than the highest"
            )
    by = env.expression(specification["groupBy"])
    key = Compiled(
        _chooser(by.evaluate, boundaries, default, place),
        fields_needed=by.fields_needed,
        variables_needed=by.variables_needed,
        volatile=by.volatile,
    )
    group = Group(Key((key,), None), parse_outputs(outputs, env), identity_of(env), "$bucket")
    return [group, SortStage(check_sort({"_id": 1}, env.collation))]


def _chooser(by: Evaluator, boundaries: Sequence[Any], default: Any, place: Callable[[Any], Any]) -> Evaluator:
    places = [place(boundary) for boundary in boundaries]
    last = len(places) - 1

    def choose(document: Any, variables: Any) -> Any:
        index = bisect_right(places, place(by(document, variables))) - 1
        if 0 <= index < last:
            return boundaries[index]
        if default is MISSING:
            raise fault(40066, "$bucket met a value outside of its boundaries, and has no default")
        return default

    return choose
