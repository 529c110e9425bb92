"""Write the table of capabilities from what the conformance kit observed, never from what a backend says of itself.

Run `hatch run matrix`. It runs the kit on the memory backend and on the sample third-party backend, adds every other
report in `reports/conformance/` (a run of a backend's kit writes one with `--conformance-report
reports/conformance/NAME.json`), and writes the table between the markers of `README.md` and into the file that
`lexigram nosql backends --features` reads. A backend without a new report keeps its column of the last time, with the
versions it was observed on. `--reports FILE...` uses these reports and runs nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from lexigram.nosql.testing.features import FEATURES
from workspace import ROOT

__all__ = ["main", "merged", "observed", "rendered"]

MARKERS = ("<!-- matrix: written by `hatch run matrix` -->", "<!-- /matrix -->")
CORE = Path("packages/lexigram-nosql-core")
DATA = CORE / "src/lexigram/nosql/cli/features.json"
REPORTS = Path("reports/conformance")
FORMAT = 1

_FACTS = frozenset({"version", "deployment"})
"""What is kept of what a store says of its server."""


def _run_kit(root: Path) -> None:
    """Run the kit where it needs no server, and leave the reports."""
    reports = root / REPORTS
    reports.mkdir(parents=True, exist_ok=True)
    sample = root / CORE / "tests/conformance/test_installed_backend.py"
    memory = [
        str(root / CORE / "tests/conformance/test_memory.py"),
        "--conformance-report",
        str(reports / "memory.json"),
    ]
    environment = {**os.environ, "LEXIGRAM_CONFORMANCE_REPORT": str(reports / "jsonfiles.json")}
    for arguments in (memory, [str(sample)]):
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *arguments]
        if subprocess.run(command, cwd=root, env=environment, check=False).returncode:
            msg = f"matrix: the kit failed, see above: {' '.join(command)}"
            raise SystemExit(msg)


def observed(report: Path) -> dict[str, Any]:
    """Return the columns that a report gives, by backend.

    Args:
        report: A file that the kit wrote.

    Raises:
        SystemExit: It is of another format, of a part of the kit, or of a run that failed.
    """
    told = json.loads(report.read_text(encoding="utf-8"))
    if told.get("format") != FORMAT:
        msg = f"matrix: {report} is no report of the kit that this tool knows"
        raise SystemExit(msg)
    columns: dict[str, Any] = {}
    for name, backend in told["backends"].items():
        if backend["tests"]["failed"] or not backend["complete"]:
            msg = f"matrix: {report} is of a run of {name} that failed or left tests out: {backend['tests']}"
            raise SystemExit(msg)
        facts: dict[str, Any] = backend["server"] or {}
        kept = ("distribution", "version", "core", "python", "tests")
        columns[name] = {key: backend[key] for key in kept} | {
            # Folders, databases and endpoints are those of the run.
            "server": {key: fact for key, fact in facts.items() if key in _FACTS},
            "cells": {
                feature.name: feature.shown(backend["features"][feature.name], backend["capabilities"])
                for feature in FEATURES
            },
        }
    return columns


def merged(before: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data file with new columns in the place of old ones.

    Args:
        before: The data file as it is; empty where there is none.
        columns: The new columns by backend.
    """
    backends = {**before.get("backends", {}), **columns}
    return {
        "about": "Written by `hatch run matrix` from reports of the conformance kit; see tools/matrix.py.",
        "rows": [{"name": feature.name, "title": feature.title, "kind": feature.kind} for feature in FEATURES],
        "backends": {name: backends[name] for name in sorted(backends)},
    }


def rendered(data: Mapping[str, Any]) -> str:
    """Return the table in Markdown, with the versions that were observed under it.

    Args:
        data: The data file.
    """
    backends: Mapping[str, Any] = data["backends"]
    lines = [
        f"| | {' | '.join(backends)} |",
        f"| --- |{' --- |' * len(backends)}",
        *(
            f"| {row['title']} | {' | '.join(column['cells'][row['name']] for column in backends.values())} |"
            for row in data["rows"]
        ),
        "",
        "Observed by the conformance kit: "
        + "; ".join(f"{name} {_versions(column)}" for name, column in backends.items())
        + ".",
    ]
    return "\n".join(lines)


def _versions(column: Mapping[str, Any]) -> str:
    tests = column["tests"]
    server = cast("Mapping[str, Any]", column["server"]).get("version")
    ran = f"{tests['passed'] + tests['refused']} of {sum(tests.values())} tests passed"
    return f"{column['version']}{f' on server {server}' if server else ''} ({ran}, core {column['core']})"


def _written(readme: str, text: str) -> str:
    start, end = MARKERS
    if readme.count(start) != 1 or readme.count(end) != 1:
        msg = f"matrix: README.md needs the markers {start} and {end}, once each"
        raise SystemExit(msg)
    head, _, rest = readme.partition(start)
    return f"{head}{start}\n\n{text}\n\n{end}{rest.partition(end)[2]}"


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write the table.

    Args:
        arguments: The command line without the program's name.
        root: The repository.

    Returns:
        0.

    Raises:
        SystemExit: A run of the kit failed, a report is of no use, or the readme has no place for the table.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--reports", type=Path, nargs="+", help="use these reports, and run nothing")
    options = parser.parse_args(list(arguments))
    if options.reports is None:
        _run_kit(root)
    reports: list[Path] = options.reports or sorted((root / REPORTS).glob("*.json"))
    columns: dict[str, Any] = {}
    for report in reports:
        columns |= observed(report)
    file, readme = root / DATA, root / "README.md"
    before: Any = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    data = merged(before, columns)
    text = _written(readme.read_text(encoding="utf-8"), rendered(data))
    file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    readme.write_text(text, encoding="utf-8")
    print(f"matrix: {', '.join(columns)} from {len(reports)} reports; {DATA} and README.md are written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
