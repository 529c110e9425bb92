"""MySQL and MariaDB through aiomysql.

Sessions run in UTC with ``utf8mb4``, in strict SQL mode, and report matched rather than changed rows for updates. What
MySQL has no type of its own for goes in as text or number: UUID as text, JSON as text, members of enumerations as their
values, aware date-times in UTC. Out of the server come

* ``TIMESTAMP`` aware, in UTC, and ``DATETIME`` naive, as it is; both drop microseconds unless declared with ``(6)``;
* ``TIME`` as a time of the day, and as a timedelta where it is a longer span;
* ``BOOLEAN``, which is ``TINYINT(1)``, as bool;
* ``JSON`` as Python data on MySQL. MariaDB keeps JSON as text and does not say that it is JSON: read it with
  ``json.loads``, or through a repository, whose entities say what a column is.

A connection that goes back to the pool is reset with the protocol's own command when its borrower left something in the
session (variables, temporary tables, named locks, another database); that takes two round trips instead of a new
connection. A statement over its time is killed by another connection, and its own is replaced.

The default isolation level is the server's, REPEATABLE READ. There is no RETURNING on MySQL; the key that
AUTO_INCREMENT made is known without it. Statements that change the schema commit the transaction that is open (manual,
15.3.3 "Statements That Cause an Implicit Commit").

URL options: ``charset``, ``sslmode`` (see ``tls.mode``), ``sql_mode``; others are refused.
"""
