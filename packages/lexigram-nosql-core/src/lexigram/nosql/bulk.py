"""Runs a list of write operations, and says for each that failed which one it was and why.

Every filter, update and document is checked before the first is carried out. Ordered: the first failure ends the list.
Unordered: all are tried. Neighbouring inserts go to the backend together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lexigram.contracts.data.nosql.nosql import BulkWriteResult
from lexigram.contracts.data.nosql.operations import (
    DeleteMany,
    DeleteOne,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
    WriteOperation,
)
from lexigram.nosql.driver import Call, Document
from lexigram.nosql.exceptions import (
    BulkDuplicateKeyError,
    BulkWriteError,
    BulkWriteFailure,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
)
from lexigram.nosql.query.options import parse_flag, parse_hint, parse_selection_filter
from lexigram.nosql.update.parse import parse_replacement, parse_update
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.writing import Outcome, Selection, Writer

__all__ = ["bulk_error", "prepare_bulk", "run_bulk"]

Step = Callable[[Call], Awaitable[Outcome]]


@dataclass(slots=True)
class _Inserts:
    """Inserts that stand next to each other in the list."""

    start: int
    documents: list[Document] = field(default_factory=list[Document])


def prepare_bulk(
    operations: Sequence[WriteOperation], writer: Writer, prepare: Callable[[Mapping[str, Any]], Document]
) -> list[_Inserts | Step]:
    """Check all operations and make them ready to run.

    Args:
        operations: The operations, in order.
        writer: Carries them out.
        prepare: Checks and copies a document that is about to be stored.

    Returns:
        One entry for each operation, or for each run of inserts.

    Raises:
        NoSQLError: An operation is not valid; nothing has been carried out.
    """
    steps: list[_Inserts | Step] = []
    for index, operation in enumerate(operations):
        try:
            if isinstance(operation, InsertOne):
                last = steps[-1] if steps else None
                if not isinstance(last, _Inserts):
                    last = _Inserts(index)
                    steps.append(last)
                last.documents.append(prepare(operation.document))
            else:
                steps.append(_step(operation, writer))
        except NoSQLError as error:
            error.with_details(operation_index=index)
            raise
    return steps


def _step(operation: WriteOperation, writer: Writer) -> Step:
    match operation:
        case UpdateOne() | UpdateMany():
            selection = _selection(operation)
            update = parse_update(
                operation.update, array_filters=operation.array_filters, collation=selection.query.collation
            )
            method = writer.change_one if isinstance(operation, UpdateOne) else writer.change_many
            upsert = parse_flag("upsert", operation.upsert)
            return lambda call: method(selection, update, upsert, call)
        case ReplaceOne():
            selection = _selection(operation)
            replacement = parse_replacement(operation.replacement)
            upsert = parse_flag("upsert", operation.upsert)
            return lambda call: writer.change_one(selection, replacement, upsert, call)
        case DeleteOne():
            selection = _selection(operation)
            return lambda call: writer.delete_one(selection, call)
        case DeleteMany():
            selection = _selection(operation)
            return lambda call: writer.delete_many(selection, call)
        case _:
            raise DocumentValidationError(
                f"bulk_write() takes write operations, not {type(operation).__name__}",
                hint="Use InsertOne, UpdateOne, UpdateMany, ReplaceOne, DeleteOne, DeleteMany from lexigram.nosql.",
            )


def _selection(operation: UpdateOne | UpdateMany | ReplaceOne | DeleteOne | DeleteMany) -> Selection:
    return Selection(parse_selection_filter(operation.filter, operation.collation), hint=parse_hint(operation.hint))


async def run_bulk(
    operations: Sequence[WriteOperation], steps: Sequence[_Inserts | Step], writer: Writer, ordered: bool, call: Call
) -> BulkWriteResult:
    """Carry out prepared operations.

    Raises:
        BulkWriteError: Some failed; it says which, and what did take effect.
    """
    total = Outcome()
    inserted: list[Any] = []
    upserted: list[str] = []
    failures: list[BulkWriteFailure] = []
    index = 0
    for step in steps:
        if isinstance(step, _Inserts):
            missed = dict(await writer.insert(step.documents, ordered, call))
            end = min(missed) if ordered and missed else len(step.documents)
            inserted += [copy_value(d["_id"]) for offset, d in enumerate(step.documents[:end]) if offset not in missed]
            for offset, error in missed.items():
                if not isinstance(error, NoSQLError):
                    raise error
                failures.append(BulkWriteFailure(step.start + offset, error))
            index = step.start + len(step.documents)
        else:
            try:
                outcome = await step(call)
            except NoSQLError as error:
                failures.append(BulkWriteFailure(index, error))
            else:
                total.matched += outcome.matched
                total.modified += outcome.modified
                total.deleted += outcome.deleted
                if outcome.upserted is not None:
                    upserted.append(str(outcome.upserted["_id"]))
            index += 1
        if failures and (ordered or call.in_transaction):
            break
    result = BulkWriteResult(len(inserted), total.matched, total.modified, total.deleted, upserted, inserted)
    if failures:
        raise bulk_error(result, failures, len(operations))
    return result


def bulk_error(result: BulkWriteResult, failures: Sequence[BulkWriteFailure], asked: int) -> BulkWriteError:
    """The error for a bulk in which some operations failed."""
    duplicates = all(isinstance(failure.error, DuplicateKeyError) for failure in failures)
    kind = BulkDuplicateKeyError if duplicates else BulkWriteError
    first = failures[0]
    error = kind(
        f"{len(failures)} of {asked} operations failed; the first is number {first.index}: {first.error.message}",
        result=result,
        failures=failures,
    )
    error.mongo_code = first.error.mongo_code
    error.retryable = all(failure.error.retryable for failure in failures)
    return error.with_cause(first.error)
