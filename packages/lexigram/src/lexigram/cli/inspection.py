"""What ``lexigram doctor`` looks at: the installation, the plugins, the configuration, and what can be reached.

Distributions add checks under the entry point group ``lexigram.doctor``. The value is an async function that gets the
configuration and returns what it found; it must not change anything::

    async def check(config: LexigramConfig) -> list[HealthCheckResult]: ...
"""

from __future__ import annotations

import asyncio
import platform
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distributions
from inspect import isawaitable
from typing import Any, TypeAlias, cast

from lexigram.config import ConfigIssue, ConfigurationError, ConfigValidationError, LexigramConfig, mask_text
from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.plugins import PluginError, PluginGroup, PluginInfo, known_group, plugin_groups

__all__ = [
    "CHECKS",
    "ConfigReport",
    "Distribution",
    "DoctorCheck",
    "PluginReport",
    "Problem",
    "Report",
    "inspect_configuration",
    "inspect_distributions",
    "inspect_plugins",
    "run_checks",
]

DoctorCheck: TypeAlias = Callable[[LexigramConfig], Awaitable[Sequence[HealthCheckResult]]]
"""A check that a distribution contributes."""


def _refusal(value: Any) -> str | None:
    return None if callable(value) else "it is no function"


CHECKS: PluginGroup[Any] = PluginGroup("lexigram.doctor", object, check=_refusal)
"""The checks by name."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PluginReport:
    """A plugin, and why it cannot be used if so."""

    info: PluginInfo
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps the application from working."""

    message: str
    key: str = ""
    source: str = ""


@dataclass(slots=True)
class ConfigReport:
    """What was found about the configuration."""

    config: LexigramConfig | None = None
    problems: list[Problem] = field(default_factory=list[Problem])
    issues: list[ConfigIssue] = field(default_factory=list[ConfigIssue])


@dataclass(slots=True)
class Report:
    """All that was found."""

    distributions: list[Distribution]
    plugins: list[PluginReport]
    unreadable: dict[str, str]
    configuration: ConfigReport
    checks: list[HealthCheckResult] = field(default_factory=list[HealthCheckResult])

    @property
    def is_well(self) -> bool:
        """Whether nothing was found that keeps the application from working."""
        return not (
            self.unreadable
            or any(plugin.error for plugin in self.plugins)
            or self.configuration.problems
            or any(issue.severity == "error" for issue in self.configuration.issues)
            or any(check.status is HealthStatus.UNHEALTHY for check in self.checks)
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data that JSON takes."""
        config = self.configuration.config
        return {
            "ok": self.is_well,
            "python": {
                "version": platform.python_version(),
                "implementation": platform.python_implementation(),
                "platform": platform.platform(),
                "executable": sys.executable,
            },
            "distributions": [{"name": found.name, "version": found.version} for found in self.distributions],
            "plugins": [
                {
                    "group": plugin.info.group,
                    "name": plugin.info.name,
                    "value": plugin.info.value,
                    "distribution": plugin.info.distribution,
                    "version": plugin.info.version,
                    "error": plugin.error,
                }
                for plugin in self.plugins
            ],
            "unreadable_distributions": self.unreadable,
            "configuration": {
                "files": [] if config is None else [str(path) for path in config.files],
                "profile": None if config is None else config.profile,
                "environment": None if config is None else config.environment.value,
                "problems": [
                    {"key": problem.key, "message": problem.message, "source": problem.source}
                    for problem in self.configuration.problems
                ],
                "issues": [
                    {"key": issue.key, "message": issue.message, "severity": issue.severity, "hint": issue.hint}
                    for issue in self.configuration.issues
                ],
            },
            "checks": [check.to_dict() for check in self.checks],
        }


def inspect_distributions(plugins: Sequence[PluginReport] = ()) -> list[Distribution]:
    """List the Lexigram distributions, and those that offer plugins.

    Args:
        plugins: The plugins found.

    Returns:
        Names and versions, by name.
    """
    found = {plugin.info.distribution: plugin.info.version or "unknown" for plugin in plugins}
    for distribution in distributions():
        name: Any = distribution.metadata["Name"]
        if isinstance(name, str) and re.match(r"lexigram(?:$|[-_.])", name.lower()):
            found.setdefault(name, distribution.version)
    return [Distribution(name, version) for name, version in sorted((n, v) for n, v in found.items() if n)]


def inspect_plugins(builtin_commands: Sequence[str] = ()) -> list[PluginReport]:
    """Load every plugin of every Lexigram group, and note which cannot be.

    Args:
        builtin_commands: Names that no group of commands may have.

    Returns:
        The plugins, by group and name.
    """
    reports: list[PluginReport] = []
    for group_name in plugin_groups("lexigram."):
        # A group that nobody reads yet says where its plugins are; importing one of them brings in the group's owner.
        group = known_group(group_name) or PluginGroup(group_name, object)
        for info in group.describe():
            error = _load_error(group, info.name)
            owner = known_group(group_name)
            if error is None and owner is not None and owner is not group:
                error = _load_error(owner, info.name)
            if group_name == "lexigram.cli" and info.name in builtin_commands:
                error = f"there is a command {info.name!r} already"
            reports.append(PluginReport(info, None if error is None else mask_text(error)))
    return reports


def _load_error(group: PluginGroup[Any], name: str) -> str | None:
    try:
        group.load(name)
    except PluginError as error:
        return error.message
    except SystemExit as error:
        return f"importing {name!r} ends the program (exit code {error.code})"
    return None


def inspect_configuration(load: Callable[[], LexigramConfig]) -> ConfigReport:
    """Read the configuration and look for problems in it.

    Args:
        load: Reads it.

    Returns:
        The configuration, if it can be read, and what was found.
    """
    report = ConfigReport()
    try:
        config = load()
        report.issues = config.validate_for_environment()
        report.config = config
    except ConfigValidationError as error:
        report.problems = [
            Problem(problem.message, problem.key, "" if problem.source is None else str(problem.source))
            for problem in error.problems
        ]
    except LexigramError as error:
        key, source = (error.key, error.source) if isinstance(error, ConfigurationError) else (None, None)
        report.problems = [Problem(mask_text(error.message), key or "", source or "")]
    return report


async def run_checks(config: LexigramConfig, timeout: float) -> list[HealthCheckResult]:  # noqa: ASYNC109 - as checks do
    """Run the checks that distributions contribute, at the same time.

    Args:
        config: The configuration.
        timeout: The most seconds that each may take.

    Returns:
        What they found, by name. A check that fails, takes too long or cannot be loaded is a result as well.
    """
    results = await asyncio.gather(*(_run_check(name, config, timeout) for name in CHECKS.names()))
    return [result for group in results for result in group]


async def _run_check(name: str, config: LexigramConfig, limit: float) -> list[HealthCheckResult]:
    start = time.perf_counter()
    try:
        check = CHECKS.load(name)
        async with asyncio.timeout(limit):
            outcome = check(config)
            found: Any = await outcome if isawaitable(outcome) else outcome
        results = list(found)
        if all(isinstance(result, HealthCheckResult) for result in results):
            return cast("list[HealthCheckResult]", results)
        error = "the check returned something that is no HealthCheckResult"
    except TimeoutError:
        error = f"no answer within {limit:g} seconds"
    except LexigramError as failure:
        error = failure.message
    except Exception as failure:  # noqa: BLE001 - whatever a check raises is its result
        error = f"{type(failure).__name__}: {failure}"
    duration = (time.perf_counter() - start) * 1000
    return [HealthCheckResult(name, HealthStatus.UNHEALTHY, error=mask_text(error), duration_ms=duration)]
