"""Plugins by name: one loader and one policy for everything that other distributions contribute.

A distribution offers an object under an entry point group; configuration asks for it by name::

    BACKENDS = PluginGroup("lexigram.nosql.backends", BackendSpec, install_hints={"mongodb": "lexigram-nosql-mongodb"})
    BACKENDS.names()            # imports nothing
    BACKENDS.load("mongodb")    # imports that one plugin, once

The policy: nothing is scanned or imported before it is asked for, one name is loaded once, a plugin that cannot be
used is an error that says why, and there is never a fallback to another plugin. The errors:

* PluginError 001
  + PluginNotFoundError 002 (also LookupError): nobody offers that name
  + PluginConflictError 003: two distributions offer different objects under one name
  + PluginLoadError 004: importing it failed
  + PluginInvalidError 005 (also TypeError): it is of the wrong kind, or made for another contract number

Codes are ``LEX_ERR_PLUGIN_`` and the number. The entry points of all installed distributions are read once for all
groups and read again when ``sys.path`` changes or something is installed or removed. That follows the PyPA
specification of entry points, except that a distribution whose entry point file cannot be parsed does not spoil the
others: it is listed by :func:`unreadable_distributions`.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakValueDictionary

from lexigram.contracts.exceptions.base import LexigramError
from lexigram.suggestions import did_you_mean

__all__ = [
    "PluginConflictError",
    "PluginError",
    "PluginGroup",
    "PluginInfo",
    "PluginInvalidError",
    "PluginLoadError",
    "PluginNotFoundError",
    "known_group",
    "plugin_groups",
    "refresh_plugins",
    "unreadable_distributions",
]

T = TypeVar("T")


class PluginError(LexigramError):
    """A plugin cannot be used.

    Args:
        message: What happened.
        group: The entry point group.
        name: The plugin's name in that group.
        **context: More facts, and the arguments of :class:`~lexigram.contracts.exceptions.base.LexigramError`.
    """

    _code: ClassVar[str] = "LEX_ERR_PLUGIN_001"

    group: str
    name: str

    def __init__(self, message: str | None = None, *, group: str = "", name: str = "", **context: Any) -> None:
        super().__init__(message, **context)
        self.group = group
        self.name = name


class PluginNotFoundError(PluginError, LookupError):
    """No installed distribution offers a plugin of that name."""

    _code: ClassVar[str] = "LEX_ERR_PLUGIN_002"


class PluginConflictError(PluginError):
    """Two distributions offer different plugins under the same name."""

    _code: ClassVar[str] = "LEX_ERR_PLUGIN_003"


class PluginLoadError(PluginError):
    """A plugin is installed, but importing it failed; the cause is chained."""

    _code: ClassVar[str] = "LEX_ERR_PLUGIN_004"


class PluginInvalidError(PluginError, TypeError):
    """A plugin is not of the kind that its group asks for, or was made for another contract number."""

    _code: ClassVar[str] = "LEX_ERR_PLUGIN_005"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What is known of a plugin without importing it.

    Attributes:
        name: Its name in the group.
        group: The entry point group.
        value: Where the object is, as ``module:attribute``; for a registered object, its type.
        distribution: The distribution that offers it; None if it was registered by code.
        version: That distribution's version; None if it was registered by code.
    """

    name: str
    group: str
    value: str
    distribution: str | None
    version: str | None

    def __str__(self) -> str:
        source = f"{self.distribution} {self.version}" if self.distribution else "registered by code"
        return f"{self.value} ({source})"


@dataclass(frozen=True, slots=True)
class _Offer:
    """One entry point of one distribution."""

    info: PluginInfo
    entry_point: EntryPoint


@dataclass(frozen=True, slots=True)
class _Scan:
    """What all installed distributions offer, and what could not be read."""

    groups: Mapping[str, Mapping[str, tuple[_Offer, ...]]]
    unreadable: Mapping[str, str]


_Fingerprint = tuple[tuple[str, int], ...]

_scan_cache: tuple[_Fingerprint, _Scan] | None = None
_known_groups: WeakValueDictionary[str, PluginGroup[Any]] = WeakValueDictionary()


def _fingerprint() -> _Fingerprint:
    """What the scan depends on: the search path and when each of its folders last gained or lost an entry."""
    marks: list[tuple[str, int]] = []
    for entry in sys.path:
        try:
            marks.append((entry, os.stat(entry or ".").st_mtime_ns))
        except OSError:
            marks.append((entry, 0))
    return tuple(marks)


