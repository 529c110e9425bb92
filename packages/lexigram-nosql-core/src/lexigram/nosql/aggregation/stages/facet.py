"""``$facet`` (manual, "$facet"): several pipelines over one pass of the source."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from lexigram.nosql.aggregation.chain import AsyncChain, SyncChain, open_chain
from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.paths import check_field_name
from lexigram.nosql.aggregation.stages.base import (
    NOTHING,
    AsyncRunner,
    Batch,
    Document,
    Fields,
    Output,
    Run,
    Runner,
    Stage,
)
from lexigram.nosql.aggregation.stages.parsing import Env, Subpipeline, as_list, needed_variables, shown
from typing_extensions import override

__all__ = ["Facet", "parse_facet"]


class Facet(Stage):
    """Makes one document, with a field for each pipeline.

    Args:
        facets: The pipelines by name.
        needed: The top-level fields that they read together; None for whole documents.
    """

    name = "$facet"
    output = Output.NEW
    blocking = True

    def __init__(self, facets: Mapping[str, Subpipeline], needed: frozenset[str] | None) -> None:
        self.facets = dict(facets)
        self.fields = Fields(needed, keeps=False)
        self.collections = NOTHING.union(*(facet.collections for facet in facets.values()))
        self.variables_needed = NOTHING.union(*(needed_variables(facet.stages) for facet in facets.values()))
        self.volatile = any(facet.volatile for facet in facets.values())

    @override
    def open(self, run: Run) -> Runner | AsyncRunner:
        chains = {name: open_chain(facet.stages, run) for name, facet in self.facets.items()}
        plain = {name: chain for name, chain in chains.items() if isinstance(chain, SyncChain)}
        return _Faceting(plain, run) if len(plain) == len(chains) else _FacetingAsync(chains, run)

    @override
    def describe(self) -> str:
        return f"$facet {', '.join(self.facets)}"


class _Faceting(Runner):
    __slots__ = ("_chains", "_meter", "_results")

    def __init__(self, chains: Mapping[str, SyncChain], run: Run) -> None:
        super().__init__()
        self._chains = chains
        self._results: dict[str, Batch] = {name: [] for name in chains}
        self._meter = run.meter("$facet")
        self.done = all(chain.done for chain in chains.values())

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        wanting = False
        for name, chain in self._chains.items():
            if chain.done:
                continue
            for out in chain.push(batch):
                self._meter.documents(out)
                self._results[name] += out
            wanting = wanting or not chain.done
        self.done = not wanting
        return ()

    @override
    def finish(self) -> Iterable[Batch]:
        for name, chain in self._chains.items():
            for out in chain.finish():
                self._meter.documents(out)
                self._results[name] += out
        document: Document = dict(self._results)
        return ([document],)


class _FacetingAsync(AsyncRunner):
    __slots__ = ("_chains", "_meter", "_results")

    def __init__(self, chains: Mapping[str, SyncChain | AsyncChain], run: Run) -> None:
        super().__init__()
        self._chains = chains
        self._results: dict[str, Batch] = {name: [] for name in chains}
        self._meter = run.meter("$facet")
        self.done = all(chain.done for chain in chains.values())

    @override
    async def push(self, batch: Batch) -> AsyncGenerator[Batch, None]:
        wanting = False
        for name, chain in self._chains.items():
            if not chain.done:
                await self._take(name, chain, batch)
                wanting = wanting or not chain.done
        self.done = not wanting
        return
        yield batch  # what makes this a generator; nothing comes out before the end

    async def _take(self, name: str, chain: SyncChain | AsyncChain, batch: Batch | None) -> None:
        if isinstance(chain, SyncChain):
            for out in chain.finish() if batch is None else chain.push(batch):
                self._keep(name, out)
            return
        async with aclosing(chain.finish() if batch is None else chain.push(batch)) as outputs:
            async for out in outputs:
                self._keep(name, out)

    def _keep(self, name: str, out: Batch) -> None:
        self._meter.documents(out)
        self._results[name] += out

    @override
    async def finish(self) -> AsyncGenerator[Batch, None]:
        for name, chain in self._chains.items():
            await self._take(name, chain, None)
        document: Document = dict(self._results)
        yield [document]


def parse_facet(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$facet``.

    Args:
        specification: Pipelines by name.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a document or empty (40169), a pipeline is not an array (40170) or holds something else
            than stages (40171), a stage is not allowed there (40600), or is not valid.
    """
    if not isinstance(specification, Mapping) or not specification:
        raise fault(40169, f"$facet takes a document of pipelines that is not empty, not {shown(specification)}")
    facets: dict[str, Subpipeline] = {}
    needed: frozenset[str] | None = NOTHING
    for name, pipeline in specification.items():
        if not isinstance(name, str):
            raise fault(40170, f"the names of $facet must be strings, not {shown(name)}")
        check_field_name(name)
        if "." in name:
            raise fault(16412, f"the name {name!r} of a facet may not hold a dot")
        stages = as_list(pipeline)
        if stages is None:
            raise fault(40170, f"the facet {name!r} must be an array of stages, not {shown(pipeline)}")
        for stage in stages:
            if not isinstance(stage, Mapping) or not stage:
                raise fault(40171, f"the facet {name!r} must hold stages, not {shown(stage)}")
        facet = env.pipeline(stages, "$facet")
        facets[str(name)] = facet
        after: frozenset[str] | None = None
        for stage in reversed(facet.stages):
            after = stage.fields.needed(after)
        needed = None if needed is None or after is None else needed | after
    return [Facet(facets, needed)]
