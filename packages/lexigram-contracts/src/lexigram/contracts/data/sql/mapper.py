"""Mappers between two forms of the same thing, such as a row and an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

__all__ = ["DataMapperProtocol", "ReadOnlyMapperProtocol"]

S = TypeVar("S")
T = TypeVar("T")
S_contra = TypeVar("S_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)


@runtime_checkable
class ReadOnlyMapperProtocol(Protocol[S_contra, T_co]):
    """Turns sources into targets."""

    def to_target(self, source: S_contra, /) -> T_co:
        """The target of one source."""
        ...

    def to_target_batch(self, sources: Sequence[S_contra], /) -> Sequence[T_co]:
        """The targets of several sources, in order."""
        ...


@runtime_checkable
class DataMapperProtocol(ReadOnlyMapperProtocol[S, T], Protocol[S, T]):
    """Turns sources into targets, and back."""

    def to_source(self, target: T, /) -> S:
        """The source of one target."""
        ...

    def to_source_batch(self, targets: Sequence[T], /) -> Sequence[S]:
        """The sources of several targets, in order."""
        ...
