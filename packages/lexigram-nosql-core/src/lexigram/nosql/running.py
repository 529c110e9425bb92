"""The stores of the applications that run in this process, for code that no container builds.

``MigrationManager("user-schema-v2")`` names no store: inside an application it means the primary one. The provider
announces its stores when they are connected and withdraws them before they close. Stores belong to the event loop they
were connected on, so only those of the running loop are found; where two applications run on one loop, nobody can say
which is meant, and the error says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.events.protocols import EventBusProtocol
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.store import DocumentStore
from lexigram.suggestions import did_you_mean

__all__ = ["RunningStore", "announce", "find_running", "running_store"]


@dataclass(frozen=True, slots=True)
class RunningStore:
    """One connected store of a running application.

    Attributes:
        store: The store.
        primary: True for the one that has the unnamed binding.
        events: The application's event bus, or None.
    """

    store: DocumentStore
    primary: bool
    events: EventBusProtocol | None


_announced: list[tuple[asyncio.AbstractEventLoop, tuple[RunningStore, ...]]] = []


def announce(stores: Sequence[RunningStore]) -> Callable[[], None]:
    """Make the stores of an application known to code that runs on the same event loop.

    Args:
        stores: The connected stores.

    Returns:
        A function that ends it; calling it again does nothing.
    """
    entry = (asyncio.get_running_loop(), tuple(stores))
    _announced.append(entry)

    def withdraw() -> None:
        _announced[:] = [other for other in _announced if other is not entry]

    return withdraw


def _here() -> list[RunningStore]:
    """The stores of the running loop; those of loops that closed without a shutdown are forgotten."""
    _announced[:] = [entry for entry in _announced if not entry[0].is_closed()]
    loop = asyncio.get_running_loop()
    return [running for owner, stores in _announced if owner is loop for running in stores]


def find_running(store: DocumentStoreProtocol) -> RunningStore | None:
    """What is known of a store, if an application that runs here owns it."""
    return next((running for running in _here() if running.store is store), None)


def running_store(name: str | None = None) -> RunningStore:
    """The store that an application which runs here calls *name*, or its primary one.

    Args:
        name: A store's name in the configuration, or the database that its backend's section names; None for the
            primary store.

    Raises:
        NoSQLError: There is none, or several are meant equally.
    """
    here = _here()
    if name is None:
        found = [running for running in here if running.primary]
    else:
        found = [running for running in here if running.store.name == name]
        found = found or [running for running in here if getattr(running.store.config, "database", None) == name]
    if len(found) == 1:
        return found[0]
    wanted = "a primary document store" if name is None else f"a document store {name!r}"
    if found:
        raise NoSQLError(f"{len(found)} applications that run here have {wanted}", hint="Pass the store that you mean.")
    names = [running.store.name for running in here]
    known = f"there are: {', '.join(names)}" if names else "no application with document stores runs on this event loop"
    raise NoSQLError(
        f"no application that runs here has {wanted}; {known}{did_you_mean(name, names) if name else ''}",
        hint="Pass the store, or call this inside a running application with the NoSQL module.",
    )
