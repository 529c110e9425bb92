"""What the repository holds: its distributions, read from `packages/*/pyproject.toml`.

Every other tool asks this module, so a new folder under `packages/` needs no edit anywhere. Standard library only: the
tools run before anything is installed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

__all__ = ["ROOT", "Package", "normalise", "packages", "requirement_name", "table"]

ROOT = Path(__file__).resolve().parents[1]

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def normalise(name: str) -> str:
    """Return a distribution name as package indexes compare it (PEP 503).

    Args:
        name: A distribution name in any spelling.
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    """Return the normalised distribution name that a requirement string starts with.

    Args:
        requirement: A requirement such as `"pydantic>=2.10; python_version > '3.11'"`.

    Raises:
        ValueError: The string does not start with a name.
    """
    match = _NAME.match(requirement)
    if match is None:
        msg = f"not a requirement: {requirement!r}"
        raise ValueError(msg)
    return normalise(match.group(1))


def table(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a nested table of a parsed TOML file, empty where it is missing.

    Args:
        data: The parsed file.
        keys: The names that lead to the table, outermost first.
    """
    current: Any = data
    for key in keys:
        current = cast("dict[str, Any]", current).get(key, {})
    return cast("dict[str, Any]", current)


@dataclass(frozen=True, slots=True)
class Package:
    """One distribution of the repository.

    Attributes:
        folder: Its folder, `packages/<name>`.
        name: Its normalised distribution name.
        version: Its version, as written.
        pyproject: Its whole `pyproject.toml`, parsed.
    """

    folder: Path
    name: str
    version: str
    pyproject: Mapping[str, Any]

    @property
    def src(self) -> Path:
        """The folder that holds its import packages; missing for a distribution without code."""
        return self.folder / "src"

    @property
    def requirements(self) -> list[str]:
        """What it always requires, as written."""
        return list(table(self.pyproject, "project").get("dependencies", []))

    @property
    def extras(self) -> dict[str, list[str]]:
        """What it requires for each extra, as written."""
        return table(self.pyproject, "project", "optional-dependencies")

    def modules(self) -> Iterator[tuple[str, Path]]:
        """Walk its source files.

        Returns:
            Pairs of a dotted module name and the file that holds it, in a stable order.
        """
        for file in sorted(self.src.rglob("*.py")):
            parts = file.relative_to(self.src).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def packages(root: Path = ROOT) -> list[Package]:
    """Read every distribution of the repository.

    Args:
        root: The repository's root.

    Returns:
        One entry per `packages/*/pyproject.toml`, sorted by folder.

    Raises:
        SystemExit: There is none: the root is wrong.
    """
    found: list[Package] = []
    for file in sorted(root.glob("packages/*/pyproject.toml")):
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        project = table(data, "project")
        found.append(Package(file.parent, normalise(project["name"]), project["version"], data))
    if not found:
        msg = f"no packages/*/pyproject.toml below {root}"
        raise SystemExit(msg)
    return found
