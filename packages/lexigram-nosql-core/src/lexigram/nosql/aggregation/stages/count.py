"""``$count`` (manual, "$count")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Fields, Output, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, shown
from typing_extensions import override

__all__ = ["Count", "parse_count"]


class Count(Stage):
    """Puts one document with their number in the place of all documents; no document where there are none.

    Args:
        field: Name of the field that holds the number.
    """

    name = "$count"
    output = Output.NEW
    fields = Fields(NOTHING, keeps=False)
    blocking = True

    def __init__(self, field: str) -> None:
        self.field = field

    @override
    def open(self, run: Run) -> Runner:
        return _Counting(self.field)


class _Counting(Runner):
    __slots__ = ("_count", "_field")

    def __init__(self, field: str) -> None:
        super().__init__()
        self._field = field
        self._count = 0

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        self._count += len(batch)
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        return ([{self._field: self._count}],) if self._count else ()


def parse_count(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$count``.

    Args:
        specification: Name of the field for the number.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a string (40156), empty (40157), begins with ``$`` (40158), or holds a NUL (40159) or a
            dot (40160), or is ``_id``, which the group behind the stage has already (15948).
    """
    if not isinstance(specification, str):
        raise fault(40156, f"$count takes the name of a field, not {shown(specification)}")
    if not specification:
        raise fault(40157, "$count takes the name of a field, which may not be empty")
    if specification[0] == "$":
        raise fault(40158, f"the field of $count may not begin with '$': {specification!r}")
    if "\0" in specification:
        raise fault(40159, "the field of $count may not hold a NUL")
    if "." in specification:
        raise fault(40160, f"the field of $count may not hold a dot: {specification!r}")
    if specification == "_id":
        raise fault(15948, "the field of $count may not be '_id'")
    return [Count(str(specification))]
