"""``AuditRepositoryMixin``: every change of a repository is told to an audit log, in the transaction of the change.

::

    class Users(AuditRepositoryMixin, GenericRepository[User, str]): ...

    users = Users(db, "users", User, audit_logger=TableAuditLogger(db, "audit"), db_ctx=context)

A change that cannot be logged is not made, and one that is rolled back leaves no entry, as long as the log is in the
same database.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, cast, runtime_checkable

from lexigram.sql.context import DbContext
from lexigram.sql.exceptions import ProtocolValidationError
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.query.executor import Executor

__all__ = ["AuditEntry", "AuditLoggerProtocol", "AuditRepositoryMixin", "TableAuditLogger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change of one object.

    Attributes:
        action: ``create``, ``update``, ``upsert``, ``delete``, ``soft_delete`` or ``restore``.
        entity_type: The class of the object, or the table.
        entity_id: Its key.
        changes: The columns that were written, with their new values; None for removals.
        user_id: Who did it, where that is known.
        tenant_id: For whom.
        request_id: In which request.
        at: When; in UTC.
        id: A key of its own.
    """

    action: str
    entity_type: str
    entity_id: Any
    changes: Mapping[str, Any] | None = None
    user_id: Any = None
    tenant_id: Any = None
    request_id: Any = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@runtime_checkable
class AuditLoggerProtocol(Protocol):
    """Keeps entries."""

    async def log(self, entries: Sequence[AuditEntry], /) -> None:
        """Keep entries, all or none; an error undoes the change."""
        ...


class TableAuditLogger:
    """Keeps entries in a table of the same database. Implements :class:`AuditLoggerProtocol`.

    The table has the columns ``id`` (32 characters), ``action``, ``entity_type``, ``entity_id``, ``user_id``,
    ``tenant_id``, ``request_id`` (text), ``changes`` (JSON) and ``at`` (date and time).

    Args:
        provider: The database.
        table_name: The table.
        hidden: Columns whose values are not kept; ``***`` stands for them.
    """

    def __init__(self, provider: Executor, table_name: str = "audit_log", hidden: Iterable[str] = ()) -> None:
        self._provider = provider
        self._table = table_name
        self._hidden = frozenset(hidden)

    async def log(self, entries: Sequence[AuditEntry], /) -> None:
        """Insert entries."""
        await AsyncQueryBuilder(self._table).execute_many(self._provider, [self._row(entry) for entry in entries])

    def _row(self, entry: AuditEntry) -> dict[str, Any]:
        changes = None
        if entry.changes is not None:
            changes = {name: self._shown(name, value) for name, value in entry.changes.items()}
        texts = ("entity_id", "user_id", "tenant_id", "request_id")
        return {
            "id": entry.id,
            "action": entry.action,
            "entity_type": entry.entity_type,
            **{name: None if (value := getattr(entry, name)) is None else str(value) for name in texts},
            "changes": changes,
            "at": entry.at,
        }

    def _shown(self, name: str, value: Any) -> Any:
        if name in self._hidden:
            return "***"
        return f"{len(value)} bytes" if isinstance(value, bytes) else value


_inside: ContextVar[bool] = ContextVar("lexigram_sql_audited", default=False)


class AuditRepositoryMixin:
    """Stands before a repository class and logs what it changes.

    Args:
        *args: The repository's.
        audit_logger: Keeps the entries.
        db_ctx: Says who does it; the usual keys when None.
        **keywords: The repository's.

    Raises:
        ProtocolValidationError: *audit_logger* is none.
    """

    def __init__(self, *args: Any, audit_logger: AuditLoggerProtocol, db_ctx: DbContext | None = None, **keywords: Any):
        if not callable(getattr(audit_logger, "log", None)):
            raise ProtocolValidationError(
                f"{type(audit_logger).__name__} keeps no audit entries", hint="It needs a method log(entries)."
            )
        if db_ctx is not None:
            keywords["db_ctx"] = db_ctx
        super().__init__(*args, **keywords)
        self._audit_logger = audit_logger
        self._who = DbContext() if db_ctx is None else db_ctx

    def _entry(self, action: str, key: Any, entity: Any = None) -> AuditEntry:
        repository: Any = self
        changes = None if entity is None else dict(repository._entity_to_dict(entity))
        if changes is not None:
            key = changes.get(repository._key, key)
        who = self._who
        return AuditEntry(
            action=action,
            entity_type=repository._entity_name(),
            entity_id=key,
            changes=changes,
            user_id=who.user_id,
            tenant_id=who.tenant_id,
            request_id=who.request_id,
        )

    async def _logged(self, action: str, work: Callable[[], Awaitable[Any]], keys: Iterable[Any] = ()) -> Any:
        """Do something and log it: what it returns, or, when it returns whether or how many, the keys."""
        if _inside.get():
            return await work()  # a part of what is logged already
        repository: Any = self
        async with repository.provider.transaction():
            token = _inside.set(True)
            try:
                done = await work()
            finally:
                _inside.reset(token)
            if isinstance(done, bool | int):
                entries = [self._entry(action, key) for key in keys] if done else []
            else:
                made: Any = done if isinstance(done, list) else [done]  # pyright: ignore[reportUnknownVariableType] - any list
                entries = [self._entry(action, None, entity) for entity in made]
            if entries:
                await self._audit_logger.log(entries)
            return cast("Any", done)

    async def create(self, entity: Any) -> Any:
        """As the repository's."""
        return await self._logged("create", lambda: _repository(self).create(entity))

    async def update(self, entity: Any, check_version: bool | None = None) -> Any:
        """As the repository's."""
        return await self._logged("update", lambda: _repository(self).update(entity, check_version))

    async def upsert(self, entity: Any, *args: Any, **keywords: Any) -> Any:
        """As the repository's."""
        return await self._logged("upsert", lambda: _repository(self).upsert(entity, *args, **keywords))

    async def delete_by_id(self, key: Any) -> bool:
        """As the repository's."""
        return bool(await self._logged("delete", lambda: _repository(self).delete_by_id(key), [key]))

    async def soft_delete(self, key: Any) -> bool:
        """As the repository's."""
        return bool(await self._logged("soft_delete", lambda: _repository(self).soft_delete(key), [key]))

    async def restore(self, key: Any) -> bool:
        """As the repository's."""
        return bool(await self._logged("restore", lambda: _repository(self).restore(key), [key]))

    async def bulk_create(self, entities: Iterable[Any]) -> list[Any]:
        """As the repository's."""
        made: list[Any] = await self._logged("create", lambda: _repository(self).bulk_create(entities))
        return made

    async def bulk_update(self, entities: Iterable[Any], fields: Sequence[str] | None = None) -> int:
        """As the repository's; of objects without versions some may be logged whose row was gone."""
        given = list(entities)
        count = 0

        async def work() -> list[Any]:
            nonlocal count
            count = await _repository(self).bulk_update(given, fields)
            return given if count else []

        await self._logged("update", work)
        return count

    async def _each_key(self, operation: str, given: Iterable[Any], begin: Any) -> int:
        repository: Any = self
        keys = list(dict.fromkeys(repository._key_or_entity(one) for one in given))
        action = "soft_delete" if operation == "delete_many" and repository.soft_delete_enabled else "delete"
        return int(await self._logged(action, lambda: _repository(self)._each_key(operation, keys, begin), keys))


def _repository(mixin: AuditRepositoryMixin) -> Any:
    """The repository's own methods."""
    return super(AuditRepositoryMixin, mixin)
