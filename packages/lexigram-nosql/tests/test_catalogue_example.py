"""The example that `tools/dev.py demo` runs, as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "catalogue"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the example and wait for its end."""
    return subprocess.run(
        [sys.executable, str(EXAMPLE / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "120", **environment},
        check=False,
    )


def test_the_example_answers_every_question() -> None:
    """It imports, queries, pages, aggregates, migrates, explains, rolls back and commits, on the embedded store."""
    done = run()

    assert (done.returncode, done.stderr) == (0, "")
    assert "store: memory, healthy" in done.stdout
    assert "documents" in done.stdout
    assert "pydantic" in done.stdout
    assert "before: find on packages (memory): scan" in done.stdout
    assert "applied: 0001, 0002" in done.stdout
    assert "after: find on packages (memory): index requires.name_1" in done.stdout
    rolled_back, committed = done.stdout.splitlines()[-2:]
    assert rolled_back.endswith("still there")
    assert committed.endswith("gone")


def test_another_driver_is_a_matter_of_configuration(tmp_path: Path) -> None:
    """A configuration file names the driver; the service stays as it is."""
    (tmp_path / "mine.yaml").write_text("nosql:\n  driver: memory\n  memory:\n    scan_policy: warn\n")

    done = run("--config", str(tmp_path / "mine.yaml"))

    assert done.returncode == 0
    assert "full scan of 'packages' on memory" in done.stderr


def test_a_driver_that_is_not_installed_is_an_error_with_the_pip_line() -> None:
    """An unknown driver ends the example with one clear block, and no traceback."""
    done = run("--driver", "couchdb")

    assert done.returncode == 1
    assert "no 'couchdb' in group 'lexigram.nosql.backends'; installed: " in done.stderr
    assert "memory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_configuration_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    """A file that is not there is said to be missing."""
    done = run("--config", str(tmp_path / "none.yaml"))

    assert done.returncode == 1
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_service_is_written_against_the_contracts_only() -> None:
    """Nothing in the service and its models imports a backend, the core or the kernel."""
    text = (EXAMPLE / "service.py").read_text() + (EXAMPLE / "models.py").read_text()
    imported = [line for line in text.splitlines() if line.startswith(("import lexigram", "from lexigram"))]

    assert imported
    assert all(line.startswith("from lexigram.contracts") for line in imported)
