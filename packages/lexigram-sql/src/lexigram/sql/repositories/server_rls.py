"""PostgreSQL's own row-level security under a policy, for statements that no repository writes.

::

    policy = RowLevelSecurityPolicy([ScopeColumn("tenant_id")])
    for statement in server_policy(policy, "orders"):          # once, by a migration
        await owner.execute(statement)

    async with enforced(policy, db, tenant_id="acme"):
        await orders.find_many()                               # the repository asks for acme's rows,
        await db.fetch("SELECT * FROM orders")                 # and here the server lets no others through

The values are settings of the transaction (``set_config(…, true)``): the server forgets them with it, so they cannot
stay on a connection that goes back to its pool. Where nobody is named, the server shows nothing and takes nothing. Its
policies do not hold for superusers and for roles with BYPASSRLS: connect as another role.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.names import quoted_path
from lexigram.sql.repositories.rls import RowLevelSecurityPolicy, is_empty

__all__ = ["enforced", "server_policy"]

_POLICY: Final = "lexigram_scope"
_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]*")
_READ: Final = Statement("SELECT current_setting($1, true)", 1, read_only=True, keeps_session=True)
_SET: Final = Statement("SELECT set_config($1, $2, true)", 2, keeps_session=True)


def _setting(prefix: str, column: str) -> str:
    if _PREFIX.fullmatch(prefix) is None:
        raise DataQueryError(f"{prefix!r} is no prefix of settings", hint="Use small letters, digits and underscores.")
    return f"{prefix}.{column.lower()}"


def server_policy(policy: RowLevelSecurityPolicy, table: str, *, prefix: str = "app") -> list[str]:
    """The statements that let PostgreSQL guard a table, also against its owner.

    Args:
        policy: Its columns decide; they are compared as text.
        table: The table; ``schema.table`` is understood.
        prefix: Begins the names of the settings, such as ``app.tenant_id``.
    """
    name = quoted_path(table, SQLDialect.POSTGRESQL)
    tests: list[str] = []
    for column in policy.columns:
        quoted = quoted_path(column.name, SQLDialect.POSTGRESQL)
        setting = _setting(prefix, column.name)
        # A setting that was made once reads as '' later on, which names nobody.
        tests.append(f"CAST({quoted} AS text) = NULLIF(current_setting('{setting}', true), '')")
    test = " AND ".join(tests)
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f'CREATE POLICY "{_POLICY}" ON {name} USING ({test}) WITH CHECK ({test})',
    ]


@asynccontextmanager
async def enforced(
    policy: RowLevelSecurityPolicy, db: Any, *, prefix: str = "app", **values: Any
) -> AsyncGenerator[Any]:
    """A transaction in which the policy is active, and PostgreSQL knows for whom.

    Inside another one it is a savepoint, and what was in force before holds again after it.

    Args:
        policy: The policy.
        db: The database.
        prefix: As it was given to :func:`server_policy`.
        **values: A value for each of the policy's columns; None and blank text are nobody's.

    Yields:
        The connection of the transaction.

    Raises:
        DataQueryError: This is no PostgreSQL, or a value is no text, number or UUID.
    """
    if db.dialect is not SQLDialect.POSTGRESQL:
        raise DataQueryError(
            f"{db.dialect} has no row-level security of its own", hint="Use policy.activate() with repositories."
        )
    with policy.activate(**values):
        texts = {_setting(prefix, column.name): _text(values[column.name]) for column in policy.columns}
        nested = db.get_scoped_connection() is not None
        async with db.transaction() as connection:
            before: dict[str, str] = {}
            if nested:
                for name in texts:
                    before[name] = (await db.run_compiled(_READ, (name,))).rows[0][0] or ""
            await _tell(db, texts)
            yield connection
            # After an error the server goes back by itself, with the savepoint.
            await _tell(db, before)


async def _tell(db: Any, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        await db.run_compiled(_SET, (name, text))


def _text(value: Any) -> str:
    if is_empty(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | uuid.UUID):
        raise DataQueryError(f"{type(value).__name__} cannot say whose a row is", hint="Use text, a number or a UUID.")
    return str(value)
