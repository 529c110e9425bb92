"""Fail if the tests cover too little of a distribution.

Run `hatch run cov`, of which this is the last step. It reads coverage's own data, so it sees files that no test ever
imported, counts lines and branches as coverage does, and prints one line per distribution.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from workspace import ROOT

__all__ = ["FLOORS", "Share", "check", "main", "shares"]

FLOORS: dict[str, float] = {"lexigram-contracts": 90.0, "lexigram": 90.0, "lexigram-nosql-core": 90.0}
"""The least share, in percent, of what each distribution's tests must cover; the backends' are covered on servers."""


class Share:
    """How much of a distribution's lines and branches the tests ran."""

    __slots__ = ("covered", "files", "total")

    def __init__(self) -> None:
        self.covered = 0
        self.total = 0
        self.files = 0

    @property
    def percent(self) -> float:
        """The share, 100 where there is nothing to run."""
        return 100.0 * self.covered / self.total if self.total else 100.0


def shares(report: Mapping[str, Any]) -> dict[str, Share]:
    """Add up coverage per distribution.

    Args:
        report: What `coverage json` wrote.

    Returns:
        The shares by the name of the folder below `packages/`.
    """
    found: dict[str, Share] = {}
    for path, file in report["files"].items():
        parts = PurePath(path).parts
        if "packages" not in parts:
            continue
        share = found.setdefault(parts[parts.index("packages") + 1], Share())
        summary = file["summary"]
        share.files += 1
        share.covered += summary["covered_lines"] + summary.get("covered_branches", 0)
        share.total += summary["num_statements"] + summary.get("num_branches", 0)
    return found


def check(found: Mapping[str, Share]) -> list[str]:
    """Compare shares with `FLOORS`.

    Args:
        found: The shares by distribution.

    Returns:
        The faults.
    """
    faults: list[str] = []
    for name, floor in FLOORS.items():
        if name not in found:
            faults.append(f"{name} was not measured")
        elif found[name].percent < floor:
            faults.append(f"{name} is covered to {found[name].percent:.2f} %, less than {floor:.0f} %")
    return faults


def main() -> int:
    """Check the data of the last run.

    Returns:
        The exit code: 0 if every distribution is covered well enough, else 1.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "coverage.json")
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(file)]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return 1
        found = shares(json.loads(file.read_text(encoding="utf-8")))
    for name, share in sorted(found.items()):
        print(
            f"coverage: {name:<28} {share.percent:6.2f} %  of {share.total} lines and branches in {share.files} files"
        )
    covered, total = sum(share.covered for share in found.values()), sum(share.total for share in found.values())
    print(f"coverage: {'all distributions':<28} {100.0 * covered / (total or 1):6.2f} %")
    faults = check(found)
    for fault in faults:
        print(f"coverage: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