def _identity(distribution: Distribution) -> tuple[str, str]:
    """Name and version of a distribution; its folder may lack metadata."""
    try:
        return distribution.metadata["Name"] or "unknown", distribution.version or "unknown"
    except Exception:  # noqa: BLE001 - what is raised for absent metadata differs between Python versions
        return "unknown", "unknown"


def _location(distribution: Distribution) -> str:
    """Where a distribution is, for a person who has to repair it."""
    return str(getattr(distribution, "_path", None) or _identity(distribution)[0])


def _read_distributions() -> _Scan:
    groups: dict[str, dict[str, list[_Offer]]] = {}
    unreadable: dict[str, str] = {}
    seen: set[str] = set()
    for distribution in distributions():
        try:
            entry_points = tuple(distribution.entry_points)
        except Exception as error:  # noqa: BLE001 - one damaged file must not hide every other plugin
            unreadable[_location(distribution)] = f"{type(error).__name__}: {error}"
            continue
        if not entry_points:
            continue
        name, version = _identity(distribution)
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen and name != "unknown":
            continue  # shadowed by the same distribution earlier on the path, as for imports
        seen.add(key)
        for entry_point in entry_points:
            info = PluginInfo(entry_point.name, entry_point.group, entry_point.value, name, version)
            offers = groups.setdefault(entry_point.group, {}).setdefault(entry_point.name, [])
            if all(offer.info.value != info.value for offer in offers):
                offers.append(_Offer(info, entry_point))
    return _Scan(
        {group: {name: tuple(offers) for name, offers in names.items()} for group, names in groups.items()},
        unreadable,
    )


def _scan() -> _Scan:
    global _scan_cache
    fingerprint = _fingerprint()
    if _scan_cache is None or _scan_cache[0] != fingerprint:
        _scan_cache = (fingerprint, _read_distributions())
    return _scan_cache[1]


def refresh_plugins() -> None:
    """Forget what was read of the installed distributions; the next question reads them again.

    Needed only where a change cannot be seen from outside, such as an edited ``entry_points.txt``.
    """
    global _scan_cache
    importlib.invalidate_caches()
    _scan_cache = None


def plugin_groups(prefix: str = "") -> tuple[str, ...]:
    """The entry point groups that installed distributions offer something under. Imports nothing.

    Args:
        prefix: Only groups whose names start so.

    Returns:
        Their names, sorted.
    """
    return tuple(sorted(group for group in _scan().groups if group.startswith(prefix)))


def unreadable_distributions() -> Mapping[str, str]:
    """The distributions whose entry points cannot be read.

    Returns:
        For each, where it is and what is wrong with it.
    """
    return dict(_scan().unreadable)


def known_group(group: str) -> PluginGroup[Any] | None:
    """The object that reads an entry point group, if the module that made it has been imported.

    Args:
        group: The entry point group.

    Returns:
        The one made last, since it knows what kind its plugins must be.
    """
    return _known_groups.get(group)


