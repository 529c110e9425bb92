"""What tests of pipelines share: surroundings in memory that note what is read, and a way to run a pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from lexigram.nosql.aggregation import parse_pipeline
from lexigram.nosql.aggregation.ast import Leading
from lexigram.nosql.aggregation.context import LocalContext, MergeWrite
from lexigram.nosql.aggregation.run import run
from lexigram.nosql.exceptions import DuplicateKeyError

Document = dict[str, Any]


class Surroundings(LocalContext):
    """Collections at hand, read in batches.

    Attributes:
        collections: The documents of each collection.
        reads: Each read of a collection, with what it was to do.
        writes: Each batch of writes, as kind, collection and number of documents.
        open_reads: Reads that were begun and not closed.
        unique: Sets of fields with a unique index, for each collection.
    """

    def __init__(
        self, collections: dict[str, list[Document]] | None = None, *, batch: int = 1000, **options: Any
    ) -> None:
        super().__init__(**options)
        self.collections = {} if collections is None else collections
        self.batch = batch
        self.reads: list[tuple[str, Leading]] = []
        self.writes: list[tuple[str, str, int]] = []
        self.open_reads = 0
        self.unique: dict[str, list[frozenset[str]]] = {}

    async def source(self, documents: Sequence[Document]) -> AsyncIterator[list[Document]]:
        """Documents in batches."""
        for start in range(0, len(documents), self.batch):
            yield list(documents[start : start + self.batch])

    async def find(self, collection: str, leading: Leading) -> AsyncIterator[list[Document]]:
        self.reads.append((collection, leading))
        found = leading.query.select(self.collections.get(collection, []))
        if leading.sort is not None:
            found = leading.sort.sorted(found)
        found = found[leading.skip :]
        if leading.limit:
            found = found[: leading.limit]
        self.open_reads += 1
        try:
            async for batch in self.source(found):
                yield batch
        finally:
            self.open_reads -= 1

    async def insert(self, collection: str, documents: Sequence[Document]) -> None:
        self.writes.append(("insert", collection, len(documents)))
        target = self.collections.setdefault(collection, [])
        for document in documents:
            if any(each["_id"] == document.get("_id", ...) for each in target):
                raise DuplicateKeyError("there is such a document already")
            target.append({"_id": f"made {len(target)}", **document})

    async def merge(self, collection: str, writes: Sequence[MergeWrite]) -> Sequence[bool]:
        self.writes.append(("merge", collection, len(writes)))
        target = self.collections.setdefault(collection, [])
        return [self._merge(target, write) for write in writes]

    def _merge(self, target: list[Document], write: MergeWrite) -> bool:
        for position, document in enumerate(target):
            if write.query.matches(document):
                target[position] = write.change.apply(document, write.query)[0]
                return True
        if write.upsert:
            target.append({"_id": f"made {len(target)}", **write.change.build_upsert(write.query)})
        return write.upsert

    async def replace_all(self, collection: str, documents: Sequence[Document]) -> None:
        self.writes.append(("replace", collection, len(documents)))
        self.collections[collection] = [{"_id": f"made {n}", **document} for n, document in enumerate(documents)]

    async def has_unique_index(self, collection: str, fields: frozenset[str]) -> bool:
        return fields in self.unique.get(collection, [])


@pytest.fixture
def surroundings() -> type[Surroundings]:
    """The class of surroundings in memory."""
    return Surroundings


@pytest.fixture
def aggregate() -> Callable[..., Any]:
    """Runs a pipeline over documents: ``await aggregate(documents, stages, other=[…])`` gives all that comes out."""

    async def aggregated(
        documents: Sequence[Document],
        stages: Any,
        *,
        context: Surroundings | None = None,
        batch: int = 1000,
        let: Any = None,
        collation: Any = None,
        optimise: bool = True,
        now: datetime | None = None,
        **collections: list[Document],
    ) -> list[Document]:
        pipeline = parse_pipeline(stages, let=let, collation=collation, optimise=optimise)
        around = Surroundings(collections, batch=batch, now=now) if context is None else context
        result: list[Document] = []
        async for out in run(pipeline, around.source(documents), around):
            assert out, "no batch is empty"
            result += out
        assert not around.open_reads
        return result

    return aggregated
