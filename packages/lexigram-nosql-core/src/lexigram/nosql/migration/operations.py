"""What a migration does to a store.

Every operation is idempotent: carried out twice, or again after half of it was done, it leaves the store as if it had
been carried out once. That is what makes a migration safe to resume after a crash. An operation that can be undone
gives its :meth:`~MigrationOperation.inverse`; the others say that they cannot, before anything is touched.

Operations of your own are frozen dataclasses that extend :class:`MigrationOperation`; functions go into
:class:`RunPython`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields, is_dataclass
from inspect import isawaitable
from typing import Any

from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.nosql.exceptions import IrreversibleMigrationError, MigrationError, NoSQLError, NoSQLIndexError
from lexigram.nosql.indexes import IndexSpec, parse_index
from lexigram.nosql.migration.checksum import digest
from lexigram.nosql.query.plan import deliberate_scan
from lexigram.nosql.update.parse import parse_update
from lexigram.nosql.values.normalise import normalise_document
from lexigram.nosql.values.path import MISSING

__all__ = [
    "AddField",
    "Compound",
    "CreateIndex",
    "DropCollection",
    "DropIndex",
    "MigrationOperation",
    "RemoveField",
    "RenameField",
    "RunPython",
]

_NO_SUCH_INDEX = 27


class MigrationOperation(ABC):
    """One change of a store, safe to carry out again."""

    @abstractmethod
    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Carry it out.

        Args:
            store: The connected store.
        """

    def inverse(self) -> MigrationOperation:
        """The operation that undoes this one.

        Returns:
            The inverse, as idempotent as this one.

        Raises:
            IrreversibleMigrationError: There is none.
        """
        raise IrreversibleMigrationError(f"{self.describe()!r} cannot be undone")

    def arguments(self) -> dict[str, Any]:
        """What the operation was made with, for its checksum; arguments at their defaults are left out.

        Returns:
            The arguments by name.
        """
        if not is_dataclass(self):
            return dict(vars(self))
        given: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if type(value) is not type(item.default) or value != item.default:
                given[item.name] = value
        return given

    def fingerprint(self) -> str:
        """A text that changes when the operation does: of its class's name and its arguments.

        Returns:
            The same text for equal operations, on every machine and in every release.

        Raises:
            MigrationError: An argument is nothing that a document can hold; override this method then.
        """
        return digest(type(self).__qualname__, self.arguments())

    def describe(self) -> str:
        """The operation in a few words."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.arguments().items())})"


def _check_collection(name: Any) -> None:
    if not isinstance(name, str) or not name or "\0" in name or name.startswith("$"):
        raise MigrationError(f"{name!r} cannot be the name of a collection")


def _check_field(path: Any, update: Mapping[str, Any]) -> None:
    """Refuse a field that could not be set, renamed or removed, before any migration runs."""
    if not isinstance(path, str) or not path:
        raise MigrationError(f"a field is named by text, not {path!r}")
    if path == "_id" or path.startswith("_id."):
        raise MigrationError("_id never changes", hint="Insert copies with another _id and delete the old ones.")
    try:
        parse_update(update)
    except ValueError as error:
        raise MigrationError(f"{path!r} cannot be a field here: {error}") from error


@dataclass(frozen=True)
class CreateIndex(MigrationOperation):
    """Make an index. Where the same one exists, nothing happens.

    Attributes:
        collection: Name of the collection.
        keys: A field name, ``[("field", 1), …]`` or ``{"field": 1, …}``.
        unique: No two documents may hold the same key.
        name: Its name; made of the keys when missing.
        sparse: Leave out documents that have none of the fields.
        partial_filter: Index only documents that match.
        expire_after_seconds: Remove documents this many seconds after the date in the single field.
        collation: How text is compared.

    Raises:
        MigrationError: The collection's name is not valid.
        NoSQLIndexError: The index is not valid.
    """

    collection: str
    keys: str | Sequence[tuple[str, int | str]] | Mapping[str, int | str]
    _: KW_ONLY
    unique: bool = False
    name: str | None = None
    sparse: bool = False
    partial_filter: Mapping[str, Any] | None = None
    expire_after_seconds: float | None = None
    collation: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        _check_collection(self.collection)
        self._spec()

    @property
    def index_name(self) -> str:
        """The name that the index has or gets."""
        return self._spec().name

    def _spec(self) -> IndexSpec:
        return parse_index(self.keys, **self._options())

    def _options(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self) if item.kw_only}

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Make the index."""
        keys: Any = list(self._spec().keys)
        await store.collection(self.collection).create_index(keys, **self._options())

    def inverse(self) -> MigrationOperation:
        """Drop the index."""
        return DropIndex(self.collection, self.index_name, restore=self)

    def arguments(self) -> dict[str, Any]:
        """The arguments, with the keys in one form whichever way they were written."""
        return {**super().arguments(), "keys": [list(key) for key in self._spec().keys]}

    def describe(self) -> str:
        """The operation in a few words."""
        return f"create {'unique ' if self.unique else ''}index {self.index_name} on {self.collection}"


