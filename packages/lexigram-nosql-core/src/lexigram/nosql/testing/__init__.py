"""For tests of backends and of code that uses stores; needs the extra ``testing``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.testing import suites as suites
    from lexigram.nosql.testing.harness import ExpectedFailure as ExpectedFailure
    from lexigram.nosql.testing.harness import Harness as Harness
    from lexigram.nosql.testing.harness import ServerFault as ServerFault
    from lexigram.nosql.testing.harness import Xfail as Xfail

__all__ = ["ExpectedFailure", "Harness", "ServerFault", "Xfail", "suites"]


def __getattr__(name: str) -> Any:
    # The plugin is imported by every run of pytest, most of which use nothing of the kit.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "suites":
        return import_module(f"{__name__}.suites")
    value = getattr(import_module(f"{__name__}.harness"), name)
    globals()[name] = value
    return value
