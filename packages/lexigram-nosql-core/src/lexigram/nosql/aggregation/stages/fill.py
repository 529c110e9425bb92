"""``$fill`` (manual, "$fill"): windows that fill in from neighbours, and expressions for what is null."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.aggregation.expressions.errors import TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.stages.additions import additions_stage, parse_additions
from lexigram.nosql.aggregation.stages.base import Stage
from lexigram.nosql.aggregation.stages.parsing import Env, as_list, known_options, path_of, shown
from lexigram.nosql.aggregation.stages.set_window_fields import window_stage

__all__ = ["parse_fill"]

_METHODS: Final = {"linear": "$linearFill", "locf": "$locf"}


def parse_fill(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$fill``.

    Args:
        specification: ``partitionBy`` or ``partitionByFields``, ``sortBy``, ``output``.
        env: Where it stands.

    Returns:
        The stages it stands for: windows for methods, added fields for values.

    Raises:
        PipelineError: It is not a document (9), an option is unknown (40415), missing (40414) or of the wrong type
            (14), or is not valid (6050200 to 6050204).
    """
    names = ("partitionBy", "partitionByFields", "sortBy", "output")
    options = known_options("$fill", specification, names, required=("output",))
    output = options["output"]
    if not isinstance(output, Mapping):
        raise fault(TYPE_MISMATCH, f"'output' of $fill must be a document, not {shown(output)}")
    if not output:
        raise fault(6050203, "'output' of $fill needs at least one field")
    windows: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for path, how in output.items():
        if not isinstance(path, str):
            raise fault(TYPE_MISMATCH, f"the fields of 'output' must be strings, not {shown(path)}")
        if not isinstance(how, Mapping):
            raise fault(6050200, f"$fill needs a method or a value for {path!r}, in a document")
        _read(str(path), known_options("$fill", how, ("method", "value")), windows, values)
    partition = _partition(options)
    stages: list[Stage] = []
    if windows:
        stages.append(window_stage("$fill", {**partition, "output": windows}, env))
    if values:
        stages.append(additions_stage("$fill", parse_additions(values, env)))
    return stages


def _read(path: str, how: Mapping[str, Any], windows: dict[str, Any], values: dict[str, Any]) -> None:
    if ("method" in how) == ("value" in how):
        raise fault(6050201, f"$fill needs either a method or a value for {path!r}")
    if "value" in how:
        values[path] = {"$ifNull": [f"${path}", how["value"]]}
        return
    method = how["method"]
    if not isinstance(method, str):
        raise fault(TYPE_MISMATCH, f"the method for {path!r} must be a string, not {shown(method)}")
    if method not in _METHODS:
        raise fault(6050202, f"the method for {path!r} must be one of {', '.join(_METHODS)}, not {method[:64]!r}")
    windows[path] = {_METHODS[method]: f"${path}"}


def _partition(options: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if "sortBy" in options:
        chosen["sortBy"] = options["sortBy"]
    if "partitionBy" in options:
        if "partitionByFields" in options:
            raise fault(6050204, "$fill takes either 'partitionBy' or 'partitionByFields'")
        by = options["partitionBy"]
        if not isinstance(by, str | Mapping):
            raise fault(TYPE_MISMATCH, f"'partitionBy' of $fill must be a string or a document, not {shown(by)}")
        chosen["partitionBy"] = by
    elif "partitionByFields" in options:
        fields = as_list(options["partitionByFields"])
        if fields is None or not all(isinstance(field, str) for field in fields):
            raise fault(TYPE_MISMATCH, "'partitionByFields' of $fill must be an array of strings")
        # One array of the values tells partitions apart as a document of them would, whatever the names.
        for field in fields:
            path_of(field)
        chosen["partitionBy"] = {f"f{number}": f"${field}" for number, field in enumerate(fields)}
    return chosen
