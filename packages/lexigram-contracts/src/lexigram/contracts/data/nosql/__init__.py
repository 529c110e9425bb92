"""Document stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.data.nosql.nosql import (
        BulkWriteResult,
        ChangeEvent,
        ChangeStreamProtocol,
        CollectionProtocol,
        CursorProtocol,
        Document,
        DocumentResult,
        DocumentStoreProtocol,
        Filter,
        SessionProtocol,
        SortSpec,
    )
    from lexigram.contracts.data.nosql.nosql_repository import (
        DocumentRepositoryProtocol,
    )
    from lexigram.contracts.data.nosql.operations import (
        DeleteMany,
        DeleteOne,
        InsertOne,
        ReplaceOne,
        UpdateMany,
        UpdateOne,
        WriteOperation,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "nosql": (
                "BulkWriteResult",
                "ChangeEvent",
                "ChangeStreamProtocol",
                "CollectionProtocol",
                "CursorProtocol",
                "Document",
                "DocumentResult",
                "DocumentStoreProtocol",
                "Filter",
                "SessionProtocol",
                "SortSpec",
            ),
            "nosql_repository": ("DocumentRepositoryProtocol",),
            "operations": (
                "DeleteMany",
                "DeleteOne",
                "InsertOne",
                "ReplaceOne",
                "UpdateMany",
                "UpdateOne",
                "WriteOperation",
            ),
        },
    )

__all__ = [
    "BulkWriteResult",
    "ChangeEvent",
    "ChangeStreamProtocol",
    "CollectionProtocol",
    "CursorProtocol",
    "DeleteMany",
    "DeleteOne",
    "Document",
    "DocumentRepositoryProtocol",
    "DocumentResult",
    "DocumentStoreProtocol",
    "Filter",
    "InsertOne",
    "ReplaceOne",
    "SessionProtocol",
    "SortSpec",
    "UpdateMany",
    "UpdateOne",
    "WriteOperation",
]
