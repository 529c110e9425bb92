"""What type checkers make of results. Never run."""

from __future__ import annotations

from typing import assert_never, assert_type

from lexigram.contracts.result import (
    Err,
    Ok,
    Result,
    as_result,
    as_result_sync,
    collect,
    is_err,
    is_ok,
    partition,
    pipeline,
    try_catch,
    try_catch_sync,
)


def find(key: int) -> Result[str, KeyError]:
    return Ok("x") if key else Err(KeyError(key))


def length(text: str) -> Result[int, ValueError]:
    return Ok(len(text)) if text else Err(ValueError(text))


async def length_later(text: str) -> Result[int, ValueError]:
    return length(text)


async def upper_later(text: str) -> str:
    return text.upper()


def exhaustive_match(result: Result[str, KeyError]) -> str:
    match result:
        case Ok(value):
            assert_type(value, str)
            return value
        case Err(error):
            assert_type(error, KeyError)
            return str(error)
        case _:
            assert_never(result)


def narrowing(result: Result[str, KeyError]) -> None:
    if is_ok(result):
        assert_type(result, Ok[str])
    else:
        assert_type(result, Err[KeyError])
    if is_err(result):
        assert_type(result.error, KeyError)


def sync_methods(result: Result[str, KeyError]) -> None:
    assert_type(result.map_sync(len), Ok[int] | Err[KeyError])
    assert_type(result.and_then_sync(length), Ok[int] | Err[ValueError] | Err[KeyError])
    assert_type(result.map_err(repr), Ok[str] | Err[str])
    assert_type(result.unwrap_or(None), str | None)
    assert_type(result.to_optional(), str | None)
    assert_type(result.unwrap(), str)
    assert_type(result.expect("there is one"), str)
    assert_type(result.unwrap_err(), KeyError)
    assert_type(result.match(ok=len, err=lambda _: 0), int)
    assert_type(result.inspect(print), Ok[str] | Err[KeyError])


async def async_methods(result: Result[str, KeyError]) -> None:
    assert_type(await result.map(len), Ok[int] | Err[KeyError])
    assert_type(await result.map(upper_later), Ok[str] | Err[KeyError])
    assert_type(await result.and_then(length), Ok[int] | Err[ValueError] | Err[KeyError])
    assert_type(await result.and_then(length_later), Ok[int] | Err[ValueError] | Err[KeyError])


def collections(results: list[Result[str, KeyError]]) -> None:
    assert_type(collect(results), Ok[list[str]] | Err[KeyError])
    assert_type(partition(results), tuple[list[str], list[KeyError]])


@as_result(ValueError)
async def parse_later(text: str) -> int:
    return int(text)


@as_result_sync(ValueError)
def parse(text: str) -> int:
    return int(text)


async def boundaries() -> None:
    assert_type(await parse_later("1"), Ok[int] | Err[ValueError])
    assert_type(parse("1"), Ok[int] | Err[ValueError])
    assert_type(await try_catch(ValueError, upper_later, "x"), Ok[str] | Err[ValueError])
    assert_type(try_catch_sync((ValueError,), int, "x"), Ok[int] | Err[ValueError])


async def pipelines() -> None:
    assert_type((await pipeline("x").map(len).finalize()).to_optional(), int | None)
    assert_type((await pipeline("x").map(upper_later).then(length_later)).to_optional(), int | None)
