"""Durations, environments, priorities and other small types of the core."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexigram.contracts.core.clock import Duration
from lexigram.contracts.core.config import ConfigIssue, Environment
from lexigram.contracts.core.hooks import HookPriority
from lexigram.contracts.core.provider import ProviderPriority, ProviderState
from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.infra.resilience import CircuitBreakerConfig, CircuitState, RetryConfig, TimeoutConfig


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        (" 1 H 30 M ", 5400.0),
        ("1d", 86400.0),
        ("250ms", 0.25),
        ("1.5h", 5400.0),
        ("12", 12.0),
        ("0.5", 0.5),
        (7, 7.0),
        (timedelta(minutes=2), 120.0),
        (Duration(3), 3.0),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """Units combine; without one it is seconds."""
    assert Duration.parse(text).total_seconds == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "5x", "1h30", "-5s", "1h-30m", "five", "1..5s", "nan"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With an example of what is one."""
    with pytest.raises(ValueError, match=re.escape("is not a duration; write it like 30s")):
        Duration.parse(text)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_durations_are_finite_and_not_negative(seconds: float) -> None:
    """However they are made."""
    with pytest.raises(ValueError, match="cannot be"):
        Duration(seconds)


def test_durations_are_written_as_they_are_read() -> None:
    """Largest unit first."""
    assert [str(Duration.parse(text)) for text in ("30s", "90m", "1d", "1500ms", "0")] == [
        "30s",
        "1h30m",
        "1d",
        "1s500ms",
        "0s",
    ]


@given(st.integers(0, 10**12))
def test_writing_and_reading_a_duration_is_the_identity(milliseconds: int) -> None:
    """To the millisecond."""
    duration = Duration.milliseconds(milliseconds)

    assert Duration.parse(str(duration)).total_seconds == pytest.approx(duration.total_seconds)


def test_durations_calculate() -> None:
    """Sums, differences, order, truth, the standard library's form."""
    assert Duration.minutes(5) + Duration.seconds(30) == Duration.seconds(330)
    assert Duration.seconds(330) - Duration.minutes(1) == Duration.seconds(270)
    assert Duration.hours(1) < Duration.days(1)
    assert (bool(Duration.zero()), bool(Duration.seconds(1))) == (False, True)
    assert Duration.hours(2).to_timedelta() == timedelta(hours=2)
    with pytest.raises(ValueError, match="cannot be"):
        _ = Duration.seconds(1) - Duration.seconds(2)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "development"),
        ({"LEX_ENV": "production", "APP_ENV": "testing"}, "production"),
        ({"LEX_ENV": "", "APP_ENV": "Prod"}, "production"),
        ({"APP_ENV": " stage "}, "staging"),
        ({"LEX_ENV": "test"}, "testing"),
    ],
)
def test_the_environment_is_read(environ: dict[str, str], expected: str) -> None:
    """LEX_ENV first, then APP_ENV; short names are understood."""
    assert Environment.from_env(environ) == expected


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo does not make production a development machine."""
    monkeypatch.setenv("LEX_ENV", "produktion")

    with pytest.raises(ConfigurationError, match="unknown environment 'produktion'") as caught:
        Environment.from_env()

    assert caught.value.hint == "Use one of: development, testing, staging, production."


def test_documented_constants() -> None:
    """Numbers that others rely on."""
    assert [int(priority) for priority in ProviderPriority] == [0, 10, 20, 30, 40, 50, 80, 90, 100]
    assert [int(priority) for priority in HookPriority] == [0, 50, 100, 200, 300]
    assert [str(state) for state in ProviderState] == ["created", "registered", "booted", "shutdown"]
    assert [str(scope) for scope in ServiceScope] == ["singleton", "scoped", "transient"]
    assert CircuitState.HALF_OPEN == "half_open"
    assert ConfigIssue("m").severity == "warning"
    assert (RetryConfig().max_delay, CircuitBreakerConfig().failure_threshold, TimeoutConfig().timeout) == (30, 5, 30)
