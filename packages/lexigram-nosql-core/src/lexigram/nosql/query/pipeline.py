"""Builds an aggregation pipeline stage by stage.

Each call returns a new builder that shares nothing changeable with the old one, so a builder can be kept and branched.
A builder is accepted wherever a pipeline is. Every stage takes MongoDB's document, and the common ones keywords as
well::

    AggregationPipeline().match({"paid": True}).group("$city", total=AccumulatorOp.SUM("$price")).sort({"total": -1})

A first argument that is an expression stands as it is: ``group("$city", …)`` groups by the field ``city``,
``group("city", …)`` makes one group whose ``_id`` is the text ``city``, as in MongoDB.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

from lexigram.nosql.exceptions import NoSQLFilterError, PipelineError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.query.guard import validate_filter
from lexigram.nosql.values.copying import copy_value

__all__ = ["AggregationPipeline"]

_COLLECTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_DEEPEST: Final = 200


@dataclass(frozen=True, slots=True)
class AggregationPipeline:
    """Collects stages; :meth:`build` gives the pipeline in MongoDB's form.

    Members of ``AggregationOp`` and ``AccumulatorOp`` may stand for names everywhere.
    """

    _stages: tuple[dict[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self._stages)

    def build(self) -> list[dict[str, Any]]:
        """The pipeline; later changes to it do not reach the builder."""
        return [copy_value(stage) for stage in self._stages]

    def stage(self, name: str, specification: Any) -> Self:
        """Add any stage by name.

        Args:
            name: Such as ``$match`` or ``AggregationOp.MATCH``.
            specification: What stands beside the name.

        Returns:
            A builder with the stage added.

        Raises:
            PipelineError: The specification contains itself or nests too deep.
        """
        return type(self)((*self._stages, {str(name): _plain(specification)}))

    def match(self, filter: Mapping[str, Any] | DocumentQuery | DocumentQueryBuilder) -> Self:
        """Keep the documents that match.

        Args:
            filter: A filter, or a query that carries nothing else.

        Returns:
            A builder with the stage added.

        Raises:
            NoSQLFilterError: The filter is not valid.
            QueryOptionError: The query carries a sort, skip, limit or projection, which a ``$match`` would ignore.
        """
        query = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
        if isinstance(query, DocumentQuery):
            if query.skip or query.limit or query.projection is not None or query.sort is not None:
                raise QueryOptionError(
                    "match() takes a filter only, but the query carries a sort, skip, limit or projection",
                    hint="Add them as stages of their own: .sort(), .skip(), .limit(), .project().",
                )
            query = query.filter
        specification = _plain(query)
        validate_filter(specification)
        return self.stage("$match", specification)

    def group(self, by: Any = None, accumulators: Mapping[str, Any] | None = None, **fields: Any) -> Self:
        """Group documents.

        Args:
            by: The expression to group by, None for one group; or a whole specification with its ``_id``.
            accumulators: Fields of the output, such as ``{"total": AccumulatorOp.SUM("$price")}``.
            **fields: More such fields.

        Returns:
            A builder with the stage added.
        """
        if accumulators is None and isinstance(by, Mapping) and "_id" in by:
            return self.stage("$group", {**by, **fields})
        return self.stage("$group", {"_id": by, **(accumulators or {}), **fields})

    def project(self, specification: Mapping[str, Any] | None = None, **fields: Any) -> Self:
        """Choose and compute the fields of the output: ``project({"name": 1})`` or ``project(name=1)``."""
        return self.stage("$project", {**(specification or {}), **fields})

    def sort(
        self,
        fields: Mapping[str, Any] | Sequence[tuple[str, Any]] | str,
        direction: int = 1,
        *,
        descending: bool = False,
    ) -> Self:
        """Order documents: ``sort({"price": -1})``, ``sort([("price", -1)])`` or ``sort("price", descending=True)``.

        Args:
            fields: One field; or fields and directions.
            direction: 1 or -1, beside one field.
            descending: The same as -1, beside one field.

        Returns:
            A builder with the stage added.

        Raises:
            QueryOptionError: *fields* is none of these, names a field twice, or *descending* goes with several.
        """
        if isinstance(fields, str):
            return self.stage("$sort", {fields: -1 if descending else direction})
        if descending:
            raise QueryOptionError(
                "descending goes with the name of one field",
                hint="Write the direction beside each field: {'price': -1}.",
            )
        return self.stage("$sort", _order(fields))

    def limit(self, n: int) -> Self:
        """Let the first *n* documents through."""
        return self.stage("$limit", n)

    def skip(self, n: int) -> Self:
        """Leave out the first *n* documents."""
        return self.stage("$skip", n)

    def unwind(
        self, path: str | Mapping[str, Any], *, preserve_null: bool = False, include_index: str | None = None
    ) -> Self:
        """Make a document of each element of an array.

        Args:
            path: The array's field, with or without ``$``; or a whole specification.
            preserve_null: Keep documents whose field is missing, null or an empty array.
            include_index: Field that takes each element's position.

        Returns:
            A builder with the stage added.
        """
        if isinstance(path, Mapping):
            return self.stage("$unwind", path)
        field = path if str(path).startswith("$") else f"${path}"
        if not preserve_null and include_index is None:
            return self.stage("$unwind", field)
        specification: dict[str, Any] = {"path": field}
        if include_index is not None:
            specification["includeArrayIndex"] = include_index
        if preserve_null:
            specification["preserveNullAndEmptyArrays"] = True
        return self.stage("$unwind", specification)

    def lookup(
        self,
        from_collection: str | Mapping[str, Any],
        local_field: str | None = None,
        foreign_field: str | None = None,
        as_field: str | None = None,
        *,
        let: Mapping[str, Any] | None = None,
        pipeline: Sequence[Mapping[str, Any]] | AggregationPipeline | None = None,
    ) -> Self:
        """Join documents of another collection, by equality, by a pipeline, or by both.

        Args:
            from_collection: The other collection; or a whole specification.
            local_field: Field of this side to compare.
            foreign_field: Field of the other side to compare.
            as_field: Field that takes the array of documents found.
            let: Variables for the pipeline, computed from this side's document.
            pipeline: What the other side's documents go through.

        Returns:
            A builder with the stage added.

        Raises:
            NoSQLFilterError: The name of the collection is not one.
        """
        if isinstance(from_collection, Mapping):
            return self.stage("$lookup", from_collection)
        _check_collection(from_collection)
        specification: dict[str, Any] = {"from": from_collection}
        if local_field is not None:
            specification["localField"] = local_field
        if foreign_field is not None:
            specification["foreignField"] = foreign_field
        if let is not None:
            specification["let"] = let
        if pipeline is not None:
            specification["pipeline"] = pipeline
        if as_field is not None:
            specification["as"] = as_field
        return self.stage("$lookup", specification)

    def graph_lookup(
        self,
        from_collection: str | Mapping[str, Any],
        start_with: Any = None,
        connect_from_field: str | None = None,
        connect_to_field: str | None = None,
        as_field: str | None = None,
        *,
        max_depth: int | None = None,
        depth_field: str | None = None,
        restrict_search_with_match: Mapping[str, Any] | None = None,
    ) -> Self:
        """Follow references from document to document within a collection.

        Args:
            from_collection: The collection searched; or a whole specification.
            start_with: Expression for the values to begin with.
            connect_from_field: Field whose values lead on.
            connect_to_field: Field that the values lead to.
            as_field: Field that takes the array of documents found.
            max_depth: How many steps to go after the first; None for no limit.
            depth_field: Field of each document found that takes the number of steps.
            restrict_search_with_match: Filter that documents must match to be found.

        Returns:
            A builder with the stage added.

        Raises:
            NoSQLFilterError: The name of the collection is not one.
        """
        if isinstance(from_collection, Mapping):
            return self.stage("$graphLookup", from_collection)
        _check_collection(from_collection)
        options = {
            "startWith": start_with,
            "connectFromField": connect_from_field,
            "connectToField": connect_to_field,
            "as": as_field,
            "maxDepth": max_depth,
            "depthField": depth_field,
            "restrictSearchWithMatch": restrict_search_with_match,
        }
        return self.stage("$graphLookup", {"from": from_collection, **_given(options)})

    def add_fields(self, specification: Mapping[str, Any] | None = None, **fields: Any) -> Self:
        """Add computed fields: ``add_fields({"total": …})`` or ``add_fields(total=…)``."""
        return self.stage("$addFields", {**(specification or {}), **fields})

    def set(self, specification: Mapping[str, Any] | None = None, **fields: Any) -> Self:
        """Set fields to computed values; another name of :meth:`add_fields`."""
        return self.stage("$set", {**(specification or {}), **fields})

    def unset(self, *fields: str) -> Self:
        """Remove fields."""
        return self.stage("$unset", fields[0] if len(fields) == 1 else list(fields))

    def replace_root(self, new_root: Any) -> Self:
        """Put a document computed from each document in its place."""
        return self.stage("$replaceRoot", {"newRoot": new_root})

    def replace_with(self, replacement: Any) -> Self:
        """Put a document computed from each document in its place; another form of :meth:`replace_root`."""
        return self.stage("$replaceWith", replacement)

    def sample(self, size: int) -> Self:
        """Choose *size* documents at random."""
        return self.stage("$sample", {"size": size})

    def count(self, field_name: str = "count") -> Self:
        """Replace all documents by one that holds their number in *field_name*."""
        return self.stage("$count", field_name)

    def sort_by_count(self, expression: Any) -> Self:
        """Group by an expression and order the groups by their number of documents, the largest first."""
        return self.stage("$sortByCount", expression)

    def facet(
        self,
        specification: Mapping[str, Sequence[Mapping[str, Any]] | AggregationPipeline] | None = None,
        **facets: Sequence[Mapping[str, Any]] | AggregationPipeline,
    ) -> Self:
        """Run several pipelines over the same documents; each gives a field of the one document that comes out."""
        return self.stage("$facet", {**(specification or {}), **facets})

    def bucket(
        self,
        group_by: Any,
        boundaries: Sequence[Any],
        *,
        default: Any = ...,
        output: Mapping[str, Any] | None = None,
    ) -> Self:
        """Group documents into ranges.

        Args:
            group_by: Expression whose value decides.
            boundaries: Ends of the ranges, ascending; each range holds its lower end and not its upper one.
            default: ``_id`` of the group for values outside; without it such values are an error.
            output: Accumulators; a count when missing.

        Returns:
            A builder with the stage added.
        """
        specification: dict[str, Any] = {"groupBy": group_by, "boundaries": list(boundaries)}
        if default is not ...:
            specification["default"] = default
        if output is not None:
            specification["output"] = output
        return self.stage("$bucket", specification)

    def bucket_auto(
        self, group_by: Any, buckets: int, *, output: Mapping[str, Any] | None = None, granularity: str | None = None
    ) -> Self:
        """Group documents into *buckets* ranges that hold about as many documents each.

        Args:
            group_by: Expression whose value decides.
            buckets: How many ranges.
            output: Accumulators; a count when missing.
            granularity: Series of preferred numbers for the ends, such as ``R5`` or ``POWERSOF2``.

        Returns:
            A builder with the stage added.
        """
        options = {"groupBy": group_by, "buckets": buckets, "output": output, "granularity": granularity}
        return self.stage("$bucketAuto", _given(options))

    def union_with(
        self,
        collection: str | Mapping[str, Any] | None = None,
        pipeline: Sequence[Mapping[str, Any]] | AggregationPipeline | None = None,
    ) -> Self:
        """Append another collection's documents, or what a pipeline makes of them.

        Args:
            collection: The other collection; None where the pipeline begins with ``$documents``; or a whole
                specification.
            pipeline: What the other documents go through.

        Returns:
            A builder with the stage added.

        Raises:
            NoSQLFilterError: The name of the collection is not one.
        """
        if isinstance(collection, Mapping):
            return self.stage("$unionWith", collection)
        if collection is not None:
            _check_collection(collection)
            if pipeline is None:
                return self.stage("$unionWith", collection)
        return self.stage("$unionWith", _given({"coll": collection, "pipeline": pipeline}))

    def set_window_fields(
        self,
        output: Mapping[str, Any],
        *,
        partition_by: Any = None,
        sort_by: Mapping[str, int] | None = None,
    ) -> Self:
        """Add fields computed over the neighbours of each document.

        Args:
            output: Fields with their window operators.
            partition_by: Expression that separates documents; None keeps them together.
            sort_by: Order within a partition.

        Returns:
            A builder with the stage added.
        """
        options = {"partitionBy": partition_by, "sortBy": sort_by}
        return self.stage("$setWindowFields", {**_given(options), "output": output})

    def densify(
        self, field: str, range: Mapping[str, Any], *, partition_by_fields: Sequence[str] | None = None
    ) -> Self:
        """Add documents where values of *field* are missing in a sequence.

        Args:
            field: The field.
            range: ``step``, ``bounds`` and, for dates, ``unit``.
            partition_by_fields: Fields that separate sequences.

        Returns:
            A builder with the stage added.
        """
        options = {"field": field, "partitionByFields": partition_by_fields, "range": range}
        return self.stage("$densify", _given(options))

    def fill(
        self,
        output: Mapping[str, Any],
        *,
        partition_by: Any = None,
        partition_by_fields: Sequence[str] | None = None,
        sort_by: Mapping[str, int] | None = None,
    ) -> Self:
        """Fill null and missing fields.

        Args:
            output: For each field its ``value`` or ``method`` (``linear`` or ``locf``).
            partition_by: Expression that separates documents.
            partition_by_fields: Fields that separate documents.
            sort_by: Order within a partition.

        Returns:
            A builder with the stage added.
        """
        options = {"partitionBy": partition_by, "partitionByFields": partition_by_fields, "sortBy": sort_by}
        return self.stage("$fill", {**_given(options), "output": output})

    def redact(self, expression: Any) -> Self:
        """Keep, prune or descend into each document by what an expression gives."""
        return self.stage("$redact", expression)

    def documents(self, documents: Any) -> Self:
        """Begin with literal documents, or an expression for an array of them, instead of a collection."""
        return self.stage("$documents", documents)

    def merge(
        self,
        into: str | Mapping[str, Any],
        *,
        on: str | Sequence[str] | None = None,
        let: Mapping[str, Any] | None = None,
        when_matched: str | Sequence[Mapping[str, Any]] | AggregationPipeline | None = None,
        when_not_matched: str | None = None,
    ) -> Self:
        """Write the documents into a collection; must be the last stage.

        Args:
            into: The collection; or a whole specification with its ``into``.
            on: Fields that identify a document; ``_id`` when missing.
            let: Variables for a pipeline in *when_matched*.
            when_matched: ``replace``, ``keepExisting``, ``merge``, ``fail`` or a pipeline; ``merge`` when missing.
            when_not_matched: ``insert``, ``discard`` or ``fail``; ``insert`` when missing.

        Returns:
            A builder with the stage added.

        Raises:
            NoSQLFilterError: The name of the collection is not one.
        """
        if isinstance(into, Mapping):
            return self.stage("$merge", into)
        _check_collection(into)
        options = {"on": on, "let": let, "whenMatched": when_matched, "whenNotMatched": when_not_matched}
        return self.stage("$merge", {"into": into, **_given(options)})

    def out(self, collection: str | Mapping[str, Any]) -> Self:
        """Replace a collection's content by the documents; must be the last stage.

        Args:
            collection: The collection; or a whole specification.

        Returns:
            A builder with the stage added.

        Raises:
            NoSQLFilterError: The name of the collection is not one.
        """
        if not isinstance(collection, Mapping):
            _check_collection(collection)
        return self.stage("$out", collection)


def _order(fields: Any) -> dict[str, Any]:
    """Fields and directions as a document."""
    if isinstance(fields, Mapping):
        return dict(fields)
    order: dict[str, Any] = {}
    if not isinstance(fields, list | tuple) or not all(map(_is_pair, fields)):
        raise QueryOptionError(
            f"sort() takes a field, a mapping, or pairs of field and direction, not {type(fields).__name__}",
            hint="Write sort({'price': -1}) or sort([('price', -1)]).",
            mongo_code=15973,
        )
    for name, direction in fields:
        if name in order:
            raise QueryOptionError(f"sort() names the field {name!r} twice", mongo_code=7472500)
        order[name] = direction
    return order


def _is_pair(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _check_collection(name: str) -> None:
    # Callers may be untyped.
    if not isinstance(name, str) or not _COLLECTION_NAME.fullmatch(name):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise NoSQLFilterError(
            f"{str(name)[:64]!r} is no name for a collection here",
            hint="Use letters, digits and '_', not beginning with a digit; a whole specification takes any name.",
        )


def _plain(value: Any, depth: int = 0) -> Any:
    """Copy a specification: containers anew, members of enums by value, builders built."""
    if depth > _DEEPEST:
        raise PipelineError(f"a stage nests deeper than {_DEEPEST} levels, or contains itself", mongo_code=15)
    if isinstance(value, Mapping):
        return {_plain(key, depth + 1): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, AggregationPipeline):
        return value.build()
    if isinstance(value, Enum) and isinstance(value, str):
        return str(value.value)
    return value
