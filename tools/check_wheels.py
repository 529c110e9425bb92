"""Check built wheels: one import name over several distributions works only while no two of them ship the same file.

Run `python tools/check_wheels.py [DIST]`: without a folder it builds every distribution into a temporary one. It prints
one line per fault and exits with 1 if there is any. Faults are:

* a path in two wheels; a file outside `lexigram/` and the metadata;
* `lexigram/__init__.py` in any wheel but the kernel's (or not in that one), `lexigram/nosql/__init__.py` in any but
  nosql-core's, `lexigram/nosql/backends/__init__.py` in any;
* a folder with modules but no `__init__.py`, and a top package without `py.typed`;
* tests, benchmarks, caches, or the `__init__.pyi` markers that are for the repository only;
* metadata: no licence, no readme, another version than the siblings', a sibling required other than `~=` that
  version, an entry point whose module the wheel does not hold;
* an sdist that lacks the readme or the licence, or from which another wheel comes.
"""

from __future__ import annotations

import argparse
import configparser
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath

from workspace import Package, normalise, packages, requirement_name

__all__ = ["Wheel", "build", "check", "main", "read_wheel"]

NAMESPACE = "lexigram"

# Packages that several distributions share, and the only one that may ship their __init__.py.
SHARED: dict[str, str | None] = {
    "lexigram": "lexigram",
    "lexigram/nosql": "lexigram-nosql-core",
    "lexigram/nosql/backends": None,
    "lexigram/sql": "lexigram-sql",
}

