"""Data access: document stores, SQL databases, repositories, filter expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.data.aggregatable import (
        AggregatableProtocol as AggregatableProtocol,
    )
    from lexigram.contracts.data.bulk_operations import (
        BulkOperationsProtocol as BulkOperationsProtocol,
    )
    from lexigram.contracts.data.data_source import (
        DataSourceProtocol as DataSourceProtocol,
    )
    from lexigram.contracts.data.exceptions import (
        DataError as DataError,
    )
    from lexigram.contracts.data.exceptions import (
        DataNotFoundError as DataNotFoundError,
    )
    from lexigram.contracts.data.exceptions import (
        DataValidationError as DataValidationError,
    )
    from lexigram.contracts.data.exceptions import (
        InvalidIdentifierError as InvalidIdentifierError,
    )
    from lexigram.contracts.data.exceptions import (
        NoPrimaryBackendError as NoPrimaryBackendError,
    )
    from lexigram.contracts.data.exceptions import (
        UnitOfWorkError as UnitOfWorkError,
    )
    from lexigram.contracts.data.identifiers import (
        DEFAULT_MAX_IDENTIFIER_LENGTH as DEFAULT_MAX_IDENTIFIER_LENGTH,
    )
    from lexigram.contracts.data.identifiers import (
        MAX_IDENTIFIER_LENGTHS as MAX_IDENTIFIER_LENGTHS,
    )
    from lexigram.contracts.data.identifiers import (
        Column as Column,
    )
    from lexigram.contracts.data.identifiers import (
        Identifier as Identifier,
    )
    from lexigram.contracts.data.identifiers import (
        QualifiedTable as QualifiedTable,
    )
    from lexigram.contracts.data.identifiers import (
        Schema as Schema,
    )
    from lexigram.contracts.data.identifiers import (
        Table as Table,
    )
    from lexigram.contracts.data.identifiers import (
        column as column,
    )
    from lexigram.contracts.data.identifiers import (
        schema as schema,
    )
    from lexigram.contracts.data.identifiers import (
        table as table,
    )
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
    from lexigram.contracts.data.outbox import (
        OutboxStoreProtocol as OutboxStoreProtocol,
    )
    from lexigram.contracts.data.protocols import (
        CursorCodecProtocol as CursorCodecProtocol,
    )
    from lexigram.contracts.data.protocols import (
        FilterCompilerProtocol as FilterCompilerProtocol,
    )
    from lexigram.contracts.data.protocols import (
        PaginatorProtocol as PaginatorProtocol,
    )
    from lexigram.contracts.data.protocols import (
        QueryFilterProtocol as QueryFilterProtocol,
    )
    from lexigram.contracts.data.relation_loader import (
        RelationLoaderProtocol as RelationLoaderProtocol,
    )
    from lexigram.contracts.data.repository import (
        ReadOnlyRepositoryProtocol as ReadOnlyRepositoryProtocol,
    )
    from lexigram.contracts.data.repository import (
        RepositoryProtocol as RepositoryProtocol,
    )
    from lexigram.contracts.data.searchable import (
        SearchableProtocol as SearchableProtocol,
    )
    from lexigram.contracts.data.sql.append_log import (
        AppendLogProtocol as AppendLogProtocol,
    )
    from lexigram.contracts.data.sql.append_log import (
        AppendLogSnapshotStore as AppendLogSnapshotStore,
    )
    from lexigram.contracts.data.sql.context_protocol import (
        DatabaseContextProtocol as DatabaseContextProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        ConnectionPoolProtocol as ConnectionPoolProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        ConnectionProtocol as ConnectionProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        CrudOperationsProtocol as CrudOperationsProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        DatabaseMetricsProtocol as DatabaseMetricsProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        DatabaseProviderProtocol as DatabaseProviderProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        DeleteResult as DeleteResult,
    )
    from lexigram.contracts.data.sql.database import (
        HealthMonitorProtocol as HealthMonitorProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        InsertResult as InsertResult,
    )
    from lexigram.contracts.data.sql.database import (
        IsolationLevel as IsolationLevel,
    )
    from lexigram.contracts.data.sql.database import (
        MigrationManagerProtocol as MigrationManagerProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        MigrationRecord as MigrationRecord,
    )
    from lexigram.contracts.data.sql.database import (
        Params as Params,
    )
    from lexigram.contracts.data.sql.database import (
        QueryResult as QueryResult,
    )
    from lexigram.contracts.data.sql.database import (
        Row as Row,
    )
    from lexigram.contracts.data.sql.database import (
        SchemaManagerProtocol as SchemaManagerProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        TransactionManagerProtocol as TransactionManagerProtocol,
    )
    from lexigram.contracts.data.sql.database import (
        UpdateResult as UpdateResult,
    )
    from lexigram.contracts.data.sql.database import (
        Where as Where,
    )
    from lexigram.contracts.data.sql.mapper import (
        DataMapperProtocol as DataMapperProtocol,
    )
    from lexigram.contracts.data.sql.mapper import (
        ReadOnlyMapperProtocol as ReadOnlyMapperProtocol,
    )
    from lexigram.contracts.data.sql.migrations import (
        MigrationRunnerProtocol as MigrationRunnerProtocol,
    )
    from lexigram.contracts.data.sql.query_log import (
        QueryLogEntry as QueryLogEntry,
    )
    from lexigram.contracts.data.sql.query_log import (
        QueryLoggerProtocol as QueryLoggerProtocol,
    )
    from lexigram.contracts.data.sql.sql import (
        RawSQL as RawSQL,
    )
    from lexigram.contracts.data.sql.sql_dialect import (
        SQLDialect as SQLDialect,
    )
    from lexigram.contracts.data.sql.unit_of_work import (
        UnitOfWorkProtocol as UnitOfWorkProtocol,
    )
    from lexigram.contracts.data.types import (
        AndExpr as AndExpr,
    )
    from lexigram.contracts.data.types import (
        CursorPaginationSpec as CursorPaginationSpec,
    )
    from lexigram.contracts.data.types import (
        FieldContains as FieldContains,
    )
    from lexigram.contracts.data.types import (
        FieldEq as FieldEq,
    )
    from lexigram.contracts.data.types import (
        FieldGt as FieldGt,
    )
    from lexigram.contracts.data.types import (
        FieldGte as FieldGte,
    )
    from lexigram.contracts.data.types import (
        FieldIn as FieldIn,
    )
    from lexigram.contracts.data.types import (
        FieldLt as FieldLt,
    )
    from lexigram.contracts.data.types import (
        FieldLte as FieldLte,
    )
    from lexigram.contracts.data.types import (
        FieldNeq as FieldNeq,
    )
    from lexigram.contracts.data.types import (
        FilterExpression as FilterExpression,
    )
    from lexigram.contracts.data.types import (
        LogicalOperator as LogicalOperator,
    )
    from lexigram.contracts.data.types import (
        NotExpr as NotExpr,
    )
    from lexigram.contracts.data.types import (
        OrExpr as OrExpr,
    )
    from lexigram.contracts.data.types import (
        PaginationSpec as PaginationSpec,
    )
    from lexigram.contracts.data.types import (
        ProjectionSpec as ProjectionSpec,
    )
    from lexigram.contracts.data.types import (
        SortSpecification as SortSpecification,
    )
    from lexigram.contracts.data.types import (
        is_filter_expression as is_filter_expression,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

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
                "DocumentResult",
                "DocumentStoreProtocol",
                "Page",
                "SessionProtocol",
            ),
            "nosql.nosql_repository": ("DocumentRepositoryProtocol",),
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
    "DeleteResult",
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
    "FilterCompilerProtocol",
    "FilterExpression",
    "HealthMonitorProtocol",
    "Identifier",
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
    "Page",
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
    "RepositoryProtocol",
    "Row",
    "SQLDialect",
    "Schema",
    "SchemaManagerProtocol",
    "SearchableProtocol",
    "SessionProtocol",
    "SortSpecification",
    "Table",
    "TransactionManagerProtocol",
    "UnitOfWorkError",
    "UnitOfWorkProtocol",
    "UpdateResult",
    "Where",
    "column",
    "is_filter_expression",
    "schema",
    "table",
]
