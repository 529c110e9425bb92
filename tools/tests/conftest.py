"""A small repository of the same shape as this one, for planting faults in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace import ROOT

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = "A distribution."
readme = "README.md"
license = "MIT"
license-files = ["LICENSE"]
requires-python = ">=3.11"
dependencies = {dependencies}

[project.optional-dependencies]
testing = ["pytest>=9.0"]
bson = ["pymongo>=4.9"]

[tool.hatch.build]
dev-mode-dirs = ["src"]

[tool.hatch.build.targets.wheel]
packages = ["src/lexigram"]
exclude = {exclude}
"""

MARKER = "src/lexigram/__init__.pyi"


def add_distribution(root: Path, name: str, dependencies: list[str], files: dict[str, str]) -> Path:
    """Write a distribution: its pyproject.toml, its readme, its licence and the given files below `src`."""
    folder = root / "packages" / name
    folder.mkdir(parents=True)
    exclude = [] if name == "lexigram" else [MARKER]
    (folder / "pyproject.toml").write_text(PYPROJECT.format(name=name, dependencies=dependencies, exclude=exclude))
    (folder / "README.md").write_text(f"# {name}\n")
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
    if exclude:
        files = {"lexigram/__init__.pyi": "# for type checkers only\n", **files}
    for path, content in files.items():
        file = folder / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return folder


@pytest.fixture
def add() -> Callable[..., Path]:
    """Return the function that adds a distribution to a repository."""
    return add_distribution


def faultless_repository(folder: Path) -> Path:
    """Write a faultless repository with contracts, the kernel, the core and one backend."""
    extend = "from pkgutil import extend_path\n\n__path__ = extend_path(__path__, __name__)\n"
    typing_only = "typing_extensions>=4.13"
    add_distribution(
        folder,
        "lexigram-contracts",
        [typing_only],
        {
            "lexigram/contracts/__init__.py": "from lexigram.contracts._private import X as X\n",
            "lexigram/contracts/_private.py": "from typing_extensions import TypeForm as X\n",
            "lexigram/contracts/py.typed": "",
        },
    )
    add_distribution(
        folder,
        "lexigram",
        ["lexigram-contracts~=0.1.0", "pyyaml>=6.0"],
        {
            "lexigram/__init__.py": extend,
            "lexigram/app.py": "import yaml\n\nfrom lexigram.contracts import X\n",
            "lexigram/py.typed": "",
        },
    )
    add_distribution(
        folder,
        "lexigram-nosql-core",
        ["lexigram~=0.1.0", "lexigram-contracts~=0.1.0"],
        {
            "lexigram/nosql/__init__.py": extend,
            "lexigram/nosql/py.typed": "",
            "lexigram/nosql/values.py": "try:\n    import bson\nexcept ImportError:\n    bson = None\n",
            "lexigram/nosql/testing/__init__.py": "import pytest\n",
            "lexigram/nosql/backends/memory/__init__.py": "from lexigram.app import yaml\n",
            "lexigram/nosql/backends/memory/py.typed": "",
        },
    )
    add_distribution(
        folder,
        "lexigram-nosql-toy",
        ["lexigram-nosql-core~=0.1.0", "toy-sdk>=1"],
        {
            "lexigram/nosql/backends/toy/__init__.py": "from lexigram import nosql\nimport toy_sdk\n",
            "lexigram/nosql/backends/toy/py.typed": "",
        },
    )
    return folder


@pytest.fixture(scope="session")
def write_repository() -> Callable[[Path], Path]:
    """Return the function that writes a faultless repository into a folder."""
    return faultless_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a faultless repository of the test's own."""
    return faultless_repository(tmp_path)
