"""What every method of a repository stands on: the table, its columns, and whose rows they are."""

from __future__ import annotations

import builtins
import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.config import DataConfig
from lexigram.sql.context import DbContext
from lexigram.sql.exceptions import DataQueryError, PaginationError, TenantScopingError
from lexigram.sql.query.compile import CompiledShape, compile_shape
from lexigram.sql.query.shape import Clause, Kind, Shape, Slot
from lexigram.sql.repositories.draft import Draft, RepositoryDatabase
from lexigram.sql.repositories.filters import Nothing, conditions_of
from lexigram.sql.repositories.rls import RowLevelSecurityPolicy, is_empty
from lexigram.sql.repositories.tenancy import TENANT_COLUMN, require_tenant, tenant_scope

__all__ = ["CREATED", "DELETED", "UPDATED", "VERSION", "RepositoryCore"]

T = TypeVar("T")
K = TypeVar("K")

CREATED: Final = "created_at"
UPDATED: Final = "updated_at"
DELETED: Final = "deleted_at"
VERSION: Final = "version"
_PAGES: Final = DataConfig()


Hook = Callable[[Any], Any]
"""Told of an object or a key; may be a coroutine function."""


def _registered(hooks: builtins.list[Hook], hook: Hook) -> Callable[[], None]:
    hooks.append(hook)

    def undo() -> None:
        if hook in hooks:
            hooks.remove(hook)

    return undo


