"""``LexigramConfig``: the whole configuration of an application.

The top level holds a few settings of the application itself and any number of sections. A section whose name an
installed distribution claims (entry point group ``lexigram.config``: the section's name and its model) is validated as
soon as the configuration is read. Other sections belong to the application, which reads them with
:meth:`LexigramConfig.get_section`; but a name that nearly is a known one is refused, since it is most likely a typing
mistake, and with ``strict_sections: true`` every unknown name is. ::

    app_name: shop
    env: production
    nosql:                    # claimed by lexigram-nosql-core
      driver: mongodb
      mongodb:
        uri: ${MONGO_URI:mongodb://localhost:27017}
    shipping:                 # the application's own
      carrier: pigeon
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast, overload

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from lexigram.config.base import BaseConfig
from lexigram.config.fields import input_names, is_secret_field, opened
from lexigram.config.loading import Loaded
from lexigram.config.problems import ConfigProblem, ConfigValidationError, read_as
from lexigram.config.sections import CONFIG_SECTIONS, claimed_keys, known_model, own_part, unfit_sections
from lexigram.config.trail import TrailEntry, model_trail, tree_trail
from lexigram.config.tree import (
    DEFAULT_SOURCE,
    Items,
    KeyPath,
    Leaf,
    Node,
    Section,
    Source,
    SourceKind,
    dotted,
    find,
    from_json,
    from_plain,
    leaves,
    parse_key,
    to_plain,
)
from lexigram.config.values import Position
from lexigram.contracts.core.config import ConfigIssue, Environment
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["LexigramConfig"]

M = TypeVar("M")


@dataclass(slots=True, eq=False)
class _Origin:
    """What a configuration was made of; takes no part in comparing configurations."""

    tree: Section = field(default_factory=lambda: Section({}, DEFAULT_SOURCE))
    claims: dict[str, dict[str, type[Any]]] = field(default_factory=dict[str, dict[str, type[Any]]])
    files: tuple[Path, ...] = ()
    profile: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Origin)


class LexigramConfig(BaseConfig):
    """The configuration of an application: its own settings, and sections. It does not change once it is read.

    Attributes:
        app_name: The application's name.
        debug: Whether it runs with helps for debugging.
        env: What it runs for; also written ``environment``.
        strict_sections: Refuse every section that no installed distribution claims.
        shutdown_timeout: Seconds that a provider may take to shut down where it does not say; None for no limit.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    config_section: ClassVar[str] = ""

    app_name: str = "lexigram-app"
    debug: bool = False
    env: Environment = Field(default=Environment.DEVELOPMENT, alias="environment")
    strict_sections: bool = False
    shutdown_timeout: float | None = Field(default=60.0, gt=0)

    _origin: _Origin = PrivateAttr(default_factory=lambda: _Origin())

    @field_validator("env", mode="before")
    @classmethod
    def _read_environment(cls, value: Any) -> Any:
        """Understand the short names, ``prod`` and so on."""
        if not isinstance(value, str):
            return value
        try:
            return Environment.parse(value)
        except ConfigurationError as error:
            raise ValueError(f"{error.message}; known are: {', '.join(Environment)}") from error

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Sections can only be read from a tree, and are checked as those of files are.
        tree = cast("Section", from_plain(settings, Source(SourceKind.CODE)))
        problems = unfit_sections(tree, input_names(type(self)), strict=self.strict_sections, path=())
        if problems:
            raise ConfigValidationError(problems)
        self._own(tree)

    @property
    def environment(self) -> Environment:
        """What the application runs for."""
        return self.env

    @property
    def is_production(self) -> bool:
        """Whether it runs for real."""
        return self.env is Environment.PRODUCTION

    @property
    def is_staging(self) -> bool:
        """Whether it runs as a rehearsal."""
        return self.env is Environment.STAGING

    @property
    def is_testing(self) -> bool:
        """Whether it runs under test."""
        return self.env is Environment.TESTING

    @property
    def is_development(self) -> bool:
        """Whether it runs on somebody's desk."""
        return self.env is Environment.DEVELOPMENT

    @property
    def is_debug(self) -> bool:
        """Whether it runs with helps for debugging."""
        return self.debug

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read, the lowest first."""
        return self._origin.files

    @property
    def profile(self) -> str | None:
        """The profile in force."""
        return self._origin.profile

    @property
    def section_names(self) -> tuple[str, ...]:
        """The sections that are there, in order."""
        return tuple(name for name in self._origin.tree.entries if self.has_section(name))

    @overload
    def get_section(self, name: str) -> dict[str, Any]: ...
    @overload
    def get_section(self, name: str, model_cls: type[M]) -> M: ...
    def get_section(self, name: str, model_cls: type[Any] | None = None) -> Any:
        """Read a section.

        Args:
            name: Its name, dotted for a section inside another.
            model_cls: What to read it into: a ``BaseConfig``, a pydantic model or a dataclass.

        Returns:
            A new instance of the model, with its defaults if the section is missing; without a model, a new dictionary
            as in the sources: values from variables are text, and secrets are ``SecretStr``.

        Raises:
            ConfigurationError: The section does not fit the model, or is no section.
        """
        path = parse_key(name)
        node = find(self._origin.tree, path) or Section({}, DEFAULT_SOURCE)
        if isinstance(node, Leaf):
            node = Section({}, node.source) if node.value is None else from_json(node)
        if model_cls is not None:
            if isinstance(node, Section) and name in self._origin.claims:
                node = own_part(node, model_cls, self._origin.claims[name])
            if isinstance(node, Leaf) and isinstance(node.value, model_cls):
                return node.value
            if issubclass(model_cls, BaseConfig):
                return model_cls._from_tree(node, path)
            return read_as(model_cls, node, path)
        if isinstance(node, Leaf) and isinstance(node.value, BaseModel):
            return node.value.model_dump()
        if not isinstance(node, Section):
            kind = "a list" if isinstance(node, Items) else "a single value"
            raise ConfigurationError(
                f"{name} is {kind}, not a section",
                key=name,
                source=str(node.source),
                hint=f"Use get({name!r}) for values that are no sections.",
            )
        return to_plain(node, wrap_secrets=True)

    def has_section(self, name: str, model_cls: type[Any] | None = None) -> bool:
        """Whether a section is there, even an empty one.

        Args:
            name: Its name, dotted for a section inside another.
            model_cls: Who would read it; a section that only holds keys which other distributions claim is then not
                there.
        """
        node = find(self._origin.tree, parse_key(name))
        if isinstance(node, Leaf) and parse_key(name)[-1] not in input_names(type(self)):
            return node.value is None or isinstance(node.value, BaseModel) or isinstance(from_json(node), Section)
        if isinstance(node, Section) and node.entries and model_cls is not None and name in self._origin.claims:
            return bool(own_part(node, model_cls, self._origin.claims[name]).entries)
        return isinstance(node, Section)

    def get(self, key: str, default: Any = None) -> Any:
        """A single value as in the sources.

        Args:
            key: Its dotted path; list elements are ``backends.0.name`` or ``backends[0].name``.
            default: What to return if nothing is there.

        Returns:
            The value; for settings of the application itself also their defaults. Secrets are ``SecretStr``.
        """
        path = parse_key(key)
        if len(path) == 1 and path[0] in (names := input_names(type(self))):
            return next(getattr(self, name) for name, field in type(self).model_fields.items() if field is names[key])
        node = find(self._origin.tree, path)
        return default if node is None else to_plain(node, wrap_secrets=True)

    def to_dict(self, redact_secrets: bool = True) -> dict[str, Any]:
        """The configuration as plain data: settings with their defaults, sections as in the sources.

        Args:
            redact_secrets: Mask secrets and give only what JSON takes. Otherwise secrets are given as text.

        Returns:
            A new dictionary.
        """
        return super().to_dict(redact_secrets)

    def trail(self, section: str | None = None) -> tuple[TrailEntry, ...]:
        """Every value and where it came from, secrets masked.

        Args:
            section: Only this section.

        Returns:
            The application's settings and each section's values, in order. For sections whose model is known, the
            defaults as well.

        Raises:
            ConfigurationError: A section does not fit its model.
            PluginError: A section's model cannot be loaded.
        """
        if section is not None:
            return tuple(self._section_trail(section))
        entries = [entry for name in type(self).model_fields for entry in self._field_trail(name)]
        for name in self._origin.tree.entries:
            if name not in input_names(type(self)):
                entries.extend(self._section_trail(name))
        return tuple(entries)

    def validate_for_environment(self, env: Environment | None = None) -> list[ConfigIssue]:
        """Look for what is allowed but unwise where the application runs, in the known sections as well.

        Args:
            env: Where it runs; the configuration's own ``env`` if not given.

        Returns:
            The findings.
        """
        where = env or self.env
        issues: list[ConfigIssue] = []
        if where is Environment.PRODUCTION and self.debug:
            issues.append(ConfigIssue("debug is on in production", "debug", "warning", "Set debug to false."))
        for name in self.section_names:
            model = known_model(name)
            if model is None:
                continue
            read = self.get_section(name, model)
            if isinstance(read, BaseConfig):
                found = read.validate_for_environment(where)
                issues += [replace(issue, key=f"{name}.{issue.key}" if issue.key else name) for issue in found]
        if where is Environment.PRODUCTION:
            issues += [
                ConfigIssue(
                    f"a secret stands in {entry.source.place}",
                    entry.key,
                    "warning",
                    "Use ${secret:NAME} or ${VARIABLE} instead.",
                )
                for entry in self.trail()
                if entry.is_secret and entry.source.kind is SourceKind.FILE
                if not (entry.source.secrets or entry.source.variables)
            ]
        return issues

    @classmethod
    def _from_loaded(cls, loaded: Loaded, section: str | None) -> Self:
        path = parse_key(section or "")
        node = find(loaded.root, path) or Section({}, DEFAULT_SOURCE)
        config = cls._from_tree(loaded.interpolated(node, path), path)
        config._origin.files = loaded.files
        config._origin.profile = loaded.profile
        return config

    @classmethod
    def _from_tree(cls, node: Node, path: KeyPath) -> Self:
        if not isinstance(node, Section):
            raise ConfigurationError(
                f"{dotted(path) or 'the configuration'} is not a section", key=dotted(path), source=str(node.source)
            )
        own = input_names(cls)
        settings = replace(node, entries={key: child for key, child in node.entries.items() if key in own})
        problems: list[ConfigProblem] = []
        config: Self | None = None
        try:
            config = read_as(cls, settings, path)
        except ConfigValidationError as error:
            problems += error.problems
        strict = config is not None and config.strict_sections
        problems += unfit_sections(node, own, strict=strict, path=path)
        if config is None or problems:
            raise ConfigValidationError(problems)
        sections = {key: to_plain(child, wrap_secrets=True) for key, child in node.entries.items() if key not in own}
        cast("dict[str, Any]", config.__pydantic_extra__).update(sections)
        config._own(node)
        return config

    def _own(self, tree: Section) -> None:
        """Keep what it was made of, and who claims which keys; asked later, that would read files."""
        self._origin.tree = tree
        self._origin.claims = {name: claims for name in tree.entries if (claims := claimed_keys(name))}
        self._attach(tree)

    def _field_trail(self, name: str) -> Iterator[TrailEntry]:
        field = type(self).model_fields[name]
        written = name if any(path[0] == name for path in self._sources) else field.alias or name
        start = Position(self._sources, inside=(written,), path=(name,), is_secret=is_secret_field(field))
        yield from model_trail(getattr(self, name), start)

    def _section_trail(self, name: str) -> Iterator[TrailEntry]:
        path = parse_key(name)
        node = find(self._origin.tree, path)
        model = known_model(name)
        if model is not None:
            tree = opened(model, node) if node is not None else Section({}, DEFAULT_SOURCE)
            sources = {where: leaf.source for where, leaf in leaves(tree)}
            yield from model_trail(self.get_section(name, model), Position(sources, path=path))
            for key in self._origin.claims.get(name, ()):
                claimed = find(tree, (key,))
                if claimed is not None and key not in input_names(model):
                    yield from tree_trail(claimed, (*path, key))
            return
        if node is None:
            raise ConfigurationError(
                f"there is no section {name!r}",
                key=name,
                hint=f"There are: {', '.join(sorted({*self.section_names, *CONFIG_SECTIONS.names()})) or 'none'}.",
            )
        yield from tree_trail(node, path)
