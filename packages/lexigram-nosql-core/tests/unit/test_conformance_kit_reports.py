"""What a run of the kit tells: counts, skips, the table, the report; and what it does in runs that do not use it."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from dataclasses import fields
from pathlib import Path

import lexigram.nosql.testing as manual
import pytest
from lexigram.nosql.backend import Capabilities
from lexigram.nosql.testing import suites
from lexigram.nosql.testing.features import FEATURES, Feature
from lexigram.nosql.testing.suite import TOPICS

pytest_plugins = ("pytester",)


@pytest.fixture
def example(pytester: pytest.Pytester) -> Path:
    """The example of the manual, as a test file."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    text = (manual.__doc__ or "").split("configuration::\n")[1].split("\nInstall")[0]
    return pytester.makepyfile(test_example=textwrap.dedent(text))


def test_the_manuals_example_runs(pytester: pytest.Pytester, example: Path) -> None:
    """And says how many tests passed, which were skipped and why, and which were left out."""
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-n", "0", "-k", "Lifecycle or TestIds")

    assert result.ret == 0
    told(result)
    result.stdout.fnmatch_lines(["conformance of memory: * standard tests"])


@pytest.mark.timeout(300)
def test_workers_of_xdist_tell_the_same(pytester: pytest.Pytester, example: Path) -> None:
    """The summary is the main process's; new cases are the same in all workers."""
    chosen = "Lifecycle or TestIds or (TestParity and new)"
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-n", "2", "-k", chosen, "--conformance-examples", "2"
    )

    assert result.ret == 0
    told(result, "parity")


def told(result: pytest.RunResult, *more: str) -> None:
    """Check the summary of a run of two topics, and of *more*."""
    (line,) = (line for line in result.outlines if line.startswith("memory:"))
    found = re.fullmatch(
        r"memory: (\d+) passed, 0 not offered and refused by name, 0 xfailed, 0 failed, 1 skipped, (\d+) not run; "
        r"no test of (.*)",
        line,
    )
    assert found is not None, line
    assert set(found[3].split(", ")) == set(TOPICS) - {"lifecycle", "ids", *more}
    result.stdout.fnmatch_lines(["*skipped lifecycle::test_a_server_that_is_not_there*unreachable()*"])


def test_a_report_says_what_was_observed(pytester: pytest.Pytester, example: Path) -> None:
    """Versions, counts, features; and that it is of a part only."""
    result = pytester.runpytest_subprocess(
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "-q",
        "-k",
        "TestDiscovery or TestIndexes",
        "--conformance-report",
        "out/r.json",
    )

    assert result.ret == 0
    report = json.loads((pytester.path / "out" / "r.json").read_text())
    assert report["format"] == 1
    memory = report["backends"]["memory"]
    assert memory["complete"] is False
    assert memory["tests"]["failed"] == 0
    assert memory["tests"]["passed"] > 40
    assert memory["tests"]["not_run"] > 500
    assert memory["features"]["unique_indexes"]["native"] > 5
    assert memory["features"]["distinct"] == {}
    assert memory["distribution"] == "lexigram-nosql-core"
    assert memory["version"] == memory["core"]
    assert set(memory["capabilities"]) == {field.name for field in fields(Capabilities)}


def test_harnesses_of_one_backend_are_counted_apart(pytester: pytest.Pytester, example: Path) -> None:
    """One for each of its clients, say; what is told of a test names the harness."""
    text = example.read_text()
    other = (
        text[text.index("class TestAggregation") :].replace("class Test", "class Other").replace("= Memory", "= Other")
    )
    example.write_text(f"{text}\n\nclass Other(Memory):\n    pass\n\n\n{other}")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-n", "0", "-k", "Lifecycle")

    assert result.ret == 0
    passed = result.parseoutcomes()["passed"]
    (line,) = (line for line in result.outlines if line.startswith("memory:"))
    assert line.startswith(
        f"memory: {passed} passed, 0 not offered and refused by name, 0 xfailed, 0 failed, 2 skipped"
    )
    result.stdout.fnmatch_lines(["*skipped lifecycle::*connection_error (Memory): *", "*connection_error (Other): *"])


def test_a_new_case_is_drawn_by_its_seed(pytester: pytest.Pytester, example: Path) -> None:
    """So that a failure can be seen again."""
    chosen = ("-k", "TestParity and new", "--conformance-examples", "2", "--conformance-seed", "7")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-v", "-n", "0", *chosen)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_generated_requests_agree?new 7? PASSED*", "*?new 8? PASSED*"])


def test_a_run_without_the_kit_does_not_load_it(pytester: pytest.Pytester) -> None:
    """The plugin is in every environment, and costs nothing where it is not used."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(
        "import sys\n"
        "def test_loaded():\n"
        "    loaded = [name for name in sys.modules if name.startswith('lexigram.nosql')]\n"
        "    assert sorted(loaded) == ['lexigram.nosql', 'lexigram.nosql.testing', 'lexigram.nosql.testing.plugin']\n"
        "    assert 'pydantic' not in sys.modules\n"
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "0")

    result.assert_outcomes(passed=1)
    assert "conformance" not in result.stdout.str()


def test_every_topic_is_offered() -> None:
    """The class of each is in ``suites``, and nothing else."""
    assert {topic.suite for topic in TOPICS.values()} == {getattr(suites, name) for name in suites.__all__}
    modules = {path.stem for path in Path(suites.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(TOPICS) == modules


def test_every_standard_test_says_what_to_check() -> None:
    """Its docstring has a sentence that begins with Check."""
    silent = []
    for path in Path(suites.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test"):
                text = ast.get_docstring(node) or ""
                if not re.search(r"\bCheck\b", text):
                    silent.append(f"{path.stem}::{node.name}")
    assert silent == []


def test_every_capability_has_a_row() -> None:
    """What a backend may declare stands in the table, but for how it does things."""
    rows = {feature.name for feature in FEATURES if feature.kind != "work"}
    ways = {"native_aggregation", "random_ids", "encoder_validates"}
    assert rows == {field.name for field in fields(Capabilities)} - ways


@pytest.mark.parametrize(
    ("kind", "seen", "shown"),
    [
        ("work", {}, "not observed"),
        ("work", {"native": 3}, "native"),
        ("work", {"native": 3, "engine": 1}, "native for 3 of 4"),
        ("work", {"engine": 2}, "by the engine"),
        ("capability", {"native": 1}, "native"),
        ("capability", {"refused": 4}, "not offered"),
        ("capability", {"engine": 4}, "by the engine"),
        ("limit", {"native": 1}, "16,777,216 bytes"),
        ("limit", {"refused": 1}, "not offered"),
    ],
)
def test_a_cell_says_what_was_seen(kind: str, seen: dict[str, int], shown: str) -> None:
    """And nothing that was not."""
    feature = Feature("x", "X", kind, "bytes")  # type: ignore[arg-type]

    assert feature.shown(seen, {"x": 16_777_216}) == shown
    if kind == "limit" and "native" in seen:
        assert feature.shown(seen, {"x": None}) == "none"
