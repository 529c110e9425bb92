"""The base of all topics: fixtures, the guard against dropped tests, and tests of what a backend does not offer.

A topic is a class whose tests a backend inherits. What it inherits it keeps: a subclass that defines a standard test
again, or sets it to None, is refused when it is defined. See :mod:`lexigram.nosql.testing.checking` for the rest.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

import pytest
import pytest_asyncio
from lexigram.nosql.backend import Capabilities
from lexigram.nosql.collection import Collection
from lexigram.nosql.cursor import Cursor
from lexigram.nosql.exceptions import UnsupportedFeatureError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.harness import Harness

__all__ = ["DECLARED", "OBSERVED", "REFUSED", "TESTED", "TOPICS", "Suite", "Topic", "ids_of", "needs"]

P = ParamSpec("P")
S = TypeVar("S", bound="Suite")

TESTED = "lexigram.conformance"
"""Property of a test's report: which backend, topic and test it is."""
REFUSED = "lexigram.conformance.refused"
"""Property of a test's report: the capability that the backend does not offer, and refused by name."""
OBSERVED = "lexigram.conformance.observed"
"""Property of a test's report: a feature, and whether it ran natively."""
DECLARED = "lexigram.conformance.declared"
"""Property of a test's report: what the spec declares, and what the server says of itself."""

_OWN = frozenset({"harness", "pytestmark", "__module__", "__doc__", "__qualname__", "__firstlineno__"})


@dataclass(frozen=True, slots=True)
class Topic:
    """A standard topic, as it was shipped.

    Attributes:
        name: Its name, such as ``filters``.
        suite: The class.
        standard: Every attribute that a subclass must leave alone.
    """

    name: str
    suite: type[Suite]
    standard: Mapping[str, Any]

    @property
    def tests(self) -> list[str]:
        """The names of its tests."""
        return [name for name in self.standard if name.startswith("test")]


TOPICS: dict[str, Topic] = {}
"""The standard topics by name, in the order of :mod:`lexigram.nosql.testing.suites`."""


class Suite:
    """A topic of standard tests.

    Subclass it in a test module, and say which backend it is for::

        class TestFilters(suites.Filters):
            harness = CouchDB

    Attributes:
        harness: The backend.
        topic: Name of the topic.
    """

    harness: ClassVar[type[Harness]]
    topic: ClassVar[str] = ""

    pytestmark: ClassVar[pytest.MarkDecorator] = pytest.mark.asyncio(loop_scope="function")

    def __init_subclass__(cls, *, topic: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if topic:
            cls.topic = topic
            # The base's fixtures are as standard as the topic's own.
            standard = {name: value for base in (Suite, cls) for name, value in vars(base).items() if name not in _OWN}
            TOPICS[topic] = Topic(topic, cls, {name: v for name, v in standard.items() if not _dunder(name)})
            return
        changed = changed_attributes(cls)
        if changed:
            raise TypeError(
                f"{cls.__name__} changes standard tests of the topic {cls.topic!r}: {', '.join(changed)}. They cannot "
                "be dropped or overridden; a test that cannot pass is listed in Harness.expected_failures() with the "
                "capability that is missing."
            )

    @pytest.fixture(autouse=True)
    def _identified(self, request: pytest.FixtureRequest) -> None:
        """Make the harness of this test."""
        self._node = request.node
        self._harness = self.harness(request)
        self._notes = self._node.user_properties

    @property
    def capabilities(self) -> Capabilities:
        """What the backend declares."""
        return self.harness.spec.capabilities

    @property
    def hooks(self) -> Harness:
        """The harness of this test."""
        return self._harness

    def opened(self, **settings: Any) -> AbstractAsyncContextManager[DocumentStore]:
        """A store on a database of its own; see :meth:`Harness.open`."""
        return self._harness.open(**settings)

    def observe(self, feature: str, native: bool) -> None:
        """Note that a feature worked, natively or by the engine, for the table of capabilities."""
        self._notes.append((OBSERVED, {"feature": feature, "native": native}))

    async def observe_plan(self, feature: str, cursor: Cursor) -> None:
        """Note who answers a read that a feature is for: the engine, where it filters all documents by itself."""
        plan = await cursor.explain()
        self.observe(feature, native=plan.access.kind != "scan" or plan.residue is None)

    def refused(self, capability: str) -> None:
        """Note that the backend refused by name what it does not declare."""
        self._notes.append((REFUSED, capability))

    @pytest_asyncio.fixture(loop_scope="function")
    async def store(self, _identified: None) -> AsyncIterator[DocumentStore]:
        """A connected store on an empty database; its scans are deliberate."""
        async with self.opened(scan_policy="allow") as store:
            yield store

    @pytest.fixture
    def things(self, store: DocumentStore) -> Collection:
        """An empty collection."""
        return store.collection("things")


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def changed_attributes(cls: type[Suite]) -> list[str]:
    """Names of standard attributes that *cls* does not have as its topic shipped them."""
    missing = object()
    return [
        name
        for topic in TOPICS.values()
        if topic.suite in cls.__mro__
        for name, value in topic.standard.items()
        if inspect.getattr_static(cls, name, missing) is not (topic.name if name == "topic" else value)
    ]


def needs(
    *capabilities: str,
) -> Callable[
    [Callable[Concatenate[S, P], Coroutine[Any, Any, None]]], Callable[Concatenate[S, P], Coroutine[Any, Any, None]]
]:
    """Mark a test of what not every backend offers.

    Where the backend declares all of the capabilities, the test runs as it is. Where one is missing, the same requests
    must be refused: the test passes only if it ends with an ``UnsupportedFeatureError`` that names it.

    Args:
        *capabilities: Names of fields of :class:`~lexigram.nosql.backend.Capabilities`.
    """

    def decorate(
        test: Callable[Concatenate[S, P], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[S, P], Coroutine[Any, Any, None]]:
        async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            missing = [name for name in capabilities if not getattr(self.capabilities, name)]
            if not missing:
                await test(self, *args, **kwargs)
                for name in capabilities:
                    self.observe(name, native=True)
                return
            try:
                await test(self, *args, **kwargs)
            except UnsupportedFeatureError as error:
                if error.feature not in missing:
                    raise AssertionError(
                        f"the refusal names the feature {error.feature!r}, but {' and '.join(missing)} is not declared"
                    ) from error
            else:
                raise AssertionError(
                    f"{' and '.join(missing)} is declared absent, but nothing raised UnsupportedFeatureError; "
                    "declare it, or refuse it"
                )
            for name in missing:
                self.refused(name)

        # pytest reads the signature and the marks of what is wrapped.
        functools.update_wrapper(run, test)
        return run

    return decorate


def ids_of(documents: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The ids of documents, in their order."""
    return [document["_id"] for document in documents]
