"""PostgreSQL through asyncpg.

Values travel in PostgreSQL's binary form and keep their types: Decimal, UUID, JSON and JSONB as Python data, aware
date-times, arrays, ranges. Statements are prepared and kept by the connection; behind PgBouncer in transaction mode say
``?statement_cache_size=0`` in the URL.

URL options: ``sslmode`` (see ``tls.mode``), ``application_name``, ``statement_cache_size`` (statements, default 256)
and ``search_path``; others are refused.

A connection that goes back to the pool is only reset when its borrower ran something that may outlive it (settings,
temporary tables, listeners, session locks, functions that are not well known): the reset is a round trip.

LISTEN and NOTIFY are in :mod:`~lexigram.sql.backends.postgres.notifications`.
"""
