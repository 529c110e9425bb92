"""``lexigram nosql backends|ping|collections|indexes|rebuild-indexes|drop``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from lexigram.cli.options import AsJson, ConfigFile, Profile
from lexigram.nosql.cli.options import DriverName, StoreName, Target

__all__ = ["add_commands", "backends", "collections", "drop", "indexes", "ping", "rebuild_indexes"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (backends, ping, collections, indexes, rebuild_indexes, drop):
        app.command()(command)


def backends(
    features: Annotated[
        bool, typer.Option("--features", help="Show what each backend does itself, as observed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the installed backends; no SDK is imported for it."""
    from lexigram.nosql.cli.listing import show_backends

    show_backends(features=features, as_json=as_json)


def ping(
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds to wait for an answer.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Ask every configured store, or one, for a sign of life. Exits with 1 when one does not answer."""
    from lexigram.nosql.cli.listing import show_health

    if not show_health(Target(config, profile, driver, store), timeout, as_json=as_json):
        raise typer.Exit(1)


def collections(
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    count: Annotated[bool, typer.Option("--count", help="Also show about how many documents each holds.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the collections."""
    from lexigram.nosql.cli.listing import show_collections

    show_collections(Target(config, profile, driver, store), count=count, as_json=as_json)


def indexes(
    collection: Annotated[str | None, typer.Argument(help="Name of the collection.")] = None,
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Without a collection: the file to write; - for standard output."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the indexes of a collection.

    Without a collection, for a backend whose own tools make indexes: write the tools' file for the queries that were
    seen (firestore.indexes.json, say). What stands in the file is kept.
    """
    target = Target(config, profile, driver, store)
    if collection is None:
        from lexigram.nosql.cli.index_files import write_index_file

        write_index_file(target, output, as_json=as_json)
        return
    if output is not None:
        raise typer.BadParameter("a list of indexes goes to standard output.", param_hint="--output")
    from lexigram.nosql.cli.listing import show_indexes

    show_indexes(target, collection, as_json=as_json)


def rebuild_indexes(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    index: Annotated[str | None, typer.Option("--index", help="Name of the only index to look at.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the indexes of a collection right again, after other tools wrote past them (DynamoDB)."""
    from lexigram.nosql.cli.listing import rebuild

    rebuild(Target(config, profile, driver, store), collection, index, as_json=as_json)


def drop(
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    config: ConfigFile = None,
    profile: Profile = None,
    driver: DriverName = None,
    store: StoreName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a collection with its documents and indexes."""
    from lexigram.nosql.cli.listing import drop_collection

    drop_collection(Target(config, profile, driver, store), collection, ask=not yes)
