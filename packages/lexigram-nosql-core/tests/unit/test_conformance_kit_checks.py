"""What a backend's author cannot do to the standard tests, and how it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lexigram.nosql.testing import suites  # loaded once; most runs below are in this process

pytest_plugins = ("pytester",)

HEAD = """
from contextlib import asynccontextmanager
from dataclasses import replace
import pytest
from lexigram.nosql.backend import Capabilities
from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
from lexigram.nosql.backends.memory.spec import SPEC
from lexigram.nosql.testing import Harness, ServerFault, Xfail, suites

class Memory(Harness):
    spec = SPEC
    @asynccontextmanager
    async def open(self, **settings):
        async with InMemoryDocumentStore(MemoryConfig(**settings)) as store:
            yield store
"""

ALL = "\n".join(f"class {name}(suites.{name}):\n    harness = Memory\n" for name in suites.__all__)

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def kit(pytester: pytest.Pytester) -> Run:
    """Runs a test file on the memory backend: ``kit(text, *arguments, topics=...)``."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")

    def run(text: str, *arguments: str, topics: str = ALL) -> pytest.RunResult:
        pytester.makepyfile(test_backend=f"{HEAD}\n{topics}\n{text}")
        # What changes the kit itself does so in a process of its own.
        start = pytester.runpytest_subprocess if "suites.Crud." in text else pytester.runpytest_inprocess
        return start("-p", "no:cacheprovider", "-p", "no:xdist", *arguments)

    return run


def changed(topic: str, body: str) -> str:
    """All topics, one of them with something in its class."""
    return ALL.replace(f"class {topic}(suites.{topic}):\n", f"class {topic}(suites.{topic}):\n    {body}\n")


@pytest.mark.parametrize(
    "body",
    [
        "async def test_delete_one_deletes_one(self, things): pass",
        "test_delete_one_deletes_one = None",
        "store = None",
        "topic = 'filters'",
    ],
    ids=["overridden", "set to None", "fixture", "topic"],
)
def test_a_standard_test_that_is_changed_is_refused(kit: Run, body: str) -> None:
    """When the class is defined, by name, with what to do instead."""
    result = kit("", topics=changed("Crud", body))

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*TypeError: Crud changes standard tests of the topic*expected_failures()*"])
    name = "topic" if body.startswith("topic") else body.removeprefix("async def ").split("(")[0].split(" ")[0]
    assert name in result.stdout.str()
    result.assert_outcomes(errors=1)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "class Base:\n    test_delete_one_deletes_one = None\nclass Crud(Base, suites.Crud):\n    harness = Memory",
            "changes",
        ),
        (
            "Crud.test_delete_one_deletes_one = None",
            "*standard test test_delete_one_deletes_one was changed or removed",
        ),
        ("del suites.Crud.test_delete_one_deletes_one", "*test_delete_one_deletes_one was changed or removed"),
        (
            "pytest.mark.skip(suites.Crud.test_delete_one_deletes_one)",
            "*mark skip hides the standard test test_delete*",
        ),
        ("pytestmark = pytest.mark.skip", "*a mark skip in test_backend hides standard tests"),
        ("Crud = pytest.mark.xfail(Crud)", "*a mark xfail hides standard tests"),
    ],
    ids=["by a base", "afterwards", "in the kit", "skipped in the kit", "skipped module", "xfailed class"],
)
def test_a_standard_test_that_is_hidden_is_refused(kit: Run, text: str, told: str) -> None:
    """When it is collected, whatever the way."""
    result = kit(text)

    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*{told}*"])


def test_a_topic_that_is_left_out_is_refused(kit: Run) -> None:
    """Though only another one was asked for."""
    result = kit(
        "", "test_backend.py::Crud", topics=ALL.replace("class Explain(suites.Explain):\n    harness = Memory\n", "")
    )

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*Memory has no class for the topics explain"])


def test_a_mark_that_comes_late_is_a_failure(kit: Run, pytester: pytest.Pytester) -> None:
    """A conftest cannot skip what the file may not."""
    pytester.makeconftest(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        item.add_marker(pytest.mark.skip(reason='slow') if 'twice' in item.name else pytest.mark.xfail)\n"
    )
    result = kit("", "-k", "Lifecycle and (twice or native)")

    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["a mark skip hides this standard test; what cannot pass is listed in*"])
    result.stdout.fnmatch_lines(["a mark xfail hides this standard test; what cannot pass is listed in*"])


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("'crud::test_delete_one_deletes_one': 'slow'", "*names no capability: 'slow'"),
        (
            "'crud::test_delete_one_deletes_one': Xfail('speed', 'slow')",
            "*'speed' is no capability; there are transactions,*",
        ),
        (
            "'crud::test_delete_one_deletes_one': Xfail('indexes', 'none')",
            "*the spec declares the capability 'indexes'*",
        ),
        ("'crud::test_delete_one_deletes_one': Xfail('max_nesting', ' ')", "*gives no reason"),
        ("'crud::test_nothing': Xfail('max_nesting', 'x')", "*there is no standard test crud::test_nothing*"),
        ("'crud::test_delete_one_deletes_one': ServerFault('Fake 1', '', 'x')", "*says its manual"),
    ],
    ids=["text", "unknown", "declared", "no reason", "no test", "no manual"],
)
def test_an_expected_failure_names_a_capability(kit: Run, entry: str, told: str) -> None:
    """One that the backend does not have, of a test that exists; a stand-in's fault names the manual."""
    result = kit(f"Memory.expected_failures = classmethod(lambda cls, config: {{{entry}}})", "-k", "Crud")

    assert result.ret != 0
    result.stdout.fnmatch_lines([told])


