"""Finding the files, reading them, and laying the sources over each other."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from lexigram.config.interpolation import InterpolationError, expand
from lexigram.config.layers import environment_name
from lexigram.config.problems import ConfigProblem, ConfigValidationError
from lexigram.config.secrets import EnvironmentSecretResolver, MountedFileSecretResolver
from lexigram.config.sources import DotenvSource, FilesSource, Format, Reader
from lexigram.config.tree import (
    Items,
    KeyPath,
    Leaf,
    Node,
    SecretText,
    Section,
    SourceKind,
    Text,
    dotted,
    is_valid_text,
)
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.security.secrets import SecretNotFoundError, SecretResolverProtocol
from lexigram.suggestions import did_you_mean

__all__ = ["DEFAULT_YAML", "Loaded", "Secrets", "load_file", "load_layers", "load_profile"]

Secrets: TypeAlias = SecretResolverProtocol | Sequence[SecretResolverProtocol] | None
"""Where secrets are looked for: one resolver, several in order, or None for the usual ones."""

_SUFFIXES: Mapping[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}
_STEM = "application"
_MOUNTED = "/run/secrets"


class _DefaultPath(str):
    """A path that nobody asked for by name, so that the file may be absent."""

    __slots__ = ()


DEFAULT_YAML: str = _DefaultPath("application.yaml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The sources laid over each other; references in values are not replaced yet.

    Attributes:
        root: The tree.
        files: The files that were read, the lowest first.
        profile: The profile in force.
        environ: The variables for ``${VAR}``, those of ``.env`` included.
        resolvers: Where ``${secret:NAME}`` looks, in order.
    """

    root: Section
    files: tuple[Path, ...]
    profile: str | None
    environ: Mapping[str, str]
    resolvers: tuple[SecretResolverProtocol, ...]

    def interpolated(self, node: Node, path: KeyPath = ()) -> Node:
        """Replace the references in the values that come from files.

        Args:
            node: The tree or a part of it.
            path: Where the part stands.

        Returns:
            The tree with the references replaced.

        Raises:
            ConfigurationError: Variables without default or secrets are missing; all of them are listed.
        """
        work = _Interpolation(self)
        result = work.node(node, path)
        if work.problems:
            raise ConfigValidationError(work.problems)
        return result

    def read_again(self, text: str) -> str:
        """A text of a file with its references replaced by what they are now.

        Raises:
            ConfigurationError: A variable or secret is missing.
        """
        try:
            return expand(text, self.environ.get, _Interpolation(self).secret)[0]
        except InterpolationError as error:
            raise ConfigurationError(str(error)) from error


@dataclass(slots=True)
class _Interpolation:
    """One walk over a tree, collecting what is missing."""

    loaded: Loaded
    problems: list[ConfigProblem] = field(default_factory=list[ConfigProblem])

    def node(self, node: Node, path: KeyPath) -> Node:
        """The node with the references below it replaced."""
        match node:
            case Section(entries):
                return replace(node, entries={key: self.node(child, (*path, key)) for key, child in entries.items()})
            case Items(items):
                return replace(node, items=tuple(self.node(child, (*path, i)) for i, child in enumerate(items)))
            case Leaf(str() as text, source) if source.kind is SourceKind.FILE and "${" in text:
                return self.leaf(node, text, path)
            case _:
                return node

    def leaf(self, leaf: Leaf, text: str, path: KeyPath) -> Leaf:
        """A text with its references replaced."""
        try:
            expanded, variables, secrets = expand(text, self.loaded.environ.get, self.secret)
        except (InterpolationError, ConfigurationError) as error:
            message = error.message if isinstance(error, ConfigurationError) else str(error)
            self.problems.append(ConfigProblem(dotted(path), message, leaf.source))
            return leaf
        if not is_valid_text(expanded):
            names = ", ".join(variables)
            self.problems.append(ConfigProblem(dotted(path), f"{names} holds bytes that are not UTF-8", leaf.source))
            return leaf
        value = Text(expanded)
        if secrets:
            value = SecretText(expanded)
            value.again = partial(self.loaded.read_again, text)
        return Leaf(value, replace(leaf.source, variables=variables, secrets=secrets))

    def secret(self, name: str) -> tuple[str, str]:
        """A secret, and the resolver that has it."""
        asked: list[str] = []
        for resolver in self.loaded.resolvers:
            label = str(getattr(resolver, "name", type(resolver).__name__))
            try:
                value: Any = resolver.resolve(name)
            except SecretNotFoundError:
                asked.append(label)
                continue
            except ConfigurationError:
                raise
            except Exception as error:
                raise ConfigurationError(
                    f"the resolver {label!r} failed for the secret {name!r}: {type(error).__name__}", cause=error
                ) from error
            if not isinstance(value, str):
                raise ConfigurationError(f"the resolver {label!r} gave something that is no text for {name!r}")
            return value, label
        raise SecretNotFoundError(
            f"no secret called {name!r}; looked in: {', '.join(asked) or 'nothing, there are no resolvers'}", name=name
        )


