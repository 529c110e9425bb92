"""SQL databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        InvalidIdentifierError,
        RawSQL,
    )
    from lexigram.contracts.data.sql.sql_dialect import (
        SQLDialect,
    )
    from lexigram.contracts.data.sql.unit_of_work import (
        UnitOfWorkProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "append_log": (
                "AppendLogProtocol",
                "AppendLogSnapshotStore",
            ),
            "context_protocol": ("DatabaseContextProtocol",),
            "database": (
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
            "mapper": (
                "DataMapperProtocol",
                "ReadOnlyMapperProtocol",
            ),
            "migrations": ("MigrationRunnerProtocol",),
            "query_log": (
                "QueryLogEntry",
                "QueryLoggerProtocol",
            ),
            "sql": (
                "InvalidIdentifierError",
                "RawSQL",
            ),
            "sql_dialect": ("SQLDialect",),
            "unit_of_work": ("UnitOfWorkProtocol",),
        },
    )

__all__ = [
    "AppendLogProtocol",
    "AppendLogSnapshotStore",
    "ConnectionPoolProtocol",
    "ConnectionProtocol",
    "CrudOperationsProtocol",
    "DataMapperProtocol",
    "DatabaseContextProtocol",
    "DatabaseMetricsProtocol",
    "DatabaseProviderProtocol",
    "DeleteResult",
    "HealthMonitorProtocol",
    "InsertResult",
    "InvalidIdentifierError",
    "IsolationLevel",
    "MigrationManagerProtocol",
    "MigrationRecord",
    "MigrationRunnerProtocol",
    "Params",
    "QueryLogEntry",
    "QueryLoggerProtocol",
    "QueryResult",
    "RawSQL",
    "ReadOnlyMapperProtocol",
    "Row",
    "SQLDialect",
    "SchemaManagerProtocol",
    "TransactionManagerProtocol",
    "UnitOfWorkProtocol",
    "UpdateResult",
    "Where",
]
