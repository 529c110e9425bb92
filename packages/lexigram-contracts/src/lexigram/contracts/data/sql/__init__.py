"""SQL databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        InvalidIdentifierError as InvalidIdentifierError,
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
else:
    from lexigram.contracts._lazy import lazy_exports

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
