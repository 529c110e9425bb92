"""Where a stand-in for MongoDB deviates from MongoDB's manual; there the manual is right and so must the engine be.

A fault holds for one product. On MongoDB itself none applies. Each names the cases that show it; where one no longer
does, its test fails, and it is to be deleted here. In generated cases a difference is excused only by a fault that
covers it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from engine.comparing import Answer, Case

__all__ = ["FAULTS", "GENERATED", "Fault", "excuse"]


GENERATED: Final = "generated"
"""What the names of generated cases begin with."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a product does against the manual.

    Attributes:
        product: Which product.
        says: The manual's page and what it says there.
        cases: The cases, by name, on which the product and the engine differ because of it.
        covers: Whether a difference in a generated case is due to it.
    """

    product: str
    says: str
    cases: tuple[str, ...]
    covers: Callable[[Case, Answer, Answer], bool] = lambda case, ours, theirs: False


def excuse(product: str, case: Case, ours: Answer, theirs: Answer) -> Fault | None:
    """Find the fault of a product that a difference is due to.

    Args:
        product: The server's name.
        case: What was asked.
        ours: The engine's answer.
        theirs: The server's.

    Returns:
        The fault, or None.
    """
    for fault in FAULTS:
        if fault.product != product:
            continue
        if case.name in fault.cases or (case.name.startswith(GENERATED) and fault.covers(case, ours, theirs)):
            return fault
    return None


def _unordered(value: Any) -> Any:
    """An answer without the order of fields."""
    if isinstance(value, dict):
        if "object" in value:
            return {"object": sorted(((name, _unordered(part)) for name, part in value["object"]), key=repr)}
        return {name: _unordered(part) for name, part in value.items()}
    return [_unordered(part) for part in value] if isinstance(value, list) else value


def _inside(value: Any) -> Iterator[Any]:
    """A value and all that is in it, names too."""
    yield value
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _inside(part)
    elif isinstance(value, list):
        for part in value:
            yield from _inside(part)


def _operators(case: Case) -> set[str]:
    return set(case.update) if isinstance(case.update, dict) else set()


def _stages(case: Case) -> list[str]:
    return [name for stage in case.pipeline or () for name in stage]


def _sorted_by(case: Case) -> list[str]:
    """The paths that a request sorts by."""
    paths = [path for path, _ in case.options.get("sort", ())]
    for stage in case.pipeline or ():
        paths += stage.get("$sort", {})
    return paths


def _reorders(case: Case, ours: Answer, theirs: Answer) -> bool:
    if case.update is None:
        return False
    same = theirs.refused is None and ours.refused is None and _unordered(ours.value) == _unordered(theirs.value)
    # What is refused, or already there, depends on what came before.
    return same or (theirs.refused is not None and len(_paths(case)) > 1)


def _paths(case: Case) -> list[str]:
    return (
        [path for fields in case.update.values() if isinstance(fields, dict) for path in fields]
        if isinstance(case.update, dict)
        else []
    )


def _paths_in(case: Case) -> Iterator[str]:
    """The field paths that a pipeline's expressions read."""
    for part in _inside(case.pipeline):
        if isinstance(part, str) and part.startswith("$") and not part.startswith("$$"):
            yield part[1:]


def _leads_through_arrays(case: Case) -> bool:
    """Whether a path of an expression may meet an array."""
    arrays = any(isinstance(part, list) for part in _inside(list(case.documents)))
    return arrays and any("." in path for path in _paths_in(case))


def _has_constant(case: Case) -> bool:
    """Whether an operator has constant operands only."""
    for part in _inside(case.pipeline):
        if isinstance(part, dict) and len(part) == 1:
            ((name, operand),) = part.items()
            reads = any(isinstance(inner, str) and inner.startswith("$") for inner in _values(operand))
            if name.startswith("$") and not reads:
                return True
    return False


