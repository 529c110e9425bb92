"""``BaseConfig``: what every configuration model derives from.

::

    class CacheConfig(BaseConfig):
        config_section = "cache"

        url: str = "redis://localhost"
        password: SecretStr | None = None
        max_size: int = Field(default=100, ge=1)

    CacheConfig.from_yaml()                     # the section "cache" of application.yaml, LEX_CACHE__URL, …
    app_config.get_section("cache", CacheConfig)

Keys that the model does not know are refused with a suggestion, wrong values are told with their key and their place,
all faults at once. Secrets are masked in every text form; :meth:`BaseConfig.to_dict` is the form for display. The
values themselves are ordinary attributes, and ``model_dump()`` gives them as they are.

The models are settings of pydantic-settings with one difference: only the ways of reading above look at files and
variables. Building a model directly, validating one and nesting one in another take nothing but what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any, ClassVar, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lexigram.config.display import shown
from lexigram.config.environment import DELIMITER, PREFIX
from lexigram.config.fields import decoded, input_names, is_secret_field, opened
from lexigram.config.loading import DEFAULT_YAML, Loaded, Secrets, load_file, load_layers, load_profile
from lexigram.config.problems import read_as
from lexigram.config.sources import Reader, usual_sources
from lexigram.config.tree import (
    DEFAULT_SOURCE,
    KeyPath,
    Node,
    Section,
    Source,
    SourceKind,
    dotted,
    find,
    from_plain,
    is_list,
    is_mapping,
    leaves,
    parse_key,
)
from lexigram.config.values import Position, SourceMap, printable, redacted, revealed, transformed
from lexigram.contracts.core.config import ConfigIssue, Environment
from lexigram.suggestions import did_you_mean

__all__ = ["BaseConfig"]

_LISTED = 12
_BUILT_IN_ERRORS = frozenset[str](get_args(core_schema.ErrorType))


class BaseConfig(BaseSettings):
    """A part of the configuration, as a typed model.

    Of what pydantic-settings adds to ``model_config``, ``env_prefix`` (``LEX_`` if it is empty),
    ``env_nested_delimiter`` (``__``) and ``env_ignore_empty`` count; the rest only for sources that
    :meth:`settings_customise_sources` adds.

    Attributes:
        config_section: The (dotted) section that the model reads; empty for the whole.
    """

    # The wider type, so that models may still write theirs as a ConfigDict.
    model_config: ClassVar[ConfigDict] = SettingsConfigDict(  # type: ignore[assignment]
        extra="forbid",
        validate_assignment=True,
        populate_by_name=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        arbitrary_types_allowed=False,
        validate_default=False,
    )

    config_section: ClassVar[str] = ""

    _sources: SourceMap = PrivateAttr(default_factory=SourceMap)

    def __init__(self, /, **settings: Any) -> None:
        # Not that of BaseSettings, which reads the environment and has arguments that a key of a file could meet.
        try:
            BaseModel.__init__(self, **settings)
        except ValidationError as error:
            lines = self._harmless_lines(error)
            if lines is None:
                raise
        else:
            return
        raise ValidationError.from_exception_data(type(self).__name__, lines, hide_input=True)

    # So that pydantic validates without calling it, as it does for every model that adds no arguments of its own;
    # otherwise validators of whole models would run twice.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Make the model of plain data, as every pydantic model does.

        Args:
            obj: The data, or a model.
            **options: What pydantic's ``model_validate`` takes.

        Returns:
            The model.

        Raises:
            ValidationError: Values do not fit, or keys are unknown; it holds no secret.
        """
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            lines = cls._harmless_lines(error)
            if lines is None:
                raise
        raise ValidationError.from_exception_data(cls.__name__, lines, hide_input=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources that ``from_yaml`` and its relatives read, the highest first.

        Override it to leave some out, to change their order or to add others of pydantic-settings; those give the
        model's own keys, not wrapped in its section.

        Args:
            settings_cls: The model.
            init_settings: Nothing; only there because pydantic-settings passes it.
            env_settings: The environment variables ``LEX_*``.
            dotenv_settings: The ``.env`` file beside the configuration.
            file_secret_settings: The configuration files, the profile's over the common one.

        Returns:
            The sources.
        """
        return usual_sources(settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings)

    @classmethod
    def from_yaml(
        cls,
        path: str | PathLike[str] = DEFAULT_YAML,
        *,
        profile: str | None = None,
        env_override: bool = True,
        section: str | None = None,
        secrets: Secrets = None,
    ) -> Self:
        """Read the model from a YAML file, its profile and the environment.

        From low to high: the model's defaults, the file, ``<name>.<profile>.yaml`` beside it, ``.env`` beside it, the
        environment variables ``LEX_*``. Sections are merged key by key; lists are replaced, except that variables
        with numbers in their names change single elements.

        Args:
            path: The file. Only the default, ``application.yaml`` in the current folder, may be absent.
            profile: The profile; ``LEX_PROFILE`` if not given. A profile that is named must have a file.
            env_override: Let ``.env`` and ``LEX_*`` set values. ``${VAR}`` in files works in any case.
            section: The section to read; the model's ``config_section`` if not given.
            secrets: Where ``${secret:NAME}`` looks, one resolver or several in order. By default the environment, then
                the files in ``LEX_SECRETS_DIR`` or ``/run/secrets``.

        Returns:
            The model.

        Raises:
            ConfigurationError: A file is missing or malformed, a variable or secret is missing, or values do not fit.
        """
        loaded = load_file(path, "yaml", profile, env_override, secrets, cls._reader(section))
        return cls._from_loaded(loaded, section)

    @classmethod
    def from_toml(
        cls,
        path: str | PathLike[str],
        *,
        profile: str | None = None,
        env_override: bool = True,
        section: str | None = None,
        secrets: Secrets = None,
    ) -> Self:
        """Read the model from a TOML file, its profile and the environment; otherwise as :meth:`from_yaml`.

        Args:
            path: The file.
            profile: The profile; ``LEX_PROFILE`` if not given.
            env_override: Let ``.env`` and ``LEX_*`` set values.
            section: The section to read; the model's ``config_section`` if not given.
            secrets: Where ``${secret:NAME}`` looks.

        Returns:
            The model.

        Raises:
            ConfigurationError: As for :meth:`from_yaml`.
        """
        loaded = load_file(path, "toml", profile, env_override, secrets, cls._reader(section))
        return cls._from_loaded(loaded, section)

    @classmethod
    def from_settings(
        cls,
        path: str | PathLike[str] = "settings.toml",
        *,
        environment: str | None = None,
        env_override: bool = True,
        section: str | None = None,
        secrets: Secrets = None,
    ) -> Self:
        """Read the model from a file with a layer for each environment: ``[default]``, ``[production]`` and so on.

        From low to high: the model's defaults, the file's ``default`` layer, the environment's layer, ``.env`` beside
        the file, the environment variables ``LEX_*``. Layers are merged key by key; lists are replaced.

        Args:
            path: The file, TOML or YAML by its suffix.
            environment: Whose layer counts; ``LEX_ENV``, else ``APP_ENV``, else ``development`` if not given. One that
                is given must have a layer.
            env_override: Let ``.env`` and ``LEX_*`` set values.
            section: The section to read, without the layer's name; the model's ``config_section`` if not given.
            secrets: Where ``${secret:NAME}`` looks.

        Returns:
            The model.

        Raises:
            ConfigurationError: As for :meth:`from_yaml`; also if a setting stands outside of the layers.
        """
        loaded = load_layers(path, environment, env_override, secrets, cls._reader(section))
        return cls._from_loaded(loaded, section)

    @classmethod
    def from_env_profile(
        cls,
        profile: str | None = None,
        *,
        base_path: str | PathLike[str] = ".",
        env_override: bool = True,
        section: str | None = None,
        secrets: Secrets = None,
    ) -> Self:
        """Read the model from whatever configuration a folder holds, and from the environment.

        Looks for ``application.yaml``, ``.yml`` or ``.toml`` and the same with the profile's name. No file at all is
        fine: then only ``.env`` and the environment count.

        Args:
            profile: The profile; ``LEX_PROFILE`` if not given. A profile that is named must have a file.
            base_path: The folder.
            env_override: Let ``.env`` and ``LEX_*`` set values.
            section: The section to read; the model's ``config_section`` if not given.
            secrets: Where ``${secret:NAME}`` looks.

        Returns:
            The model.

        Raises:
            ConfigurationError: As for :meth:`from_yaml`; also if the folder holds the same file in two formats.
        """
        loaded = load_profile(base_path, profile, env_override, secrets, cls._reader(section))
        return cls._from_loaded(loaded, section)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the model from plain data, which is taken as it is: no environment, no ``${VAR}``.

        Args:
            data: The model's own keys, not wrapped in its section.

        Returns:
            The model.

        Raises:
            ConfigurationError: Values do not fit, keys are unknown, or the data is nested too deeply.
        """
        tree = from_plain(data, Source(SourceKind.CODE))
        return cls._from_tree(cast("Section", tree), ())

    def to_dict(self, redact_secrets: bool = True) -> dict[str, Any]:
        """The model as plain data.

        Args:
            redact_secrets: Mask secrets and give only what JSON takes. Otherwise secrets are given as text and other
                values as they are.

        Returns:
            A new dictionary, defaults included.
        """
        leaf = redacted if redact_secrets else revealed
        return cast("dict[str, Any]", transformed(self, leaf, Position(self._sources)))

    def source_of(self, key: str) -> Source:
        """Where a value came from.

        Args:
            key: The value's dotted path in this model, such as ``mongodb.uri`` or ``backends[0].name``.

        Returns:
            The source; the default's if nothing set it.
        """
        path = parse_key(key)
        sources = {tuple(map(str, known)): source for known, source in self._sources.items()}
        for end in range(len(path), 0, -1):
            if path[:end] in sources:
                return sources[path[:end]]
        inside = (source for known, source in sources.items() if known[: len(path)] == path)
        return next(inside, DEFAULT_SOURCE)

    def validate_for_environment(self, env: Environment | None = None) -> list[ConfigIssue]:
        """Look for what is allowed but unwise where the application runs.

        Subclasses add their own findings to those of ``super()``.

        Args:
            env: Where it runs; taken from ``LEX_ENV`` or ``APP_ENV`` if not given.

        Returns:
            The findings of all models inside this one, their keys relative to this one.
        """
        where = env or Environment.from_env()
        issues: list[ConfigIssue] = []
        for path, model in self._models_inside():
            prefix = dotted(path)
            issues += [
                replace(issue, key=f"{prefix}.{issue.key}" if issue.key else prefix)
                for issue in model.validate_for_environment(where)
            ]
        return issues

    @classmethod
    def extra_models(cls, given: Mapping[str, Any]) -> Mapping[str, type[BaseModel]]:
        """The models of sections that are no fields, for models with ``extra="allow"`` whose parts are plugins.

        Such sections are then read with the whole, faults are told with their full keys, and the values are instances.

        Args:
            given: What the model is being read from.

        Returns:
            Models by key; nothing unless a subclass says otherwise.
        """
        return {}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, self._safe(name or "", value)

    def _safe(self, name: str, value: Any) -> Any:
        """A value as ``repr`` may show it; models and ``SecretStr`` mask themselves."""
        field = type(self).model_fields.get(name)
        position = Position(self._sources).below(name, is_secret=field is not None and is_secret_field(field))
        return transformed(value, printable, position, open_models=False)

    @classmethod
    def _reader(cls, section: str | None) -> Reader:
        # Beside sections, a model of the whole may be set from variables at the top of the configuration.
        root_fields = frozenset[str]() if cls.config_section else frozenset(input_names(cls))
        path = parse_key(cls.config_section if section is None else section)
        settings = cast("SettingsConfigDict", cls.model_config)
        prefix, delimiter = settings.get("env_prefix") or PREFIX, settings.get("env_nested_delimiter") or DELIMITER
        return Reader(cls, path, root_fields, cls.settings_customise_sources, prefix, delimiter)

    @classmethod
    def _from_loaded(cls, loaded: Loaded, section: str | None) -> Self:
        name = cls.config_section if section is None else section
        path = parse_key(name)
        node = find(loaded.root, path) or Section({}, DEFAULT_SOURCE)
        if not path and isinstance(node, Section):
            node = node.without_foreign(input_names(cls))
        return cls._from_tree(loaded.interpolated(node, path), path)

    @classmethod
    def _from_tree(cls, node: Node, path: KeyPath) -> Self:
        node = opened(cls, node)
        model = read_as(cls, node, path)
        model._attach(node)
        return model

    def _attach(self, node: Node) -> None:
        """Remember where the values came from, here and in the models inside.

        Args:
            node: The tree that the model was read from.
        """
        self._sources = SourceMap((path, leaf.source) for path, leaf in leaves(node) if path)
        for path, model in self._models_inside():
            inner = find(node, path)
            if inner is not None:
                model._attach(inner)

    def _models_inside(self) -> Iterator[tuple[KeyPath, BaseConfig]]:
        for name in type(self).model_fields:
            yield from _models_in(getattr(self, name), (name,))
        for name, value in (self.model_extra or {}).items():
            yield from _models_in(value, (name,))

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        """Read texts from variables as the fields want them, and suggest known keys for unknown ones."""
        names = input_names(cls)
        lines: list[InitErrorDetails] = []
        if is_mapping(data):
            data = {
                key: decoded(names[key].annotation, value) if key in names else value for key, value in data.items()
            }
            lines = _read_extras(data, cls.extra_models(data))
        try:
            result = handler(data)
        except ValidationError as error:
            details = error.errors(include_url=False)
            if not lines and not any(map(_is_unknown_here, details)):
                raise
            lines = [_reworded(one, names) for one in details] + lines
        else:
            if not lines:
                return result
        raise ValidationError.from_exception_data(cls.__name__, lines, hide_input=True)

    @classmethod
    def _harmless_lines(cls, error: ValidationError) -> list[InitErrorDetails] | None:
        """The faults of an error without secrets; None where it holds none."""
        details = error.errors(include_url=False)
        inputs = [cls._harmless(one) for one in details]
        if all(safe is one["input"] for safe, one in zip(inputs, details, strict=True)):
            return None
        # Suggestions have been made already.
        return [_reworded({**one, "input": safe}, (), suggest=False) for safe, one in zip(inputs, details, strict=True)]

    @classmethod
    def _harmless(cls, details: Any) -> Any:
        """The input of a fault without its secrets: an error is told, pickled and sent by those who know none."""
        value: Any = details["input"]
        path: tuple[int | str, ...] = details["loc"]
        if type(value) not in (str, list, tuple, dict):
            return value
        field = cls.model_fields.get(str(path[0])) if path else None
        safe = shown(value, str(path[-1]) if path else "", secret=field is not None and is_secret_field(field))
        # A tuple is shown as a list.
        return value if safe == value or repr(safe)[1:-1] == repr(value)[1:-1] else safe


def _read_extras(data: dict[str, Any], models: Mapping[str, type[BaseModel]]) -> list[InitErrorDetails]:
    """Put instances in the place of sections that have models; returns what is wrong with them."""
    lines: list[InitErrorDetails] = []
    for key, model in models.items():
        if key in data:
            try:
                data[key] = model.model_validate({} if data[key] is None else data[key])
            except ValidationError as error:
                details = error.errors(include_url=False)
                lines += [_reworded({**one, "loc": (key, *one["loc"])}, ()) for one in details]
    return lines


def _is_unknown_here(details: Any) -> bool:
    return details["type"] == "extra_forbidden" and len(details["loc"]) == 1


def _reworded(details: Any, names: Iterable[str], *, suggest: bool = True) -> InitErrorDetails:
    """The same error as pydantic takes it for a new one; an unknown key gets its suggestion."""
    kind: Any = details["type"]
    context: dict[str, Any] | None = details.get("ctx")
    if suggest and _is_unknown_here(details):
        key = str(details["loc"][0])
        known = sorted(names)
        suggestion = did_you_mean(key, known)
        if not suggestion and len(known) <= _LISTED:
            suggestion = f"; known are: {', '.join(known)}" if known else "; there are no settings here"
        context = {"suggestion": suggestion}
        kind = PydanticCustomError("unknown_key", "unknown key{suggestion}", context)
    elif kind not in _BUILT_IN_ERRORS:
        kind = PydanticCustomError(kind, details["msg"], context)
    error: InitErrorDetails = {"type": kind, "loc": details["loc"], "input": details["input"]}
    if context is not None and isinstance(kind, str):
        error["ctx"] = context
    return error


def _models_in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, BaseConfig]]:
    """The configuration models in a field's value: itself, or those in its lists and mappings."""
    if isinstance(value, BaseConfig):
        yield path, value
    elif is_mapping(value):
        for key, item in value.items():
            yield from _models_in(item, (*path, str(key)))
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _models_in(item, (*path, index))
