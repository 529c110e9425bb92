"""Options that several commands share, so that they mean the same everywhere.

::

    def find(collection: str, config: ConfigFile = None, profile: Profile = None) -> None:
        settings = load_config(config, profile)
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from lexigram.config import LexigramConfig

__all__ = ["AsJson", "ConfigFile", "Profile", "load_config"]

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="LEX_CONFIG", help="Configuration file; application.yaml here otherwise."),
]
Profile: TypeAlias = Annotated[
    str | None, typer.Option("--profile", "-p", help="Profile to lay over the file; LEX_PROFILE otherwise.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def load_config(path: Path | None = None, profile: str | None = None) -> LexigramConfig:
    """Read the configuration that a command works with.

    Args:
        path: The file, YAML or TOML by its suffix; if not given, what the current folder holds.
        profile: The profile.

    Returns:
        The configuration.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if path is None:
        return LexigramConfig.from_env_profile(profile)
    read = LexigramConfig.from_toml if path.suffix == ".toml" else LexigramConfig.from_yaml
    return read(path, profile=profile)
