"""Finding the providers and services that packages define."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from lexigram.app.states import ApplicationError
from lexigram.di.provider import Provider

__all__ = ["discovered"]


def discovered(package: str | ModuleType) -> Iterator[type[Any]]:
    """The providers, and the classes under ``@injectable`` and its like, that a package and all inside it define.

    Args:
        package: The package, or a module, by its import name or as it is.

    Yields:
        The classes, module by module in the order of their names, in each as they are written. Classes whose names
        begin with an underscore, and abstract ones, are left out.

    Raises:
        ApplicationError: A module cannot be imported.
    """
    root = _imported(package) if isinstance(package, str) else package
    names = [root.__name__]
    if hasattr(root, "__path__"):
        inside = pkgutil.walk_packages(root.__path__, f"{root.__name__}.", onerror=_refuse)
        names += sorted(found.name for found in inside)
    for name in names:
        module = _imported(name)
        for found in list(vars(module).values()):
            if not isinstance(found, type) or found.__module__ != name or found.__name__.startswith("_"):
                continue
            cls: type[Any] = found
            if "__lexigram_injectable__" in vars(cls) or (issubclass(cls, Provider) and not inspect.isabstract(cls)):
                yield cls


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ApplicationError(
            f"{name} cannot be imported while looking for providers: {type(error).__name__}: {error}",
            cause=error,
            hint="Give the names of packages that can be imported, such as 'shop.providers'.",
        ) from error


def _refuse(name: str) -> None:
    _imported(name)
