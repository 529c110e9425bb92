"""Run both type checkers, strictly, over every package, its typing tests and these tools.

Run `hatch run types:check [mypy|pyright]`. The paths are worked out from `packages/*`, so a new distribution is checked
without an edit; everything else about the checkers is in `pyproject.toml`. Both run even when the first finds faults.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from workspace import ROOT, packages, table

__all__ = ["checked", "main", "pyright_settings", "search_path"]


def search_path() -> list[Path]:
    """Return the folders that imports are looked up in: every package's source, and these tools."""
    return [*(package.src for package in packages() if package.src.is_dir()), ROOT / "tools"]


def checked() -> list[Path]:
    """Return what is checked: source folders, and the files of typing tests and tools."""
    sources = [package.src for package in packages() if package.src.is_dir()]
    typing_tests = [file for package in packages() for file in sorted(package.folder.glob("typing_tests/*.py"))]
    return [*sources, *typing_tests, *sorted(ROOT.glob("tools/*.py"))]


def pyright_settings(folder: Path) -> dict[str, object]:
    """Return the settings of pyproject.toml with the paths filled in.

    pyright has no option for import roots, and takes paths only relative to the folder of its settings. The packages'
    sources are no extra paths: pyright finds them as installed, and only there does it look for the `py.typed` by
    which it prefers the kernel's `lexigram/__init__.py` to the marker stubs of the others.

    Args:
        folder: The folder that the settings will be in.
    """

    def relative(paths: Sequence[Path]) -> list[str]:
        return [os.path.relpath(path, folder) for path in paths]

    root = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {**table(root, "tool", "pyright"), "include": relative(checked()), "extraPaths": relative([ROOT / "tools"])}


def _mypy() -> int:
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, search_path()))}
    command = [sys.executable, "-m", "mypy", *map(str, checked())]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _pyright() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch).resolve() / "pyrightconfig.json"
        file.write_text(json.dumps(pyright_settings(file.parent)), encoding="utf-8")
        command = [sys.executable, "-m", "pyright", "--project", str(file), "--pythonpath", sys.executable]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


_CHECKERS = {"mypy": _mypy, "pyright": _pyright}


def main(arguments: Sequence[str]) -> int:
    """Run the checkers.

    Args:
        arguments: The command line without the program's name: the checkers to run, or nothing for all.

    Returns:
        The exit code of the first checker that found a fault, else 0.

    Raises:
        SystemExit: There is no checker of that name.
    """
    unknown = set(arguments) - _CHECKERS.keys()
    if unknown:
        msg = f"unknown checker {', '.join(sorted(unknown))}; there are {', '.join(_CHECKERS)}"
        raise SystemExit(msg)
    codes: list[int] = []
    for name in arguments or _CHECKERS:
        print(f"types: {name}", flush=True)
        codes.append(_CHECKERS[name]())
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
