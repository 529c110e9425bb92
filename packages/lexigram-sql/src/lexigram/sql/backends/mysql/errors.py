"""MySQL's and MariaDB's error numbers, and the errors that they mean (MySQL "Server Error Message Reference").

Names of constraints, tables and columns are nowhere but in the text; the number alone decides the class.
"""

from __future__ import annotations

import re
from typing import Any

import pymysql
from lexigram.sql import exceptions as errors

__all__ = ["classify"]

_NUMBERS: dict[int, type[errors.DatabaseError]] = {
    1062: errors.DuplicateKeyError,
    1586: errors.DuplicateKeyError,
    1022: errors.DuplicateKeyError,
    1169: errors.DuplicateKeyError,
    1216: errors.ForeignKeyError,
    1217: errors.ForeignKeyError,
    1451: errors.ForeignKeyError,
    1452: errors.ForeignKeyError,
    1048: errors.NotNullViolationError,
    1364: errors.NotNullViolationError,
    3819: errors.CheckConstraintError,
    4025: errors.CheckConstraintError,  # MariaDB's
    1213: errors.DeadlockError,
    1020: errors.SerializationError,  # MariaDB's, with innodb_snapshot_isolation
    1205: errors.LockError,
    3572: errors.LockError,
    1099: errors.LockError,
    1100: errors.LockError,
    1792: errors.TransactionError,
    1568: errors.TransactionError,
    1305: errors.QuerySyntaxError,
    1969: errors.DatabaseTimeoutError,  # MariaDB's max_statement_time
    3024: errors.DatabaseTimeoutError,
    1317: errors.DatabaseTimeoutError,
    1146: errors.TableNotFoundError,
    1051: errors.TableNotFoundError,
    1054: errors.ColumnNotFoundError,
    1091: errors.SchemaError,
    1050: errors.SchemaError,
    1060: errors.SchemaError,
    1061: errors.SchemaError,
    1007: errors.SchemaError,
    1008: errors.SchemaError,
    1049: errors.ConnectionRefusedError,
    1040: errors.ConnectionRefusedError,
    1044: errors.ConnectionRefusedError,
    1045: errors.ConnectionRefusedError,
    1129: errors.ConnectionRefusedError,
    1130: errors.ConnectionRefusedError,
    1203: errors.ConnectionRefusedError,
    1226: errors.ConnectionRefusedError,
    2003: errors.ConnectionRefusedError,
    2002: errors.ConnectionRefusedError,
    2026: errors.ConnectionRefusedError,
    1053: errors.DatabaseConnectionError,
    1152: errors.DatabaseConnectionError,
    1927: errors.DatabaseConnectionError,
    2006: errors.DatabaseConnectionError,
    2013: errors.DatabaseConnectionError,
    2014: errors.DatabaseConnectionError,
    2055: errors.DatabaseConnectionError,
    1064: errors.QuerySyntaxError,
    1065: errors.QuerySyntaxError,
    1149: errors.QuerySyntaxError,
    1630: errors.QuerySyntaxError,
    1264: errors.ParameterBindingError,
    1265: errors.ParameterBindingError,
    1292: errors.ParameterBindingError,
    1366: errors.ParameterBindingError,
    1406: errors.ParameterBindingError,
    1690: errors.ParameterBindingError,
    3140: errors.ParameterBindingError,
    1390: errors.ParameterBindingError,
}
_NEVER_AGAIN = frozenset({1044, 1045, 1049, 1130, 2026})
_KEY = re.compile(r"for key '(?:(?P<table>[^'.]+)\.)?(?P<key>[^']+)'")
_FOREIGN = re.compile(r"`(?P<table>[^`]+)`, CONSTRAINT `(?P<key>[^`]+)` FOREIGN KEY \(`(?P<column>[^`]+)`\)")
_CHECK = re.compile(
    r"(?:Check constraint|CONSTRAINT) [`'](?P<key>[^`']+)[`'](?: failed for `[^`]+`\.`(?P<table>[^`]+)`)?"
)
_ENTRY = re.compile(r"Duplicate entry '.*' for key", re.DOTALL)
_VALUE = re.compile(r"value:? '.*'(?= for|$)", re.DOTALL)
_NEAR = re.compile(r"near '(?P<near>.*)'(?= at line)", re.DOTALL)
_NAME = re.compile(r"'(?P<name>[^']+)'")


def classify(error: BaseException, sql: str | None) -> errors.DatabaseError | None:
    """Translate an error of aiomysql.

    Args:
        error: What was raised.
        sql: The statement, if it was one.

    Returns:
        The error to raise, or None when it is not MySQL's.
    """
    facts: dict[str, Any] = {"backend": "mysql"}
    if isinstance(error, pymysql.err.MySQLError):
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        facts["native_code"] = number
        text = f"MySQL: {error.args[1] if len(error.args) > 1 else error}"
        if number is None or number == 0:
            return errors.DriverError(text, driver="aiomysql", **facts)
        return _server_error(number, text, sql, facts)
    if isinstance(error, TimeoutError):
        return errors.ConnectionTimeoutError(
            "the server did not answer in time", hint="Check host and port, or raise connect_timeout.", **facts
        )
    if isinstance(error, ConnectionRefusedError):
        return errors.ConnectionRefusedError("nothing listens there", hint="Check host and port of the URL.", **facts)
    if isinstance(error, OSError | EOFError):
        return errors.DatabaseConnectionError(f"the connection failed: {type(error).__name__}", **facts)
    return None


def _without_values(text: str, sql: str | None) -> str:
    """A message of the server without the values that it quotes, which may be secret."""
    text = _ENTRY.sub("Duplicate entry for key", text)
    text = _VALUE.sub("value", text)
    near = _NEAR.search(text)
    # Values are written into the statement, so only what stands in its text may be repeated.
    if near is not None and near["near"] not in (sql or ""):
        text = text.replace(near[0], "near a value")
    return text


def _server_error(number: int, text: str, sql: str | None, facts: dict[str, Any]) -> errors.DatabaseError:
    cls = _NUMBERS.get(number, errors.QueryError)
    if number == 1305 and text.startswith("MySQL: SAVEPOINT"):
        cls = errors.TransactionError  # one code for functions, procedures and savepoints that are not there
    text = _without_values(text, sql)
    if issubclass(cls, errors.ConnectionRefusedError):
        facts["retryable"] = number not in _NEVER_AGAIN
        return cls(f"MySQL refused the connection ({number})", **facts)  # its text names the user
    if issubclass(cls, errors.IntegrityError):
        return cls(text, sql=sql, **_constraint(cls, text), **facts)
    if issubclass(cls, errors.TableNotFoundError):
        found = _NAME.search(text)
        return cls(text, table=found["name"].rpartition(".")[2] if found else None, **facts)
    if issubclass(cls, errors.ColumnNotFoundError):
        found = _NAME.search(text)
        return cls(text, column=found["name"].rpartition(".")[2] if found else None, **facts)
    if issubclass(cls, errors.QueryError):
        facts["sql"] = sql
    return cls(text, **facts)


def _constraint(cls: type[errors.IntegrityError], text: str) -> dict[str, str | None]:
    """Constraint, table and column, as far as the text has them."""
    if cls is errors.NotNullViolationError:
        found = _NAME.search(text)
        return {"column": found["name"]} if found else {}
    pattern = _KEY if cls is errors.DuplicateKeyError else _FOREIGN if cls is errors.ForeignKeyError else _CHECK
    found = pattern.search(text)
    if found is None:
        return {}
    names = found.groupdict()
    return {"constraint": names["key"], "table": names.get("table"), "column": names.get("column")}
