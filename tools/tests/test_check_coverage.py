"""Coverage is added up per distribution, and too little of it is a fault."""

from __future__ import annotations

from typing import Any

import check_coverage


def file(lines: int, covered: int, branches: int = 0, covered_branches: int = 0) -> dict[str, Any]:
    """Return one file's entry in coverage's report."""
    summary = {"num_statements": lines, "covered_lines": covered}
    return {"summary": summary | {"num_branches": branches, "covered_branches": covered_branches}}


REPORT: dict[str, Any] = {
    "files": {
        "packages/lexigram-contracts/src/lexigram/contracts/a.py": file(10, 10),
        "packages/lexigram/src/lexigram/a.py": file(80, 80, 20, 5),
        "packages/lexigram/src/lexigram/never_imported.py": file(20, 0),
        "packages/lexigram-nosql-core/src/lexigram/nosql/a.py": file(100, 95),
        "packages/lexigram-nosql-toy/src/lexigram/nosql/backends/toy/a.py": file(10, 1),
        "tools/bump.py": file(10, 1),
    }
}


def test_lines_and_branches_are_added_up() -> None:
    """Files that were never imported count; files outside packages/ do not."""
    found = check_coverage.shares(REPORT)

    assert {"lexigram-contracts", "lexigram", "lexigram-nosql-core", "lexigram-nosql-toy"} == set(found)
    assert (found["lexigram"].covered, found["lexigram"].total, found["lexigram"].files) == (85, 120, 2)


def test_too_little_is_a_fault() -> None:
    """A distribution below its floor is named with its figure; one without a floor is not."""
    faults = check_coverage.check(check_coverage.shares(REPORT))

    assert faults == ["lexigram is covered to 70.83 %, less than 90 %"]


def test_a_distribution_that_was_not_measured_is_a_fault() -> None:
    """An empty report does not pass."""
    assert len(check_coverage.check({})) == 3
