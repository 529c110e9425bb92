"""What ``$merge`` and ``$out`` share: both write at the end, and give nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.stages.base import Batch, Document
from lexigram.nosql.aggregation.stages.parsing import check_collection, known_options, shown
from lexigram.nosql.exceptions import UnsupportedFeatureError
from lexigram.nosql.values.normalise import normalise_document

__all__ = ["namespace", "prepared"]


def namespace(stage: str, specification: Mapping[Any, Any], extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a collection written as a document with ``db`` and ``coll``.

    Args:
        stage: Name of the stage.
        specification: The document.
        extra: Other options that it may hold.

    Returns:
        The options; ``coll`` is checked if it is there.

    Raises:
        PipelineError: An option is unknown (40415) or not a string (14), or ``coll`` is not a name (73).
        UnsupportedFeatureError: ``db`` names a database: a pipeline writes to its own.
    """
    options = known_options(stage, specification, ("db", "coll", *extra))
    for name in ("db", "coll"):
        if name in options and not isinstance(options[name], str):
            raise fault(TYPE_MISMATCH, f"{name!r} of {stage} must be a string, not {shown(options[name])}")
    if options.get("db"):
        raise UnsupportedFeatureError(
            f"{stage} writes to the store's own database",
            hint="Leave 'db' out; to write elsewhere, iterate the pipeline and insert into the other store.",
            feature="other_databases",
        )
    if options.get("coll"):
        check_collection(options["coll"], stage)
    return options


def prepared(batch: Batch) -> list[Document]:
    """Copy documents that are about to be stored, and check that they may be.

    Args:
        batch: What a pipeline made.

    Returns:
        Documents of their own.

    Raises:
        DocumentValidationError: One may not be stored.
    """
    return [normalise_document(document) for document in batch]