def load_file(
    path: str | os.PathLike[str],
    file_format: Format,
    profile: str | None,
    env_override: bool,
    secrets: Secrets,
    reader: Reader,
) -> Loaded:
    """Read one named file, its profile and the environment.

    Args:
        path: The file; :data:`DEFAULT_YAML` may be absent.
        file_format: The format.
        profile: The profile, or None for ``LEX_PROFILE``.
        env_override: Let variables set values.
        secrets: Where secrets are looked for.
        reader: Who reads.

    Returns:
        What was read.

    Raises:
        ConfigurationError: A file is missing or cannot be read, or a variable is not usable.
    """
    base = Path(path)
    files: list[tuple[Path, Format]] = []
    if base.exists():
        files.append((base, file_format))
    elif not isinstance(path, _DefaultPath):
        raise _no_file(base)
    named = profile or os.environ.get("LEX_PROFILE") or None
    if named is not None:
        files.append((_profile_file(base, named, [base.suffix]), file_format))
    return _load(base.parent, files, named, env_override, secrets, reader)


def load_profile(
    base_path: str | os.PathLike[str],
    profile: str | None,
    env_override: bool,
    secrets: Secrets,
    reader: Reader,
) -> Loaded:
    """Read the configuration of a folder, of a profile and of the environment.

    Args:
        base_path: The folder.
        profile: The profile, or None for ``LEX_PROFILE``.
        env_override: Let variables set values.
        secrets: Where secrets are looked for.
        reader: Who reads.

    Returns:
        What was read.

    Raises:
        ConfigurationError: As for :func:`load_file`; also if a file is there in two formats.
    """
    folder = Path(base_path)
    if not folder.is_dir():
        raise ConfigurationError(
            f"there is no folder {folder}", source=str(folder), hint="Give the folder that holds application.yaml."
        )
    files: list[tuple[Path, Format]] = []
    base = _one_of(folder, _STEM)
    if base is not None:
        files.append((base, _SUFFIXES[base.suffix]))
    named = profile or os.environ.get("LEX_PROFILE") or None
    if named is not None:
        found = _profile_file(folder / _STEM, named, list(_SUFFIXES))
        files.append((found, _SUFFIXES[found.suffix]))
    return _load(folder, files, named, env_override, secrets, reader)


def load_layers(
    path: str | os.PathLike[str],
    environment: str | None,
    env_override: bool,
    secrets: Secrets,
    reader: Reader,
) -> Loaded:
    """Read one file with layers (see :mod:`lexigram.config.layers`) and the environment.

    Args:
        path: The file, TOML or YAML by its suffix.
        environment: Whose layer counts, or None for ``LEX_ENV`` or ``APP_ENV``.
        env_override: Let variables set values.
        secrets: Where secrets are looked for.
        reader: Who reads.

    Returns:
        What was read.

    Raises:
        ConfigurationError: The file is missing or cannot be read, or its layers are not in order.
    """
    base = Path(path)
    if not base.exists():
        raise _no_file(base)
    file_format = _SUFFIXES.get(base.suffix)
    if file_format is None:
        raise ConfigurationError(
            f"{base} is neither TOML nor YAML by its name", source=str(base), hint=f"Use {', '.join(_SUFFIXES)}."
        )
    name = environment_name(environment, os.environ)
    reader = replace(reader, layer=name, layer_required=environment is not None)
    return _load(base.parent, [(base, file_format)], name, env_override, secrets, reader)


