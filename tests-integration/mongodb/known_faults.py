"""Where a stand-in for MongoDB deviates from MongoDB's manual, by standard test; of MongoDB itself none is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLError
from lexigram.nosql.testing import ServerFault
from servers import Product

__all__ = ["faults_of", "forgotten_retries", "ignores_the_order_of_fields", "lacks_text_indexes"]

_SECANTUS: Final = "SecantusDB 0.7.0b3"

FAULTS: Final[Mapping[str, ServerFault]] = {}
"""Standard tests that fail on SecantusDB, by id."""


def faults_of(product: Product | None) -> Mapping[str, ServerFault]:
    """The standard tests that a server fails, and why.

    Args:
        product: What answered, or None where nothing did.
    """
    return FAULTS if product is not None and product.name == "SecantusDB" else {}


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
