"""MySQL and MariaDB through aiomysql.

Sessions run in UTC with ``utf8mb4``, in strict SQL mode, and report matched rather than changed rows for updates. What
MySQL has no type of its own for goes in as text or number: UUID as text, JSON as text, members of enumerations as their
values, aware date-times in UTC. Out of the server, ``TIMESTAMP`` columns come back aware in UTC, ``DATETIME`` naive as
they are, ``TINYINT(1)`` as bool, ``JSON`` as Python data where the server says that a column is JSON (MariaDB keeps
JSON as text).

The default isolation level is the server's, REPEATABLE READ. There is no RETURNING on MySQL; the key that
AUTO_INCREMENT made is known without it. Statements that change the schema commit the transaction that is open (manual,
15.3.3 "Statements That Cause an Implicit Commit").

URL options: ``charset``, ``sslmode`` (see ``tls.mode``), ``sql_mode``; others are refused.
"""
