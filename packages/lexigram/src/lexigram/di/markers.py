"""What is written beside a type to say which of several services is meant, or that none is fine too.

``Annotated[P, Named("analytics")]`` asks for the service registered with ``name="analytics"``; the bare string in
``Annotated[P, "analytics"]`` means the same. :class:`Qualifier` is a name that is not a string, such as a member of
an enum. :func:`named` and :class:`Inject` stand where the default value stands, for those who prefer that place::

    def __init__(self, store: DocumentStoreProtocol = named("analytics")) -> None: ...

:class:`OptionalDep` gives what to use when nothing is registered. ``P | None`` and an ordinary default value do so as
well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

__all__ = ["MISSING", "Inject", "Missing", "Named", "OptionalDep", "Qualifier", "named"]


class Missing(Enum):
    """The type of :data:`MISSING`; an enum, so that type checkers can tell it from a value."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""No value at all, where None is one."""


@dataclass(frozen=True, slots=True)
class Named:
    """Asks for the service registered under this name.

    Attributes:
        name: The name, as given to ``singleton(..., name=...)`` or in the configuration.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Qualifier:
    """Asks for the service registered under the name that this value stands for.

    Attributes:
        value: A string, or a member of an enum, whose value is used.
    """

    value: Any

    @property
    def name(self) -> str:
        """The name that the value stands for."""
        return str(self.value.value if isinstance(self.value, Enum) else self.value)


@dataclass(frozen=True, slots=True)
class OptionalDep:
    """Says that the service may be absent; stands in ``Annotated`` or in the place of the default value.

    Attributes:
        default: What to use in its place.
    """

    default: Any = None


@dataclass(frozen=True, slots=True)
class Inject:
    """Asks for injection explicitly; stands in ``Annotated`` or in the place of the default value.

    Attributes:
        name: The name, if a named service is meant.
        default: What to use when nothing is registered; without it that is an error.
    """

    name: str | None = None
    default: Any = MISSING


def named(name: str) -> Any:
    """Ask for a named service in the place of a default value.

    Args:
        name: The name.

    Returns:
        An :class:`Inject`, typed so that it may stand as the default of any parameter.
    """
    return Inject(name=name)
