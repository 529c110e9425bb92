"""``lexigram nosql migrate up|down|status|history``."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer
from lexigram.cli.options import AsJson, ConfigFile, Profile
from lexigram.nosql.cli.options import DriverName, StoreName, Target

__all__ = ["app", "down", "history", "status", "up"]

app = typer.Typer(help="Apply migrations, undo them, and see which are applied.", no_args_is_help=True)

ModuleName: TypeAlias = Annotated[
    str,
    typer.Option(
        "--module",
        "-m",
        envvar="LEX_NOSQL_MIGRATIONS",
        help="Module with the migrations, such as myapp.migrations or myapp.migrations:manager.",
    ),
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Wait: TypeAlias = Annotated[float, typer.Option(min=0, help="Seconds to wait for another runner to finish.")]


@app.callback()
def migrate_group() -> None:
    """Apply migrations, undo them, and see which are applied."""


@app.command()
def up(
    module: ModuleName,
    to: Annotated[str | None, typer.Option("--to", help="The last version to apply; all otherwise.")] = None,
    dry_run: DryRun = False,
    wait: Wait = 0.0,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    as_json: AsJson = False,
) -> None:
    """Apply the migrations that are not applied yet, in order."""
    from lexigram.nosql.cli.migrating import migrate_up

    migrate_up(Target(config, profile, driver, store), module, to, dry_run=dry_run, wait=wait, as_json=as_json)


@app.command()
def down(
    module: ModuleName,
    to: Annotated[str | None, typer.Option("--to", help="The version to go back to, which stays applied.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many to undo; 1 without --to.")] = None,
    dry_run: DryRun = False,
    wait: Wait = 0.0,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    as_json: AsJson = False,
) -> None:
    """Undo the last migration, the last few, or all after a version."""
    from lexigram.nosql.cli.migrating import migrate_down

    if to is not None and steps is not None:
        raise typer.BadParameter("--to names the version to go back to, --steps counts; choose one.", param_hint="--to")
    migrate_down(Target(config, profile, driver, store), module, to, steps, dry_run=dry_run, wait=wait, as_json=as_json)


@app.command()
def status(
    module: ModuleName,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 unless every migration is applied as it is written.")
    ] = False,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    as_json: AsJson = False,
) -> None:
    """Show which migrations are applied."""
    from lexigram.nosql.cli.migrating import show_status

    if not show_status(Target(config, profile, driver, store), module, as_json=as_json) and check:
        raise typer.Exit(1)


@app.command()
def history(
    module: ModuleName,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    as_json: AsJson = False,
) -> None:
    """Show the runs so far, up and down, succeeded and failed."""
    from lexigram.nosql.cli.migrating import show_history

    show_history(Target(config, profile, driver, store), module, as_json=as_json)
