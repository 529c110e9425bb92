"""Secrets of the configuration: in no text, dump or error, whatever way they were written."""

from __future__ import annotations

import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb.config import MongoDBConfig
from lexigram.nosql.backends.mongodb.options import client_options, secrets_of
from pydantic import ValidationError

SECRET = "s3cr3t-word"
SETTINGS: dict[str, dict[str, Any]] = {
    "password": {"uri": f"mongodb://user:{SECRET}@host/db"},
    "password of several hosts": {"uri": f"mongodb://user:{SECRET}@one:1,two:2/db?w=1"},
    "user called as the password": {"uri": f"mongodb://{SECRET}:{SECRET}@host/db"},
    "property": {"uri": f"mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:{SECRET}"},
    "property without a colon": {"uri": f"mongodb://host/?authMechanismProperties={SECRET}"},
    "key": {"uri": f"mongodb://host/?tls=true&tlsCertificateKeyFilePassword={SECRET}"},
    "setting": {"username": "user", "password": SECRET},
    "properties": {"auth_mechanism_properties": {"AWS_SESSION_TOKEN": SECRET}},
}


@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
def test_no_form_of_a_configuration_shows_a_secret(settings: dict[str, Any]) -> None:
    """Neither those for people nor those for programs."""
    config = MongoDBConfig(**settings)
    forms = [
        repr(config),
        str(config),
        repr(config.model_dump()),
        repr(config.model_dump(mode="json")),
        config.model_dump_json(),
        json.dumps(config.to_dict()),
    ]

    assert [form for form in forms if SECRET in form] == []
    assert SECRET in secrets_of(config)


@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
def test_a_configuration_comes_back_from_what_it_dumps(settings: dict[str, Any]) -> None:
    """From Python's form, a pickle and a copy, with its secrets."""
    config = MongoDBConfig(**settings)

    assert MongoDBConfig(**config.model_dump()) == config
    assert MongoDBConfig.model_validate(config.model_dump(exclude_unset=True)) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert client_options(MongoDBConfig(**config.model_dump(exclude_unset=True))) == client_options(config)
    assert config.uri == settings.get("uri", "mongodb://localhost:27017")


def test_configurations_with_other_secrets_are_not_equal() -> None:
    """Masking is for readers only."""
    assert MongoDBConfig(uri="mongodb://u:one@h") != MongoDBConfig(uri="mongodb://u:two@h")


def test_the_environment_still_sets_the_connection_string(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As text."""
    monkeypatch.setenv("LEX_MONGO__URI", f"mongodb://user:{SECRET}@host")

    config = MongoDBConfig.from_env_profile(base_path=tmp_path, section="mongo")

    assert config.uri == f"mongodb://user:{SECRET}@host"


@pytest.mark.parametrize(
    "settings",
    [
        {"uri": f"postgres://user:{SECRET}@host"},
        {"uri": f"mongodb://user:{SECRET}@host", "databse": "x"},
        {"uri": f"mongodb://user:{SECRET}@host", "max_pool_size": 1, "min_pool_size": 5},
        {"auth_mechanism_properties": {"AWS_SESSION_TOKEN": [SECRET]}},
    ],
    ids=["scheme", "unknown key", "that do not fit together", "type"],
)
@pytest.mark.parametrize("make", [lambda given: MongoDBConfig(**given), MongoDBConfig.model_validate])
def test_an_error_of_the_configuration_holds_no_secret(settings: dict[str, Any], make: Any) -> None:
    """In its text, its details, its pickle and its traceback."""
    with pytest.raises(ValidationError) as caught:
        make(settings)
    error = caught.value

    assert SECRET not in f"{error} {error!r} {error.errors()} {error.__cause__!r} {error.__context__!r}"
    assert SECRET.encode() not in pickle.dumps(error)
    assert SECRET not in "".join(traceback.format_exception(error))
