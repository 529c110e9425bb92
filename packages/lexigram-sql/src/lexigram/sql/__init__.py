"""Tables in PostgreSQL, MySQL and SQLite, behind one asynchronous protocol."""