class PluginGroup(Generic[T]):
    """The plugins of one entry point group.

    Args:
        group: The entry point group, such as ``lexigram.nosql.backends``.
        kind: The class that every plugin of the group must be an instance of.
        install_hints: For well-known names, the requirement to install: ``{"mongodb": "lexigram-nosql-mongodb"}``.
        check: Looks at an object of the right kind and returns why it cannot be used, or None if it can. The place
            to compare contract numbers.
    """

    def __init__(
        self,
        group: str,
        kind: type[T],
        *,
        install_hints: Mapping[str, str] | None = None,
        check: Callable[[T], str | None] | None = None,
    ) -> None:
        self._group = group
        self._kind = kind
        self._hints = dict(install_hints or {})
        self._check = check
        self._registered: dict[str, list[tuple[object, T]]] = {}
        self._loaded: dict[str, tuple[PluginInfo, T]] = {}
        _known_groups[group] = self

    @property
    def group(self) -> str:
        """The entry point group."""
        return self._group

    @property
    def kind(self) -> type[T]:
        """The class that every plugin of the group is an instance of."""
        return self._kind

    @property
    def install_hints(self) -> Mapping[str, str]:
        """What to install for well-known names."""
        return MappingProxyType(self._hints)

    def names(self) -> tuple[str, ...]:
        """The names on offer, sorted. Imports nothing.

        Returns:
            Names from installed distributions and registered ones, also those that :meth:`load` would refuse.
        """
        return tuple(sorted({*self._offers(), *self._registered}))

    def describe(self) -> tuple[PluginInfo, ...]:
        """What is known of each plugin without importing it.

        Returns:
            One entry per plugin, sorted by name; several for a name in conflict. A registered object hides the
            installed ones of its name.
        """
        described: list[PluginInfo] = []
        offers = self._offers()
        for name in self.names():
            if name in self._registered:
                plugin = self._registered[name][-1][1]
                value = f"{type(plugin).__module__}:{type(plugin).__qualname__}"
                described.append(PluginInfo(name, self._group, value, None, None))
            else:
                described.extend(offer.info for offer in offers[name])
        return tuple(described)

    def load(self, name: str) -> T:
        """Import the plugin of that name; once, later calls return the same object.

        Args:
            name: The name in the group.

        Returns:
            The plugin.

        Raises:
            PluginNotFoundError: Nobody offers the name; says what is installed and what to install.
            PluginConflictError: Two distributions offer it; names both.
            PluginLoadError: Importing it failed; the cause is chained.
            PluginInvalidError: It is of the wrong kind, or the group's check refuses it.
        """
        if name in self._registered:
            return self._registered[name][-1][1]
        offers = self._offers().get(name)
        if offers is None:
            raise self._not_found(name)
        if len(offers) != 1:
            raise self._conflict(name, offers)
        offer = offers[0]
        loaded = self._loaded.get(name)
        if loaded is not None and loaded[0] == offer.info:
            return loaded[1]
        try:
            plugin = offer.entry_point.load()
        except Exception as error:
            raise PluginLoadError(
                f"cannot load {name!r} from {offer.info}: {type(error).__name__}: {error}",
                group=self._group,
                name=name,
                cause=error,
                hint=f"Repair or uninstall {offer.info.distribution}.",
            ) from error
        valid = self._validated(name, plugin, str(offer.info))
        self._loaded[name] = (offer.info, valid)
        return valid

    def register(self, name: str, plugin: T) -> Callable[[], None]:
        """Add a plugin without packaging, for tests and for embedding.

        It takes precedence over an installed plugin of that name and over one registered earlier.

        Args:
            name: The name in the group.
            plugin: The object.

        Returns:
            A function that takes this registration back; calling it again does nothing.

        Raises:
            PluginInvalidError: It is of the wrong kind, or the group's check refuses it.
        """
        entry = (object(), self._validated(name, plugin, f"{type(plugin).__qualname__} (registered by code)"))
        self._registered.setdefault(name, []).append(entry)

        def undo() -> None:
            stack = self._registered.get(name, [])
            stack[:] = [other for other in stack if other[0] is not entry[0]]
            if not stack:
                self._registered.pop(name, None)

        return undo

    def refresh(self) -> None:
        """Read the installed distributions again and load each plugin anew when it is next asked for."""
        refresh_plugins()
        self._loaded.clear()

    def __repr__(self) -> str:
        return f"PluginGroup({self._group!r}, {self._kind.__name__})"

    def _offers(self) -> Mapping[str, tuple[_Offer, ...]]:
        return _scan().groups.get(self._group, {})

    def _validated(self, name: str, plugin: Any, source: str) -> T:
        if not isinstance(plugin, self._kind):
            raise PluginInvalidError(
                f"{name!r} from {source} is a {type(plugin).__qualname__}; "
                f"the group {self._group!r} takes {self._kind.__qualname__}",
                group=self._group,
                name=name,
            )
        reason = self._check(plugin) if self._check is not None else None
        if reason is not None:
            raise PluginInvalidError(f"{name!r} from {source} cannot be used: {reason}", group=self._group, name=name)
        return plugin

    def _not_found(self, name: str) -> PluginNotFoundError:
        names = self.names()
        text = f"no {name!r} in group {self._group!r}; installed: {', '.join(names) or 'none'}"
        hint: str | None = None
        if name in self._hints:
            requirement = self._hints[name].removeprefix("pip install ")
            quoted = f"'{requirement}'" if "[" in requirement else requirement
            hint = f"pip install {quoted}"
            text = f"{text}. Install it with: {hint}"
        else:
            text += did_you_mean(name, {*names, *self._hints})
        return PluginNotFoundError(text, group=self._group, name=name, installed=names, install=hint)

    def _conflict(self, name: str, offers: tuple[_Offer, ...]) -> PluginConflictError:
        sources = " and ".join(str(offer.info) for offer in offers)
        owners = sorted({offer.info.distribution or "unknown" for offer in offers})
        return PluginConflictError(
            f"{name!r} in group {self._group!r} is offered by {sources}",
            group=self._group,
            name=name,
            distributions=tuple(owners),
            hint=f"Uninstall all but one of: {', '.join(owners)}.",
        )
