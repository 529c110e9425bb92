"""What the options of a repository add to its requests, and what they refuse.

What is added to a filter is joined to the caller's with ``$and``, so no key of the caller's can undo it. In front of a
pipeline stands a ``$match``. That binds the repository's own collection only; therefore a pipeline that reads other
collections, or writes, is refused where there are tenants, and one that reads its own collection again (in ``$lookup``,
``$graphLookup`` or ``$unionWith``) where documents are marked as deleted.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.nosql.aggregation.parse import parse_pipeline
from lexigram.nosql.exceptions import NoSQLFilterError, PipelineError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.specification.document import equality

__all__ = [
    "DELETED",
    "DELETED_AT",
    "TENANT",
    "VERSION",
    "as_filter",
    "as_query",
    "joined",
    "keyword_condition",
    "scoped_pipeline",
]

DELETED = "_deleted"
DELETED_AT = "_deleted_at"
TENANT = "tenant_id"
VERSION = "version"


def as_query(given: DocumentQuery | DocumentQueryBuilder) -> DocumentQuery:
    """A built query.

    Raises:
        QueryOptionError: It selects fields, but objects are made of whole documents.
    """
    query = given.build() if isinstance(given, DocumentQueryBuilder) else given
    if query.projection is not None:
        raise QueryOptionError(
            "a repository reads whole documents, but the query selects fields",
            hint="Use the repository's collection for projections.",
        )
    return query


def as_filter(given: Any) -> dict[str, Any]:
    """A filter of whatever describes one; a query's order and limits are left aside.

    Raises:
        NoSQLFilterError: It describes none.
    """
    if given is None:
        return {}
    if isinstance(given, DocumentQueryBuilder | DocumentQuery):
        return as_query(given).filter
    if not isinstance(given, Mapping):
        raise NoSQLFilterError(
            f"a filter is a mapping, not {type(given).__name__}",
            hint="Use a filter in MongoDB's language, a query builder or a filter expression.",
        )
    return {**given}


def joined(*filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filter for what meets all of *filters*."""
    wanted = [dict(part) for part in filters if part]
    return {"$and": wanted} if len(wanted) > 1 else wanted[0] if wanted else {}


def keyword_condition(name: str, value: Any) -> Any:
    """The condition of a keyword, which is an equality whatever its value.

    Raises:
        NoSQLFilterError: The value is a condition, which a keyword would not apply.
    """
    if isinstance(value, Mapping) and any(str(key).startswith("$") for key in value):
        raise NoSQLFilterError(
            f"{name}= takes a value to be equal to, not operators",
            hint="Use find_by_filter() for conditions.",
            path=name,
        )
    return equality(value)


def scoped_pipeline(
    pipeline: Any, base: Mapping[str, Any], collection: str, *, tenants: bool, deleted: bool
) -> list[dict[str, Any]]:
    """A pipeline over the documents that *base* selects.

    Args:
        pipeline: Stages in MongoDB's form, or an ``AggregationPipeline``.
        base: The filter that is added.
        collection: Name of the collection.
        tenants: True when the documents belong to tenants.
        deleted: True when documents that are marked as deleted are kept out.

    Raises:
        PipelineError: The pipeline is not valid, or reads or writes what the filter does not bind.
    """
    parsed = parse_pipeline(pipeline)
    others = parsed.collections_read
    written = () if parsed.writes is None else (parsed.writes,)
    if tenants and (others or written):
        names = ", ".join(sorted({*others, *written}))
        raise PipelineError(
            "only the documents that a pipeline begins with are bound to the tenant, but a stage of this one reads or "
            f"writes {names}, where all tenants' documents are",
            hint="Use the collection itself (store.collection), and bind every stage to the tenant yourself.",
        )
    if deleted and collection in others:
        raise PipelineError(
            f"this pipeline reads {collection!r} again, where documents that were deleted are found too",
            hint="Pass include_deleted=True and leave them out where they do not belong.",
        )
    stages = parsed.to_list()
    if not base:
        return stages
    if stages and "$match" in stages[0]:
        # One stage, since $text may stand in the first only.
        return [{"$match": joined(base, stages[0]["$match"])}, *stages[1:]]
    return [{"$match": dict(base)}, *stages]
