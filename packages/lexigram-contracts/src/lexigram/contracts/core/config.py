"""What code may ask of the configuration, and how faults in it are told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol, Self, TypeVar, overload, runtime_checkable

from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["ConfigIssue", "ConfigProtocol", "Environment"]

M = TypeVar("M")

_ALIASES = {"dev": "development", "test": "testing", "stage": "staging", "prod": "production"}


class Environment(StrEnum):
    """What the application runs for."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name, in any case; ``dev``, ``test``, ``stage`` and ``prod`` are understood.

        Raises:
            ConfigurationError: There is no environment of this name.
        """
        name = text.strip().lower()
        try:
            return cls(_ALIASES.get(name, name))
        except ValueError as error:
            raise ConfigurationError(
                f"unknown environment {text!r}", hint=f"Use one of: {', '.join(cls)}.", key="env"
            ) from error

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read ``LEX_ENV``, else ``APP_ENV``; ``development`` when neither is set.

        Raises:
            ConfigurationError: The variable holds no known name.
        """
        source = os.environ if environ is None else environ
        return cls.parse(source.get("LEX_ENV") or source.get("APP_ENV") or cls.DEVELOPMENT)


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """A fault, or something doubtful, in a configuration that can be read.

    Attributes:
        message: What is wrong, for a person.
        key: Dotted path of the setting concerned; None when it is the whole.
        severity: ``error`` keeps the application from starting; ``warning`` and ``info`` do not.
        hint: What to do about it.
    """

    message: str
    key: str | None = None
    severity: Literal["error", "warning", "info"] = "warning"
    hint: str | None = None


@runtime_checkable
class ConfigProtocol(Protocol):
    """The configuration as the application holds it."""

    @property
    def environment(self) -> Environment:
        """What the application runs for."""
        ...

    @overload
    def get_section(self, name: str) -> dict[str, Any]: ...
    @overload
    def get_section(self, name: str, model_cls: type[M]) -> M: ...
    def get_section(self, name: str, model_cls: type[Any] | None = None) -> Any:
        """A section by its (dotted) name: as plain data, or read into *model_cls*; a missing one gives the defaults."""
        ...

    def has_section(self, name: str) -> bool:
        """True when the section is there."""
        ...

    def get(self, key: str, default: Any = None) -> Any:
        """A single value by its dotted path."""
        ...

    def to_dict(self, redact_secrets: bool = True) -> dict[str, Any]:
        """The whole as plain data, secrets masked unless asked otherwise."""
        ...
