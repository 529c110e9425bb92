"""From the messages of a ``Listen`` stream to consistent moments.

The service tells what changed since the moment it was asked to begin with, then says that everything up to a time has
been told; what came until then is one moment. After a reset it tells all documents anew. Where it only knows that some
have gone, it gives their number (an existence filter), and the names are compared. Source: proto comments of
``google.firestore.v1.ListenResponse``.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from google.cloud.firestore_v1.types import firestore
from google.protobuf.timestamp_pb2 import Timestamp
from lexigram.nosql.backends.firestore.codec.messages import raw

__all__ = ["ListenRequest", "ListenResponse", "Moment", "Moments", "TargetRefused", "micros", "put_micros", "timestamp"]

ListenRequest: Final[Any] = raw(firestore.ListenRequest)
ListenResponse: Final[Any] = raw(firestore.ListenResponse)

TARGET: Final = 1
_NO_CHANGE: Final = 0
_REMOVE: Final = 2
_CURRENT: Final = 3
_RESET: Final = 4


def micros(timestamp: Any) -> int:
    """A ``Timestamp`` in microseconds since 1970."""
    return int(timestamp.seconds * 1_000_000 + timestamp.nanos // 1000)


def put_micros(time: int, timestamp: Any) -> None:
    """Write a time into a ``Timestamp``."""
    timestamp.seconds, rest = divmod(time, 1_000_000)
    timestamp.nanos = rest * 1000


def timestamp(time: int) -> Any:
    """A ``Timestamp``."""
    made = Timestamp()
    put_micros(time, made)
    return made


class TargetRefused(Exception):  # noqa: N818 - never leaves this package
    """The service takes the target away.

    Attributes:
        code: Number of the status code.
        text: What it says.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(slots=True)
class Moment:
    """A consistent state of what is followed, told as what changed since the one before.

    Attributes:
        time: When, in microseconds.
        token: With which the service can go on from here; empty for none.
        documents: Documents that may have changed, by name.
        gone: Names of documents that have gone.
        is_whole: ``documents`` are all there are.
        is_doubtful: More documents have gone than ``gone`` tells.
    """

    time: int
    token: bytes
    documents: dict[str, Any] = field(default_factory=dict[str, Any])
    gone: set[str] = field(default_factory=set[str])
    is_whole: bool = False
    is_doubtful: bool = False


class Moments:
    """Collects the messages of one stream."""

    def __init__(self) -> None:
        self._clear()
        self._whole = False
        self._current = False
        self._reset: int | None = None

    def _clear(self) -> None:
        self._documents: dict[str, Any] = {}
        self._gone: set[str] = set()
        self._doubtful = False

    def add(self, response: Any) -> Moment | None:
        """Take a message.

        Args:
            response: A ``ListenResponse``.

        Returns:
            A moment, where the message ends one.

        Raises:
            TargetRefused: The service does not go on.
        """
        kind = response.WhichOneof("response_type")
        if kind == "target_change":
            return self._on_target(response.target_change)
        if kind == "document_change":
            change = response.document_change
            name = change.document.name
            if TARGET in change.target_ids:
                self._documents[name] = change.document
                self._gone.discard(name)
            elif TARGET in change.removed_target_ids:
                self._remove(name)
        elif kind == "document_delete":
            self._remove(response.document_delete.document)
        elif kind == "document_remove":
            self._remove(response.document_remove.document)
        elif kind == "filter":
            self._doubtful = True
        return None

    def _remove(self, name: str) -> None:
        self._documents.pop(name, None)
        self._gone.add(name)

    def _on_target(self, change: Any) -> Moment | None:
        if change.target_ids and TARGET not in change.target_ids:
            return None
        kind = change.target_change_type
        if kind == _REMOVE:
            raise TargetRefused(change.cause.code, change.cause.message)
        if kind == _RESET:
            self._clear()
            self._whole = True
            self._current = False
            self._reset = micros(change.read_time) if change.HasField("read_time") else None
        elif kind == _CURRENT:
            self._current = True
        elif kind == _NO_CHANGE and not change.target_ids and change.HasField("read_time") and self._current:
            moment = Moment(
                self._time(change),
                change.resume_token,
                self._documents,
                self._gone,
                self._whole,
                self._doubtful,
            )
            self._clear()
            self._whole, self._reset = False, None
            return moment
        return None

    def _time(self, change: Any) -> int:
        """When the state is of that has been told.

        After a reset the emulator reads all documents, and then says what time it is: a write in between is in neither.
        So such a state is taken to be no later than the reset, and than the documents in it.
        """
        if not self._whole or self._reset is None:
            return micros(change.read_time)
        return max([self._reset, *[micros(document.update_time) for document in self._documents.values()]])
