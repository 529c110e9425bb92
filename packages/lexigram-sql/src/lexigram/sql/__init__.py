"""Tables in PostgreSQL, MySQL and SQLite, behind one asynchronous protocol.

An application depends on ``DatabaseProviderProtocol``; the URL chooses the database::

    from lexigram.sql import DatabaseService

    async with DatabaseService("sqlite:///shop.db") as db:
        await db.execute("CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10, 2))")
        await db.execute_insert("product", {"name": "Anvil", "price": Decimal("99.50")})
        async with db.transaction():
            await db.execute("UPDATE product SET price = ? WHERE name = ?", [Decimal("89.50"), "Anvil"])
        rows = await db.fetch("SELECT name, price FROM product WHERE price < :most", {"most": 100})

What holds on every database:

* **Statements** take ``$1``, ``?``, ``%s`` or ``:name`` placeholders, one statement in a text. Rows are dictionaries;
  ``stream()`` reads them from a cursor at the server.
* **Transactions** belong to the task that opened them: all its operations join, other tasks never do. They commit on a
  clean exit and roll back on any other; one inside another is a savepoint.
* **Connections** are lent first come, first served, checked when they come back, and reset only when their borrower
  left something in the session. A pool that is exhausted says how many are in use.
* **Time** is limited for opening, borrowing and running; a statement over its time is ended at the server.
* **Errors** are those of :mod:`lexigram.sql.exceptions`, by the server's own codes, and say whether to try again.
  Values that could be secret stay out of errors and logs.

Where to find what:

* :mod:`~lexigram.sql.providers`: the database that an application holds; :mod:`~lexigram.sql.sessions`: a connection or
  a session of its own.
* :mod:`~lexigram.sql.module`, :mod:`~lexigram.sql.config`, :mod:`~lexigram.sql.url`: how an application gets one.
* :mod:`~lexigram.sql.query`: queries described in Python. :mod:`~lexigram.sql.statements`: what is done to raw SQL.
* :mod:`~lexigram.sql.repositories`: the rows of a table as objects, whose they are, and who changed them;
  :mod:`~lexigram.sql.context`: who is asking.
* :mod:`~lexigram.sql.pool`, :mod:`~lexigram.sql.transactions`: who holds which connection.
* :mod:`~lexigram.sql.logs`, :mod:`~lexigram.sql.hooks`, :mod:`~lexigram.sql.observing`: who is told of what, and what
  is tried again.
* :mod:`~lexigram.sql.search`: full text search.
* :mod:`~lexigram.sql.driver`, :mod:`~lexigram.sql.backend`: what a backend implements, and how it is found;
  ``lexigram.sql.backends.sqlite``, ``.postgres`` and ``.mysql`` say what is special about each.
"""

from typing import TYPE_CHECKING

from lexigram.contracts.lazy import lazy_exports

if TYPE_CHECKING:
    from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
    from lexigram.contracts.data.identifiers import (
        Column,
        Identifier,
        QualifiedTable,
        Schema,
        Table,
        column,
        schema,
        table,
    )
    from lexigram.contracts.data.repository import ReadOnlyRepositoryProtocol, RepositoryProtocol
    from lexigram.contracts.data.sql.database import (
        ConnectionPoolProtocol,
        DatabaseProviderProtocol,
        DeleteResult,
        InsertResult,
        IsolationLevel,
        QueryResult,
        UpdateResult,
    )
    from lexigram.contracts.data.sql.query_log import QueryLogEntry, QueryLoggerProtocol
    from lexigram.contracts.data.sql.sql_dialect import SQLDialect
    from lexigram.sql.config import DatabaseConfig, DataConfig, NamedDatabaseConfig
    from lexigram.sql.context import (
        DbContext,
        RequestContextManager,
        create_db_context,
        create_task_with_context,
        run_in_threadpool_with_context,
    )
    from lexigram.sql.di.provider import DatabaseProvider
    from lexigram.sql.exceptions import (
        DatabaseError,
        InvalidIdentifierError,
        NoSecurityPolicyError,
        OptimisticLockError,
        RepositoryError,
    )
    from lexigram.sql.hooks import SQLConnectionReadyHook, SQLTransactionBegunHook, SQLTransactionEndedHook
    from lexigram.sql.logs import ConsoleQueryLogger, FileQueryLogger, MemoryQueryLogger, QueryLoggerBase
    from lexigram.sql.module import DatabaseModule
    from lexigram.sql.observing import DatabaseMonitor, DatabaseResilienceHandler
    from lexigram.sql.pool import AbstractConnectionPool, ConnectionPool, SimpleConnectionPool
    from lexigram.sql.providers import DatabaseService, MySQLProvider, PostgresProvider, SQLiteProvider
    from lexigram.sql.query.builder import AsyncQueryBuilder
    from lexigram.sql.query.operators import Operator, QueryOperatorRegistry
    from lexigram.sql.query.predicates import PredicateCompiler
    from lexigram.sql.query.raw import RawSQL
    from lexigram.sql.repositories import (
        AppendLogRepository,
        AuditEntry,
        AuditRepositoryMixin,
        CachedRepository,
        F,
        Filter,
        GenericRepository,
        RowLevelSecurityPolicy,
        ScopeColumn,
        SQLRepository,
        field,
    )
    from lexigram.sql.search import (
        FTSDialect,
        FTSResult,
        MySQLFTSQuery,
        PostgresFTSQuery,
        SQLiteFTSQuery,
        full_text_search,
    )
    from lexigram.sql.sessions import DbSession, create_session_factory
    from lexigram.sql.transactions.manager import SimpleTransactionManager, transaction, transactional

