"""The order of booting: levels of providers that boot together.

A provider comes after all that it depends on: those it names, and those of the modules that its module imports. Of the
providers whose dependencies are in earlier levels, those with the lowest priority make up the next level; the others
wait, so that a priority also holds between providers that do not know each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lexigram.app.entries import Entry
from lexigram.contracts.exceptions.provider import ProviderError
from lexigram.di.module.graph import ModuleGraph
from lexigram.di.provider import Provider
from lexigram.suggestions import did_you_mean

__all__ = ["boot_levels", "needs_of"]


def boot_levels(entries: Sequence[Entry], modules: ModuleGraph) -> list[list[Entry]]:
    """Order providers for booting; they shut down in the reverse.

    Args:
        entries: The providers.
        modules: The modules that own some of them.

    Returns:
        Levels, first to boot first; inside a level, the order of listing.

    Raises:
        ProviderError: A provider depends on one that is not there, or on itself by way of others.
    """
    waiting = {entry: _predecessors(entry, entries, modules) for entry in entries}
    levels: list[list[Entry]] = []
    while waiting:
        ready = [entry for entry, before in waiting.items() if not any(other in waiting for other in before)]
        if not ready:
            raise _circular(waiting)
        lowest = min(entry.provider.priority for entry in ready)
        level = [entry for entry in ready if entry.provider.priority == lowest]
        for entry in level:
            del waiting[entry]
        levels.append(level)
    return levels


def needs_of(entry: Entry, entries: Sequence[Entry]) -> list[Entry]:
    """The providers without which this one cannot boot.

    Raises:
        ProviderError: One of them is not there.
    """
    return [_named(entry, wanted, entries) for wanted in entry.provider.dependencies]


def _predecessors(entry: Entry, entries: Sequence[Entry], modules: ModuleGraph) -> list[Entry]:
    before = needs_of(entry, entries)
    before += [other for wanted in entry.provider.optional_dependencies if (other := _find(wanted, entries))]
    if entry.owner is not None:
        imported = modules.imported(entry.owner)
        before += [other for other in entries if other.owner in imported]
    return before


def _find(wanted: str | type[Provider], entries: Sequence[Entry]) -> Entry | None:
    if isinstance(wanted, str):
        return next((e for e in entries if e.name == wanted), None)
    return next((e for e in entries if isinstance(e.provider, wanted)), None)


def _named(entry: Entry, wanted: str | type[Provider], entries: Sequence[Entry]) -> Entry:
    found = _find(wanted, entries)
    if found is not None:
        return found
    name = wanted if isinstance(wanted, str) else wanted.name
    known = [other.name for other in entries if other is not entry]
    raise ProviderError(
        f"provider {entry.name!r} depends on {name!r}, which is not there; the others are "
        f"{', '.join(map(repr, known)) or 'none'}{did_you_mean(name, known)}",
        provider=entry.name,
        phase="register",
        hint="Add that provider, or list it in optional_dependencies.",
    )


def _circular(waiting: Mapping[Entry, Sequence[Entry]]) -> ProviderError:
    """The error for providers of which each waits for another."""

    def before(entry: Entry) -> Iterator[Entry]:
        return (other for other in waiting[entry] if other in waiting)

    trail = [next(iter(waiting))]
    while (following := next(before(trail[-1]))) not in trail:
        trail.append(following)
    names = [entry.name for entry in [*trail[trail.index(following) :], following]]
    return ProviderError(
        f"providers wait for each other: {' -> '.join(names)}",
        provider=names[0],
        phase="register",
        cycle=tuple(names),
        hint="Remove one of these dependencies; a module's providers wait for those of the modules it imports.",
    )
