"""Specifications: a condition on objects, as an object that combines with others."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["SpecificationProtocol"]

T_contra = TypeVar("T_contra", contravariant=True)


@runtime_checkable
class SpecificationProtocol(Protocol[T_contra]):
    """A condition that candidates meet or not. The filter expressions of the data layer are specifications too."""

    def is_satisfied_by(self, candidate: T_contra, /) -> bool:
        """True when *candidate* meets the condition."""
        ...

    def __and__(self, other: Any, /) -> SpecificationProtocol[T_contra]: ...
    def __or__(self, other: Any, /) -> SpecificationProtocol[T_contra]: ...
    def __invert__(self) -> SpecificationProtocol[T_contra]: ...
