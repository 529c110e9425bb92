"""``$out`` (manual, "$out"): replaces a collection's content.

Everything is computed before anything is written, so a pipeline that fails changes nothing.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.stages.base import AsyncRunner, Batch, Fields, Run, Stage
from lexigram.nosql.aggregation.stages.parsing import Env, check_collection, shown
from lexigram.nosql.aggregation.stages.writing import namespace, prepared
from lexigram.nosql.exceptions import UnsupportedFeatureError
from typing_extensions import override

__all__ = ["Out", "parse_out"]


class Out(Stage):
    """Writes all documents into a collection, in the place of what it holds.

    Args:
        target: Name of the collection.
    """

    name = "$out"
    fields = Fields(None)
    blocking = True

    def __init__(self, target: str) -> None:
        self.target = target

    @override
    def open(self, run: Run) -> AsyncRunner:
        return _Replacing(self.target, run)

    @override
    def describe(self) -> str:
        return f"$out {self.target}"


class _Replacing(AsyncRunner):
    __slots__ = ("_held", "_meter", "_run", "_target")

    def __init__(self, target: str, run: Run) -> None:
        super().__init__()
        self._target = target
        self._run = run
        self._held: Batch = []
        self._meter = run.meter("$out")

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        self._meter.documents(batch)
        self._held += prepared(batch)
        return
        yield batch

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        held, self._held = self._held, []
        await self._run.context.replace_all(self._target, held)
        return
        yield held


def parse_out(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$out``.

    Args:
        specification: The collection's name, or a document with ``coll``.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is neither (16990), an option is unknown (40415), or there is no name (40414, 73).
        UnsupportedFeatureError: It names another database, or makes a time series.
    """
    if isinstance(specification, str):
        return [Out(check_collection(specification, "$out"))]
    if not isinstance(specification, Mapping):
        raise fault(16990, f"$out takes the name of a collection or a document, not {shown(specification)}")
    options = namespace("$out", specification, ("timeseries",))
    if "timeseries" in options:
        raise UnsupportedFeatureError(
            "$out cannot make a time series", hint="Leave 'timeseries' out.", feature="timeseries"
        )
    if not options.get("coll"):
        raise fault(40414, "$out needs 'coll'")
    return [Out(str(options["coll"]))]
