"""What a run of the kit has observed: counts for people, and a report from which tables of capabilities are made.

A report is JSON: ``{"format": 1, "backends": {NAME: {...}}}``, each with the versions it was observed on, the counts of
outcomes, whether every standard test ran, and for each feature how often it ran natively, by the engine, or was
refused by name.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

# The main process of pytest-xdist imports no test module, and must know the topics all the same.
from lexigram.nosql.testing import suites as suites
from lexigram.nosql.testing.checking import EXPECTED
from lexigram.nosql.testing.features import FEATURES, Feature
from lexigram.nosql.testing.suite import DECLARED, OBSERVED, REFUSED, TESTED, TOPICS

__all__ = ["COLLECTED", "FORMAT", "Observed", "Record"]

FORMAT = 1
COLLECTED = "lexigram.conformance.collected"
"""Property of a test's report: how many standard tests of its backend were collected."""

_SUITES = Path(suites.__file__).parent
_Test = tuple[str, str]
"""Id and harness of a standard test."""


@dataclass(slots=True)
class Observed:
    """What a run has shown of one backend.

    Attributes:
        outcomes: ``passed``, ``refused``, ``xfailed``, ``failed`` or ``skipped`` of each test, by id and harness: a
            backend may have several, such as one for each client.
        features: For each feature, how often it was ``native``, ``engine`` or ``refused``.
        declared: What the spec says: distribution, capabilities; and what the server said of itself.
        expected: The expected failures that came, by test.
        skipped: Why tests were skipped, by test.
        excused: The tests that the kit itself skipped.
        collected: How many standard tests were collected.
        topics: The topics of which a test ran.
    """

    outcomes: dict[_Test, str] = field(default_factory=dict["_Test", str])
    features: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])
    declared: dict[str, Any] = field(default_factory=dict[str, Any])
    expected: dict[_Test, list[str]] = field(default_factory=dict["_Test", list[str]])
    skipped: dict[_Test, str] = field(default_factory=dict["_Test", str])
    excused: set[_Test] = field(default_factory=set["_Test"])
    collected: int = 0
    topics: set[str] = field(default_factory=set[str])

    @property
    def counts(self) -> Counter[str]:
        """Tests by outcome."""
        return Counter(self.outcomes.values())

    @property
    def not_run(self) -> int:
        """Standard tests that were collected and then left out."""
        return self.collected - len(self.outcomes)

    @property
    def complete(self) -> bool:
        """True when every standard test of every topic ran."""
        return not self.not_run and self.topics == set(TOPICS)

    def add(self, test: _Test, report: pytest.TestReport, properties: Mapping[str, Any]) -> None:
        """Note one phase of one test."""
        outcome = _outcome(report, REFUSED in properties)
        if outcome is None:
            return
        if self.outcomes.get(test) != "failed":
            self.outcomes[test] = outcome
        self.collected = max(self.collected, properties.get(COLLECTED, 0))
        if outcome == "xfailed":
            self.expected[test] = properties.get(EXPECTED, ["", ""])
        if outcome == "skipped":
            self.skipped[test] = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if _excused(report):
                self.excused.add(test)
        self.declared.update(properties.get(DECLARED, {}))

    def named(self, told: Mapping[_Test, Any]) -> dict[str, Any]:
        """What is told of tests, by names that people read, in their order."""
        several = len({harness for _, harness in self.outcomes}) > 1
        return {f"{test} ({harness})" if several else test: text for (test, harness), text in sorted(told.items())}

    def to_dict(self) -> dict[str, Any]:
        """The report of this backend."""
        counts = self.counts
        return {
            **{name: self.declared.get(name) for name in ("distribution", "capabilities", "server")},
            "version": _version(str(self.declared.get("distribution"))),
            "core": _version("lexigram-nosql-core"),
            "python": platform.python_version(),
            "tests": {name: counts[name] for name in ("passed", "refused", "xfailed", "failed", "skipped")}
            | {"not_run": self.not_run},
            "complete": self.complete,
            "features": {feature.name: dict(self.features.get(feature.name, {})) for feature in FEATURES},
            "expected_failures": {test: text for test, (_, text) in self.named(self.expected).items()},
            "skips": self.named(self.skipped),
        }


def _outcome(report: pytest.TestReport, refused: bool) -> str | None:
    """What a phase says of its test; None where it says nothing."""
    if report.failed:
        return "failed"
    if report.skipped:
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.when != "call":
        return None
    return "refused" if refused else "passed"


def _excused(report: pytest.TestReport) -> bool:
    """Whether the kit itself skipped a test, for want of a hook that a harness may leave out."""
    # Where a fixture skips, pytest gives the place of the test.
    where = report.longrepr[0] if report.when == "call" and isinstance(report.longrepr, tuple) else None
    return where is not None and Path(where).is_relative_to(_SUITES)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


class Record:
    """Collects the reports of one run."""

    def __init__(self) -> None:
        self.backends: dict[str, Observed] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Note a report of pytest."""
        properties = {str(name): value for name, value in report.user_properties}
        told: Any = properties.get(TESTED)
        if told is None:
            return
        observed = self.backends.setdefault(told["backend"], Observed())
        observed.topics.add(told["topic"])
        observed.add((f"{told['topic']}::{told['test']}", told["harness"]), report, properties)
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name == OBSERVED:
                    found: Any = value
                    way = "native" if found["native"] else "engine"
                    observed.features.setdefault(found["feature"], Counter())[way] += 1
                elif name == REFUSED:
                    observed.features.setdefault(str(value), Counter())["refused"] += 1

    def summary(self) -> Iterator[str]:
        """Lines for the end of a run: counts, skips, expected failures, and the table."""
        for name, observed in self.backends.items():
            counts = observed.counts
            told = [f"{counts['passed']} passed", f"{counts['refused']} not offered and refused by name"]
            told += [f"{counts[kind]} {kind}" for kind in ("xfailed", "failed", "skipped")]
            told.append(f"{observed.not_run} not run")
            missing = [topic for topic in TOPICS if topic not in observed.topics]
            yield f"{name}: {', '.join(told)}" + (f"; no test of {', '.join(missing)}" if missing else "")
            yield from (f"  skipped {test}: {reason}" for test, reason in observed.named(observed.skipped).items())
            yield from (f"  xfailed {test}: {text}" for test, (_, text) in observed.named(observed.expected).items())
        width = max(len(feature.title) for feature in FEATURES)
        columns = {name: max(len(name), 14) for name in self.backends}
        yield "".join([" " * width, *(f"  {name:<{columns[name]}}" for name in self.backends)]).rstrip()
        for feature in FEATURES:
            cells = (f"  {_cell(feature, self.backends[name]):<{columns[name]}}" for name in self.backends)
            yield "".join([f"{feature.title:<{width}}", *cells]).rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The report of the run."""
        return {
            "format": FORMAT,
            "backends": {name: observed.to_dict() for name, observed in sorted(self.backends.items())},
        }

    def write(self, file: str) -> None:
        """Write the report."""
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_dict(), indent=2, sort_keys=True, default=str) + "\n", encoding="utf-8")


def _cell(feature: Feature, observed: Observed) -> str:
    capabilities: Mapping[str, Any] = observed.declared.get("capabilities") or {}
    return feature.shown(observed.features.get(feature.name, {}), capabilities)
