"""``lexigram nosql``: look into document stores, move documents, and migrate.

Commands are declared in modules that import nothing of the engine; what a command needs is imported when it runs, so
that the list of commands appears at once.
"""

from __future__ import annotations

import typer
from lexigram.nosql.cli import document_commands, migrate_commands, store_commands, transfer_commands

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Look into document stores, move documents, and migrate.

    Args:
        app: The group that the commands are added to.
    """
    for module in (store_commands, document_commands, transfer_commands):
        module.add_commands(app)
    app.add_typer(migrate_commands.app, name="migrate")
