"""SQLite through aiosqlite: files with one writer and many readers, and databases in memory.

Every connection has a thread of its own, which runs one function at a time; a statement costs one turn to it and back,
with its rows. Files use the write-ahead log (``sqlite.journal_mode``), foreign keys are checked
(``sqlite.foreign_keys``), and a statement waits ``sqlite.busy_timeout`` for other processes. Transactions that write
begin with ``BEGIN IMMEDIATE``, so that two of them wait for each other instead of failing half-way; the ``BEGIN`` goes
with the first statement in one turn.

What SQLite does not have, and what is done about it:

* **Isolation.** Every transaction is serialisable ("Isolation In SQLite"), which is at least what was asked.
* **Types.** Decimal, UUID, JSON, dates, times and booleans are stored as text or numbers and come back as what the
  column's declared type says: ``DECIMAL``/``NUMERIC``, ``UUID``, ``JSON``, ``DATE``, ``DATETIME``/``TIMESTAMP``,
  ``TIME``, ``BOOLEAN``. Aware date-times are stored in UTC with their offset, so that their text sorts by time.
  SQLite turns a number in a column of NUMERIC affinity into a float of 15 digits ("Datatypes In SQLite", 3.1), and
  ``DECIMAL(20, 4)`` is one: declare ``DECIMAL TEXT`` where more digits count, which keeps them all, compares as text
  and is summed up in Python.
* **Time limits.** A statement over its limit is interrupted; the connection stays usable.
* **Codes.** One code stands for syntax errors, missing tables and missing columns; there alone the text decides.
"""
