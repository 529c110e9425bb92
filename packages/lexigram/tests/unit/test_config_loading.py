"""Which files are read, in which order, and what is said when one is missing or unreadable."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lexigram.config as config_package
import pytest
from lexigram.config import (
    ConfigurationError,
    ConfigValidationError,
    EnvironmentSecretResolver,
    LexigramConfig,
    MountedFileSecretResolver,
)
from lexigram.config import loading as loading_module
from pydantic import SecretStr

Write = Callable[..., Path]


def test_without_any_file_the_defaults_hold(project: Write) -> None:
    """Only the default file may be absent."""
    for config in (LexigramConfig.from_yaml(), LexigramConfig.from_env_profile()):
        assert config == LexigramConfig()
        assert config.files == ()
        assert config.profile is None


def test_sources_lie_over_each_other(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Defaults, file, profile, .env, process; sections are merged and lists replaced."""
    project("application.yaml", "s: {a: file, b: file, c: file, d: file, list: [1, 2]}\ndebug: true\n")
    project("application.test.yaml", "s: {b: profile, c: profile, d: profile, list: [3]}\n")
    project(".env", "LEX_S__C=dotenv\nLEX_S__D=dotenv\n")
    clean_environment.setenv("LEX_S__D", "process")
    config = LexigramConfig.from_yaml(profile="test")

    assert config.get_section("s") == {"a": "file", "b": "profile", "c": "dotenv", "d": "process", "list": [3]}
    assert (config.debug, config.app_name) == (True, "lexigram-app")
    assert {entry.key: str(entry.source) for entry in config.trail("s")} == {
        "s.a": "application.yaml:1",
        "s.b": "application.test.yaml:1",
        "s.c": ".env:1, LEX_S__C",
        "s.d": "environment variable LEX_S__D",
        "s.list[0]": "application.test.yaml:1",
    }
    assert [path.name for path in config.files] == ["application.yaml", "application.test.yaml"]
    assert config.profile == "test"


