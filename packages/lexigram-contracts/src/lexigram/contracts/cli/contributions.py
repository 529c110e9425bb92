"""What a package adds to the ``lexigram`` command, without being imported for it.

Paths are written ``package.module:name`` and imported when needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "CommandContribution",
    "DoctorCheckContribution",
    "HealthCheckContribution",
    "HookContribution",
    "SchemaSetupContribution",
    "SchemaSetupOutcome",
    "SchemaSetupResult",
    "ShellContextContribution",
]


@dataclass(frozen=True, slots=True)
class CommandContribution:
    """A group of commands.

    Attributes:
        name: The group's name on the command line.
        help: One line for the list of commands.
        app_factory_path: A function without parameters that returns the ``typer.Typer`` of the group.
        contributor: Who adds it.
        category: Heading in the list of commands.
        hidden: True keeps it out of the list.
        requires_app_context: True when the commands need a running application.
    """

    name: str
    help: str
    app_factory_path: str
    contributor: str
    category: str = "extension"
    hidden: bool = False
    requires_app_context: bool = False


@dataclass(frozen=True, slots=True)
class HealthCheckContribution:
    """A check of the running application.

    Attributes:
        name: The check's name.
        description: What it checks.
        check_path: ``async (container) -> HealthCheckResult``.
        contributor: Who adds it.
        category: Heading in the report.
        timeout: The most seconds it may take.
        critical: True when a failure means that the application does not work.
    """

    name: str
    description: str
    check_path: str
    contributor: str
    category: str = "general"
    timeout: float = 10.0
    critical: bool = False


@dataclass(frozen=True, slots=True)
class DoctorCheckContribution:
    """A check of the installation and its configuration.

    Attributes:
        name: The check's name.
        description: What it checks.
        check_path: A function without parameters that returns what it found.
        contributor: Who adds it.
        category: Heading in the report.
        can_fix: True when the check can repair what it finds.
    """

    name: str
    description: str
    check_path: str
    contributor: str
    category: str = "general"
    can_fix: bool = False


@dataclass(frozen=True, slots=True)
class ShellContextContribution:
    """A name in the interactive shell.

    Attributes:
        name: The name.
        description: What it is.
        factory_path: ``async (container) -> object``.
        contributor: Who adds it.
    """

    name: str
    description: str
    factory_path: str
    contributor: str


@dataclass(frozen=True, slots=True)
class HookContribution:
    """A handler of an event of the command line.

    Attributes:
        event: The event's name.
        handler_path: ``(context) -> None``, sync or async.
        contributor: Who adds it.
        priority: The lowest runs first.
    """

    event: str
    handler_path: str
    contributor: str
    priority: int = 50


class SchemaSetupResult(StrEnum):
    """How setting up a schema went."""

    CREATED = "created"
    ALREADY_PRESENT = "already_present"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SchemaSetupOutcome:
    """What setting up a schema did.

    Attributes:
        status: How it went.
        message: A sentence for a person.
    """

    status: SchemaSetupResult
    message: str | None = None


@dataclass(frozen=True, slots=True)
class SchemaSetupContribution:
    """Tables that a package needs.

    Attributes:
        name: The step's name.
        description: What it makes.
        setup_fn_path: ``async (database: DatabaseProviderProtocol) -> SchemaSetupOutcome``; safe to run again.
        contributor: Who adds it.
        category: Heading in the report.
    """

    name: str
    description: str
    setup_fn_path: str
    contributor: str
    category: str = "general"
