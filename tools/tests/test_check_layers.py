"""Planted imports and requirements that `check_layers` must refuse, and those that it must allow."""

from __future__ import annotations

import re
from pathlib import Path

import check_layers
import pytest
from workspace import packages


def plant(repository: Path, file: str, source: str) -> list[str]:
    """Append source to a file and return the messages of the check."""
    path = repository / "packages" / file
    path.write_text((path.read_text() if path.exists() else "") + source)
    return [fault.show(repository) for fault in check_layers.check(packages(repository))]


def test_the_repository_itself_has_no_fault() -> None:
    """Every import in this repository follows an arrow."""
    assert check_layers.check(packages()) == []


def test_a_repository_in_order_has_no_fault(repository: Path) -> None:
    """Allowed: siblings that are required, guarded extras, and extras in the sub-package of their name."""
    assert check_layers.check(packages(repository)) == []


CONTRACTS = "lexigram-contracts/src/lexigram/contracts/__init__.py"
KERNEL = "lexigram/src/lexigram/app.py"
CORE = "lexigram-nosql-core/src/lexigram/nosql/values.py"


@pytest.mark.parametrize(
    ("file", "source", "message"),
    [
        (CONTRACTS, "from lexigram import app", "lexigram-contracts imports lexigram.app of lexigram, which its"),
        (CONTRACTS, "def late():\n    import lexigram.nosql", "imports lexigram.nosql of lexigram-nosql-core"),
        (CONTRACTS, "import importlib\nimportlib.import_module('lexigram.app')", "imports lexigram.app of lexigram"),
        (CONTRACTS, "import yaml", "imports yaml, which neither its requirements nor its extras name"),
        (KERNEL, "import lexigram.nosql.values as v", "lexigram imports lexigram.nosql.values of lexigram-nosql-core"),
        (KERNEL, "from lexigram.contracts._private import X", "_private is private to lexigram-contracts"),
        (KERNEL, "from .nosql import values", "lexigram imports lexigram.nosql.values of lexigram-nosql-core"),
        (CORE, "from lexigram.nosql.backends.toy import x", "of lexigram-nosql-toy, which its pyproject.toml"),
        (CORE, "import bson", "which only its extra bson brings: import it inside a function, or catch ImportError"),
        (CORE, "try:\n    import bson\nexcept ValueError:\n    pass", "which only its extra bson brings"),
        (CORE, "import pytest", "which only its extra testing brings"),
        (CORE, "import motor", "imports motor, which neither"),
        (CORE, "from google.cloud import firestore", "imports google, which neither"),
    ],
)
def test_a_planted_import_is_a_fault(repository: Path, file: str, source: str, message: str) -> None:
    """One wrong import gives one fault, which names the file, the line and the rule."""
    faults = plant(repository, file, f"\n\n{source}\n")

    assert len(faults) == 1
    assert message in faults[0]
    assert re.match(rf"packages/{re.escape(file)}:\d+: ", faults[0])


@pytest.mark.parametrize(
    "source",
    [
        "import sys, os.path\nfrom collections import abc",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import bson",
        "def late():\n    from bson import ObjectId",
        "try:\n    import bson\nexcept (KeyError, ModuleNotFoundError):\n    pass",
        "from . import testing",
        "from lexigram.contracts import X, __version__",
    ],
)
def test_an_import_in_order_is_no_fault(repository: Path, source: str) -> None:
    """The standard library, guarded extras and what is required may be imported."""
    assert plant(repository, CORE, f"\n\n{source}\n") == []


def test_an_arrow_in_the_wrong_direction_is_a_fault(repository: Path) -> None:
    """A requirement upwards is a fault even if no module uses it, and the ring it makes is told."""
    pyproject = repository / "packages/lexigram/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("'pyyaml>=6.0'", "'pyyaml>=6.0', 'lexigram-nosql-core~=0.1.0'"))

    faults = [fault.message for fault in check_layers.check(packages(repository))]

    assert "lexigram may not require lexigram-nosql-core: layers point the other way" in faults
    assert any(fault.startswith("lexigram is part of a ring of requirements") for fault in faults)
    assert not any(fault.startswith("lexigram-nosql-toy is part of a ring") for fault in faults)


def test_a_backend_may_not_require_another(repository: Path) -> None:
    """Backends know the core and below, not each other."""
    pyproject = repository / "packages/lexigram-nosql-toy/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("'toy-sdk>=1'", "'toy-sdk>=1', 'lexigram-nosql-memory'"))
    folder = repository / "packages/lexigram-nosql-memory"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "lexigram-nosql-memory"\nversion = "0.1.0"\n')

    faults = [fault.message for fault in check_layers.check(packages(repository))]

    assert faults == ["lexigram-nosql-toy may not require lexigram-nosql-memory: layers point the other way"]


def test_the_program_says_what_it_found(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 1 with a fault and 0 without."""
    assert check_layers.main([str(repository)]) == 0
    plant(repository, CONTRACTS, "import lexigram.app\n")
    assert check_layers.main([str(repository)]) == 1

    out = capsys.readouterr().out
    assert "layers: 4 distributions, 9 modules, every import follows an arrow" in out
    assert "layers: 4 distributions, 9 modules, 1 faults" in out
