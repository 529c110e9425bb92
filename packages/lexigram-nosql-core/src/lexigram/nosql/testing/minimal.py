"""The least that a backend can be: the required methods of a driver, and nothing else.

It keeps documents in lists, reads all of them for every request, leaves the whole filter to the engine, and knows
nothing of indexes, transactions or change feeds. What the portable layer gives without help, it gives here, so
running the same requests on this driver and on another shows whether an optional ability changes an answer. It is also
the shortest example of a driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import count
from typing import Any

from lexigram.nosql.backend import API, BackendConfig, BackendSpec, Capabilities
from lexigram.nosql.driver import Access, Batch, Call, Compiled, Document, Hint, NativeRead
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLError, NoSQLIndexError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.values.copying import copy_document
from lexigram.nosql.values.order import equal

__all__ = ["SPEC", "MinimalCollection", "MinimalDocumentStore", "MinimalDriver", "MinimalError", "Row"]


class MinimalError(Exception):
    """An error of the database itself, as an SDK would raise it.

    Args:
        code: What went wrong, for programs.
        facts: More about it.
    """

    def __init__(self, code: str, facts: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {dict(facts)!r}")
        self.code = code
        self.facts = dict(facts)


class Row:
    """A stored document and the number of its latest write."""

    __slots__ = ("document", "revision")

    def __init__(self, document: Document, revision: int) -> None:
        self.document = document
        self.revision = revision


class MinimalDriver:
    """A database of lists."""

    shares_documents = False

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.writes = count(1)
        self.closed = False

    @property
    def native(self) -> Mapping[str, list[Row]]:
        """The lists."""
        return self.rows

    def collection(self, name: str) -> MinimalCollection:
        """A handle on a collection."""
        return MinimalCollection(self, name)

    async def ping(self) -> Mapping[str, Any]:
        """Nothing to tell."""
        return {}

    async def list_collections(self) -> list[str]:
        """The lists that are there."""
        return list(self.rows)

    async def drop_collection(self, name: str) -> None:
        """Remove a list."""
        self.rows.pop(name, None)

    async def close(self) -> None:
        """Forget everything."""
        self.rows.clear()
        self.closed = True

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Translate by code."""
        if not isinstance(error, MinimalError):
            return None
        if error.code == "duplicate":
            return DuplicateKeyError("duplicate key: the _id stands already", index="_id_", key=error.facts)
        return NoSQLError(f"the database says {error.code}")


class MinimalCollection:
    """One list of documents.

    Args:
        driver: The database.
        name: Name of the collection.
    """

    def __init__(self, driver: MinimalDriver, name: str) -> None:
        self._driver = driver
        self._name = name

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Read everything, and leave the filter to the engine."""
        if hint is not None and hint not in ("_id_", (("_id", 1),), (("$natural", 1),)):
            raise NoSQLIndexError(f"there is no index {hint!r}", mongo_code=2)
        return Compiled(Access("scan"), residue=None if query.is_empty else query, ordered=sort is None)

    async def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """All documents as they are now, in the order of insertion."""
        rows = [(copy_document(row.document), row.revision) for row in self._driver.rows.get(self._name, ())]
        rows = rows[read.skip : read.skip + read.limit if read.limit else None]
        for start in range(0, len(rows), read.batch_size):
            part = rows[start : start + read.batch_size]
            yield Batch([row[0] for row in part], [row[1] for row in part] if read.revisions else None)
            await asyncio.sleep(0)

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Append documents whose ``_id`` is new."""
        rows = self._driver.rows.setdefault(self._name, [])
        failures: list[tuple[int, BaseException]] = []
        for position, document in enumerate(documents):
            if any(equal(row.document["_id"], document["_id"]) for row in rows):
                failures.append((position, MinimalError("duplicate", {"_id": document["_id"]})))
                if ordered:
                    break
            else:
                rows.append(Row(copy_document(document), next(self._driver.writes)))
        return failures

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Replace the row with this number."""
        row = self._row(revision)
        if row is None:
            return False
        row.document, row.revision = copy_document(new), next(self._driver.writes)
        return True

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Remove the row with this number."""
        row = self._row(revision)
        if row is None:
            return False
        self._driver.rows[self._name].remove(row)
        return True

    def _row(self, revision: Any) -> Row | None:
        return next((row for row in self._driver.rows.get(self._name, ()) if row.revision == revision), None)


async def _connect(config: BackendConfig) -> MinimalDriver:
    return MinimalDriver()


SPEC = BackendSpec(
    name="minimal",
    api=API,
    config=BackendConfig,
    capabilities=Capabilities(),
    connect=_connect,
    distribution="lexigram-nosql-core",
)


class MinimalDocumentStore(DocumentStore):
    """A store on the least driver; it reads whole collections for everything, and does not warn of it.

    Args:
        config: Settings of the portable layer.
    """

    def __init__(self, config: BackendConfig | None = None) -> None:
        super().__init__(SPEC, BackendConfig(scan_policy="allow") if config is None else config, name="minimal")
