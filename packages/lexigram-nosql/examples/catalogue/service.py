"""The catalogue: written against the contracts only, so it runs on every backend unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.data.nosql.nosql_repository import DocumentRepositoryProtocol
from lexigram.contracts.data.types import FieldContains, FieldGte
from lexigram.contracts.domain.pagination import CursorPage
from lexigram.contracts.result import Err, Ok, Result
from models import InstalledFile, Package


class CatalogueService:
    """Questions about installed packages.

    Args:
        store: The store.
        packages: The packages in it.
    """

    def __init__(self, store: DocumentStoreProtocol, packages: DocumentRepositoryProtocol[Package]) -> None:
        self._store = store
        self._packages = packages

    async def load(self, packages: Sequence[Package], files: Iterable[InstalledFile]) -> int:
        """Put packages and files into the store; loading twice changes nothing.

        Returns:
            How many documents there are.
        """
        await self._packages.save_many(packages)
        collection = self._store.collection("files")
        await collection.delete_many({"package": {"$in": [package.id for package in packages]}})
        await collection.insert_many([{"_id": file.id, **_without_id(asdict(file))} for file in files])
        return await self._packages.count() + await collection.count_documents()

    async def find(self, name: str) -> Result[Package, str]:
        """One package by its normalised name."""
        package = await self._packages.get(name)
        return Err(f"{name} is not installed") if package is None else Ok(package)

    async def search(self, query: Any) -> list[Package]:
        """The packages that a query finds; a filter or a built query."""
        return await self._packages.find_by_filter(query)

    async def bulky(self, word: str, least: int) -> list[Package]:
        """Packages of at least so many bytes whose summary holds a word."""
        return await self._packages.find_by_spec(FieldGte("bytes", least) & FieldContains("summary", word))

    async def page(self, token: str | None = None, size: int = 5) -> CursorPage[Package]:
        """A page of packages, the largest first."""
        return await self._packages.find_page(token, size, sort=[("bytes", -1)])

    async def most_required(self, count: int = 5) -> list[dict[str, Any]]:
        """The packages that most others need, and who they are."""
        pipeline = [
            {"$unwind": "$requires"},
            {"$match": {"requires.extra": None}},
            {"$group": {"_id": "$requires.name", "needed_by": {"$addToSet": "$_id"}}},
            {"$set": {"count": {"$size": "$needed_by"}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": count},
            {"$lookup": {"from": "packages", "localField": "_id", "foreignField": "_id", "as": "package"}},
        ]
        return await self._store.collection("packages").aggregate(pipeline).to_list()

    async def licences(self) -> list[dict[str, Any]]:
        """How many packages and bytes stand under each licence."""
        pipeline = [
            {"$group": {"_id": "$license", "packages": {"$sum": 1}, "bytes": {"$sum": "$bytes"}}},
            {"$sort": {"packages": -1, "_id": 1}},
        ]
        return await self._store.collection("packages").aggregate(pipeline).to_list()

    async def by_suffix(self, count: int = 5) -> list[dict[str, Any]]:
        """The kinds of files that take most room."""
        pipeline = [
            {
                "$group": {
                    "_id": "$suffix",
                    "files": {"$sum": 1},
                    "bytes": {"$sum": "$bytes"},
                    "max": {"$max": "$bytes"},
                }
            },
            {"$sort": {"bytes": -1, "_id": 1}},
            {"$limit": count},
        ]
        return await self._store.collection("files").aggregate(pipeline).to_list()

    async def retire(self, name: str, *, fail: bool) -> int:
        """Remove a package and its files together, or, when told to fail, not at all.

        Returns:
            How many documents went.

        Raises:
            RuntimeError: It was told to fail; the store is as it was.
        """
        async with self._store.transaction():
            removed = int(await self._packages.delete(name))
            removed += (await self._store.collection("files").delete_many({"package": name})).deleted_count
            if fail:
                raise RuntimeError("changed our mind")
        return removed


def _without_id(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "id"}
