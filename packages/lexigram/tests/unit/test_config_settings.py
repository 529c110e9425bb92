"""The models as settings of pydantic-settings, and the source for settings classes of other makes."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from lexigram.config import (
    BaseConfig,
    ConfigurationError,
    ConfigValidationError,
    LexigramConfig,
    LexigramSettingsSource,
    SourceKind,
)
from lexigram.contracts.core.config import Environment
from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

Write = Callable[..., Path]
Sources = tuple[PydanticBaseSettingsSource, ...]

checked: list[str] = []


class Inner(BaseConfig):
    """A model inside another."""

    uri: str = "inner"

    @model_validator(mode="after")
    def _note(self) -> Inner:
        checked.append(self.uri)
        return self


class Outer(BaseConfig):
    """A model with a section."""

    config_section = "outer"

    uri: str = "outer"
    password: SecretStr | None = None
    inner: Inner = Field(default_factory=Inner)
    items: list[Inner] = Field(default_factory=list[Inner])


@pytest.fixture
def poisoned(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Variables and a file that nobody may look at."""
    for name in ("URI", "LEX_URI", "LEX_OUTER__URI", "LEX_INNER__URI", "INNER", "LEX_OUTER__INNER__URI"):
        clean_environment.setenv(name, "poison")
    project("application.yaml", "outer: {uri: poison, inner: {uri: poison}}\n")
    project(".env", "URI=poison\nLEX_URI=poison\n")


@pytest.mark.usefixtures("poisoned")
def test_models_that_are_built_or_validated_take_only_what_they_are_given() -> None:
    """No variable, no file: not in the model and not in those inside it."""
    made = [
        Outer(),
        Outer(inner=Inner()),
        Outer.model_validate({}),
        Outer.model_validate({"inner": {}}),
        Outer.model_validate_json('{"inner": {}}'),
        Outer.from_dict({"inner": {}}),
        Outer.model_construct(),
        Outer.settings_cached() if hasattr(Outer, "settings_cached") else Outer(),
    ]

    assert all((model.uri, model.inner.uri) == ("outer", "inner") for model in made)
    assert Outer(uri="mine").uri == "mine"
    assert Outer.from_yaml().inner.uri == "poison"
    assert isinstance(Outer(), BaseSettings)


def test_building_a_model_does_not_even_look_at_the_environment() -> None:
    """Not only are values not used: nothing is asked."""

    class Forbidden(dict[str, str]):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"os.environ.{name} was asked for")

    with patch.object(os, "environ", Forbidden()):
        assert Outer(uri="mine", inner=Inner(uri="x")).uri == "mine"
        assert LexigramConfig(app_name="shop").app_name == "shop"


@pytest.mark.parametrize(
    "name", ["_env_file", "_env_prefix", "_cli_parse_args", "_secrets_dir", "_build_sources", "URI", "self"]
)
def test_arguments_of_pydantic_settings_are_unknown_keys(name: str, project: Write) -> None:
    """From code and from files: a key of a file never becomes an instruction."""
    with pytest.raises(ValidationError, match="unknown key"):
        Outer(**{name: "x"})
    project("application.yaml", f"outer: {{{name}: x}}\n")
    with pytest.raises(ConfigValidationError, match="unknown key"):
        Outer.from_yaml()


def test_validators_of_whole_models_run_once() -> None:
    """However the model comes to be."""
    for make in (Inner, lambda: Inner.model_validate({}), lambda: Outer.model_validate({"inner": {}}).inner):
        checked.clear()
        make()
        assert checked == ["inner"]


def test_models_survive_pickling_and_copying(project: Write) -> None:
    """With where their values came from."""
    project("application.yaml", "outer:\n  uri: x\n  items: [{uri: y}]\n")
    model = Outer.from_yaml()

    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.model_copy()):
        assert other == model
        assert str(other.source_of("items[0].uri")) == "application.yaml:3"


def test_the_settings_of_models_are_as_before() -> None:
    """What pydantic-settings changes for all its classes does not change for ours."""
    assert Outer.model_config.get("validate_default") is False
    assert Outer.model_config.get("arbitrary_types_allowed") is False
    assert Outer.model_config.get("extra") == "forbid"


