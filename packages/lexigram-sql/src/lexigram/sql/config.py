"""The ``sql:`` section of the configuration; ``database:`` and ``db:`` are the same section under other names.

Flat, for one database::

    sql:
      url: "${DATABASE_URL:sqlite:///data.db}"
      pool_size: 20
      echo: false

Nested, for the same with every setting in its place::

    sql:
      backend: {url: "${DATABASE_URL}"}
      pool: {min_size: 2, max_size: 20, acquire_timeout: 10s}
      operations: {statement_timeout: 30s, slow_query_threshold: 500ms}
      tls: {mode: verify-full, ca_file: /etc/ssl/ca.pem}

Several, of which one is primary and also receives the unnamed binding::

    sql:
      backends:
        - {name: main, primary: true, backend: {url: "${DATABASE_URL}"}}
        - {name: analytics, url: "postgresql://reports@warehouse/analytics", pool_size: 4}

Times are seconds, or text such as ``30s``, ``5m`` and ``1h``. Environment variables are ``LEX_SQL__URL``,
``LEX_SQL__POOL__MAX_SIZE``, ``LEX_SQL__BACKENDS__0__NAME`` and so on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from lexigram.config import BaseConfig
from lexigram.contracts.core.clock import Duration
from lexigram.contracts.core.config import ConfigIssue, Environment
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.constants import (
    DEFAULT_COMMAND_TIMEOUT,
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_CURSOR_SIZE,
    DEFAULT_PAGE_SIZE,
    DEFAULT_POOL_MAX_SIZE,
    DEFAULT_POOL_MIN_SIZE,
    DEFAULT_POOL_TIMEOUT,
    ENV_PREFIX,
    MAX_PAGE_SIZE,
)
from lexigram.sql.url import DatabaseUrl, parse_url
from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, field_validator, model_validator

__all__ = [
    "SECTIONS",
    "BackendConfig",
    "DataConfig",
    "DatabaseConfig",
    "DatabasePoolConfig",
    "NamedDatabaseConfig",
    "OperationsConfig",
    "PoolConfig",
    "SQLiteConfig",
    "TlsConfig",
    "refuse_weak_password",
]

SECTIONS = ("sql", "database", "db")
"""The names that the section may have, the first being the usual one."""

Span = Annotated[Duration, BeforeValidator(Duration.parse), PlainSerializer(str)]

_WEAK = frozenset({"password", "123456", "postgres", "root", "admin", "changeme"})

# The flat settings, and where each belongs.
_FLAT = {
    "url": ("backend", "url"),
    "connect_timeout": ("backend", "connect_timeout"),
    "pool_min_size": ("pool", "min_size"),
    "pool_size": ("pool", "max_size"),
    "pool_max_size": ("pool", "max_size"),
    "max_overflow": ("pool", "max_overflow"),
    "pool_timeout": ("pool", "acquire_timeout"),
    "pool_recycle": ("pool", "max_lifetime"),
    "pool_idle_timeout": ("pool", "idle_timeout"),
    "echo": ("operations", "echo"),
    "statement_timeout": ("operations", "statement_timeout"),
}
# Two documented names for one idea within the pool.
_POOL_ALIASES = {"timeout": "acquire_timeout", "recycle": "max_lifetime"}


class BackendConfig(BaseConfig):
    """Where the database is.

    Attributes:
        url: Its URL; see :mod:`lexigram.sql.url`. Secret, since it may hold a password.
        connect_timeout: How long opening a connection may take.
    """

    url: SecretStr = SecretStr("sqlite:///data.db")
    connect_timeout: Span = Duration.seconds(DEFAULT_CONNECT_TIMEOUT)

    @field_validator("url")
    @classmethod
    def _readable(cls, url: SecretStr) -> SecretStr:
        try:
            parse_url(url)
        except ConfigurationError as error:
            raise ValueError(f"{error.message}. {error.hint or ''}".strip()) from None
        return url

    @property
    def parsed(self) -> DatabaseUrl:
        """The URL, taken apart."""
        return parse_url(self.url)


class DatabasePoolConfig(BaseConfig):
    """The connections that are kept open and lent.

    Attributes:
        min_size: How many are opened at the start, and kept.
        max_size: How many are kept at most.
        max_overflow: How many more may be opened while all are lent; they are closed when they come back.
        acquire_timeout: How long a caller waits for one (``timeout`` is the same setting).
        idle_timeout: How long one beyond ``min_size`` stays open without use; 0 for ever.
        max_lifetime: Age at which one is replaced when it comes back (``recycle`` is the same setting); 0 for ever.
    """

    min_size: int = Field(default=DEFAULT_POOL_MIN_SIZE, ge=0)
    max_size: int = Field(default=DEFAULT_POOL_MAX_SIZE, ge=1)
    max_overflow: int = Field(default=5, ge=0)
    acquire_timeout: Span = Duration.seconds(DEFAULT_POOL_TIMEOUT)
    idle_timeout: Span = Duration.minutes(5)
    max_lifetime: Span = Duration.hours(1)

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        settings = dict(cast("Mapping[str, Any]", given))
        for alias, name in _POOL_ALIASES.items():
            if alias in settings:
                if name in settings:
                    raise ValueError(f"{alias!r} and {name!r} are the same setting; give one of them")
                settings[name] = settings.pop(alias)
        return settings

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError(f"min_size ({self.min_size}) is more than max_size ({self.max_size})")
        return self


PoolConfig = DatabasePoolConfig
"""The same by its other documented name."""


class OperationsConfig(BaseConfig):
    """How statements run, and what is noted of them.

    Attributes:
        echo: True logs every statement with its time, as ``INFO`` of ``lexigram.sql.queries``.
        statement_timeout: How long a statement may take when the call does not say; 0 for no limit.
        slow_query_threshold: A statement that takes as long as this is always logged.
        log_sample_rate: The share of the other statements that a query logger keeps, 0 to 1.
        mask_columns: Words; a value whose column or parameter name contains one is masked in logs and errors.
    """

    echo: bool = False
    statement_timeout: Span = Duration.seconds(DEFAULT_COMMAND_TIMEOUT)
    slow_query_threshold: Span = Duration.seconds(1)
    log_sample_rate: float = Field(default=1.0, ge=0, le=1)
    mask_columns: frozenset[str] = frozenset(
        {"password", "passwd", "secret", "token", "api_key", "apikey", "authorization", "credential", "ssn", "card"}
    )


class TlsConfig(BaseConfig):
    """How the connection to a server is encrypted. SQLite ignores it, having no connection.

    Attributes:
        mode: As PostgreSQL's ``sslmode`` (libpq, 34.19): ``disable``, ``prefer`` (when the server can), ``require``
            (without checking who answers), ``verify-ca`` or ``verify-full`` (the certificate, and its host name).
        ca_file: The authorities that are trusted, as PEM; the system's when missing.
        cert_file: The client's certificate, as PEM.
        key_file: Its key, as PEM.
        key_password: What opens the key.
    """

    mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretStr | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file needs cert_file")
        return self


class SQLiteConfig(BaseConfig):
    """What only SQLite has.

    Attributes:
        busy_timeout: How long a statement waits for another process that has locked the file.
        journal_mode: ``wal`` lets readers and a writer work at the same time; files on network disks need ``delete``.
        synchronous: How hard the file is pressed onto the disk; ``normal`` is safe with ``wal``.
        foreign_keys: False switches off the checking of foreign keys.
    """

    busy_timeout: Span = Duration.seconds(5)
    journal_mode: Literal["wal", "delete", "truncate", "persist", "memory"] = "wal"
    synchronous: Literal["off", "normal", "full", "extra"] = "normal"
    foreign_keys: bool = True


class DataConfig(BaseConfig):
    """How long pages are.

    Attributes:
        default_page_size: Rows in a page when the caller does not say.
        max_page_size: Most rows that a caller may ask for.
        default_cursor_size: Rows of a keyset page when the caller does not say.
    """

    default_page_size: int = Field(default=DEFAULT_PAGE_SIZE, ge=1)
    max_page_size: int = Field(default=MAX_PAGE_SIZE, ge=1)
    default_cursor_size: int = Field(default=DEFAULT_CURSOR_SIZE, ge=1)


class _Database(BaseConfig):
    """What one database's configuration has."""

    backend: BackendConfig = Field(default_factory=BackendConfig)
    pool: DatabasePoolConfig = Field(default_factory=DatabasePoolConfig)
    operations: OperationsConfig = Field(default_factory=OperationsConfig)
    tls: TlsConfig = Field(default_factory=TlsConfig)
    sqlite: SQLiteConfig = Field(default_factory=SQLiteConfig)

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, given: Any) -> Any:
        """Put flat settings where they belong."""
        if not isinstance(given, Mapping):
            return given
        settings = dict(cast("Mapping[str, Any]", given))
        if isinstance(settings.get("backend"), str | SecretStr):
            settings["backend"] = {"url": settings["backend"]}
        for flat, (section, name) in _FLAT.items():
            if flat not in settings:
                continue
            value = settings.pop(flat)
            inner = settings.get(section)
            inner = inner.model_dump(exclude_unset=True) if isinstance(inner, BaseConfig) else dict(inner or {})
            aliases = {name, *(alias for alias, of in _POOL_ALIASES.items() if section == "pool" and of == name)}
            if aliases & inner.keys():
                raise ValueError(f"{flat!r} and {section}.{name} are the same setting; give one of them")
            settings[section] = {**inner, name: value}
        return settings

    @property
    def url(self) -> DatabaseUrl:
        """The URL, taken apart; its text hides the password."""
        return self.backend.parsed


