"""Where a stand-in for MongoDB deviates from MongoDB's manual, by standard test; of MongoDB itself none is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLError
from lexigram.nosql.testing import ServerFault
from servers import Product

__all__ = [
    "SHAPES",
    "Shape",
    "faults_of",
    "forgotten_retries",
    "ignores_the_order_of_fields",
    "is_faulty",
    "lacks_text_indexes",
]

_SECANTUS: Final = "SecantusDB 0.7.0b3"


def _fault(manual: str, reason: str) -> ServerFault:
    return ServerFault(_SECANTUS, manual, reason)


_PARALLEL = _fault(
    "cursor.sort(), Limitations: it cannot sort by parallel arrays",
    "it orders documents with arrays in two of the fields, instead of refusing",
)
_PATHS = _fault(
    "Field Paths: a path through an array gives an array of what its elements hold",
    "it gives null where no element holds anything",
)
_COUNT = _fault("$count (aggregation): it gives no document where none comes in", "it gives one with a count of 0")
_TEXT = _fault("Text Indexes", "it has no text indexes and no $text")
_ORDER = _fault(
    "Update Operators, Behavior: fields are processed in the order of their names since 5.0",
    "it adds fields in the order of the update",
)
_PULL = _fault(
    "$pull: a path that an array stands in the way of is an error (code 28)", "it leaves such a document as it is"
)

FAULTS: Final[Mapping[str, ServerFault]] = {
    "aggregation::test_a_pipeline_gives[count of nothing]": _COUNT,
    "discovery::test_properties_of_indexes_are_declared_as_they_are[text_search]": _TEXT,
    "filters::test_a_filter_selects[decimal is not its float]": _fault(
        "Comparison/Sort Order, Numeric Types: decimals compare by their exact value",
        "it takes the decimal 0.1 and the double 0.1 for equal",
    ),
    "filters::test_a_filter_selects[mod]": _fault(
        "$mod: the remainder of a 64-bit integer", "it divides 64-bit integers as doubles, so 2**53 + 1 is even"
    ),
    "filters::test_text_is_searched": _TEXT,
    "filters::test_text_is_searched_only_with_an_index": _TEXT,
    "ids::test_an_id_finds_its_document[nan]": _fault(
        "Comparison/Sort Order: NaN equals NaN", "documents that hold NaN are not equal in an expression"
    ),
    "indexes::test_answers_are_the_same_with_an_index": _fault(
        "Multikey Index Bounds: bounds on one multikey field are not intersected without $elemMatch",
        "it intersects them, and misses an array of which one element is above and another below",
    ),
    "limits::test_a_document_over_the_limit_is_refused": _fault(
        "MongoDB Limits, BSON Document Size: an update that makes a larger document is refused (code 10334)",
        "it says that an internal error happened (code 1)",
    ),
    "parity::test_generated_requests_agree[recorded 1]": _fault(
        "$add: null where an operand is null or missing", "it looks at the operands behind one that is missing"
    ),
    "parity::test_generated_requests_agree[recorded 2]": _PARALLEL,
    "parity::test_generated_requests_agree[recorded 6]": _PULL,
    "parity::test_generated_requests_agree[recorded 7]": _PARALLEL,
    "parity::test_generated_requests_agree[recorded 9]": _PATHS,
    "parity::test_generated_requests_agree[recorded 18]": _PATHS,
    "parity::test_generated_requests_agree[recorded 21]": _COUNT,
    "parity::test_generated_requests_agree[recorded 23]": _COUNT,
    "parity::test_generated_requests_agree[recorded 24]": _PARALLEL,
    "sorting::test_two_arrays_give_no_order": _PARALLEL,
    "updates::test_an_update_makes[set appends]": _ORDER,
}
"""Standard tests that fail on SecantusDB, by id."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A request of a kind that generated cases meet.

    Attributes:
        documents: What the collection holds.
        request: The request, in the form of a generated case.
        fault: What is wrong with the stand-in's answer.
    """

    documents: Sequence[dict[str, Any]]
    request: Mapping[str, Any]
    fault: ServerFault


def _updated(document: dict[str, Any], update: dict[str, Any], fault: ServerFault) -> Shape:
    return Shape([document], {"kind": "update_many", "filter": {}, "update": update}, fault)


def _piped(document: dict[str, Any], stage: dict[str, Any], fault: ServerFault) -> Shape:
    return Shape([document], {"kind": "aggregate", "pipeline": [stage]}, fault)


_POSITION = _fault(
    "Field Paths: an expression's path has no positions, a number in it is the name of a field",
    "it takes the element at the position",
)

SHAPES: Final[Mapping[str, Shape]] = {
    "count of nothing": _piped({"_id": 0}, {"$facet": {"none": [{"$match": {"a": 1}}, {"$count": "n"}]}}, _COUNT),
    "last of a group": _piped(
        {"_id": 0},
        {"$group": {"_id": 3, "b": {"$last": {"$toString": 1}}}},
        _fault("$last (accumulator): the value of the group's last document", "it takes a constant for an array"),
    ),
    "order by parallel arrays": Shape(
        [{"_id": 0, "a": [1, 2], "b": [1, 2]}],
        {"kind": "find", "filter": {}, "sort": {"a": 1, "b": 1, "_id": 1}},
        _PARALLEL,
    ),
    "path through an array": _piped({"_id": 0, "a": [1]}, {"$set": {"m": {"$arrayElemAt": ["$a.b.c", 2]}}}, _PATHS),
    "pop behind a number": _updated(
        {"_id": 0, "a": 5},
        {"$pop": {"a.b": 1}},
        _fault(
            "$pop: a path that a value stands in the way of is an error (code 28)", "it leaves the document as it is"
        ),
    ),
    "position in a path": _piped({"_id": 0, "c": [1, {"a": 5}]}, {"$set": {"m": "$c.1.a"}}, _POSITION),
    "pull behind an array": _updated({"_id": 0, "a": [5]}, {"$pull": {"a.b": 1}}, _PULL),
    "pull all behind a number": _updated(
        {"_id": 0, "a": 5},
        {"$pullAll": {"a.b": [1]}},
        _fault(
            "$pullAll: a path that a value stands in the way of is an error (code 28)",
            "it leaves the document as it is",
        ),
    ),
    "update in an ambiguous order": Shape(
        [{"_id": 0, "a": [{"b": 1}, {"0": {"b": 2}}]}],
        {"kind": "delete_one", "filter": {}, "sort": {"a.0.b": 1, "_id": 1}},
        _fault(
            "cursor.sort(): a position of an array that is a name in it too is ambiguous (code 16746)",
            "it says that an internal error happened (code 1), where the order is that of a write",
        ),
    ),
    "update with one operator": _updated({"_id": 0}, {"$set": {"b": 1, "a": 2}}, _ORDER),
    "update with two operators": _updated({"_id": 0}, {"$max": {"b": 1}, "$min": {"a": 2}}, _ORDER),
}
"""What generated cases were seen to meet on SecantusDB, each in its smallest form."""


def is_faulty(product: Product | None) -> bool:
    """True for the stand-in that this module is about."""
    return product is not None and product.name == "SecantusDB"


def faults_of(product: Product | None) -> Mapping[str, ServerFault]:
    """The standard tests that a server fails, and why.

    Args:
        product: What answered, or None where nothing did.
    """
    return FAULTS if is_faulty(product) else {}


def forgotten_retries(build: Mapping[str, Any]) -> Sequence[type[NoSQLError]]:
    """Errors that a write may end with on a stand-in which forgets, when it is killed, what writes it has numbered.

    MongoDB's manual, "Retryable Writes": the server remembers the numbers of writes in its storage, so one that is
    repeated after a restart is recognised. SecantusDB keeps them in memory, and refuses the repetition of an insert as
    a duplicate key; the document is there, once.

    Args:
        build: What the server answers to ``buildInfo``.
    """
    return (DuplicateKeyError,) if "secantusVersion" in build else ()


def lacks_text_indexes(product: Product) -> bool:
    """True for a stand-in that has none; MongoDB's manual, "Text Indexes"."""
    return product.name == "SecantusDB"


def ignores_the_order_of_fields(product: Product) -> bool:
    """True for a stand-in to which documents have no order; MongoDB's manual, "Comparison/Sort Order"."""
    return product.name == "SecantusDB"
