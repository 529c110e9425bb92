"""Row-level security: columns that say whose a row is, and who is asking.

::

    policy = RowLevelSecurityPolicy(columns=[ScopeColumn("tenant_id")])
    orders = GenericRepository(db, "orders", Order, rls_policy=policy)

    with policy.activate(tenant_id="acme"):
        await orders.find_many()          # … WHERE tenant_id = 'acme'

The scope is a part of every statement of the repository and nothing is set on connections, so a connection that is
used again knows nothing of who used it before. Without an active policy statements are refused; with an empty value
reading finds nothing and writing is refused. The scope belongs to the task and the tasks it starts. For PostgreSQL's
own policies see :mod:`lexigram.sql.repositories.server_rls`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lexigram.contracts.data.identifiers import Column
from lexigram.sql.exceptions import DataQueryError, NoSecurityPolicyError
from lexigram.suggestions import did_you_mean

__all__ = ["RowLevelSecurityPolicy", "ScopeColumn", "is_empty"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScopeColumn:
    """A column that says whose a row is.

    Attributes:
        name: Its name.
    """

    name: str

    def __post_init__(self) -> None:
        _ = Column(self.name)


@dataclass(frozen=True, slots=True)
class _Scope:
    values: Mapping[str, Any] | None
    bypassed: frozenset[str]


_NO_SCOPE = _Scope(None, frozenset())


class RowLevelSecurityPolicy:
    """Guards the tables of the repositories that it is given to.

    Args:
        columns: The columns that every row of those tables has.

    Raises:
        DataQueryError: There are none, or one comes twice.
    """

    def __init__(self, columns: Sequence[ScopeColumn]) -> None:
        names = [column.name for column in columns]
        if not names or len(set(names)) < len(names):
            raise DataQueryError("a policy needs columns, each once", hint='Give [ScopeColumn("tenant_id")].')
        self.columns = tuple(columns)
        self._scope: ContextVar[_Scope] = ContextVar("lexigram_sql_rls", default=_NO_SCOPE)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {', '.join(column.name for column in self.columns)}>"

    @contextmanager
    def activate(self, **values: Any) -> Generator[None]:
        """Ask for the rows with these values inside the block.

        Args:
            **values: A value for each of the policy's columns. None and blank text are nobody's, and deny.

        Raises:
            DataQueryError: A column is missing, or is none of the policy's.
        """
        names = [column.name for column in self.columns]
        for name in values:
            if name not in names:
                raise DataQueryError(
                    f"the policy has no column {name!r}{did_you_mean(name, names)}", hint=f"It has {', '.join(names)}."
                )
        missing = [name for name in names if name not in values]
        if missing:
            raise DataQueryError(f"the policy needs {', '.join(missing)} as well", hint="Give each of its columns.")
        token = self._scope.set(_Scope(MappingProxyType(dict(values)), frozenset()))
        try:
            yield
        finally:
            self._scope.reset(token)

    @contextmanager
    def admin_bypass(self, *, reason: str, table: str) -> Generator[None]:
        """See all rows of one table inside the block; it is logged, with the reason.

        Args:
            reason: Why, for the log.
            table: The table; others stay guarded.

        Raises:
            DataQueryError: There is no reason.
        """
        if not reason.strip():
            raise DataQueryError("a bypass needs a reason", hint="Say why, for the log.")
        _logger.warning("row-level security of %r is bypassed: %s", table, reason)
        before = self._scope.get()
        token = self._scope.set(_Scope(before.values, before.bypassed | {table}))
        try:
            yield
        finally:
            self._scope.reset(token)

    def is_admin_bypass_active(self, table: str) -> bool:
        """True inside :meth:`admin_bypass` for this table."""
        return table in self._scope.get().bypassed

    @property
    def current_scope(self) -> Mapping[str, Any] | None:
        """The values of the innermost :meth:`activate`, or None."""
        return self._scope.get().values

    def require_scope(self, *, table: str, operation: str) -> Mapping[str, Any]:
        """The values of the innermost :meth:`activate`.

        Raises:
            NoSecurityPolicyError: None is active.
        """
        values = self._scope.get().values
        if values is None:
            raise NoSecurityPolicyError(
                table, operation, hint="Run the code inside `with policy.activate(tenant_id=…):`."
            )
        return values


def is_empty(value: Any) -> bool:
    """True for values that are nobody's: None, and text that is blank."""
    return value is None or (isinstance(value, str) and not value.strip())
