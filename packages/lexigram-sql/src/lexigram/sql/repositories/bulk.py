"""The methods of repositories that write many objects: a few statements, however many they are.

A statement takes as many rows as the databases' limits on parameters and the time to compile it allow; when it takes
several, they are one transaction.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError, OptimisticLockError, RepositoryError
from lexigram.sql.query.compile import compile_shape
from lexigram.sql.query.names import quoted_path
from lexigram.sql.query.raw import RawSQL
from lexigram.sql.query.shape import Shape, Slot
from lexigram.sql.repositories.core import VERSION
from lexigram.sql.repositories.draft import Draft
from lexigram.sql.repositories.filters import AllOf, AnyOf, Condition
from lexigram.sql.repositories.writing import WritingRepository

__all__ = ["BulkRepository"]

T = TypeVar("T")
K = TypeVar("K")

_PARAMETERS: Final = 30_000
"""Values in one statement; SQLite takes 32,766 and asyncpg 32,767."""
_ROWS: Final = 500
"""Rows in one INSERT that returns keys."""
_CHANGED: Final = 100
"""Rows in one UPDATE: each row is compared with every key before its own."""

_STEP: Final = Statement("SELECT @@auto_increment_increment", returns_rows=True, keeps_session=True)


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


class BulkRepository(WritingRepository[T, K]):
    """Writes many objects."""

    async def bulk_create(self, entities: Iterable[T]) -> builtins.list[T]:
        """Insert objects, all or none.

        Returns:
            The objects in their order, with the keys that the database made; copies where the class is frozen. Keys
            that are no integers are given in the order in which the database returns them.

        Raises:
            DuplicateKeyError: A key or a unique value is taken.
        """
        given = builtins.list(entities)
        scope = self._scope("bulk_create", writes=True) or {}
        prepared = [self._new_row(entity, "bulk_create", scope) for entity in given]
        shapes: dict[tuple[str, ...], builtins.list[int]] = {}
        for index, (row, _) in enumerate(prepared):
            shapes.setdefault(tuple(row), []).append(index)
        decided = [values for _, values in prepared]
        # Rows with keys of their own are one call of the driver, which is all or none already.
        alone = len(shapes) == 1 and (len(given) == 1 or self._key in next(iter(shapes)))
        async with self._together(not alone):
            for names, places in shapes.items():
                rows = [prepared[index][0] for index in places]
                if self._key in names:
                    await self._insert_all(names, rows)
                    continue
                for index, key in zip(places, await self._insert_keyless(names, rows), strict=True):
                    decided[index] = {**decided[index], self._key: key}
        return [
            self._assign(entity, values) if values else entity for entity, values in zip(given, decided, strict=True)
        ]

    def _together(self, needed: bool) -> Any:
        return self.provider.transaction() if needed else _NoTransaction()

    async def _insert_all(self, names: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows whose keys are known, with the driver's own way for many."""
        slots = tuple([Slot(index) for index in range(len(names))])
        shape = Shape(self.write_table_name, "insert", (("values", names, (slots,)),))
        compiled = compile_shape(shape, self.provider.dialect)
        bound = [compiled.bind(tuple(row.values())) for row in rows]
        await self.provider.execute_many_compiled(compiled.statement, bound)

    async def _insert_keyless(self, names: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> builtins.list[Any]:
        """Insert rows, and return the keys that the database made for them."""
        keys: builtins.list[Any] = []
        mysql = self.provider.dialect is SQLDialect.MYSQL
        step = 0
        if mysql:
            # InnoDB numbers the rows of one such statement without gaps ("AUTO_INCREMENT Handling in InnoDB").
            step = int((await self.provider.run_compiled(_STEP, ())).rows[0][0])
        for chunk in _chunks(rows, max(1, min(_ROWS, _PARAMETERS // len(names)))):
            draft = Draft(self.write_table_name, "insert").insert(builtins.list(chunk))
            if mysql:
                first = (await draft.execute(self.provider)).last_id
                if not first:
                    raise RepositoryError(
                        f"the database made no keys for {self.table_name!r}",
                        hint=f"Give objects a {self.key_field}, or let the table make one.",
                    )
                keys += [first + step * number for number in range(len(chunk))]
                continue
            made = [row[0] for row in (await draft.returning(self._key).fetch(self.provider)).rows]
            # Counters grow in the order of the rows, which RETURNING need not keep.
            keys += sorted(made) if all(isinstance(key, int) for key in made) else made
        return keys

    async def bulk_update(self, entities: Iterable[T], fields: Sequence[str] | None = None) -> int:
        """Change the rows of objects, all or none.

        Args:
            entities: The objects; each has a key.
            fields: The fields to set; all when None.

        Returns:
            How many rows there were.

        Raises:
            OptimisticLockError: Objects have versions, and a row has another one or is gone; nothing is changed.
        """
        given = builtins.list(entities)
        if not given:
            return 0
        chosen = None if fields is None else {self._column(name) for name in fields}
        keys = [self._key_of(entity, "bulk_update") for entity in given]
        if len(set(keys)) < len(keys):
            raise DataQueryError("an object comes twice", hint="Give each key once.")
        scope = self._scope("bulk_update", writes=True) or {}
        changes = [self._changes(self._row(entity, "bulk_update", scope)) for entity in given]
        names = [n for n in changes[0][0] if chosen is None or n in chosen or n in (VERSION, "updated_at")]
        versioned = changes[0][1] is not None
        if any((version is not None) is not versioned for _, version in changes):
            raise DataQueryError("some objects have a version and some have none", hint="Give them in two calls.")
        rows = builtins.list(zip(keys, changes, strict=True))
        size = max(1, min(_CHANGED, _PARAMETERS // (2 * len(names) + 2)))
        total = 0
        async with self._together(len(rows) > size or versioned):
            for chunk in _chunks(rows, size):
                count = await self._change_chunk(chunk, names, versioned)
                if versioned and count < len(chunk):
                    raise OptimisticLockError(
                        self._entity_name(), message=f"{len(chunk) - count} of {len(given)} objects are out of date"
                    )
                total += count
        for entity, (values, _) in zip(given, changes, strict=True):
            self._assign(entity, {name: values[name] for name in ("updated_at", VERSION) if name in values})
        return total

    async def _change_chunk(self, chunk: Sequence[Any], names: Sequence[str], versioned: bool) -> int:
        dialect = self.provider.dialect
        key = quoted_path(self._key, dialect)
        whens = " WHEN ? THEN ?" * len(chunk)
        computed = {
            # The column itself comes last, so that PostgreSQL knows the type of the parameters.
            name: RawSQL(
                f"CASE {key}{whens} ELSE {quoted_path(name, dialect)} END",
                *(value for found, (values, _) in chunk for value in (found, values[name])),
            )
            for name in names
        }
        draft = self._draft("bulk_update", "update").set(computed)
        if versioned:
            pairs = [
                AllOf((Condition(self._key, "=", found), Condition(VERSION, "=", version)))
                for found, (_, version) in chunk
            ]
            draft.where(AnyOf(tuple(pairs)))
        else:
            draft.where(Condition(self._key, "IN", [found for found, _ in chunk]))
        return (await draft.execute(self.provider)).rows

    async def bulk_delete(self, entities_or_keys: Iterable[Any]) -> int:
        """Remove rows for good, all or none, and return how many there were.

        Args:
            entities_or_keys: The objects, or their keys.
        """
        return await self._each_key("bulk_delete", entities_or_keys, lambda: self._dropping("bulk_delete"))

    async def delete_many(self, keys: Iterable[Any]) -> int:
        """Remove the objects with these keys, and return how many there were; as :meth:`delete` does."""
        if self.soft_delete_enabled:
            return await self._each_key("delete_many", keys, lambda: self._marked(True, "delete_many"))
        return await self._each_key("delete_many", keys, lambda: self._dropping("delete_many"))

    def _dropping(self, operation: str) -> Draft:
        return self._draft(operation, "delete", include_deleted=True)

    async def _each_key(self, operation: str, given: Iterable[Any], begin: Any) -> int:
        _ = self._scope(operation, writes=True)
        keys = builtins.list(dict.fromkeys(self._key_or_entity(one) for one in given))
        total = 0
        async with self._together(len(keys) > _PARAMETERS):
            for chunk in _chunks(keys, _PARAMETERS):
                draft: Draft = begin().where(Condition(self._key, "IN", chunk))
                total += (await draft.execute(self.provider)).rows
        return total

    async def save_many(self, entities: Iterable[T]) -> builtins.list[T]:
        """Insert objects, and change the rows of those that there are, all or none.

        Returns:
            The objects in their order; see :meth:`bulk_create`.
        """
        given = builtins.list(entities)
        keys = [self._entity_to_dict(entity).get(self._key) for entity in given]
        async with self._together(len(given) > 1):
            known: set[Any] = set()
            for chunk in _chunks([key for key in keys if key is not None], _PARAMETERS):
                draft = self._draft("save_many").columns([self._key]).where(Condition(self._key, "IN", chunk))
                known.update(row[0] for row in (await draft.fetch(self.provider)).rows)
            new = [index for index, key in enumerate(keys) if key not in known]
            await self.bulk_update(entity for entity, key in zip(given, keys, strict=True) if key in known)
            for index, entity in zip(new, await self.bulk_create(given[index] for index in new), strict=True):
                given[index] = entity
        return given


class _NoTransaction:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *error: object) -> None:
        return None
