"""What there is: backends, stores that answer, collections, indexes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from lexigram.cli.output import console, print_json, table
from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.nosql.backend import BACKENDS, Capabilities
from lexigram.nosql.cli.features import FeatureTable, load_features
from lexigram.nosql.cli.opening import note, run, stores, use, with_store
from lexigram.nosql.cli.options import Target
from lexigram.nosql.cli.showing import printable
from lexigram.nosql.doctor import check_store
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.values.extended_json import dumps, to_extended
from lexigram.plugins import PluginError, PluginInfo
from rich.text import Text

__all__ = ["drop_collection", "rebuild", "show_backends", "show_collections", "show_health", "show_indexes"]


@dataclass(frozen=True, slots=True)
class _Backend:
    """An installed backend, or why it cannot be used."""

    info: PluginInfo
    distribution: str
    capabilities: Capabilities | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.info.name,
            "distribution": self.distribution,
            "version": self.info.version,
            "value": self.info.value,
            "capabilities": None if self.capabilities is None else self.capabilities.to_dict(),
            "error": self.error,
        }

    @property
    def offers(self) -> str:
        """What it can do that another may not, in words."""
        if self.capabilities is None:
            return ""
        words = [name.replace("_", " ") for name, value in self.capabilities.to_dict().items() if value is True]
        return ", ".join(words) or "what every backend can"


def _installed() -> list[_Backend]:
    found: list[_Backend] = []
    for info in BACKENDS.describe():
        try:
            spec = BACKENDS.load(info.name)
        except PluginError as error:
            found.append(_Backend(info, info.distribution or "", error=error.message))
        else:
            found.append(_Backend(info, info.distribution or spec.distribution, spec.capabilities))
    return found


def show_backends(*, features: bool, as_json: bool) -> None:
    """List the installed backends, the broken ones with the cause.

    Args:
        features: Show what each does itself, as the conformance kit observed it.
        as_json: Show it as JSON.
    """
    installed = _installed()
    if as_json:
        print_json([backend.to_dict() for backend in installed])
        return
    out = console()
    if features:
        observed, working = load_features(), [backend for backend in installed if backend.capabilities is not None]
        out.print(_features(observed, working))
        for backend in working:
            note(f"{backend.info.name}: {observed.origin(backend.info.name, backend.distribution)}")
    else:
        listed = table("Name", "Distribution", "Version", "Can also")
        for backend in installed:
            said = Text(f"broken: {printable(backend.error)}", style="red") if backend.error else backend.offers
            listed.add_row(backend.info.name, backend.distribution, backend.info.version or "", said)
        out.print(listed)
    if features:
        for backend in installed:
            if backend.error is not None:
                note(f"{backend.info.name} is broken: {printable(backend.error)}")


def _features(table_of: FeatureTable, installed: Sequence[_Backend]) -> Any:
    made = table("Feature", *(backend.info.name for backend in installed))
    for row in table_of.rows:
        cells = (
            _shown(table_of.cell(row, backend.info.name, backend.distribution, backend.capabilities))
            for backend in installed
            if backend.capabilities is not None
        )
        made.add_row(row["title"].replace("`", ""), *cells)
    return made


def _shown(cell: str) -> Text:
    faint = cell in {"not offered", "not observed", "none"}
    return Text(cell, style="dim" if faint else "green" if cell.startswith(("native", "declared")) else "")


def show_health(target: Target, seconds: float, *, as_json: bool) -> bool:
    """Ask stores for a sign of life, and show what they say.

    Args:
        target: The store; every configured one without a name.
        seconds: Time that each may take.
        as_json: Show it as JSON.

    Returns:
        True when all answered.
    """
    asked = stores(target, all_of_them=True)

    async def ask() -> list[HealthCheckResult]:
        return await asyncio.gather(*(check_store(store, seconds) for store in asked))

    results = run(ask())
    if as_json:
        print_json([to_extended(result.to_dict()) for result in results])
    else:
        answers = table("Store", "Backend", "State", "Latency", "Message")
        for store, result in zip(asked, results, strict=True):
            well = result.status is HealthStatus.HEALTHY
            details = [f"{name}: {value}" for name, value in (result.details or {}).items() if name != "backend"]
            text = "; ".join([result.message or "", *(details if well else [])])
            state = Text("ok", style="green") if well else Text("failed", style="red")
            answers.add_row(store.name, store.backend, state, f"{result.duration_ms:.1f} ms", printable(text))
        console().print(answers)
    return all(result.status is HealthStatus.HEALTHY for result in results)


def show_collections(target: Target, *, count: bool, as_json: bool) -> None:
    """List the collections of a store.

    Args:
        target: The store.
        count: Count their documents as well.
        as_json: Show it as JSON.
    """

    async def ask(store: DocumentStore) -> list[tuple[str, int | None]]:
        names = await store.list_collections()
        if not count:
            return [(name, None) for name in names]
        return [(name, await store.collection(name).estimated_document_count()) for name in names]

    found = with_store(target, ask)
    if as_json:
        print_json([{"name": name, "documents": held} if count else {"name": name} for name, held in found])
        return
    listed = table("Collection", *(["Documents"] if count else []))
    for name, held in found:
        listed.add_row(printable(name), *([f"{held:,}"] if held is not None else []))
    console().print(listed)


def show_indexes(target: Target, collection: str, *, as_json: bool) -> None:
    """List the indexes of a collection.

    Args:
        target: The store.
        collection: Name of the collection.
        as_json: Show it as JSON.
    """
    found = with_store(target, lambda store: store.collection(collection).list_indexes())
    if as_json:
        print_json([to_extended(index) for index in found])
        return
    listed = table("Index", "Keys", "Options")
    for index in found:
        keys = ", ".join(f"{field} {way}" for field, way in index["key"].items())
        options = {name: value for name, value in index.items() if name not in {"v", "key", "name"}}
        listed.add_row(printable(index["name"]), printable(keys), printable(dumps(options)) if options else "")
    console().print(listed)


def rebuild(target: Target, collection: str, index: str | None, *, as_json: bool) -> None:
    """Make the indexes of a collection right, and say what was found.

    Args:
        target: The store.
        collection: Name of the collection.
        index: Name of the only index to look at; all of them if missing.
        as_json: Show it as JSON.

    Raises:
        BadParameter: The backend's indexes are kept by its service.
    """
    (store,) = stores(target)
    work = store.spec.rebuild_indexes
    if work is None:
        raise typer.BadParameter(
            f"the indexes of {store.backend} are kept by its service: there is nothing to make right.",
            param_hint="--driver",
        )
    reports = use(store, lambda opened: work(opened, collection, index))
    if as_json:
        print_json([to_extended(dict(report)) for report in reports])
        return
    if not reports:
        note("There are no indexes to make right.")
    for report in reports:
        told = ", ".join(f"{name} {dumps(value)}" for name, value in report.items() if name != "index")
        console().print(f"{printable(report['index'])}: {printable(told)}", soft_wrap=True, markup=False)


def drop_collection(target: Target, collection: str, *, ask: bool) -> None:
    """Remove a collection.

    Args:
        target: The store.
        collection: Name of the collection.
        ask: Let the user confirm it first.

    Raises:
        Abort: The user does not want it.
    """

    async def look(store: DocumentStore) -> int | None:
        if collection not in await store.list_collections():
            return None
        return await store.collection(collection).estimated_document_count()

    held = with_store(target, look)
    if held is None:
        note(f"There is no collection {printable(collection)!r}.")
        return
    if ask:
        typer.confirm(f"Remove {printable(collection)!r} with about {held:,} documents?", abort=True, err=True)
    with_store(target, lambda store: store.drop_collection(collection))
    console().print(f"{printable(collection)} is removed.", soft_wrap=True)
