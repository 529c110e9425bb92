"""Data access: document stores, SQL databases, repositories, filter expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.data.aggregatable import (
        AggregatableProtocol,
    )
    from lexigram.contracts.data.bulk_operations import (
        BulkOperationsProtocol,
    )
    from lexigram.contracts.data.data_source import (
        DataSourceProtocol,
    )
    from lexigram.contracts.data.exceptions import (
        DataError,
        DataNotFoundError,
        DataValidationError,
        InvalidIdentifierError,
        NoPrimaryBackendError,
        UnitOfWorkError,
    )
    from lexigram.contracts.data.identifiers import (
        DEFAULT_MAX_IDENTIFIER_LENGTH,
        MAX_IDENTIFIER_LENGTHS,
        Column,
        Identifier,
        QualifiedTable,
        Schema,
        Table,
        column,
        schema,
        table,
    )
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
    from lexigram.contracts.data.outbox import (
        OutboxStoreProtocol,
    )
    from lexigram.contracts.data.protocols import (
        CursorCodecProtocol,
        FilterCompilerProtocol,
        PaginatorProtocol,
        QueryFilterProtocol,
    )
    from lexigram.contracts.data.relation_loader import (
        RelationLoaderProtocol,
    )
    from lexigram.contracts.data.repository import (
        ReadOnlyRepositoryProtocol,
        RepositoryProtocol,
    )
    from lexigram.contracts.data.searchable import (
        SearchableProtocol,
    )
    from lexigram.contracts.data.sql.append_log import (
        AppendLogProtocol,
        AppendLogSnapshotStore,
    )
    from lexigram.contracts.data.sql.context_protocol import (
        DatabaseContextProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        ConnectionPoolProtocol,
        ConnectionProtocol,
        CrudOperationsProtocol,
        DatabaseMetricsProtocol,
        DatabaseProviderProtocol,
        DeleteResult,
        HealthMonitorProtocol,
        InsertResult,
        IsolationLevel,
        MigrationManagerProtocol,
        MigrationRecord,
        Params,
        QueryResult,
        Row,
        SchemaManagerProtocol,
        TransactionManagerProtocol,
        UpdateResult,
        Where,
    )
    from lexigram.contracts.data.sql.mapper import (
        DataMapperProtocol,
        ReadOnlyMapperProtocol,
    )
    from lexigram.contracts.data.sql.migrations import (
        MigrationRunnerProtocol,
    )
    from lexigram.contracts.data.sql.query_log import (
        QueryLogEntry,
        QueryLoggerProtocol,
    )
    from lexigram.contracts.data.sql.sql import (
        RawSQL,
    )
    from lexigram.contracts.data.sql.sql_dialect import (
        SQLDialect,
    )
    from lexigram.contracts.data.sql.unit_of_work import (
        UnitOfWorkProtocol,
    )
    from lexigram.contracts.data.types import (
        AndExpr,
        CursorPaginationSpec,
        FieldContains,
        FieldEq,
        FieldGt,
        FieldGte,
        FieldIn,
        FieldLt,
        FieldLte,
        FieldNeq,
        FilterExpression,
        LogicalOperator,
        NotExpr,
        OrExpr,
        PaginationSpec,
        ProjectionSpec,
        SortSpecification,
        is_filter_expression,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "aggregatable": ("AggregatableProtocol",),
            "bulk_operations": ("BulkOperationsProtocol",),
            "data_source": ("DataSourceProtocol",),
            "exceptions": (
                "DataError",
                "DataNotFoundError",
                "DataValidationError",
                "InvalidIdentifierError",
                "NoPrimaryBackendError",
                "UnitOfWorkError",
            ),
            "identifiers": (
                "DEFAULT_MAX_IDENTIFIER_LENGTH",
                "MAX_IDENTIFIER_LENGTHS",
                "Column",
                "Identifier",
                "QualifiedTable",
                "Schema",
                "Table",
                "column",
                "schema",
                "table",
            ),
            "nosql.nosql": (
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
            "nosql.nosql_repository": ("DocumentRepositoryProtocol",),
            "nosql.operations": (
                "DeleteMany",
                "DeleteOne",
                "InsertOne",
                "ReplaceOne",
                "UpdateMany",
                "UpdateOne",
                "WriteOperation",
            ),
            "outbox": ("OutboxStoreProtocol",),
            "types": (
                "AndExpr",
                "CursorPaginationSpec",
                "FieldContains",
                "FieldEq",
                "FieldGt",
                "FieldGte",
                "FieldIn",
                "FieldLt",
                "FieldLte",
                "FieldNeq",
                "FilterExpression",
                "LogicalOperator",
                "NotExpr",
                "OrExpr",
                "PaginationSpec",
                "ProjectionSpec",
                "SortSpecification",
                "is_filter_expression",
            ),
            "protocols": (
                "CursorCodecProtocol",
                "FilterCompilerProtocol",
                "PaginatorProtocol",
                "QueryFilterProtocol",
            ),
            "relation_loader": ("RelationLoaderProtocol",),
            "repository": (
                "ReadOnlyRepositoryProtocol",
                "RepositoryProtocol",
            ),
            "searchable": ("SearchableProtocol",),
            "sql.append_log": (
                "AppendLogProtocol",
                "AppendLogSnapshotStore",
            ),
            "sql.context_protocol": ("DatabaseContextProtocol",),
            "sql.database": (
                "ConnectionPoolProtocol",
                "ConnectionProtocol",
                "CrudOperationsProtocol",
                "DatabaseMetricsProtocol",
                "DatabaseProviderProtocol",
                "DeleteResult",
                "HealthMonitorProtocol",
                "InsertResult",
                "IsolationLevel",
                "MigrationManagerProtocol",
                "MigrationRecord",
                "Params",
                "QueryResult",
                "Row",
                "SchemaManagerProtocol",
                "TransactionManagerProtocol",
                "UpdateResult",
                "Where",
            ),
            "sql.mapper": (
                "DataMapperProtocol",
                "ReadOnlyMapperProtocol",
            ),
            "sql.migrations": ("MigrationRunnerProtocol",),
            "sql.query_log": (
                "QueryLogEntry",
                "QueryLoggerProtocol",
            ),
            "sql.sql": ("RawSQL",),
            "sql.sql_dialect": ("SQLDialect",),
            "sql.unit_of_work": ("UnitOfWorkProtocol",),
        },
    )

__all__ = [
    "DEFAULT_MAX_IDENTIFIER_LENGTH",
    "MAX_IDENTIFIER_LENGTHS",
    "AggregatableProtocol",
    "AndExpr",
    "AppendLogProtocol",
    "AppendLogSnapshotStore",
    "BulkOperationsProtocol",
    "BulkWriteResult",
    "ChangeEvent",
    "ChangeStreamProtocol",
    "CollectionProtocol",
    "Column",
    "ConnectionPoolProtocol",
    "ConnectionProtocol",
    "CrudOperationsProtocol",
    "CursorCodecProtocol",
    "CursorPaginationSpec",
    "CursorProtocol",
    "DataError",
    "DataMapperProtocol",
    "DataNotFoundError",
    "DataSourceProtocol",
    "DataValidationError",
    "DatabaseContextProtocol",
    "DatabaseMetricsProtocol",
    "DatabaseProviderProtocol",
    "DeleteMany",
    "DeleteOne",
    "DeleteResult",
    "Document",
    "DocumentRepositoryProtocol",
    "DocumentResult",
    "DocumentStoreProtocol",
    "FieldContains",
    "FieldEq",
    "FieldGt",
    "FieldGte",
    "FieldIn",
    "FieldLt",
    "FieldLte",
    "FieldNeq",
    "Filter",
    "FilterCompilerProtocol",
    "FilterExpression",
    "HealthMonitorProtocol",
    "Identifier",
    "InsertOne",
    "InsertResult",
    "InvalidIdentifierError",
    "IsolationLevel",
    "LogicalOperator",
    "MigrationManagerProtocol",
    "MigrationRecord",
    "MigrationRunnerProtocol",
    "NoPrimaryBackendError",
    "NotExpr",
    "OrExpr",
    "OutboxStoreProtocol",
    "PaginationSpec",
    "PaginatorProtocol",
    "Params",
    "ProjectionSpec",
    "QualifiedTable",
    "QueryFilterProtocol",
    "QueryLogEntry",
    "QueryLoggerProtocol",
    "QueryResult",
    "RawSQL",
    "ReadOnlyMapperProtocol",
    "ReadOnlyRepositoryProtocol",
    "RelationLoaderProtocol",
    "ReplaceOne",
    "RepositoryProtocol",
    "Row",
    "SQLDialect",
    "Schema",
    "SchemaManagerProtocol",
    "SearchableProtocol",
    "SessionProtocol",
    "SortSpec",
    "SortSpecification",
    "Table",
    "TransactionManagerProtocol",
    "UnitOfWorkError",
    "UnitOfWorkProtocol",
    "UpdateMany",
    "UpdateOne",
    "UpdateResult",
    "Where",
    "WriteOperation",
    "column",
    "is_filter_expression",
    "schema",
    "table",
]
