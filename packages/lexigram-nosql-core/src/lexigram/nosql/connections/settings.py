"""The ``database`` section of a configuration, as far as it speaks of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from lexigram.config import BaseConfig, Secret, unknown_keys
from lexigram.credentials import Credential
from lexigram.suggestions import did_you_mean
from pydantic import ConfigDict, Field, field_validator, model_validator

__all__ = ["ConnectionSettings", "DatabaseSettings", "ProviderSettings"]


class ProviderSettings(BaseConfig):
    """Where a connection leads. Every other key is a setting of the backend, under the backend's own name for it.

    Attributes:
        url: Where the database is, with its credentials: a text, with or without ``${secret:NAME}`` in it, or
            ``{ secret = "NAME" }``. In code also a function that gives it.
        database_name: The database there.
    """

    model_config = ConfigDict(extra="allow")

    url: Annotated[Credential | None, Secret()] = None
    database_name: str | None = Field(default=None, min_length=1)

    @property
    def options(self) -> Mapping[str, Any]:
        """The settings of the backend."""
        return dict(self.model_extra or {})


class ConnectionSettings(BaseConfig):
    """One connection.

    Attributes:
        enabled: False leaves it out; asking for it is an error that says so.
        backend: What it is made of: a name in the registry, such as ``mongodb`` or ``local``.
        provider: Where it leads.
        start_timeout: Seconds that connecting may take; None for no limit but the backend's own.
        drain_timeout: Seconds that operations which run on a connection have to finish when another replaces it.
    """

    enabled: bool = True
    backend: str = Field(min_length=1)
    provider: ProviderSettings = Field(default_factory=ProviderSettings)
    start_timeout: float | None = Field(default=None, gt=0)
    drain_timeout: float = Field(default=10.0, ge=0)


class DatabaseSettings(BaseConfig):
    """The section. Keys for other kinds of databases may stand beside these; one that looks like a slip is refused.

    Attributes:
        default_document_connection: The connection that is meant when no name is given. Needed where there are several
            and none is called ``default``.
        documents: The connections by name.
    """

    model_config = ConfigDict(extra="allow")

    config_section: ClassVar[str] = "database"

    default_document_connection: str | None = None
    documents: dict[str, ConnectionSettings] = Field(default_factory=dict[str, ConnectionSettings])

    @field_validator("documents", mode="before")
    @classmethod
    def _no_section(cls, given: Any) -> Any:
        return {} if given is None else given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        slips = {key: did_you_mean(key, type(self).model_fields) for key in self.model_extra or {}}
        if any(slips.values()):
            raise unknown_keys(type(self), {key: suggestion for key, suggestion in slips.items() if suggestion})
        default = self.default_document_connection
        if default is not None and default not in self.documents:
            known = ", ".join(self.documents) or "none"
            raise ValueError(
                f"default_document_connection names {default!r}, which is no connection"
                f"{did_you_mean(default, self.documents)}; there are: {known}"
            )
        return self

    @property
    def default_name(self) -> str | None:
        """The connection that is meant when no name is given, or None where that is not clear."""
        if self.default_document_connection is not None:
            return self.default_document_connection
        if len(self.documents) == 1:
            return next(iter(self.documents))
        return "default" if "default" in self.documents else None
