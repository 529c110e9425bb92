"""Loads lines into a collection, batch by batch.

One batch is held at a time. Reading and checking it happens in a thread, storing it on the event loop, noting it (bad
lines, then the checkpoint) in a thread again; so after a stop at any moment the notes are whole, and at most one batch
is stored beyond them. The import that goes on finds those documents by their ids and compares them, so that they count
once and are no duplicates.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from lexigram.contracts.data.nosql.operations import ReplaceOne
from lexigram.nosql.cli.checkpoint import Checkpoint
from lexigram.nosql.cli.lines import Line, LineReader
from lexigram.nosql.cli.reports import ImportCounts, ImportMode
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import Document
from lexigram.nosql.exceptions import (
    BulkWriteError,
    BulkWriteFailure,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLConnectionError,
    NoSQLError,
    NoSQLTimeoutError,
)
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.indexes import ID_INDEX
from lexigram.nosql.values.extended_json import loads
from lexigram.nosql.values.order import equal, hash_key

__all__ = ["Importer", "RejectFile"]

_BATCH_BYTES = 8 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that cannot be loaded."""

    line: Line
    error: NoSQLError

    def to_json(self) -> str:
        """The entry for the file of bad lines."""
        entry: dict[str, Any] = {"line": self.line.number, "code": self.error.code, "reason": self.error.message}
        try:
            entry["text"] = self.line.data.decode("utf-8")
        except UnicodeDecodeError:
            entry["base64"] = base64.b64encode(self.line.data).decode("ascii")
        if not self.line.whole:
            entry["cut"] = True
        return json.dumps(entry, ensure_ascii=False)


class _NotLinesError(NoSQLError):
    """The input is in another format, so it makes no sense to call every line bad."""


