"""Revisions of writes, by which a store knows its own ones again."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lexigram.nosql.backends.dynamodb.codec.times import grace, to_digits
from lexigram.nosql.backends.dynamodb.layouts.revisions import (
    Mark,
    _Revisions,
    carried,
    covers,
    has_seen,
    is_latest,
    mark_of,
    new_revision,
)

_FORKS = """
import os
from lexigram.nosql.backends.dynamodb.layouts.revisions import new_revision
new_revision()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, new_revision().encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(reading, 100).decode(), new_revision())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not copy processes")
def test_a_copy_of_a_process_makes_other_revisions() -> None:
    told = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, check=True)
    child, parent = told.stdout.split()
    assert child != parent


def test_the_revisions_of_a_process_are_in_their_order() -> None:
    made = [new_revision() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert {len(text) for text in made} == {14}


def test_revisions_are_in_their_order_though_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10**15, 10**15 - 10**12, 10**15 + 10**6])
    monkeypatch.setattr("time.time_ns", lambda: next(now))
    made = _Revisions()
    texts = [made.next() for _ in range(3)]
    assert texts == sorted(set(texts))


def test_threads_make_different_revisions() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [text for texts in pool.map(lambda _: [new_revision() for _ in range(2000)], range(8)) for text in texts]
    assert len(set(made)) == len(made)


def test_what_a_replacement_keeps_is_the_latest_first() -> None:
    keeps = {"p1": {"S": "d"}, "p2": {"S": "c"}, "p3": {"S": "b"}, "p4": {"S": "a"}, "p5": {"S": "a"}}
    item = {"_lx": {"M": {"r": {"S": "e"}, **keeps}}}
    assert mark_of(item) == Mark("e", ("d", "c", "b", "a", "a"))
    assert [name["S"] for name in carried(mark_of(item)).values()] == ["e", "d", "c", "b", "a"]
    assert carried(Mark("e")) == carried(None) == carried({"a": {"N": "1"}}) == {}
    assert all(has_seen(item, text) for text in "edcba")
    assert not has_seen(item, "f")
    assert not has_seen(None, "e")
    assert is_latest(item, "e")
    assert not is_latest(item, "d")


def _of(*texts: str) -> dict[str, Any]:
    kept = {name: {"S": text} for name, text in zip(("r", "p1", "p2", "p3", "p4", "p5"), texts, strict=False)}
    return {"_lx": {"M": kept}}


def _at(seconds: float) -> str:
    return to_digits(int(seconds * 1000), 7) + "process"


def test_an_item_tells_of_a_write_as_long_as_nothing_was_pushed_out_since() -> None:
    write = _at(1000)
    assert covers(_of(_at(999.9)), write, 60)
    assert not covers(_of(_at(1000.1)), write, 60)  # stored anew
    assert covers(_of(*[_at(1000.4), _at(1000.3), _at(1000.2), _at(1000.1), _at(10), _at(10)]), write, 60)
    full = [_at(1000 + place / 10) for place in range(5, 0, -1)]
    assert not covers(_of(*full, _at(941)), write, 60)
    assert covers(_of(*full, _at(939)), write, 60)
    assert not covers({"a": {"N": "1"}}, write, 60)


def test_what_an_attempt_that_was_given_up_is_refused_by_is_some_seconds_newer() -> None:
    for moment in (1000.0, 1_790_000_000.123, 4095.999):
        assert _at(moment) < grace(_at(moment))
        assert _at(moment + 4) < grace(_at(moment)) < _at(moment + 8.3)
