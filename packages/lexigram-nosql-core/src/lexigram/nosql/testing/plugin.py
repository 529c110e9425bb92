"""The pytest plugin of the conformance kit, found by its entry point in every run of pytest.

It does nothing until a test module holds a standard topic, and imports the kit only then. For such a module it collects
the topics' classes whatever their names, refuses a file from which something is missing
(:mod:`lexigram.nosql.testing.checking`), marks expected failures, and tells at the end what was passed, refused by
name, expected to fail, skipped or not run, with the table of capabilities. A run that was asked for all standard tests
and ended without some of them fails (:mod:`lexigram.nosql.testing.counting`). ``--conformance-report FILE`` writes what
was observed as JSON.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterable, Iterator
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from lexigram.nosql.testing.recording import Record

__all__ = ["pytest_addoption"]

_KIT = "lexigram.nosql.testing"
_checked = pytest.StashKey[set[int]]()
_expected = pytest.StashKey[set[tuple[str, str, str]]]()
_ignored = pytest.StashKey[set[str]]()
_EXPECTED = "lexigram_nosql_standard_tests"
"""Where a worker of pytest-xdist tells the main process which tests have to end."""
_IGNORED = "lexigram_nosql_ignored_files"
"""Where it tells which files with standard tests were ignored."""
_HOLDS_TOPICS = re.compile(r"lexigram\.nosql\.testing(\.suites\b|\s+import\s+(\([^)]*\bsuites\b|[^\n(]*\bsuites\b))")
"""What the text of a file has that holds standard topics."""
_MOST_TOLD = 20
_OWN_PROJECT = ("pyproject.toml", "pytest.ini", "pyvenv.cfg")


def _kit(name: str) -> Any:
    """A module of the kit; only for runs that use it."""
    return import_module(f"{_KIT}.{name}")


def _is_topic(value: object) -> bool:
    """True for a topic's class in a run that has imported the kit."""
    return isinstance(value, type) and f"{_KIT}.suite" in sys.modules and bool(_kit("checking").is_conformance(value))


def _backend(item: pytest.Item) -> str:
    return str(cast("Any", item).cls.harness.spec.name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the kit."""
    group = parser.getgroup("lexigram-nosql-conformance", "conformance of document backends")
    group.addoption("--conformance-report", metavar="FILE", help="write what the conformance kit observed as JSON")
    group.addoption(
        "--conformance-examples",
        type=int,
        default=0,
        metavar="N",
        help="compare N new generated cases with the memory store, besides the fixed ones (default: 0)",
    )
    group.addoption(
        "--conformance-seed", type=int, metavar="SEED", help="begin the new cases at this seed, to see one again"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the assertions of standard tests explained as those of test modules are, and listen to reports."""
    if f"{_KIT}.suites" not in sys.modules:
        pytest.register_assert_rewrite(f"{_KIT}.suites")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Listener(config), "lexigram-nosql-listener")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> Generator[None, bool | None, bool | None]:
    """Note files with standard tests that pytest is told to ignore, by a setting or a hook of a conftest.py."""
    ignored = yield
    if ignored and not _is_left_out(collection_path, config):
        found = {str(path) for path in _test_files(collection_path, config) if _holds_topics(path)}
        config.stash.setdefault(_ignored, set()).update(found)
    return ignored


def _is_left_out(path: Path, config: pytest.Config) -> bool:
    """Whether a file or folder is ignored by the command line, is no part of the tests, or a project of its own."""
    if any(str(word).startswith("--ignore") for word in config.invocation_params.args):
        files: list[str] = config.getoption("ignore") or []
        patterns: list[str] = config.getoption("ignore_glob") or []
        asked = [str(config.invocation_params.dir / name) for name in (*files, *patterns)]
        if any(fnmatch(str(path), pattern) for pattern in asked):
            return True
    return path.is_dir() and _is_apart(path, config)


def _is_apart(folder: Path, config: pytest.Config) -> bool:
    """Whether pytest would not look into a folder by itself, or it is a project of its own."""
    patterns: list[str] = ["__pycache__", *config.getini("norecursedirs")]
    return any(fnmatch(folder.name, pattern) for pattern in patterns) or any(
        (folder / name).exists() for name in _OWN_PROJECT
    )


def _test_files(path: Path, config: pytest.Config) -> Iterator[Path]:
    patterns: list[str] = config.getini("python_files")
    if path.is_file():
        if any(fnmatch(path.name, pattern) for pattern in patterns):
            yield path
    elif not _is_apart(path, config):
        for inner in path.iterdir():
            yield from _test_files(inner, config)


def _holds_topics(file: Path) -> bool:
    return _HOLDS_TOPICS.search(file.read_text(encoding="utf-8", errors="replace")) is not None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> pytest.Item | pytest.Collector | None:
    """Collect a topic's class, whatever its name, and refuse it where something is missing."""
    if not isinstance(collector, pytest.Module) or not _is_topic(obj):
        return None
    checking = _kit("checking")
    faults: list[str] = checking.faults_of_class(obj, collector.config)
    checked = collector.config.stash.setdefault(_checked, set())
    module: ModuleType = collector.obj
    if id(module) not in checked:
        checked.add(id(module))
        faults = [*checking.faults_of_module(module, collector.config), *faults]
    if faults:
        raise collector.CollectError("\n  ".join([f"conformance of {name}:", *faults]))
    made: _TopicClass = _TopicClass.from_parent(collector, name=name, obj=obj)  # pyright: ignore[reportUnknownMemberType]
    return made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse a file of which a topic's class is not collected as one, whoever left it out."""
    report = yield
    if isinstance(collector, pytest.Module) and report.outcome == "passed":
        collected = {id(node.obj) for node in report.result if isinstance(node, _TopicClass)}
        members = cast("dict[str, Any]", vars(collector.obj))
        names = [name for name, value in members.items() if _is_topic(value) and id(value) not in collected]
        if names:
            report.outcome = "failed"
            report.longrepr = (
                f"conformance of {collector.name}:\n  pytest does not collect {', '.join(names)} as topics of standard "
                "tests; look for hooks of a conftest.py"
            )
    return report


