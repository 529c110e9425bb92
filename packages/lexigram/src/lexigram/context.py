"""Values that follow a task: a request's id, its tenant, its language.

::

    REQUEST_ID = ContextKey[str]("request_id", logged=True)

    with REQUEST_ID.bound("r-17"):
        await handle()                    # anywhere inside: REQUEST_ID.get() == "r-17"

A value holds for the block, for what it calls, and for the tasks started in it (:mod:`contextvars`). Tasks do not see
what others bind. Values of keys with ``logged`` are in every entry of :func:`lexigram.logs.get_logger`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar, cast, overload

__all__ = ["Context", "ContextKey"]

T = TypeVar("T")
D = TypeVar("D")

_ABSENT: Any = object()


class ContextKey(Generic[T]):
    """The key of a value. Two keys are never the same, whatever their names.

    Args:
        name: What it is called in messages and logs.
        default: The value where none is bound; without it, asking then is an error.
        logged: Write it in every log entry. Not for secrets.
    """

    __slots__ = ("_default", "logged", "name")

    def __init__(self, name: str, *, default: T = _ABSENT, logged: bool = False) -> None:
        self.name = name
        self.logged = logged
        self._default = default

    @overload
    def get(self) -> T: ...
    @overload
    def get(self, default: D, /) -> T | D: ...
    def get(self, *default: Any) -> Any:
        """The value that is bound here; else *default*; else the key's own default.

        Raises:
            LookupError: Nothing is bound, and there is no default.
        """
        found = Context.current().get(self, _ABSENT)
        if found is not _ABSENT:
            return found
        if default:
            return default[0]
        if self._default is not _ABSENT:
            return self._default
        raise LookupError(f"nothing is bound to {self.name!r} here; use `with key.bound(value):` around it")

    @contextmanager
    def bound(self, value: T) -> Generator[T]:
        """Bind a value for a block."""
        with Context.current().bind(self, value).active():
            yield value

    def __repr__(self) -> str:
        return f"ContextKey({self.name!r})"


class Context(Mapping[ContextKey[Any], Any]):
    """The values that are bound at a place. Never changed; binding makes a new one.

    Args:
        values: The values by key.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[ContextKey[Any], Any] | None = None) -> None:
        self._values = dict(values or {})

    @classmethod
    def current(cls) -> Context:
        """The values that are bound here."""
        return _current.get()

    def bind(self, key: ContextKey[T], value: T) -> Context:
        """The same with another value."""
        return Context({**self._values, key: value})

    @contextmanager
    def active(self) -> Generator[Context]:
        """Let these values, and no others, be bound for a block; to carry them into another task or thread."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)

    def __getitem__(self, key: ContextKey[T]) -> T:
        return cast("T", self._values[key])

    def __iter__(self) -> Iterator[ContextKey[Any]]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        # Names only: what is bound may be somebody's business.
        return f"Context({', '.join(key.name for key in self._values)})"


_current: ContextVar[Context] = ContextVar("lexigram_context", default=Context())  # noqa: B039 - it is never changed