def test_the_environment_can_be_left_out(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """References in files still work."""
    project("application.yaml", "s: {a: file, b: '${LEX_S__A}'}\n")
    project(".env", "LEX_S__A=dotenv\n")

    assert LexigramConfig.from_yaml(env_override=False).get_section("s") == {"a": "file", "b": "dotenv"}
    assert LexigramConfig.from_yaml().get_section("s") == {"a": "dotenv", "b": "dotenv"}


def test_the_profile_comes_from_the_variable_unless_given(
    clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """LEX_PROFILE; empty means none."""
    for name in ("application", "application.one", "application.two"):
        project(f"{name}.yaml", f"s: {{name: {name}}}\n")
    clean_environment.setenv("LEX_PROFILE", "one")

    assert LexigramConfig.from_yaml().get("s.name") == "application.one"
    assert LexigramConfig.from_yaml(profile="two").get("s.name") == "application.two"
    assert LexigramConfig.from_env_profile().get("s.name") == "application.one"
    assert LexigramConfig.from_env_profile("two").get("s.name") == "application.two"
    clean_environment.setenv("LEX_PROFILE", "")
    assert LexigramConfig.from_yaml().get("s.name") == "application"


def test_a_profile_may_be_all_there_is(project: Write) -> None:
    """The base file is not needed then."""
    project("application.ci.yaml", "debug: true")

    assert LexigramConfig.from_yaml(profile="ci").debug
    assert LexigramConfig.from_env_profile("ci").debug


def test_a_folder_elsewhere_can_be_read_in_any_format(project: Write) -> None:
    """YAML with either suffix, and TOML; .env lies beside the file."""
    project("conf/application.toml", "debug = true\n[s]\na = 1\n")
    project("conf/application.prod.yml", "s: {b: '${B}'}\n")
    folder = project("conf/.env", "B=two\n").parent
    config = LexigramConfig.from_env_profile("prod", base_path=folder)

    assert (config.debug, config.get_section("s")) == (True, {"a": 1, "b": "two"})


def test_a_toml_file_has_toml_profiles(project: Write) -> None:
    """Beside it, with its own name."""
    project("my.toml", "[s]\na = 1\nb = 1\n")
    project("my.prod.toml", "[s]\nb = 2\n")

    assert LexigramConfig.from_toml("my.toml", profile="prod").get_section("s") == {"a": 1, "b": 2}


def test_a_section_of_the_file_can_be_the_whole(project: Write) -> None:
    """For a file that several applications share."""
    project("all.yaml", "shop: {app_name: shop, s: {a: 1}}\nother: {app_name: x}\n")
    config = LexigramConfig.from_yaml("all.yaml", section="shop")

    assert (config.app_name, config.get("s.a")) == ("shop", 1)
    assert LexigramConfig.from_yaml("all.yaml", section="nowhere") == LexigramConfig()
    with pytest.raises(ConfigurationError, match=re.escape("shop.app_name is not a section")):
        LexigramConfig.from_yaml("all.yaml", section="shop.app_name")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "missing.yaml"}, "there is no configuration file missing.yaml; in that folder there are: app"),
        ({"path": "aplication.yaml"}, "did you mean 'application.yaml'?"),
        ({"path": "nowhere/x.yaml"}, "there is no configuration file nowhere/x.yaml\n"),
        ({"path": Path("application.yml")}, "there is no configuration file application.yml"),
        ({"path": "folder.yaml"}, "folder.yaml cannot be read: Is a directory"),
        ({"path": "binary.yaml"}, "binary.yaml is not UTF-8 text (byte 2)"),
        ({"path": "list.yaml"}, "list.yaml holds a list; a configuration consists of keys and values"),
        ({"path": "text.yaml"}, "text.yaml holds a single value"),
        ({"path": "broken.yaml"}, "broken.yaml, line 1, column 5"),
        ({"profile": "tset"}, "the profile 'tset' has no file application.tset.yaml; did you mean 'test'?"),
        ({"profile": "zzzzzzz"}, "there are the profiles: test"),
        ({"profile": "../x"}, "'../x' cannot be the name of a profile"),
        ({"profile": ".."}, "cannot be the name of a profile"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(project: Write, arguments: dict[str, Any], message: str) -> None:
    """With what to do about it."""
    project("application.yaml", "debug: true")
    project("application.test.yaml", "debug: true")
    project("folder.yaml/x", "")
    project("binary.yaml", b"a: \xff\xfe\x00"[:2] + b"\xff\xfe")
    project("list.yaml", "- a")
    project("text.yaml", "just text")
    project("broken.yaml", "a: [")

    with pytest.raises(ConfigurationError) as caught:
        LexigramConfig.from_yaml(**arguments)
    assert message in str(caught.value)


def test_a_missing_file_says_what_to_do(project: Write) -> None:
    """As a hint."""
    with pytest.raises(ConfigurationError) as caught:
        LexigramConfig.from_yaml("missing.yaml")
    assert caught.value.hint == "Create it, or give the path of the file that you mean."
    with pytest.raises(ConfigurationError) as caught:
        LexigramConfig.from_env_profile("missing")
    assert "LEX_PROFILE" in str(caught.value.hint)
    with pytest.raises(ConfigurationError, match="there is no folder"):
        LexigramConfig.from_env_profile(base_path="nowhere")
    with pytest.raises(ConfigurationError, match="has no file"):
        LexigramConfig.from_yaml(profile="p")


def test_the_same_configuration_in_two_formats_is_refused(project: Write) -> None:
    """Nobody could know which one counts."""
    project("application.yaml", "")
    project("application.toml", "")

    with pytest.raises(ConfigurationError, match=r"there twice: application\.yaml and application\.toml"):
        LexigramConfig.from_env_profile()


def test_files_with_a_byte_order_mark_are_fine(project: Write) -> None:
    """Editors write one."""
    project("application.yaml", b"\xef\xbb\xbfdebug: true\n")
    project(".env", b"\xef\xbb\xbfLEX_APP_NAME=shop\n")

    assert LexigramConfig.from_yaml().app_name == "shop"


def test_a_folder_called_dotenv_is_no_file(project: Write) -> None:
    """It is somebody's virtual environment."""
    project(".env/bin/python", "")

    assert LexigramConfig.from_yaml() == LexigramConfig()


def test_an_unreadable_dotenv_is_an_error(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not skipped, and not shown."""
    project(".env", b"LEX_PASSWORD=hush\xff\n")
    with pytest.raises(ConfigurationError, match="it is not UTF-8 text") as caught:
        LexigramConfig.from_yaml()
    assert caught.value.__cause__ is None

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read: no"):
        LexigramConfig.from_yaml()


def test_dotenv_does_not_change_the_process(project: Write) -> None:
    """It is read, not loaded."""
    project(".env", "LEX_APP_NAME=shop\nUNHEARD_OF=1\n")
    LexigramConfig.from_yaml()

    assert "UNHEARD_OF" not in os.environ
    assert "LEX_APP_NAME" not in os.environ


def test_missing_variables_are_listed_with_key_and_line(project: Write) -> None:
    """All of them at once."""
    project("application.yaml", "s:\n  a: ${UNSET}\n  b:\n    - x${OTHER}\n  c: ${broken\n  d: ok\n")

    with pytest.raises(ConfigValidationError) as caught:
        LexigramConfig.from_yaml()
    assert [str(problem) for problem in caught.value.problems] == [
        "s.a: the variable UNSET is not set; set it, or give a default with ${UNSET:default} (application.yaml:2)",
        "s.b[0]: the variable OTHER is not set; set it, or give a default with ${OTHER:default} (application.yaml:4)",
        "s.c: a reference that starts with ${ has no closing brace; write $${ for a plain ${ (application.yaml:5)",
    ]  # fmt: skip
    assert (caught.value.key, caught.value.source) == ("s.a", "application.yaml:2")


def test_a_reference_that_is_replaced_by_a_higher_source_need_not_work(
    clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """References are looked at once the sources lie over each other."""
    project("application.yaml", "s: {a: '${UNSET_A}', b: '${UNSET_B}'}\n")
    project("application.test.yaml", "s: {a: x}\n")
    clean_environment.setenv("LEX_S__B", "${not a reference}")

    assert LexigramConfig.from_yaml(profile="test").get_section("s") == {"a": "x", "b": "${not a reference}"}


def test_a_variable_with_bytes_that_are_not_text_is_refused(
    clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """By its name."""
    project("application.yaml", "s: {a: '${BYTES}'}\n")
    clean_environment.setenv("BYTES", "x\udcff")

    with pytest.raises(ConfigurationError, match=r"s\.a: BYTES holds bytes that are not UTF-8"):
        LexigramConfig.from_yaml()


def test_secrets_come_from_the_environment_then_from_mounted_files(
    clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """The folder is LEX_SECRETS_DIR, and .env counts as environment."""
    project("application.yaml", "s: {a: '${secret:A}', b: '${secret:B}', c: '${secret:C}'}\n")
    project(".env", "B=from dotenv\n")
    folder = project("mounted/C", "from file\n").parent
    project("mounted/A", "hidden by the environment\n")
    clean_environment.setenv("A", "from process")
    clean_environment.setenv("LEX_SECRETS_DIR", str(folder))
    config = LexigramConfig.from_yaml()

    section = config.get_section("s")
    assert all(isinstance(value, SecretStr) for value in section.values())
    assert [value.get_secret_value() for value in section.values()] == ["from process", "from dotenv", "from file"]
    assert str(config.trail("s")[2].source) == f"application.yaml:1, secret C from files in {folder}"


def test_a_missing_secret_says_where_was_looked(project: Write, tmp_path: Path) -> None:
    """With the default resolvers, given ones, and none."""
    project("application.yaml", "s: {a: '${secret:NOWHERE}'}\n")

    with pytest.raises(
        ConfigurationError, match=r"s\.a: no secret called 'NOWHERE'; looked in: environment, files in /run/secrets"
    ):
        LexigramConfig.from_yaml()
    with pytest.raises(ConfigurationError, match="looked in: files in "):
        LexigramConfig.from_yaml(secrets=MountedFileSecretResolver(tmp_path))
    with pytest.raises(ConfigurationError, match="looked in: nothing, there are no resolvers"):
        LexigramConfig.from_yaml(secrets=[])
    project("application.yaml", "s: {a: '${secret:../x}'}\n")
    with pytest.raises(ConfigurationError, match="cannot be the name of a mounted secret"):
        LexigramConfig.from_yaml(secrets=[EnvironmentSecretResolver({}), MountedFileSecretResolver(tmp_path)])


def test_a_resolver_that_fails_is_named(project: Write) -> None:
    """And what it says is not shown, since nobody knows what is in it."""

    class Vault:
        name = "vault"

        def resolve(self, name: str) -> Any:
            if name == "A":
                raise OSError("token hush is not valid")
            return 5

    project("application.yaml", "s: {a: '${secret:A}', b: '${secret:B}'}\n")
    with pytest.raises(ConfigurationError) as caught:
        LexigramConfig.from_yaml(secrets=Vault())
    assert "s.a: the resolver 'vault' failed for the secret 'A': OSError" in str(caught.value)
    assert "s.b: the resolver 'vault' gave something that is no text for 'B'" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_every_name_that_is_exported_exists() -> None:
    """In the package and in what it is made of."""
    for module in (config_package, loading_module):
        assert all(hasattr(module, name) for name in module.__all__)