class RepositoryCore(ABC, Generic[T, K]):
    """A table as objects.

    Args:
        provider: The database.
        table_name: The table, or the view that is read when :attr:`write_table_name` names another.
        key_field: The field with the key.
        soft_delete_enabled: True when ``deleted_at`` marks rows as deleted; they are not found then.
        multi_tenant: True when ``tenant_id`` says whose a row is; every statement is held to the tenant of
            :func:`~lexigram.sql.repositories.tenancy.tenant_scope`, else of *db_ctx*.
        db_ctx: Says whose rows a task works on outside of such a scope.
        rls_policy: Guards the table; see :mod:`lexigram.sql.repositories.rls`.
    """

    read_only_fields: frozenset[str] = frozenset()
    """Columns that are never written, such as computed ones."""

    def __init__(
        self,
        provider: RepositoryDatabase,
        table_name: str,
        key_field: str = "id",
        soft_delete_enabled: bool = False,
        multi_tenant: bool = False,
        db_ctx: DbContext | None = None,
        rls_policy: RowLevelSecurityPolicy | None = None,
    ) -> None:
        self.provider = provider
        self.table_name = table_name
        self.key_field = key_field
        self.soft_delete_enabled = soft_delete_enabled
        self.multi_tenant = multi_tenant
        self.db_ctx = db_ctx
        self.rls_policy = rls_policy
        self._key = self._column(key_field)
        self._after_save: builtins.list[Hook] = []
        self._after_delete: builtins.list[Hook] = []
        self._inserts: dict[tuple[SQLDialect, str, tuple[str, ...], bool], CompiledShape] = {}
        self._by_key: dict[tuple[SQLDialect, tuple[str, ...], bool], CompiledShape] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self.table_name!r}>"

    # Who is told

    def register_post_save_hook(self, hook: Hook) -> Callable[[], None]:
        """Call *hook* with each object that this repository has inserted or changed.

        It is called in the transaction of the caller where there is one.

        Args:
            hook: A function, or a coroutine function. What it raises reaches the writer.

        Returns:
            A function that ends it.
        """
        return _registered(self._after_save, hook)

    def register_post_delete_hook(self, hook: Hook) -> Callable[[], None]:
        """Call *hook* with the key of each object that this repository has removed, or marked as deleted.

        Returns:
            A function that ends it.
        """
        return _registered(self._after_delete, hook)

    async def _told(self, hooks: Sequence[Hook], about: Iterable[Any]) -> None:
        for one in about if hooks else ():
            for hook in tuple(hooks):
                answer = hook(one)
                if inspect.isawaitable(answer):
                    await answer

    # What subclasses say

    @abstractmethod
    def _entity_to_dict(self, entity: T) -> dict[str, Any]:
        """The values of an object by column."""

    @abstractmethod
    def _row_to_entity(self, row: Mapping[str, Any]) -> T:
        """The object of a row."""

    @property
    def write_table_name(self) -> str:
        """The table that is written."""
        return self.table_name

    def _column(self, name: str) -> str:
        """The column of a field; a repository that knows its fields refuses others."""
        return name

    def _columns(self) -> tuple[str, ...]:
        """The columns to read; none for all."""
        return ()

    def _rows_to_entities(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[T]:
        return [self._row_to_entity(dict(zip(columns, row, strict=True))) for row in rows]

    def _assign(self, entity: T, values: Mapping[str, Any]) -> T:
        """Set on an object what the database or the repository has decided; returns the object."""
        for name, value in values.items():
            if hasattr(entity, name):
                setattr(entity, name, value)
        return entity

    def _page_size(self, asked: int | None, *, cursor: bool = False) -> int:
        """How long a page is; the database's ``data`` section says what holds where nobody asks, and the most.

        Raises:
            PaginationError: It is no number of rows, or more than is allowed.
        """
        config: Any = getattr(self.provider, "config", None)
        data = getattr(config, "data", None) or _PAGES
        size: Any = asked
        if size is None:
            size = data.default_cursor_size if cursor else data.default_page_size
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise PaginationError(f"a page of {size!r} does not exist", hint="It holds 1 and more.")
        if size > data.max_page_size:
            raise PaginationError(
                f"a page of {size} is longer than {data.max_page_size}",
                hint="Ask for smaller pages, or raise data.max_page_size.",
            )
        return size

    def _now(self) -> datetime:
        """The time for ``created_at`` and its relatives; in UTC."""
        return datetime.now(UTC)

    # Whose rows

    @contextmanager
    def with_tenant_scope(self, tenant_id: Any) -> Generator[None]:
        """Work on one tenant's rows inside the block, with every repository that is multi-tenant."""
        with tenant_scope(tenant_id):
            yield

    @contextmanager
    def with_admin_scope(self, reason: str) -> Generator[None]:
        """See the rows of this table without its policy inside the block; it is logged, with the reason."""
        if self.rls_policy is None:
            raise DataQueryError("this repository has no policy to bypass", hint="Give it rls_policy=.")
        with self.rls_policy.admin_bypass(reason=reason, table=self.table_name):
            yield

    def _scope(self, operation: str, *, writes: bool) -> dict[str, Any] | None:
        """The columns that rows must equal, with their values; None when no row may be seen.

        Raises:
            TenantScopingError: No one is asking, or nobody would write.
        """
        scope: dict[str, Any] = {}
        if self.multi_tenant:
            scope[TENANT_COLUMN] = require_tenant(self.table_name, operation, self.db_ctx)
        policy = self.rls_policy
        if policy is not None and not policy.is_admin_bypass_active(self.table_name):
            values = policy.require_scope(table=self.table_name, operation=operation)
            if any(is_empty(value) for value in values.values()):
                if writes:
                    raise TenantScopingError(
                        self.table_name,
                        operation,
                        f"{operation} on {self.table_name!r} is denied: the active policy names nobody",
                    )
                return None
            scope.update(values)
        return scope

    # Statements

    def _draft(self, operation: str, kind: Kind = "select", *, include_deleted: bool = False) -> Draft:
        """A statement that reaches the rows only that may be seen."""
        draft = Draft(self.table_name if kind == "select" else self.write_table_name, kind)
        return self._guarded(draft, operation, include_deleted)

    def _guarded(self, draft: Draft, operation: str, include_deleted: bool) -> Draft:
        scope = self._scope(operation, writes=draft.kind != "select")
        if scope is None:
            draft.where(Nothing())
        else:
            for name, value in scope.items():
                draft.equals(name, value)
        if self.soft_delete_enabled and not include_deleted:
            draft.add(("where", "and", ("compare", DELETED, "IS NULL", ())))
        return draft

    def _filtered(
        self, draft: Draft, given: Iterable[Any], keywords: Mapping[str, Any], search: Iterable[Any] = ()
    ) -> Draft:
        for condition in (*conditions_of(given, keywords, self._column), *search):
            draft.where(condition)
        return draft

    async def _entities(self, draft: Draft) -> list[T]:
        columns, rows = await draft.fetch(self.provider)
        return self._rows_to_entities(columns, rows)

    async def _streamed(self, draft: Draft, batch_size: int) -> AsyncGenerator[T]:
        batches = draft.stream(self.provider, batch_size)
        try:
            async for columns, rows in batches:
                for entity in self._rows_to_entities(columns, rows):
                    yield entity
        finally:
            await batches.aclose()

    async def _read_by_key(self, key: Any, include_deleted: bool) -> T | None:
        """The object with a key, by a statement that is compiled once."""
        scope = self._scope("find_by_id", writes=False)
        if scope is None:
            return None
        live = self.soft_delete_enabled and not include_deleted
        dialect = self.provider.dialect
        wanted = (dialect, tuple(scope), live)
        compiled = self._by_key.get(wanted)
        if compiled is None:
            names = (self._key, *scope)
            clauses: list[Clause] = []
            for at, name in enumerate(names):
                clauses.append(("where", "and", ("compare", name, "=", (Slot(at),))))
            if live:
                clauses.append(("where", "and", ("compare", DELETED, "IS NULL", ())))
            selected = [("column", name) for name in self._columns()]
            compiled = compile_shape(Shape(self.table_name, "select", (*selected, *clauses)), dialect)
            self._by_key[wanted] = compiled
        columns, rows = await self.provider.run_compiled(compiled.statement, compiled.bind((key, *scope.values())))
        return self._rows_to_entities(columns, rows)[0] if rows else None
