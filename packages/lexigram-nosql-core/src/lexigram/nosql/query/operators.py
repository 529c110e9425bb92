"""Names of operators and stages, so that code needs no bare strings.

Every member is a ``str`` whose value is MongoDB's name, so it stands wherever that name does:
``{AccumulatorOp.SUM: "$price"}`` is ``{"$sum": "$price"}``. Members of :class:`AggregationOp` and
:class:`AccumulatorOp` can also be called: ``AccumulatorOp.SUM(1)`` is ``{"$sum": 1}``.
"""

from __future__ import annotations

from enum import StrEnum, nonmember
from typing import Any, TypeAlias

__all__ = [
    "AccumulatorOp",
    "AggregationOp",
    "ArrayOp",
    "ComparisonOp",
    "ElementOp",
    "EvaluationOp",
    "LogicalOp",
    "Operator",
    "UpdateOp",
]


class ComparisonOp(StrEnum):
    """Operators that compare a field with a value."""

    EQ = "$eq"
    NE = "$ne"
    GT = "$gt"
    GTE = "$gte"
    LT = "$lt"
    LTE = "$lte"
    IN = "$in"
    NIN = "$nin"


class LogicalOp(StrEnum):
    """Operators that combine conditions."""

    AND = "$and"
    OR = "$or"
    NOT = "$not"
    NOR = "$nor"


class ElementOp(StrEnum):
    """Operators on a field's presence and type."""

    EXISTS = "$exists"
    TYPE = "$type"


class EvaluationOp(StrEnum):
    """Operators that compute; ``WHERE`` is known by name and refused by every filter."""

    REGEX = "$regex"
    TEXT = "$text"
    EXPR = "$expr"
    MOD = "$mod"
    WHERE = "$where"
    JSON_SCHEMA = "$jsonSchema"


class ArrayOp(StrEnum):
    """Operators on arrays."""

    ALL = "$all"
    ELEM_MATCH = "$elemMatch"
    SIZE = "$size"


class UpdateOp(StrEnum):
    """Operators of updates."""

    SET = "$set"
    SET_ON_INSERT = "$setOnInsert"
    UNSET = "$unset"
    INC = "$inc"
    MUL = "$mul"
    RENAME = "$rename"
    MIN = "$min"
    MAX = "$max"
    CURRENT_DATE = "$currentDate"
    PUSH = "$push"
    PULL = "$pull"
    PULL_ALL = "$pullAll"
    ADD_TO_SET = "$addToSet"
    POP = "$pop"
    BIT = "$bit"


class _CallableOp(StrEnum):
    """An operator that takes one argument when called."""

    def __call__(self, argument: Any = None) -> dict[str, Any]:
        """Write the operator with its argument.

        Args:
            argument: What stands beside the name.

        Returns:
            ``{name: argument}``.
        """
        return {str(self.value): argument}


class AccumulatorOp(_CallableOp):
    """Accumulators of ``$group``, ``$bucket`` and windows."""

    SUM = "$sum"
    AVG = "$avg"
    FIRST = "$first"
    LAST = "$last"
    MAX = "$max"
    MIN = "$min"
    PUSH = "$push"
    ADD_TO_SET = "$addToSet"
    STD_DEV_POP = "$stdDevPop"
    STD_DEV_SAMP = "$stdDevSamp"
    COUNT = "$count"
    MERGE_OBJECTS = "$mergeObjects"
    FIRST_N = "$firstN"
    LAST_N = "$lastN"
    MAX_N = "$maxN"
    MIN_N = "$minN"
    TOP = "$top"
    TOP_N = "$topN"
    BOTTOM = "$bottom"
    BOTTOM_N = "$bottomN"
    MEDIAN = "$median"
    PERCENTILE = "$percentile"


class AggregationOp(_CallableOp):
    """Stages of a pipeline.

    The accumulators that are no stages are reachable here too (``AggregationOp.SUM(1)``), as members of
    :class:`AccumulatorOp`.
    """

    MATCH = "$match"
    GROUP = "$group"
    PROJECT = "$project"
    SORT = "$sort"
    LIMIT = "$limit"
    SKIP = "$skip"
    UNWIND = "$unwind"
    LOOKUP = "$lookup"
    ADD_FIELDS = "$addFields"
    FACET = "$facet"
    COUNT = "$count"
    BUCKET = "$bucket"
    BUCKET_AUTO = "$bucketAuto"
    REPLACE_ROOT = "$replaceRoot"
    MERGE = "$merge"
    OUT = "$out"
    SET = "$set"
    UNSET = "$unset"
    REPLACE_WITH = "$replaceWith"
    SAMPLE = "$sample"
    SORT_BY_COUNT = "$sortByCount"
    UNION_WITH = "$unionWith"
    GRAPH_LOOKUP = "$graphLookup"
    SET_WINDOW_FIELDS = "$setWindowFields"
    DENSIFY = "$densify"
    FILL = "$fill"
    REDACT = "$redact"
    DOCUMENTS = "$documents"

    SUM = nonmember(AccumulatorOp.SUM)
    AVG = nonmember(AccumulatorOp.AVG)
    FIRST = nonmember(AccumulatorOp.FIRST)
    LAST = nonmember(AccumulatorOp.LAST)
    MAX = nonmember(AccumulatorOp.MAX)
    MIN = nonmember(AccumulatorOp.MIN)
    PUSH = nonmember(AccumulatorOp.PUSH)
    ADD_TO_SET = nonmember(AccumulatorOp.ADD_TO_SET)
    STD_DEV_POP = nonmember(AccumulatorOp.STD_DEV_POP)
    STD_DEV_SAMP = nonmember(AccumulatorOp.STD_DEV_SAMP)


Operator: TypeAlias = ComparisonOp | LogicalOp | ElementOp | EvaluationOp | ArrayOp | str
"""An operator of filters, by member or by name."""