def test_an_expected_failure_is_strict(kit: Run) -> None:
    """One that comes is told with its reason, one that does not is a failure."""
    result = kit(
        "Memory.expected_failures = classmethod(lambda cls, config: {\n"
        "    'ids::test_an_id_finds_its_document[int]': Xfail('max_document_bytes', 'too long'),\n"
        "    'lifecycle::test_a_healthy_store_says_so': ServerFault('Fake 1', 'Manual, ping', 'never answers'),\n"
        "})\n"
        "@pytest.fixture(autouse=True)\n"
        "def _broken(monkeypatch, request):\n"
        "    if 'healthy' in request.node.name:\n"
        "        monkeypatch.setattr('lexigram.nosql.store.DocumentStore.health_check', None)\n",
        "-k",
        "an_id_finds_its_document or a_healthy_store",
    )

    result.assert_outcomes(passed=21, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*max_document_bytes: too long*"])
    result.stdout.fnmatch_lines(
        ["*xfailed lifecycle::test_a_healthy_store_says_so: Fake 1: never answers (see Manual, ping)"]
    )


def test_a_harness_is_a_class_with_a_spec(kit: Run) -> None:
    """Anything else is told where it is given."""
    result = kit("Crud.harness = Memory\nFilters.harness = 5\nIds.harness = type('Bare', (Harness,), {})")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*its harness is 5, not a class that extends Harness"])
    result.stdout.fnmatch_lines(["*Bare.spec is not a BackendSpec"])


@pytest.mark.parametrize(
    "body",
    ["__test__ = False", "def __init__(self): pass", "def __new__(cls): return object.__new__(cls)"],
    ids=["not a test", "initialised", "made"],
)
def test_a_topic_that_pytest_does_not_collect_is_refused(kit: Run, body: str) -> None:
    """Pytest would leave out the whole class, and the run would pass."""
    result = kit("", "-W", "ignore::pytest.PytestCollectionWarning", topics=changed("Ids", body))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*pytest collects no *test_an_id_finds_its_document*"])


def test_settings_for_the_names_of_tests_leave_none_out(kit: Run) -> None:
    """A standard test that the names would not select is told, not dropped."""
    result = kit("", "-o", "python_functions=check_*")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*pytest collects no *test_delete_one_deletes_one*"])


@pytest.mark.parametrize("where", ["harness", "fixture"])
def test_an_expected_failure_that_is_called_for_is_a_failure(kit: Run, where: str) -> None:
    """``pytest.xfail()`` names no capability, wherever it is called."""
    texts = {
        "harness": "def refuse(self, **settings): pytest.xfail('later')\nMemory.open = refuse\n",
        "fixture": "@pytest.fixture(autouse=True)\ndef _later(): pytest.xfail('later')\n",
    }

    result = kit(texts[where], "-k", "test_a_healthy_store_says_so")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*a call of pytest.xfail() hides this standard test*"])


def test_a_skip_before_the_harness_is_made_is_counted(kit: Run) -> None:
    """With its reason, whatever skipped the test."""
    result = kit(
        "def lazy(self, request): pytest.skip('no server')\nMemory.__init__ = lazy",
        "-k",
        "test_a_healthy_store_says_so",
    )

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["memory: 0 passed*1 skipped*", "*skipped lifecycle::test_a_healthy*no server"])


@pytest.mark.parametrize(
    "conftest",
    [
        (
            "def pytest_collection_modifyitems(items):\n"
            "    items[:] = [item for item in items if item.name == 'test_a_healthy_store_says_so']"
        ),
        (
            "@pytest.hookimpl(trylast=True)\n"
            "def pytest_collection_modifyitems(config, items):\n"
            "    left = [item for item in items if item.name != 'test_a_healthy_store_says_so']\n"
            "    items[:] = [item for item in items if item.name == 'test_a_healthy_store_says_so']\n"
            "    config.hook.pytest_deselected(items=left)"
        ),
        (
            "@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_runtest_protocol(item):\n"
            "    return None if item.name == 'test_a_healthy_store_says_so' else True"
        ),
        (
            "@pytest.fixture(autouse=True)\n"
            "def _slow(request):\n"
            "    if request.node.name != 'test_a_healthy_store_says_so':\n"
            "        pytest.skip('slow')"
        ),
    ],
    ids=["removed", "deselected", "not run", "skipped by a fixture"],
)
def test_a_run_that_was_asked_for_all_fails_where_some_are_missing(
    kit: Run, pytester: pytest.Pytester, conftest: str
) -> None:
    """Whatever a conftest does with them, and though what is left passes."""
    pytester.makeconftest(f"import pytest\n{conftest}\n")

    result = kit("")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["passed"] == 1
    assert "failed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(
        ["*missing standard tests*", "*Harness.expected_failures()*", "Memory: *::test_* was *", "... and * more"]
    )


