"""Masking of URLs and names, and the resolvers of secrets."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from lexigram.config.display import describe_value, is_masked, shown
from lexigram.config.secrets import (
    MASK,
    EnvironmentSecretResolver,
    MountedFileSecretResolver,
    SecretNotFoundError,
    SecretResolverProtocol,
    is_secret_name,
    mask_text,
    mask_url,
)
from lexigram.contracts.exceptions.config import ConfigurationError
from pydantic import SecretBytes, SecretStr


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("mongodb://localhost:27017", "mongodb://localhost:27017"),
        ("mongodb://root:s3cret@localhost:27017/app", f"mongodb://root:{MASK}@localhost:27017/app"),
        ("mongodb://u:p@h1:27017,h2:27018/db?replicaSet=rs", f"mongodb://u:{MASK}@h1:27017,h2:27018/db?replicaSet=rs"),
        ("mongodb+srv://u:p%40ss%2Fword@cluster.example/db", f"mongodb+srv://u:{MASK}@cluster.example/db"),
        ("mongodb://u:p@ss/w:o?r#d@h:1/db", f"mongodb://u:{MASK}@h:1/db"),
        ("redis://:secret@h/0", f"redis://:{MASK}@h/0"),
        ("https://user@host/path", "https://user@host/path"),
        ("postgresql+asyncpg://u:@h/db", f"postgresql+asyncpg://u:{MASK}@h/db"),
        ("mysql://h/db?password=secret", f"mysql://h/db?password={MASK}"),
        ("mysql://h:1/db?password=a?b=c", f"mysql://h:1/db?password={MASK}"),
        ("mysql://h/db?user=u&password=secret&charset=utf8", f"mysql://h/db?user=u&password={MASK}&charset=utf8"),
        (
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=secret",
            f"mongodb://h/?tls=true&tlsCertificateKeyFilePassword={MASK}",
        ),
        (
            "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:secret",
            f"mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:{MASK}",
        ),
        ("host=localhost user=me password='two words' dbname=x", f"host=localhost user=me password={MASK} dbname=x"),
        ("Server=h;Uid=me;Pwd=secret;", f"Server=h;Uid=me;Pwd={MASK};"),
        ("user:secret@host:27017", f"user:{MASK}@host:27017"),
        ("sqlite:///data.db", "sqlite:///data.db"),
        ("", ""),
    ],
)
def test_passwords_in_urls_are_hidden_and_the_rest_stays(uri: str, masked: str) -> None:
    """Several hosts, odd characters, parameters and connection strings."""
    assert mask_url(uri) == masked


def test_text_is_only_treated_as_a_url_if_it_looks_like_one() -> None:
    """A sentence with a colon and an at sign stays."""
    sentence = "at 12:30 write to me@example.org"

    assert mask_text(sentence) == sentence
    assert mask_text("see redis://:pw@h") == f"see redis://:{MASK}@h"
    assert mask_text("password=pw") == f"password={MASK}"


@pytest.mark.parametrize(
    "name",
    [
        "password", "db_password", "DB_PASSWORD", "token", "access_token", "accessToken", "api_key", "apiKey", "apikey",
        "secret_key", "client-secret", "credentials_json", "audit_hmac_key", "page_token_secret", "pwd", "private_key",
        "passwords", "api_keys", "signingKeys", "authorization",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known(name: str) -> None:
    """By their last word or two."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["pk_field", "token_ttl", "primary", "password_rounds", "key", "token_file", "url"])
def test_names_that_only_mention_secrets_are_not_taken_for_them(name: str) -> None:
    """A setting about tokens is not a token."""
    assert not is_secret_name(name)


