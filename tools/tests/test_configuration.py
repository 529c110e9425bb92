"""What is said in one file and relied on in another agrees: scripts, workflows, bootstrap, pins, packages."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bootstrap
import check_types
import pytest
import yaml
from workspace import ROOT, packages

HATCH: dict[str, Any] = tomllib.loads((ROOT / "hatch.toml").read_text())
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def scripts() -> set[str]:
    """Return every script of hatch.toml as `hatch run` names it."""
    return {
        script if environment == "default" else f"{environment}:{script}"
        for environment, table in HATCH["envs"].items()
        for script in table.get("scripts", {})
    }


def jobs(workflow: str) -> dict[str, Any]:
    """Return the jobs of a workflow."""
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())["jobs"]
    return found


def commands(text: str) -> Iterator[list[str]]:
    """Split shell text into commands and their words."""
    for line in text.splitlines():
        for part in re.split(r"&&|;", line):
            yield shlex.split(part, comments=True)


def called(text: str, values: dict[str, list[str]]) -> Iterator[str]:
    """Yield the scripts that shell text calls with `hatch run`, a variable replaced by each of its values."""
    for words in commands(text):
        if words[:2] == ["hatch", "run"]:
            name = words[2]
            yield from values[name[1:]] if name.startswith("$") else [name]


def test_every_script_that_a_workflow_calls_exists() -> None:
    """A renamed script does not break CI unnoticed."""
    found: set[str] = set()
    for workflow in WORKFLOWS:
        for job in jobs(workflow.name).values():
            matrix = job.get("strategy", {}).get("matrix", {})
            for step in job["steps"]:
                values = {
                    name: matrix[value.removeprefix("${{ matrix.").removesuffix(" }}")]
                    for name, value in step.get("env", {}).items()
                    if value.startswith("${{ matrix.") and isinstance(matrix, dict)
                    if value.removeprefix("${{ matrix.").removesuffix(" }}") in matrix
                }
                found.update(called(step.get("run", ""), values))

    assert {"wheels:build", "wheels:test", "lint:check", "types:check", "cov", "integration:test"} <= found
    assert found <= scripts()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".pre-commit-config.yaml"])
def test_every_script_that_a_document_names_exists(name: str) -> None:
    """What the documents tell a person to type works."""
    found = re.findall(r"hatch run ([a-z:]+)", (ROOT / name).read_text())

    assert found
    assert set(found) <= scripts()


def test_every_step_of_the_bootstrap_exists() -> None:
    """A job of tools/dev.py runs scripts that there are."""
    assert {step.target for steps in bootstrap.JOBS.values() for step in steps} <= scripts()


def test_every_tool_that_a_script_runs_exists() -> None:
    """A script that runs one of our own tools names a file that there is."""
    text = (ROOT / "hatch.toml").read_text()
    found = set(re.findall(r"python (tools/\w+\.py)", text))

    assert found
    assert [name for name in found if not (ROOT / name).is_file()] == []


def test_actions_are_pinned_by_hash() -> None:
    """A moved tag of an action changes nothing here; the version stands beside the hash."""
    for workflow in WORKFLOWS:
        uses = re.findall(r"uses: (.+)", workflow.read_text())
        assert uses
        assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []


def test_workflows_start_without_permissions() -> None:
    """Each job asks for what it needs, and for a time limit."""
    for workflow in WORKFLOWS:
        assert yaml.safe_load(workflow.read_text())["permissions"] == {}
        assert [name for name, job in jobs(workflow.name).items() if "timeout-minutes" not in job] == []


def test_one_job_waits_for_all() -> None:
    """all-green needs every other job, so it can guard the branch alone."""
    found = jobs("ci.yml")

    assert found.keys() - {"all-green"} == set(found["all-green"]["needs"])


def test_the_workflows_test_every_python_that_is_declared() -> None:
    """The matrix and the classifiers name the same versions."""
    declared = {
        tuple(re.findall(r"Python :: (3\.\d+)", "\n".join(package.pyproject["project"]["classifiers"])))
        for package in packages()
    }

    assert {tuple(jobs("ci.yml")["tests"]["strategy"]["matrix"]["python"])} == declared


def test_hatch_is_the_same_everywhere() -> None:
    """The bootstrap and the workflows install one version of hatch."""
    found = {yaml.safe_load(workflow.read_text())["env"]["HATCH"] for workflow in WORKFLOWS}

    assert {bootstrap.TOOLS[0]} == found


def test_ci_runs_what_the_readme_says() -> None:
    """.ci/run calls the commands of the README and no other."""
    readme = (ROOT / "README.md").read_text()
    found = re.findall(r'^"\$python" (tools/dev\.py .+)$', (ROOT / ".ci/run").read_text(), re.MULTILINE)

    assert found == [
        "tools/dev.py test",
        "tools/dev.py check",
        "tools/dev.py integration tests-integration -n 3 --servers=docker --require-all",
        "tools/dev.py integration tests-integration/{harness,mongodb,sql,swap} -n 3 --servers=process --require-all",
    ]
    assert all(f"python3 {command}" in readme for command in found)


def test_type_checkers_see_every_package(tmp_path: Path) -> None:
    """Paths are worked out from the folders, so a new one is checked without an edit; strictness is the root's."""
    sources = {package.src for package in packages() if package.src.is_dir()}
    settings = check_types.pyright_settings(tmp_path)

    assert sources <= set(check_types.checked())
    assert sources <= set(check_types.search_path())
    assert settings["typeCheckingMode"] == "strict"
    assert isinstance(settings["include"], list)
    assert sources <= {(tmp_path / path).resolve() for path in settings["include"]}


def test_packages_look_alike() -> None:
    """Every distribution has a readme, a licence, the same Python versions and the same build settings."""
    licence = (ROOT / "LICENSE").read_text()
    for package in packages():
        project = package.pyproject["project"]
        assert package.folder.name == package.name
        assert licence == (package.folder / "LICENSE").read_text(), package.name
        assert (package.folder / "README.md").read_text().strip(), package.name
        assert project["requires-python"] == ">=3.11"
        if package.src.is_dir() and package.name != "lexigram":
            wheel = package.pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
            assert wheel["exclude"] == ["src/lexigram/__init__.pyi"], package.name
            assert (package.src / "lexigram/__init__.pyi").is_file(), package.name
