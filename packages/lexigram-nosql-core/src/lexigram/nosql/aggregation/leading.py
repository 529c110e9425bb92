"""Finds the part of a pipeline that a plain read does: filter, sort, skip, limit, in that order."""

from __future__ import annotations

from collections.abc import Sequence

from lexigram.nosql.aggregation.ast import Leading
from lexigram.nosql.aggregation.stages.base import Stage
from lexigram.nosql.aggregation.stages.limit import Limit, Skip
from lexigram.nosql.aggregation.stages.match import Match
from lexigram.nosql.aggregation.stages.sort import SortStage
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.sort import Sort

__all__ = ["fields_needed", "split_leading"]


def fields_needed(stages: Sequence[Stage]) -> frozenset[str] | None:
    """The top-level fields that stages need of the documents they are given.

    Args:
        stages: The stages.

    Returns:
        The names; None for whole documents.
    """
    needed: frozenset[str] | None = None
    for stage in reversed(stages):
        needed = stage.fields.needed(needed)
    return needed


def split_leading(stages: Sequence[Stage]) -> tuple[Leading, tuple[Stage, ...]]:
    """Split optimised stages into a read and the rest.

    A ``$match`` that reads variables stays with the rest, since a read has none.

    Args:
        stages: The stages.

    Returns:
        The read, and the stages that it does not stand for.
    """
    position = 0
    query: Query | None = None
    sort: Sort | None = None
    skip = limit = 0
    limited = False
    if stages and isinstance(first := stages[0], Match) and not first.variables_needed:
        query = first.query
        position = 1
    if position < len(stages) and isinstance(order := stages[position], SortStage) and not order.sort.metas:
        sort = order.sort
        position += 1
        if order.limit:
            limit, limited = order.limit, True
    while position < len(stages):
        stage = stages[position]
        if isinstance(stage, Skip):
            skip += stage.count
            if limited:
                limit = max(limit - stage.count, 0)
        elif isinstance(stage, Limit):
            limit = min(limit, stage.count) if limited else stage.count
            limited = True
        else:
            break
        position += 1
    rest = tuple(stages[position:])
    return (
        Leading(
            parse_filter(None) if query is None else query,
            sort,
            skip,
            None if limited and limit == 0 else limit,
            fields_needed(rest),
            position,
        ),
        rest,
    )
