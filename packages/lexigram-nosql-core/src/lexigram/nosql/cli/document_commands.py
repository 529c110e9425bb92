"""``lexigram nosql find|explain``."""

from __future__ import annotations

from enum import StrEnum
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

__all__ = ["OutputFormat", "add_commands", "explain", "find"]


class OutputFormat(StrEnum):
    """How documents are shown."""

    AUTO = "auto"
    TABLE = "table"
    JSONL = "jsonl"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(find)
    app.command()(explain)


def find(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    filter: FilterText = None,
    sort: SortText = None,
    projection: ProjectionText = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=0, help="Most documents to show; 0 for all. In tables, 20.")
    ] = None,
    skip: Annotated[int, typer.Option(min=0, help="Documents to leave out at the start.")] = 0,
    output: Annotated[
        OutputFormat, typer.Option("--format", help="A table (on a terminal) or one line of extended JSON each.")
    ] = OutputFormat.AUTO,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
) -> None:
    """Show the documents that match a filter."""
    from lexigram.nosql.cli.showing import Request, show_documents

    request = Request(
        collection,
        read_document("--filter", filter) or {},
        sort=read_sort(sort),
        projection=read_projection(projection),
        skip=skip,
        limit=limit,
    )
    show_documents(Target(config, profile, driver, store), request, output)


def explain(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    filter: FilterText = None,
    sort: SortText = None,
    projection: ProjectionText = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Most documents; 0 for all.")] = 0,
    skip: Annotated[int, typer.Option(min=0, help="Documents to leave out at the start.")] = 0,
    operation: Annotated[str, typer.Option(help="The method to plan, such as find, update_many, delete_one.")] = "find",
    execute: Annotated[bool, typer.Option("--run", help="Run the find as well, and show what it read.")] = False,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    as_json: AsJson = False,
) -> None:
    """Show how a request would run: by key, by index or by a full scan, and what the engine does of it."""
    from lexigram.nosql.cli.showing import Request, show_plan

    if execute and operation != "find":
        raise typer.BadParameter("only a find can be run here.", param_hint="--run")
    request = Request(
        collection,
        read_document("--filter", filter) or {},
        sort=read_sort(sort),
        projection=read_projection(projection),
        skip=skip,
        limit=limit,
    )
    show_plan(Target(config, profile, driver, store), request, operation, execute=execute, as_json=as_json)