def _values(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _values(part)


def _nested_arrays(case: Case) -> bool:
    return any(
        isinstance(part, list) and any(isinstance(x, list) for x in part) for part in _inside(list(case.documents))
    )


def _shares_an_array(case: Case) -> bool:
    """Whether two paths of an order begin with the same field."""
    roots = [path.partition(".")[0] for path in _sorted_by(case)]
    return len(set(roots)) < len(roots) and any(isinstance(part, list) for part in _inside(list(case.documents)))


_UPDATES = "Update Operators, Behavior"

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        "SecantusDB",
        "cursor.sort(), Limits: a sort by two fields that both are arrays in one document fails.",
        ("sort_by_parallel_arrays",),
        lambda case, ours, theirs: "parallel arrays" in (ours.refused or ""),
    ),
    Fault(
        "SecantusDB",
        f"{_UPDATES}: fields are processed in lexicographic order of their names, numeric ones in numeric order.",
        ("fields_are_added_in_order",),
        _reorders,
    ),
    Fault(
        "SecantusDB",
        "$pull, $pop, $pullAll: a path that leads through a value that is no object cannot be followed, which is an "
        "error of the update (PathNotViable).",
        ("pull_through_a_scalar",),
        lambda case, ours, theirs: ours.code == 28 and bool(_operators(case) & {"$pull", "$pullAll", "$pop"}),
    ),
    Fault(
        "SecantusDB",
        "db.collection.updateOne(), upsert: the new document is made of the filter's equality clauses; a regular "
        "expression is none.",
        ("upsert_by_a_regex",),
        lambda case, ours, theirs: (
            bool(case.options.get("upsert")) and any(isinstance(part, re.Pattern) for part in _inside(case.filter))
        ),
    ),
    Fault(
        "SecantusDB",
        "db.collection.updateOne(), upsert: two equalities of which one names a part of the other cannot both stand "
        "in the new document (NotSingleValueField).",
        ("upsert_by_a_part_and_a_whole",),
        lambda case, ours, theirs: ours.code == 54,
    ),
    Fault(
        "SecantusDB",
        "$count: with no input document, the stage has no output document.",
        ("count_of_nothing",),
        lambda case, ours, theirs: "$count" in _stages(case),
    ),
    Fault(
        "SecantusDB",
        "$push, $sort: elements that are no documents have none of the named fields, and equal elements keep their "
        "order.",
        ("push_sorts_what_is_no_document",),
        lambda case, ours, theirs: "$sort" in _inside(case.update) and "$push" in _operators(case),
    ),
    Fault(
        "SecantusDB",
        "Query an Array, by index: a.1 is the second element. Where there is none, and no element is a document, "
        "nothing is compared, and so null is not found.",
        ("null_beyond_an_array",),
        lambda case, ours, theirs: (
            any(isinstance(part, str) and re.search(r"\.\d", part) for part in _inside([case.filter, case.pipeline]))
            and any(part is None for part in _inside([case.filter, case.pipeline]))
        ),
    ),
    Fault(
        "SecantusDB",
        "cursor.sort(), arrays: an element that is an array itself has no field, so it counts as null.",
        ("sort_by_a_field_in_nested_arrays",),
        lambda case, ours, theirs: any("." in path for path in _sorted_by(case)) and _nested_arrays(case),
    ),
    Fault(
        "SecantusDB",
        "Multikey Indexes, cursor.sort(): the parts of a key that lie in one array come from the same element; one "
        "that is no document gives null.",
        ("sort_by_two_fields_of_an_array",),
        lambda case, ours, theirs: _shares_an_array(case),
    ),
    Fault(
        "SecantusDB",
        "$group: a missing _id makes the group null. (Error 1 is a fault inside the server, whatever was asked.)",
        ("group_by_a_constant_that_is_missing",),
        lambda case, ours, theirs: theirs.code == 1,
    ),
    Fault(
        "SecantusDB",
        "$project: a path may not be given together with another that it leads through (Location31249, 31250).",
        ("project_a_part_and_a_whole",),
        lambda case, ours, theirs: ours.code in {31249, 31250},
    ),
    Fault(
        "SecantusDB",
        "$project: fields are either included or excluded, but for _id; Location31253 and 31254 say which it is.",
        ("project_in_and_out",),
        lambda case, ours, theirs: ours.code in {31253, 31254} and theirs.code == 14,
    ),
    Fault(
        "SecantusDB",
        "Field Paths: $a.b gives the b of each document in the array a, as an array; a number in a path is a name, not "
        "a position.",
        ("path_by_position",),
        lambda case, ours, theirs: _leads_through_arrays(case),
    ),
    Fault(
        "SecantusDB",
        "Field Paths: an empty array has the path $a.b, as an empty array.",
        ("path_through_an_empty_array",),
    ),
    Fault(
        "SecantusDB",
        "Aggregation Pipeline Optimization: constant expressions are computed before any document is read, so one that "
        "fails fails without a document.",
        ("constant_that_fails",),
        lambda case, ours, theirs: ours.refused is not None and _has_constant(case),
    ),
    Fault(
        "SecantusDB",
        "Variables in Aggregation Expressions: $$ROOT.a is the same as $a, which may be missing.",
        ("missing_field_of_root",),
        lambda case, ours, theirs: "$$ROOT.a" in _inside(case.pipeline),
    ),
    Fault(
        "SecantusDB",
        "$group: _id may be any expression, and accumulators stand beside it.",
        ("group_by_a_constant",),
        lambda case, ours, theirs: "Failed to optimize" in (theirs.refused or "") and "$group" in _stages(case),
    ),
    Fault(
        "SecantusDB",
        "$project: a number that is not 0 includes the field; $literal gives the number itself.",
        ("project_by_another_number",),
        lambda case, ours, theirs: any(
            isinstance(how, float | int) and how not in {0, 1}
            for stage in case.pipeline or ()
            for how in stage.get("$project", {}).values()
        ),
    ),
    Fault(
        "SecantusDB",
        "$project and $unset: a number in a path is a name, not a position, so elements of an array stay.",
        ("unset_by_position",),
        lambda case, ours, theirs: any(
            isinstance(part, str) and re.search(r"\.\d", part)
            for stage in case.pipeline or ()
            for part in _inside([stage.get("$unset"), stage.get("$project")])
        ),
    ),
    Fault(
        "SecantusDB",
        "$project, Exclude Fields from Embedded Documents: the path leads into each document of an array.",
        ("exclude_in_arrays",),
        lambda case, ours, theirs: any(
            "." in str(stage.get("$unset", ""))
            or any("." in path and how == 0 for path, how in stage.get("$project", {}).items())
            for stage in case.pipeline or ()
        ),
    ),
    Fault(
        "SecantusDB",
        "$in: a field that is missing equals no element, not even null.",
        ("a_missing_field_is_in_no_array",),
        lambda case, ours, theirs: "$in" in _inside(case.pipeline),
    ),
    Fault(
        "SecantusDB",
        "Comparison/Sort Order, BinData: first by length, then by subtype, then by bytes.",
        (
            "gt_bytes",
            "gte_bytes",
            "lt_bytes",
            "lte_bytes",
        ),
    ),
    Fault(
        "SecantusDB",
        "$jsonSchema, minimum and maximum: they bound all numbers, decimals too.",
        (
            "json_schema_minimum",
            "json_schema_all_of",
            "json_schema_one_of",
        ),
    ),
    Fault(
        "SecantusDB", "$jsonSchema, enum: the value is one of those listed; true is no number.", ("json_schema_enum",)
    ),
    Fault("SecantusDB", "$mod: remainders of long integers are exact.", ("mod",)),
    Fault(
        "SecantusDB",
        "$mod, Floating Point Arguments: divisor and remainder are rounded towards zero.",
        ("mod_truncates",),
    ),
    Fault(
        "SecantusDB",
        "$mod, Too Many Elements Error: an array of more than two elements is refused.",
        ("mod_takes_no_more",),
    ),
    Fault("SecantusDB", "$regex: patterns are those of PCRE, which has the classes of POSIX.", ("regex_class",)),
    Fault("SecantusDB", "$regex: a stored regular expression is found by the same one.", ("regex_of_a_regex",)),
    Fault("SecantusDB", "$elemMatch (query): its conditions are those of a query, so $or is one.", ("elem_match_or",)),
    Fault(
        "SecantusDB",
        "Query Documents: what stands beside an operator must be an operator too (BadValue).",
        ("operator_beside_a_field",),
    ),
    Fault(
        "SecantusDB", "Projection: an expression must be one that there is (Location31325).", ("projection_unknown",)
    ),
    Fault(
        "SecantusDB",
        "Field Names with Periods and Dollar Signs: no update but $setField makes a name with $.",
        ("set_dollar_name",),
    ),
    Fault(
        "SecantusDB",
        "$set: an array is not filled up with more than 1,500,000 nulls (CannotBackfillArray).",
        ("set_far_beyond_array",),
    ),
    Fault(
        "SecantusDB",
        "$push, Modifiers: $each, $slice, $sort and $position (BadValue otherwise).",
        ("push_unknown_modifier",),
    ),
    Fault("SecantusDB", "$pullAll: takes an array (BadValue otherwise).", ("pull_all_takes_an_array",)),
    Fault(
        "SecantusDB",
        "$[], Upsert and Behavior: the path must be there and hold an array.",
        (
            "positional_all_of_scalar",
            "positional_all_of_missing",
        ),
    ),
    Fault(
        "SecantusDB",
        "Update Operators, Syntax: each operator takes a document of fields (FailedToParse otherwise).",
        ("operator_takes_a_document",),
    ),
    Fault("SecantusDB", "$ (update), Upsert: the positional operator is not for upserts.", ("upsert_positional",)),
    Fault(
        "SecantusDB",
        "Updates with Aggregation Pipeline: six stages are allowed (InvalidOptions otherwise).",
        ("pipeline_other_stage",),
    ),
    Fault(
        "SecantusDB", "$addFields: a dotted name makes a document of each element of an array.", ("set_into_arrays",)
    ),
    Fault("SecantusDB", "$group: an accumulator must be one that there is (Location15952).", ("group_unknown",)),
    Fault("SecantusDB", "$group, Considerations: names of fields hold no dots (Location40235).", ("group_dotted",)),
    Fault(
        "SecantusDB",
        "$unwind, includeArrayIndex: the name of the new field; a dotted one leads into a document.",
        ("unwind_index",),
    ),
    Fault(
        "SecantusDB",
        "$graphLookup, restrictSearchWithMatch: holds for every document that the search visits, the first ones too.",
        ("graph_lookup_restricted",),
    ),
    Fault("SecantusDB", "$facet, Behavior: $out is not among its stages (Location40600).", ("facet_bad",)),
    Fault(
        "SecantusDB", "$unionWith, pipeline: without a collection, it begins with $documents.", ("documents_in_union",)
    ),
    Fault(
        "SecantusDB",
        "$merge, whenMatched and whenNotMatched: not every pair makes sense (Location51181).",
        ("merge_keep",),
    ),
    Fault(
        "SecantusDB",
        "Collation: it holds for the whole operation, so for comparisons in expressions too.",
        ("collation",),
    ),
    Fault(
        "SecantusDB",
        "$setWindowFields, Window Operators: these four are among them.",
        (
            "window_covariance_pop",
            "window_covariance_samp",
            "window_concat_arrays",
            "window_set_union",
        ),
    ),
    Fault("SecantusDB", "$setWindowFields, Window Operators: others are refused (FailedToParse).", ("window_unknown",)),
    Fault("SecantusDB", "$integral: the sum of no trapezoid is the integer 0.", ("window_integral",)),
    Fault(
        "SecantusDB",
        "$expMovingAvg: the weights are decimals of 34 digits, rounded in the end.",
        ("window_exp_moving",),
    ),
    Fault("SecantusDB", "$first (array): of an empty array, the result is missing.", ("first_of_empty",)),
    Fault(
        "SecantusDB", "$dateFromParts: natural and ISO parts do not mix (Location40489).", ("dateFromParts_of_mixed",)
    ),
    Fault("SecantusDB", "$dateToString, onNull: what to return for null or a missing date.", ("dateToString_of_null",)),
    Fault(
        "SecantusDB",
        "$convert, $toUUID: text in the form of a UUID becomes one.",
        (
            "toUUID_of_text",
            "toUUID_of_bad",
        ),
    ),
    Fault(
        "SecantusDB",
        "$convert, base and format: text in another base, binary data as text and back.",
        (
            "convert_of_base",
            "convert_of_base_text",
            "convert_of_base64",
            "convert_of_hex",
            "convert_of_from_hex",
        ),
    ),
    Fault("SecantusDB", "$unsetField: removes a field of a document.", ("unsetField_of_old",)),
    Fault("SecantusDB", "$let, vars: variables of users begin with a lower-case letter.", ("let_of_bad",)),
    Fault(
        "SecantusDB",
        "$toHashedIndexKey: the hash that a hashed index has.",
        (
            "toHashedIndexKey_of_int",
            "toHashedIndexKey_of_text",
        ),
    ),
    Fault("SecantusDB", "$meta: which metadata there are (Location17308).", ("meta_of_unknown",)),
    Fault("SecantusDB", "Field Paths: $a.b gives the b of each document in the array a.", ("path_into_documents",)),
    Fault(
        "SecantusDB",
        "Field Paths: names that begin with a dollar sign are not written so; $getField and $setField take them.",
        ("two_operators",),
    ),
    Fault("SecantusDB", "$count (accumulator): takes no argument (TypeMismatch).", ("accumulate_count_bad",)),
    Fault(
        "SecantusDB",
        "$group, Accumulator Operators: $concatArrays and $setUnion are among them.",
        (
            "accumulate_concat_arrays",
            "accumulate_set_union",
        ),
    ),
    Fault(
        "SecantusDB",
        "$group, Accumulator Operators: each takes one argument (Location40237).",
        ("accumulate_two_arguments",),
    ),
    Fault("SecantusDB", "$addToSet: takes values of every type, decimals too.", ("accumulate_add_to_set",)),
    Fault("SecantusDB", "$sigmoid: new in version 8.1.", ("sigmoid_of_zero", "sigmoid_of_text")),
    Fault("SecantusDB", "$minMaxScaler: new in version 8.2.", ("window_min_max_scaler",)),
    Fault(
        "SecantusDB",
        "$hash, $hexHash, $serializeEJSON, $deserializeEJSON, $similarityCosine and its relatives, $subtype, $toArray, "
        "$toObject, and $top, $bottom, $topN, $bottomN as expressions: new in version 8.3.",
        (
            "hash_of_text",
            "hash_of_unknown",
            "hexHash_of_bytes",
            "serializeEJSON_of_canonical",
            "deserializeEJSON_of_long",
            "deserializeEJSON_of_bad",
            "similarityCosine_of_arrays",
            "similarityDotProduct_of_arrays",
            "similarityDotProduct_of_sizes",
            "similarityEuclidean_of_score",
            "subtype_of_bytes",
            "subtype_of_text",
            "toArray_of_json",
            "toArray_of_text",
            "toObject_of_json",
            "toObject_of_array",
            "top_of_array",
            "bottom_of_array",
            "topN_of_array",
            "bottomN_of_array",
        ),
    ),
)
"""All that are known."""