def test_settings_that_leave_out_tests_leave_out_what_was_asked_for(kit: Run) -> None:
    """Nobody sees them on the command line."""
    result = kit("", "-o", "addopts=-k a_healthy_store_says_so")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*missing standard tests*"])


@pytest.mark.parametrize(
    "arguments",
    [("-k", "a_healthy_store_says_so"), ("test_backend.py::Lifecycle::test_a_healthy_store_says_so",)],
    ids=["by name", "by id"],
)
def test_a_run_that_was_asked_for_some_needs_no_others(kit: Run, arguments: tuple[str, ...]) -> None:
    """Who works on one test runs one test."""
    result = kit("", *arguments)

    assert result.ret == 0
    result.assert_outcomes(passed=1, deselected=result.parseoutcomes().get("deselected", 0))


def test_a_harness_without_its_server_claims_nothing(kit: Run, pytester: pytest.Pytester) -> None:
    """All its tests are skipped, which is told and is no failure."""
    pytester.makeconftest(
        "import pytest\n@pytest.fixture(autouse=True)\ndef _server():\n    pytest.skip('there is no server')\n"
    )

    result = kit("")

    assert result.ret == 0
    assert "passed" not in result.parseoutcomes()
    result.stdout.no_fnmatch_line("*missing standard tests*")


@pytest.mark.parametrize(
    "hook",
    [
        (
            "@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_pycollect_makeitem(name):\n"
            "    return [] if name == 'Crud' else None"
        ),
        (
            "@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_pycollect_makeitem(collector, name, obj):\n"
            "    return pytest.Class.from_parent(collector, name=name, obj=obj) if name == 'Crud' else None"
        ),
    ],
    ids=["nothing", "a plain class"],
)
def test_a_topic_that_a_hook_takes_away_is_refused(kit: Run, pytester: pytest.Pytester, hook: str) -> None:
    """When the file is collected."""
    pytester.makeconftest(f"import pytest\n{hook}\n")

    result = kit("")

    assert result.ret != 0
    result.stdout.fnmatch_lines(["*pytest does not collect Crud as topics of standard tests*"])


IGNORING = {
    "file": "collect_ignore = ['test_backend.py']",
    "pattern": "collect_ignore_glob = ['*_backend.py']",
    "hook": "def pytest_ignore_collect(collection_path):\n    return collection_path.name == 'test_backend.py' or None",
}


@pytest.mark.parametrize("conftest", list(IGNORING))
@pytest.mark.parametrize("workers", ["0", "1"], ids=["alone", "with workers"])
def test_a_file_of_standard_tests_that_is_ignored_is_missing(
    pytester: pytest.Pytester, conftest: str, workers: str
) -> None:
    """Though the tests that are left pass."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest(IGNORING[conftest])
    pytester.makepyfile(test_backend=f"{HEAD}\n{ALL}", test_other="def test_other(): pass")
    start = pytester.runpytest_inprocess if workers == "0" else pytester.runpytest_subprocess

    result = start("-p", "no:cacheprovider", "-n", workers)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*missing standard tests*", "*test_backend.py holds standard tests, and is ignored*"])


def test_a_folder_of_standard_tests_that_is_ignored_is_missing(pytester: pytest.Pytester) -> None:
    """Unless it is a project of its own, whose tests are its own."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest("collect_ignore = ['backends']")
    pytester.makepyfile(test_other="def test_other(): pass")
    folder = pytester.mkdir("backends")
    (folder / "test_backend.py").write_text(f"{HEAD}\n{ALL}")
    (folder / "test_plain.py").write_text("from lexigram.nosql.testing import Harness\n")

    ignored = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    asked = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "--ignore", "backends")
    (folder / "pyproject.toml").touch()
    own = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")

    assert ignored.ret == pytest.ExitCode.TESTS_FAILED
    ignored.stdout.fnmatch_lines(["*test_backend.py holds standard tests, and is ignored*"])
    ignored.stdout.no_fnmatch_line("*test_plain.py*")
    assert (asked.ret, own.ret) == (0, 0)


def test_what_is_missing_is_told_by_the_main_process_of_many(pytester: pytest.Pytester) -> None:
    """With pytest-xdist, where the tests are collected elsewhere."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if item.name == 'test_a_healthy_store_says_so']\n"
    )
    pytester.makepyfile(test_backend=f"{HEAD}\n{ALL}")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "1")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*missing standard tests*"])