class _TopicClass(pytest.Class):
    """A topic's class, which is refused where pytest finds fewer tests in it than the topic has."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Collect the tests, whatever the settings say of the names of tests."""
        found = list(super().collect())
        names = {getattr(item, "originalname", item.name) for item in found}
        missing: list[str] = [name for name in _kit("checking").tests_of(self.obj) if name not in names]
        if missing:
            raise self.CollectError(
                f"conformance of {self.name}:\n  pytest collects no {', '.join(missing)}; look for __test__, __init__ "
                "or __new__ in the class, for python_functions in the settings, and for hooks of a conftest.py"
            )
        expected = self.config.stash.setdefault(_expected, set())
        cls: Any = self.obj
        for item in found:
            expected.add((str(cls.harness.spec.name), str(cls.harness.__name__), f"{cls.topic}::{item.name}"))
        return found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark expected failures, and count what was collected before anybody deselects."""
    chosen = [item for item in items if _is_topic(getattr(item, "cls", None))]
    if not chosen:
        return
    recording, checking = _kit("recording"), _kit("checking")
    backends = [_backend(item) for item in chosen]
    for item, backend in zip(chosen, backends, strict=True):
        item.user_properties.append((recording.COLLECTED, backends.count(backend)))
        item.user_properties.append((recording.TESTED, checking.identity(item)))
        failure = checking.expected_failure(item)
        if failure is not None:
            checking.expect_failure(item, failure)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say which backends are tested, and how many standard tests each has to pass."""
    counts: dict[str, int] = {}
    for item in items:
        if _is_topic(getattr(item, "cls", None)):
            counts[_backend(item)] = counts.get(_backend(item), 0) + 1
    return [f"conformance of {name}: {count} standard tests" for name, count in counts.items()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a standard test that a mark or ``pytest.xfail()`` hides into a failure."""
    report = yield
    if report.when == "teardown" or report.failed or not _is_topic(getattr(item, "cls", None)):
        return report
    checking = _kit("checking")
    own = item.stash.get(checking.OWN_MARK, None)
    hidden_by: list[str] = [f"a mark {name}" for name in checking.foreign_marks(item, own)]
    if own is None and hasattr(report, "wasxfail"):
        hidden_by.append("a call of pytest.xfail()")
    if hidden_by:
        report.outcome = "failed"
        report.__dict__.pop("wasxfail", None)
        report.longrepr = (
            f"{hidden_by[0]} hides this standard test; what cannot pass is listed in Harness.expected_failures() "
            "with the capability that is missing"
        )
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the main process of pytest-xdist which tests have to end."""
    output: Any = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_EXPECTED] = sorted(session.config.stash.get(_expected, ()))
        output[_IGNORED] = sorted(session.config.stash.get(_ignored, ()))


class _Listener:
    """Notes what standard tests have shown; with pytest-xdist, in the main process.

    Args:
        config: The configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._file: str | None = config.getoption("--conformance-report")
        self._record: Record | None = None
        self._missing: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Note which tests a worker of pytest-xdist knows of."""
        output = getattr(node, "workeroutput", {})
        self._config.stash.setdefault(_expected, set()).update(map(tuple, output.get(_EXPECTED, ())))
        self._config.stash.setdefault(_ignored, set()).update(output.get(_IGNORED, ()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one report, if it is of a standard test."""
        if any(str(name).startswith("lexigram.conformance") for name, _ in report.user_properties):
            record: Record = self._record or _kit("recording").Record()
            record.add(report)
            self._record = record

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tell the counts and the table of capabilities, and which tests are missing."""
        if self._missing:
            terminalreporter.section("missing standard tests", red=True)
            terminalreporter.write_line(
                "the run fails without them; what cannot pass is listed in Harness.expected_failures()"
            )
            for told in self._missing[:_MOST_TOLD]:
                terminalreporter.write_line(told)
            if len(self._missing) > _MOST_TOLD:
                terminalreporter.write_line(f"... and {len(self._missing) - _MOST_TOLD} more")
        if self._record is not None:
            terminalreporter.section("conformance of document backends")
            for line in self._record.summary():
                terminalreporter.write_line(line)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report, and fail a run that passed without some of the tests it was asked for."""
        expected = self._config.stash.get(_expected, set[tuple[str, str, str]]())
        ignored = self._config.stash.get(_ignored, set[str]())
        if (expected or ignored) and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            counting = _kit("counting")
            if counting.asks_for_all(self._config):
                self._missing = [
                    *(f"{file} holds standard tests, and is ignored by a conftest.py" for file in sorted(ignored)),
                    *counting.missing(expected, self._record),
                ]
                if self._missing:
                    session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._file is not None and self._record is not None:
            self._record.write(self._file)
