"""A bounded mapping of what was made lately, for what is costly to make and cheap to make again."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T")
_NO: Final = object()


class Kept(Generic[T]):
    """What was made lately, by key.

    Things are kept in two generations: what is asked for moves into the younger one, and when that is full the older
    one is forgotten. So what comes once never drives out what comes again and again, and nothing needs a lock: at worst
    two threads make the same thing twice.

    Args:
        size: How many things a generation holds; twice as many are kept at most.
    """

    __slots__ = ("_old", "_size", "_young")

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[Any, T] = {}
        self._old: dict[Any, T] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Any) -> T | None:
        """Look something up.

        Args:
            key: Its key.

        Returns:
            What was kept, or None.

        Raises:
            TypeError: The key has no hash.
        """
        found = self._young.get(key)
        if found is None:
            old: Any = self._old.pop(key, _NO)
            if old is _NO:
                return None
            found = old
            self.put(key, old)
        return found

    def put(self, key: Any, value: T) -> None:
        """Keep something.

        Args:
            key: Its key.
            value: The thing, which is not None.
        """
        if len(self._young) >= self._size:
            self._old = self._young
            self._young = {}
        self._young[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._young = {}
        self._old = {}
