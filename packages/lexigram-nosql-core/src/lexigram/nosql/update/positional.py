"""Which element of an array a filter matched: what ``$`` in an update stands for (manual, "$ (update)").

Every condition that must hold, and that reaches its value through the elements of an array rather than by a position
written in its path, gives the index in the outermost such array. Conditions under ``$or``, ``$nor`` and ``$not`` give
none, nor does an array that matches as a whole. Where conditions on several arrays give one, MongoDB leaves open which
counts; here it is the one on the array that ``$`` follows, or else the last.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from lexigram.nosql.query.ast import All, And, ElemMatch, Exists, Leaf, Node, Size
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.match import single
from lexigram.nosql.query.parse import Query
from lexigram.nosql.update.run import Position
from lexigram.nosql.values.path import MISSING, array_index, split_path

__all__ = ["Finder", "position_finder"]

Finder = Callable[[dict[str, Any]], Sequence[Position]]


class _Reached(NamedTuple):
    """A value that a path reaches; *depth* and *place* are those of the outermost array it went through, or -1."""

    value: Any
    depth: int = -1
    place: int = -1


def _reach(value: Any, parts: Sequence[str], start: int, spread: bool) -> Iterator[_Reached]:
    while start < len(parts):
        cls = type(value)
        if cls is dict:
            value = value.get(parts[start], MISSING)
            start += 1
        elif cls is list:
            place = array_index(parts[start])
            for index, item in enumerate(value):
                if type(item) is dict:
                    for reached in _reach(item, parts, start, spread):
                        yield _Reached(reached.value, start, index)
                if index == place:
                    if start + 1 == len(parts):
                        yield _Reached(item)
                    elif type(item) in {dict, list}:
                        yield from _reach(item, parts, start + 1, spread)
            return
        else:
            value = MISSING
            break
    if spread and type(value) is list:
        for index, item in enumerate(value):
            yield _Reached(item, start, index)
    yield _Reached(value)


def _leaves(root: Node) -> list[Leaf]:
    leaves: list[Leaf] = []
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, And | All):
            pending.extend(reversed(node.children))
        elif isinstance(node, Leaf) and node.path is not None and not (isinstance(node, Exists) and not node.exists):
            leaves.append(node)
    return leaves


def _leaf_finder(leaf: Leaf, context: Context) -> Callable[[dict[str, Any]], Position | None]:
    parts = split_path(leaf.path or "")
    accepts = single(leaf, context.collation, lambda condition: document_matcher(condition, context))
    takes_array = isinstance(leaf, ElemMatch | Size)
    looks_inside = isinstance(leaf, ElemMatch)

    def find(document: dict[str, Any]) -> Position | None:
        for value, depth, place in _reach(document, parts, 0, not takes_array):
            if not accepts(value):
                continue
            if depth >= 0:
                return Position(".".join(parts[:depth]), str(place))
            if looks_inside:
                for index, item in enumerate(value):
                    if accepts([item]):
                        return Position(".".join(parts), str(index))
            return None
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
