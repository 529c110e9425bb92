"""``lexigram nosql import|export|copy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from lexigram.cli.options import AsJson, ConfigFile, Profile
from lexigram.nosql.cli.options import (
    DriverName,
    FilterText,
    ProjectionText,
    SortText,
    StoreName,
    Target,
    read_document,
    read_projection,
    read_sort,
)
from lexigram.nosql.cli.reports import ImportMode

__all__ = ["add_commands", "copy_collections", "export_documents", "import_documents"]

Progress = Annotated[bool, typer.Option("--progress/--no-progress", help="Show a progress bar on a terminal.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("import")(import_documents)
    app.command("export")(export_documents)
    app.command("copy")(copy_collections)


def import_documents(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    file: Annotated[Path, typer.Argument(help="JSON Lines, also gzipped (.gz); - for standard input.")],
    mode: Annotated[
        ImportMode,
        typer.Option(help="What happens to an _id that exists: insert rejects, upsert replaces, skip leaves it."),
    ] = ImportMode.INSERT,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an import of this file stopped.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew although one stopped.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, max=100_000, help="Most documents to write at a time.")] = 1000,
    rejects: Annotated[Path | None, typer.Option(help="Where bad lines go; FILE.rejects.jsonl otherwise.")] = None,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    progress: Progress = True,
    as_json: AsJson = False,
) -> None:
    """Load documents from JSON Lines.

    Bad lines go to a file with their numbers and what is wrong with them; the rest is loaded, and the exit code is 1.
    An import that was stopped can be resumed.
    """
    from lexigram.nosql.cli.transfer import run_import

    if resume and restart:
        raise typer.BadParameter("--resume goes on and --restart begins anew; choose one.", param_hint="--resume")
    report = run_import(
        Target(config, profile, driver, store),
        collection,
        file,
        mode=mode,
        resume=resume,
        restart=restart,
        batch_size=batch_size,
        rejects=rejects,
        progress=progress,
        as_json=as_json,
    )
    if report.rejected:
        raise typer.Exit(1)


def export_documents(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    file: Annotated[Path, typer.Argument(help="Where to write, gzipped for .gz; - for standard output.")] = Path("-"),
    filter: FilterText = None,
    sort: SortText = None,
    projection: ProjectionText = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Most documents; 0 for all.")] = 0,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    progress: Progress = True,
    as_json: AsJson = False,
) -> None:
    """Write documents as JSON Lines, every type kept.

    The file appears, or is replaced, only when all of it is there.
    """
    from lexigram.nosql.cli.showing import Request
    from lexigram.nosql.cli.transfer import run_export

    request = Request(
        collection,
        read_document("--filter", filter) or {},
        sort=read_sort(sort),
        projection=read_projection(projection),
        limit=limit,
    )
    run_export(Target(config, profile, driver, store), request, file, progress=progress, as_json=as_json)


def copy_collections(
    source: Annotated[str, typer.Option("--from", help="Name of the configured store to copy from.")],
    destination: Annotated[str, typer.Option("--to", help="Name of the configured store to copy to.")],
    collection: Annotated[
        list[str] | None, typer.Argument(help="Names of collections; all when missing, also those below documents.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how much there is and what the target cannot hold.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a copy between them stopped.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew although one stopped.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into collections that hold documents already.")
    ] = False,
    skip_unfit: Annotated[
        bool, typer.Option("--skip-unfit", help="Copy the rest where the target cannot hold some documents.")
    ] = False,
    indexes: Annotated[bool, typer.Option("--indexes/--no-indexes", help="Make the indexes as well.")] = True,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Compare both sides by count and checksum afterwards.")
    ] = True,
    batch_size: Annotated[int, typer.Option(min=1, max=10_000, help="Most documents to hold at a time.")] = 500,
    config: ConfigFile = None,
    profile: Profile = None,
    progress: Progress = True,
    as_json: AsJson = False,
) -> None:
    """Copy collections from one configured store to another, whatever their backends are.

    What the target cannot hold is told before anything is written. A copy that was stopped can be resumed. Exits with 1
    where something does not fit or the two sides differ in the end.
    """
    from lexigram.nosql.cli.copy_run import CopyOptions, run_copy

    if resume and restart:
        raise typer.BadParameter("--resume goes on and --restart begins anew; choose one.", param_hint="--resume")
    options = CopyOptions(
        dry_run=dry_run,
        resume=resume,
        restart=restart,
        overwrite=overwrite,
        skip_unfit=skip_unfit,
        indexes=indexes,
        verify=verify,
        batch_size=batch_size,
        progress=progress,
        as_json=as_json,
    )
    if run_copy(Target(config, profile), source, destination, collection or (), options).failed:
        raise typer.Exit(1)
