"""The modules of an application together: who imports whom, and who sees what."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast, get_origin

from lexigram.contracts.exceptions.container import RegistrationError
from lexigram.contracts.exceptions.provider import (
    ModuleCycleError,
    ModuleDuplicateError,
    ModuleError,
    ModuleExportError,
    ModuleImportError,
)
from lexigram.di.binding import Owner
from lexigram.di.keys import Key, parse_key
from lexigram.di.module.base import DynamicModule, Module, ModuleMetadata, metadata_of

__all__ = ["ModuleGraph", "ModuleNode", "ModuleSource"]

ModuleSource: TypeAlias = type[Any] | DynamicModule
"""What may be listed as a module."""


@dataclass(eq=False)
class ModuleNode:
    """One module in its application.

    Attributes:
        module: Its class.
        name: Its name.
        providers: Providers and services.
        imports: The classes of the modules that it imports.
        exports: The keys that it shows.
        reexports: The classes of the modules whose exports it hands on.
        is_global: Whether all see its exports.
        configured: What was listed, where that was not the class alone.
    """

    module: type[Any]
    name: str
    providers: list[Any] = field(default_factory=list[Any])
    imports: list[type[Any]] = field(default_factory=list[type[Any]])
    exports: list[Key] = field(default_factory=list[Key])
    reexports: list[type[Any]] = field(default_factory=list[type[Any]])
    is_global: bool = False
    configured: DynamicModule | None = None

    def exports_key(self, key: Key) -> bool:
        """True when *key* is among the exports, perhaps as a form of an exported generic."""
        return any(
            (e.type == key.type or e.type == get_origin(key.type)) and e.name in {None, key.name} for e in self.exports
        )

    @property
    def base(self) -> type[Any] | None:
        """The module of which this is a part, for what ``scope()`` makes."""
        return cast("type[Any] | None", vars(self.module).get("__lexigram_scope_of__"))


class ModuleGraph:
    """The modules, imports first. Says to the container what is visible to whom.

    Args:
        modules: What the application lists.

    Raises:
        ModuleDuplicateError: A module is configured twice.
        ModuleCycleError: Modules import each other.
        ModuleImportError: A module is imported that is not configured anywhere.
        ModuleError: Something listed is no module.
    """

    def __init__(self, modules: Iterable[ModuleSource] = ()) -> None:
        collected: dict[type[Any], ModuleNode] = {}
        for source in modules:
            _collect(source, collected)
        for node in collected.values():
            _check_configured(node, collected)
        self._nodes = {node.module: node for node in _imports_first(collected)}

    def __iter__(self) -> Iterator[ModuleNode]:
        return iter(self._nodes.values())

    def imported(self, module: type[Any]) -> set[type[Any]]:
        """All modules that *module* imports, also by way of others."""
        found: set[type[Any]] = set()
        waiting = list(self._nodes[module].imports)
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting += self._nodes[current].imports
        return found

    def name_of(self, owner: Owner) -> str:
        """The name of a module."""
        if owner is None:
            return "the application"
        return self._nodes[owner].name if owner in self._nodes else owner.__name__

    def shows(self, owner: Owner, key: Key, consumer: Owner) -> bool:
        """Whether *consumer* may use what *owner* registered under *key*; the application may use all exports."""
        if owner is None or owner not in self._nodes:
            return True
        if consumer is None:
            return self._nodes[owner].exports_key(key)
        return self._sees(consumer, owner, key, frozenset())

    def verify_exports(
        self, keys_of: Callable[[type[Any]], Sequence[Key]], *, unless: Container[Owner] = frozenset()
    ) -> None:
        """Check that each module has what it exports.

        Args:
            keys_of: What a module registered; a generic without arguments stands for all its forms.
            unless: Modules that need not, and with them those that import them.

        Raises:
            ModuleExportError: A module has not.
        """
        keys = {node.module: keys_of(node.module) for node in self}
        for node in self:
            if any(m in unless for m in (node.module, *self.imported(node.module))):
                continue
            for export in node.exports:
                owners = [m for m, own in keys.items() if any(_provides(key, export) for key in own)]
                if any(m is node.module or self._sees(node.module, m, export, frozenset()) for m in owners):
                    continue
                registered = sorted(str(k) for k in keys[node.module])
                raise ModuleExportError(
                    f"module {node.name!r} exports {export}, which none of its providers registers;"
                    f" they register {', '.join(registered) or 'nothing'}",
                    module_name=node.name,
                    missing_export=str(export),
                    registered_types=registered,
                    hint="Register it, or do not export it.",
                )

    def _sees(self, consumer: type[Any], owner: type[Any], key: Key, asked: frozenset[type[Any]]) -> bool:
        """Whether *key* of *owner* reaches *consumer* through its imports, or through a global module."""
        if consumer in asked:
            return False
        node = self._nodes[consumer]
        if node.base is not None and (owner is node.base or self._sees(node.base, owner, key, asked | {consumer})):
            return True
        near = [*node.imports, *(n.module for n in self if n.is_global and n.module is not consumer)]
        return any(self._gives(m, owner, key, asked | {consumer}) for m in near)

    def _gives(self, module: type[Any], owner: type[Any], key: Key, asked: frozenset[type[Any]]) -> bool:
        """Whether importing *module* gives *key* of *owner*."""
        node = self._nodes[module]
        if module is owner:
            return node.exports_key(key)
        if any(self._gives(m, owner, key, asked) for m in node.reexports):
            return True
        return node.exports_key(key) and self._sees(module, owner, key, asked)


def _provides(key: Key, export: Key) -> bool:
    """Whether what is registered under *key* is what an export means, all names if it gives none."""
    return key.type == export.type and export.name in {None, key.name}


_CONFIGURE = vars(Module)["configure"].__func__


def _collect(source: ModuleSource, collected: dict[type[Any], ModuleNode]) -> type[Any]:
    """Add a module and all that it imports; returns its class."""
    dynamic = source if isinstance(source, DynamicModule) else None
    cls = dynamic.module if dynamic is not None else source
    if not isinstance(cls, type) or not (issubclass(cls, Module) or "__lexigram_module__" in vars(cls)):
        raise ModuleError(
            f"{source!r} is no module", hint="List a class under @module, or what its configure() returns."
        )
    node = collected.get(cls)
    if node is None:
        said = metadata_of(cls)
        node = collected[cls] = ModuleNode(cls, said.name)
        _extend(node, said, collected)
    if dynamic is not None and node.configured is not dynamic:
        if node.configured is not None:
            raise ModuleDuplicateError(
                f"module {node.name!r} is configured twice",
                module_name=node.name,
                hint=f"Configure it once, and list the class {cls.__name__} where else it is imported.",
            )
        node.configured = dynamic
        node.name = dynamic.name or node.name
        _extend(node, dynamic, collected)
    return cls


def _extend(node: ModuleNode, said: ModuleMetadata | DynamicModule, collected: dict[type[Any], ModuleNode]) -> None:
    node.is_global = node.is_global or said.is_global
    node.providers += said.providers
    for export in said.exports:
        if isinstance(export, DynamicModule) or (isinstance(export, type) and _is_module(export)):
            handed_on = export.module if isinstance(export, DynamicModule) else export
            node.reexports.append(handed_on)
        else:
            node.exports.append(_export_key(node, export))
    for source in said.imports:
        imported = _collect(source, collected)
        if imported not in node.imports:
            node.imports.append(imported)
    for handed_on in node.reexports:
        if handed_on not in node.imports:
            raise ModuleImportError(
                f"module {node.name!r} exports module {metadata_of(handed_on).name!r} without importing it",
                module_name=node.name,
                missing_import=metadata_of(handed_on).name,
                hint="List it in imports, too.",
            )


def _is_module(cls: type[Any]) -> bool:
    return issubclass(cls, Module) or "__lexigram_module__" in vars(cls)


def _export_key(node: ModuleNode, export: Any) -> Key:
    try:
        return parse_key(export)
    except RegistrationError as error:
        raise ModuleExportError(
            f"module {node.name!r} exports {export!r}, which is no key: {error.message}", module_name=node.name
        ) from error


def _check_configured(node: ModuleNode, collected: dict[type[Any], ModuleNode]) -> None:
    """Refuse a module that has nothing of its own and was listed without its configuration."""
    configure = getattr(node.module, "configure", None)
    has_own = configure is not None and getattr(configure, "__func__", None) is not _CONFIGURE
    if node.configured is None and has_own and not (node.providers or node.imports):
        name = node.module.__name__
        users = [other.name for other in collected.values() if node.module in other.imports]
        raise ModuleImportError(
            f"module {node.name!r} is not configured"
            + (f", but {', '.join(repr(u) for u in users)} needs it" if users else ""),
            module_name=users[0] if users else None,
            missing_import=node.name,
            available_modules=[other.name for other in collected.values() if other is not node],
            hint=f"Add {name}.configure(...), or {name}.stub() in tests, to the application's modules.",
        )


def _imports_first(collected: dict[type[Any], ModuleNode]) -> list[ModuleNode]:
    """Order modules so that each comes after those it imports."""
    ordered: dict[type[Any], None] = {}
    for start in collected:
        path: dict[type[Any], Iterator[type[Any]]] = {}
        waiting = [start]
        while waiting:
            current = waiting[-1]
            if current in ordered:
                waiting.pop()
                continue
            following = path.setdefault(current, iter(collected[current].imports))
            for imported in following:
                if imported in path:
                    trail = list(path)
                    names = [collected[m].name for m in [*trail[trail.index(imported) :], imported]]
                    raise ModuleCycleError(
                        f"modules import each other: {' -> '.join(names)}",
                        module_name=names[0],
                        cycle=names,
                        hint="Move what they share to a module that imports neither.",
                    )
                if imported not in ordered:
                    waiting.append(imported)
                    break
            else:
                ordered[current] = None
                del path[current]
                waiting.pop()
    return [collected[m] for m in ordered]
