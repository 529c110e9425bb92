"""``GenericRepository``: a table as objects of a class, without a line of mapping.

::

    class UserRepository(GenericRepository[User, str]):
        def __init__(self, provider: DatabaseProviderProtocol) -> None:
            super().__init__(provider, table_name="users", entity_class=User)

    active = await users.find_many(status="active", age__gte=18, sort_by="name", limit=100)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from lexigram.sql.context import DbContext
from lexigram.sql.exceptions import ProtocolValidationError
from lexigram.sql.repositories.base import SQLRepository
from lexigram.sql.repositories.draft import RepositoryDatabase
from lexigram.sql.repositories.mapping import EntityMapper
from lexigram.sql.repositories.rls import RowLevelSecurityPolicy

__all__ = ["GenericRepository"]

T = TypeVar("T")
K = TypeVar("K")


class GenericRepository(SQLRepository[T, K]):
    """A table as objects of a class: a dataclass, a pydantic model, a TypedDict or a declarative model.

    Args:
        provider: The database; :class:`~lexigram.sql.providers.database_service.DatabaseService`.
        table_name: The table.
        entity_class: The class; its fields are the columns.
        key_field: The field with the key.
        soft_delete_enabled: True when ``deleted_at`` marks rows as deleted.
        multi_tenant: True when ``tenant_id`` says whose a row is; None for False.
        rls_policy: Guards the table.
        db_ctx: Says whose rows a task works on, where it is in no ``tenant_scope``.

    Raises:
        MappingError: The class cannot be mapped.
        DataQueryError: The class has no field *key_field*.
        ProtocolValidationError: *provider* runs no compiled statements.
    """

    def __init__(
        self,
        provider: Any,
        table_name: str,
        entity_class: type[T],
        key_field: str = "id",
        soft_delete_enabled: bool = False,
        multi_tenant: bool | None = None,
        rls_policy: RowLevelSecurityPolicy | None = None,
        *,
        db_ctx: DbContext | None = None,
    ) -> None:
        if not hasattr(provider, "run_compiled"):
            raise ProtocolValidationError(
                f"{type(provider).__name__} is no database that repositories can use", hint="Pass a DatabaseService."
            )
        self.entity_class = entity_class
        self.mapper: EntityMapper[T] = EntityMapper(entity_class)
        self._selected = tuple(self.mapper.columns)
        super().__init__(
            cast("RepositoryDatabase", provider),
            table_name,
            key_field,
            soft_delete_enabled=soft_delete_enabled,
            multi_tenant=bool(multi_tenant),
            db_ctx=db_ctx,
            rls_policy=rls_policy,
        )

    def _entity_to_dict(self, entity: T) -> dict[str, Any]:
        return self.mapper.to_row(entity)

    def _row_to_entity(self, row: Mapping[str, Any]) -> T:
        return self.mapper.to_entity(row)

    def _column(self, name: str) -> str:
        return self.mapper.column(name)

    def _columns(self) -> tuple[str, ...]:
        return self._selected

    def _rows_to_entities(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[T]:
        return self.mapper.to_entities(columns, rows)

    def _assign(self, entity: T, values: Mapping[str, Any]) -> T:
        return self.mapper.assign(entity, values)

    def _plain_rows(self, given: Sequence[T]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]] | None:
        own: Any = type(self)._entity_to_dict
        if own is not _MAPPED:
            return None
        return self.mapper.plain_rows(given, self._key)

    def _assign_keys(self, given: Sequence[T], keys: Sequence[Any]) -> bool:
        own: Any = type(self)._assign
        return own is _ASSIGNED and self.mapper.assign_each(given, self._key, keys)


_ASSIGNED: Any = cast("Any", GenericRepository)._assign
_MAPPED: Any = cast("Any", GenericRepository)._entity_to_dict
