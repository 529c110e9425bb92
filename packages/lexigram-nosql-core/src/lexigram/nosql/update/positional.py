"""Which element of an array a filter matched: what ``$`` in an update stands for (manual, "$ (update)").

Every condition that must hold, and that reaches its value through the elements of an array rather than by a position
written in its path, gives the index in the outermost such array. Conditions under ``$or``, ``$nor`` and ``$not`` give
none (but an ``$or`` of equalities on one path is an ``$in``), nor does an array that matches as a whole. Where
conditions on several arrays give one, MongoDB leaves open which counts; here it is the one on the array that ``$``
follows, or else the last.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from lexigram.nosql.query.ast import All, And, ElemMatch, Exists, Leaf, Node, Or, Size
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.match import reach, single, spread, steps
from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.run import Position
from lexigram.nosql.values.path import MISSING

__all__ = ["Finder", "position_finder"]

Finder = Callable[[dict[str, Any]], Sequence[Position]]


class _Match(NamedTuple):
    """How a condition was met.

    Attributes:
        value: The value that met it; not told where an element of an array is.
        depth: How many components lead to the outermost array whose element met it; -1 if none did.
        place: Position of that element.
    """

    value: Any = None
    depth: int = -1
    place: int = -1


_NO_ELEMENT: Final = _Match()


def _leaves(root: Node) -> list[Leaf]:
    leaves: list[Leaf] = []
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, And | All):
            pending.extend(reversed(node.children))
        elif isinstance(node, Or):
            simple = node.simplified()
            if simple is not node:
                pending.append(simple)
        elif isinstance(node, Leaf) and node.path is not None and not (isinstance(node, Exists) and not node.exists):
            leaves.append(node)
    return leaves


def _leaf_finder(leaf: Leaf, context: Context) -> Callable[[dict[str, Any]], Position | None]:
    path = steps(leaf.path or "")
    count = len(path)
    one = single(leaf, context.collation, lambda condition: document_matcher(condition, context))
    takes_array = isinstance(leaf, ElemMatch | Size)
    at_end = one if takes_array else spread(one)

    def search(value: Any, start: int) -> _Match | None:
        while start < count:
            cls = type(value)
            if cls is dict:
                value = value.get(path[start][0], MISSING)
                start += 1
            elif cls is list:
                return search_array(value, start)
            else:
                value = MISSING
                break
        if not takes_array and type(value) is list:
            for place, item in enumerate(value):
                if one(item):
                    return _Match(None, start, place)
        return _Match(value) if one(value) else None

    def search_array(items: list[Any], start: int) -> _Match | None:
        written = path[start][1]
        for place, item in enumerate(items):
            cls = type(item)
            if cls is dict and reach(item, path, start, at_end, one):
                return _Match(None, start, place)
            if place != written:
                continue
            if start + 1 == count:
                found = _NO_ELEMENT if one(item) else None
            else:
                found = search(item, start + 1) if cls is dict or cls is list else None
            if found is not None:
                return found
        return None

    def find(document: dict[str, Any]) -> Position | None:
        found = search(document, 0)
        if found is None:
            return None
        if found.depth >= 0:
            return Position(".".join([name for name, _ in path[: found.depth]]), str(found.place))
        if isinstance(leaf, ElemMatch) and type(found.value) is list:
            place = next(place for place, item in enumerate(found.value) if one([item]))
            return Position(leaf.path or "", str(place))
        return None

    return find


def position_finder(query: Query) -> Finder:
    """Make the function that finds positions.

    Args:
        query: The filter.

    Returns:
        A function of a document that the filter matches; it gives what each condition says, in order.
    """
    context = Context(query.collation)
    finders = [_leaf_finder(leaf, context) for leaf in _leaves(query.root)]

    def find(document: dict[str, Any]) -> Sequence[Position]:
        return [found for finder in finders if (found := finder(document)) is not None]

    return find
