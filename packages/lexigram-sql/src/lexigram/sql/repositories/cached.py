"""``CachedRepository``: a repository whose reads are kept in a cache until something is written.

Keys hold the number of a generation, and every write through this repository begins a new one, so that nothing has to
be found and removed. Writes that go round it are seen when the time of what is kept is over.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from lexigram.sql.exceptions import ProtocolValidationError

__all__ = ["Cache", "CachedRepository"]

T = TypeVar("T")
K = TypeVar("K")

_READS: Final = frozenset(
    {"get", "find_by_id", "find_one", "find_many", "find", "list", "find_by_spec", "count", "count_by_spec", "exists"}
    | {"aggregate", "paginate", "paginate_cursor"}
)
_WRITES: Final = frozenset(
    {"create", "update", "save", "upsert", "delete", "delete_by_id", "soft_delete", "restore", "find_or_create"}
    | {"update_or_create", "bulk_create", "bulk_insert", "bulk_update", "bulk_delete", "save_many", "delete_many"}
)


class Cache(Protocol):
    """What is needed of a cache; it keeps objects as they are, or copies of them."""

    async def get(self, key: str, /) -> Any | None:
        """The value, or None when there is none or its time is over."""
        ...

    async def set(self, key: str, value: Any, /, ttl: int | None = None) -> None:
        """Keep a value for *ttl* seconds."""
        ...


class CachedRepository(Generic[T, K]):
    """Reads from a cache before it asks the repository inside; every other method goes to it directly.

    Reads in a transaction of the task go past the cache, since they may see what others must not; a write in one begins
    a new generation at once, and should be followed by :meth:`invalidate` when the transaction has ended.

    Args:
        inner: The repository.
        cache: The cache.
        ttl: Seconds that a read is kept.
        prefix: Begins the keys; ``repo:TABLE`` when None.
        hasher: Makes a key of the text that describes a read; SHA-256 when None.

    Raises:
        ProtocolValidationError: *inner* is guarded by a policy or tenants, whose rows must not meet in a cache.
    """

    def __init__(
        self,
        inner: Any,
        cache: Cache,
        *,
        ttl: int = 300,
        prefix: str | None = None,
        hasher: Callable[[str], str] | None = None,
    ) -> None:
        if getattr(inner, "rls_policy", None) is not None or getattr(inner, "multi_tenant", False):
            raise ProtocolValidationError(
                "a guarded repository is not cached: what one tenant reads could reach another",
                hint="Cache above the service that knows the tenant.",
            )
        self._inner = inner
        self._cache = cache
        self._ttl = ttl
        self._prefix = prefix or f"repo:{inner.table_name}"
        self._hash: Callable[[str], str] = hasher or _sha256

    async def _generation(self) -> str:
        found = await self._cache.get(f"{self._prefix}:version")
        return str(found) if found is not None else await self.invalidate()

    async def invalidate(self) -> str:
        """Forget what is kept, by beginning a new generation; returns its name."""
        # Not a number that is counted up: two writers at once could count to the same.
        generation = uuid.uuid4().hex
        await self._cache.set(f"{self._prefix}:version", generation)
        return generation

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name in _READS:

            async def read(*args: Any, **keywords: Any) -> Any:
                return await self._read(name, method, args, keywords)

            return read
        if name in _WRITES:

            async def write(*args: Any, **keywords: Any) -> Any:
                return await self._write(method, args, keywords)

            return write
        return method

    async def _read(self, name: str, method: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        held = getattr(self._inner.provider, "get_scoped_connection", None)
        if held is not None and held() is not None:
            return await method(*args, **keywords)
        described = repr((name, args, sorted(keywords.items())))
        key = f"{self._prefix}:v{await self._generation()}:{self._hash(described)}"
        found = await self._cache.get(key)
        if found is not None:
            return found[0]
        result = await method(*args, **keywords)
        # In a list, so that None is kept as well.
        await self._cache.set(key, [result], ttl=self._ttl)
        return result

    async def _write(self, method: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        try:
            return await method(*args, **keywords)
        finally:
            # Also after an error: it may not be known whether the write was done.
            await self.invalidate()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
