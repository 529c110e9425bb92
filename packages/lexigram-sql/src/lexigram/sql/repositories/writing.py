"""The methods of repositories that write one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import (
    DataQueryError,
    DuplicateKeyError,
    EntityNotFoundError,
    OptimisticLockError,
    RepositoryError,
    TenantScopingError,
)
from lexigram.sql.query.compile import CompiledShape, compile_shape
from lexigram.sql.query.shape import Clause, Shape, Slot
from lexigram.sql.repositories.core import CREATED, DELETED, UPDATED, VERSION
from lexigram.sql.repositories.draft import Draft
from lexigram.sql.repositories.paging import PagingRepository

__all__ = ["WritingRepository"]

T = TypeVar("T")
K = TypeVar("K")

_INSERTS = 256
"""Inserts that a repository keeps, one for each choice of columns."""


class WritingRepository(PagingRepository[T, K]):
    """Writes.

    ``created_at`` and ``updated_at`` are set where the entity has them; ``created_at`` only when it is None, and never
    on an update. An integer ``version`` begins at 1 and is counted up by updates, which fail when it is not the row's.
    """

    # What is written

    def _row(self, entity: T, operation: str, scope: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The values of an object by column, with the columns that say whose it is.

        Args:
            entity: The object.
            operation: What is being done, for the error.
            scope: Whose rows; the task's when None.

        Raises:
            TenantScopingError: The object is someone else's.
        """
        row = dict(self._entity_to_dict(entity))  # the method may return the object's own
        if self.read_only_fields:
            row = {name: value for name, value in row.items() if name not in self.read_only_fields}
        owned = self._scope(operation, writes=True) if scope is None else scope
        for name, value in (owned or {}).items():
            if row.get(name) not in (None, value):
                raise TenantScopingError(
                    self.table_name, operation, f"{operation} on {self.table_name!r}: the object's {name} is another's"
                )
            row[name] = value
        return row

    def _new_row(
        self, entity: T, operation: str, scope: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The row to insert, and what of it the object does not say."""
        owned = (self._scope(operation, writes=True) or {}) if scope is None else scope
        row = self._row(entity, operation, owned)
        decided: dict[str, Any] = dict(owned)
        for name in (CREATED, UPDATED):
            if name in row and row[name] is None:
                row[name] = decided[name] = decided.get(CREATED) or self._now()
        if VERSION in row and row[VERSION] is None:
            row[VERSION] = decided[VERSION] = 1
        if row.get(self._key) is None:
            row.pop(self._key, None)
        if not row:
            raise DataQueryError("an object without a value cannot be stored", hint="Set at least one field.")
        return row, decided

    def _key_of(self, entity: T, operation: str) -> K:
        key = self._entity_to_dict(entity).get(self._key)
        if key is None:
            raise RepositoryError(
                f"{operation} needs an object with a key; its {self.key_field} is None", operation=operation
            )
        return cast("K", key)

    def _insert_of(self, names: tuple[str, ...], returns: bool) -> CompiledShape:
        """The insert of a row with these columns, which may return the key; compiled once."""
        wanted = (self.provider.dialect, self.write_table_name, names, returns)
        compiled = self._inserts.get(wanted)
        if compiled is None:
            clauses: list[Clause] = [("values", names, (tuple([Slot(index) for index in range(len(names))]),))]
            if returns:
                clauses.append(("returning", (self._key,)))
            compiled = compile_shape(Shape(self.write_table_name, "insert", tuple(clauses)), self.provider.dialect)
            if len(self._inserts) >= _INSERTS:
                self._inserts.clear()
            self._inserts[wanted] = compiled
        return compiled

    async def create(self, entity: T) -> T:
        """Insert an object.

        Returns:
            The object, with the key that the database made, where it had none; a copy where the class is frozen.

        Raises:
            DuplicateKeyError: Its key, or a unique value, is taken.
        """
        row, decided = self._new_row(entity, "create")
        given = self._key in row
        returns = not given and self.provider.dialect is not SQLDialect.MYSQL
        insert = self._insert_of(tuple(row), returns)
        values = insert.bind(tuple(row.values()))
        if given:
            await self.provider.execute_compiled(insert.statement, values)
            made = self._assign(entity, decided) if decided else entity
            await self._told(self._after_save, (made,))
            return made
        if returns:
            key = (await self.provider.run_compiled(insert.statement, values)).rows[0][0]
        else:
            key = (await self.provider.execute_compiled(insert.statement, values)).last_id
        if not key:
            raise RepositoryError(
                f"the database made no key for {self.table_name!r}",
                hint=f"Give objects a {self.key_field}, or let the table make one.",
                operation="create",
            )
        made = self._assign(entity, {**decided, self._key: key})
        await self._told(self._after_save, (made,))
        return made

    async def update(self, entity: T, check_version: bool | None = None) -> T:
        """Change the row of an object.

        Args:
            entity: The object.
            check_version: Fail when the row has another ``version``; when None, if the object has one.

        Returns:
            The object with its new version and ``updated_at``; a copy where the class is frozen.

        Raises:
            EntityNotFoundError: There is no such row, or it is someone else's.
            OptimisticLockError: The row was changed since it was read.
            DataQueryError: *check_version* is True, and the object has no version.
        """
        key = self._key_of(entity, "update")
        values, version = self._changes(self._row(entity, "update"))
        checked = version is not None if check_version is None else check_version
        if checked and version is None:
            raise DataQueryError(f"this object has no integer {VERSION}", hint="Leave check_version out.")
        draft = self._draft("update", "update").set(values).equals(self._key, key)
        if checked:
            draft.equals(VERSION, version)
        if (await draft.execute(self.provider)).rows == 0:
            if checked and await self._read_by_key(key, False) is not None:
                raise OptimisticLockError(self._entity_name(), key, version)
            raise EntityNotFoundError(self._entity_name(), key)
        changed = self._assign(entity, {name: values[name] for name in (UPDATED, VERSION) if name in values})
        await self._told(self._after_save, (changed,))
        return changed

    def _changes(self, row: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
        """What an update sets, and the version that it expects."""
        scope = self._scope("update", writes=True) or {}
        kept = {self._key, CREATED, *scope, *([DELETED] if self.soft_delete_enabled else [])}
        values = {name: value for name, value in row.items() if name not in kept}
        if UPDATED in values:
            values[UPDATED] = self._now()
        version = values.get(VERSION)
        if not isinstance(version, int) or isinstance(version, bool):
            values.pop(VERSION, None)
            version = None
        else:
            values[VERSION] = version + 1
        if not values:
            raise DataQueryError("an object with nothing but its key cannot be changed", hint="Give it other fields.")
        return values, version

    def _entity_name(self) -> str:
        return str(getattr(getattr(self, "entity_class", None), "__name__", self.table_name))

    async def save(self, entity: T) -> T:
        """Insert an object, or change its row where there is one; see :meth:`create` and :meth:`update`."""
        if self._entity_to_dict(entity).get(self._key) is None:
            return await self.create(entity)
        try:
            return await self.update(entity)
        except EntityNotFoundError:
            pass
        try:
            async with self.provider.transaction():
                return await self.create(entity)
        except DuplicateKeyError as taken:
            # Someone was faster, or another object has a unique value of this one.
            try:
                return await self.update(entity)
            except EntityNotFoundError:
                raise taken from None

    # Removing

    async def delete_by_id(self, key: K) -> bool:
        """Remove the row with this key for good, marked as deleted or not; True when there was one."""
        draft = self._draft("delete", "delete", include_deleted=True).equals(self._key, key)
        return await self._gone(draft, key)

    async def _gone(self, draft: Draft, key: K) -> bool:
        if not (await draft.execute(self.provider)).rows:
            return False
        await self._told(self._after_delete, (key,))
        return True

    async def delete(self, entity_or_id: Any) -> bool:
        """Remove an object, or the one with this key; True when there was one.

        With ``soft_delete_enabled`` it is marked as deleted; :meth:`delete_by_id` removes it for good.
        """
        key = self._key_or_entity(entity_or_id)
        return await (self.soft_delete(key) if self.soft_delete_enabled else self.delete_by_id(key))

    def _key_or_entity(self, given: Any) -> K:
        entity_class = getattr(self, "entity_class", None)
        if isinstance(entity_class, type) and isinstance(given, entity_class):
            return self._key_of(cast("T", given), "delete")
        return cast("K", given)

    def _marked(self, deleted: bool, operation: str) -> Draft:
        if not self.soft_delete_enabled:
            raise RepositoryError(
                f"{self.table_name!r} marks no rows as deleted",
                hint="Give the repository soft_delete_enabled=True.",
                operation=operation,
            )
        draft = self._draft(operation, "update", include_deleted=not deleted)
        if not deleted:
            draft.add(("where", "and", ("compare", DELETED, "IS NOT NULL", ())))
        return draft.set({DELETED: self._now() if deleted else None})

    async def soft_delete(self, key: K) -> bool:
        """Mark the row with this key as deleted; False when there is none that is not."""
        return await self._gone(self._marked(True, "soft_delete").equals(self._key, key), key)

    async def restore(self, key: K) -> bool:
        """Take the mark away; False when there is no row with this key that has one."""
        return (await self._marked(False, "restore").equals(self._key, key).execute(self.provider)).rows > 0

    # Inserting or changing

    async def upsert(
        self, entity: T, conflict_fields: Sequence[str] | None = None, update_fields: Sequence[str] | None = None
    ) -> T:
        """Insert an object, or change the row that has its unique values, in one statement where that is safe.

        On a guarded table it takes several statements, since a row of another's must not be changed.

        Args:
            entity: The object.
            conflict_fields: The fields of the unique key; the key when None. MySQL looks at all of the table's.
            update_fields: What is changed; when None all but the key, *conflict_fields* and ``created_at``.

        Returns:
            The object with the key of its row; a copy where the class is frozen.

        Raises:
            DuplicateKeyError: The row is someone else's, or another unique value is taken.
        """
        keys = [self._column(name) for name in conflict_fields or (self.key_field,)]
        row, decided = self._new_row(entity, "upsert")
        missing = [name for name in keys if name not in row]
        if missing:
            if conflict_fields is None:
                return await self.create(entity)
            raise DataQueryError(f"the object has no {missing[0]} to compare", hint="Set it, or name other fields.")
        scope = self._scope("upsert", writes=True) or {}
        if update_fields is None:
            kept = {self._key, CREATED, *keys, *scope, *([DELETED] if self.soft_delete_enabled else [])}
            changed = [name for name in row if name not in kept]
        else:
            changed = [self._column(name) for name in update_fields]
            if UPDATED in row and UPDATED not in changed:
                changed.append(UPDATED)
        if scope:
            await self._upsert_guarded(row, keys, changed)
        else:
            draft = Draft(self.write_table_name, "insert").insert([row])
            action = ("update", tuple((name, None) for name in changed)) if changed else ("nothing", ())
            await draft.add(("on_conflict", tuple(keys), *action)).execute(self.provider)
        if self._key not in row:
            found = self._draft("upsert", include_deleted=True).columns([self._key])
            for name in keys:
                found.equals(name, row[name])
            rows = (await found.fetch(self.provider)).rows
            decided = {**decided, **({self._key: rows[0][0]} if rows else {})}
        stored = self._assign(entity, decided) if decided else entity
        await self._told(self._after_save, (stored,))
        return stored

    async def _upsert_guarded(self, row: Mapping[str, Any], keys: Sequence[str], changed: Sequence[str]) -> None:
        if await self._change_own(row, keys, changed):
            return
        try:
            async with self.provider.transaction():
                await Draft(self.write_table_name, "insert").insert([row]).execute(self.provider)
        except DuplicateKeyError:
            # Someone was faster; if it was the same tenant, the row can be changed now.
            if not await self._change_own(row, keys, changed):
                raise

    async def _change_own(self, row: Mapping[str, Any], keys: Sequence[str], changed: Sequence[str]) -> bool:
        if changed:
            draft = self._draft("upsert", "update", include_deleted=True).set({name: row[name] for name in changed})
        else:
            draft = self._draft("upsert", include_deleted=True).columns([self._key])
        for name in keys:
            draft.equals(name, row[name])
        if changed:
            return (await draft.execute(self.provider)).rows > 0
        return bool((await draft.fetch(self.provider)).rows)

    async def find_or_create(self, defaults: Mapping[str, Any] | None = None, **filters: Any) -> tuple[T, bool]:
        """The object whose fields equal *filters*; a new one with *defaults* where there is none.

        Of callers at the same time one makes it, and the others find it, if a unique key covers *filters*.

        Returns:
            The object, and True when it is new.
        """
        found = await self.find_one(**filters)
        if found is not None:
            return found, False
        entity = self._made(filters, defaults)
        try:
            async with self.provider.transaction():
                return await self.create(entity), True
        except DuplicateKeyError:
            found = await self.find_one(**filters)
            if found is None:
                raise
            return found, False

    async def update_or_create(self, defaults: Mapping[str, Any] | None = None, **filters: Any) -> tuple[T, bool]:
        """Set *defaults* on the object whose fields equal *filters*, or make it; see :meth:`find_or_create`.

        Returns:
            The object, and True when it is new.
        """
        entity, new = await self.find_or_create(defaults, **filters)
        if new or not defaults:
            return entity, new
        changes = {self._column(name): value for name, value in defaults.items()}
        return await self.update(self._assign(entity, changes)), False

    def _made(self, filters: Mapping[str, Any], defaults: Mapping[str, Any] | None) -> T:
        """A new object of values by field."""
        given = {**filters, **(defaults or {})}
        compared = next((name for name in given if "__" in name), None)
        if compared is not None:
            raise DataQueryError(f"{compared} gives a new object no value", hint="Compare fields with = only.")
        return self._row_to_entity({self._column(name): value for name, value in given.items()})
