"""From exceptions to results and back to collections: decorators, guards and a pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable
from functools import wraps
from inspect import isawaitable
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from lexigram.contracts.core.result import Err, Ok, Result, is_result
from lexigram.contracts.exceptions.result import ResultError

__all__ = [
    "ResultPipeline",
    "as_result",
    "as_result_sync",
    "collect",
    "from_exception",
    "partition",
    "pipeline",
    "try_catch",
    "try_catch_sync",
]

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E")
U = TypeVar("U")
F = TypeVar("F")
X = TypeVar("X", bound=Exception)


def from_exception(exception: X) -> Err[X]:
    """A failure holding *exception*, the same as :meth:`Err.from_exception`."""
    return Err.from_exception(exception)


def as_result(*exceptions: type[X]) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[Result[T, X]]]]:
    """Make an async function return ``Err`` where it raised one of these exceptions, and ``Ok`` of what it returned.

    Args:
        *exceptions: The failures that are expected; others pass. Without any, every ``Exception`` is.
    """
    expected = _expected(exceptions)

    def decorate(func: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[Result[T, X]]]:
        @wraps(func)
        async def run(*args: P.args, **kwargs: P.kwargs) -> Result[T, X]:
            try:
                return Ok(await func(*args, **kwargs))
            except expected as error:
                return Err(error)

        return run

    return decorate


def as_result_sync(*exceptions: type[X]) -> Callable[[Callable[P, T]], Callable[P, Result[T, X]]]:
    """Make a function return ``Err`` where it raised one of these exceptions, and ``Ok`` of what it returned.

    Args:
        *exceptions: The failures that are expected; others pass. Without any, every ``Exception`` is.
    """
    expected = _expected(exceptions)

    def decorate(func: Callable[P, T]) -> Callable[P, Result[T, X]]:
        @wraps(func)
        def run(*args: P.args, **kwargs: P.kwargs) -> Result[T, X]:
            try:
                return Ok(func(*args, **kwargs))
            except expected as error:
                return Err(error)

        return run

    return decorate


@overload
async def try_catch(
    exceptions: type[X] | tuple[type[X], ...], func: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> Result[T, X]: ...
@overload
async def try_catch(
    exceptions: type[X] | tuple[type[X], ...], func: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> Result[T, X]: ...
async def try_catch(
    exceptions: type[X] | tuple[type[X], ...], func: Callable[..., Any], *args: Any, **kwargs: Any
) -> Result[Any, X]:
    """Call *func*, sync or async, and give what it returned as ``Ok``, or the expected exception as ``Err``."""
    expected = _expected(exceptions if isinstance(exceptions, tuple) else (exceptions,))
    try:
        outcome = func(*args, **kwargs)
        return Ok(await outcome if isawaitable(outcome) else outcome)
    except expected as error:
        return Err(error)


def try_catch_sync(
    exceptions: type[X] | tuple[type[X], ...], func: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> Result[T, X]:
    """Call *func* and give what it returned as ``Ok``, or the expected exception as ``Err``."""
    expected = _expected(exceptions if isinstance(exceptions, tuple) else (exceptions,))
    try:
        return Ok(func(*args, **kwargs))
    except expected as error:
        return Err(error)


def collect(results: Iterable[Result[T, E]]) -> Result[list[T], E]:
    """All the values in order, or the first error; what follows the first error is not looked at."""
    values: list[T] = []
    for result in results:
        if isinstance(result, Err):
            return result
        values.append(result.value)
    return Ok(values)


def partition(results: Iterable[Result[T, E]]) -> tuple[list[T], list[E]]:
    """The values and the errors, each in order."""
    values: list[T] = []
    errors: list[E] = []
    for result in results:
        if isinstance(result, Err):
            errors.append(result.error)
        else:
            values.append(result.value)
    return values, errors


class ResultPipeline(Generic[T, E]):
    """Steps that run one after the other until one fails; nothing runs before :meth:`finalize`.

    Steps may be sync or async. A pipeline never changes: each method returns a longer one, so that a common beginning
    can be shared. Awaiting a pipeline is the same as awaiting ``finalize()``.
    """

    __slots__ = ("_start", "_steps")

    def __init__(self, start: Result[T, E], steps: tuple[Callable[[Any], Awaitable[Any]], ...] = ()) -> None:
        self._start: Result[Any, Any] = start
        self._steps = steps

    @overload
    def then(self, func: Callable[[T], Awaitable[Result[U, F]]]) -> ResultPipeline[U, E | F]: ...
    @overload
    def then(self, func: Callable[[T], Result[U, F]]) -> ResultPipeline[U, E | F]: ...
    def then(self, func: Callable[[T], Any]) -> ResultPipeline[Any, Any]:
        """Go on with a function of the value that returns a result."""
        return self._with(lambda result: result.and_then(func))

    @overload
    def map(self, func: Callable[[T], Awaitable[U]]) -> ResultPipeline[U, E]: ...
    @overload
    def map(self, func: Callable[[T], U]) -> ResultPipeline[U, E]: ...
    def map(self, func: Callable[[T], Any]) -> ResultPipeline[Any, Any]:
        """Go on with a function of the value that cannot fail."""
        return self._with(lambda result: result.map(func))

    @overload
    def recover(self, func: Callable[[E], Awaitable[Result[U, F]]]) -> ResultPipeline[T | U, F]: ...
    @overload
    def recover(self, func: Callable[[E], Result[U, F]]) -> ResultPipeline[T | U, F]: ...
    def recover(self, func: Callable[[E], Any]) -> ResultPipeline[Any, Any]:
        """After a failure, go on with a function of the error that returns a result."""
        return self._with(lambda result: result.or_else(func))

    async def finalize(self) -> Result[T, E]:
        """Run the steps and return the outcome."""
        result = self._start
        for step in self._steps:
            result = await step(result)
        return result

    def __await__(self) -> Generator[Any, Any, Result[T, E]]:
        return self.finalize().__await__()

    def _with(self, step: Callable[[Any], Awaitable[Any]]) -> ResultPipeline[Any, Any]:
        return ResultPipeline(self._start, (*self._steps, step))


@overload
def pipeline(start: Ok[T]) -> ResultPipeline[T, Any]: ...
@overload
def pipeline(start: Err[E]) -> ResultPipeline[Any, E]: ...
@overload
def pipeline(start: T) -> ResultPipeline[T, Any]: ...
def pipeline(start: Any) -> ResultPipeline[Any, Any]:
    """A pipeline that starts with a value, or with a result."""
    return ResultPipeline(start if is_result(start) else Ok(start))


def _expected(exceptions: tuple[type[X], ...]) -> tuple[type[X], ...]:
    for kind in exceptions:
        if not (isinstance(given := cast("Any", kind), type) and issubclass(given, Exception)):
            raise ResultError(
                f"{kind!r} is not an exception class",
                hint="Name the expected exceptions, as in @as_result(ValueError); a bare @as_result is not possible.",
            )
    return exceptions or cast("tuple[type[X], ...]", (Exception,))
