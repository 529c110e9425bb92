"""Where the stand-ins for DynamoDB deviate from Amazon's documents, by standard test; of DynamoDB itself none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lexigram.nosql.testing import ServerFault
from servers import Product

__all__ = ["faults_of"]

_LOCAL: Final[Mapping[str, ServerFault]] = {
    "limits::test_a_transaction_holds_as_many_writes_as_declared": ServerFault(
        "DynamoDB Local of January 2020",
        "TransactWriteItems: it takes up to 100 actions",
        "it takes ten, so the store is set to send no more",
    )
}
_DYNOXIDE: Final[Mapping[str, ServerFault]] = {}


def faults_of(product: Product | None) -> Mapping[str, ServerFault]:
    """The standard tests that a server fails, and why.

    Args:
        product: What answered, or None where nothing did.
    """
    if product is None:
        return {}
    if product.name == "Dynoxide":
        return _DYNOXIDE
    return _LOCAL if product.note else {}
