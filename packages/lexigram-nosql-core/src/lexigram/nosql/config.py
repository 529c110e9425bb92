"""The ``nosql:`` section of the configuration.

One backend::

    nosql:
      driver: mongodb
      mongodb:
        uri: "${MONGODB_URI:mongodb://localhost:27017}"

Several, of which one is primary and also receives the unnamed binding::

    nosql:
      backends:
        - name: main
          primary: true
          driver: mongodb
          mongodb: {uri: "${MONGODB_URI}"}
        - name: analytics
          driver: dynamodb
          dynamodb: {region: eu-central-1}

A backend's section is named as its driver and validated by the model in its
:class:`~lexigram.nosql.backend.BackendSpec`, so a third party's driver needs no change here. Environment variables are
``LEX_NOSQL__DRIVER``, ``LEX_NOSQL__MONGODB__URI``, ``LEX_NOSQL__BACKENDS__0__NAME`` and so on.

``MongoDBConfig``, ``DynamoDBConfig`` and ``FirestoreConfig`` can be imported from here when the distribution that owns
them is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar, Self

from lexigram.config import BaseConfig, unknown_keys
from lexigram.nosql.backend import BACKENDS, BackendConfig, BackendSpec
from lexigram.suggestions import did_you_mean
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["NamedNoSQLConfig", "NoSQLConfig"]

_OWNERS = {
    "MongoDBConfig": ("mongodb", "lexigram.nosql.backends.mongodb.config"),
    "DynamoDBConfig": ("dynamodb", "lexigram.nosql.backends.dynamodb.config"),
    "FirestoreConfig": ("firestore", "lexigram.nosql.backends.firestore.config"),
}


class _Driven(BaseConfig):
    """What one backend's configuration has: the driver's name, and its section beside it."""

    model_config = ConfigDict(extra="allow")

    driver: str = "mongodb"

    @classmethod
    def extra_models(cls, given: Mapping[str, Any]) -> Mapping[str, type[BaseModel]]:
        """The models of the backends' sections, by the name of the driver."""
        sections = [name for name in given if name not in cls.model_fields]
        # Without a section nobody has to be looked for, so that a model can be made where files may not be read.
        installed = BACKENDS.names() if sections else ()
        return {name: BACKENDS.load(name).config for name in sections if name in installed}

    @model_validator(mode="after")
    def _only_sections(self) -> Self:
        if not self.model_extra:
            return self
        known = {self.driver, *BACKENDS.names(), *(name for name, _ in _OWNERS.values())}
        unknown = [
            key
            for key, value in self.model_extra.items()
            if key not in known or not (value is None or isinstance(value, Mapping | BackendConfig))
        ]
        if unknown:
            names = {*type(self).model_fields, *known}
            installed = f"; neither a setting nor an installed backend: {', '.join(BACKENDS.names())}"
            raise unknown_keys(type(self), {key: did_you_mean(key, names) or installed for key in unknown})
        return self

    def backend(self) -> tuple[BackendSpec, BackendConfig]:
        """The backend that ``driver`` names, and its section, validated.

        Returns:
            The backend and its settings; the model's defaults where the section is missing.

        Raises:
            PluginError: No installed distribution offers the driver, or it cannot be used.
            ConfigurationError: The section is not valid.
        """
        spec = BACKENDS.load(self.driver)
        section = (self.model_extra or {}).get(self.driver)
        return spec, section if isinstance(section, spec.config) else spec.config.from_dict(section or {})


class NamedNoSQLConfig(_Driven):
    """One of several backends.

    Attributes:
        name: What ``Named(name)`` and ``--store`` call it.
        primary: True for the one that also receives the unnamed binding.
        driver: Name of the backend; its section stands beside it.
    """

    name: str = Field(min_length=1)
    primary: bool = False


class NoSQLConfig(_Driven):
    """The whole section.

    Attributes:
        enabled: False binds no store at all.
        driver: Name of the backend; its section stands beside it.
        backends: Several named backends instead of one.
    """

    config_section: ClassVar[str] = "nosql"

    enabled: bool = True
    backends: list[NamedNoSQLConfig] = Field(default_factory=list[NamedNoSQLConfig])

    @model_validator(mode="after")
    def _one_primary(self) -> Self:
        if not self.backends:
            return self
        if "driver" in self.model_fields_set or self.model_extra:
            raise ValueError(
                "`backends` names the drivers, so neither `driver` nor a backend's section stands beside it"
            )
        names = [entry.name for entry in self.backends]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two backends have the name {doubled[0]!r}")
        primary = [entry.name for entry in self.backends if entry.primary]
        if len(primary) != 1 and len(names) > 1:
            found = "none has" if not primary else f"{' and '.join(map(repr, primary))} have"
            raise ValueError(f"exactly one of the backends must have `primary: true`, {found}")
        return self

    @classmethod
    def from_named(cls, entry: NamedNoSQLConfig, base: NoSQLConfig | None = None) -> NoSQLConfig:
        """The configuration of a single backend, made of one entry.

        Args:
            entry: The entry.
            base: Where ``enabled`` is taken from.
        """
        enabled = base.enabled if base is not None else True
        return cls(enabled=enabled, driver=entry.driver, **(entry.model_extra or {}))

    def entries(self) -> Iterator[tuple[str, bool, _Driven]]:
        """Name, whether it is primary, and settings of each backend."""
        if not self.backends:
            yield "default", True, self
            return
        for entry in self.backends:
            yield entry.name, entry.primary or len(self.backends) == 1, entry


def __getattr__(name: str) -> Any:
    owner = _OWNERS.get(name)
    if owner is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    driver, module = owner
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{name} belongs to lexigram-nosql-{driver}. Install it with: pip install 'lexigram-nosql[{driver}]'"
        ) from error