def test_a_model_may_name_its_variables_otherwise(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """As any settings class does: prefix, delimiter, and whether empty values count."""

    class Shop(BaseConfig):
        model_config = SettingsConfigDict(env_prefix="SHOP_", env_nested_delimiter="--", env_ignore_empty=True)
        config_section = "outer"

        uri: str = "default"
        size: int = 1

    project("application.yaml", "outer: {uri: file}\n")
    project(".env", "SHOP_OUTER--SIZE=5\n")
    clean_environment.setenv("LEX_OUTER__URI", "not asked")
    assert Shop.from_yaml().uri == "file"
    clean_environment.setenv("shop_outer--uri", "asked")
    assert (Shop.from_yaml().uri, Shop.from_yaml().size) == ("asked", 5)
    clean_environment.setenv("shop_outer--uri", "")
    assert Shop.from_yaml().uri == "file"


def test_sources_can_be_reordered_and_left_out(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """By the hook that every settings class has."""

    class FilesFirst(BaseConfig):
        config_section = "s"
        a: str = ""
        b: str = ""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> Sources:
            return file_secret_settings, env_settings

    project("application.yaml", "s: {a: file}\n")
    project(".env", "LEX_S__B=dotenv\n")
    clean_environment.setenv("LEX_S__A", "process")
    assert FilesFirst.from_yaml() == FilesFirst(a="file")
    clean_environment.setenv("LEX_S__B", "process")
    assert FilesFirst.from_yaml() == FilesFirst(a="file", b="process")


def test_other_sources_of_pydantic_settings_can_be_added(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """They take their place in the order and in the trail, and speak of the model's own keys."""

    class Vault(InitSettingsSource):
        def __init__(self, settings_cls: type[BaseSettings]) -> None:
            super().__init__(settings_cls, {"password": "from vault", "inner": {"uri": "vault"}, "uri": "vault"})

    class Extended(Outer):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> Sources:
            mounted = SecretsSettingsSource(settings_cls, secrets_dir="mounted")
            return env_settings, Vault(settings_cls), dotenv_settings, mounted, file_secret_settings

    project("application.yaml", "outer: {uri: file, inner: {uri: file}, items: [{uri: file}]}\n")
    project("mounted/password", "from a mounted file")
    project("mounted/items", '[{"uri": "mounted"}]')
    clean_environment.setenv("LEX_OUTER__URI", "process")
    model = Extended.from_yaml()

    assert (model.uri, model.inner.uri, model.items[0].uri) == ("process", "vault", "mounted")
    assert model.password is not None
    assert model.password.get_secret_value() == "from vault"
    assert model.source_of("password").kind is SourceKind.SETTINGS
    assert str(model.source_of("inner.uri")) == "Vault"
    assert "from vault" not in repr(model)


def test_a_source_that_fails_is_a_configuration_error(project: Write) -> None:
    """It is told by its name."""
    blocked = project("mounted", "a file, no folder")

    class Mounted(Outer):
        @classmethod
        def settings_customise_sources(cls, settings_cls: type[BaseSettings], *_: Any, **__: Any) -> Sources:
            return (SecretsSettingsSource(settings_cls, secrets_dir=blocked),)

    with pytest.raises(ConfigurationError, match="SecretsSettingsSource cannot be read"):
        Mounted.from_yaml()


@pytest.mark.parametrize(("low", "high"), [("env", "environment"), ("environment", "env")])
def test_the_higher_source_counts_whatever_name_it_uses(
    low: str, high: str, clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """A field with two names is one field."""
    project("application.yaml", f"{low}: testing\n")
    project("application.x.yaml", f"{high}: staging\n")
    assert LexigramConfig.from_yaml(profile="x").env is Environment.STAGING
    clean_environment.setenv("LEX_ENV", "production")
    config = LexigramConfig.from_yaml(profile="x")

    assert config.env is Environment.PRODUCTION
    assert config.to_dict()["env"] == "production"
    assert str(config.source_of("env")) == "environment variable LEX_ENV"


def test_app_env_gives_way_to_our_own_variable_in_dotenv(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """APP_ENV is what counts if nothing of ours is set, wherever it is."""
    project(".env", "LEX_ENV=testing\n")
    clean_environment.setenv("APP_ENV", "production")
    assert LexigramConfig.from_yaml().env is Environment.TESTING
    project(".env", "APP_ENV=testing\n")
    assert LexigramConfig.from_yaml().env is Environment.PRODUCTION


def test_a_pipe_that_gives_nothing_is_refused(project: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of pydantic-settings pass pipes over; nobody would notice."""
    os.mkfifo(tmp_path / ".env")
    monkeypatch.setattr(DotEnvSettingsSource, "_load_env_vars", lambda _: {})

    with pytest.raises(ConfigurationError, match="is a pipe"):
        LexigramConfig.from_yaml()


class Parcel(BaseModel):
    """Something of an application's own."""

    size: int | None = 1


class Shipping(BaseSettings):
    """A settings class that knows nothing of ours but the source."""

    model_config = SettingsConfigDict(extra="forbid")

    carrier: str = "pigeon"
    token: SecretStr | None = None
    limit: int | None = 3
    parcels: list[Parcel] = []
    Weight: float = 1.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> Sources:
        return init_settings, LexigramSettingsSource(settings_cls, "app.shipping")


def test_any_settings_class_can_read_a_section(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Files, profile, .env, variables, references and secrets; arguments come first."""
    assert Shipping() == Shipping.model_construct()
    project(
        "application.yaml",
        "app:\n  shipping: {carrier: '${CARRIER:snail}', token: '${secret:TOKEN}', parcels: [{size: 1}, {size: 2}]}\n"
        "nosql: {driver: memory}\n",
    )
    project("application.test.yaml", "app: {shipping: {limit: 5}}\n")
    project(".env", "LEX_APP__SHIPPING__WEIGHT=2.5\nTOKEN=hush\n")
    clean_environment.setenv("LEX_PROFILE", "test")
    clean_environment.setenv("LEX_APP__SHIPPING__PARCELS__1__SIZE", "7")
    settings = Shipping()

    assert (settings.carrier, settings.limit, settings.Weight) == ("snail", 5, 2.5)
    assert settings.token == SecretStr("hush")
    assert [parcel.size for parcel in settings.parcels] == [1, 7]
    assert Shipping(carrier="owl").carrier == "owl"
    clean_environment.setenv("LEX_APP__SHIPPING__PARCELS", '[{"size": 9}]')
    clean_environment.delenv("LEX_APP__SHIPPING__PARCELS__1__SIZE")
    clean_environment.setenv("LEX_APP__SHIPPING__LIMIT", "")
    assert ([parcel.size for parcel in Shipping().parcels], Shipping().limit) == ([9], None)


def test_a_settings_class_may_be_the_whole(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Variables for others are none of its business; keys of the file that it does not know are its to refuse."""

    class Whole(BaseSettings):
        title: str = ""

        @classmethod
        def settings_customise_sources(cls, settings_cls: type[BaseSettings], *_: Any, **__: Any) -> Sources:
            return (LexigramSettingsSource(settings_cls, ""),)

    project("application.yaml", "title: file\n")
    clean_environment.setenv("LEX_OTHER__THING", "x")
    assert Whole().title == "file"
    clean_environment.setenv("LEX_TITLE", "process")
    assert Whole().title == "process"
    project("application.yaml", "titel: file\n")
    with pytest.raises(ValidationError, match="titel"):
        Whole()


def test_what_is_wrong_with_the_configuration_is_told_to_settings_classes(project: Write) -> None:
    """With the place."""
    project("application.yaml", "app: {shipping: 5}\n")
    with pytest.raises(ConfigurationError, match=r"app\.shipping is not a section"):
        Shipping()
    project("application.yaml", "app: {shipping: {carrier: '${NOBODY_SETS_THIS}'}}\n")
    with pytest.raises(ConfigurationError, match=r"app.shipping.carrier.*NOBODY_SETS_THIS.*application.yaml:1"):
        Shipping()


def test_sources_alone_give_plain_data(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """As every source of pydantic-settings does."""
    project("application.yaml", "app: {shipping: {carrier: snail}}\n")
    source = LexigramSettingsSource(Shipping, "app.shipping")

    assert source() == {"carrier": "snail"}
    assert source.get_field_value(Shipping.model_fields["carrier"], "carrier") == ("snail", "carrier", False)
