"""The forms of a database's URL, and what is refused with a hint."""

from __future__ import annotations

import pytest
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.providers import MySQLProvider, PostgresProvider, SQLiteProvider
from lexigram.sql.url import parse_url
from pydantic import SecretStr, ValidationError


@pytest.mark.parametrize(
    ("url", "backend", "driver", "host", "port", "database"),
    [
        ("postgresql://u:p@db:5433/shop", "postgres", None, "db", 5433, "shop"),
        ("postgres://u:p@db/shop", "postgres", None, "db", None, "shop"),
        ("postgresql+asyncpg://u:p@db/shop", "postgres", "asyncpg", "db", None, "shop"),
        ("PostgreSQL://db/shop", "postgres", None, "db", None, "shop"),
        ("postgresql://[::1]:5432/shop", "postgres", None, "::1", 5432, "shop"),
        ("postgresql://db", "postgres", None, "db", None, ""),
        ("mysql://u:p@db/shop", "mysql", None, "db", None, "shop"),
        ("mysql+aiomysql://u:p@db:3307/shop", "mysql", "aiomysql", "db", 3307, "shop"),
        ("mariadb://u:p@db/shop", "mysql", None, "db", None, "shop"),
        ("mariadb+aiomysql://u:p@db/shop", "mysql", "aiomysql", "db", None, "shop"),
        ("sqlite:///shop.db", "sqlite", None, None, None, "shop.db"),
        ("sqlite:////var/lib/shop.db", "sqlite", None, None, None, "/var/lib/shop.db"),
        ("sqlite+aiosqlite:///shop.db", "sqlite", "aiosqlite", None, None, "shop.db"),
        ("sqlite+aiosqlite:///:memory:", "sqlite", "aiosqlite", None, None, ":memory:"),
        ("sqlite+aiosqlite://", "sqlite", "aiosqlite", None, None, ":memory:"),
        ("sqlite://", "sqlite", None, None, None, ":memory:"),
        ("sqlite:///:memory:", "sqlite", None, None, None, ":memory:"),
        (":memory:", "sqlite", None, None, None, ":memory:"),
        ("/var/lib/shop.db", "sqlite", None, None, None, "/var/lib/shop.db"),
        ("./shop.db", "sqlite", None, None, None, "./shop.db"),
        ("sqlite:///with%20space%3F.db", "sqlite", None, None, None, "with space?.db"),
        ("cockroachdb://u@db:26257/shop", "cockroachdb", None, "db", 26257, "shop"),
    ],
)
def test_a_url_is_taken_apart(
    url: str, backend: str, driver: str | None, host: str | None, port: int | None, database: str
) -> None:
    """Whether given as text or as a secret."""
    parsed = parse_url(url)
    assert (parsed.backend, parsed.driver, parsed.host, parsed.port, parsed.database) == (
        backend,
        driver,
        host,
        port,
        database,
    )
    assert parse_url(SecretStr(url)) == parsed
    assert parsed.in_memory == (database == ":memory:")


def test_user_password_and_options_are_decoded() -> None:
    """Characters that a URL keeps for itself are percent-encoded in it."""
    parsed = parse_url("postgresql://a%40b:p%3A%2F%3F%23@db/my%20shop?application_name=my%20app&sslmode=require")
    assert parsed.user == "a@b"
    assert parsed.password is not None
    assert parsed.password.get_secret_value() == "p:/?#"
    assert parsed.database == "my shop"
    assert parsed.options == {"application_name": "my app", "sslmode": "require"}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.db", "begins with a scheme"),
        ("://db/shop", "begins with a scheme"),
        ("", "begins with a scheme"),
        ("postgresql://u:hunter2@db:port/shop", "cannot be read"),
        ("postgresql://u:hunter2@[db/shop", "cannot be read"),
        ("sqlite://shop.db", "three slashes"),
        ("mysql://u:hunter2@db/shop?charset=a&charset=b", "twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_hint_and_without_the_password(url: str, says: str) -> None:
    """Also where the configuration is validated."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse_url(url)
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"
    with pytest.raises((ConfigurationError, ValidationError), match=says) as refused:
        DatabaseConfig.from_url(url)
    assert "hunter2" not in str(refused.value)


def test_the_text_of_a_url_hides_what_is_secret() -> None:
    """The password, and the values of options."""
    parsed = parse_url("postgresql+asyncpg://ada:hunter2@[::1]:5433/shop?password=hunter2&sslmode=require")
    assert str(parsed) == "postgresql+asyncpg://ada:***@[::1]:5433/shop?password=***&sslmode=***"
    assert "hunter2" not in repr(parsed)
    assert "hunter2" not in repr(DatabaseConfig.from_url("mysql://ada:hunter2@db/shop"))


def test_named_providers_take_urls_of_their_own_database_only() -> None:
    """A wrong one is told at once."""
    assert SQLiteProvider("shop.db").url == "sqlite:///shop.db"
    assert SQLiteProvider("/var/shop.db").url == "sqlite:////var/shop.db"
    assert SQLiteProvider().url == "sqlite:///"
    assert PostgresProvider("postgres://db/shop").database_type == "postgres"
    assert MySQLProvider("mariadb://db/shop").database_type == "mysql"
    with pytest.raises(ConfigurationError, match="no postgres URL"):
        PostgresProvider("mysql://db/shop")
