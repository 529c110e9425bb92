"""What passes between the portable layer and a driver: requests on the way down, documents and outcomes on the way up.

Reads are split by :func:`~lexigram.nosql.query.plan.plan_read` into a :class:`NativeRead` and what the engine does
afterwards. A write that the backend may be able to run itself goes down as a :class:`WriteRequest`, and comes back as
an :class:`Outcome`, which is also what the portable way of writing gives.

Nothing here is changed once it is made. What is made anew for every call is not frozen all the same: making a frozen
one takes four times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.projection import Projection
from lexigram.nosql.query.sort import Sort

__all__ = [
    "NO_CALL",
    "Access",
    "Batch",
    "BulkOutcome",
    "BulkStep",
    "Call",
    "Change",
    "Compiled",
    "Document",
    "Hint",
    "NativePipeline",
    "NativeRead",
    "Outcome",
    "ServerFacts",
    "WriteRequest",
]

Document = dict[str, Any]
Hint = str | tuple[tuple[str, int | str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """The circumstances of one operation.

    Attributes:
        session: The driver's own session handle, or None.
        in_transaction: True when *session* has a transaction running.
        deadline: Time of ``loop.time()`` by which the operation must end, in seconds; None for no limit.
    """

    session: Any = None
    in_transaction: bool = False
    deadline: float | None = None


NO_CALL = Call()


@dataclass(frozen=True, slots=True)
class Access:
    """How a backend reaches the documents.

    Attributes:
        kind: ``key`` for look-ups by ``_id``, ``index`` for a named index, ``scan`` for reading everything.
        index: Name of the index used.
        fields: The fields whose conditions the access path serves, in order.
    """

    kind: Literal["key", "index", "scan"]
    index: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Compiled:
    """A filter and sort, translated as far as the backend means the same.

    The native part must select a superset of the matches. ``residue`` is what the engine still has to test on each
    document that comes back, and is None only when the native part is exact.

    Attributes:
        access: How the documents are reached.
        native: The driver's own request; opaque to the portable layer.
        residue: The conditions left for the engine.
        ordered: True when documents come back in the order of the sort that was asked (or none was asked).
        projects: True when the driver can apply the projection itself, exactly.
        display: The native request as plain data for ``explain()``, without secrets.
        query: The filter as the backend reads it, where the engine must know: ``$text`` bound to the fields of the text
            index, so that scores are the backend's. None where that is the filter itself.
    """

    access: Access
    native: Any = None
    residue: Query | None = None
    ordered: bool = False
    projects: bool = False
    display: Mapping[str, Any] = field(default_factory=dict[str, Any])
    query: Query | None = None

    @property
    def exact(self) -> bool:
        """True when the native part selects exactly the matches."""
        return self.residue is None


@dataclass(slots=True)
class NativeRead:
    """A read, ready to run.

    ``skip``, ``limit`` and ``projection`` are set only when the portable layer has found that the driver may apply
    them: the native part is exact and comes in the right order.

    Attributes:
        compiled: What the driver compiled.
        skip: Documents to leave out at the start.
        limit: Most documents to return; 0 for all.
        projection: Fields to return; None for whole documents.
        batch_size: About how many documents the reader wants at a time.
        revisions: True when the reader will write, and needs :attr:`Batch.revisions`.
        after: A place in the order of the sort (what :meth:`Sort.place` gave): documents up to it, it included, are
            not wanted. Only advice, since the engine leaves them out itself; a driver that reads an ordered index may
            begin there.
    """

    compiled: Compiled
    skip: int = 0
    limit: int = 0
    projection: Projection | None = None
    batch_size: int = 1000
    revisions: bool = False
    after: tuple[Any, ...] | None = None


@dataclass(slots=True)
class Batch:
    """Documents that came back together.

    Attributes:
        documents: Decoded documents, in order.
        revisions: One opaque value for each document, to be given back to ``replace`` and ``delete``; None where the
            reader did not ask.
        examined: Documents the backend looked at for this batch; defaults to the number returned.
    """

    documents: list[Document]
    revisions: Sequence[Any] | None = None
    examined: int | None = None


class Change(Protocol):
    """An update or a replacement, parsed.

    A driver that runs changes natively knows :class:`~lexigram.nosql.update.apply.Update` (``operations``,
    ``to_document()``) and :class:`~lexigram.nosql.update.replacement.Replacement` (``document``), and leaves any other
    kind to the portable layer.
    """

    def apply(self, document: Document, query: Query | None = None) -> tuple[Document, bool]:
        """The new document, and whether it differs."""
        ...

    def build_upsert(self, query: Query) -> Document:
        """The document an upsert inserts; it may lack an ``_id``."""
        ...


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A write that the portable layer offers to a driver: its filter is exact and comes in the order asked.

    Attributes:
        query: The filter.
        compiled: What the driver compiled of filter and sort.
        sort: Which of several matches is first; None for the backend's order.
        hint: Name or keys of the index to use.
        change: The update or replacement; None to delete.
        many: Every match is meant, not the first.
        upsert: Insert what filter and change make when nothing matches.
        new_id: The ``_id`` of the document that an upsert makes, where neither filter nor change gives one.
        returns: The document wanted back, as it was ``before`` or is ``after``; None for none. Never with *many*.
        projection: Fields of that document, set only where the driver can project; None for whole documents.
    """

    query: Query
    compiled: Compiled
    sort: Sort | None = None
    hint: Hint | None = None
    change: Change | None = None
    many: bool = False
    upsert: bool = False
    new_id: str | None = None
    returns: Literal["before", "after"] | None = None
    projection: Projection | None = None


