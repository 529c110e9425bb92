"""The places that settings come from, as sources of pydantic-settings.

``BaseConfig.settings_customise_sources`` lists them as for any ``BaseSettings``. Three are ours: the environment and
``.env``, which are read by pydantic-settings' own sources, and the files. They can lay themselves over what lower
sources say, so that a variable changes one element of a file's list and every value keeps its place. Sources of other
makes are merged key by key, at the model's section.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from lexigram.config.environment import DELIMITER, FALLBACK, PREFIX, apply_assignments, assignments_of, dotenv_lines
from lexigram.config.fields import input_names
from lexigram.config.layers import layered
from lexigram.config.toml_file import parse_toml
from lexigram.config.tree import Items, KeyPath, Node, Section, Source, SourceKind, find, from_plain, merge, to_plain
from lexigram.config.yaml_file import parse_yaml
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = [
    "DotenvSource",
    "EnvironmentSource",
    "FilesSource",
    "Format",
    "Reader",
    "TreeSource",
    "usual_sources",
]

Format: TypeAlias = Literal["yaml", "toml"]
Sources: TypeAlias = tuple[PydanticBaseSettingsSource, ...]

_PARSERS: Mapping[str, Callable[[str, str], Node]] = {"yaml": parse_yaml, "toml": parse_toml}


class TreeSource(PydanticBaseSettingsSource):
    """A source whose values know where they stand, and which can change single elements of lower ones."""

    @abstractmethod
    def over(self, tree: Section) -> Section:
        """Lay what this source says over a tree.

        Args:
            tree: What lower sources say.

        Returns:
            The new tree.

        Raises:
            ConfigurationError: The source cannot be read, or does not fit what it is laid over.
        """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value of a field, its key, and whether it is still to be parsed, which it never is."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """What this source alone says, as plain data."""
        return cast("dict[str, Any]", to_plain(self.over(Section({}, Source(SourceKind.CODE)))))


class FilesSource(TreeSource):
    """Configuration files.

    Args:
        settings_cls: The class that is read.
        files: The files and their formats, the lowest first.
        reader: Who reads.
    """

    def __init__(self, settings_cls: type[BaseSettings], files: Sequence[tuple[Path, Format]], reader: Reader) -> None:
        super().__init__(settings_cls)
        self.files = tuple(files)
        self.reader = reader

    def over(self, tree: Section) -> Section:
        """Lay the files over a tree: sections key by key; lists are replaced."""
        for path, file_format in self.files:
            found = _read(path, file_format)
            if self.reader.layer is not None:
                found = layered(found, self.reader.layer, required=self.reader.layer_required)
            tree = self.reader.settled(tree, cast("Section", merge(tree, found)))
        return tree


class EnvironmentSource(TreeSource, EnvSettingsSource):
    """The process's environment variables.

    Of the class's ``model_config``, ``env_ignore_empty`` counts.

    Args:
        settings_cls: The class that is read.
        root_fields: The names that may be written with or without ``APP__``.
        prefix: What the names begin with.
        delimiter: What stands between the levels.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        root_fields: Collection[str] = frozenset(),
        *,
        prefix: str = PREFIX,
        delimiter: str = DELIMITER,
    ) -> None:
        # Names are kept as they are written, for messages; capitals make no difference when they are understood.
        super().__init__(settings_cls, case_sensitive=True, env_prefix=prefix, env_nested_delimiter=delimiter)
        self.root_fields = root_fields

    def over(self, tree: Section) -> Section:
        """Lay the variables over a tree, elements of lists by their numbers."""
        return _assigned(tree, self.variables(), self.root_fields, self)

    def variables(self) -> dict[str, tuple[str, Source]]:
        """Every variable with its value and where it is."""
        # On Windows pydantic-settings gives names in small letters, whatever it is asked for.
        written = {} if self.case_sensitive else {name.lower(): name for name in os.environ}
        return {
            (known := written.get(name, name)): (value, Source(SourceKind.ENVIRONMENT, known))
            for name, value in self.env_vars.items()
            if value is not None
        }


