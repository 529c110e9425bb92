"""What packages add to the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.cli.contributions import (
        CommandContribution,
        DoctorCheckContribution,
        HealthCheckContribution,
        HookContribution,
        SchemaSetupContribution,
        SchemaSetupOutcome,
        SchemaSetupResult,
        ShellContextContribution,
    )
    from lexigram.contracts.cli.types import (
        GeneratorDefinition,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "contributions": (
                "CommandContribution",
                "DoctorCheckContribution",
                "HealthCheckContribution",
                "HookContribution",
                "SchemaSetupContribution",
                "SchemaSetupOutcome",
                "SchemaSetupResult",
                "ShellContextContribution",
            ),
            "types": ("GeneratorDefinition",),
        },
    )

__all__ = [
    "CommandContribution",
    "DoctorCheckContribution",
    "GeneratorDefinition",
    "HealthCheckContribution",
    "HookContribution",
    "SchemaSetupContribution",
    "SchemaSetupOutcome",
    "SchemaSetupResult",
    "ShellContextContribution",
]
