"""Builds a query step by step.

Each call returns a new builder, so a builder can be kept and branched. Conditions combine: two on one field are both
required, as in ``where_gte("price", 10).where_lte("price", 100)``, and every ``or_where`` adds a group of its own.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from lexigram.nosql.exceptions import NoSQLFilterError, QueryOptionError
from lexigram.nosql.query.guard import validate_field_name, validate_filter
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.operators import ComparisonOp, EvaluationOp, LogicalOp, Operator
from lexigram.nosql.query.plain import copy_filter
from lexigram.nosql.query.sort import parse_sort

__all__ = ["DocumentQuery", "DocumentQueryBuilder"]


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """A finished query.

    Attributes:
        filter: The filter, in MongoDB's form.
        projection: The fields to return; None for whole documents.
        sort: Fields and directions; None for no order.
        skip: Documents to leave out at the start.
        limit: Most documents to return; 0 for all.
    """

    filter: dict[str, Any] = field(default_factory=dict[str, Any])
    projection: dict[str, Any] | None = None
    sort: list[tuple[str, int]] | None = None
    skip: int = 0
    limit: int = 0


_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class DocumentQueryBuilder:
    """Collects conditions, order, fields and limits; :meth:`build` gives the query.

    A builder can be passed wherever a collection method takes a filter.
    """

    _clauses: tuple[tuple[str, str | None, Any], ...] = ()
    _groups: tuple[dict[str, Any], ...] = ()
    _projection: tuple[tuple[str, int], ...] = ()
    _sort: tuple[tuple[str, int], ...] = ()
    _skip: int = 0
    _limit: int = 0

    def filter(self, operator: Operator | Mapping[str, Any], operand: Any = _NOTHING, value: Any = _NOTHING) -> Self:
        """Add a condition by operator.

        Args:
            operator: ``ComparisonOp.GTE`` and the like with a field and a value; ``LogicalOp.OR``, ``AND`` or ``NOR``
                with a list of filters; ``LogicalOp.NOT`` with a field and its condition; or a whole filter.
            operand: The field, or the list of filters.
            value: The value.

        Returns:
            A builder with the condition added.

        Raises:
            NoSQLFilterError: The parts do not fit the operator.
        """
        if isinstance(operator, Mapping):
            if operand is not _NOTHING or value is not _NOTHING:
                raise NoSQLFilterError("filter() takes either one whole filter or an operator with its operands")
            return self._group(operator)
        if not isinstance(operator, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise NoSQLFilterError(f"filter() takes an operator or a whole filter, not {type(operator).__name__}")
        if operator in (LogicalOp.AND, LogicalOp.OR, LogicalOp.NOR):
            if value is not _NOTHING or not isinstance(operand, list | tuple):
                raise NoSQLFilterError(f"{operator} takes a list of filters", hint=f"filter({operator!r}, [{{…}}, …])")
            return self._group({str(operator): operand})
        if operator == EvaluationOp.TEXT and value is _NOTHING:
            return self.where_text(operand)
        if operator == EvaluationOp.EXPR and value is _NOTHING:
            return self._group({"$expr": operand})
        if not isinstance(operand, str) or value is _NOTHING:
            raise NoSQLFilterError(
                f"{operator} takes a field and a value", hint=f"filter({operator!r}, 'field', value)"
            )
        return self._clause(operand, None if operator == ComparisonOp.EQ else str(operator), value)

    def where(self, field: str, value: Any) -> Self:
        """Require that *field* equals *value*."""
        return self._clause(field, None, value)

    def where_ne(self, field: str, value: Any) -> Self:
        """Require that *field* differs from *value* or is missing."""
        return self._clause(field, "$ne", value)

    def where_gt(self, field: str, value: Any) -> Self:
        """Require that *field* is greater than *value*."""
        return self._clause(field, "$gt", value)

    def where_gte(self, field: str, value: Any) -> Self:
        """Require that *field* is greater than or equal to *value*."""
        return self._clause(field, "$gte", value)

    def where_lt(self, field: str, value: Any) -> Self:
        """Require that *field* is less than *value*."""
        return self._clause(field, "$lt", value)

    def where_lte(self, field: str, value: Any) -> Self:
        """Require that *field* is less than or equal to *value*."""
        return self._clause(field, "$lte", value)

    def where_between(self, field: str, low: Any, high: Any) -> Self:
        """Require that *field* lies between *low* and *high*, both included."""
        return self._clause(field, "$gte", low)._clause(field, "$lte", high)

    def where_in(self, field: str, values: Sequence[Any]) -> Self:
        """Require that *field* equals one of *values*."""
        return self._clause(field, "$in", _listed(values))

    def where_not_in(self, field: str, values: Sequence[Any]) -> Self:
        """Require that *field* equals none of *values* or is missing."""
        return self._clause(field, "$nin", _listed(values))

    def where_exists(self, field: str, exists: bool = True) -> Self:
        """Require that *field* is there, or is not."""
        return self._clause(field, "$exists", exists)

    def where_type(self, field: str, bson_type: str | int | Sequence[str | int]) -> Self:
        """Require that *field* has a BSON type, by name or number."""
        return self._clause(field, "$type", bson_type)

    def where_regex(self, field: str, pattern: str, options: str = "") -> Self:
        """Require that *field* matches a regular expression."""
        condition = {"$regex": pattern, "$options": options} if options else {"$regex": pattern}
        return self._clause(field, None, condition)

    def where_text(self, search: str) -> Self:
        """Require that the text index finds *search*."""
        return self._group({"$text": {"$search": search}})

    def and_where(self, *filters: Mapping[str, Any]) -> Self:
        """Require that all of *filters* match."""
        return self._group({"$and": filters})

    def or_where(self, *filters: Mapping[str, Any]) -> Self:
        """Require that at least one of *filters* matches; each call adds a group of its own."""
        return self._group({"$or": filters})

    def select(self, *fields: str) -> Self:
        """Return only these fields (and ``_id``)."""
        return self._project(fields, 1)

    def exclude(self, *fields: str) -> Self:
        """Return all but these fields."""
        return self._project(fields, 0)

    def sort(self, fields: Sequence[tuple[str, int]] | Mapping[str, int] | str, direction: int = 1) -> Self:
        """Order by fields, after those already given: ``[("price", 1)]``, ``{"price": 1}`` or ``"price"``."""
        order = parse_sort({fields: direction} if isinstance(fields, str) else fields)
        if order is None:
            return self
        if order.has_meta:
            raise QueryOptionError("a query is ordered by fields; give $meta and $natural to find()")
        return replace(self, _sort=(*self._sort, *order.fields))

    def sort_by(self, field: str, *, descending: bool = False) -> Self:
        """Order by *field*, after those already given."""
        return self.sort(field, -1 if descending else 1)

    def skip(self, n: int) -> Self:
        """Leave out the first *n* documents."""
        return replace(self, _skip=parse_count("skip", n))

    def limit(self, n: int) -> Self:
        """Return at most *n* documents; 0 for all."""
        return replace(self, _limit=parse_count("limit", n))

    def build(self) -> DocumentQuery:
        """The finished query, which shares nothing changeable with the builder.

        Raises:
            NoSQLFilterError: The filter is not valid.
        """
        return DocumentQuery(
            copy_filter(self._filter()),
            dict(self._projection) or None,
            list(self._sort) or None,
            self._skip,
            self._limit,
        )

    def _filter(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        extra: list[dict[str, Any]] = []
        for path, operator, value in self._clauses:
            condition = _condition(operator, value)
            if path not in result:
                result[path] = value if operator is None else condition
                continue
            present = _condition(None, result[path])
            if present.keys() & condition.keys() or "$regex" in condition or "$regex" in present:
                extra.append({path: condition})
            else:
                result[path] = {**present, **condition}
        for group in self._groups:
            (key, value), *rest = group.items()
            if rest or key in result or not key.startswith("$"):
                extra.append(group)
            else:
                result[key] = value
        if extra:
            result["$and"] = [*result.get("$and", []), *extra]
        return result

    def _clause(self, path: str, operator: str | None, value: Any) -> Self:
        validate_field_name(path)
        condition = {path: value if operator is None else {operator: value}}
        validate_filter(condition)
        given = copy_filter(condition)[path]
        return replace(
            self, _clauses=(*self._clauses, (path, operator, given if operator is None else given[operator]))
        )

    def _group(self, group: Mapping[Any, Any]) -> Self:
        validate_filter(group)
        return replace(self, _groups=(*self._groups, copy_filter(group))) if group else self

    def _project(self, fields: Sequence[str], flag: int) -> Self:
        for path in fields:
            validate_field_name(path)
        kept = [(path, given) for path, given in self._projection if path not in fields]
        if len({given for path, given in (*kept, *((path, flag) for path in fields)) if path != "_id"}) > 1:
            raise QueryOptionError(
                "a projection selects fields or excludes fields, not both",
                hint="Only _id can be excluded beside selected fields.",
                mongo_code=31253,
            )
        return replace(self, _projection=(*kept, *((path, flag) for path in fields)))


def _listed(values: Any) -> list[Any]:
    """The values of ``$in`` and its opposite."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise NoSQLFilterError(f"a list of values is needed, not {type(values).__name__}")
    return list(values)


def _is_operators(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(str(key).startswith("$") for key in value)


def _condition(operator: str | None, value: Any) -> dict[str, Any]:
    """A condition as a mapping of operators."""
    if operator is not None:
        return {operator: value}
    if isinstance(value, re.Pattern):
        return {"$regex": value}
    return dict(value) if _is_operators(value) else {"$eq": value}
