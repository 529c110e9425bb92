"""Makes the smallest request out of one on which two stores differ.

Parts are taken away, and what holds a part gives way to it, as long as the two stores still differ in the same way:
whether either refuses, and whether it is the answer or what a write left behind. What is left says what the fault is
about, in the message of a failure and to :meth:`~lexigram.nosql.testing.harness.Harness.known_difference`.
"""

# Requests are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from lexigram.nosql.collection import Collection
from lexigram.nosql.testing.cases import Difference, differs_on

__all__ = ["shrink", "smaller"]

MOST_TRIES: Final = 400
_KEPT: Final = frozenset({"_id", "kind"})
_PARTS: Final = ("filter", "pipeline", "update", "replacement", "projection", "sort", "skip", "limit")


async def shrink(found: Difference, theirs: Collection, ours: Collection, tries: int = MOST_TRIES) -> Difference:
    """Find a smaller request on which the two stores differ in the same way.

    Args:
        found: How they differ.
        theirs: A collection of the backend; what it holds is lost.
        ours: One of the memory store; likewise.
        tries: Most requests to try.

    Returns:
        The smallest difference that was found; *found* itself where nothing smaller differs.
    """
    if await differs_on(found.request, found.documents, theirs, ours) is None:
        return found  # it depends on something else than its documents
    best = found
    left = tries
    went_on = True
    while went_on and left > 0:
        went_on = False
        for documents, request in _candidates(best):
            if left <= 0:
                break
            left -= 1
            different = await differs_on(request, documents, theirs, ours)
            if different is not None and different.kind == best.kind:
                best = replace(different, place=best.place)
                went_on = True
                break
    return best


def _candidates(found: Difference) -> Iterator[tuple[Sequence[dict[str, Any]], dict[str, Any]]]:
    """What is a little smaller, the largest steps first."""
    request = dict(found.request)
    documents = list(found.documents)
    half = len(documents) // 2
    if half > 1:
        yield documents[:half], request
        yield documents[half:], request
    for place in range(len(documents)):
        yield documents[:place] + documents[place + 1 :], request
    for name in _PARTS:
        if name in request:
            for part in smaller(request[name]):
                yield documents, {**request, name: part}
    for place, document in enumerate(documents):
        for other in smaller(document):
            if isinstance(other, dict) and "_id" in other:
                yield [*documents[:place], other, *documents[place + 1 :]], request


def smaller(value: Any) -> Iterator[Any]:
    """Values like this one with less in them: without a part, with a smaller part, or a part alone.

    Args:
        value: A document, a list or anything else; what is neither is as small as can be.
    """
    if isinstance(value, dict):
        for name in value:
            if name not in _KEPT:
                yield {other: part for other, part in value.items() if other != name}
        for name, part in value.items():
            if _is_whole(part):
                yield part
            for other in smaller(part):
                yield {**value, name: other}
    elif isinstance(value, list):
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
        for place, part in enumerate(value):
            if _is_whole(part):
                yield part
            for other in smaller(part):
                yield [*value[:place], other, *value[place + 1 :]]


def _is_whole(part: Any) -> bool:
    """Whether a part can stand for what it was in: it has parts itself, or is the path of an expression."""
    return isinstance(part, dict | list) or (isinstance(part, str) and part.startswith("$"))
