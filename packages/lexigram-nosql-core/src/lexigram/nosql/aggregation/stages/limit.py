"""``$limit`` and ``$skip`` (manual, "$limit", "$skip")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import Batch, Fields, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, shown, whole_number
from typing_extensions import override

__all__ = ["Limit", "Skip", "parse_limit", "parse_skip"]


class Limit(Stage):
    """Lets the first documents through, and then stops the source.

    Args:
        count: How many, at least 1; 0 arises when stages are joined.
    """

    name = "$limit"
    fields = Fields()

    def __init__(self, count: int) -> None:
        self.count = count

    @override
    def open(self, run: Run) -> Runner:
        return _Limiting(self.count)

    @override
    def describe(self) -> str:
        return f"$limit {self.count}"


class _Limiting(Runner):
    __slots__ = ("_left",)

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count
        self.done = count == 0

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        if len(batch) < self._left:
            self._left -= len(batch)
            return (batch,)
        self.done = True
        return (batch[: self._left],)


class Skip(Stage):
    """Leaves out the first documents.

    Args:
        count: How many.
    """

    name = "$skip"
    fields = Fields()

    def __init__(self, count: int) -> None:
        self.count = count

    @override
    def open(self, run: Run) -> Runner:
        return _Skipping(self.count)

    @override
    def describe(self) -> str:
        return f"$skip {self.count}"


class _Skipping(Runner):
    __slots__ = ("_left",)

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        if not self._left:
            return (batch,)
        dropped = min(self._left, len(batch))
        self._left -= dropped
        return (batch[dropped:],)


def _count(stage: str, value: Any, code: int) -> int:
    number = whole_number(value)
    if number is None:
        raise fault(code, f"{stage} takes a whole number, not {shown(value)}")
    if number < 0:
        raise fault(code, f"{stage} takes a number that is not negative, not {number}")
    return number


def parse_limit(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$limit``.

    Args:
        specification: How many documents.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a whole number (5107201), or not positive (15958).
    """
    count = _count("$limit", specification, 5107201)
    if not count:
        raise fault(15958, "$limit takes a positive number")
    return [Limit(count)]


def parse_skip(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$skip``.

    Args:
        specification: How many documents.
        env: Where it stands.

    Returns:
        The stage; none for 0.

    Raises:
        PipelineError: It is not a whole number, or negative (5107200).
    """
    count = _count("$skip", specification, 5107200)
    return [Skip(count)] if count else []
