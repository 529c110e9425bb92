"""Decides what a backend runs itself and what is left for the engine, and says so.

A driver compiles filter and sort into a native part that selects a superset (:class:`~lexigram.nosql.driver.Compiled`).
The rules that keep answers equal on every backend are applied here, once: skip and limit go down only where the native
part is exact and comes in the engine's order, a projection only where nothing after it needs the other fields.

:class:`Plan` is what ``explain()`` returns.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Any

from lexigram.nosql.driver import Access, Compiled, DriverCollection, Hint, NativeRead, ServerFacts
from lexigram.nosql.exceptions import ScanDeniedError
from lexigram.nosql.query.ast import Compare, In, Leaf, Regex
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.projection import Projection, parse_projection
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.query.unparse import unparse

__all__ = ["FindRequest", "Plan", "ReadPlan", "ScanGuard", "deliberate_scan", "plan_read", "suggest_index"]

_log = logging.getLogger("lexigram.nosql")


@dataclass(slots=True)
class FindRequest:
    """What a read asks for, parsed.

    Attributes:
        query: The filter.
        sort: The order; None for the backend's own.
        projection: The fields to return; None for whole documents.
        skip: Documents to leave out at the start.
        limit: Most documents to return; 0 for all.
        hint: Name or keys of the index to use.
        batch_size: About how many documents to fetch at a time.
        after: A place in the order, up to which documents are not wanted; see :attr:`NativeRead.after`.
    """

    query: Query
    sort: Sort | None = None
    projection: Projection | None = None
    skip: int = 0
    limit: int = 0
    hint: Hint | None = None
    batch_size: int = 1000
    after: tuple[Any, ...] | None = None


@dataclass(slots=True)
class Plan:
    """How a request runs and, once it has run, what it read.

    Attributes:
        operation: The method planned, such as ``find``.
        backend: Name of the driver.
        collection: Name of the collection.
        access: Key look-up, index by name, or full scan.
        native: The backend's own request, as plain data.
        residue: The filter that the engine still tests; None when the backend selects exactly.
        sort: ``backend``, ``engine`` (held in memory) or None when no order was asked.
        skip: Where skipped documents are dropped: ``backend``, ``engine`` or None.
        limit: Where the limit is applied: ``backend``, ``engine`` or None.
        projection: Where fields are chosen: ``backend``, ``engine`` or None.
        write: How documents are changed: ``replace-if-unchanged``, ``native`` or None for reads.
        stages: For pipelines, one line for each stage the engine runs.
        server: What the server says of its own plan, where it says anything.
        keys_examined: Index entries the backend looked at; None where it does not tell.
        documents_examined: Documents the backend looked at; None before the run.
        documents_read: Documents that came back from it; None before the run.
        documents_returned: Documents handed to the caller; None before the run.
    """

    operation: str
    backend: str
    collection: str
    access: Access
    native: Mapping[str, Any] = field(default_factory=dict[str, Any])
    residue: Mapping[str, Any] | None = None
    sort: str | None = None
    skip: str | None = None
    limit: str | None = None
    projection: str | None = None
    write: str | None = None
    stages: tuple[str, ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict[str, Any])
    keys_examined: int | None = None
    documents_examined: int | None = None
    documents_read: int | None = None
    documents_returned: int | None = None

    @property
    def full_scan(self) -> bool:
        """True when every document of the collection is looked at."""
        return self.access.kind == "scan"

    def add(self, facts: ServerFacts) -> None:
        """Put in what the server says; it knows better than the driver which way it takes."""
        if facts.access is not None:
            self.access = facts.access
        if facts.documents_examined is not None:
            self.documents_examined = facts.documents_examined
        if facts.keys_examined is not None:
            self.keys_examined = facts.keys_examined
        self.server = facts.details

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        data["access"] = {"kind": self.access.kind, "index": self.access.index, "fields": list(self.access.fields)}
        data["stages"] = list(self.stages)
        return data

    def __str__(self) -> str:
        where = self.access.kind if self.access.index is None else f"{self.access.kind} {self.access.index}"
        lines = [f"{self.operation} on {self.collection} ({self.backend}): {where}"]
        lines += [
            f"  {name}: {value}"
            for name, value in self.to_dict().items()
            if name not in {"operation", "backend", "collection", "access"} and value not in (None, {}, [], ())
        ]
        return "\n".join(lines)


@dataclass(slots=True)
class ReadPlan:
    """A read, split between backend and engine.

    Attributes:
        request: What was asked.
        read: The native part, ready for the driver.
        residue: The filter the engine tests, or None.
        sort: The order the engine makes, or None.
        skip: Documents the engine leaves out.
        limit: Documents the engine stops after; 0 for all.
        projection: The projection the engine applies, or None.
        examined: Documents the backend looked at so far.
        fetched: Documents that came back so far.
        returned: Documents handed on so far.
    """

    request: FindRequest
    read: NativeRead
    residue: Query | None
    sort: Sort | None
    skip: int
    limit: int
    projection: Projection | None
    examined: int = 0
    fetched: int = 0
    returned: int = 0

    @property
    def direct(self) -> bool:
        """True when what the backend returns is the answer, but for the projection."""
        return self.residue is None and self.sort is None and not self.skip

    def explain(self, operation: str, backend: str, collection: str, *, ran: bool) -> Plan:
        """Describe the split, with counts once the read has run."""
        request, compiled = self.request, self.read.compiled

        def side(asked: object, down: bool) -> str | None:
            return None if not asked else "backend" if down else "engine"

        return Plan(
            operation=operation,
            backend=backend,
            collection=collection,
            access=compiled.access,
            native=compiled.display,
            residue=None if self.residue is None else unparse(self.residue.root),
            sort=side(request.sort is not None, self.sort is None),
            skip=side(request.skip, bool(self.read.skip)),
            limit=side(request.limit, bool(self.read.limit)),
            projection=side(request.projection is not None, self.read.projection is not None),
            documents_examined=self.examined if ran else None,
            documents_read=self.fetched if ran else None,
            documents_returned=self.returned if ran else None,
        )


def plan_read(target: DriverCollection, request: FindRequest, *, revisions: bool = False) -> ReadPlan:
    """Split a read between the backend and the engine.

    Args:
        target: The backend's collection.
        request: What is asked.
        revisions: The reader will write.

    Returns:
        The split.
    """
    compiled = target.compile(request.query, request.sort, request.hint)
    sort, projection, skip, limit = request.sort, request.projection, request.skip, request.limit
    ordered = sort is None or compiled.ordered
    down = ordered and compiled.residue is None
    project_down = down and compiled.projects and projection is not None and not revisions
    batch_size = request.batch_size
    if limit and ordered:
        batch_size = min(batch_size, skip + limit)
    read = NativeRead(
        compiled,
        skip if down else 0,
        limit if down else 0,
        projection if project_down else None,
        batch_size,
        revisions,
        request.after,
    )
    if compiled.query is not None:
        # Scores are those of the backend's text index.
        sort = None if sort is None else sort.with_query(compiled.query)
        projection = parse_projection(projection, query=compiled.query, sort=sort)
    return ReadPlan(
        request,
        read,
        compiled.residue,
        None if ordered else sort,
        0 if down else skip,
        0 if down else limit,
        None if project_down else projection,
    )


def suggest_index(query: Query, sort: Sort | None) -> tuple[tuple[str, int], ...]:
    """Keys of an index that would serve a request: equalities, then the sort, then ranges.

    Source: MongoDB manual, "The ESR (Equality, Sort, Range) Guideline".
    """
    keys: dict[str, int] = {}
    conditions = [node for node in query.conjuncts if isinstance(node, Leaf) and node.path is not None]
    for node in conditions:
        if isinstance(node, In) or (isinstance(node, Compare) and node.op == "$eq"):
            keys.setdefault(node.path or "", 1)
    if sort is not None:
        for path, direction in sort.fields:
            keys.setdefault(path, direction)
    for node in conditions:
        if isinstance(node, Compare | Regex):
            keys.setdefault(node.path or "", 1)
    return tuple((path, direction) for path, direction in keys.items() if path != "_id")


_deliberate: ContextVar[bool] = ContextVar("lexigram_nosql_deliberate_scan", default=False)


@contextmanager
def deliberate_scan() -> Generator[None]:
    """Let the requests of a block read whole collections whatever ``scan_policy`` says.

    For work whose purpose is to look at every document, such as a migration; the policy is there for requests that do
    so by accident.
    """
    token = _deliberate.set(True)
    try:
        yield
    finally:
        _deliberate.reset(token)


def _narrowed(access: Access) -> bool:
    """True when the documents looked at are chosen by conditions, and not all of them in some order."""
    return access.kind != "scan" and bool(access.fields)


class ScanGuard:
    """Applies ``scan_policy`` to one store.

    A request without filter and sort asks for everything, so reading everything is no fault; a filter or a sort is
    something an index could serve.

    Args:
        policy: ``allow``, ``warn`` or ``deny``.
        backend: Name of the driver, for messages.
        indexes: Whether the backend has indexes, so that one can be advised.
    """

    _MOST_REMEMBERED = 1000

    def __init__(self, policy: str, backend: str, *, indexes: bool = True) -> None:
        self.policy = policy
        self._backend = backend
        self._indexes = indexes
        self._warned: set[object] = set()
        self._told: set[object] = set()

    def check(
        self, collection: str, compiled: Compiled, query: Query, sort: Sort | None, *, advice: str | None = None
    ) -> None:
        """Let a request pass, warn about it, or refuse it.

        Args:
            collection: Name of the collection.
            compiled: How the backend reaches the documents.
            query: The filter.
            sort: The order, or None.
            advice: What to do instead, where an index is not the answer; None to suggest an index.

        Raises:
            ScanDeniedError: The policy is ``deny`` and the request reads the whole collection for a part of it.
        """
        if (
            self.policy == "allow"
            or _narrowed(compiled.access)
            or (
                query.is_empty
                and (sort is None or sort.natural or (compiled.ordered and compiled.access.kind != "scan"))
            )
        ):
            return
        if _deliberate.get():
            return
        shape = query.shape
        told = None if shape is None or self.policy == "deny" else (collection, shape, sort)
        if told is not None and told in self._told:
            return
        suggestion = suggest_index(query, sort)
        indexable = self._indexes and advice is None
        if advice is None:
            advice = _advice(collection, suggestion) if indexable else _ADVICE_WITHOUT_INDEXES
        if self.policy == "deny":
            raise ScanDeniedError(
                f"this request reads all of {collection!r}, and scan_policy is deny",
                hint=advice,
                suggested_index=suggestion if indexable else (),
                collection=collection,
                backend=self._backend,
            )
        seen = (collection, suggestion)
        if seen not in self._warned and len(self._warned) < self._MOST_REMEMBERED:
            self._warned.add(seen)
            _log.warning("full scan of %r on %s. %s", collection, self._backend, advice)
        if told is not None and len(self._told) < self._MOST_REMEMBERED:
            self._told.add(told)


_ADVICE_WITHOUT_INDEXES = "This backend has no indexes: ask by _id, or let scans pass with scan_policy: allow."


def _advice(collection: str, suggestion: Sequence[tuple[str, int]]) -> str:
    if not suggestion:
        return "No index serves this filter; add a condition with equality or a range."
    return f"An index would serve it: collection({collection!r}).create_index({list(suggestion)!r})."
