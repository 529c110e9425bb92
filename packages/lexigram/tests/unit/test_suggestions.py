"""Near misses."""

from __future__ import annotations

import pytest
from lexigram.suggestions import did_you_mean, near_miss

KNOWN = ["uri", "max_pool_size", "database", "retryWrites", "nosql"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("max_poolsize", "max_pool_size"),
        ("maxPoolSize", "max_pool_size"),
        ("MAX-POOL-SIZE", "max_pool_size"),
        ("pool_size", "max_pool_size"),
        ("databse", "database"),
        ("databases", "database"),
        ("retry_writes", "retryWrites"),
        ("uru", "uri"),
        ("rui", "uri"),
        ("ur", "uri"),
        ("url", "uri"),
        ("urri", "uri"),
        ("u", None),
        ("colour", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_a_name_that_is_near_is_found(written: str, meant: str | None) -> None:
    """Slips, other spellings and missing words; nothing is guessed."""
    assert near_miss(written, KNOWN) == meant


def test_the_cutoff_says_how_alike_names_must_be() -> None:
    """Where a wrong guess would refuse something valid, it is higher."""
    assert near_miss("pool_sizes", KNOWN) == "max_pool_size"
    assert near_miss("pool_sizes", KNOWN, cutoff=0.9) is None
    assert near_miss("sql", KNOWN, cutoff=0.8) is None


def test_the_wording_is_ready_for_the_end_of_a_message() -> None:
    """Or empty."""
    assert did_you_mean("databse", KNOWN) == "; did you mean 'database'?"
    assert did_you_mean("colour", KNOWN) == ""
