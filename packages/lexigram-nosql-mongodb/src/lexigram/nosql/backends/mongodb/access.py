"""How the server will probably reach the documents of a request, judged from the indexes that are known.

The server chooses; ``explain()`` asks it. Here only a good guess is needed, for ``scan_policy``: it errs on the side of
letting a request pass. What indexes a collection has is asked once, when it is first written or read, and again when a
request seems to read everything and the answer is old; :class:`Catalogue` keeps it. A read that comes before the answer
passes unjudged, but for ``deny``: then the indexes of all collections are asked for at the beginning, and a collection
that is not among them has none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from lexigram.nosql.driver import Access
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.query.ast import All, And, Compare, ElemMatch, Exists, In, Leaf, Node, Not, Or, Regex
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort
from lexigram.nosql.values.collation import parse_collation
from pymongo.errors import PyMongoError

__all__ = ["REFRESH_SECONDS", "Catalogue", "reach"]

_log = logging.getLogger("lexigram.nosql")

REFRESH_SECONDS: Final = 30.0
"""How old what is known of a collection's indexes may be before a scan makes it be asked again."""

_KEY: Final = Access("key", "_id_", ("_id",))
_UNKNOWN: Final = Access("index", None, ("?",))
_SCAN: Final = Access("scan")


class Catalogue:
    """The indexes of each collection, as far as they were asked for.

    Args:
        ask: Lists the indexes of a collection, the one on ``_id`` left out.
    """

    def __init__(self, ask: Callable[[str], Awaitable[Sequence[IndexSpec]]]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[float, Sequence[IndexSpec]]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def indexes(self, collection: str) -> Sequence[IndexSpec] | None:
        """The indexes of a collection; None, and the question is on its way, where nobody asked before."""
        known = self._known.get(collection)
        if known is None:
            self.refresh(collection)
            return None
        return known[1]

    def note(self, collection: str, indexes: Sequence[IndexSpec]) -> None:
        """Keep what the server has just said."""
        self._known[collection] = (time.monotonic(), tuple(indexes))

    def forget(self, collection: str) -> None:
        """Ask again when it is next needed, since the collection was dropped."""
        self._known.pop(collection, None)

    def doubt(self, collection: str) -> None:
        """Ask again in the background, if the answer is old."""
        known = self._known.get(collection)
        if known is not None and time.monotonic() - known[0] > REFRESH_SECONDS:
            self.refresh(collection)

    def refresh(self, collection: str) -> asyncio.Task[None]:
        """Ask in the background; a question that is on its way is enough."""
        task = self._asking.get(collection)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._learn(collection), name="lexigram mongodb indexes")
            self._asking[collection] = task
            task.add_done_callback(lambda _: self._asking.pop(collection, None))
        return task

    async def learn(self, collection: str) -> None:
        """Ask, and wait for the answer, where nobody asked before."""
        if collection not in self._known:
            await asyncio.shield(self.refresh(collection))

    async def close(self) -> None:
        """Ask nothing more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _learn(self, collection: str) -> None:
        try:
            self.note(collection, await self._ask(collection))
        except PyMongoError as error:
            # A user without the right to list indexes reads all the same; requests then pass unjudged.
            self.note(collection, [_anything()])
            _log.debug("indexes of %r could not be listed: %s", collection, type(error).__name__)


def _anything() -> IndexSpec:
    """Stands for indexes that cannot be listed: it serves every request."""
    return IndexSpec(keys=(("$**", 1),), name="?")


def reach(query: Query, sort: Sort | None, indexes: Sequence[IndexSpec] | None, hint: Any) -> Access:
    """How the documents are probably reached.

    Args:
        query: The filter.
        sort: The order.
        indexes: What is known of the indexes, or None.
        hint: Name or keys of the index that is to be used.

    Returns:
        The access; its fields are those whose conditions it serves.
    """
    root = query.root
    if isinstance(root, Compare) and root.path == "_id" and root.op == "$eq":
        return _KEY
    if any(_is_key(node) for node in query.conjuncts):
        return _KEY
    if indexes is None:
        return _UNKNOWN
    if query.text is not None:
        index = next((spec for spec in indexes if any(way == "text" for _, way in spec.keys)), None)
        return Access("index", index.name if index else None, ("$text",))
    if hint is not None:
        indexes = [spec for spec in indexes if hint in (spec.name, spec.keys)] or indexes
    served = [access for spec in (*indexes, None) if (access := _served(root, query, spec))]
    if served:
        return max(served, key=lambda access: len(access.fields))
    return _SCAN if sort is None else _ordered(sort, indexes)


def _is_key(node: Node) -> bool:
    return (isinstance(node, In) and node.path == "_id" and not node.regexes) or _is_id_equality(node)


def _is_id_equality(node: Node) -> bool:
    return isinstance(node, Compare) and node.path == "_id" and node.op == "$eq"


def _served(root: Node, query: Query, spec: IndexSpec | None) -> Access | None:
    """The access that an index (None for that on ``_id``) gives to a condition, if it narrows it."""
    keys: Sequence[tuple[str, int | str]] = (("_id", 1),) if spec is None else spec.keys
    name = "_id_" if spec is None else spec.name
    if spec is not None and _order(spec) != query.collation:
        return None
    if any(path.endswith("$**") for path, _ in keys):
        prefix = keys[0][0].removesuffix("$**")
        fields = tuple(path for path in _narrowed(root) if path.startswith(prefix))
        return Access("index", name, fields) if fields or name == "?" else None
    fields_at = _narrowed(root)
    served: list[str] = []
    for path, _ in keys:
        if path not in fields_at:
            break
        served.append(path)
    return Access("index", name, tuple(served)) if served else None


def _order(spec: IndexSpec) -> Any:
    return None if spec.collation is None else parse_collation(spec.collation)


def _narrowed(node: Node) -> frozenset[str]:
    """Paths on which a condition could use an index."""
    match node:
        case And(parts):
            return frozenset[str]().union(*map(_narrowed, parts))
        case Or(parts):
            # An index for each part would do; one path that all have in common is the plain case.
            each = [_narrowed(part) for part in parts]
            common = each[0].intersection(*each[1:])
            return common or (frozenset[str]().union(*each) if all(each) else frozenset[str]())
        case ElemMatch(path, condition, of_values) if path is not None:
            inner = frozenset[str]() if of_values else _narrowed(condition)
            return frozenset((path, *(f"{path}.{below}" for below in inner)))
        case Not(Leaf(path)) if path is not None:
            return frozenset((path,))
        case Compare() | In() | Regex() | All() | Exists() if node.path is not None:
            return frozenset((node.path,))
        case Leaf(path) if path is not None:
            return frozenset((path,))
        case _:
            return frozenset()


def _ordered(sort: Sort, indexes: Sequence[IndexSpec]) -> Access:
    """The access of a request whose filter narrows nothing: an index may give the order."""
    if sort.fields and sort.fields[0][0] == "_id" and len(sort.fields) == 1:
        return Access("index", "_id_", ())
    for spec in indexes:
        ways = [way for _, way in spec.keys]
        if [path for path, _ in sort.fields] != [path for path, _ in spec.keys[: len(sort.fields)]]:
            continue
        asked = [way for _, way in sort.fields]
        if asked == ways[: len(asked)] or [-way for way in asked] == ways[: len(asked)]:
            return Access("index", spec.name, ())
    return _SCAN
