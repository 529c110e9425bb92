"""``Ok`` and ``Err``: what each method does on either side."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest
from lexigram.contracts.result import (
    Err,
    Ok,
    Result,
    ResultError,
    UnwrapError,
    from_exception,
    is_err,
    is_ok,
    is_result,
)

OK: Result[int, str] = Ok(2)
ERR: Result[int, str] = Err("no")


def never(*_: Any) -> Any:
    """Fail the test when called."""
    raise AssertionError("called on the wrong side")


async def twice_later(value: int) -> int:
    """An async function of a value."""
    return value * 2


async def half_later(value: int) -> Result[int, str]:
    """An async function that returns a result."""
    return half(value)


def half(value: int) -> Result[int, str]:
    """A function that returns a result."""
    return Err("odd") if value % 2 else Ok(value // 2)


def test_each_side_knows_which_it_is() -> None:
    """Methods and guards agree."""
    assert (OK.is_ok(), OK.is_err(), is_ok(OK), is_err(OK)) == (True, False, True, False)
    assert (ERR.is_ok(), ERR.is_err(), is_ok(ERR), is_err(ERR)) == (False, True, False, True)
    assert [is_result(value) for value in (OK, ERR, 2, None, Ok)] == [True, True, False, False, False]


def test_values_are_taken_out() -> None:
    """The side that has something gives it; the other gives the default."""
    assert (OK.unwrap(), OK.expect("m"), OK.unwrap_or(0), OK.unwrap_or_else(never), OK.to_optional()) == (2, 2, 2, 2, 2)
    assert (ERR.unwrap_err(), ERR.expect_err("m"), ERR.unwrap_or(0), ERR.unwrap_or_else(len)) == ("no", "no", 0, 2)
    assert ERR.to_optional() is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ERR.unwrap(), "called unwrap() on an Err: 'no'"),
        (lambda: ERR.expect("a user"), "a user: 'no'"),
        (lambda: OK.unwrap_err(), "called unwrap_err() on an Ok"),
        (lambda: OK.expect_err("an error"), "an error"),
    ],
)
def test_the_wrong_side_raises(call: Callable[[], Any], message: str) -> None:
    """The error has its code and the result."""
    with pytest.raises(UnwrapError) as caught:
        call()

    assert caught.value.message == message
    assert caught.value.code == "LEX_ERR_RESULT_002"
    assert is_result(caught.value.result)


def test_unwrapping_an_exception_keeps_it_as_the_cause() -> None:
    """The traceback tells what happened first."""
    error = KeyError("x")

    with pytest.raises(UnwrapError) as caught:
        Err(error).unwrap()

    assert caught.value.__cause__ is error


def test_functions_run_on_their_side_only() -> None:
    """Sync methods."""
    assert OK.map_sync(lambda v: v + 1) == Ok(3)
    assert ERR.map_sync(never) is ERR
    assert OK.map_err(never) is OK
    assert ERR.map_err(len) == Err(2)
    assert OK.and_then_sync(half) == Ok(1)
    assert OK.map_sync(lambda v: v + 1).and_then_sync(half) == Err("odd")
    assert ERR.and_then_sync(never) is ERR
    assert OK.or_else_sync(never) is OK
    assert ERR.or_else_sync(lambda e: Ok(len(e))) == Ok(2)
    assert OK.ok_or("other") is OK
    assert ERR.ok_or("other") == Err("other")


async def test_async_methods_take_sync_and_async_functions() -> None:
    """Documents show both forms."""
    assert await OK.map(twice_later) == await OK.map(lambda v: v * 2) == await OK.async_map(twice_later) == Ok(4)
    assert await ERR.map(never) is await ERR.async_map(never) is ERR
    assert await OK.and_then(half_later) == await OK.and_then(half) == Ok(1)
    assert await ERR.and_then(never) is ERR
    assert await OK.or_else(never) is OK
    assert await Err(4).or_else(half_later) == await Err(4).or_else(half) == Ok(2)


async def test_a_function_that_forgets_to_return_a_result_is_told_so() -> None:
    """The error names the function, where it happens."""
    broken: Any = len

    for call in (lambda: Ok("x").and_then_sync(broken), lambda: Err("x").or_else_sync(broken)):
        with pytest.raises(ResultError, match="len returned int, not Ok or Err"):
            call()
    with pytest.raises(ResultError, match="twice_later returned int"):
        await Ok(1).and_then(twice_later)  # type: ignore[arg-type]
    with pytest.raises(ResultError, match="twice_later returned int"):
        await Err(1).or_else(twice_later)  # type: ignore[arg-type]


def test_match_filter_flatten_inspect() -> None:
    """The remaining methods, on both sides."""
    seen: list[object] = []

    assert OK.match(ok=lambda v: f"ok {v}", err=never) == "ok 2"
    assert ERR.match(ok=never, err=lambda e: f"err {e}") == "err no"
    assert (OK.filter(lambda v: v > 1, "small"), OK.filter(lambda v: v > 2, "small")) == (OK, Err("small"))
    assert ERR.filter(never, "small") is ERR
    assert (Ok(Ok(1)).flatten(), Ok(Err("e")).flatten(), Err("e").flatten()) == (Ok(1), Err("e"), Err("e"))
    assert Ok(1).flatten() == Ok(1)  # type: ignore[misc]
    assert OK.inspect(seen.append).inspect_err(never) is OK
    assert ERR.inspect(never).inspect_err(seen.append) is ERR
    assert seen == [2, "no"]


def test_match_statements() -> None:
    """Both classes have a position for what they hold."""
    found: list[object] = []
    for result in (OK, ERR):
        match result:
            case Ok(value):
                found.append(value)
            case Err(error):
                found.append(error)

    assert found == [2, "no"]


def test_results_are_values() -> None:
    """Equal, hashable, readable, immutable, copied and pickled by what they hold."""
    assert Ok(1) == Ok(1) != Ok(2)
    assert Ok(1) != Err(1)
    assert {Ok(1): "a", Err(1): "b"} == {Ok(1): "a", Err(1): "b"}
    assert (repr(Ok("a")), repr(Err("b"))) == ("Ok('a')", "Err('b')")
    for result in (Ok([1]), Err({"a": 1})):
        assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result
        assert not hasattr(result, "__dict__")
    assert Ok[int](1) == Ok(1)
    assert Err[str]("e") == Err("e")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Ok(1).value = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ok([]))


@pytest.mark.parametrize("result_class", [Ok, Err])
def test_the_classes_are_final(result_class: type[Any]) -> None:
    """There are two kinds of results, and no third."""
    assert result_class.__final__ is True


def test_an_exception_becomes_an_error() -> None:
    """Without its traceback, which would keep every frame alive."""
    caught: Result[int, ValueError]
    try:
        raise ValueError("x")
    except ValueError as error:
        caught = Err.from_exception(error)

    assert isinstance(caught.unwrap_err(), ValueError)
    assert caught.unwrap_err().__traceback__ is None
    assert from_exception(caught.unwrap_err()) == caught


def test_the_alias_is_a_type_at_run_time() -> None:
    """Code that reads annotations sees the two classes."""
    assert Result[int, str] == Ok[int] | Err[str]
    assert typing.get_origin(Ok[int]) is Ok
