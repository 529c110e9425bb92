"""Drivers with faults do not conform, and the kit says why."""

from __future__ import annotations

import pytest
from lexigram.nosql.testing import suites  # loaded once; the runs below are in this process

pytest_plugins = ("pytester",)


HEAD = """
from contextlib import asynccontextmanager
from dataclasses import replace
import pytest
from lexigram.nosql.backend import BACKENDS, BackendConfig, Capabilities
from lexigram.nosql.backends.memory.spec import SPEC as MEMORY
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing import Harness, ServerFault, suites
from lexigram.nosql.testing.minimal import SPEC, MinimalCollection, MinimalDriver

class Broken(MinimalCollection):
{body}

class BrokenDriver(MinimalDriver):
    def collection(self, name):
        return Broken(self, name)

async def connect(config):
    return BrokenDriver()

SPEC = {spec}

@pytest.fixture(autouse=True)
def _registered():
    undo = BACKENDS.register(SPEC.name, SPEC)
    yield
    undo()

class Faulty(Harness):
    spec = SPEC
    @asynccontextmanager
    async def open(self, **settings):
        async with DocumentStore(SPEC, SPEC.config(**settings)) as store:
            yield store
"""
MINIMAL = "replace(SPEC, name='faulty', connect=connect)"


def run(
    pytester: pytest.Pytester, body: str, chosen: str, spec: str = MINIMAL, *arguments: str, more: str = ""
) -> pytest.RunResult:
    """Run chosen standard tests on a driver whose collection has this body."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    classes = "\n".join(f"class {name}(suites.{name}):\n    harness = Faulty\n" for name in suites.__all__)
    pytester.makepyfile(test_backend=HEAD.format(body=body, spec=spec) + more + classes)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-k", chosen, *arguments)


FAULTS = {
    "a write is dropped": (
        (
            "    async def insert(self, documents, ordered, call):\n"
            "        return await super().insert(documents[:-1] if len(documents) > 2 else documents, ordered, call)"
        ),
        "Crud",
        ["*FAILED*test_many_are_inserted*", "*FAILED*test_more_than_a_batch_is_inserted*"],
    ),
    "the residue is forgotten": (
        (
            "    def compile(self, query, sort, hint):\n"
            "        return replace(super().compile(query, sort, hint), residue=None)"
        ),
        "Filters or Arrays",
        ["*FAILED*test_a_filter_selects?equal int?*", "*FAILED*test_a_filter_selects_by_arrays?an element?*"],
    ),
    "the order is claimed": (
        (
            "    def compile(self, query, sort, hint):\n"
            "        return replace(super().compile(query, sort, hint), ordered=True)"
        ),
        "Sorting",
        ["*FAILED*test_what_is_missing_comes_first*"],
    ),
    "nobody looks who was first": (
        (
            "    async def replace(self, old, new, revision, whole, call):\n"
            "        rows = self._driver.rows[self._name]\n"
            "        row = next(row for row in rows if row.document['_id'] == old['_id'])\n"
            "        row.document = dict(new)\n"
            "        return True"
        ),
        "Concurrency",
        ["*FAILED*test_a_stale_document_is_not_written*"],
    ),
    "types are lost": (
        (
            "    async def insert(self, documents, ordered, call):\n"
            "        whole = lambda v: int(v) if type(v) is float and v == v and abs(v) < 9 else v\n"
            "        documents = [{n: whole(v) for n, v in d.items()} for d in documents]\n"
            "        return await super().insert(documents, ordered, call)"
        ),
        "Values or Parity",
        ["*FAILED*test_a_value_comes_back?whole float?*", "*FAILED*test_generated_requests_agree?recorded*"],
    ),
    "an error of the database escapes": (
        (
            "    async def insert(self, documents, ordered, call):\n"
            "        failed = await super().insert(documents, ordered, call)\n"
            "        return [(place, KeyError('exists')) for place, _ in failed]"
        ),
        "Errors",
        ["*FAILED*test_a_fault_is_told?duplicate id?*", "*FAILED*test_a_duplicate_says_duplicate_key*"],
    ),
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(pytester: pytest.Pytester, fault: str) -> None:
    """By the tests that are about it."""
    body, chosen, lines = FAULTS[fault]
    result = run(pytester, body, chosen)

    assert result.ret == 1
    for line in lines:
        result.stdout.fnmatch_lines([line])


NEW = ("--conformance-examples", "1", "--conformance-seed", "5")


def test_a_new_case_shows_the_smallest_request_that_differs(pytester: pytest.Pytester) -> None:
    """Of a dozen requests on half a dozen documents, one on one."""
    result = run(pytester, FAULTS["the residue is forgotten"][0], "Parity and new", MINIMAL, *NEW)

    result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.re_match_lines([r".*request \d+ of seed 5: ", r'.*\{"kind":.*', r'.*on \[\{"_id":\d+\}\]'])


@pytest.mark.timeout(180)
@pytest.mark.parametrize("known", ["True", "'pipeline' in difference.request"], ids=["all", "some"])
def test_a_fault_of_a_stand_in_is_known_in_new_cases_only(pytester: pytest.Pytester, known: str) -> None:
    """They are expected to fail where each of their differences is known; recorded ones are listed by id."""
    more = (
        "def known_difference(self, difference):\n"
        f"    return ServerFault('Fake 1', 'Manual, filters', 'forgets filters') if {known} else None\n"
        "Faulty.known_difference = known_difference\n"
    )
    body = FAULTS["the residue is forgotten"][0]
    result = run(pytester, body, "Parity", MINIMAL, *NEW, more=more)

    outcomes = result.parseoutcomes()
    assert outcomes["failed"] >= 1
    if known == "True":
        assert outcomes["xfailed"] == 1
        result.stdout.no_fnmatch_line("*FAILED*?new 5?*")
        result.stdout.fnmatch_lines(["*xfailed parity::*?new 5?: Fake 1: forgets filters (see Manual, filters)"])
    else:
        assert "xfailed" not in outcomes
        result.stdout.fnmatch_lines(["*FAILED*?new 5?*"])


def test_the_same_driver_without_faults_conforms(pytester: pytest.Pytester) -> None:
    """So the failures above are of the faults."""
    result = run(pytester, "    pass", "Crud or Concurrency or Discovery")

    assert result.ret == 0


def test_a_capability_that_is_not_there_is_found(pytester: pytest.Pytester) -> None:
    """Declared, but no driver has it."""
    capabilities = "Capabilities(transactions=True, unique_indexes=True)"
    spec = f"replace(SPEC, name='faulty', connect=connect, capabilities={capabilities})"
    result = run(pytester, "    pass", "Discovery or a_clean_end_commits", spec)

    assert result.ret == 1
    for name in (
        "test_transactions_are_declared_as_they_are",
        "test_properties_of_indexes_are_declared_as_they_are?unique_indexes?",
        "test_a_clean_end_commits",
    ):
        result.stdout.fnmatch_lines([f"*FAILED*{name}*"])


def test_a_capability_that_is_not_declared_is_found(pytester: pytest.Pytester) -> None:
    """The driver has it, and nothing refuses it by name."""
    spec = "replace(MEMORY, name='faulty', capabilities=Capabilities())"
    result = run(pytester, "    pass", "Discovery or a_clean_end_commits or every_kind_of_change", spec)

    assert result.ret == 1
    for name in (
        "test_transactions_are",
        "test_change_streams_are",
        "test_indexes_are",
        "test_properties_of_indexes_are",
    ):
        result.stdout.fnmatch_lines([f"*FAILED*{name}*"])
    result.stdout.fnmatch_lines(["*transactions is declared absent, but nothing raised UnsupportedFeatureError*"])
    result.stdout.fnmatch_lines(["*change_streams is declared absent, but nothing raised UnsupportedFeatureError*"])


def test_a_refusal_by_another_name_is_found(pytester: pytest.Pytester) -> None:
    """The error has to name the capability that is missing."""
    body = (
        "    pass\n"
        "@pytest.fixture(autouse=True)\n"
        "def _magic(monkeypatch):\n"
        "    real = DocumentStore.unsupported\n"
        "    monkeypatch.setattr(DocumentStore, 'unsupported', lambda self, feature: real(self, 'magic'))"
    )
    result = run(pytester, body, "a_clean_end_commits")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the refusal names the feature 'magic', but transactions is not declared*"])
