"""The driver: only what a backend must implement.

Documents are files named by a hash of their ``_id``, in Extended JSON. A lock file keeps writers of all processes
apart, so that "replace if unchanged" and "insert if missing" hold between them too. The filter is left to the engine:
every request reads the whole collection, except that an id in a filter names its file.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from lexigram.nosql.driver import Access, Batch, Call, Compiled, Document, Hint, NativeRead
from lexigram.nosql.exceptions import DuplicateKeyError, NoSQLConnectionError, NoSQLError, NoSQLIndexError
from lexigram.nosql.query.ast import Compare
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.extended_json import dumps, loads
from lexigram.nosql.values.order import hash_key

__all__ = ["JsonFilesCollection", "JsonFilesDriver"]

T = TypeVar("T")


class JsonFilesDriver:
    """An open database: a folder.

    Args:
        folder: The folder, which exists.
    """

    shares_documents = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    async def open(cls, folder: Path) -> JsonFilesDriver:
        """Make the folder if need be."""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        return cls(folder)

    @property
    def native(self) -> Path:
        """The folder."""
        return self._folder

    def collection(self, name: str) -> JsonFilesCollection:
        """A handle on a collection."""
        return JsonFilesCollection(self._folder / quote(name, safe=""), self)

    async def ping(self) -> Mapping[str, Any]:
        """Where the documents are."""
        if not await asyncio.to_thread(self._folder.is_dir):
            raise NotADirectoryError(f"{self._folder} is gone")
        return {"folder": str(self._folder)}

    async def list_collections(self) -> list[str]:
        """The names of the folders."""
        folders = await asyncio.to_thread(lambda: [path for path in self._folder.iterdir() if path.is_dir()])
        return [unquote(path.name) for path in folders]

    async def drop_collection(self, name: str) -> None:
        """Remove a folder."""
        folder = self._folder / quote(name, safe="")
        await self.locked(lambda: shutil.rmtree(folder, ignore_errors=True))

    async def close(self) -> None:
        """Nothing is open."""

    def classify(self, error: BaseException) -> NoSQLError | None:
        """What goes wrong with files goes wrong with the connection."""
        return NoSQLConnectionError(str(error)) if isinstance(error, OSError) else None

    async def locked(self, work: Callable[[], T]) -> T:
        """Run *work* in a thread while nobody else writes."""

        def run() -> T:
            with self._lock():
                return work()

        return await asyncio.to_thread(run)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class JsonFilesCollection:
    """One collection: a folder of files.

    Args:
        folder: The folder; made by the first insert.
        driver: The database.
    """

    def __init__(self, folder: Path, driver: JsonFilesDriver) -> None:
        self._folder = folder
        self._driver = driver

    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """The file of the id that the filter names, otherwise all; the engine tests the filter."""
        if hint not in (None, "_id_", (("_id", 1),), (("$natural", 1),)):
            raise NoSQLIndexError(f"there is no index {hint!r}", mongo_code=2)
        if query.collation is None:
            for condition in query.constraints("_id"):
                if isinstance(condition, Compare) and condition.op == "$eq":
                    return Compiled(Access("key", fields=("_id",)), [self._file(condition.value)], query)
        return Compiled(Access("scan"), None, None if query.is_empty else query)

    async def read(self, read: NativeRead, call: Call) -> AsyncIterator[Batch]:
        """The documents, a batch of files at a time; the text of a file is its revision."""
        paths = read.compiled.native
        if paths is None:
            paths = await asyncio.to_thread(lambda: sorted(self._folder.glob("*.json")))
        for start in range(0, len(paths), read.batch_size):
            texts = await asyncio.to_thread(self._texts, paths[start : start + read.batch_size])
            if texts:
                yield Batch([loads(text) for text in texts], texts)

    async def insert(
        self, documents: Sequence[Document], ordered: bool, call: Call
    ) -> Sequence[tuple[int, BaseException]]:
        """Write files that do not exist."""
        return await self._driver.locked(lambda: self._insert(documents, ordered))

    async def replace(self, old: Document, new: Document, revision: Any, whole: bool, call: Call) -> bool:
        """Write a file that still has the text that was read."""
        return await self._driver.locked(lambda: self._change(old, revision, dumps(new)))

    async def delete(self, old: Document, revision: Any, call: Call) -> bool:
        """Remove a file that still has the text that was read."""
        return await self._driver.locked(lambda: self._change(old, revision, None))

    def _file(self, identity: Any) -> Path:
        return self._folder / f"{hashlib.sha256(repr(_spelled(hash_key(identity))).encode()).hexdigest()}.json"

    @staticmethod
    def _texts(paths: Sequence[Path]) -> list[str]:
        texts: list[str] = []
        for path in paths:
            try:
                texts.append(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
        return texts

    def _insert(self, documents: Sequence[Document], ordered: bool) -> list[tuple[int, BaseException]]:
        failures: list[tuple[int, BaseException]] = []
        self._folder.mkdir(exist_ok=True)
        for index, document in enumerate(documents):
            path = self._file(document["_id"])
            if path.exists():
                key = {"_id": document["_id"]}
                failures.append(
                    (index, DuplicateKeyError("duplicate key: such an _id stands already", index="_id_", key=key))
                )
                if ordered:
                    break
            else:
                self._write(path, dumps(document))
        return failures

    def _change(self, old: Document, revision: str, text: str | None) -> bool:
        path = self._file(old["_id"])
        if self._texts([path]) != [revision]:
            return False
        if text is None:
            path.unlink()
        else:
            self._write(path, text)
        return True

    @staticmethod
    def _write(path: Path, text: str) -> None:
        """Write a file that readers see as a whole or as it was."""
        temporary = path.with_suffix(f".{os.getpid()}.part")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def _spelled(key: Any) -> Any:
    """A key that is written the same for equal values: 4.0 is 4."""
    if isinstance(key, tuple):
        return tuple(_spelled(part) for part in key)
    if isinstance(key, float) and key.is_integer():
        return int(key)
    return int(key) if isinstance(key, Decimal) and key == key.to_integral_value() else key