class RejectFile:
    """The file of bad lines; made when there is one.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def cut(self, size: int) -> None:
        """Forget what is beyond *size* bytes; 0 removes the file. One that somebody has removed begins anew."""
        if size == 0:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(size)

    def append(self, rejects: Sequence[Reject]) -> int:
        """Write bad lines.

        Returns:
            The size of the file afterwards, in bytes.
        """
        with self.path.open("ab") as file:
            file.write("".join([f"{reject.to_json()}\n" for reject in rejects]).encode("utf-8", "backslashreplace"))
            return file.tell()


@dataclass(slots=True)
class _Batch:
    """Lines that are stored together."""

    lines: list[Line] = field(default_factory=list[Line])
    documents: list[Document] = field(default_factory=list[Document])
    rejects: list[Reject] = field(default_factory=list[Reject])
    blank: int = 0
    offset: int = 0
    line: int = 0


class Importer:
    """One import.

    Args:
        collection: Where the documents go.
        reader: Gives the lines; stands where *checkpoint* says.
        mode: What happens to an ``_id`` that exists.
        batch_size: Most documents in a batch.
        checkpoint: Where the import is; kept up to date.
        rejects: Takes the bad lines.
        save: Keeps the checkpoint; None where an import cannot be resumed.
        progress: Told after every batch.
    """

    def __init__(
        self,
        collection: Collection,
        reader: LineReader,
        *,
        mode: ImportMode,
        batch_size: int,
        checkpoint: Checkpoint,
        rejects: RejectFile,
        save: Callable[[Checkpoint], None] | None = None,
        progress: Callable[[Checkpoint], None] | None = None,
    ) -> None:
        self._collection = collection
        self._reader = reader
        self._mode = mode
        self._batch_size = batch_size
        self._checkpoint = checkpoint
        self._rejects = rejects
        self._save = save
        self._progress = progress
        self._key = uuid.UUID(checkpoint.key)
        self._held: Line | None = None
        self._doubtful = checkpoint.doubtful

    async def run(self) -> ImportCounts:
        """Load everything that is left.

        Returns:
            Which way the lines went, over all resumptions.

        Raises:
            NoSQLError: The store or the file failed; the checkpoint says where to go on.
        """
        await to_the_end(asyncio.to_thread(self._note, _Batch(offset=self._reader.offset, line=self._reader.number)))
        while (batch := await to_the_end(asyncio.to_thread(self._read))) is not None:
            counts = replace(self._checkpoint.counts)
            if batch.documents:
                await self._store(batch, counts)
            counts.rejected += len(batch.rejects)
            counts.blank += batch.blank
            self._checkpoint.counts = counts
            await to_the_end(asyncio.to_thread(self._note, batch))
            if self._progress is not None:
                self._progress(self._checkpoint)
        return self._checkpoint.counts

    def _read(self) -> _Batch | None:
        """The next batch, checked; None at the end. Runs in a thread."""
        batch = _Batch()
        seen: set[Any] = set()
        size = 0
        while len(batch.documents) + len(batch.rejects) + batch.blank < self._batch_size and size < _BATCH_BYTES:
            line = self._held or self._reader.read()
            self._held = None
            if line is None:
                break
            start = batch.offset, batch.line
            batch.offset, batch.line = self._reader.offset, line.number
            size += len(line.data)
            if not line.data.strip():
                batch.blank += 1
                continue
            try:
                document = self._parse(line)
            except _NotLinesError:
                raise
            except NoSQLError as error:
                batch.rejects.append(Reject(line, error))
                continue
            if self._mode is ImportMode.UPSERT:
                # Of two lines with one _id the later must win, and a batch has no order.
                key = hash_key(document["_id"])
                if key in seen:
                    self._held = line
                    batch.offset, batch.line = start
                    break
                seen.add(key)
            batch.lines.append(line)
            batch.documents.append(document)
        return batch if batch.line else None

    def _parse(self, line: Line) -> Document:
        """The document on a line, with an ``_id``.

        Raises:
            DocumentValidationError: There is none.
        """
        if not line.whole:
            raise DocumentValidationError("the line is longer than any document")
        data = line.data.removeprefix(_BYTE_ORDER_MARK) if line.number == 1 else line.data
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DocumentValidationError(f"not UTF-8: {error.reason} at byte {error.start}") from error
        try:
            value = loads(text)
        except DocumentValidationError as error:
            if line.number == 1 and text.lstrip().startswith("["):
                raise _NotLinesError(
                    "the file is one JSON list, but should have one document on each line",
                    hint="Convert it with: jq -c '.[]' FILE; or use mongoexport without --jsonArray.",
                ) from error
            raise
        if not isinstance(value, dict):
            raise DocumentValidationError(f"not a document but {_called(value)}")
        document = cast("Document", value)
        document.setdefault("_id", str(uuid.uuid5(self._key, str(line.number))))
        return self._collection.store.prepare(document)

    def _note(self, batch: _Batch) -> None:
        """Write bad lines and the checkpoint. Runs in a thread."""
        checkpoint = self._checkpoint
        if batch.rejects:
            batch.rejects.sort(key=lambda reject: reject.line.number)
            checkpoint.rejects_size = self._rejects.append(batch.rejects)
        checkpoint.offset, checkpoint.line = batch.offset, batch.line
        checkpoint.doubtful = max(self._doubtful, batch.line + self._batch_size)
        if self._save is not None:
            self._save(checkpoint)

    async def _store(self, batch: _Batch, counts: ImportCounts) -> None:
        """Store a batch, and sort what failed into skipped, found from before, and bad."""
        failures: Sequence[BulkWriteFailure] = ()
        try:
            if self._mode is ImportMode.UPSERT:
                operations = [ReplaceOne({"_id": {"$eq": d["_id"]}}, d, upsert=True) for d in batch.documents]
                result = await self._collection.bulk_write(operations, ordered=False)
            else:
                result = await self._collection.insert_many(batch.documents, ordered=False)
        except BulkWriteError as failed:
            failures, result = failed.failures, failed.result
        if self._mode is ImportMode.UPSERT:
            counts.inserted += len(result.upserted_ids)
            counts.replaced += result.matched_count
        else:
            counts.inserted += result.inserted_count
        for failure in failures:
            if failure.error.retryable or isinstance(failure.error, NoSQLConnectionError | NoSQLTimeoutError):
                # Nothing is wrong with the line.
                raise failure.error
            line, document = batch.lines[failure.index], batch.documents[failure.index]
            existing = await self._existing(document, failure.error)
            if existing is not None and line.number <= self._doubtful and equal(existing, document):
                counts.inserted += 1
            elif existing is not None and self._mode is ImportMode.SKIP:
                counts.skipped += 1
            else:
                batch.rejects.append(Reject(line, failure.error))

    async def _existing(self, document: Document, error: NoSQLError) -> Document | None:
        """The document that has this ``_id`` already, if that is why it was refused."""
        if not isinstance(error, DuplicateKeyError) or error.index not in {None, ID_INDEX.name}:
            return None
        return await self._collection.find_one({"_id": {"$eq": document["_id"]}})


def _called(value: Any) -> str:
    if isinstance(value, list):
        return "a list; write one document on each line, not one list of them"
    return f"{value!r}" if len(repr(value)) < 50 else f"a {type(value).__name__}"
