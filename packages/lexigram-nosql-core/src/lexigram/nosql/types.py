"""Names for the shapes of documents, filters and pipelines."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = [
    "DocumentDict",
    "FilterDict",
    "Pipeline",
    "PipelineStage",
    "ProjectionDict",
    "SortSpec",
    "UpdateDict",
]

DocumentDict: TypeAlias = dict[str, Any]
FilterDict: TypeAlias = dict[str, Any]
UpdateDict: TypeAlias = dict[str, Any]
ProjectionDict: TypeAlias = dict[str, Any]
SortSpec: TypeAlias = list[tuple[str, int]]
PipelineStage: TypeAlias = dict[str, Any]
Pipeline: TypeAlias = list[PipelineStage]
