"""What the parts of a collection have of each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any

from lexigram.nosql.backends.firestore.client import Client
from lexigram.nosql.backends.firestore.naming import Scope
from lexigram.nosql.backends.firestore.planning.hints import CollectionHints
from lexigram.nosql.backends.firestore.writing.changes import Step, Target
from lexigram.nosql.driver import Batch, Call, Compiled, Document, Hint, NativeRead
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.driver import FirestoreDriver

__all__ = ["CollectionPart"]


class CollectionPart(ABC):
    """One collection, as its parts see it.

    Args:
        driver: The connection.
        scope: Which documents it holds.
        hints: What its fields hold.

    Attributes:
        client: What sends requests.
    """

    def __init__(self, driver: FirestoreDriver, scope: Scope, hints: CollectionHints) -> None:
        self.driver = driver
        self.scope = scope
        self.hints = hints
        self.client: Client = driver.client

    @abstractmethod
    def decode(self, message: Any) -> Document:
        """A document from its message, which is used up."""

    @abstractmethod
    def compile(self, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Translate a filter and an order."""

    @abstractmethod
    def read(self, read: NativeRead, call: Call) -> AsyncGenerator[Batch]:
        """Run a read."""

    @abstractmethod
    def fetch(
        self, read: NativeRead, deadline: float | None, *, fields: Sequence[str] = ()
    ) -> AsyncGenerator[list[Any]]:
        """The messages of the documents that a read selects."""

    @abstractmethod
    async def target(self) -> Target:
        """What makes the writes of this collection, on what its indexes are now."""

    @abstractmethod
    async def conditionally(self, target: Target, step: Step, call: Call) -> bool:
        """Send the writes of one document; False where it is no longer as it was read."""
