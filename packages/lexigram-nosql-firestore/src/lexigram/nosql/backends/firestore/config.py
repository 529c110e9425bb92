"""The ``firestore:`` section of the configuration.

``project_id``, ``credentials_json`` and ``database_id`` are the settings that Lexigram documents; the others are named
after what they set in Google's client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit

from lexigram.config import ConfigurationError
from lexigram.config.secrets import Secret
from lexigram.nosql.backend import BackendConfig
from pydantic import Field, SecretStr, field_validator, model_validator

__all__ = ["FirestoreConfig"]

_SCHEME = "firestore"


class FirestoreConfig(BackendConfig):
    """How to reach a Firestore database, and how to behave there.

    Times are in milliseconds where the name ends in ``_ms``.

    Attributes:
        project_id: The Google Cloud project.
        credentials_json: Credentials of a service account, a user, or a workload elsewhere: path of the JSON file, its
            text, or its content as a mapping. Missing means the environment's own (Application Default Credentials).
            Masked wherever the configuration is shown.
        database_id: The database of the project.
        emulator_host: ``host:port`` of Google's emulator, which is then talked to without encryption and credentials.
            Missing means what the environment variable ``FIRESTORE_EMULATOR_HOST`` says, if it is set.
        endpoint: ``host:port`` of the service; missing for Google's own. For regional and private endpoints.
        quota_project_id: The project that requests are billed to, where that is another one.
        connect_timeout_ms: How long the first answer may take when the store is connected.
        timeout_ms: How long one request may take, its repetitions included. A call's own time limit, and
            ``operation_timeout``, come before it.
        query_timeout_ms: How long one query may take until its last document has been read.
        retry_attempts: How often a request is sent in all when the service is busy or cannot be reached; 1 for once.
        retry_initial_ms: Longest wait before the first repetition.
        retry_max_ms: Longest wait before any repetition.
        retry_multiplier: By how much the wait grows with each repetition.
        commit_attempts: How often a commit is sent in all while others hold the same documents.
        max_writes: Most writes in one commit; the rest of a batch goes in further ones.
        keepalive_ms: How often an idle connection is asked for a sign of life; missing for never.
        index_refresh_ms: How old what is known of the database's indexes may be when something is written. Making a
            unique or expiring index, and dropping a unique one, wait twice as long, so that every process knows of it.
        fields: What the fields of a collection hold, by collection and dotted path; see
            :mod:`~lexigram.nosql.backends.firestore.planning.hints`.
        index_recording: File to which the shapes of queries are written that need a composite index, for ``lexigram
            nosql indexes``; missing for none.
    """

    connection_settings: ClassVar[Mapping[str, str | None]] = {"database_name": "database_id", "url": "project_id"}

    project_id: str = Field(min_length=1)
    credentials_json: Annotated[SecretStr | None, Secret()] = None
    database_id: str = Field(default="(default)", min_length=1, max_length=63)

    emulator_host: str | None = None
    endpoint: str | None = None
    quota_project_id: str | None = None
    connect_timeout_ms: int = Field(default=10_000, ge=100)
    timeout_ms: int = Field(default=60_000, ge=1)
    query_timeout_ms: int = Field(default=300_000, ge=1)
    retry_attempts: int = Field(default=5, ge=1)
    retry_initial_ms: int = Field(default=100, ge=1)
    retry_max_ms: int = Field(default=5_000, ge=1)
    retry_multiplier: float = Field(default=2.0, ge=1.0)
    commit_attempts: int = Field(default=8, ge=1)
    max_writes: int = Field(default=500, ge=1, le=500)
    keepalive_ms: int | None = Field(default=30_000, ge=1_000)
    index_refresh_ms: int = Field(default=5_000, ge=0)
    fields: dict[str, dict[str, str]] = Field(default_factory=dict[str, dict[str, str]])
    index_recording: Path | None = None

    @field_validator("credentials_json", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        """Take a mapping for its JSON text."""
        if isinstance(given, Mapping):
            return json.dumps({str(name): _plain(value) for name, value in given.items()})  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return given

    @field_validator("credentials_json")
    @classmethod
    def _is_given(cls, given: SecretStr | None) -> SecretStr | None:
        """Take an empty text, which a variable of the environment may be, for none."""
        return given if given is not None and given.get_secret_value().strip() else None

    @field_validator("project_id", "database_id")
    @classmethod
    def _is_a_segment(cls, name: str) -> str:
        if "/" in name or name.strip() != name:
            raise ValueError("names of projects and databases hold no slashes and no spaces around them")
        return name

    @field_validator("emulator_host", "endpoint")
    @classmethod
    def _is_a_place(cls, place: str | None) -> str | None:
        if place is not None and ("/" in place or not place.strip()):
            raise ValueError("write host:port, without a scheme")
        return place

    @field_validator("fields")
    @classmethod
    def _are_hints(cls, hints: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        from lexigram.nosql.backends.firestore.planning.hints import parse_hints

        parse_hints(hints)
        return hints

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.emulator_host is not None and self.endpoint is not None:
            raise ValueError("emulator_host and endpoint cannot both be given")
        if self.retry_initial_ms > self.retry_max_ms:
            raise ValueError(
                f"retry_initial_ms is {self.retry_initial_ms}, more than retry_max_ms, {self.retry_max_ms}"
            )
        return self

    @classmethod
    def from_connection(
        cls,
        url: str | SecretStr | None,
        database_name: str | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        where: Any = (),
    ) -> Self:
        """The section that a named connection means.

        Args:
            url: ``firestore://project``, ``firestore://project/database``, or ``firestore://host:port/project`` with
                ``?emulator=true``; a plain text is the project.
            database_name: The database.
            options: Further settings, under their names here.
            where: Where the connection stands in the configuration, for messages.

        Raises:
            ConfigurationError: The URL says something else, or a setting is given twice or does not fit.
        """
        text = url.get_secret_value() if isinstance(url, SecretStr) else url
        if text is None or "://" not in text:
            return super().from_connection(text, database_name, options, where=where)
        parts = urlsplit(text)
        segments = [unquote(segment) for segment in parts.path.split("/") if segment]
        emulator = parse_qs(parts.query).get("emulator", ["false"])[-1].lower() == "true"
        names = segments if emulator else [unquote(parts.netloc), *segments]
        if parts.scheme != _SCHEME or not 1 <= len(names) <= 2 or parts.username or parts.password:
            raise ConfigurationError(
                "the URL of a Firestore database is firestore://project or firestore://project/database",
                key=".".join((*where, "url")),
                hint="For the emulator: firestore://host:port/project?emulator=true. Credentials: credentials_json.",
            )
        given = dict(options or {})
        if emulator:
            given.setdefault("emulator_host", parts.netloc)
        if len(names) == 2:
            if database_name is not None or "database_id" in given:
                raise ConfigurationError("the database stands in the URL and beside it", key=".".join((*where, "url")))
            database_name = names[1]
        return super().from_connection(names[0], database_name, given, where=where)


def _plain(value: Any) -> Any:
    """A value of a mapping of credentials, secrets taken out of their wrappers."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value
