"""Errors of the container.

* ContainerError 001
  + DependencyError 002
    - CircularDependencyError 003
    - UnresolvableDependencyError 004
      . ScopedResolutionError 009
  + RegistrationError 005
  + ContainerBuildError 006
    - ContainerValidationError 008
  + ProtocolValidationError 007

Codes are ``LEX_ERR_DI_`` and the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = [
    "CircularDependencyError",
    "ContainerBuildError",
    "ContainerError",
    "ContainerValidationError",
    "DependencyError",
    "ProtocolValidationError",
    "RegistrationError",
    "ScopedResolutionError",
    "UnresolvableDependencyError",
]


class ContainerError(LexigramError):
    """The container was used wrongly."""

    _code: ClassVar[str] = "LEX_ERR_DI_001"


class DependencyError(ContainerError):
    """A dependency could not be provided."""

    _code = "LEX_ERR_DI_002"


class CircularDependencyError(DependencyError):
    """Dependencies need each other in a circle.

    Attributes:
        chain: The names along the circle, the first one again at the end.
    """

    _code = "LEX_ERR_DI_003"

    def __init__(self, message: str | None = None, *args: Any, chain: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.chain: tuple[str, ...] = tuple(chain)


class UnresolvableDependencyError(DependencyError):
    """Nothing is registered that provides this.

    Attributes:
        dependency: Name of what is missing.
        chain: Who needed it, outermost first.
    """

    _code = "LEX_ERR_DI_004"

    def __init__(
        self,
        message: str | None = None,
        dependency: str | None = None,
        *args: Any,
        chain: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.dependency = dependency
        self.chain: tuple[str, ...] = tuple(chain)


class RegistrationError(ContainerError):
    """A registration is not valid, or comes too late."""

    _code = "LEX_ERR_DI_005"


class ContainerBuildError(ContainerError):
    """The container could not be put together."""

    _code = "LEX_ERR_DI_006"


class ProtocolValidationError(ContainerError):
    """An implementation does not have what its protocol asks for.

    Attributes:
        missing: Names of the members it lacks.
    """

    _code = "LEX_ERR_DI_007"

    def __init__(self, message: str | None = None, *args: Any, missing: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.missing: tuple[str, ...] = tuple(missing)


class ContainerValidationError(ContainerBuildError):
    """The graph of dependencies has faults; all of them are listed.

    Attributes:
        issues: One sentence for each fault.
    """

    _code = "LEX_ERR_DI_008"

    def __init__(self, message: str | None = None, *args: Any, issues: Sequence[str] = (), **kwargs: Any) -> None:
        if message is None and issues:
            message = "\n".join([f"{len(issues)} faults in the graph of dependencies:", *(f"- {i}" for i in issues)])
        super().__init__(message, *args, **kwargs)
        self.issues: tuple[str, ...] = tuple(issues)


class ScopedResolutionError(UnresolvableDependencyError):
    """Something that lives in a scope was asked for outside of one."""

    _code = "LEX_ERR_DI_009"
