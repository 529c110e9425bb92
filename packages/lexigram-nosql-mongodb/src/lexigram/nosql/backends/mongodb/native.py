"""What the native abilities of a collection need of it: its handles, its session, its deadline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from lexigram.nosql.driver import Call, Document

if TYPE_CHECKING:
    from lexigram.nosql.backends.mongodb.driver import MongoDBDriver
    from pymongo.asynchronous.collection import AsyncCollection

__all__ = ["NativeCollection"]


class NativeCollection(ABC):
    """A collection as its abilities see it; see :class:`~lexigram.nosql.backends.mongodb.collection.MongoDBCollection`.

    Attributes:
        driver: The connection.
        name: Name of the collection.
        native: The SDK's collection; what it returns is to be restored.
        primary: The same, reading from the primary.
        answering: The same, with writes that are acknowledged.
    """

    driver: MongoDBDriver
    name: str
    native: AsyncCollection[Document]
    primary: AsyncCollection[Document]
    answering: AsyncCollection[Document]

    @abstractmethod
    def within(self, call: Call) -> AbstractContextManager[Any]:
        """A context for the requests of one call."""

    @abstractmethod
    def session(self, call: Call) -> Any:
        """The SDK's session of a call, or None."""

    @abstractmethod
    def writing(self, call: Call) -> AsyncCollection[Document]:
        """The collection to write to."""
