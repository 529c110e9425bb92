"""Limits on what an expression may build.

A short expression can describe a value of any size: a loop that puts its value twice into the next one doubles it
each time. Python shares the parts, so building costs nothing, but whoever copies, compares or measures the result
walks it whole. The limits are those of documents: MongoDB refuses what does not fit in one.
"""

# Values are of any type here, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any, Final

from lexigram.nosql.aggregation.expressions.errors import OVERFLOW, fault

__all__ = ["MAX_ITEMS", "MAX_TEXT", "Growth", "check_items", "check_text"]

MAX_TEXT: Final = 16 * 1024 * 1024
"""Longest text that an operator builds, in characters."""

MAX_ITEMS: Final = 4_000_000
"""Most elements of an array that an operator builds."""

_MAX_CONTAINERS: Final = 2_097_152
_MAX_DEPTH: Final = 200
_TOO_LARGE: Final = 10334
_CONTAINERS: Final = frozenset({dict, list})


def check_text(length: int) -> None:
    """Refuse a text that would be too long.

    Args:
        length: Its characters.

    Raises:
        PipelineError: There are more than ``MAX_TEXT`` (10334).
    """
    if length > MAX_TEXT:
        raise fault(_TOO_LARGE, f"the expression would make a text of {length} characters; the limit is {MAX_TEXT}")


def check_items(count: int) -> None:
    """Refuse an array that would have too many elements.

    Args:
        count: Its elements.

    Raises:
        PipelineError: There are more than ``MAX_ITEMS`` (146).
    """
    if count > MAX_ITEMS:
        raise fault(146, f"the expression would make an array of {count} elements; the limit is {MAX_ITEMS}")


class Growth:
    """Watches values that grow from one another; what was measured is not measured again.

    Attributes:
        known: Depth and number of containers of each container that was met, by identity.
    """

    __slots__ = ("_kept", "known")

    def __init__(self) -> None:
        self.known: dict[int, tuple[int, int]] = {}
        self._kept: list[Any] = []  # so that no identity is used twice

    def check(self, value: Any) -> None:
        """Measure a value.

        Args:
            value: Any value.

        Raises:
            PipelineError: It is nested too deep (15), or holds more containers than a document may (10334).
        """
        known = self.known
        stack: list[Any] = [value]
        while stack:
            item = stack[-1]
            if type(item) not in _CONTAINERS or id(item) in known:
                stack.pop()
                continue
            children = list(item.values()) if type(item) is dict else item
            if _CONTAINERS.isdisjoint(map(type, children)):
                self._note(item, 1, 1)
                stack.pop()
                continue
            inner = [child for child in children if type(child) in _CONTAINERS]
            waiting = [child for child in inner if id(child) not in known]
            if waiting:
                stack += waiting
                continue
            sizes = [known[id(child)] for child in inner]
            self._note(item, 1 + max(size[0] for size in sizes), 1 + sum(size[1] for size in sizes))
            stack.pop()

    def _note(self, item: Any, depth: int, count: int) -> None:
        if depth > _MAX_DEPTH:
            raise fault(OVERFLOW, f"the expression would nest its value deeper than {_MAX_DEPTH} levels")
        if count > _MAX_CONTAINERS:
            raise fault(_TOO_LARGE, "the expression would make more documents and arrays than fit in one document")
        self.known[id(item)] = (depth, count)
        self._kept.append(item)
