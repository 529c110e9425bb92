"""What a query consists of: clauses without values, which are the key of the cache, and the values beside them.

A clause is a tuple of plain, hashable things; where a value belongs stands its position in the query's values. Two
queries that differ in values only have the same clauses, and so the same SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

__all__ = ["Clause", "Kind", "Shape", "Slot", "shifted"]

Clause = tuple[Any, ...]
Kind = Literal["select", "insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A query without its values.

    Attributes:
        table: The table; None until it is named.
        kind: What the query does.
        clauses: What was added, in the order in which it was.
    """

    table: str | None = None
    kind: Kind = "select"
    clauses: tuple[Clause, ...] = ()

    def plus(self, *clauses: Clause) -> Shape:
        """The same shape with more clauses."""
        return Shape(self.table, self.kind, (*self.clauses, *clauses))

    def of(self, name: str) -> list[Clause]:
        """The clauses of a name, in order."""
        return [clause for clause in self.clauses if clause[0] == name]

    def last(self, name: str) -> Clause | None:
        """The latest clause of a name, which counts where there can be only one."""
        found = self.of(name)
        return found[-1] if found else None


def shifted(clause: Any, by: int) -> Any:
    """A clause of a query whose values now stand further back."""
    if isinstance(clause, Slot):
        return Slot(clause.position + by)
    if isinstance(clause, Shape):
        return replace(clause, clauses=tuple(shifted(inner, by) for inner in clause.clauses))
    if isinstance(clause, tuple):
        return tuple(shifted(inner, by) for inner in cast("Any", clause))
    return clause


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value belongs.

    Attributes:
        position: Its position in the query's values.
    """

    position: int
