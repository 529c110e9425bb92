"""The kit on a backend that somebody else built and installed: its distribution is all that there is of it here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "toy_backend"


def python(*arguments: str | Path, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH")]))}
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which its wheel was installed."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    made = python("-m", "hatchling", "build", "-t", "wheel", "-d", built, cwd=SOURCE)
    assert made.returncode == 0, made.stderr
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.timeout(540)
def test_a_backend_of_required_methods_conforms(site: Path, tmp_path: Path) -> None:
    """Found by its entry point, run by the file of its author; skipped is only what its harness cannot do."""
    folder = tmp_path / "author"
    folder.mkdir()
    for name in ("pyproject.toml", "tests/test_conformance.py"):
        (folder / Path(name).name).write_text((SOURCE / name).read_text())
    report = Path(os.environ.get("LEXIGRAM_CONFORMANCE_REPORT") or tmp_path / "report.json")
    options = ["-n", "2", "-p", "no:cacheprovider", "-q", "--conformance-report", report]
    ran = python("-m", "pytest", *options, cwd=folder, path=str(site))

    assert ran.returncode == 0, ran.stdout[-6000:]
    (told,) = (line for line in ran.stdout.splitlines() if line.startswith("jsonfiles:"))
    assert "0 xfailed, 0 failed, 1 skipped, 0 not run" in told
    observed = json.loads(report.read_text())["backends"]["jsonfiles"]
    assert observed["complete"]
    assert observed["distribution"] == "acme-lexigram-jsonfiles"
    assert observed["version"] is not None
    assert observed["features"]["keys"] == {"native": observed["features"]["keys"]["native"]}
    assert set(observed["features"]["transactions"]) == {"refused"}
    assert set(observed["features"]["update"]) == {"engine"}
