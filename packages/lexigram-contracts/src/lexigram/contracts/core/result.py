"""``Result``: an expected outcome that is either a value or an error, as a value.

Expected failures of the domain travel as ``Err``; what the program cannot foresee stays an exception. Both classes are
final, immutable, hashable where what they hold is, pickle-able, and take part in ``match`` statements that type
checkers find exhaustive::

    match await find_user("u-1"):
        case Ok(user):
            ...
        case Err(error):
            ...

``map``, ``and_then`` and ``or_else`` are coroutines and take a sync or an async function alike; the names ending in
``_sync`` are ordinary methods for ordinary functions. Both classes have every method, so that code can chain without
asking which one it holds.

``Result[T, E]`` is the union ``Ok[T] | Err[E]``: annotate with it, and test with ``is_ok()`` or ``isinstance(r, Ok)``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypeVar, cast, final, overload

from lexigram.contracts.exceptions.result import ResultError, UnwrapError
from typing_extensions import TypeIs

__all__ = ["Err", "Ok", "Result", "ResultError", "UnwrapError", "is_err", "is_ok", "is_result"]

T = TypeVar("T")
E = TypeVar("E")
U = TypeVar("U")
F = TypeVar("F")
X = TypeVar("X", bound=BaseException)
T_co = TypeVar("T_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)


@final
@dataclass(frozen=True, repr=False)
class Ok(Generic[T_co]):
    """A success and its value.

    Attributes:
        value: What was produced.
    """

    # By hand: with dataclass(slots=True), Ok[int](1) fails on Python 3.11 (its __setattr__ knows the class before).
    __slots__ = ("value",)

    value: T_co

    def __repr__(self) -> str:
        return f"Ok({self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Ok, (self.value,)

    def is_ok(self) -> Literal[True]:
        """True: this is a success."""
        return True

    def is_err(self) -> Literal[False]:
        """False: this is no error."""
        return False

    def unwrap(self) -> T_co:
        """The value."""
        return self.value

    def unwrap_err(self) -> NoReturn:
        """There is no error to give.

        Raises:
            UnwrapError: Always.
        """
        raise UnwrapError("called unwrap_err() on an Ok", result=self)

    def expect(self, message: str) -> T_co:
        """The value; *message* is for the other case."""
        return self.value

    def expect_err(self, message: str) -> NoReturn:
        """There is no error to give.

        Raises:
            UnwrapError: Always, with *message*.
        """
        raise UnwrapError(message, result=self)

    def unwrap_or(self, default: object) -> T_co:
        """The value; *default* is for the other case."""
        return self.value

    def unwrap_or_else(self, func: Callable[[Any], object]) -> T_co:
        """The value; *func* is for the other case."""
        return self.value

    def ok_or(self, error: object) -> Ok[T_co]:
        """The same success; *error* is for the other case."""
        return self

    def to_optional(self) -> T_co:
        """The value."""
        return self.value

    def map_sync(self, func: Callable[[T_co], U]) -> Ok[U]:
        """A success holding ``func(value)``."""
        return Ok(func(self.value))

    def map_err(self, func: Callable[[Any], object]) -> Ok[T_co]:
        """The same success; *func* is for the other case."""
        return self

    def and_then_sync(self, func: Callable[[T_co], Result[U, F]]) -> Result[U, F]:
        """What *func* makes of the value.

        Raises:
            ResultError: *func* returned neither ``Ok`` nor ``Err``.
        """
        return _checked(func(self.value), func)

    def or_else_sync(self, func: Callable[[Any], object]) -> Ok[T_co]:
        """The same success; *func* is for the other case."""
        return self

    @overload
    async def map(self, func: Callable[[T_co], Awaitable[U]]) -> Ok[U]: ...
    @overload
    async def map(self, func: Callable[[T_co], U]) -> Ok[U]: ...
    async def map(self, func: Callable[[T_co], Any]) -> Ok[Any]:
        """A success holding ``func(value)``, awaited where *func* is async."""
        return Ok(await _settled(func(self.value)))

    async_map = map  # noqa: A003 - the method, not the builtin

    @overload
    async def and_then(self, func: Callable[[T_co], Awaitable[Result[U, F]]]) -> Result[U, F]: ...
    @overload
    async def and_then(self, func: Callable[[T_co], Result[U, F]]) -> Result[U, F]: ...
    async def and_then(self, func: Callable[[T_co], Any]) -> Result[Any, Any]:
        """What *func* makes of the value, awaited where *func* is async.

        Raises:
            ResultError: *func* returned neither ``Ok`` nor ``Err``.
        """
        return _checked(await _settled(func(self.value)), func)

    async def or_else(self, func: Callable[[Any], object]) -> Ok[T_co]:
        """The same success; *func* is for the other case."""
        return self

    def match(self, ok: Callable[[T_co], U], err: Callable[[Any], object]) -> U:
        """What *ok* makes of the value."""
        return ok(self.value)

    def flatten(self: Ok[Result[U, F]]) -> Result[U, F]:
        """The result inside; the success itself where what it holds is no result."""
        return self.value if is_result(self.value) else cast("Result[U, F]", self)

    def filter(self, predicate: Callable[[T_co], bool], error: F) -> Result[T_co, F]:
        """The same success where *predicate* holds of the value, else ``Err(error)``."""
        return self if predicate(self.value) else Err(error)

    def inspect(self, func: Callable[[T_co], object]) -> Ok[T_co]:
        """Call *func* with the value, for its side effect, and go on with the same success."""
        func(self.value)
        return self

    def inspect_err(self, func: Callable[[Any], object]) -> Ok[T_co]:
        """The same success; *func* is for the other case."""
        return self


@final
@dataclass(frozen=True, repr=False)
class Err(Generic[E_co]):
    """A failure and its error.

    Attributes:
        error: What went wrong; an exception or any other value.
    """

    # By hand: with dataclass(slots=True), Err[int](1) fails on Python 3.11 (its __setattr__ knows the class before).
    __slots__ = ("error",)

    error: E_co

    def __repr__(self) -> str:
        return f"Err({self.error!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Err, (self.error,)

    @staticmethod
    def from_exception(exception: X) -> Err[X]:
        """A failure holding *exception*, traceback dropped so that no frame is kept alive."""
        return Err(exception.with_traceback(None))

    def is_ok(self) -> Literal[False]:
        """False: this is no success."""
        return False

    def is_err(self) -> Literal[True]:
        """True: this is a failure."""
        return True

    def unwrap(self) -> NoReturn:
        """There is no value to give.

        Raises:
            UnwrapError: Always; the error is its ``__cause__`` where it is an exception.
        """
        raise UnwrapError(f"called unwrap() on an Err: {self.error!r}", result=self) from self._cause()

    def unwrap_err(self) -> E_co:
        """The error."""
        return self.error

    def expect(self, message: str) -> NoReturn:
        """There is no value to give.

        Raises:
            UnwrapError: Always, with *message* and the error.
        """
        raise UnwrapError(f"{message}: {self.error!r}", result=self) from self._cause()

    def expect_err(self, message: str) -> E_co:
        """The error; *message* is for the other case."""
        return self.error

    def unwrap_or(self, default: U) -> U:
        """The *default*."""
        return default

    def unwrap_or_else(self, func: Callable[[E_co], U]) -> U:
        """What *func* makes of the error."""
        return func(self.error)

    def ok_or(self, error: F) -> Err[F]:
        """A failure holding *error* instead."""
        return Err(error)

    def to_optional(self) -> None:
        """None."""
        return

    def map_sync(self, func: Callable[[Any], object]) -> Err[E_co]:
        """The same failure; *func* is for the other case."""
        return self

    def map_err(self, func: Callable[[E_co], F]) -> Err[F]:
        """A failure holding ``func(error)``."""
        return Err(func(self.error))

    def and_then_sync(self, func: Callable[[Any], object]) -> Err[E_co]:
        """The same failure; *func* is for the other case."""
        return self

    def or_else_sync(self, func: Callable[[E_co], Result[U, F]]) -> Result[U, F]:
        """What *func* makes of the error.

        Raises:
            ResultError: *func* returned neither ``Ok`` nor ``Err``.
        """
        return _checked(func(self.error), func)

    async def map(self, func: Callable[[Any], object]) -> Err[E_co]:
        """The same failure; *func* is for the other case."""
        return self

    async_map = map  # noqa: A003 - the method, not the builtin

    async def and_then(self, func: Callable[[Any], object]) -> Err[E_co]:
        """The same failure; *func* is for the other case."""
        return self

    @overload
    async def or_else(self, func: Callable[[E_co], Awaitable[Result[U, F]]]) -> Result[U, F]: ...
    @overload
    async def or_else(self, func: Callable[[E_co], Result[U, F]]) -> Result[U, F]: ...
    async def or_else(self, func: Callable[[E_co], Any]) -> Result[Any, Any]:
        """What *func* makes of the error, awaited where *func* is async.

        Raises:
            ResultError: *func* returned neither ``Ok`` nor ``Err``.
        """
        return _checked(await _settled(func(self.error)), func)

    def match(self, ok: Callable[[Any], object], err: Callable[[E_co], U]) -> U:
        """What *err* makes of the error."""
        return err(self.error)

    def flatten(self) -> Err[E_co]:
        """The same failure."""
        return self

    def filter(self, predicate: Callable[[Any], object], error: object) -> Err[E_co]:
        """The same failure."""
        return self

    def inspect(self, func: Callable[[Any], object]) -> Err[E_co]:
        """The same failure; *func* is for the other case."""
        return self

    def inspect_err(self, func: Callable[[E_co], object]) -> Err[E_co]:
        """Call *func* with the error, for its side effect, and go on with the same failure."""
        func(self.error)
        return self

    def _cause(self) -> BaseException | None:
        error: object = self.error
        return error if isinstance(error, BaseException) else None


Result: TypeAlias = Ok[T] | Err[E]
"""Either side; ``Result[int, str]`` is ``Ok[int] | Err[str]``."""


def is_ok(result: Result[T, E]) -> TypeIs[Ok[T]]:
    """True for ``Ok``, in a way that type checkers follow."""
    return isinstance(result, Ok)


def is_err(result: Result[T, E]) -> TypeIs[Err[E]]:
    """True for ``Err``, in a way that type checkers follow."""
    return isinstance(result, Err)


def is_result(value: object) -> TypeIs[Result[Any, Any]]:
    """True for ``Ok`` and ``Err``, False for anything else."""
    return isinstance(value, (Ok, Err))


async def _settled(outcome: Any) -> Any:
    """The outcome of a function that may have been async."""
    return await outcome if isawaitable(outcome) else outcome


def _checked(result: Result[U, F], func: Callable[..., Any]) -> Result[U, F]:
    """Refuse, where it happens, a function that forgot to return a result."""
    if is_result(result):
        return result
    name = getattr(func, "__qualname__", repr(func))
    raise ResultError(
        f"{name} returned {type(result).__name__}, not Ok or Err", hint="Use map or map_sync for plain functions."
    )
