"""Files with a layer for each environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from lexigram.config import BaseConfig, ConfigurationError, LexigramConfig
from pydantic import Field


class Cache(BaseConfig):
    """A section."""

    config_section = "cache"

    url: str = "none"
    size: int = 1
    hosts: list[str] = Field(default_factory=list)


TEXT = """
[default.cache]
url = "default"
size = 10
hosts = ["a", "b"]

[production.cache]
url = "production"
hosts = ["c"]

[qa.cache]
size = 3
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with three layers; no environment is chosen."""
    monkeypatch.delenv("LEX_ENV", raising=False)
    monkeypatch.delenv("APP_ENV", raising=False)
    path = tmp_path / "settings.toml"
    path.write_text(TEXT)
    return path


def test_the_environments_layer_lies_over_the_default_one(settings: Path) -> None:
    """Key by key; lists are replaced."""
    assert Cache.from_settings(settings, environment="production") == Cache(url="production", size=10, hosts=["c"])
    assert Cache.from_settings(settings, environment="qa") == Cache(url="default", size=3, hosts=["a", "b"])


@pytest.mark.parametrize("name", ["prod", "PRODUCTION"])
def test_short_names_of_environments_mean_the_same_layer(settings: Path, name: str) -> None:
    """In any case."""
    assert Cache.from_settings(settings, environment=name).url == "production"


def test_the_environment_comes_from_the_variables_when_nobody_says_it(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``LEX_ENV`` before ``APP_ENV``; development, which has no layer here, otherwise."""
    assert Cache.from_settings(settings).url == "default"

    monkeypatch.setenv("APP_ENV", "prod")
    assert Cache.from_settings(settings).url == "production"

    monkeypatch.setenv("LEX_ENV", "qa")
    assert Cache.from_settings(settings).size == 3


def test_variables_lie_over_all_layers(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not name the layer."""
    monkeypatch.setenv("LEX_CACHE__SIZE", "77")

    assert Cache.from_settings(settings, environment="production").size == 77
    assert Cache.from_settings(settings, environment="production", env_override=False).size == 10


def test_an_environment_that_is_asked_for_must_have_a_layer(settings: Path) -> None:
    """The likely name is told."""
    with pytest.raises(
        ConfigurationError, match="no layer for the environment 'productoin'; did you mean 'production'"
    ):
        Cache.from_settings(settings, environment="productoin")


def test_a_setting_outside_of_the_layers_is_refused(settings: Path) -> None:
    """It would never count."""
    settings.write_text('url = "x"\n' + TEXT)

    with pytest.raises(ConfigurationError, match=r"url stands outside of the layers \(.*settings\.toml:1\)"):
        Cache.from_settings(settings)


def test_two_layers_of_one_environment_are_refused(settings: Path) -> None:
    """Nobody could say which counts."""
    settings.write_text(TEXT + "\n[prod.cache]\nsize = 1\n")

    with pytest.raises(ConfigurationError, match="two layers are for production"):
        Cache.from_settings(settings)


def test_faults_name_the_line_of_the_layer(settings: Path) -> None:
    """The key has no layer in it, the place has."""
    settings.write_text(TEXT + '\n[staging.cache]\nsize = "many"\n')

    with pytest.raises(ConfigurationError, match=r"cache\.size: must be .*settings\.toml:15"):
        Cache.from_settings(settings, environment="staging")


def test_a_whole_configuration_may_have_layers(settings: Path) -> None:
    """The layer's name is the profile."""
    config = LexigramConfig.from_settings(settings, environment="qa")

    assert config.profile == "qa"
    assert config.files == (settings,)
    assert config.get_section("cache", Cache).size == 3


def test_references_are_replaced_in_layers(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only in what counts: a variable that another layer needs may be missing."""
    settings.write_text('[default.cache]\nurl = "${CACHE_URL}"\n[production.cache]\nurl = "${NOT_SET}"')
    monkeypatch.setenv("CACHE_URL", "here")

    assert Cache.from_settings(settings).url == "here"


def test_yaml_may_have_layers_too(tmp_path: Path) -> None:
    """The suffix says what it is; another one is refused."""
    path = tmp_path / "settings.yaml"
    path.write_text("default:\n  cache: {size: 5}\ntesting:\n  cache: {size: 6}\n")
    assert Cache.from_settings(path, environment="test").size == 6

    odd = tmp_path / "settings.ini"
    odd.write_text("")
    with pytest.raises(ConfigurationError, match="neither TOML nor YAML"):
        Cache.from_settings(odd)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Nobody asks for settings that may be absent."""
    with pytest.raises(ConfigurationError, match=r"no configuration file .*settings\.toml"):
        Cache.from_settings(tmp_path / "settings.toml")
