"""Puts the stages of a pipeline into an order that reads and holds less, where the result is exactly the same.

* A ``$match`` moves before a stage that leaves the fields it looks at as they are: ``$project``, ``$addFields``,
  ``$sort``, ``$unwind``, ``$lookup``, ``$graphLookup``. Conditions of one ``$match`` move apart where only some can.
* ``$match`` stages that meet become one. ``$limit`` and ``$skip`` move before stages that make one document of one, and
  join.
* ``$sort`` takes the limit that follows it, and then holds no more than that many documents.

A stage that would fail on a document need not be reached by it any more: a later ``$match`` may drop the document
first, or a ``$limit`` end the pipeline before it. MongoDB moves stages in the same way.
"""

# Filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.stages.base import MapStage, Stage
from lexigram.nosql.aggregation.stages.graph_lookup import GraphLookup
from lexigram.nosql.aggregation.stages.limit import Limit, Skip
from lexigram.nosql.aggregation.stages.lookup import Lookup
from lexigram.nosql.aggregation.stages.match import Match
from lexigram.nosql.aggregation.stages.sort import SortStage
from lexigram.nosql.aggregation.stages.unwind import Unwind

__all__ = ["optimise"]


def optimise(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Order stages anew.

    Args:
        stages: Stages of one pipeline.

    Returns:
        Stages that give the same.
    """
    if len(stages) < 2:
        return tuple(stages)
    return tuple(_cut_sorts(_move_limits(_move_matches(stages))))


def _move_matches(stages: Sequence[Stage]) -> list[Stage]:
    moved: list[Stage] = []
    for stage in stages:
        if isinstance(stage, Match):
            _insert(moved, stage)
        else:
            moved.append(stage)
    return moved


def _insert(stages: list[Stage], match: Match) -> None:
    """Put a match after stages, as far to the front as it goes."""
    position = len(stages)
    while position and _passes(stages[position - 1], match):
        position -= 1
    if position:
        before = stages[position - 1]
        if isinstance(before, Match) and _joins(before, match):
            stages[position - 1] = before.joined(match)
            return
        # Perhaps a part of it can go further.
        if not match.may_fail and not match.volatile and not match.has_text and _movable(before):
            parts = [match.part(condition) for condition in _conditions(match.filter)]
            early = [part for part in parts if _passes(before, part)]
            if early and len(early) < len(parts):
                late = [part for part in parts if not _passes(before, part)]
                stages.insert(position, _together(late))
                _insert_before(stages, position - 1, _together(early))
                return
    stages.insert(position, match)


def _insert_before(stages: list[Stage], position: int, match: Match) -> None:
    head = stages[:position]
    _insert(head, match)
    stages[:position] = head


def _together(parts: Sequence[Match]) -> Match:
    match = parts[0]
    for part in parts[1:]:
        match = match.joined(part)
    return match


def _conditions(filter: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The conditions of a filter that must all hold."""
    for key, value in filter.items():
        if key == "$and":
            for part in value:
                yield from _conditions(part)
        else:
            yield {key: value}


def _movable(stage: Stage) -> bool:
    return isinstance(stage, MapStage | Unwind | Lookup | GraphLookup) or (
        isinstance(stage, SortStage) and not stage.limit
    )


def _passes(stage: Stage, match: Match) -> bool:
    """Whether a match after a stage may as well stand before it."""
    if match.volatile or match.has_text or match.fields.reads is None or not _movable(stage):
        return False
    if match.may_fail and isinstance(stage, Unwind):
        return False  # it may drop the very document that the match fails on
    return stage.leaves(match.fields.reads)


def _joins(first: Match, second: Match) -> bool:
    # Conditions of one filter are tested in any order, which must not matter.
    return not (first.volatile or second.volatile or first.may_fail or second.may_fail)


def _move_limits(stages: Sequence[Stage]) -> list[Stage]:
    moved: list[Stage] = []
    for stage in stages:
        position = len(moved)
        if isinstance(stage, Limit | Skip):
            while position and moved[position - 1].one_to_one:
                position -= 1
            before = moved[position - 1] if position else None
            if isinstance(stage, Skip) and isinstance(before, Skip):
                moved[position - 1] = Skip(before.count + stage.count)
                continue
            if isinstance(stage, Limit) and isinstance(before, Limit):
                moved[position - 1] = Limit(min(before.count, stage.count))
                continue
        moved.insert(position, stage)
    return moved


def _cut_sorts(stages: Sequence[Stage]) -> list[Stage]:
    result: list[Stage] = []
    position = 0
    while position < len(stages):
        stage = stages[position]
        position += 1
        if not isinstance(stage, SortStage) or stage.limit:
            result.append(stage)
            continue
        skip, limit = 0, -1
        while position < len(stages) and isinstance(following := stages[position], Skip | Limit):
            if isinstance(following, Limit):
                limit = following.count if limit < 0 else min(limit, following.count)
            else:
                skip += following.count
                limit = limit if limit < 0 else max(limit - following.count, 0)
            position += 1
        if limit == 0:
            result.append(Limit(0))
            continue
        result.append(stage if limit < 0 else SortStage(stage.sort, skip + limit))
        if skip:
            result.append(Skip(skip))
    return result
