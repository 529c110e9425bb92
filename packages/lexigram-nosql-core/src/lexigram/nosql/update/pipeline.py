"""Updates by pipeline (manual, "Updates with Aggregation Pipeline").

The stages that make one document of one document are allowed: ``$set`` and ``$addFields``, ``$unset``, ``$project``,
``$replaceWith`` and ``$replaceRoot``. What they give is stored as it is, also fields whose names begin with ``$`` or
hold dots; ``_id`` stays.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lexigram.nosql.aggregation.parse import Pipeline, parse_pipeline
from lexigram.nosql.aggregation.stages.registry import TRANSFORMS
from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.apply import Update
from lexigram.nosql.update.array_filters import ArrayFilter
from lexigram.nosql.update.ast import Operation
from lexigram.nosql.update.errors import FAILED_TO_PARSE, INVALID_OPTIONS, fault, show
from lexigram.nosql.update.identical import identical
from lexigram.nosql.update.replacement import check_replacement_id
from lexigram.nosql.update.upsert import id_first, seed_document
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.normalise import normalise_document, normalise_value

__all__ = ["PipelineUpdate", "parse_pipeline_update"]


class PipelineUpdate(Update):
    """An update by pipeline.

    Args:
        pipeline: The stages, compiled.
        stages: The stages as they were written, normalised.
        collation: How text is compared, or None.
    """

    __slots__ = ("_collation", "_pipeline", "_stages")

    is_pipeline: ClassVar[bool] = True

    def __init__(self, pipeline: Pipeline, stages: list[Any], collation: Collation | None) -> None:
        self._pipeline = pipeline
        self._stages = stages
        self._collation = collation

    @property
    def has_positional(self) -> bool:
        """False: a pipeline has no positional operator."""
        return False

    @property
    def operations(self) -> tuple[Operation, ...]:
        """None: a pipeline is not made of operators."""
        return ()

    @property
    def array_filters(self) -> tuple[ArrayFilter, ...]:
        """None: a pipeline takes none."""
        return ()

    @property
    def collation(self) -> Collation | None:
        """How text is compared, or None."""
        return self._collation

    def apply(self, document: dict[str, Any], query: Query | None = None) -> tuple[dict[str, Any], bool]:
        """Compute the new document; see :meth:`Update.apply`."""
        new = check_replacement_id(document, self._transform(document))
        return (document, False) if identical(document, new) else (new, True)

    def build_upsert(self, query: Query) -> dict[str, Any]:
        """Compute the document that an upsert inserts; see :meth:`Update.build_upsert`."""
        document = seed_document(query)
        return id_first(check_replacement_id(document, self._transform(document)))

    def _transform(self, document: dict[str, Any]) -> dict[str, Any]:
        # The copy keeps constants of the pipeline out of the document.
        return normalise_document(self._pipeline.apply_to_document(document))

    def touches(self, path: str) -> bool:
        """True: any stage may change anything."""
        return True

    def to_document(self) -> list[Any]:
        """The stages as MongoDB takes them."""
        stages: list[Any] = copy_value(self._stages)
        return stages


def parse_pipeline_update(stages: Sequence[Any], collation: Collation | None) -> PipelineUpdate:
    """Read an update by pipeline.

    Args:
        stages: The stages.
        collation: How text is compared, or None.

    Returns:
        The update, ready to be applied.

    Raises:
        UpdateError: There are no stages, or one is not allowed in an update.
        PipelineError: A stage is not valid.
    """
    if not stages:
        raise fault(FAILED_TO_PARSE, "the update is empty", hint="for example [{'$set': {'field': 1}}]")
    for stage in stages:
        if not isinstance(stage, Mapping):
            raise fault(FAILED_TO_PARSE, f"a stage of an update is a mapping, not {show(stage)}")
    pipeline = parse_pipeline(stages, collation=collation)
    for stage in stages:
        name = next(iter(stage))
        if name not in TRANSFORMS:
            raise fault(
                INVALID_OPTIONS,
                f"{show(name)} cannot be a stage of an update",
                hint=f"the stages of an update are {', '.join(sorted(TRANSFORMS))}",
            )
    return PipelineUpdate(pipeline, normalise_value(list(stages)), collation)
