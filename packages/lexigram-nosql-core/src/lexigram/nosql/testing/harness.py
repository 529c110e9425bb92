"""What the author of a backend writes for the kit: how to make a store, and what is known to fail and why."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from lexigram.nosql.backend import BackendConfig, BackendSpec, Capabilities

if TYPE_CHECKING:
    import pytest
    from lexigram.nosql.store import DocumentStore
    from lexigram.nosql.testing.cases import Difference

__all__ = ["ExpectedFailure", "Harness", "ServerFault", "Xfail"]


_WAYS = frozenset({"random_ids", "encoder_validates"})
"""Fields that say how something is done, not whether."""


@dataclass(frozen=True, slots=True)
class Xfail:
    """A standard test that cannot pass on this backend, because of a capability that it does not have.

    Attributes:
        capability: Name of a field of :class:`~lexigram.nosql.backend.Capabilities`: one that the spec does not
            declare, or a limit.
        reason: Why the test fails without it.
    """

    capability: str
    reason: str

    def fault(self, capabilities: Capabilities) -> str | None:
        """What is wrong with this entry, or None."""
        names = [field.name for field in fields(Capabilities)]
        if self.capability not in names:
            return f"{self.capability!r} is no capability; there are {', '.join(names)}"
        if getattr(capabilities, self.capability) is True and self.capability not in _WAYS:
            return f"the spec declares the capability {self.capability!r}, so it excuses nothing"
        return None if self.reason.strip() else f"the failure that names {self.capability!r} gives no reason"

    def __str__(self) -> str:
        return f"{self.capability}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ServerFault:
    """A standard test that fails on a server that stands in for the real service, and does it wrong.

    Attributes:
        server: The stand-in, with its version.
        manual: Where the real service's manual says otherwise.
        reason: What the stand-in does.
    """

    server: str
    manual: str
    reason: str

    def fault(self, capabilities: Capabilities) -> str | None:
        """What is wrong with this entry, or None."""
        for name in ("server", "manual", "reason"):
            if not getattr(self, name).strip():
                return f"a fault of a stand-in server says its {name}"
        return None

    def __str__(self) -> str:
        return f"{self.server}: {self.reason} (see {self.manual})"


ExpectedFailure = Xfail | ServerFault


class Harness(ABC):
    """One backend, as the kit sees it. Made anew for each test.

    Only :attr:`spec` and :meth:`open` are needed; the rest are hooks for what no two services do alike.

    Attributes:
        spec: The backend.
        sdk: Top-level modules of its SDK, which importing the spec must not import.
        settle_seconds: The longest time after which a change must have come through a change feed, or a deadlock is
            given up as one.

    Args:
        request: The request of pytest, for the fixtures of the author: ``request.getfixturevalue("server")``.
    """

    spec: ClassVar[BackendSpec]
    sdk: ClassVar[tuple[str, ...]] = ()
    settle_seconds: ClassVar[float] = 20.0

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.request = request

    @abstractmethod
    def open(self, **settings: Any) -> AbstractAsyncContextManager[DocumentStore]:
        """A connected store on an empty database that nobody else uses; closing it removes the database.

        A test may open several, which do not see each other's documents.

        Args:
            **settings: Fields of :class:`~lexigram.nosql.backend.BackendConfig`, to be passed on to the backend's
                configuration.
        """

    def unreachable(self) -> BackendConfig | None:
        """A configuration that names a server where none is, and gives up within seconds; None for no such thing."""
        return None

    async def break_connection(self, store: DocumentStore) -> bool:
        """Cut the connection of *store*, so that its next request fails as it does when a server dies.

        Returns:
            False where there is no connection to cut; the tests of it are then skipped, and counted as skipped.
        """
        return False

    def known_difference(self, difference: Difference) -> ServerFault | None:
        """The fault of a stand-in server that a new generated case has met, or None.

        New cases have no id of their own that could be listed. Told by what is asked, not by the answer alone: a
        difference that is excused here hides whatever else is wrong with the request.

        Args:
            difference: The smallest request on which the server and the memory store differ in the same way.
        """
        return None

    @classmethod
    def expected_failures(cls, config: pytest.Config) -> Mapping[str, ExpectedFailure]:
        """Standard tests that fail, by id, and why.

        An id is topic and test, with or without the case: ``"filters::test_a_filter_selects[regex]"``. A test that is
        listed here and passes is a failure, so the list never outlives its reasons. Where a stand-in's fault shows in
        new generated cases, see :meth:`known_difference`.

        Args:
            config: The configuration of the run, where a harness keeps what server it found.
        """
        return {}
