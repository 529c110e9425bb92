"""From the options of a command to an open store, and from an error to an exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import typer
from lexigram.cli.options import load_config
from lexigram.cli.output import console, print_error
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.nosql.cli.options import Target
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.exceptions import NoSQLFilterError, QueryOptionError
from lexigram.nosql.store import DocumentStore
from lexigram.suggestions import did_you_mean

__all__ = ["note", "run", "stores", "use", "warn_if_forgetful", "with_store"]

T = TypeVar("T")

_MISUSE = 2


def stores(target: Target, *, all_of_them: bool = False) -> list[DocumentStore]:
    """The stores that a command works on, not connected yet.

    Args:
        target: What the options say.
        all_of_them: Without a name, every configured store instead of the primary one.

    Raises:
        ConfigurationError: The configuration cannot be read, disables the stores, or has no such store.
        PluginError: The backend is not installed or cannot be used.
    """
    settings = load_config(target.config, target.profile).get_section("nosql", NoSQLConfig)
    if not settings.enabled and target.driver is None:
        raise ConfigurationError(
            "the configuration says nosql.enabled: false", key="nosql.enabled", hint="Enable it, or pass --driver."
        )
    entries = list(settings.entries())
    if target.store is not None:
        chosen = [entry for entry in entries if entry[0] == target.store]
        if not chosen:
            names = [name for name, _, _ in entries]
            raise ConfigurationError(
                f"no store is called {target.store!r}{did_you_mean(target.store, names)}",
                key="nosql.backends",
                hint=f"There are: {', '.join(names)}.",
            )
    else:
        chosen = entries if all_of_them else [entry for entry in entries if entry[1]]
    found: list[DocumentStore] = []
    for name, _, entry in chosen:
        driven = entry if target.driver is None else entry.model_copy(update={"driver": target.driver})
        spec, config = driven.backend()
        found.append(DocumentStore(spec, config, name=name))
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end.

    Args:
        work: The work.

    Returns:
        What it returned.

    Raises:
        Exit: With 2, after the error was shown, when a filter or option given on the command line is not valid.
    """
    try:
        return asyncio.run(work)
    except (NoSQLFilterError, QueryOptionError) as error:
        print_error(error)
        raise typer.Exit(_MISUSE) from error


def use(store: DocumentStore, work: Callable[[DocumentStore], Awaitable[T]]) -> T:
    """Open a store, run a command's work on it, and close it.

    Args:
        store: The store, not connected yet.
        work: The work.

    Returns:
        What it returned.
    """

    async def opened() -> T:
        async with store:
            return await work(store)

    return run(opened())


def with_store(target: Target, work: Callable[[DocumentStore], Awaitable[T]]) -> T:
    """The same for the store that the options name."""
    (store,) = stores(target)
    return use(store, work)


def note(text: str) -> None:
    """Tell the user something on standard error, so that it does not mix with the output."""
    console(stderr=True).print(text, soft_wrap=True, style="dim")


def warn_if_forgetful(store: DocumentStore) -> None:
    """Say that a store in memory ends with the command."""
    if store.backend == "memory":
        note("The backend is memory: everything is forgotten when this command ends.")
