"""``lexigram doctor``: is everything here, does it fit together, and can it be reached?"""

from __future__ import annotations

import asyncio
import platform
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from lexigram.cli.inspection import (
    Report,
    inspect_configuration,
    inspect_distributions,
    inspect_plugins,
    run_checks,
)
from lexigram.cli.options import AsJson, ConfigFile, Profile, load_config
from lexigram.cli.output import console, print_json, print_table, table
from lexigram.config import mask_text
from lexigram.contracts.core.health import HealthStatus
from lexigram.plugins import unreadable_distributions

__all__ = ["doctor"]

_MARKS = {
    HealthStatus.HEALTHY: ("ok", "green"),
    HealthStatus.STARTING: ("starting", "yellow"),
    HealthStatus.UNKNOWN: ("unknown", "yellow"),
    HealthStatus.DEGRADED: ("degraded", "yellow"),
    HealthStatus.UNHEALTHY: ("failed", "red"),
}
_SEVERITIES = {"error": "red", "warning": "yellow", "info": "cyan"}


def doctor(
    context: typer.Context,
    config: ConfigFile = None,
    profile: Profile = None,
    connect: Annotated[
        bool, typer.Option("--connect/--no-connect", help="Also try to reach what the configuration names.")
    ] = True,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that each check may take.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Check the installation, the plugins, the configuration, and what it connects to.

    Exits with 1 if something is wrong.
    """
    parent = context.parent
    builtin = [] if parent is None else list(getattr(parent.command, "commands", {}))
    plugins = inspect_plugins(builtin)
    report = Report(
        distributions=inspect_distributions(plugins),
        plugins=plugins,
        unreadable=dict(unreadable_distributions()),
        configuration=inspect_configuration(lambda: load_config(config, profile)),
    )
    if connect and report.configuration.config is not None:
        report.checks = asyncio.run(run_checks(report.configuration.config, timeout))
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report, console(), connect=connect)
    raise typer.Exit(0 if report.is_well else 1)


def _print(report: Report, out: Console, *, connect: bool) -> None:
    _heading(out, "Python")
    out.print(f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}", soft_wrap=True)
    _heading(out, "Distributions")
    installed = table("Name", "Version")
    for distribution in report.distributions:
        installed.add_row(distribution.name, distribution.version)
    print_table(installed, out)
    for place, reason in report.unreadable.items():
        out.print(Text(f"cannot be read: {place}: {reason}", style="red"), soft_wrap=True)
    _heading(out, "Plugins")
    _print_plugins(report, out)
    _heading(out, "Configuration")
    _print_configuration(report, out)
    _heading(out, "Connections")
    _print_checks(report, out, connect=connect)
    verdict = Text("\nEverything is fine.", style="green") if report.is_well else Text("\nProblems found.", style="red")
    out.print(verdict)


def _heading(out: Console, title: str) -> None:
    out.print(Text(f"\n{title}", style="bold"))


def _print_plugins(report: Report, out: Console) -> None:
    plugins = table("Group", "Name", "Distribution", "Version", "State")
    for plugin in report.plugins:
        info = plugin.info
        state = Text("ok", style="green") if plugin.error is None else Text(f"broken: {plugin.error}", style="red")
        plugins.add_row(info.group, info.name, info.distribution or "", info.version or "", state)
    if report.plugins:
        print_table(plugins, out)
    else:
        out.print("none")


def _print_configuration(report: Report, out: Console) -> None:
    found = report.configuration
    if found.config is not None:
        files = ", ".join(map(str, found.config.files)) or "no file; defaults and the environment only"
        out.print(f"{files} (environment: {found.config.environment})", soft_wrap=True)
    for problem in found.problems:
        line = Text("error: ", style="red").append(f"{problem.key}: " if problem.key else "", style="bold")
        line.append(problem.message, style="default").append(f" ({problem.source})" if problem.source else "")
        out.print(line, soft_wrap=True)
    for issue in found.issues:
        line = Text(f"{issue.severity}: ", style=_SEVERITIES[issue.severity])
        line.append(f"{issue.key}: " if issue.key else "", style="bold").append(issue.message, style="default")
        line.append(f"; {issue.hint}" if issue.hint else "", style="default")
        out.print(line, soft_wrap=True)
    if not found.problems and not found.issues:
        out.print(Text("no problems", style="green"))


def _print_checks(report: Report, out: Console, *, connect: bool) -> None:
    if report.configuration.config is None:
        out.print("not tried, since the configuration cannot be read")
    elif not connect:
        out.print("not tried, as asked")
    elif not report.checks:
        out.print("no installed distribution has something to check")
    else:
        checks = table("Component", "State", "Time", "Message")
        for check in report.checks:
            mark, style = _MARKS[check.status]
            found = list(dict.fromkeys(part for part in (check.message, check.error) if part))
            duration = f"{check.duration_ms:.0f} ms"
            checks.add_row(check.component, Text(mark, style=style), duration, mask_text(": ".join(found)))
        print_table(checks, out)