__all__ = [
    "AbstractConnectionPool",
    "AppendLogRepository",
    "AsyncQueryBuilder",
    "AuditEntry",
    "AuditRepositoryMixin",
    "CachedRepository",
    "Column",
    "ConnectionPool",
    "ConnectionPoolProtocol",
    "ConsoleQueryLogger",
    "DataConfig",
    "DatabaseConfig",
    "DatabaseError",
    "DatabaseModule",
    "DatabaseMonitor",
    "DatabaseProvider",
    "DatabaseProviderProtocol",
    "DatabaseResilienceHandler",
    "DatabaseService",
    "DbContext",
    "DbSession",
    "DeleteResult",
    "F",
    "FTSDialect",
    "FTSResult",
    "FileQueryLogger",
    "Filter",
    "GenericRepository",
    "HealthCheckResult",
    "HealthStatus",
    "Identifier",
    "InsertResult",
    "InvalidIdentifierError",
    "IsolationLevel",
    "MemoryQueryLogger",
    "MySQLFTSQuery",
    "MySQLProvider",
    "NamedDatabaseConfig",
    "NoSecurityPolicyError",
    "Operator",
    "OptimisticLockError",
    "PostgresFTSQuery",
    "PostgresProvider",
    "PredicateCompiler",
    "QualifiedTable",
    "QueryLogEntry",
    "QueryLoggerBase",
    "QueryLoggerProtocol",
    "QueryOperatorRegistry",
    "QueryResult",
    "RawSQL",
    "ReadOnlyRepositoryProtocol",
    "RepositoryError",
    "RepositoryProtocol",
    "RequestContextManager",
    "RowLevelSecurityPolicy",
    "SQLConnectionReadyHook",
    "SQLDialect",
    "SQLRepository",
    "SQLTransactionBegunHook",
    "SQLTransactionEndedHook",
    "SQLiteFTSQuery",
    "SQLiteProvider",
    "Schema",
    "ScopeColumn",
    "SimpleConnectionPool",
    "SimpleTransactionManager",
    "Table",
    "UpdateResult",
    "column",
    "create_db_context",
    "create_session_factory",
    "create_task_with_context",
    "field",
    "full_text_search",
    "run_in_threadpool_with_context",
    "schema",
    "table",
    "transaction",
    "transactional",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "lexigram.contracts.core.health": (
            "HealthCheckResult",
            "HealthStatus",
        ),
        "lexigram.contracts.data.identifiers": (
            "Column",
            "Identifier",
            "QualifiedTable",
            "Schema",
            "Table",
            "column",
            "schema",
            "table",
        ),
        "lexigram.contracts.data.repository": (
            "ReadOnlyRepositoryProtocol",
            "RepositoryProtocol",
        ),
        "lexigram.contracts.data.sql.database": (
            "ConnectionPoolProtocol",
            "DatabaseProviderProtocol",
            "DeleteResult",
            "InsertResult",
            "IsolationLevel",
            "QueryResult",
            "UpdateResult",
        ),
        "lexigram.contracts.data.sql.query_log": (
            "QueryLogEntry",
            "QueryLoggerProtocol",
        ),
        "lexigram.contracts.data.sql.sql_dialect": ("SQLDialect",),
        "config": (
            "DataConfig",
            "DatabaseConfig",
            "NamedDatabaseConfig",
        ),
        "context": (
            "DbContext",
            "RequestContextManager",
            "create_db_context",
            "create_task_with_context",
            "run_in_threadpool_with_context",
        ),
        "di.provider": ("DatabaseProvider",),
        "exceptions": (
            "DatabaseError",
            "InvalidIdentifierError",
            "NoSecurityPolicyError",
            "OptimisticLockError",
            "RepositoryError",
        ),
        "hooks": (
            "SQLConnectionReadyHook",
            "SQLTransactionBegunHook",
            "SQLTransactionEndedHook",
        ),
        "logs": (
            "ConsoleQueryLogger",
            "FileQueryLogger",
            "MemoryQueryLogger",
            "QueryLoggerBase",
        ),
        "module": ("DatabaseModule",),
        "pool": (
            "AbstractConnectionPool",
            "ConnectionPool",
            "SimpleConnectionPool",
        ),
        "providers": (
            "DatabaseService",
            "MySQLProvider",
            "PostgresProvider",
            "SQLiteProvider",
        ),
        "query.builder": ("AsyncQueryBuilder",),
        "query.operators": (
            "Operator",
            "QueryOperatorRegistry",
        ),
        "query.predicates": ("PredicateCompiler",),
        "query.raw": ("RawSQL",),
        "repositories": (
            "AppendLogRepository",
            "AuditEntry",
            "AuditRepositoryMixin",
            "CachedRepository",
            "F",
            "Filter",
            "GenericRepository",
            "RowLevelSecurityPolicy",
            "SQLRepository",
            "ScopeColumn",
            "field",
        ),
        "observing": (
            "DatabaseMonitor",
            "DatabaseResilienceHandler",
        ),
        "search": (
            "FTSDialect",
            "FTSResult",
            "MySQLFTSQuery",
            "PostgresFTSQuery",
            "SQLiteFTSQuery",
            "full_text_search",
        ),
        "sessions": (
            "DbSession",
            "create_session_factory",
        ),
        "transactions.manager": (
            "SimpleTransactionManager",
            "transaction",
            "transactional",
        ),
    },
)
