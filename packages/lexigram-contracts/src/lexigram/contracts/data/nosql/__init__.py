"""Document stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.data.nosql.nosql import (
        BulkWriteResult as BulkWriteResult,
    )
    from lexigram.contracts.data.nosql.nosql import (
        ChangeEvent as ChangeEvent,
    )
    from lexigram.contracts.data.nosql.nosql import (
        ChangeStreamProtocol as ChangeStreamProtocol,
    )
    from lexigram.contracts.data.nosql.nosql import (
        CollectionProtocol as CollectionProtocol,
    )
    from lexigram.contracts.data.nosql.nosql import (
        CursorProtocol as CursorProtocol,
    )
    from lexigram.contracts.data.nosql.nosql import (
        DocumentResult as DocumentResult,
    )
    from lexigram.contracts.data.nosql.nosql import (
        DocumentStoreProtocol as DocumentStoreProtocol,
    )
    from lexigram.contracts.data.nosql.nosql import (
        Page as Page,
    )
    from lexigram.contracts.data.nosql.nosql import (
        SessionProtocol as SessionProtocol,
    )
    from lexigram.contracts.data.nosql.nosql_repository import (
        DocumentRepositoryProtocol as DocumentRepositoryProtocol,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "nosql": (
                "BulkWriteResult",
                "ChangeEvent",
                "ChangeStreamProtocol",
                "CollectionProtocol",
                "CursorProtocol",
                "DocumentResult",
                "DocumentStoreProtocol",
                "Page",
                "SessionProtocol",
            ),
            "nosql_repository": ("DocumentRepositoryProtocol",),
        },
    )

__all__ = [
    "BulkWriteResult",
    "ChangeEvent",
    "ChangeStreamProtocol",
    "CollectionProtocol",
    "CursorProtocol",
    "DocumentRepositoryProtocol",
    "DocumentResult",
    "DocumentStoreProtocol",
    "Page",
    "SessionProtocol",
]