def _load(
    folder: Path,
    files: Sequence[tuple[Path, Format]],
    profile: str | None,
    env_override: bool,
    secrets: Secrets,
    reader: Reader,
) -> Loaded:
    dotenv = DotenvSource(
        reader.settings_cls, folder / ".env", reader.root_fields, prefix=reader.prefix, delimiter=reader.delimiter
    )
    root = reader.tree(FilesSource(reader.settings_cls, files, reader), dotenv, env_override=env_override)
    # Not a copy of the environment, so that what is read again later sees what has changed.
    environ = ChainMap(os.environ, {name: value for name, (value, _) in dotenv.variables().items()})
    resolvers: tuple[SecretResolverProtocol, ...]
    if secrets is None:
        mounted = environ.get("LEX_SECRETS_DIR") or _MOUNTED
        resolvers = (EnvironmentSecretResolver(environ), MountedFileSecretResolver(mounted))
    elif isinstance(secrets, Sequence):
        resolvers = tuple(secrets)
    else:
        resolvers = (secrets,)
    return Loaded(root, tuple(path for path, _ in files), profile, environ, resolvers)


def _no_file(path: Path) -> ConfigurationError:
    folder = path.parent
    others = sorted(p.name for p in folder.iterdir() if p.suffix in _SUFFIXES) if folder.is_dir() else []
    suggestion = did_you_mean(path.name, others)
    beside = f"; in that folder there are: {', '.join(others[:10])}" if others and not suggestion else ""
    return ConfigurationError(
        f"there is no configuration file {path}{suggestion}{beside}",
        source=str(path),
        hint="Create it, or give the path of the file that you mean.",
    )


def _profile_file(base: Path, profile: str, suffixes: Sequence[str]) -> Path:
    """The file of a profile beside the base file; a missing one is most likely a misspelt name."""
    stem = base.stem if base.suffix in _SUFFIXES else base.name
    if any(mark in profile for mark in "/\\\0") or profile in {".", ".."}:
        raise ConfigurationError(f"{profile!r} cannot be the name of a profile", hint="Use letters and digits.")
    found = _one_of(base.parent, f"{stem}.{profile}", suffixes)
    if found is not None:
        return found
    known = sorted(
        path.name.removeprefix(f"{stem}.").removesuffix(path.suffix)
        for path in (base.parent.iterdir() if base.parent.is_dir() else ())
        if path.suffix in suffixes and path.name.startswith(f"{stem}.") and path.stem != stem
    )
    suggestion = did_you_mean(profile, known)
    beside = f"; there are the profiles: {', '.join(known)}" if known and not suggestion else ""
    wanted = base.parent / f"{stem}.{profile}{suffixes[0]}"
    raise ConfigurationError(
        f"the profile {profile!r} has no file {wanted}{suggestion}{beside}",
        source=str(wanted),
        hint="Create the file, even an empty one, or choose another profile (LEX_PROFILE).",
    )


def _one_of(folder: Path, stem: str, suffixes: Sequence[str] = tuple(_SUFFIXES)) -> Path | None:
    """The file of that name in any format; two of them leave open which one counts."""
    found = [path for suffix in suffixes if (path := folder / f"{stem}{suffix}").exists()]
    if len(found) > 1:
        raise ConfigurationError(
            f"the same configuration is there twice: {' and '.join(path.name for path in found)} in {folder}",
            source=str(folder),
            hint="Remove all but one.",
        )
    return found[0] if found else None
