"""Re-exports that import nothing until a name is asked for.

A package's ``__init__`` lists its names twice: in a ``TYPE_CHECKING`` block for type checkers and editors, and in the
table given to :func:`lazy_exports`. A test holds the two and ``__all__`` together.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(
    package: str, exports: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Args:
        package: The package's ``__name__``.
        exports: For each module, relative to the package unless it starts with ``lexigram.``, the names it provides.

    Returns:
        The two functions. A name is kept in the package once found, so each costs one import in all.
    """
    homes = {name: module for module, names in exports.items() for name in names}

    def get(name: str) -> Any:
        module = homes.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(module if module.startswith("lexigram.") else f"{package}.{module}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names
