"""Array filters: which elements ``$[identifier]`` stands for (manual, "$[<identifier>]").

A filter is an ordinary one over a document with a single field, the identifier, that holds the element.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lexigram.nosql.exceptions import NoSQLFilterError, UpdateError
from lexigram.nosql.query.ast import Leaf, Node
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.update.errors import (
    BAD_VALUE,
    FAILED_TO_PARSE,
    TYPE_MISMATCH,
    fault,
    refuse_features,
    show,
)
from lexigram.nosql.values.collation import Collation

__all__ = ["ArrayFilter", "parse_array_filters"]

_IDENTIFIER: Final = re.compile(r"[a-z][a-zA-Z0-9]*")


@dataclass(frozen=True, slots=True)
class ArrayFilter:
    """One array filter.

    Attributes:
        identifier: The name it gives to elements.
        query: The filter, over a document with that one field.
    """

    identifier: str
    query: Query

    @property
    def test(self) -> Callable[[Any], bool]:
        """Says whether an element is one of those meant."""
        identifier, matches = self.identifier, self.query.matches
        return lambda element: matches({identifier: element})


def _identifier_of(root: Node, number: int) -> str:
    found: str | None = None
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Leaf):
            name = (node.path or "").partition(".")[0]
            if found is not None and name != found:
                raise fault(
                    FAILED_TO_PARSE,
                    f"array filter {number} names {found!r} and {name!r}; each filter describes one identifier",
                )
            found = name
        else:
            pending.extend(reversed(node.children))
    if found is None:
        raise fault(FAILED_TO_PARSE, f"array filter {number} names no identifier")
    if _IDENTIFIER.fullmatch(found) is None:
        raise fault(
            BAD_VALUE,
            f"array filter {number} names {found!r}; an identifier is a lowercase letter, then letters and digits",
        )
    return found


def parse_array_filters(filters: Any, collation: Collation | None) -> tuple[ArrayFilter, ...]:
    """Read the array filters of an update.

    Args:
        filters: A list of filters, each over one identifier.
        collation: How text is compared.

    Returns:
        The filters, in order.

    Raises:
        UpdateError: A filter is not valid, names none or several identifiers, or one that another has.
    """
    if isinstance(filters, str | bytes) or not isinstance(filters, Sequence):
        raise fault(TYPE_MISMATCH, f"array_filters is a list of filters, not {show(filters)}")
    parsed: list[ArrayFilter] = []
    for number, spec in enumerate(filters, start=1):
        if not isinstance(spec, Mapping):
            raise fault(TYPE_MISMATCH, f"array filter {number} is a mapping, not {show(spec)}")
        try:
            query = parse_filter(spec, collation=collation)
        except NoSQLFilterError as error:
            raise UpdateError(
                f"array filter {number}: {error.message}", hint=error.hint, mongo_code=error.mongo_code
            ) from error
        refuse_features(query.root, f"array filter {number}")
        identifier = _identifier_of(query.root, number)
        if any(identifier == other.identifier for other in parsed):
            raise fault(FAILED_TO_PARSE, f"two array filters describe {identifier!r}", hint="join them with $and")
        parsed.append(ArrayFilter(identifier, query))
    return tuple(parsed)
