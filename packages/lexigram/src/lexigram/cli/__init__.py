"""The ``lexigram`` command.

Its own commands are ``version``, ``config show`` and ``doctor``; installed distributions add groups of commands (see
``lexigram.cli.groups``) and checks for the doctor (see ``lexigram.cli.inspection``).

Exit codes: 0 when all went well, 1 when the command failed or found a problem, 2 when it was not called as it must be,
130 when it was interrupted. An error that Lexigram knows is written to standard error as one block, without a
traceback, and so is output that cannot be written; any other error is a defect, and shows one.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
import typer.main

from lexigram.cli.config_commands import app as config_app
from lexigram.cli.doctor import doctor
from lexigram.cli.groups import COMMANDS, PluginCommands
from lexigram.cli.inspection import CHECKS, inspect_distributions
from lexigram.cli.options import AsJson, ConfigFile, Profile, load_config
from lexigram.cli.output import give_up_output, is_output_error, print_error, print_json, print_table, table
from lexigram.contracts.exceptions.base import LexigramError

__all__ = ["CHECKS", "COMMANDS", "AsJson", "ConfigFile", "Profile", "app", "load_config", "main"]

app = typer.Typer(
    name="lexigram", cls=PluginCommands, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False
)
app.add_typer(config_app, name="config")
app.command()(doctor)


def _version_wanted(wanted: bool) -> None:
    if wanted:
        _print_versions()
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version_wanted, is_eager=True, help="Show the versions and exit.")
    ] = False,
) -> None:
    """Look after Lexigram applications, their configuration and their data."""


@app.command("version")
def version_command(as_json: AsJson = False) -> None:
    """Show the versions of what is installed."""
    if as_json:
        found = {distribution.name: distribution.version for distribution in inspect_distributions()}
        print_json({"python": platform.python_version(), "distributions": found})
    else:
        _print_versions()


def _print_versions() -> None:
    versions = table("Name", "Version")
    for distribution in inspect_distributions():
        versions.add_row(distribution.name, distribution.version)
    versions.add_row("Python", platform.python_version())
    print_table(versions)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and end the process.

    Args:
        arguments: What follows the name on the command line; the process's own if not given.

    Raises:
        SystemExit: Always, with the exit code.
    """
    command = typer.main.get_command(app)
    code: str | int | None = 0
    try:
        try:
            command(None if arguments is None else list(arguments), prog_name="lexigram")
        except SystemExit as exit_:
            code = exit_.code
        except LexigramError as error:
            print_error(error)
            code = 1
        # Here and not at the end of the process, where a failure could only show a traceback.
        sys.stdout.flush()
    except OSError as error:
        if not is_output_error(error):
            raise
        give_up_output(error)
        code = 1
    sys.exit(code)
