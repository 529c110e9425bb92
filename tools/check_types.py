"""Run both type checkers, strictly, over every package, its typing tests and these tools.

Run `hatch run types:check [mypy|pyright]`. The paths are worked out from `packages/*`, so a new distribution is checked
without an edit. Both checkers run even when the first one finds faults.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workspace import ROOT, packages

__all__ = ["commands", "main"]


def _python_files(folder: Path) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in sorted(folder.glob("*.py"))]


def commands() -> dict[str, list[str]]:
    """Return the command line of each checker.

    Returns:
        The commands by name, to be run from the repository's root.
    """
    found = packages()
    sources = [str(package.src.relative_to(ROOT)) for package in found if package.src.is_dir()]
    typing_tests = [file for package in found for file in _python_files(package.folder / "typing_tests")]
    tools = _python_files(ROOT / "tools")
    return {
        "mypy": [sys.executable, "-m", "mypy", *sources, *typing_tests, *tools],
        "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *sources, *typing_tests, *tools],
    }


def main(arguments: Sequence[str]) -> int:
    """Run the checkers.

    Args:
        arguments: The command line without the program's name: the checkers to run, or nothing for all.

    Returns:
        The exit code of the first checker that found a fault, else 0.

    Raises:
        SystemExit: There is no checker of that name.
    """
    known = commands()
    unknown = set(arguments) - known.keys()
    if unknown:
        msg = f"unknown checker {', '.join(sorted(unknown))}; there are {', '.join(known)}"
        raise SystemExit(msg)
    paths = [str(package.src) for package in packages() if package.src.is_dir()] + [str(ROOT / "tools")]
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(paths)}
    codes: list[int] = []
    for name in arguments or known:
        print(f"types: {name}", flush=True)
        codes.append(subprocess.run(known[name], cwd=ROOT, env=environment, check=False).returncode)
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
