"""Counts the standard tests that a run had to end against those that it did.

Whatever takes a standard test away (a hook of a conftest.py, a setting, a fixture that skips), the run that was asked
for all of them must not pass without it. What is left out on the command line, by ``-k``, ``-m``, ``--deselect``,
``--last-failed``, ``--stepwise`` or the id of a test, was not asked for.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest
from lexigram.nosql.testing.recording import Observed, Record

__all__ = ["Standard", "asks_for_all", "missing"]

Standard = tuple[str, str, str]
"""A standard test: its backend, its harness, and its topic and name."""

_LEAVING_OUT: Final = {"--lf", "--last-failed", "--sw", "--stepwise", "--co", "--collect-only"}


def asks_for_all(config: pytest.Config) -> bool:
    """Whether a run was asked for all tests of the files that it collects.

    Args:
        config: The configuration of the run.
    """
    words = [*map(str, config.invocation_params.args), *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    if config.args_source is pytest.Config.ArgsSource.ARGS and any("::" in argument for argument in config.args):
        return False
    named: list[Any] = [config.getoption("keyword"), config.getoption("markexpr")]
    chosen: list[Any] = [*named, *(config.getoption("deselect") or ())]
    if any(
        value and not {value, f"-k{value}", f"-m{value}", f"--deselect={value}"}.isdisjoint(words) for value in chosen
    ):
        return False
    return _LEAVING_OUT.isdisjoint(words)


def missing(expected: Iterable[Standard], record: Record | None) -> Iterator[str]:
    """What has not ended.

    A harness whose tests were all skipped makes no claim, and is passed over: its server is not there.

    Args:
        expected: The tests that had to end.
        record: What the run has shown, or None where no standard test was begun.

    Yields:
        A test, and why it is missing, in words.
    """
    observed = {} if record is None else record.backends
    nothing = Observed()
    tests = sorted(expected)
    claims = {
        (backend, harness)
        for backend, harness, test in tests
        if observed.get(backend, nothing).outcomes.get((test, harness)) != "skipped"
    }
    for backend, harness, test in tests:
        if (backend, harness) not in claims:
            continue
        seen = observed.get(backend, nothing)
        outcome = seen.outcomes.get((test, harness))
        if outcome is None:
            yield f"{harness}: {test} was not run"
        elif outcome == "skipped" and (test, harness) not in seen.excused:
            yield f"{harness}: {test} was skipped: {seen.skipped.get((test, harness), '')}"
