"""What importing costs, and that what is offered is there."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import lexigram
import lexigram.app
import lexigram.di
import pytest

HEAVY = {"dishka", "pydantic", "pydantic_settings", "pydantic_core", "yaml", "typer", "rich", "click", "asyncio"}


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_importing_lexigram_loads_next_to_nothing() -> None:
    """Neither a third-party package nor the kernel is loaded before a name is used."""
    added = modules_after("import lexigram") - modules_after("")
    ours = {name for name in added if name.split(".")[0] == "lexigram"}

    assert ours == {"lexigram", "lexigram.contracts", "lexigram.contracts.lazy"}
    assert not {name.split(".")[0] for name in added} & HEAVY


def test_importing_the_injection_package_loads_no_container() -> None:
    """Markers and keys are there without dishka."""
    added = modules_after("from lexigram.di import Named, named")

    assert not {name.split(".")[0] for name in added} & {"dishka", "pydantic"}


def test_importing_a_provider_loads_no_container() -> None:
    """A distribution's provider can be imported without dishka and pydantic."""
    added = modules_after("from lexigram import Provider")

    assert not {name.split(".")[0] for name in added} & {"dishka", "pydantic"}


def _typed_exports(package: object) -> dict[str, str]:
    """The names in the TYPE_CHECKING block, each with the module it comes from."""
    tree = ast.parse(Path(str(getattr(package, "__file__"))).read_text())  # noqa: B009 - the checker knows no file
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    for node in imports:
        for alias in node.names:
            assert alias.asname == alias.name, "only a repeated name is exported"
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@pytest.mark.parametrize("package", [lexigram, lexigram.di], ids=lambda package: package.__name__)
def test_the_lists_of_exports_agree(package: object) -> None:
    """The block for type checkers, the table and __all__ name the same, and the table leads to it."""
    typed = _typed_exports(package)
    table: dict[str, tuple[str, ...]] = vars(package)["_EXPORTS"]
    name = vars(package)["__name__"]
    listed = {
        export: module if module.startswith("lexigram.") else f"{name}.{module}"
        for module, exports in table.items()
        for export in exports
    }

    assert listed == typed
    assert sorted(listed) == sorted(vars(package)["__all__"])
    assert list(vars(package)["__all__"]) == sorted(vars(package)["__all__"])
    for export, module in typed.items():
        assert getattr(package, export) is getattr(importlib.import_module(module), export)
    assert set(listed) <= set(dir(package))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typing error is told as for any other module."""
    with pytest.raises(AttributeError, match="module 'lexigram' has no attribute 'Aplication'"):
        _ = lexigram.Aplication  # type: ignore[attr-defined]


def test_every_public_module_says_what_it_offers() -> None:
    """Each has __all__, and each name in it exists."""
    names = ["lexigram._app", "lexigram.health"]
    for package in (lexigram.app, lexigram.di):
        names += [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    for name in names:
        module = importlib.import_module(name)
        assert sorted(module.__all__) == sorted(set(module.__all__)), name
        for export in module.__all__:
            assert hasattr(module, export), f"{name}.{export}"