class Colour(Enum):
    """For the test below."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "name", "displayed"),
    [
        (None, "password", None),
        (True, "password", True),
        (SecretStr("x"), "x", MASK),
        (SecretStr(""), "x", ""),
        (SecretBytes(b"x"), "x", MASK),
        ("x", "password", MASK),
        (12345, "password", MASK),
        ("", "password", ""),
        (1.5, "x", 1.5),
        (Colour.RED, "x", "red"),
        ({"password": "x", "other": [1, "redis://:x@h"]}, "x", {"password": MASK, "other": [1, f"redis://:{MASK}@h"]}),
        (("a", "b"), "tokens", ["a", "b"]),
        (frozenset({"a"}), "x", ["a"]),
        (Path("/etc/x"), "x", "/etc/x"),
        (timedelta(seconds=3), "x", "0:00:03"),
        (date(2026, 1, 2), "x", "2026-01-02"),
        ("u:pw@host", "uri", f"u:{MASK}@host"),
        ("u:pw@host", "note", "u:pw@host"),
        (object, "x", "<class 'object'>"),
        (SecretStr, "x", "<class 'pydantic.types.SecretStr'>"),
        (3 + 0j, "x", "(3+0j)"),
    ],
)
def test_values_are_shown_as_data_for_json_with_secrets_hidden(value: Any, name: str, displayed: Any) -> None:
    """Whatever a configuration may hold."""
    assert shown(value, name) == displayed
    json.dumps(shown(value, name))


def test_what_is_known_to_be_secret_is_hidden_whatever_it_is() -> None:
    """All values of a secret collection too."""
    assert shown({"a": 1, "b": ["x"]}, secret=True) == {"a": MASK, "b": [MASK]}
    assert is_masked(5, secret=True)
    assert is_masked(SecretStr(""), "x")
    assert not is_masked("plain", "x")


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, "x", "nothing"),
        (True, "x", "truth value True"),
        (5, "x", "number 5"),
        ("many", "x", "text 'many'"),
        ("pw", "password", "a secret text"),
        (SecretStr("pw"), "x", "a secret text"),
        ([1], "x", "list [1]"),
        ({"a": 1}, "x", "a section"),
        (date(2026, 1, 2), "x", "date '2026-01-02'"),
        ("x" * 100, "x", "text '" + "x" * 59 + "…"),
    ],
)
def test_values_are_described_by_kind_and_content(value: Any, name: str, text: str) -> None:
    """For messages about wrong types."""
    assert describe_value(value, name) == text


def test_the_environment_is_a_resolver(clean_environment: pytest.MonkeyPatch) -> None:
    """It reads the process's variables when asked, or those given."""
    clean_environment.setenv("APP_DB_PASSWORD", "s3cret")
    resolver = EnvironmentSecretResolver(prefix="APP_")

    assert isinstance(resolver, SecretResolverProtocol)
    assert resolver.resolve("DB_PASSWORD") == "s3cret"
    assert EnvironmentSecretResolver({"X": ""}).resolve("X") == ""
    with pytest.raises(SecretNotFoundError, match="'OTHER' in environment"):
        resolver.resolve("OTHER")
    assert "s3cret" not in repr(resolver)


def test_mounted_files_are_a_resolver(tmp_path: Path) -> None:
    """One line break at the end is not part of the secret."""
    (tmp_path / "db_password").write_bytes(b"s3cret\nwith two lines\r\n")
    resolver = MountedFileSecretResolver(tmp_path)

    assert isinstance(resolver, SecretResolverProtocol)
    assert resolver.resolve("db_password") == "s3cret\nwith two lines"
    with pytest.raises(SecretNotFoundError, match="'other' in files in"):
        resolver.resolve("other")
    with pytest.raises(SecretNotFoundError):
        MountedFileSecretResolver(tmp_path / "db_password").resolve("x")
    assert str(tmp_path) in repr(resolver)


@pytest.mark.parametrize("name", ["", ".", "..", "../etc/passwd", "/etc/passwd", "a\\b", "a\0b"])
def test_a_mounted_secret_must_be_a_plain_file_name(tmp_path: Path, name: str) -> None:
    """Nobody climbs out of the folder."""
    with pytest.raises(ConfigurationError, match="cannot be the name of a mounted secret"):
        MountedFileSecretResolver(tmp_path).resolve(name)


def test_a_mounted_secret_that_is_not_text_is_refused_without_showing_it(tmp_path: Path) -> None:
    """Neither the message nor the chain of causes holds the bytes."""
    (tmp_path / "binary").write_bytes(b"s3cret\xff\xfe")

    with pytest.raises(ConfigurationError, match="is not UTF-8 text") as caught:
        MountedFileSecretResolver(tmp_path).resolve("binary")
    assert caught.value.__cause__ is None


def test_a_mounted_secret_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A folder in the place of the file, or a name too long for the system."""
    (tmp_path / "folder").mkdir()

    with pytest.raises(ConfigurationError, match="cannot be read"):
        MountedFileSecretResolver(tmp_path).resolve("folder")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        MountedFileSecretResolver(tmp_path).resolve("x" * (os.pathconf("/", "PC_NAME_MAX") + 1))
