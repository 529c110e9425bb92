"""From exceptions to results, and collections of results."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.contracts.result import (
    Err,
    Ok,
    Result,
    ResultError,
    as_result,
    as_result_sync,
    collect,
    partition,
    pipeline,
    try_catch,
    try_catch_sync,
)


@as_result(ValueError, KeyError)
async def parse_later(text: str, base: int = 10) -> int:
    """Read a number."""
    return int(text, base)


@as_result_sync(ValueError)
def parse(text: str, base: int = 10) -> int:
    """Read a number."""
    return int(text, base)


async def read_later(text: str) -> int:
    """An async function that may raise."""
    return int(text)


async def test_expected_exceptions_become_errors() -> None:
    """Both decorators."""
    for result in (parse("x"), await parse_later("x")):
        assert isinstance(result, Err)
        assert isinstance(result.error, ValueError)
    assert parse("11", base=2) == await parse_later("11", base=2) == Ok(3)
    assert (parse.__name__, parse_later.__doc__) == ("parse", "Read a number.")


async def test_other_exceptions_pass() -> None:
    """What is not expected is not hidden."""
    broken: Any = None

    with pytest.raises(TypeError):
        parse(broken)
    with pytest.raises(TypeError):
        await parse_later(broken)


async def test_without_names_every_exception_is_expected() -> None:
    """But not those that end the program."""

    @as_result_sync()
    def fail(error: BaseException) -> int:
        raise error

    assert fail(OSError()).is_err()
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt())


@pytest.mark.parametrize("decorator", [as_result, as_result_sync])
@pytest.mark.parametrize("given", [len, KeyboardInterrupt, "ValueError"])
def test_decorating_with_something_else_is_refused(decorator: Any, given: Any) -> None:
    """A bare decorator, say."""
    with pytest.raises(ResultError, match="is not an exception class"):
        decorator(given)


async def test_calls_are_guarded() -> None:
    """``try_catch`` takes sync and async functions, and one or several exceptions."""
    assert await try_catch(ValueError, int, "3") == await try_catch((ValueError,), read_later, "3") == Ok(3)
    assert (await try_catch((ValueError, KeyError), read_later, "x")).is_err()
    assert try_catch_sync(ValueError, int, "11", base=2) == Ok(3)
    assert try_catch_sync((KeyError,), {}.__getitem__, "x").is_err()
    with pytest.raises(ValueError, match="invalid literal"):
        await try_catch(KeyError, int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        try_catch_sync(KeyError, int, "x")


def test_collect_stops_at_the_first_error() -> None:
    """What follows is not even asked for."""

    def results() -> Any:
        yield Ok(1)
        yield Err("first")
        raise AssertionError("asked for more")

    assert collect(results()) == Err("first")
    assert collect([Ok(1), Ok(2)]) == Ok([1, 2])
    assert collect([]) == Ok([])


def test_partition_keeps_order() -> None:
    """Values and errors, apart."""
    mixed: list[Result[int, str]] = [Ok(1), Err("a"), Ok(2), Err("b")]

    assert partition(mixed) == ([1, 2], ["a", "b"])


async def test_a_pipeline_runs_its_steps_in_order() -> None:
    """Sync and async steps, values and results."""
    text = pipeline(" 11 ").map(str.strip).then(parse).map(lambda v: v + 1)

    assert await text.finalize() == await text == Ok(12)


async def test_a_pipeline_stops_at_an_error_and_may_recover() -> None:
    """Steps after the error are skipped until ``recover``."""
    calls: list[str] = []

    def note(value: int) -> int:
        calls.append("note")
        return value

    failed = pipeline("x").then(parse_later).map(note)

    assert (await failed).is_err()
    assert await failed.recover(lambda _: Ok(0)).map(note) == Ok(0)
    assert calls == ["note"]
    assert await pipeline(Ok(1)).recover(lambda _: Ok(0)) == Ok(1)
    assert await pipeline(Err("e")).map(note) == Err("e")


async def test_a_pipeline_never_changes() -> None:
    """A common beginning is shared, and nothing runs before it is awaited."""
    calls: list[int] = []
    start = pipeline(1).map(lambda v: calls.append(v) or v)
    one, two = start.map(lambda v: v + 1), start.map(lambda v: v + 2)

    assert calls == []
    assert (await one, await two) == (Ok(2), Ok(3))
    assert calls == [1, 1]
