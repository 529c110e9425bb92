"""Pages of results: by cursor, and by number.

They have no slots, since a generic frozen dataclass with slots cannot be made as ``Page[int](...)`` on Python 3.11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["CursorPage", "Page"]

T = TypeVar("T")


@dataclass(frozen=True)
class CursorPage(Generic[T]):
    """A page, and the opaque cursors of its neighbours.

    Attributes:
        items: What is on it, in order.
        next_cursor: Cursor of the following page; None on the last.
        prev_cursor: Cursor of the page before; None on the first, or where going back is not offered.
        has_more: True when a following page exists.
        has_previous: True when a page before exists.
        total_count: How many items there are on all pages; None when they were not counted.
    """

    items: list[T] = field(default_factory=list[T])
    next_cursor: str | None = None
    prev_cursor: str | None = None
    has_more: bool = False
    has_previous: bool = False
    total_count: int | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page by number.

    Attributes:
        items: What is on it, in order.
        total: How many items there are on all pages.
        page: Its number, from 1.
        size: The most a page holds.
    """

    items: list[T] = field(default_factory=list[T])
    total: int = 0
    page: int = 1
    size: int = 20

    @property
    def pages(self) -> int:
        """How many pages there are; 0 when there are no items."""
        return -(-self.total // self.size)

    @property
    def has_next(self) -> bool:
        """True when a following page exists."""
        return self.page < self.pages

    @property
    def has_prev(self) -> bool:
        """True when a page before exists."""
        return 1 < self.page <= self.pages + 1
