"""Documents behind one protocol, on every backend.

Where to find what:

* :mod:`~lexigram.nosql.store`, :mod:`~lexigram.nosql.collection`, :mod:`~lexigram.nosql.cursor`,
  :mod:`~lexigram.nosql.session`: what an application holds.
* :mod:`~lexigram.nosql.query`, :mod:`~lexigram.nosql.update`, :mod:`~lexigram.nosql.aggregation`,
  :mod:`~lexigram.nosql.values`: the engine, which says what a request means on every backend.
* :mod:`~lexigram.nosql.driver`, :mod:`~lexigram.nosql.backend`: what a backend implements, and how it is found.
* ``lexigram.nosql.backends.memory``: the embedded backend.
* :mod:`~lexigram.nosql.repository`, :mod:`~lexigram.nosql.migration`, :mod:`~lexigram.nosql.cli`: built on top.
* :mod:`~lexigram.nosql.module`, :mod:`~lexigram.nosql.config`: how an application gets a store;
  :mod:`~lexigram.nosql.connections`: how it gets several, by name, from ``settings.toml``.
"""

from pkgutil import extend_path
from typing import TYPE_CHECKING

__path__ = extend_path(__path__, __name__)

if TYPE_CHECKING:
    from lexigram.contracts.data.nosql.operations import (
        DeleteMany,
        DeleteOne,
        InsertOne,
        ReplaceOne,
        UpdateMany,
        UpdateOne,
    )
    from lexigram.nosql.config import NamedNoSQLConfig, NoSQLConfig
    from lexigram.nosql.di.provider import NoSQLProvider
    from lexigram.nosql.events import (
        MigrationAppliedEvent,
        MigrationFailedEvent,
        NoSQLConnectedEvent,
        NoSQLDisconnectedEvent,
    )
    from lexigram.nosql.exceptions import (
        BulkWriteError,
        DocumentNotFoundError,
        DocumentValidationError,
        DuplicateKeyError,
        NoSQLConnectionError,
        NoSQLError,
        NoSQLFilterError,
        TransactionError,
        UnsupportedFeatureError,
        WriteConflictError,
    )
    from lexigram.nosql.hooks import NoSQLConnectedHook, NoSQLDisconnectedHook
    from lexigram.nosql.migration import (
        AddField,
        CreateIndex,
        DropCollection,
        DropIndex,
        MigrationManager,
        RenameField,
    )
    from lexigram.nosql.module import NoSQLModule
    from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
    from lexigram.nosql.query.operators import (
        AccumulatorOp,
        AggregationOp,
        ArrayOp,
        ComparisonOp,
        ElementOp,
        EvaluationOp,
        LogicalOp,
        UpdateOp,
    )
    from lexigram.nosql.query.pipeline import AggregationPipeline
    from lexigram.nosql.repository import DocumentRepository, tenant_scope
    from lexigram.nosql.specification import to_filter
    from lexigram.nosql.store import DocumentStore
else:
    from lexigram.contracts.lazy import lazy_exports

    # The last three configs belong to other distributions; lexigram.nosql.config says which where one is missing.
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "config": (
                "DynamoDBConfig",
                "FirestoreConfig",
                "MongoDBConfig",
                "NamedNoSQLConfig",
                "NoSQLConfig",
            ),
            "di.provider": ("NoSQLProvider",),
            "events": (
                "MigrationAppliedEvent",
                "MigrationFailedEvent",
                "NoSQLConnectedEvent",
                "NoSQLDisconnectedEvent",
            ),
            "exceptions": (
                "BulkWriteError",
                "DocumentNotFoundError",
                "DocumentValidationError",
                "DuplicateKeyError",
                "NoSQLConnectionError",
                "NoSQLError",
                "NoSQLFilterError",
                "TransactionError",
                "UnsupportedFeatureError",
                "WriteConflictError",
            ),
            "hooks": (
                "NoSQLConnectedHook",
                "NoSQLDisconnectedHook",
            ),
            "lexigram.contracts.data.nosql.operations": (
                "DeleteMany",
                "DeleteOne",
                "InsertOne",
                "ReplaceOne",
                "UpdateMany",
                "UpdateOne",
            ),
            "migration": (
                "AddField",
                "CreateIndex",
                "DropCollection",
                "DropIndex",
                "MigrationManager",
                "RenameField",
            ),
            "module": ("NoSQLModule",),
            "query.builder": (
                "DocumentQuery",
                "DocumentQueryBuilder",
            ),
            "query.operators": (
                "AccumulatorOp",
                "AggregationOp",
                "ArrayOp",
                "ComparisonOp",
                "ElementOp",
                "EvaluationOp",
                "LogicalOp",
                "UpdateOp",
            ),
            "query.pipeline": ("AggregationPipeline",),
            "repository": (
                "DocumentRepository",
                "tenant_scope",
            ),
            "specification": ("to_filter",),
            "store": ("DocumentStore",),
        },
    )

__all__ = [
    "AccumulatorOp",
    "AddField",
    "AggregationOp",
    "AggregationPipeline",
    "ArrayOp",
    "BulkWriteError",
    "ComparisonOp",
    "CreateIndex",
    "DeleteMany",
    "DeleteOne",
    "DocumentNotFoundError",
    "DocumentQuery",
    "DocumentQueryBuilder",
    "DocumentRepository",
    "DocumentStore",
    "DocumentValidationError",
    "DropCollection",
    "DropIndex",
    "DuplicateKeyError",
    "ElementOp",
    "EvaluationOp",
    "InsertOne",
    "LogicalOp",
    "MigrationAppliedEvent",
    "MigrationFailedEvent",
    "MigrationManager",
    "NamedNoSQLConfig",
    "NoSQLConfig",
    "NoSQLConnectedEvent",
    "NoSQLConnectedHook",
    "NoSQLConnectionError",
    "NoSQLDisconnectedEvent",
    "NoSQLDisconnectedHook",
    "NoSQLError",
    "NoSQLFilterError",
    "NoSQLModule",
    "NoSQLProvider",
    "RenameField",
    "ReplaceOne",
    "TransactionError",
    "UnsupportedFeatureError",
    "UpdateMany",
    "UpdateOne",
    "UpdateOp",
    "WriteConflictError",
    "tenant_scope",
    "to_filter",
]