@dataclass(slots=True)
class Outcome:
    """What a write did.

    Attributes:
        matched: Documents the filter selected.
        modified: Documents that really changed.
        deleted: Documents deleted.
        upserted: The document an upsert inserted, or as much of it as is known, ``_id`` at least; None for none.
        before: For single writes, the document as it was; natively, only where it was asked for.
        after: For single writes, the document as it is; natively, only where it was asked for.
        projected: True when *before* and *after* hold only the fields that were asked for.
        acknowledged: False when the backend was told not to answer, so that nothing of this is known.
    """

    matched: int = 0
    modified: int = 0
    deleted: int = 0
    upserted: Document | None = None
    before: Document | None = None
    after: Document | None = None
    projected: bool = False
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class BulkStep:
    """One write of a bulk.

    Attributes:
        kind: What it does.
        native: The prepared document to insert, or what ``compile_update`` or ``compile_delete`` gave.
    """

    kind: Literal["insert", "update", "delete"]
    native: Any


@dataclass(slots=True)
class BulkOutcome:
    """What a bulk did.

    Attributes:
        matched: Documents selected by updates and replacements.
        modified: Documents that really changed.
        deleted: Documents deleted.
        upserted: The ``_id`` each upsert inserted, by position in the bulk.
        failures: Position and error of each write that failed; in an ordered bulk at most one, after which nothing was
            tried.
        acknowledged: False when the backend was told not to answer.
    """

    matched: int = 0
    modified: int = 0
    deleted: int = 0
    upserted: Mapping[int, Any] = field(default_factory=dict[int, Any])
    failures: Sequence[tuple[int, BaseException]] = ()
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class NativePipeline:
    """The beginning of a pipeline, or all of it, as a backend runs it.

    Attributes:
        native: The driver's own request; opaque to the portable layer.
        stages: How many of the stages as written it stands for, 1 or more.
        display: The native request as plain data for ``explain()``, without secrets.
    """

    native: Any
    stages: int
    display: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server says of its own plan.

    Attributes:
        access: How it reaches the documents; None where it does not tell.
        documents_examined: Documents it looked at; None where it did not run the request.
        keys_examined: Index entries it looked at; None where it did not run the request or does not tell.
        details: More, as plain data, without secrets.
    """

    access: Access | None = None
    documents_examined: int | None = None
    keys_examined: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
