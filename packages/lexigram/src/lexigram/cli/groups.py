"""The groups of commands that other distributions add.

A distribution registers, under the entry point group ``lexigram.cli`` and the name of the command, either a
``typer.Typer`` or a function that adds commands to one::

    [project.entry-points."lexigram.cli"]
    stock = "acme_stock.cli:register"

    def register(app: typer.Typer) -> None:
        '''Look after the stock.'''

        @app.command()
        def count() -> None: ...

which makes ``lexigram stock count``: *app* is the group itself, not the whole ``lexigram``. The function's first line
of documentation is the group's help. A group is imported when one of its commands is called, or for the list of all
commands; one that cannot be imported stays in the list, with the reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import typer
import typer.main
from rich.markup import escape
from typer.core import TyperGroup

from lexigram.contracts.exceptions.base import LexigramError
from lexigram.plugins import PluginError, PluginGroup, PluginLoadError

__all__ = ["COMMANDS", "PluginCommands"]


def _refusal(value: Any) -> str | None:
    return None if callable(value) else "it is neither a function nor a Typer"


COMMANDS: PluginGroup[Any] = PluginGroup(
    "lexigram.cli", object, install_hints={"nosql": "lexigram-nosql-core", "db": "lexigram-sql"}, check=_refusal
)
"""The groups by name."""


class PluginCommands(TyperGroup):
    """The commands of the kernel, then those of plugins, loaded when they are needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in COMMANDS.names() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; one that fails when called for a plugin that cannot be used."""
        command = super().get_command(ctx, cmd_name)
        if command is None and (cmd_name in COMMANDS.names() or cmd_name in COMMANDS.install_hints):
            command = _plugin_command(cmd_name)
        return command


def _plugin_command(name: str) -> Any:
    try:
        value = COMMANDS.load(name)
        group = value if isinstance(value, typer.Typer) else _registered(name, value)
        command = typer.main.get_group(group)
    except PluginError as error:
        command = _broken(name, error)
    command.name = name
    return command


def _registered(name: str, register: Callable[[typer.Typer], object]) -> typer.Typer:
    documentation = inspect.getdoc(register) or ""
    group = typer.Typer(name=name, help=documentation.partition("\n")[0] or None, no_args_is_help=True)
    try:
        register(group)
    except Exception as error:
        raise PluginLoadError(
            f"the commands of {name!r} cannot be set up: {type(error).__name__}: {error}",
            group=COMMANDS.group,
            name=name,
            cause=error,
        ) from error
    return group


def _broken(name: str, error: LexigramError) -> Any:
    """A command that takes anything and says why it cannot do it."""
    app = typer.Typer(add_completion=False)
    reason = error.message.partition("\n")[0]

    def fail() -> None:
        raise error

    app.command(
        name,
        help=escape(f"(not available) {reason}"),
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )(fail)
    return cast("Any", typer.main.get_command(app))