@dataclass(frozen=True)
class DropIndex(MigrationOperation):
    """Remove an index. Where it is missing, nothing happens.

    Attributes:
        collection: Name of the collection.
        name: Name of the index.
        restore: Makes it again when the migration is undone; without it that is not possible.
    """

    collection: str
    name: str
    _: KW_ONLY
    restore: CreateIndex | None = None

    def __post_init__(self) -> None:
        _check_collection(self.collection)
        if not isinstance(self.name, str) or not self.name:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MigrationError(f"{self.name!r} cannot be the name of an index")
        again = self.restore
        if again is not None and (again.collection, again.index_name) != (self.collection, self.name):
            raise MigrationError(
                f"restore makes the index {again.index_name!r} on {again.collection!r}, "
                f"not {self.name!r} on {self.collection!r}"
            )

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Remove the index."""
        collection = store.collection(self.collection)
        if all(index["name"] != self.name for index in await collection.list_indexes()):
            return
        try:
            await collection.drop_index(self.name)
        except NoSQLIndexError as error:
            # Somebody else may drop it in between.
            if error.mongo_code != _NO_SUCH_INDEX:
                raise

    def inverse(self) -> MigrationOperation:
        """Make the index again.

        Raises:
            IrreversibleMigrationError: *restore* does not say how.
        """
        if self.restore is not None:
            return self.restore
        raise IrreversibleMigrationError(
            f"{self.describe()!r} cannot be undone: nothing says what the index was",
            hint="Write DropIndex(…, restore=CreateIndex(…)).",
        )

    def describe(self) -> str:
        """The operation in a few words."""
        return f"drop index {self.name} on {self.collection}"


@dataclass(frozen=True)
class RenameField(MigrationOperation):
    """Give a field another name in every document that has it, in place of what has that name already.

    Attributes:
        collection: Name of the collection.
        old_name: Path of the field.
        new_name: Its path from now on.
    """

    collection: str
    old_name: str
    new_name: str

    def __post_init__(self) -> None:
        _check_collection(self.collection)
        for path in (self.old_name, self.new_name):
            _check_field(path, {"$rename": {self.old_name: self.new_name}})

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Rename the field."""
        with deliberate_scan():
            await store.collection(self.collection).update_many(
                {self.old_name: {"$exists": True}}, {"$rename": {self.old_name: self.new_name}}
            )

    def inverse(self) -> MigrationOperation:
        """Rename the field back."""
        return RenameField(self.collection, self.new_name, self.old_name)

    def describe(self) -> str:
        """The operation in a few words."""
        return f"rename field {self.old_name} of {self.collection} to {self.new_name}"


@dataclass(frozen=True, init=False)
class AddField(MigrationOperation):
    """Set a field in every document that lacks it.

    Args:
        collection: Name of the collection.
        field: Path of the field.
        default: The value it gets.
        default_value: Another name for *default*.

    Raises:
        MigrationError: The value is missing or given twice, or the field cannot be set.
    """

    collection: str
    field: str
    default: Any

    def __init__(self, collection: str, field: str, default: Any = MISSING, *, default_value: Any = MISSING) -> None:
        if (default is MISSING) is (default_value is MISSING):
            raise MigrationError(
                f"AddField({collection!r}, {field!r}) takes its value once", hint="Write default=…; None is a value."
            )
        value = default_value if default is MISSING else default
        _check_collection(collection)
        _check_field(field, {"$set": {field: value}})
        try:
            value = normalise_document({"value": value})["value"]
        except NoSQLError as error:
            raise MigrationError(f"the value of {field!r} cannot be stored: {error.message}") from error
        object.__setattr__(self, "collection", collection)
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "default", value)

    @property
    def default_value(self) -> Any:
        """The same as ``default``."""
        return self.default

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Set the field."""
        with deliberate_scan():
            await store.collection(self.collection).update_many(
                {self.field: {"$exists": False}}, {"$set": {self.field: self.default}}
            )

    def inverse(self) -> MigrationOperation:
        """Remove the field where it still has this value; what was changed since is kept."""
        return RemoveField(self.collection, self.field, value=self.default)

    def describe(self) -> str:
        """The operation in a few words."""
        return f"add field {self.field} to {self.collection}"


@dataclass(frozen=True)
class RemoveField(MigrationOperation):
    """Remove a field from every document.

    Attributes:
        collection: Name of the collection.
        field: Path of the field.
        value: Remove it only where it has this value; removing it everywhere cannot be undone.
    """

    collection: str
    field: str
    _: KW_ONLY
    value: Any = MISSING

    def __post_init__(self) -> None:
        _check_collection(self.collection)
        _check_field(self.field, {"$unset": {self.field: ""}})

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Remove the field."""
        conditions: list[dict[str, Any]] = [{self.field: {"$exists": True}}]
        if self.value is not MISSING:
            conditions.append({self.field: {"$eq": self.value}})
            if not isinstance(self.value, list | tuple):
                # Equality also finds arrays that hold the value; those are another value.
                conditions.append({self.field: {"$not": {"$type": "array"}}})
        with deliberate_scan():
            await store.collection(self.collection).update_many({"$and": conditions}, {"$unset": {self.field: ""}})

    def inverse(self) -> MigrationOperation:
        """Set the field again where it is missing.

        Raises:
            IrreversibleMigrationError: The field had many values.
        """
        if self.value is not MISSING:
            return AddField(self.collection, self.field, self.value)
        raise IrreversibleMigrationError(f"{self.describe()!r} cannot be undone: its values are gone")

    def describe(self) -> str:
        """The operation in a few words."""
        where = "" if self.value is MISSING else f" where it is {self.value!r}"
        return f"remove field {self.field} of {self.collection}{where}"


