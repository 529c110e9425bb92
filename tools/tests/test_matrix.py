"""The table of capabilities says what reports of the conformance kit observed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matrix
import pytest
from lexigram.nosql.testing.features import FEATURES
from workspace import ROOT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a readme and a place for the data."""
    (tmp_path / matrix.DATA).parent.mkdir(parents=True)
    start, end = matrix.MARKERS
    (tmp_path / "README.md").write_text(f"# T\n\n{start}\nold\n{end}\n\nmore\n")
    return tmp_path


def report(folder: Path, name: str = "couch", **changes: Any) -> Path:
    """Write a report of one backend."""
    features = {feature.name: {} for feature in FEATURES}
    features |= {
        "filters": {"native": 3, "engine": 1},
        "transactions": {"refused": 2},
        "max_document_bytes": {"native": 1},
    }
    backend = {
        "distribution": f"acme-{name}",
        "version": "2.1.0",
        "core": "0.1.0",
        "python": "3.11.7",
        "server": {"version": "7.0", "database": "kit_a1b2"},
        "capabilities": {"max_document_bytes": 400_000},
        "tests": {"passed": 8, "refused": 1, "xfailed": 1, "failed": 0, "skipped": 0, "not_run": 0},
        "complete": True,
        "features": features,
    }
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"format": 1, "backends": {name: backend | changes}}))
    return file


def test_a_report_becomes_a_column(root: Path) -> None:
    """In the readme and in the data that the command reads, with the versions."""
    assert matrix.main(["--reports", str(report(root))], root) == 0

    readme = (root / "README.md").read_text()
    assert "| | couch |\n| --- | --- |\n" in readme
    assert "| Filters | native for 3 of 4 |" in readme
    assert "| Transactions | not offered |" in readme
    assert "| Largest document | 400,000 bytes |" in readme
    assert "| Counting | not observed |" in readme
    assert "couch 2.1.0 on server 7.0 (9 of 10 tests passed, core 0.1.0)." in readme
    assert readme.startswith("# T\n\n")
    assert readme.endswith("\n\nmore\n")
    assert "old" not in readme
    data = json.loads((root / matrix.DATA).read_text())
    assert data["backends"]["couch"]["cells"]["filters"] == "native for 3 of 4"
    assert data["backends"]["couch"]["server"] == {"version": "7.0"}
    assert [row["name"] for row in data["rows"]] == [feature.name for feature in FEATURES]


def test_a_backend_without_a_new_report_keeps_its_column(root: Path) -> None:
    """So that not every server is needed at once."""
    matrix.main(["--reports", str(report(root, "couch")), str(report(root, "ant"))], root)
    before = (root / "README.md").read_text()
    matrix.main(["--reports", str(report(root, "couch", version="2.2.0"))], root)
    after = (root / "README.md").read_text()

    assert "| | ant | couch |" in after
    assert after == before.replace("couch 2.1.0", "couch 2.2.0")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"complete": False}, "failed or left tests out"),
        ({"tests": {"failed": 1}}, "failed or left tests out"),
    ],
    ids=["incomplete", "failed"],
)
def test_a_report_of_a_part_is_refused(root: Path, changes: dict[str, Any], told: str) -> None:
    """Nothing is written from it."""
    before = (root / "README.md").read_text()

    with pytest.raises(SystemExit, match=told):
        matrix.main(["--reports", str(report(root, **changes))], root)
    assert (root / "README.md").read_text() == before
    assert not (root / matrix.DATA).exists()


def test_a_report_of_another_format_is_refused(root: Path) -> None:
    """And one that is no report."""
    (root / "other.json").write_text('{"format": 2}')

    with pytest.raises(SystemExit, match="no report of the kit that this tool knows"):
        matrix.main(["--reports", str(root / "other.json")], root)


def test_a_readme_without_a_place_is_refused(root: Path) -> None:
    """The markers stand once each."""
    (root / "README.md").write_text("# T\n")

    with pytest.raises(SystemExit, match="needs the markers"):
        matrix.main(["--reports", str(report(root))], root)
    assert not (root / matrix.DATA).exists()


def test_the_readme_shows_what_is_shipped() -> None:
    """The table of this repository is that of its data file."""
    data = json.loads((ROOT / matrix.DATA).read_text())

    assert matrix.rendered(data) in (ROOT / "README.md").read_text()