class DotenvSource(TreeSource, DotEnvSettingsSource):
    """The variables of a ``.env`` file; otherwise as :class:`EnvironmentSource`.

    Args:
        settings_cls: The class that is read.
        path: The file, which need not exist.
        root_fields: The names that may be written with or without ``APP__``.
        prefix: What the names begin with.
        delimiter: What stands between the levels.

    Raises:
        ConfigurationError: The file cannot be read, or a line of it cannot.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        path: Path,
        root_fields: Collection[str] = frozenset(),
        *,
        prefix: str = PREFIX,
        delimiter: str = DELIMITER,
    ) -> None:
        self.path = path
        self.root_fields = root_fields
        try:
            # A folder called .env is a virtual environment; from a pipe, which can be read once, lines are not known.
            regular = path.is_file()
            self.places = dotenv_lines(path.read_text(encoding="utf-8-sig"), str(path)) if regular else {}
            super().__init__(
                settings_cls,
                env_file=path,
                env_file_encoding="utf-8-sig",
                case_sensitive=True,
                env_prefix=prefix,
                env_nested_delimiter=delimiter,
            )
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise ConfigurationError(f"{path} cannot be read: {reason}", source=str(path)) from None
        if path.is_fifo() and not self.env_vars:
            raise ConfigurationError(
                f"{path} is a pipe, and nothing could be read from it",
                source=str(path),
                hint="Older versions of pydantic-settings do not read pipes; update it.",
            )

    def over(self, tree: Section) -> Section:
        """Lay the file's variables over a tree, elements of lists by their numbers."""
        return _assigned(tree, self.variables(), self.root_fields, self)

    def variables(self) -> dict[str, tuple[str, Source]]:
        """Every variable with its value and its line."""
        return {
            name: (value, self.places.get(name) or Source(SourceKind.DOTENV, str(self.path), variable=name))
            for name, value in self.env_vars.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and what.

    Attributes:
        settings_cls: The class.
        path: The section that it reads.
        root_fields: The names that variables may set at the top.
        sources: Puts the sources in order, the highest first; takes what ``settings_customise_sources`` does.
        prefix: What the names of variables begin with.
        delimiter: What stands between their levels.
        layer: The environment whose layer of a file counts; None where files have no layers.
        layer_required: Whether that layer must be there.
    """

    settings_cls: type[BaseSettings]
    path: KeyPath
    root_fields: Collection[str]
    sources: Callable[..., Sources]
    prefix: str = PREFIX
    delimiter: str = DELIMITER
    layer: str | None = None
    layer_required: bool = False

    def tree(self, files: FilesSource, dotenv: DotenvSource, *, env_override: bool) -> Section:
        """Lay all sources over each other.

        Args:
            files: The files.
            dotenv: The ``.env`` file.
            env_override: Let variables set values.

        Returns:
            The tree.

        Raises:
            ConfigurationError: A source cannot be read, or does not fit what it is laid over.
        """
        nothing = InitSettingsSource(self.settings_cls, {})
        environment = EnvironmentSource(
            self.settings_cls, self.root_fields, prefix=self.prefix, delimiter=self.delimiter
        )
        sources = self.sources(
            self.settings_cls,
            init_settings=nothing,
            env_settings=environment if env_override else nothing,
            dotenv_settings=dotenv if env_override else nothing,
            file_secret_settings=files,
        )
        tree = Section({}, Source(SourceKind.CODE))
        for source in reversed(sources):
            over = source.over(tree) if isinstance(source, TreeSource) else merge(tree, _mounted(source, self.path))
            tree = self.settled(tree, cast("Section", over))
        return tree

    def settled(self, lower: Section, tree: Section) -> Section:
        """Leave one of the names that a field has, so that the higher source counts and not the name.

        Args:
            lower: What lower sources say.
            tree: The same with another source over it.

        Returns:
            The tree without names that only lower sources use for a field that the new one names otherwise.
        """
        before, after = find(lower, self.path), find(tree, self.path)
        if not (isinstance(before, Section) and isinstance(after, Section)):
            return tree
        names = input_names(self.settings_cls)
        new = {id(names[key]) for key in after.entries if key in names and key not in before.entries}
        entries = {
            key: node
            for key, node in after.entries.items()
            if not (key in names and id(names[key]) in new and before.entries.get(key) is node)
        }
        return _replaced(tree, self.path, replace(after, entries=entries))


def _replaced(tree: Section, path: KeyPath, section: Section) -> Section:
    """The tree with another section at a path, on which there are only sections."""
    if not path:
        return section
    key = str(path[0])
    inner = _replaced(cast("Section", tree.entries[key]), path[1:], section)
    return replace(tree, entries={**tree.entries, key: inner})


def usual_sources(
    settings_cls: type[BaseSettings],
    init_settings: PydanticBaseSettingsSource,
    env_settings: PydanticBaseSettingsSource,
    dotenv_settings: PydanticBaseSettingsSource,
    file_secret_settings: PydanticBaseSettingsSource,
) -> Sources:
    """The usual order; takes and returns what ``settings_customise_sources`` does."""
    return init_settings, env_settings, dotenv_settings, file_secret_settings


def _mounted(source: PydanticBaseSettingsSource, path: KeyPath) -> Section:
    """What a source of another make says, at the section that it speaks of."""
    place = Source(SourceKind.SETTINGS, type(source).__name__)
    try:
        values = source()
    except SettingsError as error:
        raise ConfigurationError(f"{place} cannot be read: {error}", source=str(place), cause=error) from error
    if not values:
        return Section({}, place)
    node = cast("Section", from_plain(values, place))
    for key in reversed(path):
        node = Section({str(key): node}, place)
    return node


def _assigned(
    tree: Section,
    variables: Mapping[str, tuple[str, Source]],
    root_fields: Collection[str],
    source: EnvSettingsSource,
) -> Section:
    prefix, delimiter = source.env_prefix, source.env_nested_delimiter or DELIMITER
    below = find(tree, ("env",))
    if below is not None and below.source.kind is SourceKind.DOTENV and below.source.variable != FALLBACK:
        variables = {name: found for name, found in variables.items() if name != FALLBACK}
    return apply_assignments(tree, assignments_of(variables, root_fields, prefix=prefix, delimiter=delimiter))


def _read(path: Path, file_format: Format) -> Section:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8 text (byte {error.start})", source=str(path), hint="Save the file as UTF-8."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", source=str(path), cause=error) from error
    tree = _PARSERS[file_format](text, str(path))
    if not isinstance(tree, Section):
        kind = "a list" if isinstance(tree, Items) else "a single value"
        raise ConfigurationError(
            f"{path} holds {kind}; a configuration consists of keys and values",
            source=str(tree.source),
            hint="Write settings as 'key: value'.",
        )
    return tree
