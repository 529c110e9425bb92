"""Keeps a note of the composite indexes that queries needed, for ``lexigram nosql indexes``.

``index_recording`` in the configuration names a file. While the application or its tests run, each definition that a
query needs is added there once, as a line of JSON; appending a short line is whole even where several processes write.
The command reads the file and writes ``firestore.indexes.json`` for Google's tools. The emulator does not ask for
indexes, so a test run against it is a good moment to record.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from lexigram.nosql.backend import IndexFile
from lexigram.nosql.backends.firestore.planning.indexes import index_definitions, index_file
from lexigram.nosql.exceptions import NoSQLError

__all__ = ["IndexRecorder", "make_index_file", "read_recording"]

_MOST: Final = 1000
"""Definitions that a file takes; Firestore itself has at most 1,000 composite indexes in a database."""


class IndexRecorder:
    """Notes the definitions that reads need.

    Args:
        path: The file. It is made when the first definition is noted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[str] | None = None
        self._lock = asyncio.Lock()

    async def see(self, *queries: Any) -> None:
        """Note what queries need.

        Args:
            queries: ``StructuredQuery`` messages.

        Raises:
            NoSQLError: The file cannot be written.
        """
        lines = [json.dumps(definition, sort_keys=True) for definition in index_definitions(queries)]
        if not lines or (self._known is not None and self._known.issuperset(lines)):
            return
        async with self._lock:
            await asyncio.to_thread(self._add, lines)

    def _add(self, lines: list[str]) -> None:
        try:
            if self._known is None:
                self._known = set(_lines(self._path))
            fresh = [line for line in dict.fromkeys(lines) if line not in self._known]
            fresh = fresh[: max(_MOST - len(self._known), 0)]
            if fresh:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write("".join([f"{line}\n" for line in fresh]))
                self._known.update(fresh)
        except OSError as error:
            raise NoSQLError(
                f"{self._path}: {error.strerror}", hint="index_recording names a file that can be written."
            ) from error


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()]


def read_recording(path: Path) -> list[Mapping[str, Any]]:
    """The definitions in a recording, each once.

    Args:
        path: The file.

    Raises:
        NoSQLError: It cannot be read, or is no recording.
    """
    try:
        lines = dict.fromkeys(_lines(path))
    except OSError as error:
        raise NoSQLError(f"{path}: {error.strerror}") from error
    found: list[Mapping[str, Any]] = []
    for line in lines:
        try:
            definition = json.loads(line)
        except ValueError as error:
            raise NoSQLError(f"{path} is no recording of queries", hint="index_recording names it.") from error
        if not isinstance(definition, dict) or "collectionGroup" not in definition:
            raise NoSQLError(f"{path} is no recording of queries", hint="index_recording names it.")
        found.append(cast("dict[str, Any]", definition))
    return found


def make_index_file(config: Any, existing: str | None) -> IndexFile:
    """The index file for the queries that were seen; see ``BackendSpec.index_file``.

    Args:
        config: A ``FirestoreConfig``.
        existing: The file as it is; what it says is kept.

    Raises:
        NoSQLError: Nothing is recorded, or what is there cannot be read.
    """
    path = config.index_recording
    if path is None:
        raise NoSQLError(
            "no queries are recorded",
            hint="Set firestore.index_recording to a file, run the application or its tests, and call this again.",
        )
    definitions = read_recording(path)
    try:
        held = None if existing is None else json.loads(existing)
    except ValueError as error:
        raise NoSQLError("the index file there is no JSON") from error
    content = index_file(definitions, held)
    return IndexFile("firestore.indexes.json", json.dumps(content, indent=2) + "\n", len(definitions))
