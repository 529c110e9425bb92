"""Runs a list of write operations, and says for each that failed which one it was and why.

Every filter, update and document is checked before the first is carried out. Ordered: the first failure ends the list.
Unordered: all are tried. What a backend takes together (see :class:`~lexigram.nosql.abilities.SupportsBulk`) goes to it
together, up to the next write that only the engine can do; elsewhere, neighbouring inserts do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
from lexigram.nosql.driver import BulkOutcome, BulkStep, Call, Change, Document, Outcome
from lexigram.nosql.exceptions import (
    BulkDuplicateKeyError,
    BulkWriteError,
    BulkWriteFailure,
    DocumentValidationError,
    DuplicateKeyError,
    NoSQLError,
)
from lexigram.nosql.query.options import parse_hint, parse_selection_filter, parse_upsert
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.update.parse import parse_replacement, parse_update
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.writing import Selection, Writer

__all__ = ["bulk_error", "prepare_bulk", "run_bulk"]


@dataclass(frozen=True, slots=True)
class _Insert:
    """A document to insert, checked."""

    document: Document


@dataclass(frozen=True, slots=True)
class _Write:
    """Any other write.

    Attributes:
        kind: What it does.
        compile: Gives the backend's own request, or None; may refuse the write.
        run: Carries it out on its own.
    """

    kind: Literal["update", "delete"]
    compile: Callable[[], Any | None]
    run: Callable[[Call], Awaitable[Outcome]]


Step = _Insert | _Write


def prepare_bulk(
    operations: Sequence[WriteOperation], writer: Writer, prepare: Callable[[Mapping[str, Any]], Document]
) -> list[Step]:
    """Check all operations and make them ready to run.

    Args:
        operations: The operations, in order.
        writer: Carries them out.
        prepare: Checks and copies a document that is about to be stored.

    Returns:
        One step for each operation.

    Raises:
        NoSQLError: An operation is not valid; nothing has been carried out.
    """
    steps: list[Step] = []
    for index, operation in enumerate(operations):
        try:
            if isinstance(operation, InsertOne):
                steps.append(_Insert(prepare(operation.document)))
            else:
                steps.append(_step(operation, writer))
        except NoSQLError as error:
            error.with_details(operation_index=index)
            raise
    return steps


def _step(operation: WriteOperation, writer: Writer) -> _Write:
    match operation:
        case UpdateOne() | UpdateMany():
            selection = _selection(operation)
            update = parse_update(
                operation.update, array_filters=operation.array_filters, collation=selection.query.collation
            )
            many = isinstance(operation, UpdateMany)
            return _change(writer, selection, update, many, parse_upsert(operation.upsert, selection.query))
        case ReplaceOne():
            selection = _selection(operation)
            replacement = parse_replacement(operation.replacement)
            return _change(writer, selection, replacement, False, parse_upsert(operation.upsert, selection.query))
        case DeleteOne():
            selection = _selection(operation)
            return _Write(
                "delete",
                lambda: writer.compile_delete(selection, many=False),
                lambda call: writer.delete_one(selection, call),
            )
        case DeleteMany():
            selection = _selection(operation)
            return _Write(
                "delete",
                lambda: writer.compile_delete(selection, many=True),
                lambda call: writer.delete_many(selection, call),
            )
        case _:
            raise DocumentValidationError(
                f"bulk_write() takes write operations, not {type(operation).__name__}",
                hint="Use InsertOne, UpdateOne, UpdateMany, ReplaceOne, DeleteOne, DeleteMany from lexigram.nosql.",
            )


def _change(writer: Writer, selection: Selection, change: Change, many: bool, upsert: bool) -> _Write:
    method = writer.change_many if many else writer.change_one
    return _Write(
        "update",
        lambda: writer.compile_change(selection, change, many=many, upsert=upsert),
        lambda call: method(selection, change, upsert, call),
    )


def _selection(operation: UpdateOne | UpdateMany | ReplaceOne | DeleteOne | DeleteMany) -> Selection:
    query = parse_selection_filter(operation.filter, operation.collation)
    sort = operation.sort if isinstance(operation, UpdateOne | ReplaceOne) else None
    return Selection(
        query,
        None if sort is None else parse_sort(sort, collation=query.collation, query=query),
        parse_hint(operation.hint),
    )


class _Run:
    """One run of a bulk.

    Args:
        writer: Carries the writes out.
        ordered: Whether the first failure ends it.
        call: Session and deadline.
    """

    def __init__(self, writer: Writer, ordered: bool, call: Call) -> None:
        self._writer = writer
        self._ordered = ordered
        self._call = call
        self._waiting: list[BulkStep] = []
        self._first = 0
        self._total = Outcome()
        self._inserted: list[Any] = []
        self._upserted: list[str] = []
        self.failures: list[BulkWriteFailure] = []

    @property
    def over(self) -> bool:
        """True when nothing more is to be tried."""
        return bool(self.failures) and (self._ordered or self._call.in_transaction)

    @property
    def result(self) -> BulkWriteResult:
        """What took effect."""
        total = self._total
        return BulkWriteResult(
            len(self._inserted),
            total.matched,
            total.modified,
            total.deleted,
            self._upserted,
            self._inserted,
            total.acknowledged,
        )

    async def take(self, index: int, step: Step) -> None:
        """Carry out a step, or let it wait for those that go to the backend with it."""
        if isinstance(step, _Insert):
            self._wait(index, BulkStep("insert", step.document))
            return
        try:
            native = None if self._writer.bulks is None else step.compile()
        except NoSQLError as error:
            await self.flush()
            if not self.over:
                self.failures.append(BulkWriteFailure(index, error))
            return
        if native is not None:
            self._wait(index, BulkStep(step.kind, native))
            return
        await self.flush()
        if self.over:
            return
        try:
            outcome = await step.run(self._call)
        except NoSQLError as error:
            self.failures.append(BulkWriteFailure(index, error))
            return
        self._add(outcome)
        if outcome.upserted is not None:
            self._upserted.append(str(outcome.upserted["_id"]))

    def _wait(self, index: int, step: BulkStep) -> None:
        if not self._waiting:
            self._first = index
        self._waiting.append(step)

    def _add(self, outcome: Outcome | BulkOutcome) -> None:
        total = self._total
        total.matched += outcome.matched
        total.modified += outcome.modified
        total.deleted += outcome.deleted
        total.acknowledged = total.acknowledged and outcome.acknowledged

    async def flush(self) -> None:
        """Send what waits."""
        steps, self._waiting = self._waiting, []
        if not steps:
            return
        inserts = [step.native for step in steps if step.kind == "insert"]
        if self._writer.bulks is None or len(inserts) == len(steps):
            failures = await self._writer.insert(inserts, self._ordered, self._call)
        else:
            outcome = await self._writer.bulks.bulk(steps, self._ordered, self._call)
            failures = self._writer.classified(outcome.failures)
            self._add(outcome)
            self._upserted += [str(outcome.upserted[place]) for place in sorted(outcome.upserted)]
        missed = dict(failures)
        end = min(missed) if self._ordered and missed else len(steps)
        self._inserted += [
            copy_value(step.native["_id"])
            for place, step in enumerate(steps[:end])
            if step.kind == "insert" and place not in missed
        ]
        for place, error in missed.items():
            if not isinstance(error, NoSQLError):
                raise error
            self.failures.append(BulkWriteFailure(self._first + place, error))


async def run_bulk(steps: Sequence[Step], writer: Writer, ordered: bool, call: Call) -> BulkWriteResult:
    """Carry out prepared operations.

    Raises:
        BulkWriteError: Some failed; it says which, and what did take effect.
    """
    run = _Run(writer, ordered, call)
    for index, step in enumerate(steps):
        await run.take(index, step)
        if run.over:
            break
    else:
        await run.flush()
    if run.failures:
        raise bulk_error(run.result, run.failures, len(steps))
    return run.result


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
