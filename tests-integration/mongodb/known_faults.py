"""Where a stand-in for MongoDB deviates from MongoDB's manual, by standard test; of MongoDB itself none is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLError
from lexigram.nosql.testing import ServerFault
from servers import Product

__all__ = [
    "COUNT",
    "ORDER",
    "PARALLEL",
    "PATHS",
    "PULL",
    "fault",
    "faults_of",
    "forgotten_retries",
    "ignores_the_order_of_fields",
    "is_faulty",
    "lacks_text_indexes",
]

_SECANTUS: Final = "SecantusDB 0.7.0b3"


def fault(manual: str, reason: str) -> ServerFault:
    """A fault of the stand-in.

    Args:
        manual: Where MongoDB's manual says otherwise.
        reason: What the stand-in does.
    """
    return ServerFault(_SECANTUS, manual, reason)


PARALLEL = fault(
    "cursor.sort(), Limitations: it cannot sort by parallel arrays",
    "it orders documents with arrays in two of the fields, instead of refusing",
)
PATHS = fault(
    "Field Paths: a path through an array gives an array of what its elements hold",
    "it gives null where no element holds anything",
)
COUNT = fault("$count (aggregation): it gives no document where none comes in", "it gives one with a count of 0")
_TEXT = fault("Text Indexes", "it has no text indexes and no $text")
ORDER = fault(
    "Update Operators, Behavior: fields are processed in the order of their names since 5.0",
    "it adds fields in the order of the update",
)
PULL = fault(
    "$pull: a path that an array stands in the way of is an error (code 28)", "it leaves such a document as it is"
)

FAULTS: Final[Mapping[str, ServerFault]] = {
    "aggregation::test_a_pipeline_gives[count of nothing]": COUNT,
    "discovery::test_properties_of_indexes_are_declared_as_they_are[text_search]": _TEXT,
    "filters::test_a_filter_selects[decimal is not its float]": fault(
        "Comparison/Sort Order, Numeric Types: decimals compare by their exact value",
        "it takes the decimal 0.1 and the double 0.1 for equal",
    ),
    "filters::test_a_filter_selects[mod]": fault(
        "$mod: the remainder of a 64-bit integer", "it divides 64-bit integers as doubles, so 2**53 + 1 is even"
    ),
    "filters::test_text_is_searched": _TEXT,
    "filters::test_text_is_searched_only_with_an_index": _TEXT,
    "ids::test_an_id_finds_its_document[nan]": fault(
        "Comparison/Sort Order: NaN equals NaN", "documents that hold NaN are not equal in an expression"
    ),
    "indexes::test_answers_are_the_same_with_an_index": fault(
        "Multikey Index Bounds: bounds on one multikey field are not intersected without $elemMatch",
        "it intersects them, and misses an array of which one element is above and another below",
    ),
    "limits::test_a_document_over_the_limit_is_refused": fault(
        "MongoDB Limits, BSON Document Size: an update that makes a larger document is refused (code 10334)",
        "it says that an internal error happened (code 1)",
    ),
    "parity::test_generated_requests_agree[recorded 1]": fault(
        "$add: null where an operand is null or missing", "it looks at the operands behind one that is missing"
    ),
    "parity::test_generated_requests_agree[recorded 2]": PARALLEL,
    "parity::test_generated_requests_agree[recorded 6]": PULL,
    "parity::test_generated_requests_agree[recorded 7]": PARALLEL,
    "parity::test_generated_requests_agree[recorded 9]": PATHS,
    "parity::test_generated_requests_agree[recorded 18]": PATHS,
    "parity::test_generated_requests_agree[recorded 21]": COUNT,
    "parity::test_generated_requests_agree[recorded 23]": COUNT,
    "parity::test_generated_requests_agree[recorded 24]": PARALLEL,
    "sorting::test_two_arrays_give_no_order": PARALLEL,
    "updates::test_an_update_makes[set appends]": ORDER,
}
"""Standard tests that fail on SecantusDB, by id."""


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
