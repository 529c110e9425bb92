"""Counts and sums that Firestore adds up itself, so that no document has to be read for them.

A count is asked for where the request is exact. Of a pipeline, ``$match`` stages and then ``$count``, or ``$group``
with ``_id: None`` and these:

=========================================  =============================================================================
computed field                             where
=========================================  =============================================================================
``{"$sum": 1}``, ``{"$count": {}}``        always
``{"$sum": "$path"}``, ``{"$avg": …}``     the field hint ``required int`` for the path
=========================================  =============================================================================

Firestore adds floats in any order, and rounds each time, where the engine keeps what rounding takes; Decimals are maps
to it, and a document without a field can leave the whole sum. So only ints that are there are added by it, and an
average is divided here. Where the sum leaves 64 bits, Firestore answers with a float that it rounded on the way, and
the documents are read after all.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from grpc import aio
from lexigram.nosql.aggregation.accumulators.sums import Average, Sum
from lexigram.nosql.aggregation.parse import Pipeline
from lexigram.nosql.backends.firestore.codec import encode_name, field_path, messages
from lexigram.nosql.backends.firestore.errors import missing_index
from lexigram.nosql.backends.firestore.parts import CollectionPart
from lexigram.nosql.backends.firestore.planning import QueryRead
from lexigram.nosql.backends.firestore.planning.hints import CollectionHints
from lexigram.nosql.backends.firestore.planning.indexes import index_definitions, with_sum
from lexigram.nosql.driver import Batch, Call, Compiled, Document, Hint, NativePipeline, NativeRead
from lexigram.nosql.values.path import MISSING, get_path, split_path

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.transactions import Transaction

__all__ = ["Totals"]

_INT: Final = frozenset({"int"})
_MOST_SUMS: Final = 4
"""Sums in one request, beside the count: Firestore takes five aggregations."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One computed field.

    Attributes:
        name: Its name.
        kind: What is computed.
        path: Path of the values; empty for a count.
    """

    name: str
    kind: Literal["count", "sum", "avg"]
    path: str = ""


@dataclass(frozen=True, slots=True)
class _Native:
    """What :meth:`Totals.compile_pipeline` gives down to :meth:`Totals.aggregate`.

    Attributes:
        compiled: The filter.
        identity: What the answer begins with.
        fields: The computed fields.
    """

    compiled: Compiled
    identity: Mapping[str, Any]
    fields: tuple[_Field, ...]

    @property
    def paths(self) -> list[str]:
        """What is summed, each path once."""
        return list(dict.fromkeys([field.path for field in self.fields if field.path]))


class Totals(CollectionPart):
    """The part of a collection that counts and adds up."""

    async def count(self, compiled: Compiled, limit: int, call: Call) -> int:
        """How many documents an exact request selects."""
        if not self._is_single(compiled) or self._has_written(call):
            counted = 0
            async for batch in self.read(NativeRead(compiled, limit=limit), call):
                counted += len(batch.documents)
            return counted
        found = await self._added_by_service(compiled, (), limit, call)
        return int(found["n"].integer_value)

    async def estimated_count(self, call: Call) -> int:
        """How many documents the collection holds; those that are due count until they are removed."""
        request = messages.RunAggregationQueryRequest(parent=self.scope.parent)
        query = request.structured_aggregation_query
        query.structured_query.from_.add(collection_id=self.scope.collection_id, all_descendants=self.scope.is_group)
        query.aggregations.add(alias="n").count.SetInParent()
        found = await self.client.aggregate(request, call.deadline)
        return int(found["n"].integer_value)

    # --- pipelines

    def compile_pipeline(self, pipeline: Pipeline, hint: Hint | None) -> NativePipeline | None:
        """Take filters, and the count or the one group after them."""
        stages = pipeline.stages
        first = next((place for place, stage in enumerate(stages) if stage.name != "$match"), len(stages))
        leading, rest = pipeline.leading, pipeline.rest.plan
        # What is filtered later may have come to the front.
        if first == len(stages) or any(stage.name == "$match" for stage in stages[first:]):
            return None
        if stages[first].name not in {"$count", "$group"}:
            return None
        if not rest or rest[0].name != stages[first].name or leading.sort or leading.skip or leading.limit != 0:
            return None
        if stages[first].name == "$count":
            identity: Mapping[str, Any] = {}
            fields: tuple[_Field, ...] | None = (_Field(stages[first].specification, "count"),)
        else:
            identity, fields = {"_id": None}, _of_group(stages[first], self.hints)
        if fields is None:
            return None
        compiled = self.compile(leading.query, None, hint)
        native = _Native(compiled, identity, fields)
        if not compiled.exact or not self._is_single(compiled) or len(native.paths) > _MOST_SUMS:
            return None
        shown = dict(compiled.display)
        shown["aggregations"] = {field.name: [field.kind, field.path] if field.path else "count" for field in fields}
        if native.paths:
            told = {path: _text(self.hints, path) for path in native.paths}
            shown["field_hints"] = {**shown.get("field_hints", {}), **told}
        return NativePipeline(native, first + 1, shown)

    async def aggregate(self, pipeline: NativePipeline, batch_size: int, call: Call) -> AsyncGenerator[Batch]:
        """Answer with one document, or none where there is nothing to count."""
        native: _Native = pipeline.native
        sums: Mapping[str, int] | None = None
        count = 0
        hides = self.driver.catalogue.known(self.scope.name).expiring
        if not hides and not self._has_written(call):
            found = await self._added_by_service(native.compiled, native.paths, 0, call)
            count = int(found["n"].integer_value)
            sums = _whole_sums(found, native.paths)
        if sums is None:
            document = await self._added_here(native, call)
        else:
            document = None if not count else {**native.identity, **_results(native.fields, count, sums)}
        if document is not None:
            yield Batch([document])

    # --- how

    def _has_written(self, call: Call) -> bool:
        """True in a transaction that has written what the service knows nothing of."""
        transaction: Transaction | None = call.session if call.in_transaction else None
        return transaction is not None and transaction.has_written(self.scope)

    @staticmethod
    def _is_single(compiled: Compiled) -> bool:
        read = compiled.native.read
        return isinstance(read, QueryRead) and len(read.queries) == 1

    async def _added_by_service(self, compiled: Compiled, paths: Sequence[str], limit: int, call: Call) -> Any:
        """The count as ``n``, and the sums as ``s0``, ``s1`` and so on."""
        (asked,) = compiled.native.read.queries
        request = messages.RunAggregationQueryRequest(parent=self.scope.parent)
        query = request.structured_aggregation_query
        query.structured_query.CopyFrom(asked)
        aggregation = query.aggregations.add(alias="n")
        aggregation.count.SetInParent()
        if limit:
            aggregation.count.up_to.value = limit
        needed: list[Any] = [] if paths else [asked]
        for place, path in enumerate(paths):
            written = field_path([encode_name(part) for part in split_path(path)])
            query.aggregations.add(alias=f"s{place}").sum.field.field_path = written
            needed.append(with_sum(asked, written))
        if self.driver.recorder is not None:
            for each in needed:
                await self.driver.recorder.see(each)
        if call.in_transaction:
            transaction: Transaction = call.session
            await transaction.put_time(request, call.deadline)
        try:
            return await self.client.aggregate(request, call.deadline)
        except aio.AioRpcError as error:
            raised = missing_index(error, next(iter(index_definitions(needed)), None))
            if raised is None:
                raise
            raise raised from error

    async def _added_here(self, native: _Native, call: Call) -> Document | None:
        """The answer from the documents."""
        accumulators = {path: Sum() for path in native.paths}
        averages = {path: Average() for path in native.paths}
        count = 0
        async with aclosing(self.read(NativeRead(native.compiled), call)) as batches:
            async for batch in batches:
                count += len(batch.documents)
                for path, total in accumulators.items():
                    parts = split_path(path)
                    values = [get_path(document, parts) for document in batch.documents]
                    held = [value for value in values if value is not MISSING]
                    total.add_many(held)
                    averages[path].add_many(held)
        if not count:
            return None
        results: dict[str, Any] = {}
        for field in native.fields:
            if field.kind == "count":
                results[field.name] = count
            else:
                results[field.name] = (accumulators if field.kind == "sum" else averages)[field.path].result()
        return {**native.identity, **results}


def _of_group(stage: Any, hints: CollectionHints) -> tuple[_Field, ...] | None:
    """What a ``$group`` computes; None where the engine has to."""
    specification: Mapping[str, Any] = stage.specification
    if specification["_id"] is not None:
        return None
    fields: list[_Field] = []
    for name, computed in specification.items():
        if name == "_id":
            continue
        ((operator, operand),) = computed.items()
        if operator == "$count" or (operator == "$sum" and type(operand) is int and operand == 1):
            fields.append(_Field(name, "count"))
        elif operator in {"$sum", "$avg"} and type(operand) is str and operand[:1] == "$" and operand[1:2] != "$":
            hint = hints.of(operand[1:])
            if hint is None or not hint.required or hint.kinds != _INT:
                return None
            fields.append(_Field(name, "sum" if operator == "$sum" else "avg", operand[1:]))
        else:
            return None
    return tuple(fields)


def _text(hints: CollectionHints, path: str) -> str:
    hint = hints.of(path)
    return "" if hint is None else hint.text


def _whole_sums(found: Any, paths: Sequence[str]) -> dict[str, int] | None:
    """The sums; None where one is no int, since it has left 64 bits."""
    sums: dict[str, int] = {}
    for place, path in enumerate(paths):
        value = found[f"s{place}"]
        if value.WhichOneof("value_type") != "integer_value":
            return None
        sums[path] = value.integer_value
    return sums


def _results(fields: Sequence[_Field], count: int, sums: Mapping[str, int]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for field in fields:
        if field.kind == "count":
            results[field.name] = count
        elif field.kind == "sum":
            results[field.name] = sums[field.path]
        else:
            average = Average()
            average.add(sums[field.path])
            average.count = count
            results[field.name] = average.result()
    return results
