"""Documents and plans, shown to a person or to the next program in a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lexigram.cli.output import console, print_json, table
from lexigram.nosql.cli.document_commands import OutputFormat
from lexigram.nosql.cli.exporting import write_documents
from lexigram.nosql.cli.lines import STANDARD, LineWriter
from lexigram.nosql.cli.opening import note, with_store
from lexigram.nosql.cli.options import Target
from lexigram.nosql.cursor import Cursor
from lexigram.nosql.query.plan import Plan
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.values.extended_json import to_extended
from rich.table import Table
from rich.text import Text

__all__ = ["Request", "document_table", "printable", "show_documents", "show_plan"]

_ROWS = 20
_COLUMNS = 10
_CELL = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What a command asks a collection for.

    Attributes:
        collection: Name of the collection.
        filter: Which documents.
        sort: Their order.
        projection: Their fields.
        skip: Documents to leave out at the start.
        limit: Most documents; 0 for all, None for what fits the form of the output.
    """

    collection: str
    filter: Mapping[str, Any]
    sort: Sequence[tuple[str, Any]] | None = None
    projection: Mapping[str, Any] | None = None
    skip: int = 0
    limit: int | None = 0

    def cursor(self, store: DocumentStore, limit: int | None = None) -> Cursor:
        """A cursor over the documents.

        Args:
            store: The store.
            limit: Another limit than the request's.
        """
        return store.collection(self.collection).find(
            self.filter,
            projection=self.projection,
            sort=self.sort,
            skip=self.skip,
            limit=(self.limit or 0) if limit is None else limit,
        )


def show_documents(target: Target, request: Request, output: OutputFormat) -> None:
    """Show what matches: on a terminal as a table, otherwise as lines of Extended JSON.

    Args:
        target: The store.
        request: Which documents.
        output: The form.
    """
    out = console()
    if output is OutputFormat.TABLE or (output is OutputFormat.AUTO and out.is_terminal):
        limit = _ROWS if request.limit is None else request.limit
        # One more tells whether there are more.
        found = with_store(target, lambda store: request.cursor(store, limit and limit + 1).to_list())
        shown = found[:limit] if limit else found
        if not shown:
            note("No document matches.")
            return
        out.print(document_table(shown))
        if len(shown) < len(found) and request.limit is None:
            note(f"The first {limit} are shown. Use --limit for more, 0 for all.")
        return

    async def write(store: DocumentStore) -> None:
        async with request.cursor(store) as cursor:
            await write_documents(cursor, LineWriter(STANDARD))

    with_store(target, write)


def document_table(documents: Sequence[Mapping[str, Any]]) -> Table:
    """Documents as rows, their first fields as columns.

    Args:
        documents: The documents.
    """
    fields = list(dict.fromkeys(["_id", *(name for document in documents for name in document)]))
    if all("_id" not in document for document in documents):
        fields.remove("_id")
    columns, rest = fields[:_COLUMNS], fields[_COLUMNS:]
    made = table(*(printable(name) for name in columns), *(["…"] if rest else []))
    for document in documents:
        cells = [_cell(document, name) for name in columns]
        more = sum(name in document for name in rest)
        made.add_row(*cells, *([Text(f"{more} more")] if rest else []))
    return made


def _cell(document: Mapping[str, Any], name: str) -> Text:
    if name not in document:
        return Text("")
    value = to_extended(document[name])
    text = printable(value if isinstance(value, str) else _untyped(value))
    return Text(text if len(text) <= _CELL else f"{text[: _CELL - 1]}…")


def _untyped(value: Any) -> str:
    """A value as JSON; of dates, ids and decimals, which are clear without their type, the text alone."""
    if isinstance(value, dict):
        inner = list(cast("dict[str, Any]", value).items())
        if len(inner) == 1 and inner[0][0].startswith("$") and isinstance(inner[0][1], str):
            return inner[0][1]
    return json.dumps(value, ensure_ascii=False)


def printable(text: str) -> str:
    """Text that does to a terminal nothing but appear: control characters are spelled out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def show_plan(target: Target, request: Request, operation: str, *, execute: bool, as_json: bool) -> None:
    """Show how a request would run, or how it ran.

    Args:
        target: The store.
        request: The request.
        operation: The method to plan.
        execute: Run it, for a find.
        as_json: Show it as JSON.
    """

    async def explain(store: DocumentStore) -> Plan:
        if not execute:
            return await store.collection(request.collection).explain(
                operation,
                request.filter,
                sort=request.sort,
                projection=request.projection,
                skip=request.skip,
                limit=request.limit or 0,
            )
        async with request.cursor(store) as cursor:
            async for _ in cursor:
                pass
            return await cursor.explain()

    plan = with_store(target, explain)
    if as_json:
        print_json(to_extended(plan.to_dict()))
    else:
        console().print(printable_lines(str(plan)), soft_wrap=True)


def printable_lines(text: str) -> Text:
    """Several lines of text, each made safe for a terminal."""
    return Text("\n".join(map(printable, text.splitlines())))