@dataclass(frozen=True)
class DropCollection(MigrationOperation):
    """Remove a collection with its documents and indexes. This cannot be undone.

    Attributes:
        collection: Name of the collection.
    """

    collection: str

    def __post_init__(self) -> None:
        _check_collection(self.collection)

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Remove the collection."""
        await store.drop_collection(self.collection)

    def inverse(self) -> MigrationOperation:
        """There is none.

        Raises:
            IrreversibleMigrationError: Always.
        """
        raise IrreversibleMigrationError(f"{self.describe()!r} cannot be undone: its documents are gone")

    def describe(self) -> str:
        """The operation in a few words."""
        return f"drop collection {self.collection}"


Work = Callable[[DocumentStoreProtocol], Awaitable[None] | None]


@dataclass(frozen=True)
class RunPython(MigrationOperation):
    """Call a function.

    It may be called again after it was interrupted, so it has to bear that: change only what is not changed yet.

    Attributes:
        up: Called with the store to apply the migration; sync or async.
        down: Called with the store to undo it; None when it cannot be undone.
        checksum: Stands for the code, which has no checksum of its own. Change it when the code does something else.
    """

    up: Work
    down: Work | None = None
    _: KW_ONLY
    checksum: str

    def __post_init__(self) -> None:
        if not callable(self.up) or not (self.down is None or callable(self.down)):
            raise MigrationError("RunPython takes functions", hint="Write RunPython(up, down, checksum='1').")
        if not isinstance(self.checksum, str) or not self.checksum:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MigrationError("code has no checksum of its own", hint="Write RunPython(up, down, checksum='1').")

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Call *up*."""
        result = self.up(store)
        if isawaitable(result):
            await result

    def inverse(self) -> MigrationOperation:
        """Call *down*.

        Raises:
            IrreversibleMigrationError: There is none.
        """
        if self.down is not None:
            return RunPython(self.down, self.up, checksum=self.checksum)
        raise IrreversibleMigrationError(
            f"{self.describe()!r} cannot be undone: it has no function for that", hint="Write RunPython(up, down, …)."
        )

    def arguments(self) -> dict[str, Any]:
        """The text that stands for the code."""
        return {"checksum": self.checksum}

    def describe(self) -> str:
        """The operation in a few words."""
        return f"run {getattr(self.up, '__qualname__', type(self.up).__qualname__)}"


@dataclass(frozen=True, init=False)
class Compound(MigrationOperation):
    """Several operations as one migration, in order.

    Args:
        *operations: The operations. When one fails, those before it stay carried out; all are carried out again when
            the migration is resumed, which does no harm since each is idempotent.
    """

    operations: tuple[MigrationOperation, ...]

    def __init__(self, *operations: MigrationOperation) -> None:
        for operation in operations:
            if not isinstance(operation, MigrationOperation):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise MigrationError(f"Compound takes operations, not {type(operation).__name__}")
        if not operations:
            raise MigrationError("Compound takes at least one operation")
        object.__setattr__(self, "operations", operations)

    async def execute(self, store: DocumentStoreProtocol) -> None:
        """Carry out the operations, the first first."""
        for operation in self.operations:
            await operation.execute(store)

    def inverse(self) -> MigrationOperation:
        """The inverses, the last first.

        Raises:
            IrreversibleMigrationError: One of the operations has none.
        """
        return Compound(*(operation.inverse() for operation in reversed(self.operations)))

    def arguments(self) -> dict[str, Any]:
        """The fingerprints of the operations."""
        return {"operations": [operation.fingerprint() for operation in self.operations]}

    def describe(self) -> str:
        """The operation in a few words."""
        return "; ".join(operation.describe() for operation in self.operations)