_UNSHIPPED_FOLDERS = frozenset({"tests", "typing_tests", "bench", "benchmarks", "examples", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Wheel:
    """What one wheel holds.

    Attributes:
        file: Its file name.
        name: The normalised name of its distribution.
        version: Its version.
        paths: Every path in it but its metadata.
        metadata: Its `METADATA`.
        entry_points: Its `entry_points.txt`, empty where it has none.
        has_licence_file: Whether a licence text is among its metadata.
    """

    file: str
    name: str
    version: str
    paths: frozenset[str]
    metadata: Message
    entry_points: str
    has_licence_file: bool


def read_wheel(file: Path) -> Wheel:
    """Read what a wheel holds.

    Args:
        file: The wheel.

    Raises:
        ValueError: It has no metadata.
    """
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        info = next((name.partition("/")[0] for name in names if name.endswith(".dist-info/METADATA")), None)
        if info is None:
            msg = f"{file.name} has no METADATA"
            raise ValueError(msg)
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
        entry_points = f"{info}/entry_points.txt"
        return Wheel(
            file=file.name,
            name=normalise(metadata["Name"]),
            version=metadata["Version"],
            paths=frozenset(name for name in names if not name.startswith(f"{info}/")),
            metadata=metadata,
            entry_points=archive.read(entry_points).decode() if entry_points in names else "",
            has_licence_file=any(name.startswith(f"{info}/licenses/") for name in names),
        )


def _hatchling(folder: Path, destination: Path, *targets: str) -> None:
    options = [option for target in targets for option in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(destination), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"cannot build {folder.name}:\n{done.stdout}{done.stderr}"
        raise SystemExit(msg)


def build(package: Package, destination: Path) -> None:
    """Build the sdist and the wheel of a distribution with the hatchling of this environment; nothing is downloaded.

    Args:
        package: What to build.
        destination: The folder that both files go to.

    Raises:
        SystemExit: It does not build; the message holds what hatchling said.
    """
    _hatchling(package.folder, destination, "sdist", "wheel")


def _check_paths(wheel: Wheel) -> Iterator[str]:
    files = {PurePosixPath(path) for path in wheel.paths}
    for file in sorted(files):
        unshipped = _UNSHIPPED_FOLDERS & set(file.parts)
        if file.parts[0] != NAMESPACE:
            yield f"{file} is outside {NAMESPACE}/"
        elif unshipped:
            yield f"{file} is for the repository, not for a wheel ({', '.join(sorted(unshipped))})"
        elif re.fullmatch(r"test_.*\.py|.*_test\.py|conftest\.py", file.name):
            yield f"{file} is a test"
        elif file.name == "__init__.pyi" and file.parent.as_posix() in SHARED:
            yield f"{file} is a marker for type checkers in the repository: exclude it from the wheel"
    folders = {file.parent for file in files if file.suffix == ".py"}
    regular = {folder for folder in folders if folder / "__init__.py" in files}
    for folder in sorted(folders - regular):
        if folder.as_posix() not in SHARED:
            yield f"{folder}/ holds modules but no __init__.py"
    for folder in sorted(regular):
        if folder.parent not in regular and folder / "py.typed" not in files:
            yield f"{folder}/py.typed is missing: type checkers ignore the package's annotations"


def _check_shared(wheels: Sequence[Wheel]) -> Iterator[str]:
    shipped: dict[str, str] = {}
    for wheel in wheels:
        for path in sorted(wheel.paths):
            if path in shipped:
                yield f"{wheel.file}: {path} is in {shipped[path]} too"
            shipped.setdefault(path, wheel.file)
    for folder, owner in SHARED.items():
        path = f"{folder}/__init__.py"
        for wheel in wheels:
            if path in wheel.paths and wheel.name != owner:
                yield f"{wheel.file}: {path} is {f'shipped by {owner} only' if owner else 'never shipped'}"
            elif path not in wheel.paths and wheel.name == owner:
                yield f"{wheel.file}: {path} is missing"


def _check_metadata(wheel: Wheel) -> Iterator[str]:
    metadata = wheel.metadata
    if metadata["License-Expression"] != "MIT" or not wheel.has_licence_file:
        yield "the licence is missing: set license and license-files"
    if metadata["Description-Content-Type"] != "text/markdown" or not str(metadata.get_payload()).strip():
        yield "the readme is missing"
    if not metadata["Requires-Python"]:
        yield "requires-python is missing"
    for text in metadata.get_all("Requires-Dist", []):
        name = requirement_name(text)
        condition = text.partition(";")[0].strip()
        if f"{name}-".startswith(f"{NAMESPACE}-") and not condition.endswith(f"~={wheel.version}"):
            yield f"requires {text!r}: siblings are required as ~={wheel.version}"
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # entry point names keep their case
    parser.read_string(wheel.entry_points)
    for group in parser.sections():
        for name, value in parser[group].items():
            module = value.partition(":")[0].strip().replace(".", "/")
            if not {f"{module}.py", f"{module}/__init__.py"} & wheel.paths:
                yield f"entry point {name} of {group} names {value}, which the wheel does not hold"


def check(wheels: Sequence[Wheel]) -> list[str]:
    """Check wheels, each alone and all against each other.

    Args:
        wheels: The wheels, one per distribution.

    Returns:
        The faults.
    """
    faults = list(_check_shared(wheels))
    versions = {wheel.version for wheel in wheels}
    if len(versions) > 1:
        each = ", ".join(f"{wheel.name} {wheel.version}" for wheel in wheels)
        faults.append(f"versions differ: {each}")
    for wheel in wheels:
        for fault in (*_check_paths(wheel), *_check_metadata(wheel)):
            faults.append(f"{wheel.file}: {fault}")  # noqa: PERF401 - reads better than nested generators
    return faults


def _check_sdist(file: Path, wheel: Wheel) -> Iterator[str]:
    """Compare a wheel with the one that comes out of its sdist."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(file) as archive:
            names = {PurePosixPath(name).relative_to(PurePosixPath(name).parts[0]) for name in archive.getnames()}
            # Python before 3.11.4 knows no filters; the archive is our own.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(scratch)  # noqa: S202
        for required in ("README.md", "LICENSE", "pyproject.toml"):
            if PurePosixPath(required) not in names:
                yield f"{file.name}: {required} is missing"
        _hatchling(next(Path(scratch).iterdir()), Path(scratch, "dist"), "wheel")
        again = read_wheel(next(Path(scratch, "dist").glob("*.whl")))
    if again.paths != wheel.paths:
        different = ", ".join(sorted(again.paths ^ wheel.paths))
        yield f"{file.name}: another wheel comes out of it; in one of the two only: {different}"


def main(arguments: Sequence[str] = ()) -> int:
    """Check the wheels of a folder, or freshly built ones.

    Args:
        arguments: The command line without the program's name: nothing, or a folder with wheels (and sdists); before
            the folder, `--build` fills it first, and takes away what it held of earlier builds.

    Returns:
        The exit code: 0 if there is no fault, else 1.
    """
    parser = argparse.ArgumentParser(description="Check built wheels.")
    parser.add_argument("dist", nargs="?", type=Path, help="a folder with wheels; without it, they are built")
    parser.add_argument("--build", action="store_true", help="build into that folder first")
    options = parser.parse_args(arguments)
    found = packages()
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = options.dist or Path(scratch)
        if options.build:
            for file in [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]:
                file.unlink()
        if options.build or not options.dist:
            for package in found:
                build(package, folder.resolve())
        wheels = [read_wheel(file) for file in sorted(folder.glob("*.whl"))]
        faults = check(wheels)
        names = {wheel.name for wheel in wheels}
        faults += [f"no wheel of {package.name} in {folder}" for package in found if package.name not in names]
        for wheel in wheels:
            for file in folder.glob(f"{wheel.file.partition('-')[0]}-{wheel.version}.tar.gz"):
                faults += _check_sdist(file, wheel)
    for fault in faults:
        print(fault)
    verdict = f"{len(faults)} faults" if faults else "no fault"
    print(f"wheels: {len(wheels)} checked, {sum(len(wheel.paths) for wheel in wheels)} files, {verdict}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
