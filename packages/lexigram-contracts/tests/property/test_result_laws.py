"""The laws that results keep, whatever they hold."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.result import Err, Ok, Result, collect, partition, pipeline

values = st.one_of(st.none(), st.integers(), st.text(), st.tuples(st.integers(), st.text()))
results: st.SearchStrategy[Result[Any, Any]] = st.one_of(values.map(Ok), values.map(Err))

# Functions of any value: total, deterministic, different from each other.
functions = st.sampled_from([repr, lambda v: (v, v), lambda _: 0, lambda v: (v,), hash])
steps = st.sampled_from(
    [Ok, Err, lambda v: Ok((v,)), lambda v: Err(repr(v)), lambda v: Ok(v) if hash(v) % 2 else Err("even")]
)


@given(results)
def test_mapping_identity_changes_nothing(result: Result[Any, Any]) -> None:
    """Functor, first law."""
    assert result.map_sync(lambda v: v) == result == result.map_err(lambda e: e)


@given(results, functions, functions)
def test_mapping_twice_is_mapping_the_composition(result: Result[Any, Any], f: Any, g: Any) -> None:
    """Functor, second law."""
    assert result.map_sync(f).map_sync(g) == result.map_sync(lambda v: g(f(v)))


@given(values, steps)
def test_ok_is_a_unit_from_the_left(value: Any, step: Any) -> None:
    """Monad, first law; and the same on the side of errors."""
    assert Ok(value).and_then_sync(step) == step(value)
    assert Err(value).or_else_sync(step) == step(value)


@given(results)
def test_ok_is_a_unit_from_the_right(result: Result[Any, Any]) -> None:
    """Monad, second law."""
    assert result.and_then_sync(Ok) == result == result.or_else_sync(Err)


@given(results, steps, steps)
def test_chaining_is_associative(result: Result[Any, Any], f: Any, g: Any) -> None:
    """Monad, third law."""
    assert result.and_then_sync(f).and_then_sync(g) == result.and_then_sync(lambda v: f(v).and_then_sync(g))


@given(results, functions, steps)
def test_async_methods_agree_with_sync_ones(result: Result[Any, Any], f: Any, step: Any) -> None:
    """For plain functions and for coroutine functions."""

    async def f_later(value: Any) -> Any:
        return f(value)

    async def step_later(value: Any) -> Any:
        return step(value)

    async def check() -> None:
        assert await result.map(f) == await result.map(f_later) == result.map_sync(f)
        assert await result.and_then(step) == await result.and_then(step_later) == result.and_then_sync(step)
        assert await result.or_else(step) == await result.or_else(step_later) == result.or_else_sync(step)
        assert await pipeline(result).map(f).then(step) == result.map_sync(f).and_then_sync(step)

    asyncio.run(check())


@given(results, values)
def test_the_ways_out_agree(result: Result[Any, Any], default: Any) -> None:
    """``match``, ``unwrap_or``, ``unwrap_or_else`` and ``flatten`` see the same side."""
    assert result.unwrap_or(default) == result.match(ok=lambda v: v, err=lambda _: default)
    assert result.unwrap_or_else(repr) == result.match(ok=lambda v: v, err=repr)
    assert Ok(result).flatten() == result


@given(results)
def test_equality_hash_and_pickling_agree(result: Result[Any, Any]) -> None:
    """A result that went through pickle is the same value."""
    back = pickle.loads(pickle.dumps(result))

    assert back == result
    assert hash(back) == hash(result)
    assert repr(back) == repr(result)


@given(st.lists(results))
def test_collect_and_partition_agree(many: list[Result[Any, Any]]) -> None:
    """Collecting gives all the values, or the first error."""
    oks, errors = partition(many)

    assert collect(many) == (Err(errors[0]) if errors else Ok(oks))
    assert len(oks) + len(errors) == len(many)
