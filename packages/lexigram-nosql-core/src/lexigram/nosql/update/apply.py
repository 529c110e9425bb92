"""Updates that are ready to be applied.

Applying is pure: the document and the update stay as they are, the new document shares with the old one whatever the
update does not touch, and constants of the update are copied into each document, so that no two documents share a dict
or list that came from an update. Stored documents are never changed in place, which is what makes the sharing safe.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from lexigram.nosql.exceptions import UpdateError
from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.array_filters import ArrayFilter
from lexigram.nosql.update.ast import Operation, UpdatePath, is_each
from lexigram.nosql.update.diff import UpdateDescription, describe_change
from lexigram.nosql.update.operators.base import Bind, Operator
from lexigram.nosql.update.positional import Finder, position_finder
from lexigram.nosql.update.run import INSERT, UNCHANGED, UPDATE, Apply, Position, Run
from lexigram.nosql.update.upsert import id_first, seed_document
from lexigram.nosql.values.collation import Collation

__all__ = ["OperatorUpdate", "Shape", "Update"]


class Update(ABC):
    """A parsed update: operators (:class:`OperatorUpdate`) or a pipeline.

    Attributes:
        is_pipeline: True for a pipeline.
        has_positional: True if a path holds ``$``, so that the filter's match decides what changes.
        operations: What the operators do, for backends that run them natively; empty for a pipeline.
        array_filters: The array filters, parsed; empty for a pipeline.
        collation: How text is compared, or None.
    """

    __slots__ = ()

    is_pipeline: ClassVar[bool]

    @property
    @abstractmethod
    def has_positional(self) -> bool:
        """Whether a path holds ``$``."""

    @property
    @abstractmethod
    def operations(self) -> tuple[Operation, ...]:
        """What the operators do."""

    @property
    @abstractmethod
    def array_filters(self) -> tuple[ArrayFilter, ...]:
        """The array filters."""

    @property
    @abstractmethod
    def collation(self) -> Collation | None:
        """How text is compared."""

    @abstractmethod
    def apply(self, document: dict[str, Any], query: Query | None = None) -> tuple[dict[str, Any], bool]:
        """Compute the new document.

        Args:
            document: A normalised document; it is not changed.
            query: The filter that selected it; needed where a path holds ``$``.

        Returns:
            The new document and True, or the same document and False if nothing would change.

        Raises:
            UpdateError: The update does not fit the document.
        """

    @abstractmethod
    def build_upsert(self, query: Query) -> dict[str, Any]:
        """Compute the document that an upsert inserts.

        Args:
            query: The filter that matched nothing; its equalities are the document to begin with.

        Returns:
            The document, ``_id`` first if it has one.

        Raises:
            UpdateError: The filter's equalities contradict each other, or the update does not fit them.
        """

    @abstractmethod
    def touches(self, path: str) -> bool:
        """Say whether applying the update may change what a path reaches.

        Args:
            path: A dotted path.

        Returns:
            False only if it certainly does not.
        """

    @abstractmethod
    def to_document(self) -> Any:
        """Write the update as MongoDB takes it.

        Returns:
            A new mapping, or a list of stages.
        """

    @staticmethod
    def diff(old: dict[str, Any], new: dict[str, Any]) -> UpdateDescription:
        """Tell what changed, as change feeds do.

        Args:
            old: The document before.
            new: The document after.

        Returns:
            The difference.
        """
        return describe_change(old, new)


@dataclass(frozen=True, slots=True)
class Shape:
    """All of an update but its constants, checked and compiled.

    Attributes:
        operators: Operator and path of each operand, in the order written.
        binds: Checks each operand.
        function: The compiled update.
        has_positional: True if a path holds ``$``.
        self_contained: True if no operator looks beyond its own field.
    """

    operators: tuple[tuple[Operator, UpdatePath], ...]
    binds: tuple[Bind, ...]
    function: Apply
    has_positional: bool
    self_contained: bool


class OperatorUpdate(Update):
    """An update by operators.

    Args:
        shape: Everything but the constants.
        operands: The constants, checked.
        filters: The array filters.
        collation: How text is compared, or None.
    """

    __slots__ = ("_collation", "_filters", "_finder", "_operands", "_shape", "_tests")

    is_pipeline = False

    def __init__(
        self,
        shape: Shape,
        operands: Sequence[Any],
        filters: tuple[ArrayFilter, ...],
        collation: Collation | None,
    ) -> None:
        self._shape = shape
        self._operands = operands
        self._filters = filters
        self._collation = collation
        self._tests: Mapping[str, Callable[[Any], bool]] | None = None
        self._finder: tuple[Query, Finder] | None = None

    @property
    def has_positional(self) -> bool:
        """True if a path holds ``$``."""
        return self._shape.has_positional

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What the operators do, in the order written."""
        return tuple(
            [
                Operation(operator.name, path, operand)
                for (operator, path), operand in zip(self._shape.operators, self._operands, strict=True)
            ]
        )

    @property
    def array_filters(self) -> tuple[ArrayFilter, ...]:
        """The array filters, parsed."""
        return self._filters

    @property
    def collation(self) -> Collation | None:
        """How text is compared, or None."""
        return self._collation

    def apply(self, document: dict[str, Any], query: Query | None = None) -> tuple[dict[str, Any], bool]:
        """Compute the new document; see :meth:`Update.apply`."""
        shape = self._shape
        try:
            run = UPDATE if shape.self_contained else self._run(document, query)
            new = shape.function(document, self._operands, run)
        except UpdateError as error:
            _blame(error, document)
        if new is UNCHANGED:
            return document, False
        return new, True

    def build_upsert(self, query: Query) -> dict[str, Any]:
        """Compute the document that an upsert inserts; see :meth:`Update.build_upsert`."""
        document = seed_document(query)
        run = INSERT
        if not self._shape.self_contained:
            run = Run(document, insert=True, filters=self._filter_tests())
        new = self._shape.function(document, self._operands, run)
        return id_first(document if new is UNCHANGED else new)

    def touches(self, path: str) -> bool:
        """Say whether applying the update may change what a path reaches; see :meth:`Update.touches`."""
        parts = path.split(".")
        return any(
            _meets(operation.path.parts, parts)
            or (operation.operator == "$rename" and _meets(operation.operand.parts, parts))
            for operation in self.operations
        )

    def to_document(self) -> dict[str, Any]:
        """Write the update as MongoDB takes it."""
        document: dict[str, dict[str, Any]] = {}
        for (operator, path), operand in zip(self._shape.operators, self._operands, strict=True):
            document.setdefault(operator.name, {})[path.text] = operator.render(operand)
        return document

    def _filter_tests(self) -> Mapping[str, Callable[[Any], bool]]:
        if self._tests is None:
            self._tests = {item.identifier: item.test for item in self._filters}
        return self._tests

    def _run(self, document: dict[str, Any], query: Query | None) -> Run:
        positions: Sequence[Position] = ()
        if self._shape.has_positional and query is not None:
            if self._finder is None or self._finder[0] is not query:
                self._finder = (query, position_finder(query))
            positions = self._finder[1](document)
        return Run(document, False, positions, self._filter_tests())


def _blame(error: UpdateError, document: dict[str, Any]) -> NoReturn:
    if "_id" in document:
        error.with_details(document_id=document["_id"])
    raise error


def _meets(target: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether one path leads to the other, positions and their placeholders standing for anything."""
    left = [part for part in target if not _is_place(part)]
    right = [part for part in parts if not _is_place(part)]
    return all(a == b for a, b in zip(left, right, strict=False))


def _is_place(part: str) -> bool:
    return part == "$" or part.isdigit() or is_each(part)