class NamedDatabaseConfig(_Database):
    """One of several databases.

    Attributes:
        name: What ``Named(name)`` calls it.
        primary: True for the one that also receives the unnamed binding.
    """

    name: str = Field(min_length=1)
    primary: bool = False
    pool: DatabasePoolConfig = Field(default_factory=lambda: DatabasePoolConfig(min_size=2))

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if "backend" not in self.model_fields_set:
            raise ValueError(f"the database {self.name!r} has no url")
        return self


class DatabaseConfig(_Database):
    """The whole section.

    Attributes:
        name: Name of the database in logs and health checks.
        enabled: False binds no database at all.
        data: How long pages are.
        backends: Several named databases instead of one.
    """

    config_section: ClassVar[str] = "sql"

    name: str = Field(default="database", min_length=1)
    enabled: bool = True
    data: DataConfig = Field(default_factory=DataConfig)
    backends: list[NamedDatabaseConfig] = Field(default_factory=list[NamedDatabaseConfig])

    @model_validator(mode="after")
    def _one_primary(self) -> Self:
        if not self.backends:
            return self
        if self.model_fields_set & {"backend", "pool", "tls", "sqlite", "operations"}:
            raise ValueError("`backends` names the databases, so the settings of a single one do not stand beside it")
        names = [entry.name for entry in self.backends]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two databases have the name {doubled[0]!r}")
        primary = [entry.name for entry in self.backends if entry.primary]
        if len(primary) != 1 and len(names) > 1:
            found = "none has" if not primary else f"{' and '.join(map(repr, primary))} have"
            raise ValueError(f"exactly one of the databases must have `primary: true`, {found}")
        return self

    @classmethod
    def from_url(cls, url: str, name: str = "database") -> Self:
        """The defaults, with a URL."""
        return cls.model_validate({"name": name, "backend": {"url": url}})

    @classmethod
    def from_env(cls, prefix: str = ENV_PREFIX) -> Self:
        """The settings of environment variables alone, such as ``LEX_SQL__POOL__MAX_SIZE``; no file is read.

        Args:
            prefix: What they begin with. The rest is the path of a setting, its parts joined by two underscores.

        Raises:
            ConfigurationError: A variable names no setting, or its value does not fit.
        """
        found: dict[str, Any] = {}
        for name, value in sorted(os.environ.items()):
            if not name.upper().startswith(prefix.upper()):
                continue
            *sections, last = name[len(prefix) :].lower().split("__")
            place = found
            for section in sections:
                inner = place.setdefault(section, {})
                if not isinstance(inner, dict):
                    raise ConfigurationError(f"{name} and the variable of its section exclude each other")
                place = cast("dict[str, Any]", inner)
            if isinstance(place.get(last), dict):
                raise ConfigurationError(f"{name} and the variables of its settings exclude each other")
            place[last] = value
        return cls.from_dict({name: _listed(value) for name, value in found.items()})

    @classmethod
    def from_named(cls, entry: NamedDatabaseConfig, base: DatabaseConfig | None = None) -> Self:
        """The configuration of a single database, made of one entry.

        Args:
            entry: The entry.
            base: Where ``enabled`` and ``data`` are taken from.
        """
        base = base or cls()
        return cls(
            name=entry.name,
            enabled=base.enabled,
            data=base.data,
            backend=entry.backend,
            pool=entry.pool,
            operations=entry.operations,
            tls=entry.tls,
            sqlite=entry.sqlite,
        )

    def entries(self) -> Iterator[tuple[str, bool, DatabaseConfig]]:
        """Name, whether it is primary, and configuration of each database."""
        if not self.backends:
            yield self.name, True, self
            return
        for entry in self.backends:
            yield entry.name, entry.primary or len(self.backends) == 1, self.from_named(entry, self)

    def validate_for_environment(self, env: Environment | None = None) -> list[ConfigIssue]:
        """What must not be in this environment: well-known passwords in production.

        Args:
            env: The environment; the one of the process if not given.
        """
        issues = super().validate_for_environment(env)
        if (env or Environment.from_env()) is Environment.PRODUCTION:
            issues += [
                ConfigIssue(
                    f"the database {name!r} has a well-known password",
                    key="backend.url",
                    severity="error",
                    hint="Give it a password of its own, through a variable or a secret.",
                )
                for name, _, entry in self.entries()
                if _is_weak(entry.url)
            ]
        return issues


def _listed(value: Any) -> Any:
    """A mapping whose keys are 0, 1, … as a list."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in cast("dict[str, Any]", value).items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _is_weak(url: DatabaseUrl) -> bool:
    return url.password is not None and url.password.get_secret_value().lower() in _WEAK


def refuse_weak_password(url: DatabaseUrl, name: str, env: Environment | None = None) -> None:
    """Refuse a well-known password in production.

    Args:
        url: The database's URL.
        name: Its name, for the message.
        env: The environment; the one of the process if not given.

    Raises:
        ConfigurationError: This is production, and the password is one that everybody tries first.
    """
    if (env or Environment.from_env()) is Environment.PRODUCTION and _is_weak(url):
        raise ConfigurationError(
            f"the database {name!r} has a well-known password",
            hint='Give it a password of its own, through a variable or a secret: url: "${DATABASE_URL}".',
            key="sql.backend.url",
        )
