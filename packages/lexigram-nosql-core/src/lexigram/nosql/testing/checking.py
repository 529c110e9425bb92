"""Finds what was left out of a backend's test file: topics, tests, reasons.

The standard tests are the claim that a backend makes. So none can be missing without being seen: a topic that has no
class, a test that was changed or removed after its class was made, a mark that skips, an expected failure without a
capability, are errors of the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, cast

import pytest
from lexigram.nosql.backend import BackendSpec
from lexigram.nosql.testing.harness import ExpectedFailure, Harness
from lexigram.nosql.testing.suite import TOPICS, Suite, changed_attributes

__all__ = [
    "EXPECTED",
    "OWN_MARK",
    "expect_failure",
    "expected_failure",
    "faults_of_class",
    "faults_of_module",
    "foreign_marks",
    "identity",
    "is_conformance",
    "tests_of",
]

OWN_MARK = pytest.StashKey[pytest.Mark]()
"""Where a standard test keeps the mark that the kit gave it."""
EXPECTED = "lexigram.conformance.expected"
"""Property of a test's report: the kind and text of its expected failure."""
_SILENCING = ("skip", "skipif", "xfail")


def is_conformance(value: object) -> bool:
    """True for a class that says which backend a standard topic is for."""
    return isinstance(value, type) and issubclass(value, Suite) and hasattr(value, "harness")


def faults_of_class(cls: type[Suite], config: pytest.Config) -> list[str]:
    """What is wrong with one topic's class.

    Args:
        cls: The class.
        config: The configuration of the run.

    Returns:
        The faults, in words; none is well.
    """
    fault = _fault_of_harness(cls.harness)
    if fault is not None:
        return [fault]
    faults = [f"the standard test {name} was changed or removed" for name in changed_attributes(cls)]
    faults += [f"a mark {mark} hides standard tests" for mark in _marks_on(cls)]
    for name, value in TOPICS[cls.topic].standard.items():
        faults += [f"a mark {mark} hides the standard test {name}" for mark in _marks_on(value)]
    return faults


def _fault_of_harness(harness: Any) -> str | None:
    if not (isinstance(harness, type) and issubclass(harness, Harness)):
        return f"its harness is {harness!r}, not a class that extends Harness"
    if not isinstance(getattr(harness, "spec", None), BackendSpec):
        return f"{harness.__name__}.spec is not a BackendSpec"
    return None


def faults_of_module(module: ModuleType, config: pytest.Config) -> list[str]:
    """What is wrong with the file as a whole: topics that are not there, expected failures that make no sense.

    Args:
        module: The test module.
        config: The configuration of the run.

    Returns:
        The faults, in words; none is well.
    """
    faults = [f"a mark {mark} in {module.__name__} hides standard tests" for mark in _marks_on(module)]
    topics: dict[Any, set[str]] = {}
    for value in vars(module).values():
        if is_conformance(value):
            topics.setdefault(value.harness, set()).add(value.topic)
    for harness, found in topics.items():
        fault = _fault_of_harness(harness)
        if fault is not None:
            faults.append(fault)
            continue
        missing = [name for name in TOPICS if name not in found]
        if missing:
            faults.append(f"{harness.__name__} has no class for the topics {', '.join(missing)}")
        faults += _faults_of_failures(harness, config)
    return faults


def _faults_of_failures(harness: type[Harness], config: pytest.Config) -> list[str]:
    faults: list[str] = []
    failures = cast("Mapping[str, Any]", harness.expected_failures(config))
    for test, failure in failures.items():
        if not isinstance(failure, ExpectedFailure):
            faults.append(f"the expected failure of {test} names no capability: {failure!r}")
            continue
        topic, _, name = test.partition("::")
        if topic not in TOPICS or name.partition("[")[0] not in TOPICS[topic].tests:
            faults.append(f"there is no standard test {test} that could fail")
        told = failure.fault(harness.spec.capabilities)
        if told is not None:
            faults.append(f"the expected failure of {test}: {told}")
    return faults


def _marks_on(value: Any) -> list[str]:
    found: Any = getattr(value, "pytestmark", ())
    marks = cast("Iterable[Any]", found if isinstance(found, list | tuple) else (found,))
    return [str(mark.name) for mark in marks if mark.name in _SILENCING]


def tests_of(cls: type[Suite]) -> list[str]:
    """Names of the standard tests that a topic's class must have."""
    return TOPICS[cls.topic].tests


def identity(item: pytest.Item) -> dict[str, str]:
    """Which standard test this is, of which backend and harness, for the report."""
    cls = cast("type[Suite]", cast("Any", item).cls)
    return {
        "backend": cls.harness.spec.name,
        "harness": cls.harness.__name__,
        "topic": cls.topic,
        "test": item.name,
    }


def expected_failure(item: pytest.Item) -> ExpectedFailure | None:
    """Why a standard test is expected to fail, or None."""
    cls = cast("type[Suite]", cast("Any", item).cls)
    failures = cls.harness.expected_failures(item.config)
    name = f"{cls.topic}::{item.name}"
    return failures.get(name) or failures.get(name.partition("[")[0])


def expect_failure(item: pytest.Item, failure: ExpectedFailure) -> None:
    """Have a standard test fail, strictly: where it does not, it is a failure.

    Args:
        item: The test; it may be running.
        failure: Why.
    """
    own = pytest.mark.xfail(reason=str(failure), strict=True)
    item.add_marker(own)
    item.stash[OWN_MARK] = own.mark
    item.user_properties.append((EXPECTED, [type(failure).__name__, str(failure)]))


def foreign_marks(item: pytest.Item, own: object) -> list[str]:
    """Names of the marks that would silence a standard test and do not come from the harness.

    Args:
        item: The test.
        own: The mark that the kit made of an expected failure, or None.
    """
    return [mark.name for name in _SILENCING for mark in item.iter_markers(name) if mark is not own]
