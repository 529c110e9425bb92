"""PostgreSQL's SQLSTATE codes, and the errors that they mean (manual, appendix A "PostgreSQL Error Codes")."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
from lexigram.sql import exceptions as errors

__all__ = ["classify"]

# Single codes first, then the classes that are their first two characters.
_CODES: dict[str, type[errors.DatabaseError]] = {
    "23502": errors.NotNullViolationError,
    "23503": errors.ForeignKeyError,
    "23505": errors.DuplicateKeyError,
    "23514": errors.CheckConstraintError,
    "23": errors.IntegrityError,
    "25P02": errors.TransactionRollbackError,
    "40000": errors.TransactionRollbackError,
    "40001": errors.SerializationError,
    "40P01": errors.DeadlockError,
    "25": errors.TransactionError,
    "2D": errors.TransactionError,
    "3B": errors.TransactionError,
    "40": errors.TransactionError,
    "55P03": errors.LockError,
    "57014": errors.DatabaseTimeoutError,
    "57P01": errors.DatabaseConnectionError,
    "57P02": errors.DatabaseConnectionError,
    "57P03": errors.ConnectionRefusedError,
    "57P05": errors.DatabaseConnectionError,
    "08": errors.DatabaseConnectionError,
    "28": errors.ConnectionRefusedError,
    "3D000": errors.ConnectionRefusedError,
    "53300": errors.ConnectionRefusedError,
    "42P01": errors.TableNotFoundError,
    "42703": errors.ColumnNotFoundError,
    "42P02": errors.ParameterBindingError,
    "42P18": errors.ParameterBindingError,
    "42804": errors.ParameterBindingError,
    "22": errors.ParameterBindingError,
    "3F000": errors.SchemaError,
    "42P06": errors.SchemaError,
    "42P07": errors.SchemaError,
    "42701": errors.SchemaError,
    "42710": errors.SchemaError,
    "42601": errors.QuerySyntaxError,
    "42883": errors.QuerySyntaxError,
    "42": errors.QuerySyntaxError,
}
_RETRYABLE = frozenset({"28", "3D000"})
_KEY = re.compile(r'Key \("?(?P<columns>[^)"]+)"?\)=')
_VALUE = re.compile(r'"[^"]*"')
_ARGUMENT = re.compile(r"(?P<start>.*?query argument \$\d+): .*?(?P<end> \([^()]*\))?$", re.DOTALL)


def classify(error: BaseException, sql: str | None) -> errors.DatabaseError | None:
    """Translate an error of asyncpg.

    Args:
        error: What was raised.
        sql: The statement, if it was one.

    Returns:
        The error to raise, or None when it is not PostgreSQL's.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _server_error(error, sql)
    facts: dict[str, Any] = {"backend": "postgres"}
    if isinstance(error, asyncpg.InterfaceError):
        if isinstance(error, ValueError):
            # The values never reached the server: they do not fit the types of their placeholders.
            # Their text repeats the value, which may be secret.
            return errors.ParameterBindingError(f"PostgreSQL: {_without_value(str(error))}", sql=sql, **facts)
        return errors.DriverError(f"asyncpg: {error}", driver="asyncpg", **facts)
    if isinstance(error, asyncpg.InternalClientError):
        return errors.DriverError(f"asyncpg: {error}", driver="asyncpg", **facts)
    if isinstance(error, TimeoutError):
        return errors.ConnectionTimeoutError(
            "the server did not answer in time", hint="Check host and port, or raise connect_timeout.", **facts
        )
    if isinstance(error, ConnectionRefusedError):
        return errors.ConnectionRefusedError(
            "nothing listens there, or it refused the connection", hint="Check host and port of the URL.", **facts
        )
    if isinstance(error, OSError):
        return errors.DatabaseConnectionError(f"the connection failed: {type(error).__name__}", **facts)
    return None


def _server_error(error: asyncpg.PostgresError, sql: str | None) -> errors.DatabaseError:
    code: str = error.sqlstate or ""
    cls = _CODES.get(code) or _CODES.get(code[:2]) or errors.QueryError
    facts: dict[str, Any] = {"backend": "postgres", "native_code": code}
    text = f"PostgreSQL: {error.args[0] if error.args else type(error).__name__}"
    if code.startswith("22"):
        text = _VALUE.sub('"…"', _without_value(text))
    if issubclass(cls, errors.IntegrityError):
        return cls(
            text,
            constraint=getattr(error, "constraint_name", None),
            table=getattr(error, "table_name", None),
            column=getattr(error, "column_name", None) or _key_column(error),
            sql=sql,
            **facts,
        )
    if issubclass(cls, errors.TableNotFoundError):
        return cls(text, table=_quoted(text), **facts)
    if issubclass(cls, errors.ColumnNotFoundError):
        return cls(text, column=_quoted(text), **facts)
    if issubclass(cls, errors.QueryError):
        facts["sql"] = sql
    if issubclass(cls, errors.ConnectionRefusedError):
        facts["retryable"] = code[:2] not in _RETRYABLE and code not in _RETRYABLE
        text = f"PostgreSQL refused the connection ({code})"  # its text names the user
    return cls(text, **facts)


def _without_value(text: str) -> str:
    """The words of asyncpg on a value that does not fit, without the value."""
    found = _ARGUMENT.match(text)
    return text if found is None else f"{found['start']}{found['end'] or ''}"


def _key_column(error: asyncpg.PostgresError) -> str | None:
    """The column of a key, which stands in the detail alone; None for a key of several."""
    found = _KEY.match(getattr(error, "detail", None) or "")
    return found["columns"] if found is not None and "," not in found["columns"] else None


def _quoted(text: str) -> str | None:
    """The name in quotation marks; for missing names the server has no field of its own."""
    parts = text.split('"')
    return parts[1] if len(parts) > 2 else None
