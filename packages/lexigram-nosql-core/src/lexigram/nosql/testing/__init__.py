"""For tests of backends: the conformance kit, strategies, and the least of drivers. Needs the extra ``testing``.

A backend conforms when it passes the kit: some nine hundred standard tests in topics of their own
(:mod:`lexigram.nosql.testing.suites`). This is the manual for the author of one.

**What you write.** One harness, which says how to make a store, and one file with a class for each topic. Here for the
memory backend; yours has its own spec and configuration::

    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager
    from typing import Any

    from lexigram.nosql.backends.memory import InMemoryDocumentStore, MemoryConfig
    from lexigram.nosql.backends.memory.spec import SPEC
    from lexigram.nosql.store import DocumentStore
    from lexigram.nosql.testing import Harness, suites


    class Memory(Harness):
        spec = SPEC

        @asynccontextmanager
        async def open(self, **settings: Any) -> AsyncIterator[DocumentStore]:
            async with InMemoryDocumentStore(MemoryConfig(**settings)) as store:
                yield store


    class TestAggregation(suites.Aggregation):
        harness = Memory


    class TestArrays(suites.Arrays):
        harness = Memory


    class TestBulk(suites.Bulk):
        harness = Memory


    class TestChangeFeed(suites.ChangeFeed):
        harness = Memory


    class TestConcurrency(suites.Concurrency):
        harness = Memory


    class TestCrud(suites.Crud):
        harness = Memory


    class TestDiscovery(suites.Discovery):
        harness = Memory


    class TestErrors(suites.Errors):
        harness = Memory


    class TestExplain(suites.Explain):
        harness = Memory


    class TestFilters(suites.Filters):
        harness = Memory


    class TestIds(suites.Ids):
        harness = Memory


    class TestIndexes(suites.Indexes):
        harness = Memory


    class TestLifecycle(suites.Lifecycle):
        harness = Memory


    class TestLimits(suites.Limits):
        harness = Memory


    class TestPagination(suites.Pagination):
        harness = Memory


    class TestParity(suites.Parity):
        harness = Memory


    class TestProjection(suites.Projection):
        harness = Memory


    class TestSorting(suites.Sorting):
        harness = Memory


    class TestTransactions(suites.Transactions):
        harness = Memory


    class TestUpdates(suites.Updates):
        harness = Memory


    class TestValues(suites.Values):
        harness = Memory

Install ``lexigram-nosql-core[testing]`` and run ``pytest``. The plugin is found by its entry point; tests are marked
for pytest-asyncio, so either of its modes will do (set ``asyncio_default_fixture_loop_scope = "function"``); ``-n
auto`` of pytest-xdist works, since no test depends on another.

**The database.** :meth:`Harness.open` gives a connected store on an empty database that nobody else uses, and removes
it afterwards: a name made at random, or a folder. The settings it is given go into the backend's configuration. The
harness is made with pytest's ``request``, so a server can come from a fixture of your own:
``self.request.getfixturevalue("server")``. Optional hooks are :meth:`Harness.unreachable` and
:meth:`Harness.break_connection`; without them three tests are skipped, which the summary counts and names.

**What your backend does not offer.** Nothing is skipped for it. Where :class:`~lexigram.nosql.backend.Capabilities`
declares a feature absent, the same tests run and must be refused with an ``UnsupportedFeatureError`` that names it. A
capability that is there but undeclared, or declared but not there, fails ``suites.Discovery``.

**What cannot pass.** Standard tests cannot be changed, left out or skipped; the collection fails with the reason, and
so does a run at its end that was asked for all tests and misses some, whatever took them away, a ``collect_ignore`` of
the whole file too. Where all tests of a harness are skipped, for want of its server, nothing is claimed and nothing
fails. A test that cannot pass is listed, with the capability whose lack is the cause::

    class CouchDB(Harness):
        @classmethod
        def expected_failures(cls, config):
            return {
                "values::test_a_value_comes_back[34 digits]": Xfail("max_nesting", "why it cannot pass"),
            }

It is then expected to fail, strictly: when it passes, the entry has to go. Faults of a server that only stands in for
the real one are listed there too, as :class:`ServerFault` with the place in the real one's manual.

**When a test fails**, its docstring says what to check. In ``parity::test_generated_requests_agree``, documents and
requests were generated; the message shows the request on which the backend and the memory store differ. The cases are
recorded, so they are the same in every run; ``--conformance-examples 500`` adds new ones, ``--conformance-seed N``
shows one again. Of a new one the smallest request that differs is shown; where that is a fault of a stand-in,
:meth:`Harness.known_difference` says which.

**What it tells.** At the end of a run stand the counts of passed, refused, expected, failed, skipped and left out
tests, and a table of what ran natively, by the engine, or is not offered, as the tests observed it.
``--conformance-report FILE`` writes that as JSON.

Also here: :mod:`~lexigram.nosql.testing.strategies` (hypothesis strategies for documents, filters, updates, pipelines),
:mod:`~lexigram.nosql.testing.minimal` (the least driver, the shortest example of one),
:mod:`~lexigram.nosql.testing.able` (the same with every ability).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.testing import suites as suites
    from lexigram.nosql.testing.harness import ExpectedFailure as ExpectedFailure
    from lexigram.nosql.testing.harness import Harness as Harness
    from lexigram.nosql.testing.harness import ServerFault as ServerFault
    from lexigram.nosql.testing.harness import Xfail as Xfail

__all__ = ["ExpectedFailure", "Harness", "ServerFault", "Xfail", "suites"]


def __getattr__(name: str) -> Any:
    # The plugin is imported by every run of pytest, most of which use nothing of the kit.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "suites":
        return import_module(f"{__name__}.suites")
    value = getattr(import_module(f"{__name__}.harness"), name)
    globals()[name] = value
    return value
