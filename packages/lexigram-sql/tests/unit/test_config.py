"""The configuration: flat and nested forms are the same, variables reach it, and what contradicts itself is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lexigram.config import LexigramConfig
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.config import DatabaseConfig
from pydantic import ValidationError

URL = "postgresql://db/shop"


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ({"url": URL}, {"backend": {"url": URL}}),
        ({"backend": URL}, {"backend": {"url": URL}}),
        ({"url": URL, "connect_timeout": 3}, {"backend": {"url": URL, "connect_timeout": "3s"}}),
        ({"pool_size": 7}, {"pool": {"max_size": 7}}),
        ({"pool_min_size": 2, "max_overflow": 0}, {"pool": {"min_size": 2, "max_overflow": 0}}),
        ({"pool_timeout": 2.5}, {"pool": {"acquire_timeout": 2.5}}),
        ({"pool": {"timeout": 2.5}}, {"pool": {"acquire_timeout": 2.5}}),
        ({"pool_recycle": "1h"}, {"pool": {"max_lifetime": 3600}}),
        ({"pool": {"recycle": 3600}}, {"pool": {"max_lifetime": "1h"}}),
        ({"pool_idle_timeout": "5m"}, {"pool": {"idle_timeout": 300}}),
        ({"echo": True, "statement_timeout": "500ms"}, {"operations": {"echo": True, "statement_timeout": 0.5}}),
        ({"pool_size": 7, "pool": {"min_size": 3}}, {"pool": {"min_size": 3, "max_size": 7}}),
    ],
)
def test_flat_and_nested_forms_are_the_same(flat: dict[str, Any], nested: dict[str, Any]) -> None:
    """For one database, and for one of several."""
    assert DatabaseConfig.model_validate(flat) == DatabaseConfig.model_validate(nested)
    named = (
        {"name": "a", **({} if {"url", "backend"} & given.keys() else {"url": URL}), **given}
        for given in (flat, nested)
    )
    first, second = (DatabaseConfig.model_validate({"backends": [entry]}) for entry in named)
    assert first == second


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": URL, "backend": {"url": URL}}, "same setting"),
        ({"pool_size": 3, "pool": {"max_size": 3}}, "same setting"),
        ({"pool": {"timeout": 3, "acquire_timeout": 3}}, "same setting"),
        ({"pool_timeout": 3, "pool": {"timeout": 3}}, "same setting"),
        ({"pool": {"min_size": 5, "max_size": 2}}, "more than max_size"),
        ({"pool_size": 0}, "greater than or equal to 1"),
        ({"pool_sise": 3}, "pool_sise"),
        ({"operations": {"log_sample_rate": 2}}, "less than or equal to 1"),
        ({"tls": {"key_file": "k.pem"}}, "needs cert_file"),
        ({"url": URL, "backends": [{"name": "a", "url": URL}]}, "does not stand|do not stand"),
        ({"backends": [{"name": "a"}]}, "has no url"),
        ({"backends": [{"name": "a", "url": URL}, {"name": "a", "url": URL}]}, "two databases have the name"),
        ({"backends": [{"name": "a", "url": URL}, {"name": "b", "url": URL}]}, "primary: true"),
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, Any], says: str) -> None:
    """With the settings' names."""
    with pytest.raises(ValidationError, match=says):
        DatabaseConfig.model_validate(settings)


def test_variables_of_the_environment_reach_the_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat, nested, and by index."""
    file = tmp_path / "application.yaml"
    file.write_text("sql:\n  url: sqlite:///a.db\n  echo: false\n")
    monkeypatch.setenv("LEX_SQL__URL", URL)
    monkeypatch.setenv("LEX_SQL__POOL__MAX_SIZE", "33")
    monkeypatch.setenv("LEX_SQL__OPERATIONS__STATEMENT_TIMEOUT", "5s")
    section = LexigramConfig.from_yaml(file).get_section("sql", DatabaseConfig)
    assert str(section.url) == URL
    assert section.pool.max_size == 33
    assert section.operations.statement_timeout.total_seconds == 5


def test_variables_name_several_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number."""
    file = tmp_path / "application.yaml"
    file.write_text("app: {}\n")
    monkeypatch.setenv("LEX_SQL__BACKENDS__0__NAME", "main")
    monkeypatch.setenv("LEX_SQL__BACKENDS__0__URL", URL)
    monkeypatch.setenv("LEX_SQL__BACKENDS__0__PRIMARY", "true")
    monkeypatch.setenv("LEX_SQL__BACKENDS__1__NAME", "reports")
    monkeypatch.setenv("LEX_SQL__BACKENDS__1__BACKEND__URL", "sqlite://")
    section = LexigramConfig.from_yaml(file).get_section("sql", DatabaseConfig)
    assert [(name, primary, str(entry.url)) for name, primary, entry in section.entries()] == [
        ("main", True, URL),
        ("reports", False, "sqlite:///"),
    ]


def test_the_defaults_are_those_that_are_documented() -> None:
    """Of every setting that has one."""
    config = DatabaseConfig()
    pool = config.pool
    assert (pool.min_size, pool.max_size, pool.max_overflow) == (1, 10, 5)
    times = (pool.acquire_timeout, pool.idle_timeout, pool.max_lifetime, config.operations.statement_timeout)
    assert [span.total_seconds for span in times] == [30, 300, 3600, 60]
    assert (config.data.default_page_size, config.data.max_page_size, config.data.default_cursor_size) == (20, 1000, 20)
    assert str(config.url) == "sqlite:///data.db"


def test_the_environment_alone_is_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat settings, nested ones and lists, with any prefix."""
    monkeypatch.setenv("SHOP_DB__URL", "postgresql://u:secret@host/shop")
    monkeypatch.setenv("SHOP_DB__POOL__MAX_SIZE", "7")
    monkeypatch.setenv("SHOP_DB__ECHO", "true")
    config = DatabaseConfig.from_env("SHOP_DB__")
    assert (config.url.host, config.pool.max_size, config.operations.echo) == ("host", 7, True)
    monkeypatch.setenv("LEX_SQL__BACKENDS__0__NAME", "main")
    monkeypatch.setenv("LEX_SQL__BACKENDS__0__PRIMARY", "true")
    monkeypatch.setenv("LEX_SQL__BACKENDS__0__URL", ":memory:")
    monkeypatch.setenv("LEX_SQL__BACKENDS__1__NAME", "other")
    monkeypatch.setenv("LEX_SQL__BACKENDS__1__BACKEND__URL", "sqlite:///other.db")
    named = [(name, primary, entry.url.database) for name, primary, entry in DatabaseConfig.from_env().entries()]
    assert named == [("main", True, ":memory:"), ("other", False, "other.db")]


@pytest.mark.parametrize(
    "names", [["POOL__MAX_SISE"], ["POOL", "POOL__MAX_SIZE"], ["BACKEND__URL", "BACKEND__URL__X"]], ids=str
)
def test_variables_that_name_no_setting_are_refused(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    """Rather than left out."""
    for name in names:
        monkeypatch.setenv(f"SHOP_DB__{name}", "7")
    with pytest.raises(ConfigurationError):
        DatabaseConfig.from_env("SHOP_DB__")
