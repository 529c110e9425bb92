"""The methods of repositories that write many objects: a few statements, however many they are.

A statement takes as many rows as the databases' limits on parameters and the time to compile it allow; when it takes
several, they are one transaction.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.driver import Statement
from lexigram.sql.exceptions import DataQueryError, OptimisticLockError, RepositoryError
from lexigram.sql.query.compile import compile_shape
from lexigram.sql.query.names import quoted_path
from lexigram.sql.query.raw import RawSQL
from lexigram.sql.query.shape import Clause, Shape, Slot
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
_ARRAYS_FROM: Final = 20
"""Rows from which on a backend's own way for many is worth its first turn."""
_CHANGED: Final = 100
"""Rows in one UPDATE: each row is compared with every key before its own."""

Row = tuple[Any, ...]
_NOTHING: Final[dict[str, Any]] = {}
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
        shapes, decided = self._prepared(given, scope)
        # What is one call of the driver is all or none already.
        one = next(iter(shapes)) if len(shapes) == 1 else None
        if one is not None and self._key not in one:
            places, rows = shapes[one]
            keys = await self._insert_returning(one, rows)
            if keys is not None:
                made_of = self._finished(given, decided, places, keys)
                await self._told(self._after_save, made_of)
                return made_of
        alone = one is not None and (len(given) == 1 or self._key in one)
        made: builtins.list[tuple[Sequence[int], Sequence[Any]]] = []
        async with self._together(not alone):
            for names, (places, rows) in shapes.items():
                if self._key in names:
                    await self._insert_all(names, rows)
                else:
                    made.append((places, await self._insert_keyless(names, rows)))
        for places, found in made:
            given = self._finished(given, decided, places, found)
        stored = [
            self._assign(entity, values) if values else entity for entity, values in zip(given, decided, strict=True)
        ]
        await self._told(self._after_save, stored)
        return stored

    async def bulk_insert(self, entities: Iterable[T]) -> builtins.list[T]:
        """Insert objects; :meth:`bulk_create` by its other documented name."""
        return await self.bulk_create(entities)

    def _finished(
        self,
        given: builtins.list[T],
        decided: builtins.list[dict[str, Any]],
        places: Sequence[int],
        keys: Sequence[Any],
    ) -> builtins.list[T]:
        """The objects with the keys of those at *places*, and with what else was decided of them."""
        if not any(decided) and len(places) == len(given) and self._assign_keys(given, keys):
            return given
        for index, key in zip(places, keys, strict=True):
            given[index] = self._assign(given[index], {**decided[index], self._key: key})
            decided[index] = _NOTHING
        return given

    def _prepared(
        self, given: Sequence[T], scope: Mapping[str, Any]
    ) -> tuple[dict[tuple[str, ...], tuple[Sequence[int], builtins.list[Row]]], builtins.list[dict[str, Any]]]:
        """The rows to insert by their columns, each with its place, and what the objects do not say of them."""
        plain = None if scope or self.read_only_fields else self._plain_rows(given)
        if plain is not None:
            return {plain[0]: (range(len(given)), plain[1])}, [_NOTHING] * len(given)
        shapes: dict[tuple[str, ...], tuple[builtins.list[int], builtins.list[Row]]] = {}
        decided: builtins.list[dict[str, Any]] = []
        for index, entity in enumerate(given):
            row, values = self._new_row(entity, "bulk_create", scope)
            decided.append(values)
            places, rows = shapes.setdefault(tuple(row), ([], []))
            places.append(index)
            rows.append(tuple(row.values()))
        return {**shapes}, decided

    def _assign_keys(self, given: Sequence[T], keys: Sequence[Any]) -> bool:
        """Set the keys of objects that can be changed; False, and nothing is done, where they cannot."""
        del given, keys
        return False

    def _plain_rows(self, given: Sequence[T]) -> tuple[tuple[str, ...], builtins.list[Row]] | None:
        """The columns and the rows of objects whose values are stored as they are; None where they may not be."""
        del given
        return None

    def _together(self, needed: bool) -> Any:
        return self.provider.transaction() if needed else _NoTransaction()

    async def _insert_all(self, names: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Insert rows whose keys are known, with the driver's own way for many."""
        statement, bound = self._one_by_one(names, rows)
        await self.provider.execute_many_compiled(statement, bound)

    def _one_by_one(
        self, names: tuple[str, ...], rows: Sequence[Row], *clauses: Clause
    ) -> tuple[Statement, Sequence[Row]]:
        """The insert of one row, and the values of each."""
        slots = tuple([Slot(index) for index in range(len(names))])
        shape = Shape(self.write_table_name, "insert", (("values", names, (slots,)), *clauses))
        compiled = compile_shape(shape, self.provider.dialect)
        if compiled.takes_as_given:
            return compiled.statement, rows
        return compiled.statement, [compiled.bind(row) for row in rows]

    async def _insert_returning(self, names: tuple[str, ...], rows: Sequence[Row]) -> builtins.list[Any] | None:
        """Insert rows by the backend's own way for many that returns what was inserted, where it has one."""
        fetch_many = getattr(self.provider, "fetch_many_compiled", None)
        if fetch_many is None or len(rows) < _ARRAYS_FROM or self.provider.dialect is SQLDialect.MYSQL:
            return None
        found = await fetch_many(*self._one_by_one(names, rows, ("returning", (self._key,))))
        return None if found is None else _in_order([row[0] for row in found.rows])

    async def _insert_keyless(self, names: tuple[str, ...], rows: Sequence[Row]) -> builtins.list[Any]:
        """Insert rows, and return the keys that the database made for them."""
        keys: builtins.list[Any] = []
        mysql = self.provider.dialect is SQLDialect.MYSQL
        step = 0
        if mysql:
            # InnoDB numbers the rows of one such statement without gaps ("AUTO_INCREMENT Handling in InnoDB").
            step = int((await self.provider.run_compiled(_STEP, ())).rows[0][0])
        for chunk in _chunks(rows, max(1, min(_ROWS, _PARAMETERS // len(names)))):
            draft = Draft(self.write_table_name, "insert").insert_rows(names, chunk)
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
            keys += _in_order(made)
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
        for index, (values, _) in enumerate(changes):
            set_by_us: dict[str, Any] = {name: values[name] for name in ("updated_at", VERSION) if name in values}
            given[index] = self._assign(given[index], set_by_us)
        await self._told(self._after_save, given)
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
        # Of keys without a row it is not known which they are.
        await self._told(self._after_delete, keys if total else ())
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


def _in_order(keys: builtins.list[Any]) -> builtins.list[Any]:
    """Keys in the order of their rows, which RETURNING need not keep: counters grow from row to row."""
    return sorted(keys) if all(isinstance(key, int) for key in keys) else keys


class _NoTransaction:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *error: object) -> None:
        return None
