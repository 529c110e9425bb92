"""Run the packages' tests against installed wheels, with the source trees out of reach.

Run `hatch run wheels:test [pytest arguments]`. It builds every distribution (or takes `--dist FOLDER`), installs the
wheels with what the tests require into a new environment, copies the tests to a temporary folder and runs them there.
Only so does anyone see what users get: editable installs of a split import name hide missing files and a second
`lexigram/__init__.py`. `--resolution lowest-direct` installs the oldest releases that the requirements allow;
`--python 3.13` uses another interpreter.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import check_wheels
from workspace import ROOT, packages, table

__all__ = ["main"]

# Asked of the new environment before any test runs: nothing may come from the repository.
_PROBE = """
import importlib.metadata, importlib.util, json, sys
for name in sys.argv[1:]:
    origin = json.loads(importlib.metadata.distribution(name).read_text("direct_url.json") or "{}")
    assert not origin.get("dir_info", {}).get("editable"), f"{name} is installed editable"
spec = importlib.util.find_spec("lexigram")
outside = [path for path in spec.submodule_search_locations if not path.startswith(sys.prefix)]
assert not outside, f"lexigram is found in {outside}"
"""


def _uv() -> str:
    found = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        msg = "uv is missing: run this as `hatch run wheels:test`"
        raise SystemExit(msg)
    return found


def _install(python: Path, requirements: Sequence[str], resolution: str) -> None:
    """Install into an environment; without a network, from what earlier runs left in the cache."""
    command = [_uv(), "pip", "install", "--quiet", "--python", str(python), "--resolution", resolution, *requirements]
    if subprocess.run(command, check=False).returncode == 0:
        return
    print("wheels: could not install; trying once more with what is cached", flush=True)
    if subprocess.run([*command, "--offline"], check=False).returncode:
        msg = "wheels: the wheels and what the tests require could not be installed, see above"
        raise SystemExit(msg)


def _copy_tests(destination: Path) -> None:
    """Copy the packages without their `src`, and the pytest configuration."""
    shutil.copy2(ROOT / "pyproject.toml", destination)
    rubbish = shutil.ignore_patterns("__pycache__", ".*", "dist")

    def left_out(folder: str, names: list[str]) -> set[str]:
        # Distributions that tests bring along keep their own src.
        sources = {"src"} if Path(folder).parent == ROOT / "packages" else set[str]()
        return {*rubbish(folder, names), *sources}

    shutil.copytree(ROOT / "packages", destination / "packages", ignore=left_out)


def main(arguments: Sequence[str]) -> int:
    """Build and check, install, copy, run.

    Args:
        arguments: The command line without the program's name; what is not an option of this tool goes to pytest.

    Returns:
        The exit code of pytest; 1 if it passed and the wheels have faults.

    Raises:
        SystemExit: The wheels do not build or install, or the environment sees the source trees.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--dist", type=Path, help="a folder with built wheels, instead of building them")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test with")
    parser.add_argument("--resolution", default="highest", choices=["highest", "lowest-direct"])
    options, rest = parser.parse_known_args(list(arguments))
    group = table(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")), "dependency-groups")["test"]

    with tempfile.TemporaryDirectory(prefix="lexigram-wheels-") as scratch:
        dist = options.dist.resolve() if options.dist else Path(scratch, "dist")
        if not options.dist:
            for package in packages():
                check_wheels.build(package, dist)
        faults = check_wheels.main([str(dist)])
        wheels = sorted(dist.glob("*.whl"))
        print(f"wheels: testing {', '.join(wheel.name for wheel in wheels)}", flush=True)

        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"} and not name.startswith("HATCH_")
        }
        venv = Path(scratch, "venv").resolve()
        if subprocess.run([_uv(), "venv", "--quiet", "--python", options.python, str(venv)], check=False).returncode:
            msg = f"wheels: no environment could be made with Python {options.python}, see above"
            raise SystemExit(msg)
        python = venv / "bin" / "python"
        _install(python, [*map(str, wheels), *group], options.resolution)
        environment["PATH"] = os.pathsep.join([str(python.parent), environment.get("PATH", "")])
        environment["VIRTUAL_ENV"] = str(venv)

        suite = Path(scratch, "suite")
        suite.mkdir()
        _copy_tests(suite)
        names = [package.name for package in packages()]
        if subprocess.run([str(python), "-Ic", _PROBE, *names], cwd=suite, env=environment, check=False).returncode:
            msg = "wheels: the new environment does not hold the wheels alone, see above"
            raise SystemExit(msg)
        command = [str(python), "-Im", "pytest", "-n", "auto", *(rest or ["packages"])]
        code = subprocess.run(command, cwd=suite, env=environment, check=False).returncode
        return code or faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
