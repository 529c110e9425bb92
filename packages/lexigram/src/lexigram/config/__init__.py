"""Configuration: files, profiles, the environment and secrets, read into typed models.

From low to high: the models' defaults, ``application.yaml`` (or ``.toml``), ``application.<profile>.yaml``, ``.env``
and the environment variables ``LEX_*``. See :class:`LexigramConfig` for the whole, :class:`BaseConfig` for writing
models, ``lexigram.config.interpolation`` for ``${VAR:default}`` and ``${secret:NAME}``, and
``lexigram.config.environment`` for the names of variables. The models are settings of pydantic-settings;
:class:`LexigramSettingsSource` reads a section into settings classes that do not derive from ours.
"""

from __future__ import annotations

from lexigram.config.application import LexigramConfig
from lexigram.config.base import BaseConfig
from lexigram.config.problems import ConfigProblem, ConfigValidationError, unknown_keys
from lexigram.config.secrets import (
    MASK,
    EnvironmentSecretResolver,
    MountedFileSecretResolver,
    Secret,
    SecretNotFoundError,
    SecretResolverProtocol,
    mask_text,
    mask_url,
)
from lexigram.config.sections import CONFIG_SECTIONS
from lexigram.config.settings_source import LexigramSettingsSource
from lexigram.config.trail import TrailEntry
from lexigram.config.tree import Source, SourceKind
from lexigram.contracts.core.config import ConfigIssue, ConfigProtocol, Environment
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = [
    "CONFIG_SECTIONS",
    "MASK",
    "BaseConfig",
    "ConfigIssue",
    "ConfigProblem",
    "ConfigProtocol",
    "ConfigValidationError",
    "ConfigurationError",
    "Environment",
    "EnvironmentSecretResolver",
    "LexigramConfig",
    "LexigramSettingsSource",
    "MountedFileSecretResolver",
    "Secret",
    "SecretNotFoundError",
    "SecretResolverProtocol",
    "Source",
    "SourceKind",
    "TrailEntry",
    "mask_text",
    "mask_url",
    "unknown_keys",
]
